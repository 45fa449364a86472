//! Server salts: derived from the auth key, the half hour and a rotation counter, so nothing has to be kept.
//!
//! In: an auth key, a time, a counter. Out: the salt now, whether a salt is good, the salts to come. Meaning:
//! <https://core.telegram.org/mtproto/description#server-salt>. Pure; it must not read a clock.

use grammers_tl_types as tl;
use sha2::{Digest, Sha256};

use crate::world::accounts::FirstSalt;

/// A new salt every half hour; each is good for an hour, so two overlap.
const SLOT_SECONDS: i64 = 1800;
const LIFETIME_SECONDS: i64 = 3600;
/// The most salts that `get_future_salts` gives.
const MAX_FUTURE: i64 = 64;

/// The salts of one auth key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Salts<'a> {
    /// The key.
    pub(crate) auth_key: &'a [u8; 256],
    /// How often all salts were thrown away.
    pub(crate) epoch: u64,
    /// What the key exchange left.
    pub(crate) first: Option<FirstSalt>,
    /// Unix time in seconds.
    pub(crate) now: i64,
}

impl Salts<'_> {
    /// The salt to use now.
    pub(crate) fn current(self) -> i64 {
        self.of_slot(self.slot())
    }

    /// Whether a client may use this salt now.
    pub(crate) fn accepts(self, salt: i64) -> bool {
        let is_first =
            |first: FirstSalt| salt == first.salt && first.epoch == self.epoch && self.now < i64::from(first.since_unix) + LIFETIME_SECONDS;
        salt == self.current() || salt == self.of_slot(self.slot() - 1) || self.first.is_some_and(is_first)
    }

    /// The salts from now on, earliest first.
    pub(crate) fn future(self, wanted: i32) -> Vec<tl::types::FutureSalt> {
        let count = i64::from(wanted).clamp(1, MAX_FUTURE);
        let slots = self.slot()..self.slot() + count;
        slots
            .map(|slot| tl::types::FutureSalt {
                valid_since: (slot * SLOT_SECONDS) as i32,
                valid_until: (slot * SLOT_SECONDS + LIFETIME_SECONDS) as i32,
                salt: self.of_slot(slot),
            })
            .collect()
    }

    fn slot(self) -> i64 {
        self.now.div_euclid(SLOT_SECONDS)
    }

    fn of_slot(self, slot: i64) -> i64 {
        let mut hasher = Sha256::new();
        hasher.update(self.auth_key);
        hasher.update(slot.to_le_bytes());
        hasher.update(self.epoch.to_le_bytes());
        let hash = hasher.finalize();
        let mut salt = [0_u8; 8];
        salt.copy_from_slice(&hash[..8]);
        // Zero means "no salt yet" to clients.
        i64::from_le_bytes(salt) | 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_lives_for_an_hour_and_dies_with_a_rotation() {
        let auth_key = [4_u8; 256];
        let at = |now, epoch| Salts { auth_key: &auth_key, epoch, first: None, now };
        let salt = at(1800 * 10, 0).current();
        assert!(at(1800 * 10 + 1799, 0).accepts(salt));
        assert!(at(1800 * 11 + 1799, 0).accepts(salt));
        assert!(!at(1800 * 12, 0).accepts(salt));
        assert!(!at(1800 * 10, 1).accepts(salt));
        let first = FirstSalt { salt: 12, epoch: 0, since_unix: 18_000 };
        let exchanged = |now, epoch| Salts { auth_key: &auth_key, epoch, first: Some(first), now };
        assert!(exchanged(18_000 + 3599, 0).accepts(12) && exchanged(18_000, 0).accepts(salt));
        assert!(!exchanged(18_000 + 3600, 0).accepts(12) && !exchanged(18_000, 1).accepts(12));
        let future = at(1800 * 10 + 7, 0).future(64);
        assert_eq!(future.len(), 64);
        assert_eq!((future[0].salt, future[0].valid_since), (salt, 18_000));
        assert_eq!(future[1].salt, at(1800 * 11, 0).current());
    }
}
