//! Decodes pictures and makes them ready for an encoder.
//!
//! In: packets of one stream. Out: frames, 8-bit 4:2:0 if nothing else is wanted, at a steady frame rate, upright, of even size. Must not: encode.

use std::ops::Range;

use ffmpeg::format::stream::Stream;
use ffmpeg::{Dictionary, Packet, Rational, Rescale, codec, decoder, frame};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkError, WorkResult};
use super::filters::{self, Wanted};
use super::graph::FrameGraph;
use super::input;
use super::measure::{steady_rate, target_size, threads_for};
use crate::media::protocol::VideoSettings;

/// Larger pictures than these are refused before memory is spent on them.
const MAX_PIXELS: u64 = 8192 * 8192;

/// One stream of pictures on its way through decoder and filters.
pub(super) struct Pictures {
    decoder: decoder::Video,
    graph: Option<(Like, FrameGraph)>,
    wanted: Wanted,
    /// Width for height of the first picture.
    first_shape: Option<f64>,
    time_base: Rational,
    last_in: Option<i64>,
    /// When the last frame ends that went in.
    end: i64,
    last_out: Option<i64>,
    frames: u64,
    kept: Range<i64>,
}

/// What a graph is built for.
#[derive(PartialEq)]
struct Like {
    width: u32,
    height: u32,
    format: i32,
    shape: Rational,
    interlaced: bool,
}

impl Pictures {
    pub(super) fn new(stream: &Stream, settings: &VideoSettings, threads: u32) -> WorkResult<Self> {
        let scaled = target_size(input::display(stream), settings.max_short_side);
        let short_side = scaled.0.min(scaled.1);
        let size = if settings.square { (short_side, short_side) } else { scaled };
        Self::wanting(stream, size, scaled, settings.max_frame_rate, "yuv420p", threads)
    }

    /// With colours as a screen has them, red, green and blue for each pixel.
    pub(super) fn in_full_colour(stream: &Stream, max_short_side: u32, max_frame_rate: f64, threads: u32) -> WorkResult<Self> {
        let size = target_size(input::display(stream), Some(max_short_side));
        Self::wanting(stream, size, size, max_frame_rate, "bgra", threads)
    }

    fn wanting(
        stream: &Stream,
        size: (u32, u32),
        scaled: (u32, u32),
        max_frame_rate: f64,
        pixels: &'static str,
        threads: u32,
    ) -> WorkResult<Self> {
        let wanted = Wanted {
            size,
            scaled,
            pixels,
            rate: steady_rate(stream.avg_frame_rate(), stream.rate(), max_frame_rate),
            rotation: input::rotation(stream),
            interlaced: input::is_interlaced(stream),
            hdr: input::hdr(stream),
            within: None,
            last: None,
        };
        Self::like(stream, wanted, threads)
    }

    /// Frames as `wanted` says.
    pub(super) fn like(stream: &Stream, wanted: Wanted, threads: u32) -> WorkResult<Self> {
        let decoder = open_decoder(stream, threads_for(input::display(stream), threads))?;
        Ok(Self {
            decoder,
            graph: None,
            wanted,
            first_shape: None,
            time_base: stream.time_base(),
            last_in: None,
            end: 0,
            last_out: None,
            frames: 0,
            kept: i64::MIN..i64::MAX,
        })
    }

    /// Leaves out what is shown outside of these microseconds.
    pub(super) fn keep_us(&mut self, kept_us: Range<i64>) {
        let number = |us: i64| if us == i64::MAX { us } else { (us as f64 / 1e6 * f64::from(self.wanted.rate) - 0.01).ceil() as i64 };
        self.kept = number(kept_us.start)..number(kept_us.end);
    }

    /// Puts a filter behind all others; before the first packet.
    pub(super) fn put_behind(&mut self, filter: String) {
        self.wanted.last = Some(filter);
    }

    /// What the frames are like that come out.
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Makes frames of another pixel format of the same colours; before the first.
    pub(super) fn set_pixels(&mut self, pixels: &'static str) {
        self.wanted.pixels = pixels;
    }

    /// Frames that have come out.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// The decoder, for what it knows of colours.
    pub(super) fn decoder(&self) -> &decoder::Video {
        &self.decoder
    }

    /// Takes a packet; gives frames to `out`, their timestamps counting frames.
    pub(super) fn feed(&mut self, packet: &Packet, out: &mut dyn FnMut(&mut frame::Video) -> WorkResult<()>) -> WorkResult<()> {
        match self.decoder.send_packet(packet) {
            Ok(()) => self.decode(out),
            Err(error) => passable(error, "decoding pictures"),
        }
    }

    /// Says that no more packets come. Fails if there was no frame at all.
    pub(super) fn finish(&mut self, out: &mut dyn FnMut(&mut frame::Video) -> WorkResult<()>) -> WorkResult<()> {
        if self.decoder.send_eof().is_ok() {
            self.decode(out)?;
        }
        self.end_graph(out)?;
        if self.frames == 0 {
            return Err(WorkError::broken("no picture in it can be decoded"));
        }
        Ok(())
    }

    fn decode(&mut self, out: &mut dyn FnMut(&mut frame::Video) -> WorkResult<()>) -> WorkResult<()> {
        let mut picture = frame::Video::empty();
        loop {
            match self.decoder.receive_frame(&mut picture) {
                Ok(()) => self.filter(&mut picture, out)?,
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: libc::EAGAIN }) => return Ok(()),
                Err(error) => return passable(error, "decoding pictures"),
            }
        }
    }

    fn filter(&mut self, picture: &mut frame::Video, out: &mut dyn FnMut(&mut frame::Video) -> WorkResult<()>) -> WorkResult<()> {
        if picture.width() == 0 || picture.height() == 0 {
            return Ok(());
        }
        // A picture without a time follows the last one at once; the steady rate spreads them.
        let at = picture.timestamp().or(self.last_in.map(|last| last + 1)).unwrap_or(0);
        self.last_in = Some(at);
        let length = Some(picture.packet().duration).filter(|length| *length > 0);
        self.end = at.saturating_add(length.unwrap_or_else(|| 1_i64.rescale(self.wanted.rate.invert(), self.time_base).max(1)));
        picture.set_pts(Some(at));
        // Not every container says it; and once some are, any may be.
        self.wanted.interlaced |= picture.is_interlaced();
        let like = Like {
            width: picture.width(),
            height: picture.height(),
            // SAFETY: reads a plain number of a living frame.
            format: unsafe { (*picture.as_ptr()).format },
            shape: picture.aspect_ratio(),
            interlaced: self.wanted.interlaced,
        };
        if self.graph.as_ref().is_none_or(|(known, _)| *known != like) {
            self.end_graph(out)?;
            let times = self.times_as_wide(picture);
            let wanted = self.wanted.for_wider(times);
            let graph = FrameGraph::video(picture, self.time_base, &filters::chain(&wanted)).blame_file("preparing the filters")?;
            self.graph = Some((like, graph));
        }
        if let Some((_, graph)) = &mut self.graph {
            graph.push(picture).blame_file("filtering pictures")?;
        }
        self.hand_out(out)
    }

    /// By how much a picture is wider than the first one was, each for its height.
    fn times_as_wide(&mut self, picture: &frame::Video) -> f64 {
        let shape = picture.aspect_ratio();
        let shape = (shape.numerator(), shape.denominator());
        let (width, height) = input::displayed(picture.width(), picture.height(), shape, self.wanted.rotation);
        let shape = f64::from(width) / f64::from(height.max(1));
        shape / *self.first_shape.get_or_insert(shape)
    }

    fn end_graph(&mut self, out: &mut dyn FnMut(&mut frame::Video) -> WorkResult<()>) -> WorkResult<()> {
        if let Some((_, graph)) = &mut self.graph {
            graph.finish_at(self.end).blame_us("ending the filters")?;
            self.hand_out(out)?;
            self.graph = None;
        }
        Ok(())
    }

    fn hand_out(&mut self, out: &mut dyn FnMut(&mut frame::Video) -> WorkResult<()>) -> WorkResult<()> {
        let mut picture = frame::Video::empty();
        while let Some((_, graph)) = &mut self.graph {
            if !graph.pull(&mut picture).blame_file("filtering pictures")? {
                break;
            }
            // Where one graph takes over from another the same moment may come twice.
            let at = picture.pts().unwrap_or_default();
            if self.last_out.is_some_and(|last| at <= last) || !self.kept.contains(&at) {
                continue;
            }
            self.last_out = Some(at);
            self.frames += 1;
            picture.set_kind(ffmpeg::picture::Type::None);
            out(&mut picture)?;
        }
        Ok(())
    }
}

/// A decoder for a stream of pictures.
pub(super) fn open_decoder(stream: &Stream, threads: u32) -> WorkResult<decoder::Video> {
    let open = || {
        let context = codec::Context::from_parameters(stream.parameters())?;
        let codec = decoder::find(context.id()).ok_or(ffmpeg::Error::DecoderNotFound)?;
        let mut options = Dictionary::new();
        options.set("max_pixels", &MAX_PIXELS.to_string());
        options.set("threads", &thread_option(threads));
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(stream.time_base());
        decoder.open_as_with(codec, options)?.video()
    };
    open().blame_file("opening the decoder for pictures")
}

/// FFmpeg's `threads` option; 0 is its own choice.
pub(super) fn thread_option(threads: u32) -> String {
    if threads == 0 { "auto".to_owned() } else { threads.to_string() }
}

/// A damaged packet is passed over; what is not the packet's fault is an error.
pub(super) fn passable(error: ffmpeg::Error, doing: &str) -> WorkResult<()> {
    match error {
        ffmpeg::Error::Other { errno: libc::ENOMEM } => Err(error).blame_file(doing),
        _ => Ok(()),
    }
}
