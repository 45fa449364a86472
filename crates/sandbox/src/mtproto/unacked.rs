//! What a session sent and its client has not acknowledged yet.
//!
//! In: numbered messages, acknowledgements. Out: what has to be sent again. What it holds is bounded, whatever the client does; each call costs
//! the same however much is held. It must not send.

use std::collections::BTreeMap;

use super::session::Outgoing;

/// Answers kept for a client that may have missed them.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// What a message costs besides its body, roughly.
const MESSAGE_BYTES: usize = 128;

/// Messages of a session by their identifiers, which grow.
#[derive(Debug, Default)]
pub(super) struct Unacked {
    messages: BTreeMap<i64, (Option<i64>, Outgoing)>,
    bytes: usize,
}

impl Unacked {
    /// Keeps a message, maybe the answer to a request; the oldest ones go when it is too much.
    pub(super) fn keep(&mut self, request: Option<i64>, message: Outgoing) {
        self.bytes += cost(&message);
        self.messages.insert(message.msg_id, (request, message));
        while self.bytes > MAX_BYTES && self.messages.len() > 1 {
            let oldest = self.messages.pop_first();
            self.bytes -= oldest.map_or(0, |(_, (_, message))| cost(&message));
        }
    }

    /// The client has these messages.
    pub(super) fn acknowledged(&mut self, msg_ids: &[i64]) {
        for msg_id in msg_ids {
            let gone = self.messages.remove(msg_id);
            self.bytes -= gone.map_or(0, |(_, message)| cost(&message));
        }
    }

    /// The answer to a request.
    pub(super) fn answer_to(&self, request: i64) -> Option<&Outgoing> {
        self.messages.values().find(|(answered, _)| *answered == Some(request)).map(|(_, message)| message)
    }

    /// The message with this identifier.
    pub(super) fn get(&self, msg_id: i64) -> Option<&Outgoing> {
        self.messages.get(&msg_id).map(|(_, message)| message)
    }

    /// All of them, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Outgoing> {
        self.messages.values().map(|(_, message)| message)
    }
}

fn cost(message: &Outgoing) -> usize {
    message.body.len() + MESSAGE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(msg_id: i64, len: usize) -> Outgoing {
        Outgoing { session_id: 1, msg_id, seq_no: 1, body: vec![0; len].into() }
    }

    #[test]
    fn what_is_acknowledged_goes_and_the_rest_is_found() {
        let mut unacked = Unacked::default();
        unacked.keep(Some(10), message(1, 100));
        unacked.keep(None, message(5, 100));
        assert_eq!(unacked.answer_to(10).map(|found| found.msg_id), Some(1));
        unacked.acknowledged(&[1, 99]);
        assert!(unacked.answer_to(10).is_none() && unacked.get(1).is_none());
        assert_eq!(unacked.all().map(|kept| kept.msg_id).collect::<Vec<_>>(), [5]);
        unacked.acknowledged(&[5]);
        assert_eq!(unacked.bytes, 0);
    }

    #[test]
    fn a_client_that_never_acknowledges_costs_a_bounded_amount() {
        let mut unacked = Unacked::default();
        for msg_id in 0..100_000 {
            unacked.keep(Some(msg_id), message(msg_id, 16));
        }
        assert!(unacked.bytes <= MAX_BYTES && unacked.messages.len() == MAX_BYTES / (16 + MESSAGE_BYTES));
        assert!(unacked.get(99_999).is_some() && unacked.get(0).is_none());
    }
}
