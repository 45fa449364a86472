//! A range of a file, exact to the picture.
//!
//! In: [`CutRequest`]. Out: [`WasCut`], which says how much of it had to be encoded. Must not: run FFmpeg in this process, or change the source.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use tokio_util::sync::CancellationToken;

use super::decide::{audio_plays, video_plays};
use super::prepare::playable;
use super::protocol::{AudioWork, Cut, Reply, Request, SoundSettings, Task};
use super::{Media, Word, absolute};
use crate::model::{Failure, ProgressSender, Reason, Step};

/// What [`Media::cut`] works on.
#[derive(Clone, Debug)]
pub struct CutRequest {
    /// A video or a song, whole.
    pub input: PathBuf,
    /// A folder of one's own, on the disk that takes the result.
    pub folder: PathBuf,
    /// Where the range begins, counted from the start.
    pub from: Duration,
    /// Where it ends, the picture that begins there left out; the end of the file if it is not said.
    pub to: Option<Duration>,
}

/// What [`Media::cut`] made.
#[derive(Clone, Debug, PartialEq)]
pub struct WasCut {
    /// Where it lies, in the folder of the request: an MP4, or an M4A of a song.
    pub path: PathBuf,
    /// Its length in seconds.
    pub duration_s: f64,
    /// Pictures that were copied as they were.
    pub copied_pictures: u64,
    /// Pictures that were encoded anew.
    pub encoded_pictures: u64,
    /// Why all pictures were encoded, if they were: in English, for a log or a terminal.
    pub whole_because: Option<String>,
}

impl Media {
    /// Cuts a range out of a file. The first picture is the first that begins in the range (a thousandth of a second earlier still counts, since people round).
    /// Pictures that play everywhere are copied from the first key frame in the range on, and encoded before it and at the very end; others are all encoded. Sound
    /// that plays everywhere is copied.
    ///
    /// # Errors
    /// As [`Media::probe`]; [`Reason::Empty`] if nothing lies in the range.
    pub async fn cut(&self, request: CutRequest, progress: &ProgressSender, cancel: &CancellationToken) -> Result<WasCut, Failure> {
        let (input, folder) = (absolute(&request.input)?, absolute(&request.folder)?);
        let probed = self.probe_in_child(&input, cancel).await?;
        if let Some(cause) = probed.unreadable {
            return Err(Failure::new(Reason::BrokenMedia, anyhow!(cause)));
        }
        let info = probed.info;
        let output = folder.join(if info.video.is_some() { "cut.mp4" } else { "cut.m4a" });
        let task = Cut {
            input: input.clone(),
            output: output.clone(),
            from_us: microseconds(request.from),
            to_us: request.to.map_or(i64::MAX, microseconds),
            joins_pictures: info.video.as_ref().is_some_and(video_plays),
            settings: playable(&self.config),
            crf: f64::from(self.config.crf),
            audio: match &info.audio {
                None => AudioWork::Leave,
                Some(audio) if audio_plays(audio) => AudioWork::Copy,
                Some(_) => AudioWork::Encode(SoundSettings::aac(self.config.audio_bit_rate)),
            },
            encode_audio: SoundSettings::aac(self.config.audio_bit_rate),
            title: info.title,
            artist: info.artist,
        };
        let limits = self.limits(info.size_bytes, vec![input], Some(folder));
        let hear = |word: Word| {
            if let Word::Progress(per_mille) = word {
                progress.report(Step::Splitting, u64::from(per_mille), Some(1000));
            }
        };
        match self.run_child(Request { limits, task: Task::Cut(Box::new(task)) }, &[], self.max_time(), hear, cancel).await? {
            Reply::Cut(made) => Ok(WasCut {
                path: output,
                duration_s: made.duration_s,
                copied_pictures: made.copied_pictures,
                encoded_pictures: made.encoded_pictures,
                whole_because: made.whole_because,
            }),
            other => Err(Failure::internal(anyhow!("a cut was answered with {other:?}"))),
        }
    }
}

fn microseconds(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
