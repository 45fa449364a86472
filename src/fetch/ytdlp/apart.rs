//! Streams of a video side by side, each into its own growing spool.
//!
//! In: the tracks that were chosen. Out: their spools, each with its first byte. Must not: join them; leave one running when another has failed.

use std::path::Path;

use futures::future::try_join_all;
use tokio_util::sync::CancellationToken;

use super::args::Hands;
use super::fragments::{self, Files, Good};
use super::process::Group;
use super::tracks::{Track, WebFile};
use super::watch::{self, Stream};
use super::{Begun, YtDlpSource, args};
use crate::fetch::client::failure_of;
use crate::fetch::http::{Limits, Wanted};
use crate::fetch::source::FetchRequest;
use crate::fetch::together::{Size, Together};
use crate::fetch::workspace::{check_room, disk_failure};
use crate::model::{Failure, ProgressSender, Reason};
use crate::spool::{Spool, SpoolWriter};

/// How the files of each track begin.
const STEMS: [&str; 2] = ["track-0", "track-1"];

/// What a file of several tracks becomes.
const JOINED_EXTENSION: &str = "mp4";

/// Most that is read of a playlist, in bytes.
const PLAYLIST_BYTES: usize = 8 << 20;

/// One track, where it goes, and the download that it is part of.
struct Way<'a> {
    track: &'a Track,
    number: usize,
    stem: &'static str,
    /// What it is, the same in every attempt.
    content: String,
    /// True if its address was asked for just now, so that it can't have run out.
    is_fresh: bool,
    folder: &'a Path,
    together: Together,
}

impl YtDlpSource {
    /// Begins to fetch all tracks at once; comes back when each has its first byte.
    pub(super) async fn apart(
        &self,
        request: &FetchRequest,
        tracks: Vec<Track>,
        (hands, is_fresh): (Hands, bool),
        progress: &ProgressSender,
        cancel: &CancellationToken,
    ) -> Result<Begun, Failure> {
        let folder = tokio::fs::canonicalize(&request.folder).await.map_err(|error| disk_failure(error, "open the job's folder"))?;
        let (recent, link) = (self.recent.clone(), request.link.clone());
        let forget = move || recent.forget(&link); // its addresses may have run out
        let together = Together::with_hook(tracks.len(), self.config.max_bytes, progress, cancel, forget);
        let ways = tracks.iter().zip(STEMS).enumerate().map(|(number, (track, stem))| {
            let content = format!("{} {}", request.link, track.format_id);
            self.begin_track(Way { track, number, stem, content, is_fresh, folder: &folder, together: together.clone() }, hands)
        });
        let spools = match try_join_all(ways).await {
            Ok(spools) => spools,
            Err(failure) => {
                together.end(&failure.reason).await;
                return Err(failure);
            }
        };
        let extension = match tracks.as_slice() {
            [track] => track.extension.clone(),
            _ => JOINED_EXTENSION.to_owned(),
        };
        Ok(Begun { spools, extension })
    }

    async fn begin_track(&self, way: Way<'_>, hands: Hands) -> Result<Spool, Failure> {
        match &way.track.file {
            Some(file) if hands == Hands::Ours => match self.by_ourselves(&way, file).await {
                Err(failure) if way.is_fresh && is_refused(&failure.reason) => {
                    tracing::debug!(host = file.url.host_str(), %failure, "what we are refused is left to yt-dlp");
                    self.by_process(&way).await
                }
                outcome => outcome,
            },
            _ => self.by_process(&way).await,
        }
    }

    async fn by_ourselves(&self, way: &Way<'_>, file: &WebFile) -> Result<Spool, Failure> {
        let wanted = Wanted {
            requester: self.requester.with_headers(file.headers.clone()),
            url: file.url.clone(),
            folder: way.folder.to_owned(),
            stem: way.stem,
            content: way.content.clone(),
            limits: Limits {
                keep_free_bytes: self.config.keep_free_bytes,
                resume_attempts: self.config.resume_attempts,
                chunk_bytes: file.chunk_bytes,
                may_expire: true,
            },
            together: way.together.clone(),
            track: way.number,
        };
        Ok(wanted.begin().await?.1)
    }

    async fn by_process(&self, way: &Way<'_>) -> Result<Spool, Failure> {
        let files = Files::new(way.folder, way.stem);
        let mut good = files.find(&way.content).await;
        if good.as_ref().is_some_and(|good| good.whole) {
            return self.whole_already(way, &files).await;
        }
        if let Some(playlist) = way.track.playlist.as_ref().filter(|_| good.is_some())
            && !self.can_go_on(playlist).await
        {
            good = None;
        }
        let there_bytes = good.as_ref().map_or(0, |good| good.bytes);
        check_room(way.folder, way.track.size_bytes.unwrap_or(0).saturating_sub(there_bytes), self.config.keep_free_bytes)?;
        let prepared = async {
            files.prepare(good.as_ref()).await?;
            tokio::fs::write(files.info(), way.track.json.as_bytes()).await
        };
        prepared.await.map_err(|error| disk_failure(error, "prepare the file of a stream"))?;
        let arguments = args::track(&self.config, &files.info(), way.folder, files.name());
        let group = Group::start(&self.config.yt_dlp, &arguments, way.folder)?;
        let (writer, spool) = SpoolWriter::watching(&files.media());
        let stream = Stream {
            good: good.unwrap_or(Good { content: way.content.clone(), bytes: 0, fragments: 0, whole: false }),
            files,
            together: way.together.clone(),
            track: way.number,
            grows: way.track.grows,
            size_bytes: way.track.size_bytes,
            max_bytes: self.config.max_bytes,
            keep_free_bytes: self.config.keep_free_bytes,
        };
        way.together.spawn(watch::run(stream, group, writer));
        spool.started().await?;
        Ok(spool)
    }

    async fn whole_already(&self, way: &Way<'_>, files: &Files) -> Result<Spool, Failure> {
        let spool = Spool::whole(&files.media()).await.map_err(|error| disk_failure(error, "open a fetched stream"))?;
        let size_bytes = spool.length().ready_bytes();
        way.together.report(way.number, size_bytes, Size::Exact(size_bytes))?;
        Ok(spool)
    }

    /// True if an HLS playlist can be begun in the middle; a doubt means no.
    async fn can_go_on(&self, playlist: &WebFile) -> bool {
        match self.read_playlist(playlist).await {
            Ok(text) => fragments::can_begin_in_the_middle(&text),
            Err(failure) => {
                tracing::debug!(%failure, "the playlist could not be read; the stream is fetched anew");
                false
            }
        }
    }

    async fn read_playlist(&self, playlist: &WebFile) -> Result<String, Failure> {
        let requester = self.requester.with_headers(playlist.headers.clone());
        let mut opened = requester.open(&playlist.url).await?.accepted()?;
        let mut bytes = Vec::new();
        loop {
            let piece = tokio::time::timeout(requester.stall_timeout(), opened.response.chunk()).await;
            let piece =
                piece.map_err(|_| Failure::new(Reason::Network, anyhow::anyhow!("the playlist's server stalled")))?.map_err(failure_of)?;
            let Some(piece) = piece else { return Ok(String::from_utf8_lossy(&bytes).into_owned()) };
            bytes.extend_from_slice(&piece);
            if bytes.len() > PLAYLIST_BYTES {
                return Err(Failure::new(Reason::Unsupported, anyhow::anyhow!("the playlist is too long")));
            }
        }
    }
}

/// Some sites tell programs apart by more than headers, and take yt-dlp for something else than us.
fn is_refused(reason: &Reason) -> bool {
    matches!(reason, Reason::HttpStatus { status: 400..=499 } | Reason::WebPage | Reason::Unsupported)
}
