//! Decodes pictures and encodes them with libx264.
//!
//! In: packets of one stream. Out: packets of H.264, 8-bit 4:2:0, at a steady frame rate, upright, of even size. Must not: read or write files
//! (libx264 keeps the statistics of its first pass in one).

use std::path::PathBuf;

use ffmpeg::codec::Flags;
use ffmpeg::format::stream::Stream;
use ffmpeg::{Dictionary, Packet, Rational, codec, decoder, encoder, ffi, format, frame};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkError, WorkResult};
use super::graph::FrameGraph;
use super::input::{self, parameters};
use super::jpeg::turn;
use super::measure::{is_large, steady_rate, target_size, threads_for};
use crate::media::protocol::VideoSettings;

/// Larger pictures than these are refused before memory is spent on them.
const MAX_PIXELS: u64 = 8192 * 8192;
/// Frames that are looked ahead for large pictures.
const LARGE_LOOKAHEAD: &str = "10";
/// Seconds between key frames: short enough to seek in a chat.
const KEY_FRAME_S: f64 = 5.0;

/// What the rate control does in this run.
#[derive(Clone, Debug)]
pub(super) enum Pass {
    /// Constant quality.
    Quality(u8),
    /// The first of two: writes statistics.
    First { bit_rate: u64, statistics: PathBuf },
    /// The second of two: reads them.
    Second { bit_rate: u64, statistics: PathBuf },
}

/// One stream of pictures on its way through decoder, filters and encoder.
pub(super) struct VideoTrack {
    decoder: decoder::Video,
    graph: Option<(Look, FrameGraph)>,
    encoder: encoder::video::Encoder,
    filters: String,
    time_base: Rational,
    last_in: Option<i64>,
    last_out: Option<i64>,
    frames: u64,
    display: (u32, u32),
}

/// What a graph is built for.
#[derive(PartialEq)]
struct Look(u32, u32, i32, Rational);

impl VideoTrack {
    pub(super) fn new(stream: &Stream, settings: &VideoSettings, pass: &Pass, threads: u32) -> WorkResult<Self> {
        let display = input::display(stream);
        let threads = threads_for(display, threads);
        let decoder = open_decoder(stream, threads)?;
        let size = target_size(display, settings.max_short_side);
        let rate = steady_rate(stream.avg_frame_rate(), stream.rate(), settings.max_frame_rate);
        let interlaced =
            !matches!(parameters(stream).field_order, ffi::AVFieldOrder::AV_FIELD_PROGRESSIVE | ffi::AVFieldOrder::AV_FIELD_UNKNOWN);
        let filters = format!(
            "{}fps={}/{},{}scale={}:{}:flags=bicubic,setsar=1,format=yuv420p",
            if interlaced { "yadif=deint=interlaced," } else { "" },
            rate.numerator(),
            rate.denominator(),
            turn(input::rotation(stream)),
            size.0,
            size.1,
        );
        let encoder = open_encoder(&decoder, size, rate, settings, pass, threads)?;
        Ok(Self {
            decoder,
            graph: None,
            encoder,
            filters,
            time_base: stream.time_base(),
            last_in: None,
            last_out: None,
            frames: 0,
            display: size,
        })
    }

    /// The encoder, for the muxer.
    pub(super) fn encoder(&self) -> &codec::Context {
        self.encoder.as_ref()
    }

    /// Width and height of what comes out.
    pub(super) fn display(&self) -> (u32, u32) {
        self.display
    }

    /// Takes a packet; gives encoded packets to `out`, their timestamps counting in the encoder's time base.
    pub(super) fn feed(&mut self, packet: &Packet, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        match self.decoder.send_packet(packet) {
            Ok(()) => self.decode(out),
            Err(error) => passable(error, "decoding pictures"),
        }
    }

    /// Says that no more packets come.
    pub(super) fn finish(&mut self, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        if self.decoder.send_eof().is_ok() {
            self.decode(out)?;
        }
        self.end_graph(out)?;
        if self.frames == 0 {
            return Err(WorkError::broken("no picture in it can be decoded"));
        }
        self.encoder.send_eof().blame_us("ending the video")?;
        self.collect(out)
    }

    fn decode(&mut self, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        let mut picture = frame::Video::empty();
        loop {
            match self.decoder.receive_frame(&mut picture) {
                Ok(()) => self.filter(&mut picture, out)?,
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: libc::EAGAIN }) => return Ok(()),
                Err(error) => return passable(error, "decoding pictures"),
            }
        }
    }

    fn filter(&mut self, picture: &mut frame::Video, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        if picture.width() == 0 || picture.height() == 0 {
            return Ok(());
        }
        // A picture without a time follows the last one at once; the steady rate spreads them.
        let at = picture.timestamp().or(self.last_in.map(|last| last + 1)).unwrap_or(0);
        self.last_in = Some(at);
        picture.set_pts(Some(at));
        // SAFETY: reads a plain number of a living frame.
        let look = Look(picture.width(), picture.height(), unsafe { (*picture.as_ptr()).format }, picture.aspect_ratio());
        if self.graph.as_ref().is_none_or(|(known, _)| *known != look) {
            self.end_graph(out)?;
            let graph = FrameGraph::video(picture, self.time_base, &self.filters).blame_file("preparing the filters")?;
            self.graph = Some((look, graph));
        }
        if let Some((_, graph)) = &mut self.graph {
            graph.push(picture).blame_file("filtering pictures")?;
        }
        self.encode(out)
    }

    fn end_graph(&mut self, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        if let Some((_, graph)) = &mut self.graph {
            graph.finish().blame_us("ending the filters")?;
            self.encode(out)?;
            self.graph = None;
        }
        Ok(())
    }

    fn encode(&mut self, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        let mut picture = frame::Video::empty();
        while let Some((_, graph)) = &mut self.graph {
            if !graph.pull(&mut picture).blame_file("filtering pictures")? {
                break;
            }
            // Where one graph takes over from another the same moment may come twice.
            let at = picture.pts().unwrap_or_default();
            if self.last_out.is_some_and(|last| at <= last) {
                continue;
            }
            self.last_out = Some(at);
            picture.set_kind(ffmpeg::picture::Type::None);
            self.encoder.send_frame(&picture).blame_us("encoding pictures")?;
            self.frames += 1;
            self.collect(out)?;
        }
        Ok(())
    }

    fn collect(&mut self, out: &mut dyn FnMut(&mut Packet, Rational) -> WorkResult<()>) -> WorkResult<()> {
        let time_base = self.encoder.time_base();
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            if packet.duration() <= 0 {
                packet.set_duration(1);
            }
            out(&mut packet, time_base)?;
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

fn open_encoder(
    decoder: &decoder::Video,
    (width, height): (u32, u32),
    rate: Rational,
    settings: &VideoSettings,
    pass: &Pass,
    threads: u32,
) -> WorkResult<encoder::video::Encoder> {
    let open = || {
        let codec = encoder::find_by_name("libx264").ok_or(ffmpeg::Error::EncoderNotFound)?;
        let mut encoder = codec::Context::new_with_codec(codec).encoder().video()?;
        encoder.set_width(width);
        encoder.set_height(height);
        encoder.set_format(format::Pixel::YUV420P);
        encoder.set_aspect_ratio((1, 1));
        encoder.set_frame_rate(Some(rate));
        encoder.set_time_base(rate.invert());
        encoder.set_gop(((f64::from(rate) * KEY_FRAME_S).round() as u32).clamp(1, 300));
        copy_colors(decoder, &mut encoder);
        let mut options = Dictionary::new();
        options.set("preset", &settings.preset);
        options.set("profile", "high");
        options.set("threads", &thread_option(threads));
        if is_large((width, height)) && !matches!(settings.preset.as_str(), "ultrafast" | "superfast") {
            options.set("rc-lookahead", LARGE_LOOKAHEAD); // those two presets look ahead less anyway
        }
        let mut flags = Flags::GLOBAL_HEADER;
        match pass {
            Pass::Quality(crf) => options.set("crf", &crf.to_string()),
            Pass::First { bit_rate, statistics } | Pass::Second { bit_rate, statistics } => {
                flags |= if matches!(pass, Pass::First { .. }) { Flags::PASS1 } else { Flags::PASS2 };
                options.set("b", &bit_rate.to_string());
                options.set("maxrate", &(bit_rate + bit_rate / 2).to_string());
                options.set("bufsize", &(bit_rate * 2).min(i32::MAX as u64).to_string());
                options.set("stats", statistics.to_str().ok_or(ffmpeg::Error::Bug)?);
            }
        }
        encoder.set_flags(flags);
        encoder.open_with(options)
    };
    open().blame_us("opening libx264")
}

/// Says which colours are meant, so that they look as in the source. RGB becomes BT.601 by the scaler's default.
fn copy_colors(decoder: &decoder::Video, encoder: &mut encoder::video::Video) {
    if decoder.color_space() != ffmpeg::color::Space::RGB {
        encoder.set_colorspace(decoder.color_space());
        encoder.set_color_primaries(decoder.color_primaries());
        encoder.set_color_transfer_characteristic(decoder.color_transfer_characteristic());
    }
    encoder.set_color_range(ffmpeg::color::Range::MPEG);
}
