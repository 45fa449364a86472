//! Draws a picture of a video.
//!
//! In: [`Draw`]. Out: a JPEG file. Must not: choose the telling frame (that is [`super::thumbnail`]).

use std::fs;

use ffmpeg::{Packet, ffi, frame};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkError, WorkResult};
use super::input;
use super::jpeg::{self, Jpeg};
use super::pictures::open_decoder;
use super::thumbnail;
use crate::media::protocol::Draw;

/// JPEG knows no larger pictures.
const MAX_SIDE: u32 = 65_500;
/// Reading begins so long before the frame: one that is decoded before may be shown later, but by no more than sixteen frames. Some containers lead to a
/// place behind the last key frame: then reading begins earlier, and at last at the start.
const BEFORE_US: [i64; 3] = [1_000_000, 20_000_000, i64::MAX];
/// So much earlier a frame may begin and still be the one: times of people are rounded.
const ROUNDED_US: i64 = 1_000;
/// Unreadable packets in a row after which the rest is given up.
const MAX_BAD_PACKETS: u32 = 100;

/// Draws it; gives width and height.
pub(super) fn draw(task: &Draw) -> WorkResult<(u32, u32)> {
    let (max_side, max_bytes) = if task.full { (MAX_SIDE, usize::MAX) } else { (thumbnail::MAX_SIDE, thumbnail::MAX_BYTES) };
    let picture = match task.at_us {
        None => thumbnail::telling_frame(&task.input, max_side)?,
        Some(at_us) => at(task, at_us, max_side)?,
    };
    let Jpeg { bytes, width, height } = jpeg::encode(&picture, max_bytes)?;
    fs::write(&task.output, bytes).blame_us("writing the picture")?;
    Ok((width, height))
}

/// The first frame that begins at a time, or the last there is.
fn at(task: &Draw, at_us: i64, max_side: u32) -> WorkResult<frame::Video> {
    for before_us in BEFORE_US {
        let begins_us = at_us.saturating_sub(before_us).max(0);
        if let Some(picture) = frame_at(task, at_us, begins_us, max_side)? {
            return Ok(picture);
        }
    }
    Err(WorkError::broken("no picture in it can be decoded"))
}

/// Nothing if the first frame that is read comes behind the one that is wanted, or none at all.
fn frame_at(task: &Draw, at_us: i64, begins_us: i64, max_side: u32) -> WorkResult<Option<frame::Video>> {
    let mut input = input::reopen(&task.input)?;
    let index = input::choose(&input).video.ok_or_else(|| WorkError::broken("there is no video"))?;
    let last_us = (input::duration_s(&input) * 1e6) as i64;
    let wanted_us = input::start_us(&input).saturating_add(at_us).saturating_sub(ROUNDED_US);
    let begins_us = if last_us > 0 { begins_us.min(last_us.saturating_sub(BEFORE_US[0])) } else { begins_us };
    let seek_us = input::start_us(&input).saturating_add(begins_us);
    if begins_us > 0
        && let Err(error) = input.seek(seek_us, ..seek_us.saturating_add(1))
    {
        eprintln!("seeking to {seek_us} us: {error}");
    }
    let stream = input.stream(index).ok_or_else(|| WorkError::broken("the video stream is gone"))?;
    let (rotation, unit_us) = (input::rotation(&stream), f64::from(stream.time_base()) * f64::from(ffi::AV_TIME_BASE));
    let mut decoder = open_decoder(&stream, 1)?;
    let (mut kept, mut picture) = (None, frame::Video::empty());
    let (mut ended, mut bad_packets) = (false, 0);
    while !ended {
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            // A damaged packet is passed over: the frames around it may do.
            Ok(()) if packet.stream() == index => {
                bad_packets = 0;
                let _ = decoder.send_packet(&packet);
            }
            Ok(()) => continue,
            Err(ffmpeg::Error::InvalidData) if bad_packets < MAX_BAD_PACKETS => {
                bad_packets += 1;
                continue;
            }
            Err(_) => {
                ended = true;
                decoder.send_eof().blame_file("decoding the last frame")?;
            }
        }
        while decoder.receive_frame(&mut picture).is_ok() {
            let shown_us = picture.timestamp().map_or(i64::MIN, |shown| (shown as f64 * unit_us).round() as i64);
            let is_there = shown_us >= wanted_us;
            if is_there && kept.is_none() && begins_us > 0 && shown_us > wanted_us.saturating_add(2 * ROUNDED_US) {
                return Ok(None);
            }
            kept = Some(std::mem::replace(&mut picture, frame::Video::empty()));
            if is_there {
                ended = true;
                break;
            }
        }
    }
    kept.map(|mut frame| jpeg::scale(&mut frame, rotation, max_side)).transpose()
}
