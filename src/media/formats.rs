//! What a file becomes when it is converted: which containers take which streams, and how the rest is encoded.
//!
//! In: what a probe says, the format that is wanted, a preset. Out: what happens to picture and sound. Must not: do I/O.
//! What containers take: the tables of FFmpeg's muxers (`libavformat/movenc.c`, `matroska.c`), tried with its program; Matroska takes more than is named here.

use serde::{Deserialize, Serialize};

use super::decide::{Change, audio_plays, video_plays};
use crate::model::{AudioStream, MediaInfo, Reason, VideoStream};

mod presets;

pub use presets::Preset;
pub(crate) use presets::{figures, gif_figures, no_more_than, sound_bit_rate};

/// A round message is at most so long and so wide: <https://core.telegram.org/bots/api#sendvideonote> ("up to 1 minute"); clients record 400 pixels and show
/// up to 640.
const ROUND_MAX_S: f64 = 60.0;
pub(crate) const ROUND_SIDE: u32 = 640;
/// Padding of encoders, which makes a minute a little longer.
const PADDING_S: f64 = 0.05;
/// Sound is copied if it takes so much more than a preset gives it at most.
const COPY_SOUND_UP_TO: f64 = 1.05;

/// As what a file can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// H.264 and AAC in MP4 with the index in front, unless the streams are others that MP4 takes.
    Mp4,
    /// The same in Matroska.
    Mkv,
    /// VP9 and Opus in WebM.
    Webm,
    /// An animated GIF.
    Gif,
    /// A silent MP4, which Telegram shows as it shows GIFs.
    Animation,
    /// AAC with title and cover.
    M4a,
    /// MP3 with title and cover.
    Mp3,
    /// Opus with title and cover.
    Opus,
    /// A voice message: mono Opus in Ogg.
    Voice,
    /// A round video message: a square of at most 640 pixels and a minute.
    Round,
}

/// What happens to picture and sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Treatment {
    pub(crate) video: Change,
    pub(crate) audio: Change,
    /// True if the container takes the pictures as they are, whatever happens to them.
    pub(crate) takes_video: bool,
    /// The same of the sound, if nothing but its size is to change.
    pub(crate) takes_audio: bool,
}

impl Format {
    /// The ending of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp4 | Self::Animation | Self::Round => "mp4",
            Self::Mkv => "mkv",
            Self::Webm => "webm",
            Self::Gif => "gif",
            Self::M4a => "m4a",
            Self::Mp3 => "mp3",
            Self::Opus => "opus",
            Self::Voice => "ogg",
        }
    }

    /// FFmpeg's name of the container.
    pub(crate) fn container(self) -> &'static str {
        match self {
            Self::Mp4 | Self::Animation | Self::Round => "mp4",
            Self::Mkv => "matroska",
            Self::Webm => "webm",
            Self::Gif => "gif",
            Self::M4a => "ipod",
            Self::Mp3 => "mp3",
            Self::Opus => "opus",
            Self::Voice => "ogg",
        }
    }

    /// A song: tags and a cover belong to it.
    pub(crate) fn is_song(self) -> bool {
        matches!(self, Self::M4a | Self::Mp3 | Self::Opus)
    }

    fn is_sound(self) -> bool {
        self.is_song() || self == Self::Voice
    }

    fn takes_picture(self, video: &VideoStream, display: (u32, u32)) -> bool {
        let codec = video.codec.as_str();
        match self {
            Self::Mp4 => matches!(codec, "h264" | "hevc" | "av1" | "vp9" | "mpeg4" | "mpeg2video" | "mpeg1video"),
            // Matroska has no place for "turn it by 90 degrees" that players know.
            Self::Mkv => {
                let known = matches!(codec, "h264" | "hevc" | "av1" | "vp9" | "vp8" | "mpeg4" | "mpeg2video" | "mpeg1video")
                    || matches!(codec, "theora" | "mjpeg" | "prores" | "ffv1" | "wmv2" | "flv1" | "h263" | "msmpeg4v3");
                known && video.rotation == 0
            }
            Self::Webm => matches!(codec, "vp8" | "vp9" | "av1") && video.rotation == 0,
            Self::Gif => codec == "gif",
            Self::Animation => video_plays(video),
            Self::Round => video_plays(video) && display.0 == display.1 && display.0 <= ROUND_SIDE,
            Self::M4a | Self::Mp3 | Self::Opus | Self::Voice => false,
        }
    }

    fn takes_sound(self, codec: &str, channels: u32) -> bool {
        match self {
            Self::Mp4 => matches!(codec, "aac" | "mp3" | "mp2" | "ac3" | "eac3" | "alac" | "opus" | "vorbis" | "dts"),
            Self::Mkv => {
                matches!(
                    codec,
                    "aac" | "mp3" | "mp2" | "ac3" | "eac3" | "alac" | "opus" | "vorbis" | "dts" | "flac" | "truehd" | "pcm_s16le"
                )
            }
            Self::Webm => matches!(codec, "opus" | "vorbis"),
            Self::M4a => matches!(codec, "aac" | "alac"),
            Self::Mp3 => codec == "mp3",
            Self::Opus => codec == "opus",
            Self::Voice => codec == "opus" && channels == 1,
            Self::Round => codec == "aac",
            Self::Gif | Self::Animation => false,
        }
    }
}

/// Decides. A stream that the container takes is copied unless the preset asks for something smaller, or `loudness` for another level.
///
/// # Errors
/// [`Reason::NoAudio`], [`Reason::NoPicture`], [`Reason::TooLong`].
pub(crate) fn treat(
    info: &MediaInfo,
    display: (u32, u32),
    format: Format,
    preset: Option<Preset>,
    loudness: bool,
) -> Result<Treatment, Reason> {
    let video = info.video.as_ref().filter(|_| !is_still(info));
    if format == Format::Round && info.duration_s > ROUND_MAX_S + PADDING_S {
        return Err(Reason::TooLong { seconds: info.duration_s.ceil() as u32, limit_seconds: ROUND_MAX_S as u32 });
    }
    let smaller = matches!(preset, Some(Preset::Small | Preset::Balanced));
    let takes_video = video.is_some_and(|video| format.takes_picture(video, display));
    let video = match video {
        _ if format.is_sound() => Change::Leave,
        None => return Err(Reason::NoPicture),
        Some(_) if takes_video && !smaller => Change::Copy,
        Some(_) => Change::Encode,
    };
    let taken = |audio: &AudioStream| {
        format.takes_sound(&audio.codec, audio.channels) && (format != Format::Round || audio_plays(audio)) && !loudness
    };
    let takes_audio = info.audio.as_ref().is_some_and(taken);
    let audio = match &info.audio {
        _ if matches!(format, Format::Gif | Format::Animation) => Change::Leave,
        None if format.is_sound() => return Err(Reason::NoAudio),
        None => Change::Leave,
        Some(audio) => {
            let most = sound_bit_rate(format, preset.unwrap_or_default(), audio.channels) as f64 * COPY_SOUND_UP_TO;
            let is_small = audio.bit_rate.is_some_and(|bit_rate| bit_rate as f64 <= most);
            if takes_audio && (!smaller || is_small) { Change::Copy } else { Change::Encode }
        }
    };
    Ok(Treatment { video, audio, takes_video, takes_audio })
}

/// A picture that does not move.
fn is_still(info: &MediaInfo) -> bool {
    info.format.ends_with("_pipe") || info.format == "image2"
}

#[cfg(test)]
mod tests;
