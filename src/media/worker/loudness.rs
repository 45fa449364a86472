//! How loud sound is, and what brings it to the usual loudness: two passes, one that measures and one that changes.
//!
//! In: a file. Out: a filter. Must not: change what is as loud as it should be.
//! Loudness and true peaks as EBU R 128 has them (ITU-R BS.1770); -14 LUFS is what the large music services play at. Filters:
//! <https://ffmpeg.org/ffmpeg-filters.html#ebur128-1>, <https://ffmpeg.org/ffmpeg-filters.html#loudnorm>.

use std::path::Path;

use ffmpeg::frame;
use ffmpeg_next as ffmpeg;

use super::audio::layout_name;
use super::error::{WorkError, WorkResult};
use super::input;
use super::reader::{Place, Readers};
use super::sounds::{Alike, Chains, Sounds};
use crate::media::protocol::SoundSettings;

/// What is aimed at, in LUFS.
const TARGET_LUFS: f64 = -14.0;
/// No peak goes above this, in dB of true peak: codecs add a little.
const CEILING_DB: f64 = -1.0;
/// Nobody hears a smaller difference, in LU.
const UNHEARD_LU: f64 = 0.3;
/// Below this there is silence, or a hiss that must not be raised.
const SILENCE_LUFS: f64 = -60.0;
/// What is so quiet gets no louder than by this, in dB.
const MOST_GAIN_DB: f64 = 24.0;
/// The gate of a measurement lies so far below its result at least, in LU (EBU Tech 3341).
const GATE_LU: f64 = 10.0;

/// What a measurement found.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    integrated_lufs: f64,
    range_lu: f64,
    /// Largest true peak, in dB.
    peak_db: f64,
}

/// Listens to the whole file and says by which filter it becomes as loud as it should be, if by any.
pub(super) fn level(path: &Path, settings: &SoundSettings, report: &mut dyn FnMut(f64)) -> WorkResult<Option<String>> {
    let measured = measure(path, settings, report)?;
    let level = measured.and_then(correction);
    eprintln!("loudness: {measured:?} -> {level:?}");
    Ok(level)
}

fn measure(path: &Path, settings: &SoundSettings, report: &mut dyn FnMut(f64)) -> WorkResult<Option<Measured>> {
    let input = input::reopen(path)?;
    let index = input::choose(&input).audio.ok_or_else(|| WorkError::broken("there is no sound"))?;
    let stream = input.stream(index).ok_or_else(|| WorkError::broken("the stream of sound is gone"))?;
    let all = "aresample=48000:async=1,ebur128=metadata=1:peak=true".to_owned();
    let mut sounds = Sounds::new(&stream, Chains { alike: Alike { rate: 48_000, layout: layout_name(settings) }, all }, 0)?;
    let duration_us = input::duration_s(&input) * 1e6;
    let mut inputs = [input];
    let mut readers = Readers::new(&mut inputs, vec![Place { input: 0, stream: index }]);
    let mut measured = None;
    let mut hear = |sound: &mut frame::Audio| {
        measured = read(sound).or(measured); // each frame tells of all so far
        Ok(())
    };
    while let Some(found) = readers.next()? {
        if let Some(at_us) = found.at_us.filter(|_| duration_us > 0.0) {
            report(at_us as f64 / duration_us);
        }
        sounds.feed(&found.packet, &mut hear)?;
    }
    sounds.finish(&mut hear)?;
    Ok(measured)
}

/// What the filter notes on a frame; peaks are parts of full scale there, one a channel.
fn read(sound: &frame::Audio) -> Option<Measured> {
    let notes = sound.metadata();
    let number = |name: &str| notes.get(name).and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
    let peaks = (0..2).filter_map(|channel| number(&format!("lavfi.r128.true_peaks_ch{channel}")));
    let peak = peaks.fold(None, |most: Option<f64>, peak| Some(most.map_or(peak, |most| most.max(peak))))?;
    Some(Measured { integrated_lufs: number("lavfi.r128.I")?, range_lu: number("lavfi.r128.LRA")?, peak_db: 20.0 * peak.max(1e-6).log10() })
}

/// One gain for all where the peaks have room for it. Where they have not, `loudnorm`, which is told what was measured, holds them down.
fn correction(measured: Measured) -> Option<String> {
    let Measured { integrated_lufs, range_lu, peak_db } = measured;
    let gain_db = (TARGET_LUFS - integrated_lufs).min(MOST_GAIN_DB);
    if integrated_lufs < SILENCE_LUFS || gain_db.abs() < UNHEARD_LU {
        return None;
    }
    if peak_db + gain_db <= CEILING_DB {
        return Some(format!("volume={gain_db:.2}dB:precision=float"));
    }
    let gate_lufs = (integrated_lufs - GATE_LU).max(-99.0);
    Some(format!(
        "loudnorm=I={TARGET_LUFS}:TP={CEILING_DB}:LRA={:.2}:measured_I={integrated_lufs:.2}:measured_LRA={:.2}:measured_TP={:.2}:\
         measured_thresh={gate_lufs:.2}",
        range_lu.clamp(7.0, 50.0),
        range_lu.clamp(0.0, 99.0),
        peak_db.clamp(-99.0, 99.0),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gain_is_one_for_all_where_peaks_have_room() {
        let measured = |integrated_lufs, peak_db| Measured { integrated_lufs, range_lu: 5.0, peak_db };
        let table = [
            ("as it should be", measured(-14.2, -1.5), None),
            ("quiet", measured(-23.0, -12.0), Some("volume=9.00dB:precision=float")),
            ("loud", measured(-8.0, 0.3), Some("volume=-6.00dB:precision=float")),
            ("hardly to be heard", measured(-55.0, -50.0), Some("volume=24.00dB:precision=float")),
            ("silence", measured(-70.0, -120.0), None),
        ];
        for (name, measured, expected) in table {
            assert_eq!(correction(measured).as_deref(), expected, "{name}");
        }
        let limited = correction(measured(-23.0, -3.0)).expect("it is quiet");
        assert!(limited.starts_with("loudnorm=I=-14:TP=-1:") && limited.contains("measured_I=-23.00"), "{limited}");
    }
}
