//! Several files behind each other, as one.
//!
//! In: [`JoinRequest`]. Out: [`WasJoined`], which says what had to be encoded. Must not: run FFmpeg in this process, or change the sources.

use std::path::PathBuf;

use anyhow::anyhow;
use tokio_util::sync::CancellationToken;

use super::decide::{audio_plays, video_plays};
use super::prepare::playable;
use super::protocol::{Join, Reply, Request, Task};
use super::{Media, Word, absolute};
use crate::model::{Failure, ProgressSender, Reason, Step};

/// What [`Media::join`] works on.
#[derive(Clone, Debug)]
pub struct JoinRequest {
    /// Videos or songs in order, whole: all with pictures, or none.
    pub inputs: Vec<PathBuf>,
    /// A folder of one's own, on the disk that takes the result.
    pub folder: PathBuf,
}

/// What [`Media::join`] made.
#[derive(Clone, Debug, PartialEq)]
pub struct WasJoined {
    /// Where it lies, in the folder of the request: an MP4, or an M4A of songs.
    pub path: PathBuf,
    /// Its length in seconds.
    pub duration_s: f64,
    /// Why pictures were encoded, if they were: in English, for a log or a terminal.
    pub pictures_because: Option<String>,
    /// Why sound was encoded, if it was.
    pub sound_because: Option<String>,
}

impl Media {
    /// Puts files behind each other. Each begins where the longest track of the one before ends. Pictures and sound are each copied if they play everywhere and were
    /// encoded alike; else they are encoded: pictures to the size of the largest and the highest rate, with black around those of another shape, sound
    /// with silence where a file has none.
    ///
    /// # Errors
    /// As [`Media::probe`], for any of the files; [`Reason::BrokenMedia`] too if some have pictures and others have none.
    pub async fn join(&self, request: JoinRequest, progress: &ProgressSender, cancel: &CancellationToken) -> Result<WasJoined, Failure> {
        let inputs = request.inputs.iter().map(|input| absolute(input)).collect::<Result<Vec<_>, _>>()?;
        let folder = absolute(&request.folder)?;
        let mut infos = Vec::new();
        for input in &inputs {
            let probed = self.probe_in_child(input, cancel).await?;
            if let Some(cause) = probed.unreadable {
                return Err(Failure::new(Reason::BrokenMedia, anyhow!("{}: {cause}", input.display())));
            }
            infos.push(probed.info);
        }
        let with_pictures = infos.iter().filter(|info| info.video.is_some()).count();
        if with_pictures != 0 && with_pictures != infos.len() {
            return Err(Failure::new(Reason::BrokenMedia, anyhow!("{with_pictures} of {} files have pictures", infos.len())));
        }
        let first = infos.first().ok_or_else(|| Failure::internal(anyhow!("there is nothing to join")))?;
        let output = folder.join(if with_pictures > 0 { "joined.mp4" } else { "joined.m4a" });
        let task = Join {
            inputs: inputs.clone(),
            output: output.clone(),
            copies_pictures: infos.iter().all(|info| info.video.as_ref().is_none_or(video_plays)),
            copies_sound: infos.iter().all(|info| info.audio.as_ref().is_none_or(audio_plays)),
            settings: playable(&self.config),
            crf: f64::from(self.config.crf),
            audio_bit_rate: self.config.audio_bit_rate,
            title: first.title.clone(),
            artist: first.artist.clone(),
        };
        let limits = self.limits(infos.iter().map(|info| info.size_bytes).sum(), inputs, Some(folder));
        let hear = |word: Word| {
            if let Word::Progress(per_mille) = word {
                progress.report(Step::Remuxing, u64::from(per_mille), Some(1000));
            }
        };
        match self.run_child(Request { limits, task: Task::Join(Box::new(task)) }, &[], self.max_time(), hear, cancel).await? {
            Reply::Joined(made) => Ok(WasJoined {
                path: output,
                duration_s: made.duration_s,
                pictures_because: made.pictures_because,
                sound_because: made.sound_because,
            }),
            other => Err(Failure::internal(anyhow!("a join was answered with {other:?}"))),
        }
    }
}
