//! Decodes sound and encodes it to AAC.
//!
//! In: packets of one stream. Out: packets of AAC-LC, stereo, 44.1 or 48 kHz, without holes. Must not: read or write files.

use ffmpeg::codec::Flags;
use ffmpeg::format::sample::{Sample, Type};
use ffmpeg::format::stream::Stream;
use ffmpeg::{ChannelLayout, Dictionary, Packet, Rational, Rescale, codec, decoder, encoder, frame};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkError, WorkResult};
use super::graph::{FrameGraph, complete_layout};
use super::input::parameters;
use super::pictures::passable;

/// One stream of sound on its way through decoder, resampler and encoder.
pub(super) struct AudioTrack {
    decoder: decoder::Audio,
    graph: Option<(Shape, FrameGraph)>,
    encoder: encoder::audio::Encoder,
    rate: i32,
    time_base: Rational,
    next_in: Option<i64>,
    next_out: Option<i64>,
    from_zero: bool,
}

/// What a graph is built for: sample format, rate, channels.
#[derive(PartialEq)]
pub(super) struct Shape(i32, i32, i32);

impl Shape {
    /// Of a frame with that rate.
    pub(super) fn of(sound: &frame::Audio, rate: i32) -> Self {
        // SAFETY: reads plain numbers of a living frame.
        unsafe { Self((*sound.as_ptr()).format, rate, (*sound.as_ptr()).ch_layout.nb_channels) }
    }
}

impl AudioTrack {
    pub(super) fn new(stream: &Stream, bit_rate: u64) -> WorkResult<Self> {
        let decoder = open_decoder(stream)?;
        let rate = rate_for(parameters(stream).sample_rate);
        let encoder = open_encoder(rate, bit_rate).blame_us("opening the AAC encoder")?;
        Ok(Self { decoder, graph: None, encoder, rate, time_base: stream.time_base(), next_in: None, next_out: None, from_zero: false })
    }

    /// Leaves out what is heard before time zero.
    pub(super) fn starting_at_zero(self) -> Self {
        Self { from_zero: true, ..self }
    }

    /// The encoder, for the muxer.
    pub(super) fn encoder(&self) -> &codec::Context {
        self.encoder.as_ref()
    }

    /// Takes a packet; gives encoded packets to `out`, their timestamps counting in samples.
    pub(super) fn feed(&mut self, packet: &Packet, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        match self.decoder.send_packet(packet) {
            Ok(()) => self.decode(out),
            Err(error) => passable(error, "decoding sound"),
        }
    }

    /// Says that no more packets come. Fails if there was no sound at all and `needed`.
    pub(super) fn finish(&mut self, needed: bool, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        if self.decoder.send_eof().is_ok() {
            self.decode(out)?;
        }
        self.end_graph(out)?;
        if self.next_out.is_none() && needed {
            return Err(WorkError::broken("no sound in it can be decoded"));
        }
        self.encoder.send_eof().blame_us("ending the sound")?;
        self.collect(out)
    }

    fn decode(&mut self, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        let mut sound = frame::Audio::empty();
        loop {
            match self.decoder.receive_frame(&mut sound) {
                Ok(()) => self.filter(&mut sound, out)?,
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: libc::EAGAIN }) => return Ok(()),
                Err(error) => return passable(error, "decoding sound"),
            }
        }
    }

    fn filter(&mut self, sound: &mut frame::Audio, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        let Ok(rate) = i32::try_from(sound.rate()) else { return Ok(()) };
        if sound.samples() == 0 || rate <= 0 {
            return Ok(());
        }
        complete_layout(sound);
        let at = sound.timestamp().or(self.next_in).unwrap_or(0);
        let length = (sound.samples() as i64).rescale(Rational(1, rate), self.time_base);
        self.next_in = Some(at.saturating_add(length));
        sound.set_pts(Some(at));
        let shape = Shape::of(sound, rate);
        if self.graph.as_ref().is_none_or(|(known, _)| *known != shape) {
            self.end_graph(out)?;
            // async fills holes with silence and cuts what overlaps, so that sound and picture stay together.
            let trim = if self.from_zero { "atrim=start=0," } else { "" };
            let spec =
                format!("aresample={}:async=1,{trim}aformat=sample_fmts=fltp:sample_rates={}:channel_layouts=stereo", self.rate, self.rate);
            let graph = FrameGraph::audio(sound, self.time_base, &spec, self.encoder.frame_size());
            self.graph = Some((shape, graph.blame_file("preparing the resampler")?));
        }
        if let Some((_, graph)) = &mut self.graph {
            graph.push(sound).blame_file("resampling")?;
        }
        self.encode(out)
    }

    fn end_graph(&mut self, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        if let Some((_, graph)) = &mut self.graph {
            graph.finish().blame_us("ending the resampler")?;
            self.encode(out)?;
            self.graph = None;
        }
        Ok(())
    }

    fn encode(&mut self, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        let mut sound = frame::Audio::empty();
        while let Some((_, graph)) = &mut self.graph {
            if !graph.pull(&mut sound).blame_file("resampling")? {
                break;
            }
            let at = sound.pts().or(self.next_out).unwrap_or(0);
            let at = self.next_out.map_or(at, |next| at.max(next));
            sound.set_pts(Some(at));
            self.next_out = Some(at.saturating_add(sound.samples() as i64));
            self.encoder.send_frame(&sound).blame_us("encoding sound")?;
            self.collect(out)?;
        }
        Ok(())
    }

    fn collect(&mut self, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            out(&mut packet, Rational(1, self.rate))?;
        }
        Ok(())
    }
}

/// Rates of the 44.1 kHz family stay in it; everything else goes to 48 kHz.
pub(super) fn rate_for(rate: i32) -> i32 {
    if rate % 11_025 == 0 { 44_100 } else { 48_000 }
}

/// A decoder for a stream of sound.
pub(super) fn open_decoder(stream: &Stream) -> WorkResult<decoder::Audio> {
    let open = || {
        let context = codec::Context::from_parameters(stream.parameters())?;
        let codec = decoder::find(context.id()).ok_or(ffmpeg::Error::DecoderNotFound)?;
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(stream.time_base());
        let mut options = Dictionary::new();
        options.set("threads", "1");
        decoder.open_as_with(codec, options)?.audio()
    };
    open().blame_file("opening the decoder for sound")
}

/// An encoder for AAC in stereo.
pub(super) fn open_encoder(rate: i32, bit_rate: u64) -> Result<encoder::audio::Encoder, ffmpeg::Error> {
    let codec = encoder::find_by_name("aac").ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut encoder = codec::Context::new_with_codec(codec).encoder().audio()?;
    encoder.set_rate(rate);
    encoder.set_format(Sample::F32(Type::Planar));
    encoder.set_channel_layout(ChannelLayout::STEREO);
    encoder.set_channels(2);
    encoder.set_bit_rate(usize::try_from(bit_rate).unwrap_or(128_000));
    encoder.set_time_base(Rational(1, rate));
    encoder.set_flags(Flags::GLOBAL_HEADER);
    encoder.open()
}
