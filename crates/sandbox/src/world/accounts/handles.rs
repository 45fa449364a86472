//! What a test, the control API or `sandbox serve` does to accounts and uploads from outside.
//!
//! In: phone numbers, keys, tokens. Out: codes and counts. Everything is handed to [`super::Accounts`] and the part store; nothing is kept here.

use super::auth_key_id;
use crate::world::{User, World};

/// An account to be: a person who can log in over MTProto.
#[derive(Debug, Clone, Default)]
pub struct AccountSpec {
    /// With or without `+`.
    pub phone: String,
    /// First name.
    pub first_name: String,
    /// Without the `@`.
    pub username: Option<String>,
    /// Has Telegram Premium: more parts a file, longer captions.
    pub premium: bool,
    /// The 2FA password, if one is set.
    pub password: Option<String>,
}

impl World {
    /// Adds a person who can log in. With a password it takes some 100 ms of CPU.
    pub fn add_account(&self, spec: &AccountSpec) -> User {
        let username = spec.username.as_deref().unwrap_or_default();
        let user = self.change(|state| state.add_person(&spec.first_name, username, spec.premium, Some(&spec.phone)));
        self.accounts().add(user.id, &spec.phone, spec.password.as_deref());
        user
    }

    /// Mints a pre-shared auth key that nobody is logged in with; a client puts it into its session and skips the key exchange.
    pub fn new_auth_key(&self) -> [u8; 256] {
        self.accounts().new_auth_key()
    }

    /// The login code that was sent last to a number and was not used yet.
    pub fn login_code(&self, phone: &str) -> Option<String> {
        self.accounts().login_code(phone)
    }

    /// Ends the authorization of one key, as its owner would from another device: `SESSION_REVOKED` from then on.
    pub fn revoke_session(&self, auth_key: &[u8; 256]) {
        self.accounts().revoke_key_id(auth_key_id(auth_key));
    }

    /// Ends all authorizations of an account. Returns how many there were; 0 if nobody has the number.
    pub fn revoke_account(&self, phone: &str) -> usize {
        let user = self.accounts().user_by_phone(phone);
        user.map_or(0, |user| self.accounts().revoke_user(user))
    }

    /// Ends all authorizations of a user, who may be a bot. Returns how many there were.
    pub fn revoke_user(&self, user_id: i64) -> usize {
        self.accounts().revoke_user(user_id)
    }

    /// Scans a QR login token with the phone of an account. The error is Telegram's name for it: `PHONE_NUMBER_UNOCCUPIED`,
    /// `AUTH_TOKEN_INVALID`, `AUTH_TOKEN_EXPIRED`, `AUTH_TOKEN_ALREADY_ACCEPTED`.
    pub fn accept_login_token(&self, token: &[u8], phone: &str) -> Result<(), &'static str> {
        let user = self.accounts().user_by_phone(phone).ok_or("PHONE_NUMBER_UNOCCUPIED")?;
        self.accounts().accept_login_token(token, user).map(|_| ()).map_err(|refused| refused.1)
    }

    /// Makes all server salts worthless, so that each client gets `bad_server_salt` for its next message.
    pub fn rotate_salts(&self) {
        self.accounts().rotate_salts();
    }

    /// Sets the clock of the data centres wrong by so many seconds (0: right). It shows in identifiers of messages, salts, key exchanges and
    /// `help.getConfig`.
    pub fn skew_clock(&self, seconds: i64) {
        self.accounts().clock().skew(seconds);
    }

    /// The numbers of files of which parts are stored and that no message took yet.
    pub fn open_uploads(&self) -> Vec<i64> {
        self.uploads().open_files(tokio::time::Instant::now().into_std())
    }

    /// Forgets parts of an upload, as Telegram does after some hours; an empty list means all of them. Returns how many there were.
    pub fn expire_parts(&self, file_id: i64, parts: &[i32]) -> usize {
        self.uploads().expire(file_id, parts)
    }

    /// Forgets all parts that no message took. Returns how many there were.
    pub fn expire_all_parts(&self) -> usize {
        self.open_uploads().into_iter().map(|file_id| self.expire_parts(file_id, &[])).sum()
    }
}
