//! QR login: tokens that a new device shows and a device that is logged in scans (<https://core.telegram.org/api/qr-login>).
//!
//! In: an auth key that wants to log in, then a token and the user who scanned it. Out: a fresh token or the user who accepted, and a
//! [`KeyEvent`] for the waiting connection. It must not draw codes or know about TL.

use std::time::{Duration, Instant};

use super::{Accounts, KeyEvent, LoginError, admit, verifier_of};

/// How long a token may be scanned.
pub(crate) const LOGIN_TOKEN_LIFETIME: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct LoginToken {
    key_id: i64,
    born: Instant,
    accepted: bool,
}

impl Accounts {
    /// QR login, the new device: who accepted this key's token, else a fresh token to show. A user with a 2FA password gives
    /// `SESSION_PASSWORD_NEEDED`.
    pub(crate) fn export_login_token(&self, key_id: i64) -> Result<Result<i64, Vec<u8>>, LoginError> {
        let mut state = self.lock();
        let accepted = state.keys.get_mut(&key_id).and_then(|key| key.accepted_by.take());
        if let Some(user_id) = accepted {
            let locked = verifier_of(&state, user_id).is_some();
            return admit(&mut state, key_id, user_id, locked).map(Ok);
        }
        state.tokens.retain(|_, token| token.born.elapsed() < LOGIN_TOKEN_LIFETIME * 4);
        let mut token = vec![0_u8; 32];
        rand::fill(&mut token[..]);
        let record = LoginToken { key_id, born: Instant::now(), accepted: false };
        state.tokens.insert(token.clone(), record);
        Ok(Err(token))
    }

    /// Logs in with a token that was accepted by somebody who is at home in this data centre, and that another one gave out.
    pub(crate) fn import_login_token(&self, key_id: i64, token: &[u8]) -> Result<i64, LoginError> {
        let mut state = self.lock();
        let record = state.tokens.get(token).ok_or(LoginError(400, "AUTH_TOKEN_INVALID"))?;
        let shown_by = record.key_id;
        let accepted = state.keys.get(&shown_by).and_then(|key| key.accepted_by);
        let user_id = accepted.ok_or(LoginError(400, "AUTH_TOKEN_INVALID"))?;
        state.tokens.remove(token);
        let locked = verifier_of(&state, user_id).is_some();
        admit(&mut state, key_id, user_id, locked)
    }

    /// The user who accepted this key's token, and the token, as long as the login was not ended.
    pub(crate) fn accepted_token(&self, key_id: i64) -> Option<(i64, Vec<u8>)> {
        let state = self.lock();
        let user_id = state.keys.get(&key_id)?.accepted_by?;
        let (token, _) = state.tokens.iter().find(|(_, token)| token.key_id == key_id && token.accepted)?;
        Some((user_id, token.clone()))
    }

    /// QR login, the device that is logged in as `user_id` scans the token. Returns the key that may now log in.
    pub(crate) fn accept_login_token(&self, token: &[u8], user_id: i64) -> Result<i64, LoginError> {
        let mut state = self.lock();
        let found = state.tokens.get_mut(token);
        let record = found.ok_or(LoginError(400, "AUTH_TOKEN_INVALID"))?;
        if record.accepted {
            return Err(LoginError(400, "AUTH_TOKEN_ALREADY_ACCEPTED"));
        }
        if record.born.elapsed() > LOGIN_TOKEN_LIFETIME {
            return Err(LoginError(400, "AUTH_TOKEN_EXPIRED"));
        }
        record.accepted = true;
        let key_id = record.key_id;
        if let Some(key) = state.keys.get_mut(&key_id) {
            key.accepted_by = Some(user_id);
        }
        drop(state);
        // Nobody connected with that key: the client asks again by itself.
        let _ = self.events.send(KeyEvent::LoginTokenAccepted(key_id));
        Ok(key_id)
    }
}
