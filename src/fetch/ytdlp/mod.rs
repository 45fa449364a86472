//! Videos of sites, pages and streams, through the yt-dlp program.
//!
//! In: a link. Out: its card, and the file as a whole spool. Must not: be given names from outside as paths; leave a process behind.
//!
//! The program is given public addresses alone (the link's host and the hosts in its metadata are resolved and checked before it downloads),
//! but what a page or a playlist leads it to by itself is beyond that check.

mod args;
mod errors;
mod info;
mod process;
mod progress;
mod version;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::ChildStdout;
use tokio_util::sync::CancellationToken;

use self::info::Info;
use self::process::{Group, read_tail};
use self::progress::{Event, Tally};
pub use self::version::YtDlpVersion;
use super::client::Guard;
use super::decide::{self, Kind};
use super::http::{Requester, whole};
use super::names;
use super::picture;
use super::recent::Recent;
use super::source::{FetchRequest, Fetched, Source, Target};
use super::workspace::{check_room, disk_failure};
use crate::config::FetchConfig;
use crate::model::{Failure, FetchedFile, Link, ProgressSender, Reason, SourceCard, Step};

/// Longest time for reading metadata. A slow site takes tens of seconds, with the site's own pauses.
const METADATA_TIMEOUT: Duration = Duration::from_secs(180);

/// Most that metadata may be, in bytes.
const METADATA_BYTES: u64 = 64 << 20;

/// Most that the metadata of one video may be to be remembered, in bytes.
const KEPT_METADATA_BYTES: usize = 2 << 20;

/// Longest silence during a download. Joining picture and sound of a large file prints nothing for minutes.
const SILENCE: Duration = Duration::from_secs(1800);

/// Longest time for the picture, which is only an ornament.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(20);

/// The metadata in the job's folder, for yt-dlp to load.
const INFO_FILE: &str = "info.json";

/// Downloads by yt-dlp.
pub(crate) struct YtDlpSource {
    config: FetchConfig,
    guard: Guard,
    requester: Requester,
    recent: Recent<Info>,
}

impl YtDlpSource {
    /// A source that runs the program of the settings.
    pub(crate) fn new(config: FetchConfig, guard: Guard, requester: Requester) -> Self {
        Self { config, guard, requester, recent: Recent::new() }
    }

    /// What the program says of itself.
    pub(crate) async fn version(&self) -> Result<YtDlpVersion, Failure> {
        let arguments = ["--ignore-config", "--no-update", "--verbose"].map(OsString::from);
        let mut group = self.start(&arguments, &std::env::temp_dir())?;
        let output = match group.stderr.take() {
            Some(stderr) => tokio::time::timeout(METADATA_TIMEOUT, read_tail(stderr)).await.map_err(|_| timed_out(METADATA_TIMEOUT))??,
            None => String::new(),
        };
        version::parse(&output).ok_or_else(|| Failure::new(Reason::Downloader, anyhow::anyhow!("yt-dlp did not say its version")))
    }

    async fn info(&self, target: &Target) -> Result<Info, Failure> {
        let link = &target.link;
        if let Some(info) = self.recent.get(link) {
            return Ok(info);
        }
        self.guard.check_resolved(link.url()).await?;
        let read = tokio::time::timeout(METADATA_TIMEOUT, self.read_metadata(link)).await;
        let info = read.map_err(|_| timed_out(METADATA_TIMEOUT))?.map_err(|failure| of_page(failure, target))?;
        if info.json.len() <= KEPT_METADATA_BYTES {
            self.recent.put(link, info.clone());
        }
        Ok(info)
    }

    async fn read_metadata(&self, link: &Link) -> Result<Info, Failure> {
        let mut group = self.start(&args::metadata(&self.config, link), &std::env::temp_dir())?;
        let (stdout, stderr) = pipes(&mut group)?;
        let mut json = Vec::new();
        let mut stdout = stdout.take(METADATA_BYTES);
        let (read, stderr) = tokio::join!(stdout.read_to_end(&mut json), stderr);
        read.map_err(Failure::internal)?;
        let stderr = stderr?;
        if !group.end().await?.success() {
            return Err(self.failure(&stderr));
        }
        Info::parse(&json)
    }

    async fn download(&self, request: &FetchRequest, info: &Info, progress: &ProgressSender) -> Result<PathBuf, Failure> {
        for url in &info.media {
            self.guard.check_resolved(url).await?;
        }
        check_room(&request.folder, info.size_bytes.unwrap_or(0), self.config.keep_free_bytes)?;
        let folder = tokio::fs::canonicalize(&request.folder).await.map_err(|error| disk_failure(error, "open the job's folder"))?;
        let info_path = folder.join(INFO_FILE);
        tokio::fs::write(&info_path, info.json.as_bytes()).await.map_err(|error| disk_failure(error, "write the metadata"))?;

        let arguments = args::download(&self.config, request.choice, &info_path, &folder);
        let mut group = self.start(&arguments, &folder)?;
        let (stdout, stderr) = pipes(&mut group)?;
        let (result, stderr) = tokio::try_join!(self.follow(stdout, &folder, progress), stderr)?;
        let status = group.end().await?;
        match result {
            Some(path) if status.success() => inside(&folder, &path),
            _ => Err(self.failure(&stderr)),
        }
    }

    /// Reads the lines of a download, passes progress on, and stops it when it grows over a limit. Says where the result lies.
    async fn follow(&self, stdout: ChildStdout, folder: &Path, progress: &ProgressSender) -> Result<Option<String>, Failure> {
        let limit_bytes = self.config.max_bytes;
        let mut tally = Tally::default();
        let mut result = None;
        let mut lines = BufReader::new(stdout).lines();
        loop {
            let line = tokio::time::timeout(SILENCE, lines.next_line()).await.map_err(|_| timed_out(SILENCE))?;
            let Some(line) = line.map_err(Failure::internal)? else { return Ok(result) };
            match progress::parse(&line) {
                Some(Event::Selected(sizes)) => tally.select(sizes),
                Some(Event::Progress(part)) => {
                    tally.add(part);
                    if tally.certain_bytes() > limit_bytes {
                        return Err(Failure::from(Reason::TooLarge { size_bytes: tally.total_bytes(), limit_bytes }));
                    }
                    check_room(folder, 0, self.config.keep_free_bytes)?;
                    progress.report(Step::Fetching, tally.done_bytes(), tally.total_bytes());
                }
                Some(Event::Finished(path)) => result = Some(path),
                None => tracing::trace!(line, "yt-dlp"),
            }
        }
    }

    async fn fetch_picture(&self, info: &Info, folder: &Path) -> Option<PathBuf> {
        let (url, path) = (info.picture.as_ref()?, folder.join("picture"));
        let fetched = tokio::time::timeout(PICTURE_TIMEOUT, picture::download(&self.requester, url, &path)).await;
        match fetched {
            Ok(Ok(())) => return Some(path),
            Ok(Err(failure)) => tracing::debug!(%failure, "the picture could not be fetched"),
            Err(_) => {
                let _ = tokio::fs::remove_file(&path).await; // half a picture is none
            }
        }
        None
    }

    async fn get(&self, target: &Target, request: &FetchRequest, progress: &ProgressSender) -> Result<Fetched, Failure> {
        let info = self.info(target).await?;
        let picture = self.fetch_picture(&info, &request.folder);
        let download = async { self.download(request, &info, progress).await.map_err(|failure| of_page(failure, target)) };
        let outcome = tokio::try_join!(download, async { Ok(picture.await) });
        if outcome.is_err() {
            self.recent.forget(&target.link); // its addresses may have run out
        }
        let (path, picture) = outcome?;
        let spool = whole(&path).await?;
        let limit_bytes = self.config.max_bytes;
        match spool.length().ready_bytes() {
            0 => return Err(Failure::from(Reason::Empty)),
            size if size > limit_bytes => return Err(Failure::from(Reason::TooLarge { size_bytes: Some(size), limit_bytes })),
            _ => {}
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let file = FetchedFile {
            file_name: names::from_title(info.title.as_deref().unwrap_or_default(), extension),
            mime: mime_guess::from_ext(extension).first_raw().map(str::to_owned),
            title: info.title.clone(),
            author: info.author.clone(),
            duration_s: info.duration_s,
            picture,
        };
        Ok(Fetched { file, spools: vec![spool] })
    }

    fn start(&self, arguments: &[OsString], folder: &Path) -> Result<Group, Failure> {
        Group::start(&self.config.yt_dlp, arguments, folder)
    }

    fn failure(&self, stderr: &str) -> Failure {
        Failure::new(errors::reason(stderr, self.config.max_bytes), anyhow::anyhow!("yt-dlp: {}", stderr.trim()))
    }
}

impl Source for YtDlpSource {
    fn name(&self) -> &'static str {
        "yt-dlp"
    }

    fn takes(&self, link: &Link, seen: Option<&Target>) -> bool {
        match seen {
            None => decide::is_platform(link.host()),
            Some(target) => matches!(target.kind, Some(Kind::Page | Kind::Manifest)),
        }
    }

    fn inspect<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<SourceCard, Failure>> {
        Box::pin(async move { Ok(self.info(target).await?.card(&target.link)) })
    }

    fn fetch<'a>(
        &'a self,
        target: &'a Target,
        request: &'a FetchRequest,
        progress: &'a ProgressSender,
        _cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Fetched, Failure>> {
        Box::pin(self.get(target, request, progress))
    }
}

/// A page on which yt-dlp finds nothing is a web page, such as a log-in, and no unknown kind of link.
fn of_page(failure: Failure, target: &Target) -> Failure {
    match failure.reason {
        Reason::Unsupported if target.kind == Some(Kind::Page) => Failure::new(Reason::WebPage, failure.cause),
        _ => failure,
    }
}

/// The result, if it is a file of ours: what the program says is not followed out of the folder.
fn inside(folder: &Path, said: &str) -> Result<PathBuf, Failure> {
    let name = Path::new(said).file_name().and_then(|name| name.to_str()).filter(|name| name.starts_with(args::STEM));
    name.map(|name| folder.join(name))
        .ok_or_else(|| Failure::new(Reason::Downloader, anyhow::anyhow!("yt-dlp names a strange result: {said:?}")))
}

fn pipes(group: &mut Group) -> Result<(ChildStdout, impl Future<Output = Result<String, Failure>> + use<>), Failure> {
    match (group.stdout.take(), group.stderr.take()) {
        (Some(stdout), Some(stderr)) => Ok((stdout, read_tail(stderr))),
        _ => Err(Failure::internal(anyhow::anyhow!("the process has no pipes"))),
    }
}

fn timed_out(limit: Duration) -> Failure {
    Failure::new(Reason::Network, anyhow::anyhow!("yt-dlp said nothing for {limit:?}"))
}
