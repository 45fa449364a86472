//! Presets: how well and how large what has to be encoded becomes.
//!
//! In: a preset, a codec or a format. Out: figures. Must not: look at a file.

use serde::{Deserialize, Serialize};

use super::Format;
use crate::media::protocol::SoundCodec;
use crate::model::{AudioStream, VideoCodec};

/// Fewer bits a second for each channel no encoder makes anything of.
const LEAST_BIT_RATE: u64 = 24_000;

/// How much quality is wanted for the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// As few bytes as still look fair on a phone.
    Small,
    /// What chats are made for.
    #[default]
    Balanced,
    /// As near to the source as anybody sees.
    Best,
}

/// How pictures are encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    /// Quality in the codec's own CRF.
    pub(crate) crf: f64,
    /// Largest short side in pixels.
    pub(crate) max_short_side: u32,
    /// Largest frame rate.
    pub(crate) max_frame_rate: f64,
    /// Preset, as libx264 calls them; none takes that of the settings.
    pub(crate) speed: Option<&'static str>,
}

/// Figures for a codec. The qualities of one preset look about alike in all codecs.
pub(crate) fn figures(preset: Preset, codec: VideoCodec) -> Figures {
    let crf = match (preset, codec) {
        (Preset::Small, VideoCodec::H264) => 28.0,
        (Preset::Small, VideoCodec::Hevc) => 29.0,
        (Preset::Small, VideoCodec::Vp9 | VideoCodec::Av1) => 42.0,
        (Preset::Balanced, VideoCodec::H264) => 23.0,
        (Preset::Balanced, VideoCodec::Hevc) => 25.0,
        (Preset::Balanced, VideoCodec::Vp9 | VideoCodec::Av1) => 33.0,
        (Preset::Best, VideoCodec::H264) => 18.0,
        (Preset::Best, VideoCodec::Hevc) => 20.0,
        (Preset::Best, VideoCodec::Vp9 | VideoCodec::Av1) => 24.0,
    };
    let (max_short_side, max_frame_rate, speed) = match preset {
        Preset::Small => (480, 30.0, Some("medium")),
        Preset::Balanced => (1080, 60.0, None),
        Preset::Best => (2304, 60.0, Some("slow")),
    };
    Figures { crf, max_short_side, max_frame_rate, speed }
}

/// Short side in pixels and frames a second of a GIF, at most. Its clock ticks in hundredths, so rates divide 100.
pub(crate) fn gif_figures(preset: Preset) -> (u32, f64) {
    match preset {
        Preset::Small => (240, 10.0),
        Preset::Balanced => (360, 12.5),
        Preset::Best => (480, 25.0),
    }
}

/// Bits a second for sound that has to be encoded. One channel takes half of what two do.
pub(crate) fn sound_bit_rate(format: Format, preset: Preset, channels: u32) -> u64 {
    let [small, balanced, best] = match format {
        Format::Mp3 => [96_000, 160_000, 256_000],
        Format::Opus | Format::Webm => [48_000, 96_000, 160_000],
        // Always one channel, so twice what it gets.
        Format::Voice => [48_000, 64_000, 128_000],
        _ => [64_000, 128_000, 192_000],
    };
    let stereo = match preset {
        Preset::Small => small,
        Preset::Balanced => balanced,
        Preset::Best => best,
    };
    if channels == 1 || format == Format::Voice { stereo / 2 } else { stereo }
}

/// Bits a second for sound, no more than the source spends where the new codec makes as much of them as the old one. `bit_rate` is the preset's.
pub(crate) fn no_more_than(bit_rate: u64, codec: SoundCodec, source: &AudioStream) -> u64 {
    let of_source = match source.codec.as_str() {
        "mp3" | "mp2" => 1,
        "aac" | "vorbis" => 2,
        "opus" => 3,
        _ => return bit_rate, // without loss, or nobody knows
    };
    let of_new = match codec {
        SoundCodec::Mp3 => 1,
        SoundCodec::Aac => 2,
        SoundCodec::Opus => 3,
    };
    let least = LEAST_BIT_RATE * u64::from(source.channels.clamp(1, 2));
    match source.bit_rate {
        Some(source) if of_new >= of_source => bit_rate.min(source.max(least)),
        _ => bit_rate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_preset_gives_more_than_the_one_before() {
        for codec in [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Vp9, VideoCodec::Av1] {
            let [small, balanced, best] = [Preset::Small, Preset::Balanced, Preset::Best].map(|preset| figures(preset, codec));
            assert!(small.crf > balanced.crf && balanced.crf > best.crf, "{codec:?}");
            assert!(small.max_short_side < balanced.max_short_side && balanced.max_short_side < best.max_short_side);
        }
        for format in [Format::Mp4, Format::Webm, Format::M4a, Format::Mp3, Format::Opus, Format::Voice] {
            let rates = [Preset::Small, Preset::Balanced, Preset::Best].map(|preset| sound_bit_rate(format, preset, 2));
            assert!(rates.windows(2).all(|pair| pair[0] < pair[1]), "{format:?}: {rates:?}");
        }
        assert_eq!(sound_bit_rate(Format::Mp3, Preset::Balanced, 1), 80_000);
        assert_eq!(sound_bit_rate(Format::Voice, Preset::Balanced, 2), 32_000, "it has one channel whatever the source has");
    }

    #[test]
    fn sound_takes_no_more_than_it_took() {
        let table = [
            (128_000, SoundCodec::Aac, "aac", Some(64_000), 64_000),
            (128_000, SoundCodec::Aac, "aac", Some(256_000), 128_000),
            (128_000, SoundCodec::Aac, "mp3", Some(96_000), 96_000),
            (96_000, SoundCodec::Opus, "aac", Some(20_000), 48_000),
            (160_000, SoundCodec::Mp3, "opus", Some(64_000), 160_000), // MP3 needs more for the same
            (128_000, SoundCodec::Aac, "flac", Some(64_000), 128_000),
            (128_000, SoundCodec::Aac, "aac", None, 128_000),
        ];
        for (bit_rate, codec, name, of_source, expected) in table {
            let source = AudioStream { codec: name.into(), channels: 2, sample_rate: 48_000, bit_rate: of_source };
            assert_eq!(no_more_than(bit_rate, codec, &source), expected, "{name} {of_source:?} to {codec:?}");
        }
    }

    #[test]
    fn gifs_tick_in_hundredths() {
        for preset in [Preset::Small, Preset::Balanced, Preset::Best] {
            let ticks = 100.0 / gif_figures(preset).1;
            assert_eq!(ticks, ticks.round(), "{preset:?}");
        }
    }
}
