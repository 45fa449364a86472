//! Encodes a few pictures so that they can stand before and behind copied ones of the same stream.
//!
//! In: packets of H.264, the times between which its pictures are kept. Out: packets that show them, at the same times, in the form of the stream. Must not: change
//! what pictures are like: size, shape, colours, rotation and rate stay as they are.

use std::collections::VecDeque;
use std::ops::Range;

use ffmpeg::codec::Flags;
use ffmpeg::codec::packet::Flags as PacketFlags;
use ffmpeg::format::stream::Stream;
use ffmpeg::{Dictionary, Packet, Rational, codec, decoder, encoder, ffi, frame};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkError, WorkResult};
use super::input::{self, parameters};
use super::measure::threads_for;
use super::nal::{Framing, Setup, with_lengths};
use super::pictures::{open_decoder, passable, thread_option};
use crate::model::Reason;

/// CRF at which nobody sees where the encoded pictures end and the copied ones begin.
const CRF: &str = "17";
/// Rate that is told to the encoder where none is known; it decides about bits alone, for times are kept.
const SOME_RATE: Rational = Rational(25, 1);

/// How edges of one stream are encoded.
pub(super) struct EdgeMaker {
    threads: u32,
    preset: String,
    /// The number of our parameter sets, which none of the stream's has.
    id: u32,
    time_base: Rational,
}

impl EdgeMaker {
    pub(super) fn new(stream: &Stream, setup: &Setup, preset: &str, threads: u32) -> Option<Self> {
        let threads = threads_for(input::display(stream), threads);
        Some(Self { threads, preset: preset.to_owned(), id: setup.free_id()?, time_base: stream.time_base() })
    }

    /// Pictures shown in `kept` are encoded and decoded by `lead` before they are shown.
    pub(super) fn edge(&self, stream: &Stream, kept: Range<i64>, lead: i64) -> WorkResult<Edge> {
        let decoder = open_decoder(stream, self.threads)?;
        let encoder = self.open_encoder(stream).blame_us("opening libx264 for an edge")?;
        Ok(Edge { decoder, encoder, kept, lead, waiting: VecDeque::new(), frames: 0, written: 0, time_base: self.time_base })
    }

    fn open_encoder(&self, stream: &Stream) -> Result<encoder::video::Encoder, ffmpeg::Error> {
        let parameters = parameters(stream);
        let codec = encoder::find_by_name("libx264").ok_or(ffmpeg::Error::EncoderNotFound)?;
        let mut encoder = codec::Context::new_with_codec(codec).encoder().video()?;
        let rate = Some(stream.avg_frame_rate()).filter(|rate| rate.numerator() > 0 && rate.denominator() > 0).unwrap_or(SOME_RATE);
        encoder.set_width(u32::try_from(parameters.width).unwrap_or_default());
        encoder.set_height(u32::try_from(parameters.height).unwrap_or_default());
        encoder.set_frame_rate(Some(rate));
        encoder.set_time_base(rate.invert());
        encoder.set_flags(Flags::GLOBAL_HEADER | Flags::CLOSED_GOP);
        // SAFETY: plain fields of two living structures. The format is one of the enumeration, since the decoder's own parameters hold it.
        unsafe {
            let raw = encoder.as_mut_ptr();
            (*raw).pix_fmt = std::mem::transmute::<i32, ffi::AVPixelFormat>(parameters.format);
            (*raw).sample_aspect_ratio = parameters.sample_aspect_ratio;
            (*raw).colorspace = parameters.color_space;
            (*raw).color_primaries = parameters.color_primaries;
            (*raw).color_trc = parameters.color_trc;
            (*raw).color_range = parameters.color_range;
            (*raw).chroma_sample_location = parameters.chroma_location;
        }
        // Fast presets leave the tools of a profile unused, and libx264 names the lowest profile that has those it uses.
        let (profile, tools) = match parameters.profile & 0xff {
            66 => ("baseline", "cabac=0:8x8dct=0:weightp=0"),
            77 => ("main", "cabac=1:8x8dct=0"),
            _ => ("high", "cabac=1:8x8dct=1"),
        };
        let level = if parameters.level > 0 { format!(":level={}", parameters.level) } else { String::new() };
        let mut options = Dictionary::new();
        options.set("preset", &self.preset);
        options.set("profile", profile);
        options.set("crf", CRF);
        // Without reordering, so that decoding times are as simple as can be.
        options.set("x264-params", &format!("bframes=0:{tools}:sps-id={}{level}", self.id));
        options.set("threads", &thread_option(self.threads));
        encoder.open_with(options)
    }
}

/// Some pictures on their way through decoder and encoder.
pub(super) struct Edge {
    decoder: decoder::Video,
    encoder: encoder::video::Encoder,
    kept: Range<i64>,
    lead: i64,
    /// When pictures are shown, and how long, that are in the encoder.
    waiting: VecDeque<(i64, i64)>,
    frames: i64,
    written: u64,
    time_base: Rational,
}

impl Edge {
    /// What has to be told to decoders.
    pub(super) fn setup(&self) -> Option<Setup> {
        // SAFETY: the encoder is open; its extradata are as long as it says, or null.
        let bytes = unsafe {
            let raw = self.encoder.as_ptr();
            let length = usize::try_from((*raw).extradata_size).unwrap_or(0);
            if (*raw).extradata.is_null() { &[] } else { std::slice::from_raw_parts((*raw).extradata, length) }
        };
        Setup::parse(bytes)
    }

    /// Pictures that came out.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Takes a packet; gives encoded packets to `out`, their timestamps counting as the stream's.
    pub(super) fn feed(&mut self, packet: &Packet, out: &mut dyn FnMut(&mut Packet) -> WorkResult<()>) -> WorkResult<()> {
        match self.decoder.send_packet(packet) {
            Ok(()) => self.decode(out),
            Err(error) => passable(error, "decoding pictures"),
        }
    }

    /// Says that no more packets come.
    pub(super) fn finish(&mut self, out: &mut dyn FnMut(&mut Packet) -> WorkResult<()>) -> WorkResult<()> {
        if self.decoder.send_eof().is_ok() {
            self.decode(out)?;
        }
        self.encoder.send_eof().blame_us("ending an edge")?;
        self.collect(out)
    }

    fn decode(&mut self, out: &mut dyn FnMut(&mut Packet) -> WorkResult<()>) -> WorkResult<()> {
        let mut picture = frame::Video::empty();
        loop {
            match self.decoder.receive_frame(&mut picture) {
                Ok(()) => self.encode(&mut picture, out)?,
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: libc::EAGAIN }) => return Ok(()),
                Err(error) => return passable(error, "decoding pictures"),
            }
        }
    }

    fn encode(&mut self, picture: &mut frame::Video, out: &mut dyn FnMut(&mut Packet) -> WorkResult<()>) -> WorkResult<()> {
        let Some(shown) = picture.timestamp().filter(|shown| self.kept.contains(shown)) else { return Ok(()) };
        // A picture of another size within the stream could not be joined with the others.
        if (picture.width(), picture.height()) != (self.encoder.width(), self.encoder.height()) {
            return Err(WorkError::broken("the size of its pictures changes on the way"));
        }
        self.waiting.push_back((shown, picture.packet().duration));
        picture.set_pts(Some(self.frames));
        picture.set_kind(ffmpeg::picture::Type::None);
        self.frames += 1;
        self.encoder.send_frame(picture).blame_us("encoding an edge")?;
        self.collect(out)
    }

    fn collect(&mut self, out: &mut dyn FnMut(&mut Packet) -> WorkResult<()>) -> WorkResult<()> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            let (Some((shown, length)), Some(bytes)) =
                (self.waiting.pop_front(), packet.data().and_then(|data| with_lengths(Framing::StartCodes, data)))
            else {
                return Err(WorkError::new(Reason::Internal, "libx264 gave a picture that it did not get"));
            };
            let mut joined = Packet::copy(&bytes);
            joined.set_pts(Some(shown));
            joined.set_dts(Some(shown.saturating_sub(self.lead)));
            let one = Rational(self.encoder.time_base().numerator(), self.encoder.time_base().denominator());
            joined.set_duration(if length > 0 { length } else { ffmpeg::Rescale::rescale(&1_i64, one, self.time_base) });
            if packet.is_key() {
                joined.set_flags(PacketFlags::KEY);
            }
            self.written += 1;
            out(&mut joined)?;
        }
        Ok(())
    }
}
