//! The sound of files that are put behind each other.
//!
//! In: packets of one file after the other. Out: one stream, copied, or encoded without holes: where a file has no sound there is silence. Must not: read files.

use std::collections::VecDeque;

use ffmpeg::format::sample::{Sample, Type};
use ffmpeg::format::stream::Stream;
use ffmpeg::{ChannelLayout, Packet, Rational, Rescale, decoder, encoder, frame, rescale};
use ffmpeg_next as ffmpeg;

use super::audio::{self, open_encoder};
use super::error::{Blame, WorkResult};
use super::graph::{FrameGraph, complete_layout};
use super::muxer::Muxer;
use super::pictures::passable;
use super::sounds::{Shape, open_decoder};
use crate::media::protocol::{SoundCodec, SoundSettings};

/// Rate where there is none to follow.
const SOME_RATE: i32 = 48_000;
/// Holes within a file up to this part of a second are the rounding of its clock.
const ROUNDED: i64 = 10;

/// The sound on its way.
pub(super) struct Sound {
    to: usize,
    /// Where the file begins that is being read.
    begins_us: i64,
    time_base: Rational,
    way: Way,
}

enum Way {
    Copy,
    Encode { line: Box<Line>, voice: Option<Voice> },
}

impl Sound {
    /// Adds a stream to the new file that is like the first of the files.
    pub(super) fn copied(stream: &Stream, muxer: &mut Muxer) -> WorkResult<Self> {
        Ok(Self { to: muxer.add_copy(stream)?, begins_us: 0, time_base: stream.time_base(), way: Way::Copy })
    }

    /// Adds a stream to the new file that is encoded, at a rate that suits the highest of these.
    pub(super) fn encoded(rates: impl Iterator<Item = i32>, bit_rate: u64, muxer: &mut Muxer) -> WorkResult<Self> {
        let rate = audio::rate(SoundCodec::Aac, rates.max().unwrap_or(SOME_RATE));
        let line = Line::new(rate, bit_rate)?;
        let to = muxer.add_encoded(line.encoder.as_ref())?;
        Ok(Self { to, begins_us: 0, time_base: Rational(1, rate), way: Way::Encode { line: Box::new(line), voice: None } })
    }

    /// From now on packets are of this stream, whose file begins at that time.
    pub(super) fn begin(&mut self, stream: &Stream, begins_us: i64) -> WorkResult<()> {
        (self.begins_us, self.time_base) = (begins_us, stream.time_base());
        if let Way::Encode { line, voice } = &mut self.way {
            *voice = Some(Voice { decoder: open_decoder(stream)?, graph: None, rate: line.rate, next_in: None, begun: false });
        }
        Ok(())
    }

    /// Takes the next packet.
    pub(super) fn take(&mut self, packet: &mut Packet, muxer: &mut Muxer) -> WorkResult<()> {
        match &mut self.way {
            Way::Copy => {
                let is_before = packet.pts().or(packet.dts()).is_some_and(|at| at.saturating_add(packet.duration()) <= 0);
                // What stands before time zero only starts a decoder: in the middle it would be heard.
                if packet.size() == 0 || self.begins_us > 0 && is_before {
                    return Ok(());
                }
                let offset = self.begins_us.rescale(rescale::TIME_BASE, self.time_base);
                packet.set_pts(packet.pts().map(|pts| pts.saturating_add(offset)));
                packet.set_dts(packet.dts().map(|dts| dts.saturating_add(offset)));
                muxer.write(self.to, packet, self.time_base)
            }
            Way::Encode { line, voice } => {
                let Some(voice) = voice else { return Ok(()) };
                let begins = self.begins_us.rescale(rescale::TIME_BASE, Rational(1, line.rate));
                match voice.decoder.send_packet(packet) {
                    Ok(()) => voice.decode(self.time_base, &mut |at, sound| line.put(begins.saturating_add(at), sound, self.to, muxer)),
                    Err(error) => passable(error, "decoding sound"),
                }
            }
        }
    }

    /// Says that the file ends.
    pub(super) fn end(&mut self, muxer: &mut Muxer) -> WorkResult<()> {
        let Way::Encode { line, voice } = &mut self.way else { return Ok(()) };
        let Some(mut voice) = voice.take() else { return Ok(()) };
        let begins = self.begins_us.rescale(rescale::TIME_BASE, Rational(1, line.rate));
        let mut put = |at: i64, sound: &Heard| line.put(begins.saturating_add(at), sound, self.to, muxer);
        if voice.decoder.send_eof().is_ok() {
            voice.decode(self.time_base, &mut put)?;
        }
        voice.end_graph(&mut put)
    }

    /// Says that no more files come, and where the last one ends.
    pub(super) fn finish(&mut self, ends_us: i64, muxer: &mut Muxer) -> WorkResult<()> {
        let Way::Encode { line, .. } = &mut self.way else { return Ok(()) };
        line.fill_to(ends_us.rescale(rescale::TIME_BASE, Rational(1, line.rate)), self.to, muxer)?;
        line.finish(self.to, muxer)
    }
}

/// Samples of both channels, and whether they follow at once on those before.
struct Heard {
    channels: [Vec<f32>; 2],
    follows: bool,
}

/// The sound of one file on its way to samples.
struct Voice {
    decoder: decoder::Audio,
    graph: Option<(Shape, FrameGraph)>,
    rate: i32,
    next_in: Option<i64>,
    begun: bool,
}

/// Where samples go, with the number of the first one from the start of its file.
type Put<'a> = dyn FnMut(i64, &Heard) -> WorkResult<()> + 'a;

impl Voice {
    fn decode(&mut self, time_base: Rational, put: &mut Put) -> WorkResult<()> {
        let mut sound = frame::Audio::empty();
        loop {
            match self.decoder.receive_frame(&mut sound) {
                Ok(()) => self.resample(&mut sound, time_base, put)?,
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: libc::EAGAIN }) => return Ok(()),
                Err(error) => return passable(error, "decoding sound"),
            }
        }
    }

    fn resample(&mut self, sound: &mut frame::Audio, time_base: Rational, put: &mut Put) -> WorkResult<()> {
        let Some(rate) = i32::try_from(sound.rate()).ok().filter(|rate| *rate > 0 && sound.samples() > 0) else { return Ok(()) };
        complete_layout(sound);
        let at = sound.timestamp().or(self.next_in).unwrap_or(0);
        self.next_in = Some(at.saturating_add((sound.samples() as i64).rescale(Rational(1, rate), time_base)));
        sound.set_pts(Some(at));
        let shape = Shape::of(sound, rate);
        if self.graph.as_ref().is_none_or(|(known, _)| *known != shape) {
            self.end_graph(put)?;
            let spec =
                format!("aresample={}:async=1,aformat=sample_fmts=fltp:sample_rates={}:channel_layouts=stereo", self.rate, self.rate);
            self.graph = Some((shape, FrameGraph::audio(sound, time_base, &spec, 0).blame_file("preparing the resampler")?));
        }
        if let Some((_, graph)) = &mut self.graph {
            graph.push(sound).blame_file("resampling")?;
        }
        self.hand_out(put)
    }

    fn end_graph(&mut self, put: &mut Put) -> WorkResult<()> {
        if let Some((_, graph)) = &mut self.graph {
            graph.finish().blame_us("ending the resampler")?;
            self.hand_out(put)?;
            self.graph = None;
        }
        Ok(())
    }

    fn hand_out(&mut self, put: &mut Put) -> WorkResult<()> {
        let mut sound = frame::Audio::empty();
        while let Some((_, graph)) = &mut self.graph {
            if !graph.pull(&mut sound).blame_file("resampling")? {
                break;
            }
            let channel = |index: usize| sound.plane::<f32>(index).to_vec();
            let heard = Heard { channels: [channel(0), channel(1)], follows: self.begun };
            self.begun = true;
            put(sound.pts().unwrap_or(0), &heard)?;
        }
        Ok(())
    }
}

/// Samples in a row, from time zero, on their way through the encoder.
struct Line {
    encoder: encoder::audio::Encoder,
    rate: i32,
    waiting: [VecDeque<f32>; 2],
    /// The number of the next sample that comes, and of the next that is encoded.
    next: i64,
    encoded: i64,
}

impl Line {
    fn new(rate: i32, bit_rate: u64) -> WorkResult<Self> {
        let encoder = open_encoder(&SoundSettings::aac(bit_rate), rate)?;
        Ok(Self { encoder, rate, waiting: [VecDeque::new(), VecDeque::new()], next: 0, encoded: 0 })
    }

    /// Puts samples where they belong: behind silence if there is a hole, without their beginning if that place is taken.
    fn put(&mut self, at: i64, heard: &Heard, to: usize, muxer: &mut Muxer) -> WorkResult<()> {
        let is_rounding = heard.follows && (at - self.next).abs() < i64::from(self.rate) / ROUNDED;
        let at = if is_rounding { self.next } else { at };
        self.fill_to(at, to, muxer)?;
        let taken = usize::try_from(self.next - at).unwrap_or(0);
        for (waiting, channel) in self.waiting.iter_mut().zip(&heard.channels) {
            waiting.extend(channel.iter().skip(taken));
        }
        self.next += heard.channels[0].len().saturating_sub(taken) as i64;
        self.encode(false, to, muxer)
    }

    fn fill_to(&mut self, at: i64, to: usize, muxer: &mut Muxer) -> WorkResult<()> {
        while self.next < at {
            let silent = (at - self.next).min(i64::from(self.rate));
            for waiting in &mut self.waiting {
                waiting.extend(std::iter::repeat_n(0.0, silent as usize));
            }
            self.next += silent;
            self.encode(false, to, muxer)?;
        }
        Ok(())
    }

    fn encode(&mut self, all: bool, to: usize, muxer: &mut Muxer) -> WorkResult<()> {
        let frame_size = (self.encoder.frame_size() as usize).max(1);
        while self.waiting[0].len() >= frame_size || all && !self.waiting[0].is_empty() {
            let samples = frame_size.min(self.waiting[0].len());
            let mut sound = frame::Audio::new(Sample::F32(Type::Planar), samples, ChannelLayout::STEREO);
            sound.set_rate(self.rate as u32);
            for (index, waiting) in self.waiting.iter_mut().enumerate() {
                for (place, sample) in sound.plane_mut::<f32>(index).iter_mut().zip(waiting.drain(..samples)) {
                    *place = sample;
                }
            }
            sound.set_pts(Some(self.encoded));
            self.encoded += samples as i64;
            self.encoder.send_frame(&sound).blame_us("encoding sound")?;
            self.collect(to, muxer)?;
        }
        Ok(())
    }

    fn finish(&mut self, to: usize, muxer: &mut Muxer) -> WorkResult<()> {
        self.encode(true, to, muxer)?;
        self.encoder.send_eof().blame_us("ending the sound")?;
        self.collect(to, muxer)
    }

    fn collect(&mut self, to: usize, muxer: &mut Muxer) -> WorkResult<()> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            muxer.write(to, &mut packet, Rational(1, self.rate))?;
        }
        Ok(())
    }
}
