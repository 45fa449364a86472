//! Makes another kind of file of one: another container, a GIF, a song, a voice message, a round video.
//!
//! In: [`ConvertRequest`]. Out: [`Converted`]. Must not: decide what happens to the streams (that is [`super::formats`]) or encode (that is the child's).

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use tokio_util::sync::CancellationToken;

use super::decide::Change;
use super::formats::{self, Format, Preset, Treatment};
use super::protocol::{
    AudioWork, GifSettings, Make, Otherwise, Output, Probed, Rate, Reply, Request, SoundCodec, SoundSettings, Source, Subtitles, Task,
    VideoSettings, VideoWork,
};
use super::{Media, Word, absolute, names};
use crate::config::MediaConfig;
use crate::model::{AudioStream, Failure, ProgressSender, Step, VideoCodec};

/// "Make this of that file."
#[derive(Clone, Debug)]
pub struct ConvertRequest {
    /// The file.
    pub input: PathBuf,
    /// A folder of one's own, on the disk that takes the result.
    pub folder: PathBuf,
    /// As what it is made.
    pub format: Format,
    /// How well. With [`Preset::Small`] and [`Preset::Balanced`] also what could be copied is encoded, unless it takes more bytes then; with none or [`Preset::Best`] that is
    /// copied.
    pub preset: Option<Preset>,
    /// True brings the sound to -14 LUFS, which encodes it.
    pub loudness: bool,
    /// A picture to take as the cover of a song instead of the file's own.
    pub picture: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The new file, in the folder of the request.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its length in seconds.
    pub duration_s: f64,
    /// Width and height of its picture as displayed, if it has one.
    pub size: Option<(u32, u32)>,
    /// True if its picture was encoded, false if it was copied; nothing if it has none.
    pub picture_encoded: Option<bool>,
    /// The same of its sound.
    pub sound_encoded: Option<bool>,
}

impl Media {
    /// Makes another kind of file of one. A stream that the new container takes is copied unless the preset asks for something smaller.
    ///
    /// # Errors
    /// As [`Media::probe`] and [`Media::prepare`]; [`NoAudio`](crate::model::Reason::NoAudio) or [`NoPicture`](crate::model::Reason::NoPicture) if what is asked for is not in it;
    /// [`TooLong`](crate::model::Reason::TooLong) for a round video; [`NoEncoder`](crate::model::Reason::NoEncoder) if FFmpeg was built without what is needed.
    pub async fn convert(
        &self,
        request: ConvertRequest,
        progress: &ProgressSender,
        cancel: &CancellationToken,
    ) -> Result<Converted, Failure> {
        let (input, folder) = (absolute(&request.input)?, absolute(&request.folder)?);
        let picture = request.picture.as_deref().map(absolute).transpose()?;
        progress.report(Step::Inspecting, 0, None);
        self.probe(&input, cancel).await?; // says why it is none, where it is no media
        let probed = self.probe_in_child(&input, cancel).await?;
        let treatment = formats::treat(&probed.info, probed.display, request.format, request.preset, request.loudness)?;
        tracing::debug!(?treatment, "conversion decided");
        let size_bytes = probed.info.size_bytes;
        let output = output(&self.config, &request, &folder, treatment, probed);
        let path = output.path.clone();
        let readable = std::iter::once(&input).chain(&picture).cloned().collect();
        let limits = self.limits(size_bytes, readable, Some(folder.clone()));
        let inputs = vec![Source { path: input, growing: None }];
        let task = Make { inputs, folder, output: Some(output), thumbnail: None, picture, own_thumbnail: None };
        let step = match treatment {
            Treatment { video: Change::Encode, .. } | Treatment { audio: Change::Encode, .. } => Step::Transcoding,
            Treatment { .. } => Step::Remuxing,
        };
        let hear = |word: Word| {
            if let Word::Progress(per_mille) = word {
                progress.report(step, u64::from(per_mille), Some(1000));
            }
        };
        let made = match self.run_child(Request { limits, task: Task::Make(Box::new(task)) }, &[], self.max_time(), hear, cancel).await? {
            Reply::Made(made) => made,
            other => return Err(Failure::internal(anyhow!("work was answered with {other:?}"))),
        };
        let of_file =
            tokio::fs::metadata(&path).await.with_context(|| format!("looking at {}", path.display())).map_err(Failure::internal)?;
        let [picture_encoded, sound_encoded] = made.encoded.unwrap_or_default();
        Ok(Converted {
            path,
            size_bytes: of_file.len(),
            duration_s: made.duration_s.unwrap_or_default(),
            size: made.display,
            picture_encoded,
            sound_encoded,
        })
    }
}

fn output(config: &MediaConfig, request: &ConvertRequest, folder: &std::path::Path, treatment: Treatment, probed: Probed) -> Output {
    let info = probed.info;
    let is_song = request.format.is_song();
    let stem = || request.input.file_name().map(|name| names::stem(&name.to_string_lossy()).to_owned());
    let is_gif = request.format == Format::Gif;
    let sound = sound(request, info.audio.as_ref());
    let encoded = picture(config, request.format, request.preset);
    let otherwise = Otherwise {
        encode_video: Some(&encoded).filter(|_| !is_gif).cloned(),
        encode_audio: Some(sound),
        copy_larger_video: treatment.takes_video && treatment.video == Change::Encode,
        copy_larger_audio: treatment.takes_audio && treatment.audio == Change::Encode,
    };
    Output {
        path: folder.join(format!("converted.{}", request.format.extension())),
        container: request.format.container().into(),
        video: match treatment.video {
            Change::Leave => VideoWork::Leave,
            Change::Copy => VideoWork::Copy,
            Change::Encode if is_gif => gif(request.preset),
            Change::Encode => VideoWork::Encode { settings: encoded.0, rate: Rate::Quality(encoded.1) },
        },
        audio: match treatment.audio {
            Change::Leave => AudioWork::Leave,
            Change::Copy => AudioWork::Copy,
            Change::Encode => AudioWork::Encode(sound),
        },
        subtitles: Subtitles { keep: request.format == Format::Mp4, ..Subtitles::default() },
        title: info.title.or_else(|| stem().filter(|_| is_song)),
        artist: info.artist,
        album: info.album,
        cover: is_song,
        live: false,
        expected_s: None,
        otherwise,
    }
}

fn gif(preset: Option<Preset>) -> VideoWork {
    let (max_short_side, max_frame_rate) = formats::gif_figures(preset.unwrap_or_default());
    VideoWork::Gif(GifSettings { max_short_side, max_frame_rate })
}

/// How pictures are encoded, and at which CRF.
fn picture(config: &MediaConfig, format: Format, preset: Option<Preset>) -> (VideoSettings, f64) {
    let codec = if format == Format::Webm { VideoCodec::Vp9 } else { VideoCodec::H264 };
    let figures = formats::figures(preset.unwrap_or_default(), codec);
    let is_round = format == Format::Round;
    let settings = VideoSettings {
        codec,
        preset: figures.speed.map_or_else(|| config.preset.clone(), str::to_owned),
        max_short_side: Some(if is_round { figures.max_short_side.min(formats::ROUND_SIDE) } else { figures.max_short_side }),
        max_frame_rate: figures.max_frame_rate,
        square: is_round,
    };
    (settings, figures.crf)
}

fn sound(request: &ConvertRequest, source: Option<&AudioStream>) -> SoundSettings {
    let format = request.format;
    let channels = source.map_or(2, |source| source.channels);
    let codec = match format {
        Format::Mp3 => SoundCodec::Mp3,
        Format::Opus | Format::Voice | Format::Webm => SoundCodec::Opus,
        _ => SoundCodec::Aac,
    };
    let bit_rate = formats::sound_bit_rate(format, request.preset.unwrap_or_default(), channels);
    SoundSettings {
        codec,
        bit_rate: source.map_or(bit_rate, |source| formats::no_more_than(bit_rate, codec, source)),
        mono: channels == 1 || format == Format::Voice,
        loudness: request.loudness,
    }
}
