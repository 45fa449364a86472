//! How fast a step goes, smoothed.
//!
//! In: amounts done, with the time. Out: units a second over the last seconds; it falls by itself when nothing comes. Must not: read a clock.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Progress, Step};

/// Long enough to even out bursts, short enough to notice a stall.
const WINDOW: Duration = Duration::from_secs(15);
/// With less than this between two samples the quotient is noise.
const SHORTEST: Duration = Duration::from_millis(500);

/// Measures one step at a time; another step, or a count that falls, starts anew.
#[derive(Clone, Debug, Default)]
pub(super) struct SpeedMeter {
    step: Option<Step>,
    samples: VecDeque<(Instant, u64)>,
}

impl SpeedMeter {
    /// Notes how far the step is now.
    pub(super) fn note(&mut self, now: Instant, progress: &Progress) {
        if progress.step == Step::Paused {
            return;
        }
        if self.step != Some(progress.step) || self.samples.back().is_some_and(|(_, done)| *done > progress.done) {
            self.step = Some(progress.step);
            self.samples.clear();
        }
        self.samples.push_back((now, progress.done));
        // The last sample before the window stays, so that there is always something to measure from.
        while self.samples.len() > 2 && now.duration_since(self.samples[1].0) >= WINDOW {
            self.samples.pop_front();
        }
    }

    /// Units a second, once there is enough to tell.
    pub(super) fn per_second(&self, now: Instant) -> Option<f64> {
        let (since, at_first) = self.samples.front()?;
        let (_, at_last) = self.samples.back()?;
        let span = now.duration_since(*since);
        (span >= SHORTEST && self.samples.len() > 1).then(|| (at_last - at_first) as f64 / span.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: Step, done: u64) -> Progress {
        Progress { step, done, total: None, pause_s: 0, piece: None }
    }

    #[test]
    fn speed_is_the_mean_of_the_last_seconds() {
        let start = Instant::now();
        let second = |count: u64| start + Duration::from_secs(count);
        let mut meter = SpeedMeter::default();
        assert_eq!(meter.per_second(start), None);
        meter.note(second(0), &at(Step::Fetching, 0));
        assert_eq!(meter.per_second(second(1)), None, "one sample says nothing");
        for count in 1..=60 {
            meter.note(second(count), &at(Step::Fetching, count * 1000));
        }
        assert_eq!(meter.per_second(second(60)), Some(1000.0));
        for count in 61..=80 {
            meter.note(second(count), &at(Step::Fetching, 60_000 + (count - 60) * 3000));
        }
        assert_eq!(meter.per_second(second(80)), Some(3000.0), "the old speed is forgotten");
        assert!(meter.samples.len() < 20);
    }

    #[test]
    fn a_stall_lets_it_fall_and_another_step_starts_anew() {
        let start = Instant::now();
        let second = |count: u64| start + Duration::from_secs(count);
        let mut meter = SpeedMeter::default();
        meter.note(second(0), &at(Step::Fetching, 0));
        meter.note(second(10), &at(Step::Fetching, 10_000));
        assert_eq!(meter.per_second(second(10)), Some(1000.0));
        assert_eq!(meter.per_second(second(20)), Some(500.0));
        meter.note(second(30), &at(Step::Fetching, 10_000));
        meter.note(second(60), &at(Step::Fetching, 10_000));
        assert_eq!(meter.per_second(second(60)), Some(0.0));
        meter.note(second(61), &at(Step::Uploading, 5));
        assert_eq!(meter.per_second(second(61)), None);
        meter.note(second(62), &at(Step::Uploading, 105));
        meter.note(second(62), &Progress { step: Step::Paused, done: 105, total: None, pause_s: 9, piece: None });
        assert_eq!(meter.per_second(second(62)), Some(100.0), "a pause is no step of its own");
        meter.note(second(63), &at(Step::Uploading, 0));
        assert_eq!(meter.per_second(second(63)), None, "a step that begins again is measured again");
    }
}
