//! Makes a file playable everywhere, or says why it can't be.
//!
//! In: a file on disk that is whole or still growing, the person's choice, the bytes it must fit into. Out: [`Prepared`]. Must not: run FFmpeg in this process (it runs in
//! a child of the same program, [`worker`]), call the other steps, or delete the input.

mod begin;
mod boxes;
mod child;
mod clock;
mod compress;
mod convert;
mod cut;
mod decide;
mod draw;
mod feeding;
mod fit;
mod formats;
#[cfg(fuzzing)]
pub mod fuzzing;
mod join;
mod language;
mod memo;
mod names;
mod prepare;
mod protocol;
mod remux;
mod sniff;
mod split;
mod steer;
mod subtitles;
pub mod worker;
mod zygote;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures::future::BoxFuture;
use tokio::io::AsyncReadExt;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

use crate::config::MediaConfig;
use crate::model::{Choice, Failure, MediaInfo, Prepared, ProgressSender, Reason};
use crate::spool::Spool;

pub use convert::{ConvertRequest, Converted};
pub use cut::{CutRequest, WasCut};
pub use draw::DrawRequest;
pub use fit::{FitRequest, Fitting};
pub use formats::{Format, Preset};
pub use join::{JoinRequest, WasJoined};
pub use language::Language;
pub use split::SplitRequest;
pub use subtitles::{
    GivenSubtitles, SRT_NAME, SubtitlesRequest, SubtitlesTrack, SubtitlesWork, TextFile, subtitles_tracks, text_track, text_tracks,
    track_to_burn_in,
};

use child::Word;
use clock::{Clock, Pause};
use protocol::{Limits, Probed, Reply, Request, Source, Task};
use sniff::{SNIFF_BYTES, Sniffed};
use zygote::Zygote;

/// Longest time that a probe may take; it reads a few megabytes.
const PROBE_TIME: Duration = Duration::from_secs(60);
/// A media process may write so many bytes however small its input is.
const MIN_FILE_BYTES: u64 = 512 << 20;
/// A growing input is taken to be at least so large, whatever it promises: more than Telegram takes in one file. The download has limits of its own.
const GROWING_FILE_BYTES: u64 = 4 << 30;

/// The media step. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Media {
    config: MediaConfig,
    zygote: Arc<Zygote>,
    at_once: u64,
    pause: Pause,
}

/// What [`Media::prepare`] works on.
#[derive(Clone, Debug)]
pub struct PrepareRequest {
    /// The files: one, or picture and sound apart (picture first).
    pub inputs: Vec<PathBuf>,
    /// The job's folder: whatever is made goes in here.
    pub folder: PathBuf,
    /// What the person wants.
    pub choice: Choice,
    /// The name that came with the file.
    pub file_name: String,
    /// The MIME type that came with the file.
    pub mime: Option<String>,
    /// Title of the content.
    pub title: Option<String>,
    /// Who made the content.
    pub performer: Option<String>,
    /// Length in seconds as the source says, if it does.
    pub duration_s: Option<f64>,
    /// A picture of the content, for cover and thumbnail of a song.
    pub picture: Option<PathBuf>,
    /// The person's own picture for the thumbnail of a video or a song (JPEG, PNG or WebP, of any size), in place of a frame. One that can't be read is passed over.
    pub own_thumbnail: Option<PathBuf>,
    /// Subtitles that a video is given beside those that it has.
    pub subtitles: GivenSubtitles,
    /// Compress to at most so many bytes.
    pub max_bytes: Option<u64>,
    /// Refuse to compress below this rate of the picture, in bits a second.
    pub min_video_bit_rate: u64,
}

impl PrepareRequest {
    fn input(&self) -> &Path {
        self.inputs.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// Paths as the child takes them.
    fn absolute(mut self) -> Result<Self, Failure> {
        self.inputs = self.inputs.iter().map(|input| absolute(input)).collect::<Result<_, _>>()?;
        self.folder = absolute(&self.folder)?;
        self.picture = self.picture.as_deref().map(absolute).transpose()?;
        self.own_thumbnail = self.own_thumbnail.as_deref().map(absolute).transpose()?;
        for text in self.subtitles.tracks.iter_mut().chain(&mut self.subtitles.burn) {
            text.path = absolute(&text.path)?;
        }
        Ok(self)
    }
}

/// Resolves when it is this file's turn to take the processor; the permit is held while it does.
pub type Turn = BoxFuture<'static, Result<OwnedSemaphorePermit, Failure>>;

/// The cause in a failure of [`Preparing::done`] when what has gone up so far is no part of the result: it has to be forgotten, and
/// [`Media::begin`] called again in the same folder, which will then wait until the inputs are whole. See [`must_start_over`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0}: it has to be made once the inputs are whole")]
pub struct StartOver(&'static str);

/// True if the same work can be done, but not while the inputs grow ([`StartOver`]).
pub fn must_start_over(failure: &Failure) -> bool {
    failure.cause.is::<StartOver>()
}

/// A file that is being made ready.
pub struct Preparing {
    /// What goes up. It may still be growing, with room at its start that is filled in last; it fails if making it fails.
    pub spool: Spool,
    /// As what it will be sent, and how it is called: enough to choose a way up. Sizes and lengths in it are not final.
    pub sketch: Prepared,
    /// Resolves when the file is whole. Dropping it stops the work. If it fails with [`StartOver`], the spool fails only after it.
    pub done: BoxFuture<'static, Result<Prepared, Failure>>,
}

impl Media {
    /// A media step. `worker_program` is usually `std::env::current_exe()`; it is started as `<worker_program> media-zygote` and has to call
    /// [`worker::zygote::run`] then.
    pub fn new(config: MediaConfig, worker_program: PathBuf) -> Self {
        Self { config, zygote: Arc::new(Zygote::new(worker_program)), at_once: 1, pause: Pause::new(None) }
    }

    /// The same step, whose work pauses while the value is true: its media processes take no processor then, and the time does not count.
    #[must_use]
    pub fn pausing_with(self, pauses: watch::Receiver<bool>) -> Self {
        Self { pause: Pause::new(Some(pauses)), ..self }
    }

    /// So many media processes run at once at most: where `media.threads` is 0 they share the processors.
    #[must_use]
    pub fn sharing(self, at_once: usize) -> Self {
        Self { at_once: at_once.max(1) as u64, ..self }
    }

    /// Says what a file is. Fails with [`Reason::Empty`], [`Reason::WebPage`] or, if FFmpeg can't read it, [`Reason::BrokenMedia`].
    pub async fn probe(&self, input: &Path, cancel: &CancellationToken) -> Result<MediaInfo, Failure> {
        let (sniffed, _) = look(input).await?;
        match sniffed {
            Sniffed::Empty => return Err(Reason::Empty.into()),
            Sniffed::WebPage => return Err(Reason::WebPage.into()),
            Sniffed::Jpeg | Sniffed::Png | Sniffed::NoMedia | Sniffed::Unknown => {}
        }
        let probed = self.probe_in_child(input, cancel).await?;
        match probed.unreadable {
            Some(cause) => Err(Failure::new(Reason::BrokenMedia, anyhow!(cause))),
            None => Ok(probed.info),
        }
    }

    /// Makes a file ready for Telegram: passes it on, rewrites its container, or encodes it again; adds a thumbnail. The path in the answer is the
    /// input itself if nothing had to change.
    ///
    /// # Errors
    /// A [`Failure`] with the reason for the person: [`Reason::WebPage`], [`Reason::Empty`], [`Reason::BrokenMedia`], [`Reason::NoAudio`],
    /// [`Reason::MediaLimits`], [`Reason::NoLane`] (it can't be made small enough), [`Reason::DiskFull`], [`Reason::Cancelled`].
    pub async fn prepare(
        &self,
        request: PrepareRequest,
        progress: &ProgressSender,
        cancel: &CancellationToken,
    ) -> Result<Prepared, Failure> {
        prepare::prepare(self, request, progress, cancel).await
    }

    /// Begins to make files ready that may still be growing: `inputs` are the spools of `request.inputs`, in the same order. Comes back as soon as it
    /// is known what goes up and its first bytes are there; content that has to be whole first (a transcode, a size to fit) is waited
    /// for here, and then for `turn`.
    ///
    /// # Errors
    /// As [`Media::prepare`], and whatever the inputs fail with. Later failures are in [`Preparing::spool`] and [`Preparing::done`].
    pub async fn begin(
        &self,
        request: PrepareRequest,
        inputs: Vec<Spool>,
        turn: Turn,
        progress: &ProgressSender,
        cancel: &CancellationToken,
    ) -> Result<Preparing, Failure> {
        begin::begin(self, request, inputs, turn, progress, cancel).await
    }

    /// Cuts a video or a song into pieces that each play from their start and are at most so big, as few and as equal as that allows; nothing is
    /// encoded. Each piece has a thumbnail, and a number in its name.
    ///
    /// # Errors
    /// [`Reason::NoLane`] if it would take too many pieces, or no key frames are near enough; else as [`Media::prepare`].
    pub async fn split(
        &self,
        request: SplitRequest,
        progress: &ProgressSender,
        cancel: &CancellationToken,
    ) -> Result<Vec<Prepared>, Failure> {
        split::split(self, request, progress, cancel).await
    }

    async fn probe_in_child(&self, input: &Path, cancel: &CancellationToken) -> Result<Probed, Failure> {
        let input = Source { path: absolute(input)?, growing: None };
        self.probe_source(input, &[], cancel).await
    }

    /// Looks at the start of a file that may still be growing; as far as its container can tell from there.
    async fn probe_head(&self, input: &Spool, cancel: &CancellationToken) -> Result<Probed, Failure> {
        let growing = (!input.length().finished).then_some(0);
        let source = Source { path: absolute(input.path())?, growing };
        self.probe_source(source, std::slice::from_ref(input), cancel).await
    }

    async fn probe_source(&self, input: Source, growing: &[Spool], cancel: &CancellationToken) -> Result<Probed, Failure> {
        let limits = self.limits(0, vec![input.path.clone()], None);
        let task = Task::Probe { head: input.growing.is_some(), input };
        match self.run_child(Request { limits, task }, growing, PROBE_TIME, |_| {}, cancel).await? {
            Reply::Probed(probed) => Ok(*probed),
            other => Err(Failure::internal(anyhow!("a probe was answered with {other:?}"))),
        }
    }

    async fn run_child(
        &self,
        request: Request,
        growing: &[Spool],
        max_time: Duration,
        hear: impl FnMut(Word),
        cancel: &CancellationToken,
    ) -> Result<Reply, Failure> {
        let clock = Clock::new(max_time.min(self.max_time()), self.pause.clone());
        child::run(&self.zygote, &request, growing, clock, hear, cancel).await
    }

    fn max_time(&self) -> Duration {
        Duration::from_secs(self.config.max_time_s)
    }

    fn limits(&self, input_bytes: u64, readable: Vec<PathBuf>, writable: Option<PathBuf>) -> Limits {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        Limits {
            memory_bytes: self.config.max_memory_bytes,
            cpu_s: self.config.max_time_s.saturating_mul(cores),
            file_bytes: input_bytes.saturating_mul(4).saturating_add(MIN_FILE_BYTES),
            niceness: self.config.niceness,
            hardware: self.config.hardware,
            threads: threads(self.config.threads, cores, self.at_once),
            readable,
            writable,
        }
    }
}

/// Threads of one encoder; 0 is FFmpeg's own choice, one for each processor and a few more. Each holds frames of its own, so on a machine with many cores FFmpeg's own choice would not fit the memory limit.
fn threads(configured: u32, cores: u64, at_once: u64) -> u32 {
    match configured {
        0 if at_once > 1 => (cores / at_once).clamp(1, 12) as u32,
        0 if cores > 8 => 12,
        configured => configured,
    }
}

/// The first bytes of a file and its size.
async fn look(input: &Path) -> Result<(Sniffed, u64), Failure> {
    let open = async {
        let file = tokio::fs::File::open(input).await?;
        let size_bytes = file.metadata().await?.len();
        let mut start = Vec::with_capacity(SNIFF_BYTES);
        file.take(SNIFF_BYTES as u64).read_to_end(&mut start).await?;
        std::io::Result::Ok((sniff::sniff(&start), size_bytes))
    };
    open.await.with_context(|| format!("reading {}", input.display())).map_err(Failure::internal)
}

/// The child works in another folder, and FFmpeg takes paths as text that must not look like a protocol.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let path = std::path::absolute(path).map_err(Failure::internal)?;
    if path.to_str().is_none() {
        return Err(Failure::internal(anyhow!("{} is not UTF-8", path.display())));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    #[test]
    fn many_cores_do_not_mean_many_threads() {
        for (configured, cores, expected) in [(0, 2, 0), (0, 64, 12), (4, 64, 4), (1, 1, 1)] {
            assert_eq!(super::threads(configured, cores, 1), expected);
        }
    }

    #[test]
    fn encodes_share_the_processors() {
        for (configured, cores, at_once, expected) in [(0, 8, 2, 4), (0, 2, 4, 1), (0, 64, 2, 12), (3, 8, 4, 3)] {
            assert_eq!(super::threads(configured, cores, at_once), expected, "{configured} {cores} {at_once}");
        }
    }
}
