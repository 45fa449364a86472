//! A token bucket as plain arithmetic: what passed, and when the next bytes may.
//!
//! In: bytes that passed, the time, a rate that may change at any moment. Out: the instant of the next turn. Whoever passes pays afterwards, so
//! several who share a bucket get their turns in the order in which they paid. Must not: read a clock or wait.

use std::time::Duration;

use tokio::time::Instant;

/// What a bucket lets through at once after a rest, in bytes.
const LEAST_BURST_BYTES: u64 = 64 * 1024;
/// The same as a share of a second (20 ms), for fast links: timers are a millisecond coarse.
const BURST_PARTS_OF_SECOND: u64 = 50;

/// What was let through and is not paid for yet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bucket {
    debt_bytes: f64,
    paid_at: Option<Instant>,
}

/// When the next bytes may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// At once.
    Now,
    /// At this instant.
    At(Instant),
    /// Not at this rate.
    Never,
}

impl Bucket {
    /// `bytes` passed at `now`. Without a rate nothing is owed.
    pub(super) fn pass(&mut self, now: Instant, bytes: usize, bytes_per_s: Option<u64>) {
        let Some(bytes_per_s) = bytes_per_s else {
            *self = Self::default();
            return;
        };
        self.pay(now, bytes_per_s);
        self.debt_bytes += bytes as f64;
    }

    /// When the next bytes may pass, if nobody passes before.
    pub(super) fn turn(&mut self, now: Instant, bytes_per_s: Option<u64>) -> Turn {
        let Some(bytes_per_s) = bytes_per_s else {
            *self = Self::default();
            return Turn::Now;
        };
        self.pay(now, bytes_per_s);
        let over_bytes = self.debt_bytes - burst_bytes(bytes_per_s) as f64;
        if bytes_per_s == 0 {
            Turn::Never
        } else if over_bytes <= 0.0 {
            Turn::Now
        } else {
            Turn::At(now + Duration::from_secs_f64(over_bytes / bytes_per_s as f64))
        }
    }

    fn pay(&mut self, now: Instant, bytes_per_s: u64) {
        let since = self.paid_at.replace(now).map_or(Duration::ZERO, |paid_at| now.saturating_duration_since(paid_at));
        self.debt_bytes = (self.debt_bytes - since.as_secs_f64() * bytes_per_s as f64).max(0.0);
    }
}

impl Turn {
    /// The later of two.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Now, turn) | (turn, Self::Now) => turn,
            (Self::At(one), Self::At(two)) => Self::At(one.max(two)),
        }
    }
}

/// What passes at once after a rest.
pub(super) fn burst_bytes(bytes_per_s: u64) -> u64 {
    LEAST_BURST_BYTES.max(bytes_per_s / BURST_PARTS_OF_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Option<u64> = Some(1_000_000);

    #[tokio::test(start_paused = true)]
    async fn after_the_burst_bytes_pass_at_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::default();
        assert_eq!(bucket.turn(start, RATE), Turn::Now);
        bucket.pass(start, 65_536, RATE);
        assert_eq!(bucket.turn(start, RATE), Turn::Now);
        bucket.pass(start, 100_000, RATE);
        assert_eq!(bucket.turn(start, RATE), Turn::At(start + Duration::from_millis(100)));
        tokio::time::advance(Duration::from_millis(60)).await;
        assert_eq!(bucket.turn(Instant::now(), RATE), Turn::At(start + Duration::from_millis(100)));
        tokio::time::advance(Duration::from_secs(3600)).await;
        let later = Instant::now();
        bucket.pass(later, 65_536 + 1000, RATE);
        assert_eq!(bucket.turn(later, RATE), Turn::At(later + Duration::from_millis(1)), "a long rest saves up one burst");
    }

    #[tokio::test(start_paused = true)]
    async fn turns_follow_in_the_order_of_passing() {
        let now = Instant::now();
        let mut shared = Bucket::default();
        shared.pass(now, 65_536, RATE);
        let turns = [1, 2, 3].map(|_| {
            shared.pass(now, 10_000, RATE);
            shared.turn(now, RATE)
        });
        assert_eq!(turns, [10, 20, 30].map(|ms| Turn::At(now + Duration::from_millis(ms))));
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_may_change_be_nothing_or_be_lifted() {
        let now = Instant::now();
        let mut bucket = Bucket::default();
        bucket.pass(now, 65_536 + 100_000, RATE);
        assert_eq!(bucket.turn(now, Some(100_000)), Turn::At(now + Duration::from_secs(1)));
        assert_eq!(bucket.turn(now, Some(0)), Turn::Never);
        assert_eq!(bucket.turn(now, None), Turn::Now);
        assert_eq!(bucket.turn(now, RATE), Turn::Now, "nothing is owed from before");
        assert_eq!(burst_bytes(20_000_000), 400_000);
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_turns_the_later_counts() {
        let at = |ms| Turn::At(Instant::now() + Duration::from_millis(ms));
        assert_eq!(at(1).and(at(2)), at(2));
        assert_eq!(Turn::Now.and(at(2)), at(2));
        assert_eq!(at(2).and(Turn::Never), Turn::Never);
    }
}
