//! `tgferry login`: a user account becomes a carrier of large files.
//!
//! In: a phone number and a code, or a scanned QR code; a password if there is one. Out: a session file, a relay channel with the bot in it.
//! Run again, it says what is there and mends what is missing. Must not: show a secret, or speak to Telegram in its own way.

use super::prompt::{Prompt, say};
use super::qr;
use crate::config::{Config, Secret};
use crate::error::CliError;
use crate::model::Reason;
use crate::telegram::account::UserAccount;
use crate::telegram::bot::{BotIdentity, Bots};
use crate::telegram::login::{CodeSent, LoginError, LoginFlow, LoginStep};
use crate::telegram::relay::{self, RelayAddress};
use crate::telegram::session::{FileSession, SelfUser};

/// Tries of a code or a password before the command gives up.
const TRIES: u32 = 3;

/// QR codes shown one after the other before the command gives up; each is good for about half a minute.
const QR_CODES: u32 = 10;

/// Variable that holds the password for scripts.
const PASSWORD_VARIABLE: &str = "TGFERRY_LOGIN_PASSWORD";

/// Arguments of `tgferry login`.
#[derive(Clone, Debug)]
pub struct LoginArgs {
    /// Name of the session.
    pub name: String,
    /// Phone number; asked for if absent.
    pub phone: Option<String>,
    /// True logs in by a QR code.
    pub qr: bool,
    /// An existing channel to use as the relay.
    pub relay: Option<String>,
}

impl Default for LoginArgs {
    fn default() -> Self {
        Self { name: "main".to_owned(), phone: None, qr: false, relay: None }
    }
}

/// Runs the command with questions at the terminal (or lines from a pipe).
pub async fn run(config: &Config, args: LoginArgs) -> Result<(), CliError> {
    run_with(config, args, &Prompt::of_this_process()).await
}

/// Runs the command; `prompt` answers its questions.
pub async fn run_with(config: &Config, args: LoginArgs, prompt: &Prompt) -> Result<(), CliError> {
    // All that can be wrong with the set-up is said before anybody types a code.
    let relay = args.relay.as_deref().map(read_relay).transpose()?;
    let (api_id, api_hash) = config.require_application()?;
    let bot = Bots::new(config)?.identity().await.map_err(bot_unreachable)?;
    let mut account = open(config, &args.name, api_id)?;
    let me = match known(&account).await? {
        Some(me) => me,
        None => {
            // A session that was ended leaves its key behind; the next one begins afresh.
            account.session().set_self_user(None)?;
            account.disconnect().await;
            drop(account);
            account = open(config, &args.name, api_id)?;
            let flow = LoginFlow::new(account.clone(), api_hash.clone());
            let outcome = if args.qr { by_qr(&flow, prompt).await } else { by_code(&flow, prompt, args.phone).await };
            if outcome.is_err() {
                // Nobody is behind this file; left there, it would be shown as an account that is ill.
                account.session().remove()?;
            }
            outcome?
        }
    };
    say(&format!("Logged in as {} (session {}).", me.describe(), args.name));
    let outcome = mend_relay(config, &account, &bot, relay).await;
    account.disconnect().await;
    outcome
}

fn read_relay(text: &str) -> Result<RelayAddress, CliError> {
    RelayAddress::parse(text).ok_or_else(|| {
        CliError::user(format!("--relay {text:?} names no channel"), "give @name, -100…, or a link https://t.me/… of the channel")
    })
}

fn open(config: &Config, name: &str, api_id: i32) -> Result<UserAccount, CliError> {
    let session = FileSession::open(&config.storage.sessions_dir, name, &config.telegram)?;
    Ok(UserAccount::connect(session, api_id, config)?)
}

/// Who is logged in with this session, if anybody still is.
async fn known(account: &UserAccount) -> Result<Option<SelfUser>, CliError> {
    if account.me().is_none() {
        return Ok(None);
    }
    match account.refresh().await {
        Ok(me) => Ok(Some(me)),
        Err(failure) if failure.reason == Reason::SessionRevoked => {
            say("The session was ended at Telegram; logging in anew.");
            Ok(None)
        }
        Err(failure) => Err(failure.into()),
    }
}

async fn by_code(flow: &LoginFlow, prompt: &Prompt, phone: Option<String>) -> Result<SelfUser, CliError> {
    let phone = match phone {
        Some(phone) => phone,
        None => prompt.line("Phone number, with country code").await?,
    };
    let sent = flow.request_code(&phone).await.map_err(explain)?;
    say("Telegram has sent a code to your app.");
    match ask_for_code(flow, prompt, &sent).await? {
        LoginStep::LoggedIn(me) => Ok(me),
        LoginStep::PasswordNeeded { hint } => ask_for_password(flow, prompt, hint).await,
        LoginStep::ShowQr { .. } => Err(CliError::ours("Telegram asks for a QR code in answer to a code")),
    }
}

async fn ask_for_code(flow: &LoginFlow, prompt: &Prompt, sent: &CodeSent) -> Result<LoginStep, CliError> {
    for left in (0..TRIES).rev() {
        match flow.sign_in(sent, &prompt.line("Code").await?).await {
            Err(LoginError::WrongCode) if left > 0 => say("This code is wrong or has expired."),
            outcome => return outcome.map_err(explain),
        }
    }
    unreachable!("the last try returns")
}

async fn ask_for_password(flow: &LoginFlow, prompt: &Prompt, hint: Option<String>) -> Result<SelfUser, CliError> {
    let mut given = std::env::var(PASSWORD_VARIABLE).ok().filter(|password| !password.is_empty()).map(Secret::from);
    let question = match hint.filter(|hint| !hint.is_empty()) {
        Some(hint) => format!("Password of the account (hint: {hint})"),
        None => "Password of the account".to_owned(),
    };
    for left in (0..TRIES).rev() {
        let password = match given.take() {
            Some(password) => password,
            None => prompt.secret(&question).await?,
        };
        match flow.check_password(&password).await {
            Ok(LoginStep::LoggedIn(me)) => return Ok(me),
            Ok(_) => return Err(CliError::ours("Telegram took the password and did not log in")),
            Err(LoginError::WrongPassword) if left > 0 => say("This password is wrong."),
            Err(error) => return Err(explain(error)),
        }
    }
    unreachable!("the last try returns")
}

async fn by_qr(flow: &LoginFlow, prompt: &Prompt) -> Result<SelfUser, CliError> {
    say("Scan this with Telegram on your phone: Settings > Devices > Link Desktop Device.");
    for _ in 0..QR_CODES {
        match flow.qr().await.map_err(explain)? {
            LoginStep::LoggedIn(me) => return Ok(me),
            LoginStep::PasswordNeeded { hint } => return ask_for_password(flow, prompt, hint).await,
            LoginStep::ShowQr { url, expires_in } => {
                say(&qr::draw(&url)?);
                say(&url);
                flow.qr_scanned(expires_in).await;
            }
        }
    }
    Err(CliError::user("nobody scanned the QR code", "run the command again, or log in by phone number without --qr"))
}

async fn mend_relay(config: &Config, account: &UserAccount, bot: &BotIdentity, address: Option<RelayAddress>) -> Result<(), CliError> {
    let (relay, mended) = match &address {
        Some(address) => relay::adopt(account, bot, address).await?,
        None => relay::ensure(account, bot, &config.relay.title).await?,
    };
    let title = account.session().relay()?.map(|relay| relay.title).unwrap_or_default();
    let begun = match (mended.created, &address) {
        (true, _) => "Created the relay channel",
        (false, Some(_)) => "Took the relay channel",
        (false, None) => "The relay channel is",
    };
    let promoted = if mended.promoted { "made an administrator" } else { "an administrator already" };
    say(&format!("{begun} {title:?} ({}); @{} is {promoted}.", relay.channel, bot.username));
    Ok(())
}

fn bot_unreachable(failure: crate::model::Failure) -> CliError {
    let error = CliError::from(failure);
    CliError {
        what: format!("the bot can't be reached: {}", error.what),
        hint: Some("check telegram.bot_token and telegram.bot_api_url".to_owned()),
        kind: crate::error::ErrorKind::User,
    }
}

fn explain(error: LoginError) -> CliError {
    let what = error.to_string();
    match error {
        LoginError::WrongCode => CliError::user(what, "run the command again for a new code"),
        LoginError::WrongPassword => {
            CliError::user(what, "it is the password of two-step verification, set in Telegram's privacy settings")
        }
        LoginError::WrongPhone => CliError::user(what, "give it with the country code, e.g. +4915112345678"),
        LoginError::NoAccount => CliError::user(what, "then run the command again"),
        LoginError::BadApplication => CliError::user(what, "compare them with https://my.telegram.org"),
        LoginError::UnknownPasswordScheme => CliError::ours(what),
        LoginError::Other(failure) => failure.into(),
    }
}
