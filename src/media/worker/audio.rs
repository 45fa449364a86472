//! Encodes sound: AAC, MP3 or Opus.
//!
//! In: packets of one stream. Out: packets of the new codec, one channel or two, 44.1 or 48 kHz, without holes. Must not: read or write files.

use ffmpeg::codec::Flags;
use ffmpeg::format::sample::{Sample, Type};
use ffmpeg::format::stream::Stream;
use ffmpeg::{ChannelLayout, Packet, Rational, codec, encoder, frame};
use ffmpeg_next as ffmpeg;

use super::encoder::named;
use super::error::{Blame, WorkError, WorkResult};
use super::input::parameters;
use super::sounds::{Alike, Chains, Sounds};
use super::video::PacketSink;
use crate::media::protocol::{SoundCodec, SoundSettings};

/// One stream of sound on its way through decoder, resampler and encoder.
pub(super) struct AudioTrack {
    sounds: Sounds,
    coder: Coder,
}

struct Coder {
    encoder: encoder::audio::Encoder,
    rate: i32,
    next: Option<i64>,
}

impl AudioTrack {
    /// `level` is a filter that changes how loud it is.
    pub(super) fn new(stream: &Stream, settings: &SoundSettings, level: Option<&str>) -> WorkResult<Self> {
        let rate = rate(settings.codec, parameters(stream).sample_rate);
        let encoder = open_encoder(settings, rate)?;
        let sounds = Sounds::new(stream, chains(settings, rate, level), encoder.frame_size())?;
        Ok(Self { sounds, coder: Coder { encoder, rate, next: None } })
    }

    /// Leaves out what is heard before time zero.
    pub(super) fn starting_at_zero(self) -> Self {
        Self { sounds: self.sounds.starting_at_zero(), ..self }
    }

    /// For a file that does not say when its packets are heard.
    pub(super) fn counted(self) -> Self {
        Self { sounds: self.sounds.counted(), ..self }
    }

    /// The encoder, for the muxer.
    pub(super) fn encoder(&self) -> &codec::Context {
        self.coder.encoder.as_ref()
    }

    /// Takes a packet; gives encoded packets to `out`, their timestamps counting in samples.
    pub(super) fn feed(&mut self, packet: &Packet, out: &mut PacketSink) -> WorkResult<()> {
        self.sounds.feed(packet, &mut |sound| self.coder.encode(sound, out))
    }

    /// Says that no more packets come. Fails if there was no sound at all and `needed`.
    pub(super) fn finish(&mut self, needed: bool, out: &mut PacketSink) -> WorkResult<()> {
        self.sounds.finish(&mut |sound| self.coder.encode(sound, out))?;
        if self.coder.next.is_none() && needed {
            return Err(WorkError::broken("no sound in it can be decoded"));
        }
        self.coder.encoder.send_eof().blame_us("ending the sound")?;
        self.coder.collect(out)
    }
}

impl Coder {
    fn encode(&mut self, sound: &mut frame::Audio, out: &mut PacketSink) -> WorkResult<()> {
        let at = sound.pts().or(self.next).unwrap_or(0);
        let at = self.next.map_or(at, |next| at.max(next));
        sound.set_pts(Some(at));
        self.next = Some(at.saturating_add(sound.samples() as i64));
        self.encoder.send_frame(sound).blame_us("encoding sound")?;
        self.collect(out)
    }

    fn collect(&mut self, out: &mut PacketSink) -> WorkResult<()> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            out(&mut packet, Rational(1, self.rate))?;
        }
        Ok(())
    }
}

/// Rates of the 44.1 kHz family stay in it; everything else goes to 48 kHz, which is the one that Opus has.
pub(super) fn rate(codec: SoundCodec, source_rate: i32) -> i32 {
    if codec != SoundCodec::Opus && source_rate % 11_025 == 0 { 44_100 } else { 48_000 }
}

/// From decoded frames to what the encoder takes. `async` fills holes with silence and cuts what overlaps, so that sound and picture stay together.
fn chains(settings: &SoundSettings, rate: i32, level: Option<&str>) -> Chains {
    let layout = layout_name(settings);
    let level = level.map(|level| format!("{level},")).unwrap_or_default();
    let format = if settings.codec == SoundCodec::Opus { "flt" } else { "fltp" };
    let last = format!("aformat=sample_fmts={format}:sample_rates={rate}:channel_layouts={layout}");
    // Loudness is measured of the channels that are encoded, and so has to be changed there.
    Chains { alike: Alike { rate, layout }, all: format!("aresample={rate}:async=1,{level}{last}") }
}

/// FFmpeg's name for the channels that are encoded.
pub(super) fn layout_name(settings: &SoundSettings) -> &'static str {
    if settings.mono { "mono" } else { "stereo" }
}

/// An encoder for sound of that rate.
pub(super) fn open_encoder(settings: &SoundSettings, rate: i32) -> WorkResult<encoder::audio::Encoder> {
    let (name, format) = match settings.codec {
        SoundCodec::Aac => ("aac", Sample::F32(Type::Planar)),
        SoundCodec::Mp3 => ("libmp3lame", Sample::F32(Type::Planar)),
        SoundCodec::Opus => ("libopus", Sample::F32(Type::Packed)),
    };
    let codec = named(name)?;
    let (layout, channels) = if settings.mono { (ChannelLayout::MONO, 1) } else { (ChannelLayout::STEREO, 2) };
    let open = || {
        let mut encoder = codec::Context::new_with_codec(codec).encoder().audio()?;
        encoder.set_rate(rate);
        encoder.set_format(format);
        encoder.set_channel_layout(layout);
        encoder.set_channels(channels);
        encoder.set_bit_rate(usize::try_from(settings.bit_rate).unwrap_or(128_000));
        encoder.set_time_base(Rational(1, rate));
        encoder.set_flags(Flags::GLOBAL_HEADER);
        encoder.open()
    };
    open().blame_us(&format!("opening {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_stay_in_their_family() {
        let table = [
            (SoundCodec::Aac, 44_100, 44_100),
            (SoundCodec::Aac, 22_050, 44_100),
            (SoundCodec::Mp3, 32_000, 48_000),
            (SoundCodec::Mp3, 88_200, 44_100),
            (SoundCodec::Opus, 44_100, 48_000),
        ];
        for (codec, source, expected) in table {
            assert_eq!(rate(codec, source), expected, "{codec:?} {source}");
        }
    }

    #[test]
    fn the_level_is_set_on_the_channels_that_remain() {
        let voice = SoundSettings { codec: SoundCodec::Opus, bit_rate: 32_000, mono: true, loudness: true };
        let chains = chains(&voice, 48_000, Some("volume=3dB"));
        assert_eq!((chains.alike.rate, chains.alike.layout), (48_000, "mono"));
        let all = chains.all;
        assert!(all.contains("volume=3dB") && all.ends_with("sample_fmts=flt:sample_rates=48000:channel_layouts=mono"), "{all}");
    }
}
