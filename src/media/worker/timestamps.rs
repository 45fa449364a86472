//! Repairs timestamps: jumps of the clock, missing ones, ones that go back.
//!
//! In: timestamps as the file has them. Out: ones that a muxer takes. Must not: touch packets.

/// Undoes jumps of the clock that all streams of a file share, as in recordings that were cut or joined. Times in microseconds.
#[derive(Debug)]
pub(super) struct Clock {
    offset_us: i64,
    limit_us: i64,
    expected_us: Vec<Option<i64>>,
}

impl Clock {
    /// A clock that starts at `start_us` and takes any step over `limit_us` for a jump.
    pub(super) fn new(start_us: i64, limit_us: i64, streams: usize) -> Self {
        Self { offset_us: start_us.saturating_neg(), limit_us, expected_us: vec![None; streams] }
    }

    /// What has to be added to the timestamps of a packet of `stream`, which has this decoding time and duration.
    pub(super) fn offset_for(&mut self, stream: usize, dts_us: Option<i64>, duration_us: i64) -> i64 {
        let (Some(dts_us), Some(slot)) = (dts_us, self.expected_us.get_mut(stream)) else { return self.offset_us };
        if let Some(expected_us) = *slot {
            let delta_us = dts_us.saturating_add(self.offset_us).saturating_sub(expected_us);
            if delta_us.saturating_abs() > self.limit_us {
                self.offset_us = self.offset_us.saturating_sub(delta_us);
            }
        }
        *slot = Some(dts_us.saturating_add(self.offset_us).saturating_add(duration_us.clamp(0, self.limit_us)));
        self.offset_us
    }
}

/// Makes the decoding times of one stream rise, and no picture shown before it is decoded. Times in the stream's own unit.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Frames by which decoding is ahead of display.
    ahead: i64,
    last_dts: Option<i64>,
    last_duration: i64,
}

impl Order {
    /// For pictures that are decoded in another order than shown, at most so many frames ahead.
    pub(super) fn ahead_by(frames: i32) -> Self {
        Self { ahead: i64::from(frames.clamp(0, 16)), ..Self::default() }
    }

    /// The `(pts, dts)` to write.
    pub(super) fn next(&mut self, pts: Option<i64>, dts: Option<i64>, duration: i64) -> (i64, i64) {
        let after_last = self.last_dts.map(|last| last.saturating_add(self.last_duration.max(1)));
        let wanted = match self.ahead {
            0 => dts.or(pts).or(after_last),
            // Matroska has no decoding times, and FFmpeg finds those of the first pictures only by the later ones. When they are shown says little.
            ahead => dts.or(after_last).or(pts.map(|pts| pts.saturating_sub(ahead.saturating_mul(duration.max(1))))),
        };
        let wanted = wanted.unwrap_or(0);
        let dts = self.last_dts.map_or(wanted, |last| wanted.max(last.saturating_add(1)));
        self.last_dts = Some(dts);
        self.last_duration = duration;
        (pts.unwrap_or(dts).max(dts), dts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_are_undone_and_gaps_are_kept() {
        let mut clock = Clock::new(1_400_000, 10_000_000, 2);
        let steps = [
            (0, Some(1_400_000), -1_400_000),
            (1, Some(1_500_000), -1_400_000),
            (0, Some(1_440_000), -1_400_000),
            (0, None, -1_400_000),
            (0, Some(6_000_000), -1_400_000),           // a gap of seconds stays
            (0, Some(90_000_000_000), -89_995_360_000), // a jump ahead: goes on where it was expected
            (1, Some(90_000_000_000), -89_995_360_000), // the other stream follows, 4.5 s of its own apart
            (0, Some(90_000_040_000), -89_995_360_000),
            (0, Some(0), 4_720_000), // a jump back
        ];
        for (step, (stream, dts, expected)) in steps.into_iter().enumerate() {
            assert_eq!(clock.offset_for(stream, dts, 40_000), expected, "step {step}");
        }
        assert_eq!(Clock::new(i64::MIN, 1, 1).offset_for(0, Some(i64::MAX), 0), i64::MAX, "absurd numbers do no harm");
    }

    #[test]
    fn decoding_times_rise() {
        let mut order = Order::default();
        let steps = [
            ((None, None, 10), (0, 0)),
            ((None, None, 10), (10, 10)),
            ((Some(40), Some(20), 10), (40, 20)),
            ((Some(30), Some(20), 10), (30, 21)),
            ((Some(5), Some(30), 10), (30, 30)),
            ((Some(50), None, 10), (50, 50)),
            ((None, Some(-7), 10), (51, 51)),
        ];
        for ((pts, dts, duration), expected) in steps {
            assert_eq!(order.next(pts, dts, duration), expected);
        }
        let mut ahead = Order::ahead_by(2);
        let steps = [
            ((Some(0), None, 40), (0, -80)),
            ((Some(160), None, 40), (160, -40)),
            ((Some(80), Some(0), 40), (80, 0)),
            ((Some(40), Some(40), 40), (40, 40)),
            ((Some(120), None, 40), (120, 80)),
        ];
        for ((pts, dts, duration), expected) in steps {
            assert_eq!(ahead.next(pts, dts, duration), expected, "pictures out of order");
        }
        let mut negative = Order::default();
        assert_eq!(negative.next(Some(0), Some(-2), 1), (0, -2), "a start below zero is lawful");
    }
}
