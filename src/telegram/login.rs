//! Logging a user account in, without a terminal: the caller asks the person and shows what comes back.
//!
//! In: a phone number, a code, a password; or a scanned QR code. Out: who is logged in, or what is asked for next.
//! Must not: prompt, print, or keep a code or password.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use grammers_client::client::{LoginToken, PasswordToken};
use grammers_client::{InvocationError, SignInError};
use grammers_session::Session;
use grammers_tl_types as tl;

use super::account::UserAccount;
use super::errors::{self, Verdict};
use super::session::SelfUser;
use crate::config::Secret;
use crate::model::{Failure, Reason};

/// Logging in on one account.
#[derive(Debug)]
pub struct LoginFlow {
    account: UserAccount,
    api_hash: Secret,
}

/// A code is on its way; pass this back with it.
pub struct CodeSent(LoginToken);

/// Where the log-in stands.
#[derive(Debug)]
pub enum LoginStep {
    /// Done.
    LoggedIn(SelfUser),
    /// The account has a password (two-step verification); its hint if there is one.
    PasswordNeeded {
        /// What the person once wrote down to remember it.
        hint: Option<String>,
    },
    /// A QR code to show; ask again when it was scanned or has expired.
    ShowQr {
        /// What the QR code holds: `tg://login?token=…`.
        url: String,
        /// How long it is good for.
        expires_in: Duration,
    },
}

/// Why a log-in did not go on.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The code is wrong or has expired: ask again.
    #[error("the code is wrong or has expired")]
    WrongCode,
    /// The password is wrong: ask again.
    #[error("the password is wrong")]
    WrongPassword,
    /// The phone number is not one that Telegram knows.
    #[error("Telegram does not know this phone number")]
    WrongPhone,
    /// The number has no account yet.
    #[error("there is no account with this number yet; sign up in a Telegram app first")]
    NoAccount,
    /// Number and hash of the application do not go together.
    #[error("Telegram refuses the application (telegram.api_id and telegram.api_hash)")]
    BadApplication,
    /// Telegram asks for a password in a way that is not known here.
    #[error("Telegram asks for the password in a way that this program does not know")]
    UnknownPasswordScheme,
    /// Something else.
    #[error(transparent)]
    Other(#[from] Failure),
}

impl LoginFlow {
    /// Begins on a connected account.
    pub fn new(account: UserAccount, api_hash: Secret) -> Self {
        Self { account, api_hash }
    }

    /// Asks Telegram to send a code; phone in international form.
    pub async fn request_code(&self, phone: &str) -> Result<CodeSent, LoginError> {
        let token = self.account.client().request_login_code(phone, self.api_hash.expose()).await.map_err(login_error)?;
        Ok(CodeSent(token))
    }

    /// Gives the code.
    pub async fn sign_in(&self, sent: &CodeSent, code: &str) -> Result<LoginStep, LoginError> {
        match self.account.client().sign_in(&sent.0, code.trim()).await {
            Ok(_) => self.logged_in().await,
            Err(SignInError::PasswordRequired(token)) => Ok(LoginStep::PasswordNeeded { hint: token.hint().map(str::to_owned) }),
            Err(SignInError::InvalidCode) => Err(LoginError::WrongCode),
            Err(SignInError::SignUpRequired) => Err(LoginError::NoAccount),
            Err(SignInError::InvalidPassword(_)) => Err(LoginError::WrongPassword),
            Err(SignInError::Other(error)) => Err(login_error(error)),
        }
    }

    /// Gives the password. Its check is drawn afresh for each try, as Telegram wants it.
    pub async fn check_password(&self, password: &Secret) -> Result<LoginStep, LoginError> {
        let token = PasswordToken::new(self.password_question().await?);
        match self.account.client().check_password(token, password.expose()).await {
            Ok(_) => self.logged_in().await,
            Err(SignInError::InvalidPassword(_)) => Err(LoginError::WrongPassword),
            Err(SignInError::Other(error)) => Err(login_error(error)),
            Err(other) => Err(LoginError::Other(Failure::internal(anyhow::anyhow!("{other}")))),
        }
    }

    /// The next step by QR code: call it, show what it says, wait with [`LoginFlow::qr_scanned`], call it again.
    pub async fn qr(&self) -> Result<LoginStep, LoginError> {
        let export = tl::functions::auth::ExportLoginToken {
            api_id: self.account.api_id(),
            api_hash: self.api_hash.expose().to_owned(),
            except_ids: Vec::new(),
        };
        let mut answer = self.account.call(&export).await;
        // An account of another data centre: go there, and redeem the token that was made for it.
        if let Ok(tl::enums::auth::LoginToken::MigrateTo(target)) = &answer {
            move_home(&self.account, target.dc_id).await?;
            answer = self.account.call(&tl::functions::auth::ImportLoginToken { token: target.token.clone() }).await;
        }
        match answer {
            Ok(tl::enums::auth::LoginToken::Token(token)) => {
                let url = format!("tg://login?token={}", base64_url(&token.token));
                Ok(LoginStep::ShowQr { url, expires_in: until(token.expires) })
            }
            Ok(tl::enums::auth::LoginToken::Success(_)) => self.logged_in().await,
            Ok(tl::enums::auth::LoginToken::MigrateTo(_)) => {
                Err(LoginError::Other(Failure::internal(anyhow::anyhow!("redirected twice while logging in"))))
            }
            Err(error) if error.is("SESSION_PASSWORD_NEEDED") => {
                Ok(LoginStep::PasswordNeeded { hint: self.password_question().await?.hint })
            }
            Err(error) => Err(login_error(error)),
        }
    }

    /// Waits until Telegram says that the code was scanned, at most until it expires.
    pub async fn qr_scanned(&self, expires_in: Duration) {
        // Either way the next call of `qr` tells what is.
        let _ = tokio::time::timeout(expires_in, self.account.login_token().notified()).await;
    }

    async fn logged_in(&self) -> Result<LoginStep, LoginError> {
        Ok(LoginStep::LoggedIn(self.account.refresh().await?))
    }

    async fn password_question(&self) -> Result<tl::types::account::Password, LoginError> {
        let tl::enums::account::Password::Password(password) =
            self.account.call(&tl::functions::account::GetPassword {}).await.map_err(login_error)?;
        // grammers panics on what it does not know; nothing of that may reach it.
        let known =
            matches!(password.current_algo, Some(tl::enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow(_)));
        if known && password.srp_id.is_some() && password.srp_b.is_some() { Ok(password) } else { Err(LoginError::UnknownPasswordScheme) }
    }
}

impl std::fmt::Debug for CodeSent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CodeSent")
    }
}

/// Logs a bot in by its token (`auth.importBotAuthorization`), in the data centre that it lives in.
/// Errors: `BotToken` if Telegram does not know the token; those of the call.
pub async fn sign_in_bot(account: &UserAccount, api_hash: &Secret, token: &Secret) -> Result<SelfUser, Failure> {
    let request = tl::functions::auth::ImportBotAuthorization {
        flags: 0,
        api_id: account.api_id(),
        api_hash: api_hash.expose().to_owned(),
        bot_auth_token: token.expose().to_owned(),
    };
    let mut answer = account.call(&request).await;
    if let Err(error) = &answer
        && let Verdict::Migrate { dc_id } = errors::judge(error)
    {
        move_home(account, dc_id).await?;
        answer = account.call(&request).await;
    }
    match answer {
        Ok(_) => account.refresh().await,
        Err(error) if error.is("ACCESS_TOKEN_*") => Err(Failure::new(Reason::BotToken, error)),
        Err(error) => Err(errors::failure(error)),
    }
}

/// Ends the session at Telegram. True if somebody was logged in.
pub async fn log_out(account: &UserAccount) -> Result<bool, Failure> {
    match account.call(&tl::functions::auth::LogOut {}).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(errors::judge(&error), Verdict::Fail(Reason::SessionRevoked)) => Ok(false),
        Err(error) => Err(errors::failure(error)),
    }
}

async fn move_home(account: &UserAccount, dc_id: i32) -> Result<(), Failure> {
    let session = account.session();
    let old = session.home_dc_id().map_err(Failure::internal)?;
    account.pool_handle().disconnect_from_dc(old);
    session.set_home_dc_id(dc_id).await.map_err(Failure::internal)
}

fn login_error(error: InvocationError) -> LoginError {
    if error.is("PHONE_NUMBER_*") {
        LoginError::WrongPhone
    } else if error.is("PHONE_CODE_*") {
        LoginError::WrongCode
    } else if error.is("API_ID_*") {
        LoginError::BadApplication
    } else {
        LoginError::Other(errors::failure(error))
    }
}

fn until(unix_s: i32) -> Duration {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    // A clock that is off must lead neither to a busy loop nor to a code that is never renewed.
    Duration::from_secs((i64::from(unix_s) - now_s).clamp(3, 60) as u64)
}

/// Base64 for addresses without padding, as `tg://login` wants it (<https://core.telegram.org/api/qr-login>).
fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for position in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(group >> (18 - 6 * position) & 63) as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_written_for_an_address() {
        let table: [(&[u8], &str); 6] =
            [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"foobar", "Zm9vYmFy"), (&[0xfb, 0xff, 0xfe], "-__-")];
        for (bytes, expected) in table {
            assert_eq!(base64_url(bytes), expected);
        }
    }

    #[test]
    fn a_code_is_renewed_in_bounded_time() {
        assert_eq!(until(0), Duration::from_secs(3));
        assert_eq!(until(i32::MAX), Duration::from_secs(60));
    }
}
