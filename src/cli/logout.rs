//! `tgferry logout`: ends a session at Telegram and removes its file.
//!
//! In: a session's name. Out: no session. Must not: touch the relay channel; what is cached in it stays good for the next account.

use super::prompt::say;
use crate::config::Config;
use crate::error::CliError;
use crate::model::Lane;
use crate::telegram::account::UserAccount;
use crate::telegram::login::log_out;
use crate::telegram::session::{FileSession, session_path};

/// Arguments of `tgferry logout`.
#[derive(Clone, Debug)]
pub struct LogoutArgs {
    /// Name of the session, also that of the bot's own, as `tgferry accounts` shows it.
    pub name: String,
    /// True removes the file even if Telegram can't be reached; the session then stays in Telegram's list of devices.
    pub force: bool,
}

/// Runs the command.
pub async fn run(config: &Config, args: LogoutArgs) -> Result<(), CliError> {
    let folder = &config.storage.sessions_dir;
    let no_such = || CliError::user(format!("there is no session {:?}", args.name), "`tgferry accounts` lists them");
    if !session_path(folder, &args.name).is_file() {
        return Err(no_such());
    }
    let (api_id, _) = config.require_application()?;
    let bot = FileSession::bot_of_name(&args.name);
    let session = match bot {
        Some(bot) => FileSession::open_for_bot(folder, bot, &config.telegram)?,
        None => FileSession::open(folder, &args.name, &config.telegram)?,
    };
    let account = UserAccount::connect(session, api_id, config)?;
    let who = account.me().as_ref().map_or_else(|| "nobody".to_owned(), |me| me.describe());
    let outcome = log_out(&account).await;
    account.disconnect().await;
    match outcome {
        Ok(true) => say(&format!("Logged out {who}.")),
        Ok(false) => say("The session was ended at Telegram before."),
        Err(failure) if args.force => {
            say(&format!("Telegram could not be told ({failure}); end the session in Telegram's list of devices."))
        }
        Err(failure) => {
            let error = CliError::from(failure);
            return Err(CliError { hint: Some("try again later, or remove the file all the same with --force".to_owned()), ..error });
        }
    }
    account.session().remove()?;
    say(&format!("Removed {}.", account.session().path().display()));
    if bot.is_some() && config.route.prefer.contains(&Lane::BotMtproto) {
        say("The daemon logs the bot in again when it starts, unless route.prefer leaves \"bot_mtproto\" out.");
    }
    Ok(())
}
