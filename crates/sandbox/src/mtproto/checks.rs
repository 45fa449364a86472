//! Whether a client's message identifier and sequence number are acceptable.
//!
//! In: identifiers, numbers, the time, what was received before. Out: the error code of a `bad_msg_notification`
//! (<https://core.telegram.org/mtproto/service_messages_about_messages#notice-of-ignored-error-message>), or none. Pure.

use std::collections::BTreeMap;

/// Messages from longer ago are ignored, as at Telegram: 300 s back, 30 s ahead.
const MAX_AGE_SECONDS: i64 = 300;
const MAX_AHEAD_SECONDS: i64 = 30;

/// What a message is, as far as numbering is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Needs an acknowledgement: its number must be odd.
    Content,
    /// Containers, acknowledgements, `http_wait`: must be even.
    Service,
    /// Pings and their like, which clients number either way.
    Either,
}

/// Judges the identifier of an outer message against the server's clock.
pub(crate) fn identifier(msg_id: i64, now: i64) -> Result<(), i32> {
    let sent = msg_id >> 32;
    if msg_id & 3 != 0 {
        Err(18)
    } else if sent < now - MAX_AGE_SECONDS {
        Err(16)
    } else if sent > now + MAX_AHEAD_SECONDS {
        Err(17)
    } else {
        Ok(())
    }
}

/// Judges a sequence number: its parity, and its order among the content messages received before (`seen`: identifier to number).
pub(crate) fn sequence(kind: Kind, msg_id: i64, seq_no: i32, seen: &BTreeMap<i64, i32>) -> Result<(), i32> {
    let odd = seq_no & 1 == 1;
    match kind {
        Kind::Service if odd => return Err(34),
        Kind::Content if !odd => return Err(35),
        Kind::Content => {}
        Kind::Service | Kind::Either => return Ok(()),
    }
    let before = seen.range(..msg_id).next_back();
    let after = seen.range(msg_id + 1..).next();
    if before.is_some_and(|(_, earlier)| *earlier >= seq_no) {
        Err(32)
    } else if after.is_some_and(|(_, later)| *later <= seq_no) {
        Err(33)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_follow_the_clock() {
        let now = 1_800_000_000_i64;
        let at = |seconds: i64| (now + seconds) << 32;
        for (msg_id, verdict) in [
            (at(0), Ok(())),
            (at(-299), Ok(())),
            (at(29), Ok(())),
            (at(-301), Err(16)),
            (at(31), Err(17)),
            (at(0) | 1, Err(18)),
            (0, Err(16)),
        ] {
            assert_eq!(identifier(msg_id, now), verdict, "{msg_id}");
        }
    }

    #[test]
    fn numbers_have_parity_and_order() {
        let seen = BTreeMap::from([(100, 1), (200, 5)]);
        for (kind, msg_id, seq_no, verdict) in [
            (Kind::Content, 300, 7, Ok(())),
            (Kind::Content, 150, 3, Ok(())),
            (Kind::Content, 300, 5, Err(32)),
            (Kind::Content, 150, 5, Err(33)),
            (Kind::Content, 300, 8, Err(35)),
            (Kind::Service, 300, 7, Err(34)),
            (Kind::Service, 300, 0, Ok(())),
            (Kind::Either, 300, 0, Ok(())),
            (Kind::Either, 300, 1, Ok(())),
        ] {
            assert_eq!(sequence(kind, msg_id, seq_no, &seen), verdict, "{kind:?} {msg_id} {seq_no}");
        }
    }
}
