//! What is known of an account that carries files, for choosing and for showing.
//!
//! In: observations of the pool. Out: plain values. Must not: decide who carries what.

use serde::{Deserialize, Serialize};

use super::{Reason, UserId};

/// How an account is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Health {
    /// Nothing is known against it.
    Well,
    /// Telegram limits it; it is left alone until then and is well again afterwards.
    Resting {
        /// End of the rest, in milliseconds since 1970.
        until_ms: i64,
        /// Why.
        #[serde(flatten)]
        reason: Reason,
    },
    /// It can't be used until somebody or something mends it, and why.
    Unwell(Reason),
}

/// A rest that an account was given. It belongs to the account at Telegram, whatever its session is called, and outlives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Whose.
    pub account: UserId,
    /// Its end, in milliseconds since 1970.
    pub until_ms: i64,
    /// Why.
    pub reason: Reason,
    /// How many rests of growing length this one ends; 0 if Telegram itself named the time.
    pub in_a_row: u32,
}

/// One account as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountReport {
    /// Name of its session.
    pub name: String,
    /// Its number at Telegram, once somebody has logged in.
    pub id: Option<UserId>,
    /// True for the bot's own session.
    pub bot: bool,
    /// Who is or was logged in, in words; the phone number in part.
    pub user: Option<String>,
    /// Has Telegram Premium.
    pub premium: bool,
    /// Largest file in bytes, if known.
    pub limit_bytes: Option<u64>,
    /// Name of its relay channel.
    pub relay_title: Option<String>,
    /// How the relay is, in words, if that could be seen.
    pub relay: Option<String>,
    /// How the account is.
    pub health: Health,
    /// Uploads that run.
    pub uploads: u32,
    /// Bytes that these still have to send.
    pub left_bytes: u64,
    /// Bytes sent in the last 24 hours.
    pub sent_bytes: u64,
    /// Bytes that it may send in 24 hours; 0 for no limit.
    pub daily_bytes: u64,
}

impl AccountReport {
    /// True if it can carry files now.
    pub fn is_well(&self) -> bool {
        self.health == Health::Well
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_stored_as_it_is_shown() {
        let table = [
            (Health::Well, r#"{"is":"well"}"#),
            (
                Health::Resting { until_ms: 5, reason: Reason::FloodWait { seconds: 9 } },
                r#"{"is":"resting","until_ms":5,"reason":"flood_wait","seconds":9}"#,
            ),
            (Health::Unwell(Reason::SessionRevoked), r#"{"is":"unwell","reason":"session_revoked"}"#),
        ];
        for (health, text) in table {
            assert_eq!(serde_json::to_string(&health).unwrap(), text);
            assert_eq!(serde_json::from_str::<Health>(text).unwrap(), health);
        }
    }
}
