//! Videos of sites, pages and streams, through the yt-dlp program.
//!
//! In: a link. Out: its card, and its streams as growing spools. Must not: be given names from outside as paths; leave a process behind.
//!
//! Streams that a web server has as files are fetched by our own hands (apart.rs, `fetch::http`); for every other one a process of its own writes a
//! file that is watched (watch.rs). Where only yt-dlp can tell what to fetch, one process fetches and joins all (joined.rs).
//!
//! The program is given public addresses alone (the link's host and the hosts in its metadata are resolved and checked before it downloads),
//! but what a page or a playlist leads it to by itself is beyond that check.

mod apart;
mod args;
mod cookies;
mod errors;
mod fragments;
mod info;
mod joined;
mod process;
mod progress;
mod subtitles;
mod tracks;
mod version;
mod watch;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;
use tokio_util::sync::CancellationToken;

use self::args::Hands;
use self::info::Info;
use self::process::{Group, read_tail};
pub use self::version::YtDlpVersion;
use super::client::Guard;
use super::decide::{self, Kind};
use super::http::Requester;
use super::names;
use super::recent::Recent;
use super::small;
use super::source::{FetchRequest, Fetched, Source, Target, TextRequest};
use crate::config::FetchConfig;
use crate::model::{Failure, FetchedFile, Link, ProgressSender, Reason, SourceCard};
use crate::spool::Spool;

/// Longest time for reading metadata. A slow site takes tens of seconds, with the site's own pauses.
const METADATA_TIMEOUT: Duration = Duration::from_secs(180);

/// Most that metadata may be, in bytes.
const METADATA_BYTES: u64 = 64 << 20;

/// Most that the metadata of one video may be to be remembered, in bytes.
const KEPT_METADATA_BYTES: usize = 2 << 20;

/// Longest time for the picture, which is only an ornament.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(20);

/// A download that has begun: its spools, and the extension that its file is to have.
struct Begun {
    spools: Vec<Spool>,
    extension: String,
}

/// Downloads by yt-dlp.
pub(crate) struct YtDlpSource {
    config: FetchConfig,
    guard: Guard,
    requester: Requester,
    recent: Arc<Recent<Info>>,
}

impl YtDlpSource {
    /// A source that runs the program of the settings.
    pub(crate) fn new(config: FetchConfig, guard: Guard, requester: Requester) -> Self {
        Self { config, guard, requester, recent: Arc::new(Recent::new()) }
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

    /// What is known of the video, and true if it was asked just now.
    async fn info(&self, target: &Target) -> Result<(Info, bool), Failure> {
        let link = &target.link;
        if let Some(info) = self.recent.get(link) {
            return Ok((info, false));
        }
        self.guard.check_resolved(link.url()).await?;
        let read = tokio::time::timeout(METADATA_TIMEOUT, self.read_metadata(link)).await;
        let info = read.map_err(|_| timed_out(METADATA_TIMEOUT))?.map_err(|failure| of_page(failure, target))?;
        if info.json.len() <= KEPT_METADATA_BYTES {
            self.recent.put(link, info.clone());
        }
        Ok((info, true))
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

    async fn fetch_picture(&self, info: &Info, folder: &Path) -> Option<PathBuf> {
        let (url, path) = (info.picture.as_ref()?, folder.join("picture"));
        let fetched = tokio::time::timeout(PICTURE_TIMEOUT, small::picture(&self.requester, url, &path)).await;
        match fetched {
            Ok(Ok(())) => return Some(path),
            Ok(Err(failure)) => tracing::debug!(%failure, "the picture could not be fetched"),
            Err(_) => {
                let _ = tokio::fs::remove_file(&path).await; // half a picture is none
            }
        }
        None
    }

    async fn get(
        &self,
        target: &Target,
        request: &FetchRequest,
        progress: &ProgressSender,
        cancel: &CancellationToken,
    ) -> Result<Fetched, Failure> {
        let (info, is_fresh) = self.info(target).await?;
        match self.attempt(target, request, (&info, is_fresh), progress, cancel).await {
            Err(failure) if !is_fresh && may_have_expired(&failure.reason) => {
                tracing::debug!(host = target.link.host(), %failure, "the addresses may have run out; the site is asked again");
                let (info, is_fresh) = self.info(target).await?;
                self.attempt(target, request, (&info, is_fresh), progress, cancel).await
            }
            outcome => outcome,
        }
    }

    /// With what is known of the video; a failure makes that forgotten.
    async fn attempt(
        &self,
        target: &Target,
        request: &FetchRequest,
        (info, is_fresh): (&Info, bool),
        progress: &ProgressSender,
        cancel: &CancellationToken,
    ) -> Result<Fetched, Failure> {
        let begin = async {
            for url in &info.media {
                self.guard.check_resolved(url).await?;
            }
            let hands = args::hands(&self.config.yt_dlp_args);
            let tracks = if hands == Hands::ForAll { None } else { tracks::choose(&info.json, request.choice) };
            match tracks {
                Some(tracks) => self.apart(request, tracks, (hands, is_fresh), progress, cancel).await,
                None => self.joined(request, info, progress).await,
            }
        };
        let begin = async { begin.await.map_err(|failure| of_page(failure, target)) };
        let picture = self.fetch_picture(info, &request.folder);
        let outcome = tokio::try_join!(begin, async { Ok(picture.await) });
        if outcome.is_err() {
            self.recent.forget(&target.link); // its addresses may have run out
        }
        let (Begun { spools, extension }, picture) = outcome?;
        let file = FetchedFile {
            file_name: names::from_title(info.title.as_deref().unwrap_or_default(), &extension),
            mime: mime_guess::from_ext(&extension).first_raw().map(str::to_owned),
            title: info.title.clone(),
            author: info.author.clone(),
            duration_s: info.duration_s,
            picture,
        };
        Ok(Fetched { file, spools })
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
        Box::pin(async move { Ok(self.info(target).await?.0.card(&target.link)) })
    }

    fn fetch<'a>(
        &'a self,
        target: &'a Target,
        request: &'a FetchRequest,
        progress: &'a ProgressSender,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Fetched, Failure>> {
        Box::pin(self.get(target, request, progress, cancel))
    }

    fn subtitles<'a>(&'a self, target: &'a Target, request: &'a TextRequest) -> BoxFuture<'a, Result<Option<PathBuf>, Failure>> {
        Box::pin(async move {
            let (info, is_fresh) = self.info(target).await?;
            match self.fetch_subtitles(&info, request).await {
                Err(failure) if !is_fresh && may_have_expired(&failure.reason) => {
                    self.recent.forget(&target.link);
                    self.fetch_subtitles(&self.info(target).await?.0, request).await
                }
                outcome => outcome,
            }
        })
    }
}

/// A page on which yt-dlp finds nothing is a web page, such as a log-in, and no unknown kind of link.
fn of_page(failure: Failure, target: &Target) -> Failure {
    match failure.reason {
        Reason::Unsupported if target.kind == Some(Kind::Page) => Failure::new(Reason::WebPage, failure.cause),
        _ => failure,
    }
}

/// What a site says of addresses that were good for some time.
fn may_have_expired(reason: &Reason) -> bool {
    matches!(reason, Reason::HttpStatus { status: 401 | 403 } | Reason::NotFound)
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

/// For [`super::fuzzing`].
#[cfg(fuzzing)]
pub(super) fn fuzz(data: &[u8]) {
    if let Ok(info) = info::Info::parse(data) {
        let link = Link::parse("https://example.org/film").expect("it is one");
        let _ = info.card(&link);
    }
    let text = String::from_utf8_lossy(data);
    let mut tally = progress::Tally::default();
    for line in text.lines() {
        match progress::parse(line) {
            Some(progress::Event::Selected(sizes)) => tally.select(sizes),
            Some(progress::Event::Progress(part)) => tally.add(part),
            Some(progress::Event::Finished(_)) | None => {}
        }
    }
    let _ = version::parse(&text);
    let url = url::Url::parse("https://www.example.org/a/film").expect("it is one");
    let _ = cookies::for_url(&text, &url);
}
