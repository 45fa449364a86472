//! Encoders of pictures and their settings.
//!
//! In: what frames are like, a codec, a quality. Out: an encoder. Must not: choose the quality.

use std::ffi::CStr;

use ffmpeg::codec::Flags;
use ffmpeg::{Dictionary, Rational, codec, decoder, encoder, ffi, format};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkError, WorkResult};
use super::measure::{is_large, threads_for};
use super::pictures::{Pictures, thread_option};
use crate::media::protocol::VideoSettings;
use crate::model::{Reason, VideoCodec};

/// Frames that are looked ahead for large pictures.
const LARGE_LOOKAHEAD: &str = "10";
/// Seconds between key frames: short enough to seek in a chat.
const KEY_FRAME_S: f64 = 5.0;
/// An encoder that begins anew to take another quality does so this often at least, but not more than once a second: the last one has to make up for what
/// was missed before.
const STRETCHES: f64 = 12.0;
/// Presets of libx264, from the fastest, and what SVT-AV1 calls as fast.
const AV1_PRESETS: [(&str, &str); 10] = [
    ("ultrafast", "12"),
    ("superfast", "11"),
    ("veryfast", "10"),
    ("faster", "9"),
    ("fast", "8"),
    ("medium", "7"),
    ("slow", "6"),
    ("slower", "5"),
    ("veryslow", "4"),
    ("placebo", "3"),
];
const AV1_DEFAULT_PRESET: &str = "8";
/// The same for libvpx, whose good quality has five speeds.
const VP9_SPEEDS: [(&str, &str); 10] = [
    ("ultrafast", "5"),
    ("superfast", "5"),
    ("veryfast", "4"),
    ("faster", "4"),
    ("fast", "3"),
    ("medium", "2"),
    ("slow", "1"),
    ("slower", "1"),
    ("veryslow", "0"),
    ("placebo", "0"),
];
const VP9_DEFAULT_SPEED: &str = "3";

/// Closed: from each key frame on everything can be shown, so that one can seek there and cut there.
const FLAGS: Flags = Flags::GLOBAL_HEADER.union(Flags::CLOSED_GOP);

/// All that an encoder is opened with but the quality.
pub(super) struct Opening {
    settings: VideoSettings,
    size: (u32, u32),
    rate: Rational,
    colors: Colors,
    threads: u32,
}

/// Says which colours are meant, so that they look as in the source.
#[derive(Clone, Copy)]
struct Colors {
    space: ffmpeg::color::Space,
    primaries: ffmpeg::color::Primaries,
    transfer: ffmpeg::color::TransferCharacteristic,
}

impl Opening {
    /// For the frames of `pictures`.
    pub(super) fn new(pictures: &Pictures, settings: &VideoSettings, threads: u32) -> Self {
        let wanted = pictures.wanted();
        let colors = if wanted.hdr.is_some() { Colors::BT709 } else { Colors::of(pictures.decoder()) };
        let threads = threads_for(wanted.outer_size(), threads);
        Self { settings: settings.clone(), size: wanted.outer_size(), rate: wanted.rate, colors, threads }
    }

    /// Frames from one key frame to the next, at most.
    pub(super) fn key_every(&self) -> u32 {
        key_every(f64::from(self.rate))
    }

    /// Frames after which an encoder begins anew, where it has to do so to be steered; `frames` are those of the whole.
    pub(super) fn stretch(&self, frames: u64) -> u32 {
        stretch(self.settings.codec, f64::from(self.rate), frames as f64)
    }

    /// The quality that an encoder works at if it is opened with this one: some have whole steps. Worse rather than better, so that it fits.
    pub(super) fn nearest(&self, crf: f64) -> f64 {
        match self.settings.codec {
            VideoCodec::H264 | VideoCodec::Hevc => crf,
            VideoCodec::Vp9 | VideoCodec::Av1 => (crf - 0.01).ceil().clamp(1.0, 63.0),
        }
    }

    /// True if [`set_crf`] works while the encoder runs.
    pub(super) fn is_steered_in_flight(&self) -> bool {
        self.settings.codec == VideoCodec::H264
    }

    /// Opens an encoder at a constant quality.
    pub(super) fn open(&self, crf: f64) -> WorkResult<encoder::video::Encoder> {
        let (name, mut options) = match self.settings.codec {
            VideoCodec::H264 => ("libx264", self.h264(crf)),
            VideoCodec::Hevc => ("libx265", self.hevc(crf)),
            VideoCodec::Av1 => ("libsvtav1", self.av1(crf)),
            VideoCodec::Vp9 => ("libvpx-vp9", self.vp9(crf)),
        };
        options.set("threads", &thread_option(self.threads));
        let codec = named(name)?;
        let open = || self.described(codec, format::Pixel::YUV420P)?.open_with(options);
        open().blame_us(&format!("opening {name}"))
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        self.size
    }

    /// An encoder that knows what frames are like, but not how well they are to be encoded.
    pub(super) fn described(&self, codec: ffmpeg::Codec, pixels: format::Pixel) -> Result<encoder::video::Video, ffmpeg::Error> {
        let mut encoder = codec::Context::new_with_codec(codec).encoder().video()?;
        encoder.set_width(self.size.0);
        encoder.set_height(self.size.1);
        encoder.set_format(pixels);
        encoder.set_aspect_ratio((1, 1));
        encoder.set_frame_rate(Some(self.rate));
        encoder.set_time_base(self.rate.invert());
        encoder.set_gop(self.key_every());
        encoder.set_colorspace(self.colors.space);
        encoder.set_color_primaries(self.colors.primaries);
        encoder.set_color_transfer_characteristic(self.colors.transfer);
        encoder.set_color_range(ffmpeg::color::Range::MPEG);
        encoder.set_flags(FLAGS);
        Ok(encoder)
    }

    fn h264(&self, crf: f64) -> Dictionary<'static> {
        let mut options = Dictionary::new();
        options.set("preset", &self.settings.preset);
        options.set("profile", "high");
        options.set("crf", &crf.to_string());
        if is_large(self.size) && !matches!(self.settings.preset.as_str(), "ultrafast" | "superfast") {
            options.set("rc-lookahead", LARGE_LOOKAHEAD); // those two presets look ahead less anyway
        }
        options
    }

    fn hevc(&self, crf: f64) -> Dictionary<'static> {
        let mut options = Dictionary::new();
        options.set("preset", &self.settings.preset);
        options.set("crf", &crf.to_string());
        // Closed, so that each begins anew; and the thread pool would else be as large as the machine.
        let pools = if self.threads == 0 { "*".to_owned() } else { self.threads.to_string() };
        options.set("x265-params", &format!("log-level=error:open-gop=0:pools={pools}"));
        options
    }

    fn vp9(&self, crf: f64) -> Dictionary<'static> {
        let mut options = Dictionary::new();
        let named = VP9_SPEEDS.into_iter().find(|(name, _)| *name == self.settings.preset);
        options.set("cpu-used", named.map_or(VP9_DEFAULT_SPEED, |(_, speed)| speed));
        options.set("deadline", "good");
        options.set("crf", &self.nearest(crf).to_string());
        options.set("b", "0"); // a rate would be an upper bound
        options.set("row-mt", "1");
        options
    }

    fn av1(&self, crf: f64) -> Dictionary<'static> {
        let mut options = Dictionary::new();
        let named = AV1_PRESETS.into_iter().find(|(name, _)| *name == self.settings.preset);
        options.set("preset", named.map_or(AV1_DEFAULT_PRESET, |(_, preset)| preset));
        options.set("crf", &self.nearest(crf).to_string());
        // One thread: with two its pools take a gigabyte even for small pictures, and where they do not get it, it hangs.
        options.set("svtav1-params", "lp=1");
        options
    }
}

/// An encoder by FFmpeg's name of it. Builds of FFmpeg differ in which they have.
pub(super) fn named(name: &str) -> WorkResult<ffmpeg::Codec> {
    let missing = || WorkError::new(Reason::NoEncoder { name: name.to_owned() }, format!("FFmpeg was built without {name}"));
    encoder::find_by_name(name).ok_or_else(missing)
}

/// Frames from one key frame to the next, at most.
pub(crate) fn key_every(rate: f64) -> u32 {
    ((rate * KEY_FRAME_S).round() as u32).clamp(1, 300)
}

/// Frames from one key frame to the next where a codec is steered to a size, at most: see [`Opening::stretch`].
pub(crate) fn stretch(codec: VideoCodec, rate: f64, frames: f64) -> u32 {
    let key_every = key_every(rate);
    if codec == VideoCodec::H264 {
        return key_every;
    }
    ((frames / STRETCHES) as u32).clamp((rate.round() as u32).clamp(1, key_every), key_every)
}

/// Changes the quality of the frames that come, where [`Opening::is_steered_in_flight`].
pub(super) fn set_crf(encoder: &mut encoder::video::Encoder, crf: f64) -> WorkResult<()> {
    const OPTION: &CStr = c"crf";
    // SAFETY: the encoder is open, so its private data are libx264's options; the encoder reads them before each frame.
    let changed = unsafe { ffi::av_opt_set_double((*encoder.as_mut_ptr()).priv_data, OPTION.as_ptr(), crf, 0) };
    if changed < 0 { Err(ffmpeg::Error::from(changed)).blame_us("changing the quality") } else { Ok(()) }
}

impl Colors {
    const BT709: Self = Self {
        space: ffmpeg::color::Space::BT709,
        primaries: ffmpeg::color::Primaries::BT709,
        transfer: ffmpeg::color::TransferCharacteristic::BT709,
    };

    /// As in the source. RGB becomes BT.601 by the scaler's default.
    fn of(decoder: &decoder::Video) -> Self {
        match decoder.color_space() {
            ffmpeg::color::Space::RGB => Self {
                space: ffmpeg::color::Space::Unspecified,
                primaries: ffmpeg::color::Primaries::Unspecified,
                transfer: ffmpeg::color::TransferCharacteristic::Unspecified,
            },
            space => Self { space, primaries: decoder.color_primaries(), transfer: decoder.color_transfer_characteristic() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_clips_are_steered_as_often_as_long_ones() {
        let table = [
            (VideoCodec::H264, 25.0, 200.0, 125),
            (VideoCodec::Hevc, 25.0, 200.0, 25),
            (VideoCodec::Av1, 25.0, 600.0, 50),
            (VideoCodec::Av1, 25.0, 90_000.0, 125),
            (VideoCodec::Vp9, 0.1, 3.0, 1),
        ];
        for (codec, rate, frames, expected) in table {
            assert_eq!(stretch(codec, rate, frames), expected, "{codec:?} {rate} {frames}");
        }
    }

    #[test]
    fn an_encoder_that_is_missing_is_named() {
        ffmpeg::init().expect("FFmpeg starts");
        let missing = named("libnobody").map(drop).expect_err("there is none of that name");
        assert_eq!(missing.reason, Reason::NoEncoder { name: "libnobody".into() });
        assert!(named("libx264").is_ok());
    }
}
