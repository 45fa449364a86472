//! Picks a telling frame of a video.
//!
//! In: a file. Out: a JPEG within Telegram's bounds. Must not: decode the whole file.

use std::path::Path;

use ffmpeg::format::context::Input;
use ffmpeg::{Packet, decoder, ffi, frame};
use ffmpeg_next as ffmpeg;

use super::error::{WorkError, WorkResult};
use super::input;
use super::jpeg::{self, Jpeg};
use super::pictures::open_decoder;

/// Bounds of a thumbnail: <https://core.telegram.org/bots/api#sendvideo>.
pub(super) const MAX_SIDE: u32 = 320;
pub(super) const MAX_BYTES: usize = 200_000;
/// Where is looked, as parts of the length.
const PLACES: [f64; 4] = [0.15, 0.25, 0.5, 0.0];
/// Frames that are decoded to come from a key frame to a place.
const MAX_FRAMES: usize = 150;
/// Packets that are read without a frame coming out before a place is given up.
const MAX_PACKETS: usize = 1500;
/// Mean and spread of brightness (0 to 255) from which on a frame shows something for sure. In a fade both are less than they could be: where none is
/// sure, the one with the largest spread is taken.
const TELLING_MEAN: std::ops::RangeInclusive<f64> = 50.0..=205.0;
const TELLING_SPREAD: f64 = 45.0;

/// A picture of the video. Fails with "broken" if no frame at all can be decoded.
pub(super) fn of_video(path: &Path) -> WorkResult<Jpeg> {
    jpeg::encode(&telling_frame(path, MAX_SIDE)?, MAX_BYTES)
}

/// Fails with "broken" if no frame at all can be decoded; one is enough.
pub(super) fn check(path: &Path) -> WorkResult<()> {
    let mut input = input::reopen(path)?;
    let index = input::choose(&input).video.ok_or_else(|| WorkError::broken("there is no video"))?;
    for (place, way) in [(PLACES[0], Way::KeyFrame), (0.0, Way::Exact)] {
        let place_s = place * input::duration_s(&input);
        if frame_at(&mut input, index, place_s, way)?.is_some() {
            return Ok(());
        }
    }
    Err(WorkError::broken("no picture in it can be decoded"))
}

/// A frame that shows something, at most `max_side` pixels a side, as [`jpeg::scale`] makes it. Key frames are looked at first: to decode up to a place costs a hundred
/// times as much.
pub(super) fn telling_frame(path: &Path, max_side: u32) -> WorkResult<frame::Video> {
    let mut input = input::reopen(path)?;
    let index = input::choose(&input).video.ok_or_else(|| WorkError::broken("there is no video"))?;
    let duration_s = input::duration_s(&input);
    let mut best: Option<(f64, frame::Video)> = None;
    let mut last_error = None;
    let key_frames = PLACES.into_iter().filter(|place| *place > 0.0 && duration_s > 0.0).map(|place| (place, Way::KeyFrame));
    for (place, way) in key_frames.chain(PLACES.into_iter().map(|place| (place, Way::Exact))) {
        match frame_at(&mut input, index, place * duration_s, way) {
            Ok(Some((mut picture, rotation))) => {
                let scaled = jpeg::scale(&mut picture, rotation, max_side)?;
                let (mean, spread) = brightness(&scaled);
                if TELLING_MEAN.contains(&mean) && spread >= TELLING_SPREAD {
                    return Ok(scaled);
                }
                if best.as_ref().is_none_or(|(known, _)| spread > *known) {
                    best = Some((spread, scaled));
                }
            }
            Ok(None) => {}
            Err(error) => last_error = Some(error),
        }
        if duration_s <= 0.0 {
            break; // all places are the same
        }
    }
    match (best, last_error) {
        (Some((_, picture)), _) => Ok(picture),
        (None, Some(error)) => Err(error),
        (None, None) => Err(WorkError::broken("no picture in it can be decoded")),
    }
}

/// What is decoded.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// The key frame before the place, alone.
    KeyFrame,
    /// All from there up to the place.
    Exact,
}

/// The frame shown at `place_s`, or the last one decoded on the way there; or the key frame where that way begins.
fn frame_at(input: &mut Input, index: usize, place_s: f64, way: Way) -> WorkResult<Option<(frame::Video, u16)>> {
    let start_us = input::start_us(input);
    let place_us = start_us.saturating_add((place_s * f64::from(ffi::AV_TIME_BASE)) as i64);
    // Where seeking fails (a damaged index) reading goes on from where it is.
    if let Err(error) = input.seek(place_us, ..place_us.saturating_add(1)) {
        eprintln!("seeking to {place_s:.1} s: {error}");
    }
    let stream = input.stream(index).ok_or_else(|| WorkError::broken("the video stream is gone"))?;
    let rotation = input::rotation(&stream);
    let unit_us = f64::from(stream.time_base()) * f64::from(ffi::AV_TIME_BASE);
    let mut decoder = open_decoder(&stream, 1)?;
    let mut kept = None;
    let mut frames = 0;
    let mut take = |decoder: &mut decoder::Video, kept: &mut Option<frame::Video>| {
        let mut picture = frame::Video::empty();
        while decoder.receive_frame(&mut picture).is_ok() {
            frames += 1;
            let at_us = picture.timestamp().map_or(i64::MAX, |timestamp| (timestamp as f64 * unit_us) as i64);
            *kept = Some(std::mem::replace(&mut picture, frame::Video::empty()));
            if at_us >= place_us || frames >= MAX_FRAMES {
                return true;
            }
        }
        false
    };
    for _ in 0..MAX_PACKETS {
        let mut packet = Packet::empty();
        match packet.read(input) {
            Ok(()) if packet.stream() == index => {
                // A damaged packet is passed over: the next one may do.
                let is_sent = decoder.send_packet(&packet).is_ok();
                if is_sent && way == Way::KeyFrame {
                    break;
                }
                if is_sent && take(&mut decoder, &mut kept) {
                    return Ok(kept.map(|picture| (picture, rotation)));
                }
            }
            Ok(()) | Err(ffmpeg::Error::InvalidData) => {}
            Err(_) => break,
        }
    }
    if decoder.send_eof().is_ok() {
        take(&mut decoder, &mut kept);
    }
    Ok(kept.map(|picture| (picture, rotation)))
}

/// Mean and standard deviation of the brightness of an 8-bit planar picture.
fn brightness(picture: &frame::Video) -> (f64, f64) {
    let (width, height, stride) = (picture.width() as usize, picture.height() as usize, picture.stride(0));
    let data = picture.data(0);
    let rows = (0..height).filter_map(|row| data.get(row * stride..row * stride + width));
    let (mut sum, mut squares, mut count) = (0_u64, 0_u64, 0_u64);
    for value in rows.flatten() {
        sum += u64::from(*value);
        squares += u64::from(*value) * u64::from(*value);
        count += 1;
    }
    let count = count.max(1) as f64;
    let mean = sum as f64 / count;
    (mean, (squares as f64 / count - mean * mean).max(0.0).sqrt())
}
