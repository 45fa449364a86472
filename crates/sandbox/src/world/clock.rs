//! The clock of the data centres, which may be wrong on purpose.
//!
//! In: how far it is to be off. Out: the time as clients are told it. Dates of messages go by the machine's own clock. It must not sleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A clock; its clones are the same clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    skew_s: Arc<AtomicI64>,
}

impl Clock {
    /// From now on it is off by so many seconds.
    pub(crate) fn skew(&self, seconds: i64) {
        self.skew_s.store(seconds, Ordering::Relaxed);
    }

    /// Seconds since 1970.
    pub(crate) fn unix(&self) -> i64 {
        self.msg_id_base() >> 32
    }

    /// The time as identifiers of messages carry it: seconds since 1970 in the upper half, their fraction in the lower, two bits left free
    /// (<https://core.telegram.org/mtproto/description#message-identifier-msg-id>).
    pub(crate) fn msg_id_base(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(now.as_secs()).unwrap_or_default() + self.skew_s.load(Ordering::Relaxed);
        let fraction = (i64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
        (seconds << 32 | fraction) & !3
    }
}
