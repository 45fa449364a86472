//! Login codes: sent to a phone, asked for again, given back (<https://core.telegram.org/api/auth>).
//!
//! In: phone numbers and codes. Out: the codes "sent" and whether one lets a key in. It must not know of passwords but that there is one.

use std::time::{Duration, Instant};

use super::{Accounts, LoginError, admit};

/// How long a login code is valid.
const CODE_LIFETIME: Duration = Duration::from_secs(300);
/// Wrong codes after which a code is dead.
const CODE_TRIES: u32 = 5;

/// How a code that was sent can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignIn {
    /// Logged in as this user.
    Done(i64),
    /// The number has no account: a client has to sign up.
    SignUpRequired,
}

#[derive(Debug)]
pub(super) struct Code {
    code: String,
    hash: String,
    tries: u32,
    born: Instant,
}

impl Accounts {
    /// "Sends" a login code; the answer is the code's hash for `auth.signIn`.
    pub(crate) fn send_code(&self, phone: &str) -> Result<String, LoginError> {
        let phone = normal_phone(phone).ok_or(LoginError(400, "PHONE_NUMBER_INVALID"))?;
        let code = Code {
            code: format!("{:05}", rand::random_range(0..100_000)),
            hash: format!("{:018x}", rand::random::<u64>()),
            tries: 0,
            born: Instant::now(),
        };
        let hash = code.hash.clone();
        self.lock().codes.insert(phone, code);
        Ok(hash)
    }

    /// Sends another code in place of one that was sent.
    pub(crate) fn resend_code(&self, phone: &str, hash: &str) -> Result<String, LoginError> {
        self.cancel_code(phone, hash)?;
        self.send_code(phone)
    }

    /// Makes a sent code worthless.
    pub(crate) fn cancel_code(&self, phone: &str, hash: &str) -> Result<(), LoginError> {
        let phone = normal_phone(phone).ok_or(LoginError(400, "PHONE_NUMBER_INVALID"))?;
        let mut state = self.lock();
        match state.codes.get(&phone) {
            Some(code) if code.hash == hash => {
                state.codes.remove(&phone);
                Ok(())
            }
            _ => Err(LoginError(400, "PHONE_CODE_EXPIRED")),
        }
    }

    /// The code that was sent last to a number and is still good.
    pub(crate) fn login_code(&self, phone: &str) -> Option<String> {
        let phone = normal_phone(phone)?;
        self.lock().codes.get(&phone).map(|code| code.code.clone())
    }

    /// The first factor. With a 2FA password set, the key is left waiting for it and the error is `SESSION_PASSWORD_NEEDED`.
    pub(crate) fn sign_in(&self, key_id: i64, phone: &str, hash: &str, given: &str) -> Result<SignIn, LoginError> {
        let phone = normal_phone(phone).ok_or(LoginError(400, "PHONE_NUMBER_INVALID"))?;
        let mut state = self.lock();
        let expired = LoginError(400, "PHONE_CODE_EXPIRED");
        let code = state.codes.get_mut(&phone).ok_or(expired)?;
        if code.hash != hash || code.born.elapsed() > CODE_LIFETIME || code.tries >= CODE_TRIES {
            return Err(expired);
        }
        if code.code != given {
            code.tries += 1;
            return Err(LoginError(400, "PHONE_CODE_INVALID"));
        }
        state.codes.remove(&phone);
        let Some(account) = state.by_phone.get(&phone) else {
            return Ok(SignIn::SignUpRequired);
        };
        let (user_id, locked) = (account.user_id, account.password.is_some());
        admit(&mut state, key_id, user_id, locked).map(SignIn::Done)
    }
}

/// Digits only; `None` when that cannot be a phone number.
pub(super) fn normal_phone(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let other = phone.chars().any(|sign| !sign.is_ascii_digit() && !"+ -()".contains(sign));
    ((5..=15).contains(&digits.len()) && !other).then_some(digits)
}
