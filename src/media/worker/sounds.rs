//! Decodes sound and makes it ready for an encoder, or for whoever measures it.
//!
//! In: packets of one stream, a chain of filters. Out: frames without holes, as the chain makes them. Must not: encode.

use ffmpeg::format::stream::Stream;
use ffmpeg::{Dictionary, Packet, Rational, Rescale, codec, decoder, frame};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkResult};
use super::graph::{FrameGraph, complete_layout};
use super::pictures::passable;

/// One stream of sound on its way through decoder and filters.
pub(super) struct Sounds {
    decoder: decoder::Audio,
    graph: Option<(Shape, FrameGraph)>,
    chain: String,
    frame_samples: u32,
    time_base: Rational,
    next_in: Option<i64>,
}

/// Where frames go.
pub(super) type SoundSink<'a> = dyn FnMut(&mut frame::Audio) -> WorkResult<()> + 'a;

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

impl Sounds {
    /// Frames of so many samples each come out of the chain; of any number if that is 0.
    pub(super) fn new(stream: &Stream, chain: String, frame_samples: u32) -> WorkResult<Self> {
        Ok(Self { decoder: open_decoder(stream)?, graph: None, chain, frame_samples, time_base: stream.time_base(), next_in: None })
    }

    /// Leaves out what is heard before time zero; before the first packet.
    pub(super) fn starting_at_zero(self) -> Self {
        Self { chain: format!("{},atrim=start=0", self.chain), ..self }
    }

    /// Takes a packet; gives frames to `out`, their timestamps counting in samples.
    pub(super) fn feed(&mut self, packet: &Packet, out: &mut SoundSink) -> WorkResult<()> {
        match self.decoder.send_packet(packet) {
            Ok(()) => self.decode(out),
            Err(error) => passable(error, "decoding sound"),
        }
    }

    /// Says that no more packets come.
    pub(super) fn finish(&mut self, out: &mut SoundSink) -> WorkResult<()> {
        if self.decoder.send_eof().is_ok() {
            self.decode(out)?;
        }
        self.end_graph(out)
    }

    fn decode(&mut self, out: &mut SoundSink) -> WorkResult<()> {
        let mut sound = frame::Audio::empty();
        loop {
            match self.decoder.receive_frame(&mut sound) {
                Ok(()) => self.filter(&mut sound, out)?,
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: libc::EAGAIN }) => return Ok(()),
                Err(error) => return passable(error, "decoding sound"),
            }
        }
    }

    fn filter(&mut self, sound: &mut frame::Audio, out: &mut SoundSink) -> WorkResult<()> {
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
            let graph = FrameGraph::audio(sound, self.time_base, &self.chain, self.frame_samples);
            self.graph = Some((shape, graph.blame_file("preparing the filters for sound")?));
        }
        if let Some((_, graph)) = &mut self.graph {
            graph.push(sound).blame_file("filtering sound")?;
        }
        self.hand_out(out)
    }

    fn end_graph(&mut self, out: &mut SoundSink) -> WorkResult<()> {
        if let Some((_, graph)) = &mut self.graph {
            graph.finish().blame_us("ending the filters for sound")?;
            self.hand_out(out)?;
            self.graph = None;
        }
        Ok(())
    }

    fn hand_out(&mut self, out: &mut SoundSink) -> WorkResult<()> {
        let mut sound = frame::Audio::empty();
        while let Some((_, graph)) = &mut self.graph {
            if !graph.pull(&mut sound).blame_file("filtering sound")? {
                break;
            }
            out(&mut sound)?;
        }
        Ok(())
    }
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
