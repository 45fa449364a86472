//! Phone accounts, login codes, 2FA passwords, QR login tokens, and which auth key is logged in as whom.
//!
//! In: accounts made by the world's owner, what clients say during a login. Out: codes "sent", verdicts, authorizations, and [`KeyEvent`]s for
//! connections that wait. It has a lock of its own, held for map look-ups only; it must not do I/O and knows nothing of TL or of connections.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha1::{Digest, Sha1};
use tokio::sync::broadcast;

use super::clock::Clock;
use super::srp::{self, SrpChallenge, Verifier};
pub(crate) use super::srp::{GENERATOR, prime};

mod codes;
pub(crate) use codes::SignIn;
use codes::{Code, normal_phone};
mod devices;
pub(crate) use devices::{ActiveSession, Device};
mod homes;
pub(crate) use homes::MAIN_DC;
mod handles;
pub use handles::AccountSpec;
mod login_token;
pub(crate) use login_token::LOGIN_TOKEN_LIFETIME;
use login_token::LoginToken;

/// The name of a Telegram error, with the code it travels with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoginError(pub(crate) i32, pub(crate) &'static str);

/// Who an auth key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authorization {
    /// Known key, nobody logged in.
    Nobody,
    /// The first factor was right, the 2FA password is still missing.
    PasswordNeeded(i64),
    /// Logged in as this user (a person or a bot).
    User(i64),
    /// The authorization was ended from elsewhere.
    Revoked,
    /// It was ended because two used it at once.
    Duplicated,
}

/// The server salt that a key exchange left: client and server both know it without having sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FirstSalt {
    pub(crate) salt: i64,
    /// The count of rotations when it was made; worthless after the next one.
    pub(crate) epoch: u64,
    /// When it was made, in seconds since 1970.
    pub(crate) since_unix: i32,
}

/// Something that a connection of an auth key must tell its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyEvent {
    /// The QR token shown by this key was accepted on another device.
    LoginTokenAccepted(i64),
}

/// The table of accounts; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<KeyEvent>,
    salt_epoch: Arc<AtomicU64>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct State {
    by_phone: HashMap<String, Account>,
    keys: HashMap<i64, Key>,
    codes: HashMap<String, Code>,
    tokens: HashMap<Vec<u8>, LoginToken>,
    random_ids: HashSet<(i64, i64)>,
    /// Data centres of users who are not at the main one.
    homes: HashMap<i64, i32>,
    /// Logins on their way to another data centre: whose, and where to.
    exports: HashMap<Vec<u8>, (i64, i32)>,
}

#[derive(Debug)]
struct Account {
    user_id: i64,
    password: Option<Verifier>,
}

#[derive(Debug)]
struct Key {
    bytes: [u8; 256],
    /// The data centre that knows it.
    dc_id: i32,
    first_salt: Option<FirstSalt>,
    authorization: Authorization,
    /// What `initConnection` was called by last, if it ever was.
    device: Option<Device>,
    /// When somebody logged in with it, in seconds since 1970.
    since_unix: i32,
    challenge: Option<SrpChallenge>,
    /// A user who accepted this key's QR token and whom the client has not fetched yet.
    accepted_by: Option<i64>,
}

impl Key {
    fn new(bytes: [u8; 256], first_salt: Option<FirstSalt>) -> Self {
        Self {
            bytes,
            dc_id: MAIN_DC,
            first_salt,
            authorization: Authorization::Nobody,
            device: None,
            since_unix: 0,
            challenge: None,
            accepted_by: None,
        }
    }

    /// From now on this key is that user.
    fn admit(&mut self, user_id: i64) {
        self.authorization = Authorization::User(user_id);
        self.since_unix = super::now_unix();
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self { state: Arc::default(), events: broadcast::channel(64).0, salt_epoch: Arc::default(), clock: Clock::default() }
    }
}

impl Accounts {
    /// Gives the user `user_id` a phone number and maybe a 2FA password. The verifier costs about 100 ms of CPU.
    pub(crate) fn add(&self, user_id: i64, phone: &str, password: Option<&str>) {
        let password = password.map(Verifier::new);
        let account = Account { user_id, password };
        self.lock().by_phone.insert(normal_phone(phone).unwrap_or_default(), account);
    }

    /// The user behind a phone number.
    pub(crate) fn user_by_phone(&self, phone: &str) -> Option<i64> {
        let phone = normal_phone(phone)?;
        self.lock().by_phone.get(&phone).map(|found| found.user_id)
    }

    /// Mints a pre-shared auth key that nobody is logged in with.
    pub(crate) fn new_auth_key(&self) -> [u8; 256] {
        let mut bytes = [0_u8; 256];
        rand::fill(&mut bytes);
        self.lock().keys.insert(auth_key_id(&bytes), Key::new(bytes, None));
        bytes
    }

    /// Takes an auth key from a key exchange of this data centre, with the salt that belongs to it. `false` if there is a key with its identifier already.
    pub(crate) fn register_key(&self, dc_id: i32, bytes: [u8; 256], salt: i64) -> bool {
        let first_salt = FirstSalt { salt, epoch: self.salt_epoch(), since_unix: super::now_unix() };
        match self.lock().keys.entry(auth_key_id(&bytes)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(Key { dc_id, ..Key::new(bytes, Some(first_salt)) });
                true
            }
        }
    }

    /// The salt that the key exchange left, if the key came from one.
    pub(crate) fn first_salt(&self, key_id: i64) -> Option<FirstSalt> {
        self.lock().keys.get(&key_id).and_then(|key| key.first_salt)
    }

    /// The key with this identifier, if this data centre knows it.
    pub(crate) fn auth_key(&self, dc_id: i32, key_id: i64) -> Option<[u8; 256]> {
        self.lock().keys.get(&key_id).filter(|key| key.dc_id == dc_id).map(|key| key.bytes)
    }

    /// Who is logged in with this key.
    pub(crate) fn authorization(&self, key_id: i64) -> Authorization {
        let state = self.lock();
        let key = state.keys.get(&key_id);
        key.map_or(Authorization::Nobody, |key| key.authorization)
    }

    /// Logs a key in without any factor (bots by token).
    pub(crate) fn log_in(&self, key_id: i64, user_id: i64) {
        self.with_key(key_id, |key| key.admit(user_id));
    }

    /// Ends the authorization of a key at its own wish.
    pub(crate) fn log_out(&self, key_id: i64) {
        self.with_key(key_id, |key| {
            key.authorization = Authorization::Nobody;
            key.accepted_by = None;
        });
    }

    /// Ends every authorization of a user, as "terminate all sessions" on another device does. Returns how many there were.
    pub(crate) fn revoke_user(&self, user_id: i64) -> usize {
        let mut state = self.lock();
        let mine = state.keys.values_mut().filter(|key| key.authorization == Authorization::User(user_id));
        mine.map(|key| key.authorization = Authorization::Revoked).count()
    }

    /// Ends the authorization of one key from elsewhere.
    pub(crate) fn revoke_key_id(&self, key_id: i64) {
        self.with_key(key_id, |key| {
            key.authorization = Authorization::Revoked;
        });
    }

    /// The parameters of the 2FA check for the user that this key is, or is about to be. `None`: no password is set.
    pub(crate) fn password_challenge(&self, key_id: i64) -> Result<Option<SrpChallenge>, LoginError> {
        let mut state = self.lock();
        let user_id = waiting_or_logged_in(&state, key_id)?;
        let verifier = verifier_of(&state, user_id).cloned();
        let challenge = verifier.map(|verifier| SrpChallenge::new(&verifier));
        if let Some(key) = state.keys.get_mut(&key_id) {
            key.challenge = challenge.clone();
        }
        Ok(challenge)
    }

    /// The second factor: the client's half of SRP.
    pub(crate) fn check_password(&self, key_id: i64, srp_id: i64, a: &[u8], m1: &[u8]) -> Result<i64, LoginError> {
        let (user_id, challenge) = {
            let state = self.lock();
            let user_id = waiting_or_logged_in(&state, key_id)?;
            let key = state.keys.get(&key_id);
            (user_id, key.and_then(|key| key.challenge.clone()))
        };
        let challenge = challenge.filter(|challenge| challenge.id == srp_id).ok_or(LoginError(400, "SRP_ID_INVALID"))?;
        if !srp::proves(&challenge, a, m1) {
            return Err(LoginError(400, "PASSWORD_HASH_INVALID"));
        }
        self.with_key(key_id, |key| {
            key.challenge = None;
            key.admit(user_id);
        });
        Ok(user_id)
    }

    /// Claims a `random_id` for a message of this user; `false` if the user claimed it before.
    pub(crate) fn claim_random_id(&self, user_id: i64, random_id: i64) -> bool {
        self.lock().random_ids.insert((user_id, random_id))
    }

    /// Gives a `random_id` back whose message was not sent after all.
    pub(crate) fn release_random_id(&self, user_id: i64, random_id: i64) {
        self.lock().random_ids.remove(&(user_id, random_id));
    }

    /// Makes every server salt worthless at once, so that each client gets `bad_server_salt` for its next message.
    pub(crate) fn rotate_salts(&self) {
        self.salt_epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// How often salts were rotated by hand.
    pub(crate) fn salt_epoch(&self) -> u64 {
        self.salt_epoch.load(Ordering::Relaxed)
    }

    /// The clock of the data centres.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What happens to keys from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<KeyEvent> {
        self.events.subscribe()
    }

    fn with_key(&self, key_id: i64, change: impl FnOnce(&mut Key)) {
        if let Some(key) = self.lock().keys.get_mut(&key_id) {
            change(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The identifier of an auth key: the 64 lower-order bits of its SHA-1, <https://core.telegram.org/mtproto/description#key-identifier-auth-key-id>.
pub(crate) fn auth_key_id(bytes: &[u8; 256]) -> i64 {
    let hash = Sha1::digest(bytes);
    let mut id = [0_u8; 8];
    id.copy_from_slice(&hash[12..20]);
    i64::from_le_bytes(id)
}

fn admit(state: &mut State, key_id: i64, user_id: i64, locked: bool) -> Result<i64, LoginError> {
    if let Some(key) = state.keys.get_mut(&key_id) {
        match locked {
            true => key.authorization = Authorization::PasswordNeeded(user_id),
            false => key.admit(user_id),
        }
    }
    if locked {
        return Err(LoginError(401, "SESSION_PASSWORD_NEEDED"));
    }
    Ok(user_id)
}

fn waiting_or_logged_in(state: &State, key_id: i64) -> Result<i64, LoginError> {
    match state.keys.get(&key_id).map(|key| key.authorization) {
        Some(Authorization::User(user_id) | Authorization::PasswordNeeded(user_id)) => Ok(user_id),
        Some(Authorization::Revoked) => Err(LoginError(401, "SESSION_REVOKED")),
        Some(Authorization::Duplicated) => Err(LoginError(406, "AUTH_KEY_DUPLICATED")),
        _ => Err(LoginError(401, "AUTH_KEY_UNREGISTERED")),
    }
}

fn verifier_of(state: &State, user_id: i64) -> Option<&Verifier> {
    let mut accounts = state.by_phone.values();
    accounts.find(|account| account.user_id == user_id)?.password.as_ref()
}
