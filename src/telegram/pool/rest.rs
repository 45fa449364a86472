//! When an account rests, and until when.
//!
//! In: what a failed upload says, the rest before, the clock. Out: a [`Rest`], or none. Must not: store or wait.

use std::collections::VecDeque;

use crate::model::{Reason, Rest, UserId};

/// The longest rest that we give by ourselves.
const LONGEST_REST_S: i64 = 24 * 3600;
/// A rest that begins within so much time of the end of another is the next in a row.
const ROW_MS: i64 = 24 * 3600 * 1000;
/// So many uploads that ended by a flood wait within this time are no accident.
const REPEATED: usize = 3;
const REPEATED_WITHIN_MS: i64 = 3600 * 1000;

/// What the settings say about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RestRules {
    /// Flood waits up to this many seconds are waited out.
    pub(super) longest_wait_s: u32,
    /// The first rest where Telegram names no time.
    pub(super) limited_rest_s: u32,
}

/// What is remembered of one account's limits.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// The last rest, over or not.
    pub(super) rest: Option<Rest>,
    /// When uploads ended by a flood wait that was short, in milliseconds since 1970.
    floods: VecDeque<i64>,
}

/// True if this can be said of one account while another may go on.
pub(super) fn is_the_accounts(reason: &Reason) -> bool {
    matches!(reason, Reason::SessionRevoked | Reason::AccountLimited | Reason::FloodWait { .. })
}

impl RestRules {
    /// Takes note of a failed upload; gives the rest that begins by it.
    pub(super) fn note(self, record: &mut Record, account: UserId, reason: &Reason, now_ms: i64) -> Option<Rest> {
        let (length_s, in_a_row) = match reason {
            Reason::FloodWait { seconds } if *seconds > self.longest_wait_s => (i64::from(*seconds), record.in_a_row(now_ms)),
            Reason::FloodWait { .. } if !record.flooded_again(now_ms) => return None,
            Reason::FloodWait { .. } | Reason::AccountLimited => {
                let before = record.in_a_row(now_ms);
                let length_s = i64::from(self.limited_rest_s).saturating_mul(1 << before.min(16)).min(LONGEST_REST_S);
                (length_s, before + 1)
            }
            _ => return None,
        };
        let until_ms = now_ms + length_s * 1000;
        // Several uploads of one account fail together; the rest that they begin is one.
        if record.rest.as_ref().is_some_and(|rest| rest.until_ms >= until_ms || (rest.until_ms > now_ms && rest.reason == *reason)) {
            return None;
        }
        let rest = Rest { account, until_ms, reason: reason.clone(), in_a_row };
        record.rest = Some(rest.clone());
        Some(rest)
    }
}

impl Record {
    /// The rest that is not over yet.
    pub(super) fn resting(&self, now_ms: i64) -> Option<&Rest> {
        self.rest.as_ref().filter(|rest| rest.until_ms > now_ms)
    }

    fn in_a_row(&self, now_ms: i64) -> u32 {
        self.rest.as_ref().filter(|rest| now_ms - rest.until_ms < ROW_MS).map_or(0, |rest| rest.in_a_row)
    }

    fn flooded_again(&mut self, now_ms: i64) -> bool {
        self.floods.retain(|flood_ms| now_ms - flood_ms < REPEATED_WITHIN_MS);
        self.floods.push_back(now_ms);
        let repeated = self.floods.len() >= REPEATED;
        if repeated {
            self.floods.clear();
        }
        repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: RestRules = RestRules { longest_wait_s: 900, limited_rest_s: 3600 };
    const HOUR_MS: i64 = 3600 * 1000;

    fn until(record: &mut Record, reason: Reason, now_ms: i64) -> Option<i64> {
        RULES.note(record, UserId(7), &reason, now_ms).map(|rest| rest.until_ms - now_ms)
    }

    #[test]
    fn a_long_flood_wait_is_a_rest_of_its_length() {
        let mut record = Record::default();
        assert_eq!(until(&mut record, Reason::FloodWait { seconds: 900 }, 0), None);
        assert_eq!(until(&mut record, Reason::FloodWait { seconds: 901 }, 0), Some(901_000));
        assert!(record.resting(900_999).is_some() && record.resting(901_000).is_none());
        assert_eq!(until(&mut record, Reason::FloodWait { seconds: 900 }, 901_000), None, "one call's wait is no illness");
        assert_eq!(until(&mut record, Reason::Telegram, 901_000), None);
    }

    #[test]
    fn limits_in_a_row_last_longer_up_to_a_day() {
        let mut record = Record::default();
        let mut now_ms = 0;
        for hours in [1, 2, 4, 8, 16, 24, 24] {
            assert_eq!(until(&mut record, Reason::AccountLimited, now_ms), Some(hours * HOUR_MS));
            assert_eq!(until(&mut record, Reason::AccountLimited, now_ms + 5), None, "the others that ran fail for the same");
            now_ms += (hours + 1) * HOUR_MS;
        }
        assert_eq!(until(&mut record, Reason::AccountLimited, now_ms + 48 * HOUR_MS), Some(HOUR_MS), "long ago");
    }

    #[test]
    fn the_third_short_flood_wait_within_an_hour_is_a_limit() {
        let mut record = Record::default();
        let flood = || Reason::FloodWait { seconds: 30 };
        assert_eq!(until(&mut record, flood(), 0), None);
        assert_eq!(until(&mut record, flood(), HOUR_MS / 2), None);
        assert_eq!(until(&mut record, flood(), HOUR_MS + 1), None, "the first is forgotten");
        assert_eq!(until(&mut record, flood(), HOUR_MS + 2), Some(HOUR_MS));
    }

    #[test]
    fn a_longer_rest_is_not_shortened() {
        let mut record = Record::default();
        assert_eq!(until(&mut record, Reason::FloodWait { seconds: 7200 }, 0), Some(2 * HOUR_MS));
        assert_eq!(until(&mut record, Reason::AccountLimited, 0), None);
        assert_eq!(record.resting(HOUR_MS).unwrap().reason, Reason::FloodWait { seconds: 7200 });
    }
}
