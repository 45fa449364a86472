//! What is said of streams: copied, left out, or how they are encoded.
//!
//! In and out: plain values. Must not: do I/O.

use serde::{Deserialize, Serialize};

use super::Text;
use crate::model::VideoCodec;

/// What happens to the picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VideoWork {
    /// Left out.
    Leave,
    /// Packets are copied.
    Copy,
    /// Encoded.
    Encode {
        /// How.
        settings: VideoSettings,
        /// What the rate control aims at.
        rate: Rate,
    },
    /// Becomes an animated GIF.
    Gif(GifSettings),
}

/// How a GIF is made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GifSettings {
    /// Largest short side in pixels.
    pub(crate) max_short_side: u32,
    /// Largest frame rate.
    pub(crate) max_frame_rate: f64,
}

/// How the picture is encoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct VideoSettings {
    /// As what.
    pub(crate) codec: VideoCodec,
    /// Preset, as libx264 calls them.
    pub(crate) preset: String,
    /// Largest short side in pixels.
    pub(crate) max_short_side: Option<u32>,
    /// Largest frame rate.
    pub(crate) max_frame_rate: f64,
    /// True cuts the middle out as a square.
    pub(crate) square: bool,
}

/// What the rate control aims at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rate {
    /// Constant quality, CRF.
    Quality(f64),
    /// A size.
    Size(Box<Course>),
}

/// The way to a size: how well the picture is encoded to begin with, and what is expected of its content. [`crate::media::steer`] follows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Course {
    /// Upper bound of the whole file, in bytes.
    pub(crate) max_bytes: u64,
    /// Part of it that is aimed at.
    pub(crate) aim: f64,
    /// As long as the end is in sight within so much of the aim, the quality stays as it is.
    pub(crate) slack: f64,
    /// What sound is expected to take of it, in bytes.
    pub(crate) sound_bytes: u64,
    /// What the container will take of it, in bytes.
    pub(crate) index_bytes: u64,
    /// Frames that will be encoded.
    pub(crate) frames: u64,
    /// CRF to begin with.
    pub(crate) crf: f64,
    /// The best and the worst CRF that is used; better than the best, nobody sees.
    pub(crate) crf_bounds: (f64, f64),
    /// Steps of CRF that halve the bytes.
    pub(crate) halving: f64,
    /// What pictures cost; at least one guess.
    pub(crate) guesses: Vec<Guess>,
}

/// What pictures cost all over, if it is as somebody guesses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Guess {
    /// How likely that is beside the others; the sum of all is 1.
    pub(crate) likely: f64,
    /// In order of time; at least one.
    pub(crate) costs: Vec<Cost>,
}

/// What pictures cost around a moment, at the CRF that a [`Course`] begins with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// When, as a frame's number.
    pub(crate) frame: u64,
    /// Bytes of a key frame.
    pub(crate) key_bytes: f64,
    /// Bytes of another frame.
    pub(crate) frame_bytes: f64,
}

/// What is done instead where a stream turns out to be another than it seemed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Otherwise {
    /// How pictures are encoded, and at which CRF, that were to be copied but can't be.
    pub(crate) encode_video: Option<(VideoSettings, f64)>,
    /// The same for sound.
    pub(crate) encode_audio: Option<SoundSettings>,
    /// True copies pictures after all if they take more bytes encoded than they did in the source.
    pub(crate) copy_larger_video: bool,
    /// The same for sound.
    pub(crate) copy_larger_audio: bool,
}

/// What happens to the sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AudioWork {
    /// Left out.
    Leave,
    /// Packets are copied.
    Copy,
    /// Encoded.
    Encode(SoundSettings),
}

/// Which subtitles a new MP4 has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subtitles {
    /// True keeps the tracks of text that the inputs have.
    pub(crate) keep: bool,
    /// Most bytes that those may take, with their part of the index; tracks that are too much are left out.
    pub(crate) keep_bytes: Option<u64>,
    /// What becomes tracks before those.
    pub(crate) add: Vec<Text>,
    /// What becomes part of the pictures.
    pub(crate) burn: Option<Text>,
}

impl Subtitles {
    /// Those that the inputs have, whatever they take.
    pub(crate) fn kept() -> Self {
        Self { keep: true, ..Self::default() }
    }
}

/// How sound is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SoundSettings {
    /// As what.
    pub(crate) codec: SoundCodec,
    /// Bits a second.
    pub(crate) bit_rate: u64,
    /// True makes one channel of all, else two.
    pub(crate) mono: bool,
    /// True brings it to the usual loudness.
    pub(crate) loudness: bool,
}

impl SoundSettings {
    /// What every client plays: AAC with two channels.
    pub(crate) const fn aac(bit_rate: u64) -> Self {
        Self { codec: SoundCodec::Aac, bit_rate, mono: false, loudness: false }
    }
}

/// As what sound can be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SoundCodec {
    /// AAC-LC.
    Aac,
    /// MPEG-1 layer 3.
    Mp3,
    /// Opus.
    Opus,
}
