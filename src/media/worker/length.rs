//! How long a file really is.
//!
//! In: an open file, what its header says. Out: seconds. Must not: decode.

use ffmpeg::Packet;
use ffmpeg::ffi;
use ffmpeg::format::context::Input;
use ffmpeg_next as ffmpeg;

use super::input;

/// The header is believed if it is wrong by no more than this, in seconds and as a part.
const TOLERANCE_S: f64 = 1.0;
const TOLERANCE: f64 = 0.02;
/// Unreadable packets in a row after which the end is where they begin.
const MAX_BAD_PACKETS: u32 = 100;

/// Length in seconds: what the header says if the last packets agree, else where they end; 0 for what has none. The file is somewhere else afterwards.
pub(super) fn measure_s(input: &mut Input) -> f64 {
    let declared_s = input::duration_s(input);
    if input.format().name().ends_with("_pipe") {
        return declared_s;
    }
    let is_guessed = declared_s <= 0.0 || input::is_length_guessed(input);
    // A guess says nothing of where the end is: everything is read. That is sound without a container, or what was never closed.
    let at_us = if is_guessed { 0 } else { (declared_s * f64::from(ffi::AV_TIME_BASE)) as i64 };
    let at_us = input::start_us(input).saturating_add(at_us);
    if input.seek(at_us, ..at_us.saturating_add(1)).is_err() {
        return declared_s;
    }
    match end_s(input) {
        Some(end_s) if is_guessed || (end_s - declared_s).abs() > TOLERANCE_S.max(declared_s * TOLERANCE) => end_s,
        _ => declared_s,
    }
}

/// Reads on to the end; where the last packet ends, counted from the start.
fn end_s(input: &mut Input) -> Option<f64> {
    let start_s = input::start_us(input) as f64 / f64::from(ffi::AV_TIME_BASE);
    let units_s: Vec<f64> = input.streams().map(|stream| f64::from(stream.time_base())).collect();
    let mut end_s: Option<f64> = None;
    let mut bad_packets = 0;
    loop {
        let mut packet = Packet::empty();
        match packet.read(input) {
            Ok(()) => bad_packets = 0,
            Err(ffmpeg::Error::InvalidData) if bad_packets < MAX_BAD_PACKETS => {
                bad_packets += 1;
                continue;
            }
            Err(_) => return end_s,
        }
        if let (Some(at), Some(unit_s)) = (packet.pts().or(packet.dts()), units_s.get(packet.stream())) {
            let ends_s = at.saturating_add(packet.duration().max(0)) as f64 * unit_s - start_s;
            end_s = Some(end_s.map_or(ends_s, |known| known.max(ends_s)));
        }
    }
}
