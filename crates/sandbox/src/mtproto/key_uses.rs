//! Who uses an auth key, to notice that two do at once.
//!
//! In: calls of keys that are logged in, and the ends of connections. Out: whether a key is used twice. Telegram: `AUTH_KEY_DUPLICATED` "is only emitted if any
//! of the non-media DC detects that an authorized session is sending requests in parallel from two separate TCP connections"
//! (<https://core.telegram.org/api/errors#406-not-acceptable>). It must not be asked about transfers of files, which may go in parallel.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Uses of all keys; its clones are the same table.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyUses(Arc<Mutex<HashMap<i64, Vec<Use>>>>);

/// A connection that makes calls with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Use {
    connection: u64,
    session: i64,
}

impl KeyUses {
    /// Notes a call. True when the connection has called before, then another one in another MTProto session, and now the first again: they are in parallel.
    /// A client that comes back by a new connection does not look like that, even while the old one is not known to be closed.
    pub(crate) fn is_parallel(&self, key_id: i64, connection: u64, session: i64) -> bool {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let uses = table.entry(key_id).or_default();
        let before = uses.iter().position(|seen| seen.connection == connection);
        let others_since = before.is_some_and(|at| uses[at + 1..].iter().any(|other| other.session != session));
        // Latest last.
        uses.retain(|seen| seen.connection != connection);
        uses.push(Use { connection, session });
        others_since
    }

    /// A connection is over.
    pub(crate) fn closed(&self, key_id: i64, connection: u64) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(uses) = table.get_mut(&key_id) {
            uses.retain(|seen| seen.connection != connection);
            if uses.is_empty() {
                table.remove(&key_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_alternate_are_parallel() {
        let uses = KeyUses::default();
        let calls =
            |order: &[(u64, i64)]| order.iter().map(|(connection, session)| uses.is_parallel(7, *connection, *session)).collect::<Vec<_>>();
        assert_eq!(calls(&[(1, 10), (1, 10), (2, 20), (2, 20)]), [false; 4], "come back by another connection");
        assert_eq!(calls(&[(1, 10)]), [true], "and the first is still there");
        uses.closed(7, 1);
        uses.closed(7, 2);
        assert_eq!(calls(&[(3, 30), (4, 30), (3, 30)]), [false; 3], "one session over two connections is one client");
        assert_eq!(calls(&[(5, 50)]), [false]);
        uses.closed(7, 5);
        assert_eq!(calls(&[(3, 30)]), [false], "the other one is gone");
    }
}
