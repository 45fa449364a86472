//! Data centres: where accounts are at home, and taking a login to another one (<https://core.telegram.org/api/datacenter>).
//!
//! In: accounts, keys, what one data centre gave and another is shown. Out: numbers of data centres, logins. It must not know of addresses.

use super::{Accounts, Authorization, LoginError, auth_key_id};
use crate::world::World;

/// Where everybody is at home who was not moved.
pub(crate) const MAIN_DC: i32 = 2;

impl Accounts {
    /// Mints a pre-shared auth key of this data centre.
    pub(crate) fn new_auth_key_at(&self, dc_id: i32) -> [u8; 256] {
        let bytes = self.new_auth_key();
        self.with_key(auth_key_id(&bytes), |key| key.dc_id = dc_id);
        bytes
    }

    /// The data centre of a user.
    pub(crate) fn home_of(&self, user: i64) -> i32 {
        self.lock().homes.get(&user).copied().unwrap_or(MAIN_DC)
    }

    /// The data centre of the account with this number; nobody's is the main one.
    pub(crate) fn home_of_phone(&self, phone: &str) -> i32 {
        self.user_by_phone(phone).map_or(MAIN_DC, |user| self.home_of(user))
    }

    /// A login that can be taken to another data centre, once.
    pub(crate) fn export_login(&self, user: i64, to_dc_id: i32) -> Vec<u8> {
        let mut bytes = vec![0_u8; 96];
        rand::fill(&mut bytes[..]);
        self.lock().exports.insert(bytes.clone(), (user, to_dc_id));
        bytes
    }

    /// Logs a key of this data centre in with what another one has given for it.
    pub(crate) fn import_login(&self, key_id: i64, dc_id: i32, id: i64, bytes: &[u8]) -> Result<i64, LoginError> {
        let invalid = LoginError(400, "AUTH_BYTES_INVALID");
        let mut state = self.lock();
        let (user, to) = state.exports.get(bytes).copied().ok_or(invalid)?;
        if user != id || to != dc_id {
            return Err(invalid);
        }
        state.exports.remove(bytes);
        let key = state.keys.get_mut(&key_id).ok_or(invalid)?;
        key.admit(user);
        Ok(user)
    }

    /// The key was used by two at once: nobody can use it any more.
    pub(crate) fn end_duplicated(&self, key_id: i64) {
        self.with_key(key_id, |key| key.authorization = Authorization::Duplicated);
    }
}

impl World {
    /// Makes another data centre the home of a user, of a bot too. What they log in with elsewhere is then told `USER_MIGRATE_n` or `PHONE_MIGRATE_n`.
    pub fn set_home(&self, user: i64, dc_id: i32) {
        self.accounts().lock().homes.insert(user, dc_id);
    }

    /// Mints a pre-shared auth key of another data centre than the main one.
    pub fn new_auth_key_at(&self, dc_id: i32) -> [u8; 256] {
        self.accounts().new_auth_key_at(dc_id)
    }
}
