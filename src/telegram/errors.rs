//! What an answer of MTProto means for us: Telegram's error names turned into what may be done about them.
//!
//! In: an [`InvocationError`] of grammers. Out: a [`Verdict`] for loops that go on by themselves, a [`Failure`] for everybody else.
//! Must not: wait, retry or log. Names: <https://core.telegram.org/api/errors> and the error lists of the methods.

use grammers_client::InvocationError;
use grammers_mtproto::transport;

use crate::model::{Failure, Reason};

/// What may be done about a failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Telegram names a time: wait that many seconds and repeat the same call.
    Wait {
        /// How long, in seconds.
        seconds: u32,
    },
    /// The call never reached Telegram, or its answer was lost, or Telegram stumbled: repeat it, on a new connection if need be.
    Again,
    /// `messages.sendMedia` misses a part: send that part again, then repeat the call.
    PartMissing {
        /// Number of the part, from 0.
        part: u32,
    },
    /// The same `random_id` was taken before: the message is there already.
    Duplicate,
    /// The call belongs to another data centre.
    Migrate {
        /// Number of the data centre.
        dc_id: i32,
    },
    /// Repeating the same call changes nothing.
    Fail(Reason),
}

/// Judges a failed call.
pub fn judge(error: &InvocationError) -> Verdict {
    match error {
        InvocationError::Rpc(rpc) => judge_name(rpc.code, &rpc.name, rpc.value),
        // The key is not known to the server (any more): for us the same as being logged out.
        InvocationError::Transport(transport::Error::BadStatus { status: 404 }) => Verdict::Fail(Reason::SessionRevoked),
        // An answer that can't be read is as good as lost; so is one on a connection whose bytes were damaged.
        InvocationError::Transport(_)
        | InvocationError::Io(_)
        | InvocationError::Dropped(_)
        | InvocationError::Authentication(_)
        | InvocationError::Deserialize(_) => Verdict::Again,
        InvocationError::InvalidDc => Verdict::Fail(Reason::Telegram),
        InvocationError::Session(_) => Verdict::Fail(Reason::Internal),
    }
}

/// A failed call as the failure of a step.
pub fn failure(error: InvocationError) -> Failure {
    let reason = match judge(&error) {
        Verdict::Wait { seconds } => Reason::FloodWait { seconds },
        Verdict::Again | Verdict::PartMissing { .. } | Verdict::Duplicate | Verdict::Migrate { .. } => Reason::Telegram,
        Verdict::Fail(reason) => reason,
    };
    Failure::new(reason, error)
}

/// `name` is without its number, as grammers gives it: `FLOOD_WAIT`, `FILE_PART_MISSING`.
fn judge_name(code: i32, name: &str, value: Option<u32>) -> Verdict {
    match (name, value) {
        ("FLOOD_WAIT" | "FLOOD_PREMIUM_WAIT" | "SLOWMODE_WAIT" | "FLOOD_TEST_PHONE_WAIT", Some(seconds)) => Verdict::Wait { seconds },
        ("FILE_PART_MISSING", Some(part)) => Verdict::PartMissing { part },
        ("FILE_MIGRATE" | "USER_MIGRATE" | "PHONE_MIGRATE" | "NETWORK_MIGRATE" | "STATS_MIGRATE", Some(dc_id)) => {
            Verdict::Migrate { dc_id: dc_id as i32 }
        }
        ("RANDOM_ID_DUPLICATE", _) => Verdict::Duplicate,
        (
            "AUTH_KEY_UNREGISTERED"
            | "AUTH_KEY_INVALID"
            | "AUTH_KEY_PERM_EMPTY"
            | "SESSION_REVOKED"
            | "SESSION_EXPIRED"
            | "USER_DEACTIVATED"
            | "USER_DEACTIVATED_BAN"
            | "AUTH_KEY_DUPLICATED",
            _,
        ) => Verdict::Fail(Reason::SessionRevoked),
        (
            "CHANNEL_INVALID"
            | "CHANNEL_PRIVATE"
            | "CHANNEL_PUBLIC_GROUP_NA"
            | "CHAT_ADMIN_REQUIRED"
            | "CHAT_WRITE_FORBIDDEN"
            | "PEER_ID_INVALID"
            | "USER_BANNED_IN_CHANNEL"
            | "CHAT_FORBIDDEN"
            | "CHAT_RESTRICTED",
            _,
        ) => Verdict::Fail(Reason::RelayGone),
        ("USER_IS_BLOCKED" | "INPUT_USER_DEACTIVATED" | "USER_IS_BOT" | "YOU_BLOCKED_USER", _) => Verdict::Fail(Reason::ChatUnreachable),
        ("TIMEOUT" | "RPC_CALL_FAIL" | "RPC_MCGET_FAIL" | "INTERDC_CALL_ERROR" | "INTERDC_CALL_RICH_ERROR", _) => Verdict::Again,
        // A frozen account may do nothing until it has appealed; one that is flooded may do less for some hours: another may still do it.
        ("PEER_FLOOD" | "FROZEN_METHOD_INVALID" | "USER_RESTRICTED", _) => Verdict::Fail(Reason::AccountLimited),
        _ if code == 401 => Verdict::Fail(Reason::SessionRevoked),
        // Negative codes and 5xx are Telegram's own troubles: <https://core.telegram.org/api/errors>.
        _ if !(0..500).contains(&code) => Verdict::Again,
        _ => Verdict::Fail(Reason::Telegram),
    }
}

#[cfg(test)]
mod tests {
    use grammers_client::sender::RpcError;
    use grammers_tl_types as tl;

    use super::*;
    use crate::model::Retry;

    fn rpc(error_code: i32, name: &str) -> InvocationError {
        InvocationError::Rpc(RpcError::from(tl::types::RpcError { error_code, error_message: name.to_owned() }))
    }

    #[test]
    fn telegrams_names_are_judged() {
        let table = [
            (420, "FLOOD_WAIT_31", Verdict::Wait { seconds: 31 }),
            (420, "FLOOD_PREMIUM_WAIT_5", Verdict::Wait { seconds: 5 }),
            (420, "SLOWMODE_WAIT_7", Verdict::Wait { seconds: 7 }),
            (400, "FILE_PART_0_MISSING", Verdict::PartMissing { part: 0 }),
            (400, "FILE_PART_3999_MISSING", Verdict::PartMissing { part: 3999 }),
            (500, "RANDOM_ID_DUPLICATE", Verdict::Duplicate),
            (303, "FILE_MIGRATE_4", Verdict::Migrate { dc_id: 4 }),
            (303, "PHONE_MIGRATE_5", Verdict::Migrate { dc_id: 5 }),
            (303, "USER_MIGRATE_1", Verdict::Migrate { dc_id: 1 }),
            (401, "AUTH_KEY_UNREGISTERED", Verdict::Fail(Reason::SessionRevoked)),
            (401, "SESSION_REVOKED", Verdict::Fail(Reason::SessionRevoked)),
            (401, "USER_DEACTIVATED", Verdict::Fail(Reason::SessionRevoked)),
            (401, "USER_DEACTIVATED_BAN", Verdict::Fail(Reason::SessionRevoked)),
            (406, "AUTH_KEY_DUPLICATED", Verdict::Fail(Reason::SessionRevoked)),
            (401, "SOMETHING_NEW", Verdict::Fail(Reason::SessionRevoked)),
            (400, "CHANNEL_INVALID", Verdict::Fail(Reason::RelayGone)),
            (400, "CHANNEL_PRIVATE", Verdict::Fail(Reason::RelayGone)),
            (406, "CHANNEL_PRIVATE", Verdict::Fail(Reason::RelayGone)),
            (400, "CHAT_ADMIN_REQUIRED", Verdict::Fail(Reason::RelayGone)),
            (403, "CHAT_WRITE_FORBIDDEN", Verdict::Fail(Reason::RelayGone)),
            (400, "PEER_FLOOD", Verdict::Fail(Reason::AccountLimited)),
            (420, "FROZEN_METHOD_INVALID", Verdict::Fail(Reason::AccountLimited)),
            (400, "USER_IS_BLOCKED", Verdict::Fail(Reason::ChatUnreachable)),
            (400, "FILE_PARTS_INVALID", Verdict::Fail(Reason::Telegram)),
            (400, "FILE_PART_SIZE_CHANGED", Verdict::Fail(Reason::Telegram)),
            (400, "FILE_PART_TOO_BIG", Verdict::Fail(Reason::Telegram)),
            (500, "RPC_CALL_FAIL", Verdict::Again),
            (-503, "Timeout", Verdict::Again),
            (500, "No workers running", Verdict::Again),
        ];
        for (code, name, expected) in table {
            assert_eq!(judge(&rpc(code, name)), expected, "{name}");
        }
    }

    #[test]
    fn a_broken_connection_is_tried_again_and_an_unknown_key_is_not() {
        let table = [
            (InvocationError::Io(std::io::ErrorKind::ConnectionReset.into()), Verdict::Again),
            (InvocationError::Dropped("runner"), Verdict::Again),
            (InvocationError::Transport(transport::Error::BadStatus { status: 429 }), Verdict::Again),
            (InvocationError::Transport(transport::Error::BadStatus { status: 404 }), Verdict::Fail(Reason::SessionRevoked)),
            (InvocationError::InvalidDc, Verdict::Fail(Reason::Telegram)),
        ];
        for (error, expected) in table {
            assert_eq!(judge(&error), expected, "{error}");
        }
    }

    #[test]
    fn a_failure_keeps_the_time_that_telegram_named() {
        let failed = failure(rpc(420, "FLOOD_WAIT_31"));
        assert_eq!(failed.reason, Reason::FloodWait { seconds: 31 });
        assert_eq!(failed.reason.retry(), Retry::Wait(std::time::Duration::from_secs(31)));
        assert!(failed.to_string().contains("FLOOD_WAIT"), "{failed}");
        assert_eq!(failure(rpc(401, "SESSION_REVOKED")).reason, Reason::SessionRevoked);
    }
}
