//! Streams that yt-dlp itself chooses, joins and mends: one process for all, and the file when it is whole.
//!
//! In: metadata and a folder. Out: a whole spool. Must not: follow a path out of the folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::ChildStdout;

use super::info::Info;
use super::progress::{self, Event, Tally};
use super::{Begun, YtDlpSource, args, pipes, timed_out};
use crate::fetch::source::FetchRequest;
use crate::fetch::workspace::{check_room, disk_failure};
use crate::model::{Failure, ProgressSender, Reason, Step};
use crate::spool::Spool;

/// Longest silence during a download. Joining picture and sound of a large file prints nothing for minutes.
const SILENCE: Duration = Duration::from_secs(1800);

/// The metadata in the job's folder, for yt-dlp to load.
const INFO_FILE: &str = "info.json";

impl YtDlpSource {
    /// Fetches what the settings make yt-dlp choose, joined.
    pub(super) async fn joined(&self, request: &FetchRequest, info: &Info, progress: &ProgressSender) -> Result<Begun, Failure> {
        let path = self.download(request, info, progress).await?;
        let spool = Spool::whole(&path).await.map_err(|error| disk_failure(error, "open the fetched file"))?;
        let limit_bytes = self.config.max_bytes;
        match spool.length().ready_bytes() {
            0 => return Err(Failure::from(Reason::Empty)),
            size if size > limit_bytes => return Err(Failure::from(Reason::TooLarge { size_bytes: Some(size), limit_bytes })),
            _ => {}
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_owned();
        Ok(Begun { spools: vec![spool], extension })
    }

    async fn download(&self, request: &FetchRequest, info: &Info, progress: &ProgressSender) -> Result<PathBuf, Failure> {
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
}

/// The result, if it is a file of ours: what the program says is not followed out of the folder.
fn inside(folder: &Path, said: &str) -> Result<PathBuf, Failure> {
    let name = Path::new(said).file_name().and_then(|name| name.to_str()).filter(|name| name.starts_with(args::STEM));
    name.map(|name| folder.join(name))
        .ok_or_else(|| Failure::new(Reason::Downloader, anyhow::anyhow!("yt-dlp names a strange result: {said:?}")))
}
