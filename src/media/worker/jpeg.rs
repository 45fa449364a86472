//! Makes small JPEG pictures of frames.
//!
//! In: a decoded frame. Out: the bytes of a JPEG within a number of pixels and bytes. Must not: choose the frame.

use ffmpeg::codec::Flags;
use ffmpeg::{Packet, Rational, codec, encoder, ffi, format, frame};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkError, WorkResult};
use super::graph::FrameGraph;

/// Qualities of FFmpeg's JPEG encoder that are tried until the size fits; lower is better.
const QUALITIES: [i32; 5] = [3, 5, 9, 16, 31];

/// A picture.
pub(super) struct Jpeg {
    pub(super) bytes: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The frame as it is displayed, at most `max_side` pixels a side, as 4:2:0 of full range, which is what JPEG has. It is empty afterwards.
pub(super) fn scale(picture: &mut frame::Video, rotation: u16, max_side: u32) -> WorkResult<frame::Video> {
    let (width, height) = fit(picture, rotation, max_side);
    let spec = format!("{}scale={width}:{height}:flags=area,setsar=1,format=yuvj420p", turn(rotation));
    let mut graph = FrameGraph::video(picture, Rational(1, 25), &spec).blame_us("preparing to scale a picture")?;
    graph.push(picture).blame_us("scaling a picture")?;
    graph.finish().blame_us("scaling a picture")?;
    let mut scaled = frame::Video::empty();
    if graph.pull(&mut scaled).blame_us("scaling a picture")? {
        Ok(scaled)
    } else {
        Err(WorkError::broken("a picture vanished while it was scaled"))
    }
}

/// Filters that turn a frame clockwise.
pub(super) fn turn(rotation: u16) -> &'static str {
    match rotation {
        90 => "transpose=clock,",
        180 => "hflip,vflip,",
        270 => "transpose=cclock,",
        _ => "",
    }
}

/// Encodes what [`scale`] made into at most `max_bytes`.
pub(super) fn encode(picture: &frame::Video, max_bytes: usize) -> WorkResult<Jpeg> {
    for quality in QUALITIES {
        let bytes = encode_at(picture, quality).blame_us("encoding a JPEG")?;
        if bytes.len() <= max_bytes {
            return Ok(Jpeg { bytes, width: picture.width(), height: picture.height() });
        }
    }
    Err(WorkError::broken("a picture does not fit into the bytes for it"))
}

fn encode_at(picture: &frame::Video, quality: i32) -> Result<Vec<u8>, ffmpeg::Error> {
    let codec = encoder::find(codec::Id::MJPEG).ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut encoder = codec::Context::new_with_codec(codec).encoder().video()?;
    encoder.set_width(picture.width());
    encoder.set_height(picture.height());
    encoder.set_format(format::Pixel::YUVJ420P);
    encoder.set_time_base(Rational(1, 25));
    encoder.set_flags(Flags::QSCALE);
    let lambda = quality * ffi::FF_QP2LAMBDA;
    encoder.set_quality(usize::try_from(lambda).unwrap_or_default());
    let mut encoder = encoder.open()?;
    let mut frame = frame::Video::empty();
    // SAFETY: both frames are alive; the new one takes a reference of its own. The encoder reads its quality from the frame.
    unsafe {
        match ffi::av_frame_ref(frame.as_mut_ptr(), picture.as_ptr()) {
            0 => (*frame.as_mut_ptr()).quality = lambda,
            error => return Err(ffmpeg::Error::from(error)),
        }
    }
    frame.set_pts(Some(0));
    encoder.send_frame(&frame)?;
    encoder.send_eof()?;
    let mut packet = Packet::empty();
    encoder.receive_packet(&mut packet)?;
    Ok(packet.data().unwrap_or_default().to_vec())
}

fn fit(picture: &frame::Video, rotation: u16, max_side: u32) -> (u32, u32) {
    let shape = picture.aspect_ratio();
    let ratio = if shape.numerator() > 0 && shape.denominator() > 0 { f64::from(shape).clamp(0.1, 10.0) } else { 1.0 };
    let (width, height) = (f64::from(picture.width()) * ratio, f64::from(picture.height()));
    let (width, height) = if rotation.is_multiple_of(180) { (width, height) } else { (height, width) };
    let factor = (f64::from(max_side) / width.max(height).max(1.0)).min(1.0);
    let side = |length: f64| ((length * factor).round() as u32).clamp(1, max_side);
    (side(width), side(height))
}
