//! What pictures cost all over, from a few samples and what the source spends where.
//!
//! In: what a look has found. Out: several guesses. Must not: choose between them; that is for whoever sees the frames.

use crate::media::protocol::{Looked, Sample};
use crate::media::steer::around;

/// Frames right behind a key frame, as the samples are, take less than those farther away, which are made of what has been changed more often: so much, in the middle of ten kinds of
/// clips (0.8 to 2).
const FARTHER: f64 = 1.1;
/// How much of what samples differ by is taken for their surroundings' too, and not for chance: nothing, half, all.
const BELIEFS: [f64; 3] = [0.0, 0.5, 1.0];
/// The variance (of natural logarithms) that chance alone gives to samples of the same; and how much of the variance from one sample to the next is chance, where content changes slowly.
const CHANCE: f64 = 0.04;
const OF_NEXT: f64 = 0.6;
/// Nothing is certain, nothing is impossible.
const LIKELY: std::ops::RangeInclusive<f64> = 0.05..=0.95;

/// What pictures cost all over, if it is as somebody guesses.
pub(super) struct Places {
    /// How likely that is beside the others; the sum of all is 1.
    pub(super) likely: f64,
    /// In order of time.
    pub(super) places: Vec<Sample>,
}

/// What pictures cost in many places, by several guesses. Where the source's index says what it spent on each stretch, that tells what lies between the samples.
pub(super) fn guesses(looked: &Looked, duration_s: f64) -> Vec<Places> {
    let count = looked.spent.len();
    let spent_at = |at_s: f64| {
        let place = ((at_s / duration_s * count as f64).max(0.0) as usize).min(count.saturating_sub(1));
        looked.spent.get(place).copied().unwrap_or(1.0).max(1.0)
    };
    let stretch_s = duration_s / count.max(1) as f64;
    let places_s: Vec<f64> = match count {
        0 => looked.samples.iter().map(|sample| sample.at_s).collect(),
        _ => (0..count).map(|number| (number as f64 + 0.5) * stretch_s).collect(),
    };
    // How much samples take for each byte that the source spends there.
    let anchors: Vec<Sample> = looked.samples.iter().map(|sample| scaled(*sample, spent_at(sample.at_s).recip())).collect();
    let common = common(&looked.samples, spent_at);
    let truth = truth(&anchors);
    let likely = [(1.0 - truth).powi(2), 2.0 * truth * (1.0 - truth), truth.powi(2)];
    let guess = |(belief, likely): (f64, f64)| {
        let anchors: Vec<Sample> = anchors.iter().map(|anchor| toward(*anchor, common, belief)).collect();
        let places = places_s.iter().filter_map(|at_s| Some(scaled(between(&anchors, *at_s)?, spent_at(*at_s) * FARTHER)));
        Places { likely, places: places.collect() }
    };
    BELIEFS.into_iter().zip(likely).map(guess).collect()
}

/// How much of what samples differ by is not chance (0 to 1): what content does to them changes from one to the next less than over all, as in von Neumann's ratio; chance does not.
/// <https://en.wikipedia.org/wiki/Durbin%E2%80%93Watson_statistic>
fn truth(samples: &[Sample]) -> f64 {
    let of = |of: usize| {
        let logs: Vec<f64> = samples.iter().map(|sample| sample.frame_bytes[of].max(f64::MIN_POSITIVE).ln()).collect();
        let apart = logs.len().saturating_sub(1).max(1) as f64;
        let average = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
        let variance = logs.iter().map(|log| (log - average).powi(2)).sum::<f64>() / apart;
        let to_next = logs.windows(2).map(|pair| (pair[1] - pair[0]).powi(2) / 2.0).sum::<f64>() / apart;
        1.0 - (OF_NEXT * to_next).max(CHANCE) / variance.max(CHANCE)
    };
    ((of(0).max(0.0) + of(1).max(0.0)) / 2.0).clamp(*LIKELY.start(), *LIKELY.end())
}

/// All samples as one, for each byte that the source spends.
fn common(samples: &[Sample], spent_at: impl Fn(f64) -> f64) -> Sample {
    let sum = |of: &dyn Fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>();
    let (count, spent) = (samples.len().max(1) as f64, sum(&|sample| spent_at(sample.at_s)).max(1.0));
    Sample {
        at_s: 0.0,
        key_bytes: std::array::from_fn(|of| sum(&|sample| sample.key_bytes[of]) / count),
        frame_bytes: std::array::from_fn(|of| sum(&|sample| sample.frame_bytes[of]) / spent),
    }
}

/// A sample that is believed to some part, and for the rest to be like all.
fn toward(sample: Sample, common: Sample, belief: f64) -> Sample {
    let mix = |own: [f64; 2], common: [f64; 2]| std::array::from_fn(|of| own[of].powf(belief) * common[of].powf(1.0 - belief));
    Sample { key_bytes: mix(sample.key_bytes, common.key_bytes), frame_bytes: mix(sample.frame_bytes, common.frame_bytes), ..sample }
}

/// Another amount for each frame that is no key frame.
fn scaled(sample: Sample, by: f64) -> Sample {
    Sample { frame_bytes: sample.frame_bytes.map(|bytes| bytes * by), ..sample }
}

/// At a moment, from the samples before and behind by their distance.
fn between(samples: &[Sample], at_s: f64) -> Option<Sample> {
    let (one, other, part) = around(samples, at_s, |sample| sample.at_s)?;
    let mix = |one: [f64; 2], other: [f64; 2]| std::array::from_fn(|of| one[of] + (other[of] - one[of]) * part);
    Some(Sample { at_s, key_bytes: mix(one.key_bytes, other.key_bytes), frame_bytes: mix(one.frame_bytes, other.frame_bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(samples: &[(f64, f64)], spent: Vec<f64>) -> Looked {
        let sample =
            |&(at_s, bytes): &(f64, f64)| Sample { at_s, key_bytes: [bytes * 9.0, bytes * 4.0], frame_bytes: [bytes, bytes / 2.0] };
        let samples = samples.iter().map(sample).collect();
        Looked { crfs: [19.0, 28.0], size: (640, 360), frame_rate: 25.0, samples, spent, frame_s: 0.01 }
    }

    fn frame_bytes(guess: &Places) -> Vec<u64> {
        guess.places.iter().map(|place| (place.frame_bytes[0] / FARTHER).round() as u64).collect()
    }

    #[test]
    fn one_guess_is_that_samples_differ_by_chance_and_one_that_they_do_not() {
        let guesses = guesses(&looked(&[(2.0, 1000.0), (6.0, 3000.0)], vec![50.0; 8]), 8.0);
        assert_eq!(frame_bytes(&guesses[0]), [2000; 8]);
        assert_eq!(frame_bytes(&guesses[2]), [1000, 1000, 1250, 1750, 2250, 2750, 3000, 3000]);
        let [chance, half, none] = [0, 1, 2].map(|guess: usize| guesses[guess].places[0].frame_bytes[0]);
        assert!(none < half && half < chance, "{none} {half} {chance}");
        assert!((guesses.iter().map(|guess| guess.likely).sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_rises_slowly_is_no_chance_and_what_jumps_about_is() {
        let truth_of = |bytes: &[f64]| {
            let samples: Vec<_> = bytes.iter().enumerate().map(|(at_s, bytes)| (at_s as f64, *bytes)).collect();
            truth(&looked(&samples, Vec::new()).samples)
        };
        for (name, bytes, expected) in [
            ("rises", [1000.0, 2000.0, 4000.0, 8000.0], 0.6..0.95),
            ("jumps", [1000.0, 4000.0, 1000.0, 4000.0], 0.0..0.2),
            ("is the same", [1000.0, 1100.0, 1050.0, 950.0], 0.0..0.1),
        ] {
            let truth = truth_of(&bytes);
            assert!(expected.contains(&truth), "{name}: {truth}");
        }
        assert_eq!([truth_of(&[]), truth_of(&[7.0])], [*LIKELY.start(); 2]);
    }

    #[test]
    fn the_index_tells_what_lies_between() {
        let same = looked(&[(1.0, 1000.0), (7.0, 1000.0)], vec![50.0, 50.0, 50.0, 200.0, 200.0, 50.0, 50.0, 50.0]);
        for guess in guesses(&same, 8.0) {
            assert_eq!(frame_bytes(&guess), [1000, 1000, 1000, 4000, 4000, 1000, 1000, 1000]);
        }
        let nothing = looked(&[(1.0, 1000.0), (7.0, 4000.0)], Vec::new());
        assert_eq!(frame_bytes(&guesses(&nothing, 8.0)[2]), [1000, 4000]);
    }
}
