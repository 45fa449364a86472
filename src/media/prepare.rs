//! The way of one file through the media step: look, probe, decide, make, describe.
//!
//! In: a [`PrepareRequest`]. Out: [`Prepared`]. Must not: decide (that is [`super::decide`]) or encode (that is the child's).

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use tokio_util::sync::CancellationToken;

use super::decide::{Change, Decision, Given, decide, decide_early, decide_unreadable};
use super::fit::{self, Terms};
use super::protocol::{
    AudioWork, Made, Make, Otherwise, Output, Probed, Rate, Reply, Request, SoundSettings, Source, Subtitles, Task, VideoSettings,
    VideoWork,
};
use super::sniff::{Sniffed, claim};
use super::{Media, PrepareRequest, Word, look, names};
use crate::config::MediaConfig;
use crate::model::{Appearance, Failure, MediaInfo, MediaKind, Prepared, ProgressSender, Reason, Step, VideoCodec};

/// Frame rates above this one gain nothing in a chat and are not decoded by every phone.
const MAX_FRAME_RATE: f64 = 60.0;
/// H.264 level 5.1: the short side of 4096 x 2304.
const MAX_SHORT_SIDE: u32 = 2304;
/// Lowest rate of sound when a song has to fit, in bits a second.
const MIN_AUDIO_BIT_RATE: u64 = 32_000;

pub(super) async fn prepare(
    media: &Media,
    request: PrepareRequest,
    progress: &ProgressSender,
    cancel: &CancellationToken,
) -> Result<Prepared, Failure> {
    let request = request.absolute()?;
    progress.report(Step::Inspecting, 0, None);
    let (sniffed, mut size_bytes) = look(request.input()).await?;
    for other in request.inputs.iter().skip(1) {
        size_bytes += look(other).await?.1;
    }
    let given = Given {
        sniffed,
        claim: claim(&request.file_name, request.mime.as_deref()),
        choice: request.choice,
        size_bytes,
        loudness: media.config.loudness,
        max_bytes: request.max_bytes,
        texts: request.subtitles.texts(),
    };
    let (decision, probed) = match decide_early(given) {
        Some(decision) => (decision, None),
        None => {
            let mut probes = Vec::new();
            for input in &request.inputs {
                probes.push(media.probe_in_child(input, cancel).await?);
            }
            let probed = together(probes)?;
            match &probed.unreadable {
                Some(cause) => {
                    tracing::debug!(cause, "FFmpeg can't read it");
                    (decide_unreadable(given), None)
                }
                None => (decide(&probed.info, given), Some(probed)),
            }
        }
    };
    tracing::debug!(?decision, "media decided");
    let work = match (decision, probed) {
        (Decision::Refuse(reason), _) => return Err(reason.into()),
        (Decision::Document | Decision::PassOn, None) => return Ok(document(&request, size_bytes)),
        (Decision::Document, Some(_)) => return Ok(document(&request, size_bytes)),
        (Decision::Photo, Some(probed)) => return Ok(photo(&request, sniffed, size_bytes, &probed)),
        (Decision::Compress { max_bytes }, Some(probed)) => compressed(media, &request, probed, max_bytes, cancel).await?,
        (decision, Some(probed)) => plan(&media.config, &request, &decision, size_bytes, probed)?,
        (decision, None) => return Err(Failure::internal(anyhow!("{decision:?} without a probe"))),
    };
    let made = make(media, &request, &work, size_bytes, progress, cancel).await?;
    describe(request, work, &made).await
}

/// What two files are that belong together: the picture of the first, the sound of the last.
pub(super) fn together(probes: Vec<Probed>) -> Result<Probed, Failure> {
    let mut probes = probes.into_iter();
    let first = probes.next().ok_or_else(|| Failure::internal(anyhow!("there is nothing to prepare")))?;
    Ok(probes.fold(first, |picture, sound| Probed {
        unreadable: picture.unreadable.or(sound.unreadable),
        only_as_a_whole: picture.only_as_a_whole || sound.only_as_a_whole,
        info: MediaInfo {
            audio: sound.info.audio,
            duration_s: picture.info.duration_s.max(sound.info.duration_s),
            size_bytes: picture.info.size_bytes + sound.info.size_bytes,
            bit_rate: picture.info.bit_rate.zip(sound.info.bit_rate).map(|(one, other)| one + other),
            index_in_front: false,
            tracks: [picture.info.tracks, sound.info.tracks].concat(),
            artwork: picture.info.artwork || sound.info.artwork,
            title: picture.info.title.or(sound.info.title),
            artist: picture.info.artist.or(sound.info.artist),
            ..picture.info
        },
        display: picture.display,
    }))
}

/// What the child is asked to make, and how the result is called.
pub(super) struct Work {
    pub(super) step: Step,
    pub(super) kind: MediaKind,
    pub(super) probed: Probed,
    pub(super) output: Option<Output>,
    pub(super) thumbnail: PathBuf,
}

pub(super) fn plan(
    config: &MediaConfig,
    request: &PrepareRequest,
    decision: &Decision,
    size_bytes: u64,
    probed: Probed,
) -> Result<Work, Failure> {
    let info = &probed.info;
    let (step, kind, output) = match decision {
        Decision::PassOn => (Step::Inspecting, MediaKind::Video, None),
        Decision::Video { video, audio } => {
            let output = video_output(
                request,
                if *video == Change::Encode { encoded(config) } else { VideoWork::Copy },
                audio_work(*audio, config.audio_bit_rate),
                otherwise(config),
            );
            let encodes = *video == Change::Encode || *audio == Change::Encode;
            (if encodes { Step::Transcoding } else { Step::Remuxing }, MediaKind::Video, Some(output))
        }
        Decision::Sound(change) => {
            let output = sound_output(config, request, info, *change, size_bytes)?;
            (if *change == Change::Encode { Step::Transcoding } else { Step::Remuxing }, MediaKind::Audio, Some(output))
        }
        Decision::Compress { .. } | Decision::Photo | Decision::Document | Decision::Refuse(_) => {
            return Err(Failure::internal(anyhow!("nothing to make for {decision:?}")));
        }
    };
    Ok(Work { step, kind, probed, output, thumbnail: thumbnail(request) })
}

fn thumbnail(request: &PrepareRequest) -> PathBuf {
    request.folder.join("thumbnail.jpg")
}

async fn compressed(
    media: &Media,
    request: &PrepareRequest,
    probed: Probed,
    max_bytes: u64,
    cancel: &CancellationToken,
) -> Result<Work, Failure> {
    let min_video_bit_rate = request.min_video_bit_rate;
    let terms = Terms { max_bytes, min_video_bit_rate, codec: VideoCodec::H264, least: Appearance::Poor };
    let fit = fit::fit(media, &probed, request.input(), terms, cancel).await?;
    let output = Some(video_output(request, fit.video, fit.audio, fit.otherwise));
    Ok(Work { step: Step::Compressing, kind: MediaKind::Video, probed, output, thumbnail: thumbnail(request) })
}

fn sound_output(
    config: &MediaConfig,
    request: &PrepareRequest,
    info: &MediaInfo,
    change: Change,
    size_bytes: u64,
) -> Result<Output, Failure> {
    let mut audio = audio_work(change, config.audio_bit_rate);
    if let AudioWork::Encode(settings) = &mut audio {
        settings.loudness = config.loudness;
    }
    if let (AudioWork::Encode(SoundSettings { bit_rate, .. }), Some(max_bytes)) = (&mut audio, request.max_bytes) {
        // The cover takes up to 200 kB; the index some bits a packet.
        let room = (max_bytes.saturating_sub(250_000) as f64 * 8.0 / info.duration_s.max(1.0) * 0.95) as u64;
        *bit_rate = (*bit_rate).min(room);
        if *bit_rate < MIN_AUDIO_BIT_RATE {
            return Err(Reason::NoLane { size_bytes, limit_bytes: max_bytes, account_missing: false }.into());
        }
    }
    Ok(Output {
        path: request.folder.join("prepared.m4a"),
        container: "ipod".into(),
        video: VideoWork::Leave,
        audio,
        subtitles: Subtitles::default(),
        title: title(request, info),
        artist: performer(request, info),
        album: info.album.clone(),
        cover: true,
        live: false,
        expected_s: request.duration_s,
        otherwise: otherwise(config),
    })
}

fn video_output(request: &PrepareRequest, video: VideoWork, audio: AudioWork, otherwise: Otherwise) -> Output {
    Output {
        path: request.folder.join("prepared.mp4"),
        container: "mp4".into(),
        video,
        audio,
        subtitles: Subtitles { keep_bytes: request.max_bytes.map(fit::kept_text_bytes), ..request.subtitles.work() },
        title: request.title.clone(),
        artist: request.performer.clone(),
        album: None,
        cover: false,
        live: false,
        expected_s: request.duration_s,
        otherwise,
    }
}

/// How what was to be copied is encoded, should it change on the way.
fn otherwise(config: &MediaConfig) -> Otherwise {
    Otherwise {
        encode_video: Some((playable(config), f64::from(config.crf))),
        encode_audio: Some(SoundSettings::aac(config.audio_bit_rate)),
        ..Otherwise::default()
    }
}

/// As well as the settings say.
fn encoded(config: &MediaConfig) -> VideoWork {
    VideoWork::Encode { settings: playable(config), rate: Rate::Quality(f64::from(config.crf)) }
}

/// Pictures that play everywhere.
pub(super) fn playable(config: &MediaConfig) -> VideoSettings {
    VideoSettings {
        codec: VideoCodec::H264,
        preset: config.preset.clone(),
        max_short_side: Some(MAX_SHORT_SIDE),
        max_frame_rate: MAX_FRAME_RATE,
        square: false,
    }
}

fn audio_work(change: Change, bit_rate: u64) -> AudioWork {
    match change {
        Change::Leave => AudioWork::Leave,
        Change::Copy => AudioWork::Copy,
        Change::Encode => AudioWork::Encode(SoundSettings::aac(bit_rate)),
    }
}

async fn make(
    media: &Media,
    request: &PrepareRequest,
    work: &Work,
    size_bytes: u64,
    progress: &ProgressSender,
    cancel: &CancellationToken,
) -> Result<Made, Failure> {
    let task = Make {
        inputs: request.inputs.iter().map(|path| Source { path: path.clone(), growing: None }).collect(),
        folder: request.folder.clone(),
        output: work.output.clone(),
        thumbnail: Some(work.thumbnail.clone()),
        picture: if work.kind == MediaKind::Audio { request.picture.clone() } else { None },
        own_thumbnail: request.own_thumbnail.clone(),
    };
    let texts = request.subtitles.readable();
    let readable = request.inputs.iter().chain(&task.picture).chain(&task.own_thumbnail).chain(&texts).cloned().collect();
    let limits = media.limits(size_bytes, readable, Some(request.folder.clone()));
    let step = work.step;
    let report = |per_mille: u16| progress.report(step, u64::from(per_mille), Some(1000));
    report(0);
    let hear = |word: Word| {
        if let Word::Progress(per_mille) = word {
            report(per_mille);
        }
    };
    match media.run_child(Request { limits, task: Task::Make(Box::new(task)) }, &[], media.max_time(), hear, cancel).await? {
        Reply::Made(made) => Ok(made),
        other => Err(Failure::internal(anyhow!("work was answered with {other:?}"))),
    }
}

pub(super) async fn describe(request: PrepareRequest, work: Work, made: &Made) -> Result<Prepared, Failure> {
    let path = work.output.as_ref().map_or_else(|| request.input().to_owned(), |output| output.path.clone());
    let metadata = tokio::fs::metadata(&path).await.with_context(|| format!("looking at {}", path.display())).map_err(Failure::internal)?;
    if let Some(limit_bytes) = request.max_bytes.filter(|max_bytes| metadata.len() > *max_bytes) {
        return Err(Reason::NoLane { size_bytes: metadata.len(), limit_bytes, account_missing: false }.into());
    }
    Ok(sketch(&request, &work, Some(made), path, metadata.len()))
}

/// How the result is called and what it measures, as far as known: from what was made of it, else from the inputs.
pub(super) fn sketch(request: &PrepareRequest, work: &Work, made: Option<&Made>, path: PathBuf, size_bytes: u64) -> Prepared {
    let info = &work.probed.info;
    let (width, height) = made.and_then(|made| made.display).unwrap_or(work.probed.display);
    let is_audio = work.kind == MediaKind::Audio;
    let (extension, mime) = if is_audio { ("m4a", "audio/mp4") } else { ("mp4", "video/mp4") };
    Prepared {
        kind: work.kind,
        path,
        size_bytes,
        file_name: names::with_extension(&request.file_name, extension),
        mime: mime.to_owned(),
        duration_s: whole_seconds(made.and_then(|made| made.duration_s).unwrap_or(info.duration_s)),
        width: if is_audio { 0 } else { width },
        height: if is_audio { 0 } else { height },
        thumbnail: made.filter(|made| made.thumbnail).map(|_| work.thumbnail.clone()),
        title: if is_audio { title(request, info) } else { None },
        performer: if is_audio { performer(request, info) } else { None },
    }
}

fn title(request: &PrepareRequest, info: &MediaInfo) -> Option<String> {
    let stem = || Some(names::stem(&request.file_name).to_owned());
    request.title.clone().or_else(|| info.title.clone()).or_else(stem).filter(|title| !title.is_empty())
}

fn performer(request: &PrepareRequest, info: &MediaInfo) -> Option<String> {
    request.performer.clone().or_else(|| info.artist.clone()).filter(|performer| !performer.is_empty())
}

/// Rounded up: 59.2 s shows as 1:00. A hair above a whole second is the encoder's padding, up to two packets of sound.
pub(super) fn whole_seconds(duration_s: f64) -> u32 {
    if duration_s.is_finite() { (duration_s - 0.05).ceil().clamp(0.0, f64::from(u32::MAX)) as u32 } else { 0 }
}

pub(super) fn document(request: &PrepareRequest, size_bytes: u64) -> Prepared {
    Prepared {
        kind: MediaKind::Document,
        path: request.input().to_owned(),
        size_bytes,
        file_name: request.file_name.clone(),
        mime: names::document_mime(&request.file_name, request.mime.as_deref()),
        duration_s: 0,
        width: 0,
        height: 0,
        thumbnail: None,
        title: None,
        performer: None,
    }
}

fn photo(request: &PrepareRequest, sniffed: Sniffed, size_bytes: u64, probed: &Probed) -> Prepared {
    let (file_name, mime) = names::picture(&request.file_name, sniffed);
    let (width, height) = probed.display;
    Prepared { kind: MediaKind::Photo, file_name, mime: mime.to_owned(), width, height, ..document(request, size_bytes) }
}

#[cfg(test)]
mod tests {
    use super::whole_seconds;

    #[test]
    fn lengths_are_rounded_up() {
        for (duration_s, expected) in [(0.0, 0), (0.3, 1), (2.0, 2), (2.043, 2), (2.1, 3), (f64::NAN, 0), (-3.0, 0)] {
            assert_eq!(whole_seconds(duration_s), expected, "{duration_s}");
        }
    }
}
