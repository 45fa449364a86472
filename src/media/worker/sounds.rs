//! Decodes sound and makes it ready for an encoder, or for whoever measures it.
//!
//! In: packets of one stream, chains of filters. Out: frames without holes, as the chains make them, in one row whatever changes on the way. Must not: encode.

use ffmpeg::format::stream::Stream;
use ffmpeg::{Dictionary, Packet, Rational, Rescale, codec, decoder, frame};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkResult};
use super::graph::{FrameGraph, complete_layout};
use super::pictures::passable;

/// The filters of one stream of sound.
pub(super) struct Chains {
    /// What makes frames of any rate and of any channels all alike. Begins anew where the source changes.
    pub(super) alike: Alike,
    /// What all of them go through then, from the first to the last: what counts or remembers something belongs here.
    pub(super) all: String,
}

/// The one rate and the one set of channels that all sound is brought to.
pub(super) struct Alike {
    pub(super) rate: i32,
    /// FFmpeg's name of them.
    pub(super) layout: &'static str,
}

impl Alike {
    /// The filters. What follows on other sound begins where that ended, which is told in samples of the source: behind silence, or without its beginning.
    fn chain(&self, begins: Option<i64>) -> String {
        let Self { rate, layout } = self;
        let begins = begins.map(|begins| format!(":first_pts={begins}")).unwrap_or_default();
        format!("aresample={rate}{begins},aformat=sample_fmts=fltp:sample_rates={rate}:channel_layouts={layout}")
    }
}

/// One stream of sound on its way through decoder and filters.
pub(super) struct Sounds {
    decoder: decoder::Audio,
    alike: Option<(Shape, FrameGraph)>,
    all: Option<FrameGraph>,
    chains: Chains,
    frame_samples: u32,
    time_base: Rational,
    next_in: Option<i64>,
    /// Where the last frame ends that is like all others, in samples of their rate.
    row_ends: Option<i64>,
    /// The file does not say when its packets are heard; FFmpeg counts them as if all were like the first one.
    is_counted: bool,
    has_changed: bool,
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
    /// Frames of so many samples each come out, but for the last one; of any number if that is 0.
    pub(super) fn new(stream: &Stream, chains: Chains, frame_samples: u32) -> WorkResult<Self> {
        let decoder = open_decoder(stream)?;
        Ok(Self {
            decoder,
            alike: None,
            all: None,
            chains,
            frame_samples,
            time_base: stream.time_base(),
            next_in: None,
            row_ends: None,
            is_counted: false,
            has_changed: false,
        })
    }

    /// Leaves out what is heard before time zero; before the first packet.
    pub(super) fn starting_at_zero(self) -> Self {
        let all = format!("{},atrim=start=0", self.chains.all);
        Self { chains: Chains { all, ..self.chains }, ..self }
    }

    /// Believes what packets hold rather than when they are said to be heard, once they have changed.
    pub(super) fn counted(self) -> Self {
        Self { is_counted: true, ..self }
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
        self.end_alike(out)?;
        if let Some(all) = &mut self.all {
            all.finish().blame_us("ending the filters for sound")?;
        }
        self.hand_out(out)
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
        let shape = Shape::of(sound, rate);
        let is_other = self.alike.as_ref().is_none_or(|(known, _)| *known != shape);
        self.has_changed |= is_other && self.alike.is_some();
        let told = sound.timestamp();
        let at = if self.is_counted && self.has_changed { self.next_in.or(told) } else { told.or(self.next_in) }.unwrap_or(0);
        let length = (sound.samples() as i64).rescale(Rational(1, rate), self.time_base);
        self.next_in = Some(at.saturating_add(length));
        sound.set_pts(Some(at));
        if is_other {
            self.end_alike(out)?;
            let begins = self.row_ends.map(|ends| ends.rescale(Rational(1, self.chains.alike.rate), Rational(1, rate)));
            let graph = FrameGraph::audio(sound, self.time_base, &self.chains.alike.chain(begins), 0);
            self.alike = Some((shape, graph.blame_file("preparing the filters for sound")?));
        }
        if let Some((_, graph)) = &mut self.alike {
            graph.push(sound).blame_file("filtering sound")?;
        }
        self.bring_together(out)
    }

    fn end_alike(&mut self, out: &mut SoundSink) -> WorkResult<()> {
        if let Some((_, graph)) = &mut self.alike {
            graph.finish().blame_us("ending the filters for sound")?;
            self.bring_together(out)?;
            self.alike = None;
        }
        Ok(())
    }

    fn bring_together(&mut self, out: &mut SoundSink) -> WorkResult<()> {
        let mut sound = frame::Audio::empty();
        while let Some((_, graph)) = &mut self.alike {
            if !graph.pull(&mut sound).blame_file("filtering sound")? {
                break;
            }
            self.row_ends = sound.pts().map(|at| at.saturating_add(sound.samples() as i64)).or(self.row_ends);
            if self.all.is_none() {
                let time_base = Rational(1, self.chains.alike.rate);
                let graph = FrameGraph::audio(&sound, time_base, &self.chains.all, self.frame_samples);
                self.all = Some(graph.blame_us("preparing the filters for sound")?);
            }
            if let Some(all) = &mut self.all {
                all.push(&mut sound).blame_us("filtering sound")?;
            }
            self.hand_out(out)?;
        }
        Ok(())
    }

    fn hand_out(&mut self, out: &mut SoundSink) -> WorkResult<()> {
        let mut sound = frame::Audio::empty();
        while let Some(all) = &mut self.all {
            if !all.pull(&mut sound).blame_us("filtering sound")? {
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
