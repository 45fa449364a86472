//! What went wrong, in words for people.
//!
//! In: a [`Reason`]. Out: a text in Telegram HTML: what happened, why, what to do next. Must not: show a cause; causes are for the log.

use super::{Texts, format};
use crate::model::Reason;

impl Texts {
    /// The text for a reason.
    pub fn failure(&self, reason: &Reason) -> String {
        match reason {
            Reason::HttpStatus { status } => self.with(reason.key(), &[("status", status.to_string().into())]),
            Reason::TooLarge { size_bytes: None, limit_bytes } => {
                self.with("failure-too-large-unknown", &[("limit", format::bytes(*limit_bytes).into())])
            }
            Reason::TooLarge { size_bytes: Some(size_bytes), limit_bytes }
            | Reason::NoLane { size_bytes, limit_bytes, .. }
            | Reason::SlideShow { size_bytes, limit_bytes } => {
                self.with(reason.key(), &[("size", format::bytes(*size_bytes).into()), ("limit", format::bytes(*limit_bytes).into())])
            }
            Reason::TooLong { seconds, limit_seconds } => self.with(
                reason.key(),
                // Not rounded: 61 s and 60 s are both a minute.
                &[("length", format!("{seconds} s").into()), ("limit", format!("{limit_seconds} s").into())],
            ),
            Reason::FloodWait { seconds } => self.with(reason.key(), &[("pause", format::wait(u64::from(*seconds)).into())]),
            _ => self.get(reason.key()),
        }
    }
}
