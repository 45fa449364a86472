//! Bytes that an account sent in the last 24 hours, by hour, and what its budget leaves.
//!
//! In: bytes of stored parts, the clock. Out: sums. Must not: store.

use std::collections::BTreeMap;

const HOUR_MS: i64 = 3600 * 1000;
const DAY_HOURS: i64 = 24;

/// The hours of one account.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    hours: BTreeMap<i64, u64>,
}

/// The hour of a time, counted from 1970.
pub(super) fn hour_of(now_ms: i64) -> i64 {
    now_ms.div_euclid(HOUR_MS)
}

/// The first hour that counts for the last 24.
pub(super) fn first_hour(now_ms: i64) -> i64 {
    hour_of(now_ms) - DAY_HOURS
}

impl Usage {
    /// Adds bytes to an hour.
    pub(super) fn add(&mut self, hour: i64, bytes: u64) {
        *self.hours.entry(hour).or_default() += bytes;
        while self.hours.len() as i64 > 2 * DAY_HOURS {
            self.hours.pop_first();
        }
    }

    /// Bytes of the last 24 hours; an hour that lies in them by half counts whole.
    pub(super) fn last_day(&self, now_ms: i64) -> u64 {
        self.hours.range(first_hour(now_ms)..).map(|(_, bytes)| bytes).sum()
    }

    /// When so many bytes of the last 24 hours will have gone by, in milliseconds since 1970; now if that is so already.
    pub(super) fn gone_by(&self, bytes: u64, now_ms: i64) -> i64 {
        let mut gone = 0;
        for (hour, sent) in self.hours.range(first_hour(now_ms)..) {
            if gone >= bytes {
                break;
            }
            gone += sent;
            if gone >= bytes {
                return (hour + DAY_HOURS + 1) * HOUR_MS;
            }
        }
        now_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_24_hours_count() {
        let mut usage = Usage::default();
        for (hour, bytes) in [(0, 1), (10, 20), (10, 5), (24, 300)] {
            usage.add(hour, bytes);
        }
        let table = [(10, 326), (24, 326), (25, 325), (34, 325), (35, 300), (48, 300), (49, 0)];
        for (hour, expected) in table {
            assert_eq!(usage.last_day(hour * HOUR_MS + 5), expected, "{hour}");
        }
    }

    #[test]
    fn room_comes_back_hour_by_hour() {
        let mut usage = Usage::default();
        usage.add(0, 10);
        usage.add(3, 10);
        let now_ms = 4 * HOUR_MS;
        let table = [(0, now_ms), (1, 25 * HOUR_MS), (10, 25 * HOUR_MS), (11, 28 * HOUR_MS), (20, 28 * HOUR_MS)];
        for (bytes, expected) in table {
            assert_eq!(usage.gone_by(bytes, now_ms), expected, "{bytes}");
        }
    }
}
