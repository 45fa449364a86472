//! The media step against real files: made by the `ffmpeg` program, prepared by ours, checked with `ffprobe`.
//!
//! In: clips of a second or two. Out: assertions. Must not: compare bytes of encoders, which differ between versions.

mod bitmaps;
mod broken;
mod changing;
mod clips;
mod codecs;
mod command_line;
mod compare;
mod compress;
mod convert;
mod corpus;
mod cut;
mod draw;
mod edit_damaged;
mod growing;
mod isolation;
mod join;
mod kept_texts;
mod kinds;
mod live;
mod own_thumbnail;
mod plays_in_browser;
mod process;
mod songs;
mod sound;
mod split;
mod subtitles;
mod video;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tgferry::config::{Hardware, MediaConfig};
use tgferry::media::{GivenSubtitles, Media, PrepareRequest};
use tgferry::model::{Choice, Failure, Prepared, ProgressSender};
use tokio_util::sync::CancellationToken;

/// Far above what a clip needs; a test that hits it would hang without.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of its own for each test.
struct Bench {
    folder: TempDir,
    media: Media,
}

impl Bench {
    fn new() -> Self {
        Self::with(config())
    }

    fn with(config: MediaConfig) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self { folder, media: Media::new(config, PathBuf::from(env!("CARGO_BIN_EXE_tgferry"))) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("a test file is written");
        path
    }

    fn request(&self, input: &Path, choice: Choice) -> PrepareRequest {
        let job = self.path("job");
        std::fs::create_dir_all(&job).expect("the job's folder");
        PrepareRequest {
            inputs: vec![input.to_owned()],
            folder: job,
            choice,
            file_name: input.file_name().expect("a name").to_string_lossy().into_owned(),
            mime: None,
            title: None,
            performer: None,
            duration_s: None,
            picture: None,
            own_thumbnail: None,
            subtitles: GivenSubtitles::default(),
            max_bytes: None,
            min_video_bit_rate: 20_000,
        }
    }

    async fn prepare(&self, request: PrepareRequest) -> Result<Prepared, Failure> {
        let (progress, _watch) = ProgressSender::channel();
        let cancel = CancellationToken::new();
        let work = self.media.prepare(request, &progress, &cancel);
        tokio::time::timeout(PATIENCE, work).await.expect("it does not hang")
    }

    /// Prepares as a video, and checks what holds for every video that goes out.
    async fn video(&self, input: &Path) -> Prepared {
        let prepared = self.prepare(self.request(input, Choice::Video)).await.unwrap_or_else(|failure| panic!("{failure}"));
        clips::assert_plays_everywhere(&prepared);
        prepared
    }
}

fn config() -> MediaConfig {
    MediaConfig {
        preset: "ultrafast".into(),
        crf: 28,
        audio_bit_rate: 96_000,
        hardware: Hardware::Off,
        loudness: false,
        max_memory_bytes: 1 << 30,
        max_time_s: 50,
        threads: 2,
        niceness: 0,
    }
}
