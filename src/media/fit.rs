//! Makes a video fit into so many bytes: looks at samples, plans, says how it will be, encodes.
//!
//! In: [`FitRequest`]. Out: [`Fitting`], which knows how long it will take and how it will look before it begins. Must not: choose sizes and
//! qualities (that is [`super::compress`]) or encode (that is the child's).

use std::path::PathBuf;

use anyhow::anyhow;
use tokio_util::sync::CancellationToken;

use super::compress::{self, Budget, Plan, Wish};
use super::decide::audio_plays;
use super::protocol::{
    AudioWork, Look, Looked, Make, Otherwise, Output, Probed, Rate, Reply, Request, SoundSettings, Source, Subtitles, Task, VideoSettings,
    VideoWork,
};
use super::{Media, Word};
use crate::model::{Appearance, Failure, ProgressSender, Reason, Step, VideoCodec};

/// Sound is copied if it takes so much more than its share at most.
const COPY_SOUND_UP_TO: f64 = 1.05;

/// "At most so many bytes, at least so good."
#[derive(Clone, Debug)]
pub struct FitRequest {
    /// The video.
    pub input: PathBuf,
    /// A folder of one's own, on the disk that takes the result.
    pub folder: PathBuf,
    /// The bytes to fit into.
    pub max_bytes: u64,
    /// How the picture is encoded.
    pub codec: VideoCodec,
    /// The least that is accepted of its looks.
    pub least: Appearance,
}

/// A video that can be made to fit.
#[derive(Clone, Debug)]
pub struct Fitting {
    /// Width and height that it will have, in pixels.
    pub size: (u32, u32),
    /// Frames a second at most.
    pub frame_rate: f64,
    /// How it will look.
    pub appearance: Appearance,
    /// How long it will take, in seconds.
    pub takes_s: f64,
    input: PathBuf,
    folder: PathBuf,
    size_bytes: u64,
    output: Output,
}

impl Media {
    /// Looks at samples of a video and says how it would be in so many bytes.
    ///
    /// # Errors
    /// As [`Media::probe`]; [`Reason::SlideShow`] if it would look worse than what is accepted.
    pub async fn plan_to_fit(&self, request: FitRequest, cancel: &CancellationToken) -> Result<Fitting, Failure> {
        let input = super::absolute(&request.input)?;
        let folder = super::absolute(&request.folder)?;
        let probed = self.probe_in_child(&input, cancel).await?;
        if let Some(cause) = probed.unreadable {
            return Err(Failure::new(Reason::BrokenMedia, anyhow!(cause)));
        }
        let terms = Terms { max_bytes: request.max_bytes, min_video_bit_rate: 0, codec: request.codec, least: request.least };
        let size_bytes = probed.info.size_bytes;
        let fit = fit(self, &probed, &input, terms, cancel).await?;
        let output = Output {
            path: folder.join("fitting.mp4"),
            container: "mp4".into(),
            video: fit.video,
            audio: fit.audio,
            subtitles: Subtitles { keep_bytes: Some(kept_text_bytes(request.max_bytes)), ..Subtitles::kept() },
            title: probed.info.title,
            artist: probed.info.artist,
            album: probed.info.album,
            cover: false,
            live: false,
            expected_s: None,
            otherwise: fit.otherwise,
        };
        let Plan { appearance, takes_s, max_frame_rate: frame_rate, .. } = fit.plan;
        Ok(Fitting { size: fit.size, frame_rate, appearance, takes_s, input, folder, size_bytes, output })
    }

    /// Does it. Gives the path of the result, in the folder of the request.
    ///
    /// # Errors
    /// As [`Media::prepare`].
    pub async fn fit(&self, fitting: Fitting, progress: &ProgressSender, cancel: &CancellationToken) -> Result<PathBuf, Failure> {
        let limits = self.limits(fitting.size_bytes, vec![fitting.input.clone()], Some(fitting.folder.clone()));
        let path = fitting.output.path.clone();
        let task = Make {
            inputs: vec![Source { path: fitting.input, growing: None }],
            folder: fitting.folder,
            output: Some(fitting.output),
            thumbnail: None,
            picture: None,
            own_thumbnail: None,
        };
        let hear = |word: Word| {
            if let Word::Progress(per_mille) = word {
                progress.report(Step::Compressing, u64::from(per_mille), Some(1000));
            }
        };
        match self.run_child(Request { limits, task: Task::Make(Box::new(task)) }, &[], self.max_time(), hear, cancel).await? {
            Reply::Made(_) => Ok(path),
            other => Err(Failure::internal(anyhow!("work was answered with {other:?}"))),
        }
    }
}

/// What is asked of the result.
pub(super) struct Terms {
    pub(super) max_bytes: u64,
    pub(super) min_video_bit_rate: u64,
    pub(super) codec: VideoCodec,
    pub(super) least: Appearance,
}

/// What happens to picture and sound so that they fit.
pub(super) struct Fit {
    pub(super) video: VideoWork,
    pub(super) audio: AudioWork,
    pub(super) otherwise: Otherwise,
    size: (u32, u32),
    plan: Plan,
}

/// Plans with a look at the content of `input`, which holds the picture.
pub(super) async fn fit(
    media: &Media,
    probed: &Probed,
    input: &std::path::Path,
    terms: Terms,
    cancel: &CancellationToken,
) -> Result<Fit, Failure> {
    let info = &probed.info;
    let refused = || Failure::from(Reason::SlideShow { size_bytes: info.size_bytes, limit_bytes: terms.max_bytes });
    let video = info.video.as_ref().ok_or_else(|| Failure::internal(anyhow!("nothing to compress")))?;
    let wish = Wish {
        duration_s: info.duration_s,
        max_bytes: terms.max_bytes,
        size: probed.display,
        frame_rate: video.frame_rate,
        audio_bit_rate: info.audio.as_ref().map(|_| media.config.audio_bit_rate),
        min_video_bit_rate: terms.min_video_bit_rate,
        codec: terms.codec,
    };
    let budget = compress::outline(wish).ok_or_else(refused)?;
    let settings = |max_short_side, max_frame_rate| VideoSettings {
        codec: terms.codec,
        preset: media.config.preset.clone(),
        max_short_side: Some(max_short_side),
        max_frame_rate,
        square: false,
    };
    let first = settings(budget.max_short_side, budget.max_frame_rate);
    let mut looked = look(media, input, wish, first, compress::sample_crfs(wish.codec), cancel).await?;
    let mut plan = compress::settle(wish, budget, &looked);
    if let Some(crfs) = compress::other_crfs(&plan, &looked, wish.codec) {
        looked = look(media, input, wish, settings(plan.max_short_side, plan.max_frame_rate), crfs, cancel).await?;
        plan = compress::settle_again(wish, budget, &looked, &plan);
    }
    if plan.appearance < terms.least {
        return Err(refused());
    }
    tracing::debug!(side = plan.max_short_side, rate = plan.max_frame_rate, crf = plan.course.crf, looks = ?plan.appearance, "compression planned");
    let audio = match &info.audio {
        None => AudioWork::Leave,
        Some(audio) if audio_plays(audio) && fits(audio.bit_rate, budget) => AudioWork::Copy,
        Some(_) => AudioWork::Encode(SoundSettings::aac(budget.audio_bit_rate)),
    };
    let rate = Rate::Size(Box::new(plan.course.clone()));
    let video = VideoWork::Encode { settings: settings(plan.max_short_side, plan.max_frame_rate), rate };
    let otherwise = Otherwise { encode_audio: Some(SoundSettings::aac(budget.audio_bit_rate)), ..Otherwise::default() };
    Ok(Fit { video, audio, otherwise, size: super::worker::target_size(probed.display, Some(plan.max_short_side)), plan })
}

/// What text that is in the video may take of the bytes: that of a film or two in the least that is ever asked for.
pub(super) fn kept_text_bytes(max_bytes: u64) -> u64 {
    max_bytes / 50
}

fn fits(bit_rate: Option<u64>, budget: Budget) -> bool {
    bit_rate.is_some_and(|bit_rate| bit_rate as f64 <= budget.audio_bit_rate as f64 * COPY_SOUND_UP_TO)
}

async fn look(
    media: &Media,
    input: &std::path::Path,
    wish: Wish,
    settings: VideoSettings,
    crfs: [f64; 2],
    cancel: &CancellationToken,
) -> Result<Looked, Failure> {
    let (places_s, frames) = compress::sample_places(wish.duration_s, settings.max_frame_rate);
    let limits = media.limits(0, vec![input.to_owned()], None);
    let task = Look { input: Source { path: input.to_owned(), growing: None }, settings, crfs, places_s, frames };
    match media.run_child(Request { limits, task: Task::Look(Box::new(task)) }, &[], media.max_time(), |_| {}, cancel).await? {
        Reply::Looked(looked) => Ok(looked),
        other => Err(Failure::internal(anyhow!("a look was answered with {other:?}"))),
    }
}
