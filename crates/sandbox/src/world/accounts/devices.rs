//! The devices that an account is logged in with, as its owner sees them in the settings.
//!
//! In: what clients say of themselves in `initConnection`. Out: the list of sessions, and their end. Rules: `account.getAuthorizations` and
//! `account.resetAuthorization` (<https://core.telegram.org/method/account.resetAuthorization>). It must not close connections.

use std::time::Duration;

use super::{Accounts, Authorization, Key, LoginError};
use crate::world::now_unix;

/// What a client says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) api_id: i32,
    pub(crate) model: String,
    pub(crate) system_version: String,
    pub(crate) app_version: String,
    /// When it said so last, in seconds since 1970.
    pub(crate) active_unix: i32,
}

/// A key that is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActiveSession {
    /// Names it; 0 for the one that asks.
    pub(crate) hash: i64,
    pub(crate) device: Device,
    /// When it was logged in, in seconds since 1970.
    pub(crate) since_unix: i32,
}

impl Accounts {
    /// Remembers that `initConnection` was called with this key, and by what.
    pub(crate) fn set_inited(&self, key_id: i64, device: Device) {
        self.with_key(key_id, |key| key.device = Some(device));
    }

    /// Whether `initConnection` was ever called with this key.
    pub(crate) fn is_inited(&self, key_id: i64) -> bool {
        self.lock().keys.get(&key_id).is_some_and(|key| key.device.is_some())
    }

    /// The keys that a user is logged in with, the one that asks first.
    pub(crate) fn sessions_of(&self, user: i64, current: i64) -> Vec<ActiveSession> {
        let state = self.lock();
        let mine = state.keys.iter().filter(|(_, key)| key.authorization == Authorization::User(user));
        let session = |(id, key): (&i64, &Key)| ActiveSession {
            hash: if *id == current { 0 } else { *id },
            device: key.device.clone().unwrap_or_default(),
            since_unix: key.since_unix,
        };
        let mut sessions: Vec<_> = mine.map(session).collect();
        sessions.sort_by_key(|session| (session.hash != 0, session.since_unix, session.hash));
        sessions
    }

    /// Ends other sessions of a user: the one with this hash, or all. A session younger than `fresh` may not.
    pub(crate) fn end_others(&self, user: i64, current: i64, hash: Option<i64>, fresh: Duration) -> Result<(), LoginError> {
        let mut state = self.lock();
        let age_s = state.keys.get(&current).map_or(0, |key| now_unix() - key.since_unix);
        if u64::from(age_s.max(0).unsigned_abs()) < fresh.as_secs() {
            return Err(LoginError(406, "FRESH_RESET_AUTHORISATION_FORBIDDEN"));
        }
        let is_meant =
            |id: i64, key: &Key| id != current && key.authorization == Authorization::User(user) && hash.is_none_or(|hash| hash == id);
        let mut ended = 0;
        for (_, key) in state.keys.iter_mut().filter(|(id, key)| is_meant(**id, key)) {
            key.authorization = Authorization::Revoked;
            ended += 1;
        }
        if ended == 0 && hash.is_some() {
            return Err(LoginError(400, "HASH_INVALID"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_session_ends_others_and_a_fresh_one_may_not() {
        let accounts = Accounts::default();
        let [first, second, third] = std::array::from_fn(|_| crate::world::accounts::auth_key_id(&accounts.new_auth_key()));
        for key_id in [first, second, third] {
            accounts.log_in(key_id, 7);
        }
        let day = Duration::from_secs(24 * 3600);
        let fresh = LoginError(406, "FRESH_RESET_AUTHORISATION_FORBIDDEN");
        assert_eq!(accounts.end_others(7, first, Some(second), day), Err(fresh));
        let hashes = |user| accounts.sessions_of(user, first).iter().map(|session| session.hash).collect::<Vec<_>>();
        assert_eq!((hashes(7).len(), hashes(7)[0], hashes(8)), (3, 0, vec![]));
        let unknown = Err(LoginError(400, "HASH_INVALID"));
        assert_eq!(accounts.end_others(7, first, Some(first), Duration::ZERO), unknown, "not oneself");
        assert_eq!(accounts.end_others(7, first, Some(second), Duration::ZERO), Ok(()));
        assert_eq!(accounts.end_others(7, first, Some(second), Duration::ZERO), unknown, "gone already");
        assert_eq!((accounts.authorization(second), hashes(7)), (Authorization::Revoked, vec![0, third]));
        assert_eq!(accounts.end_others(7, first, None, Duration::ZERO), Ok(()));
        assert_eq!(hashes(7), [0]);
    }
}
