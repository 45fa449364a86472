//! `tgferry accounts`: the accounts of this machine, who they are, how they and their relays are, and what they have sent.
//!
//! In: the sessions folder, the store; what the daemon saw, if one runs: its sessions are locked. Out: a table, or JSON.
//! Must not: change anything, at Telegram or here, but that an empty database is made where there is none.

use std::path::Path;

use crate::app;
use crate::config::{Config, Environment};
use crate::error::CliError;
use crate::i18n::format;
use crate::model::{AccountReport, Health, Reason, UserId};
use crate::store::{Store, now_ms};
use crate::telegram::account::UserAccount;
use crate::telegram::bot::{BotIdentity, Bots};
use crate::telegram::pool::past;
use crate::telegram::relay::{self, RelayState};
use crate::telegram::session::{FileSession, SessionError, session_names, session_path};

/// Runs the command; the text is for the standard output.
pub async fn run(config: &Config, json: bool) -> Result<String, CliError> {
    let reports = reports(config).await?;
    if json {
        return serde_json::to_string_pretty(&reports).map_err(CliError::ours);
    }
    if reports.is_empty() {
        return Err(CliError::user("no user account is logged in", "run `tgferry login`; without one, files go up to the Bot API's limit"));
    }
    Ok(table(&reports))
}

/// Every account, the bot's own session last; also what `doctor` reports.
pub async fn reports(config: &Config) -> Result<Vec<AccountReport>, CliError> {
    let folder = &config.storage.sessions_dir;
    let names = session_names(folder).map_err(|error| {
        CliError::user(format!("{} can't be read: {error}", folder.display()), "check storage.sessions_dir and its rights")
    })?;
    let store = Store::open(&config.storage.database).await.map_err(CliError::setup)?;
    let seen = if app::daemon_runs(config)? { store.account_reports().await.map_err(CliError::ours)? } else { Vec::new() };
    let bot_name = bot_id(config).map(FileSession::name_for_bot).filter(|name| session_path(folder, name).is_file());
    if names.is_empty() && bot_name.is_none() {
        return Ok(Vec::new());
    }
    let (api_id, _) = config.require_application()?;
    let bot = match Bots::new(config) {
        Ok(bots) => bots.identity().await.ok(),
        Err(_) => None,
    };
    let mut reports = Vec::new();
    for name in names.iter().chain(&bot_name) {
        let report = match seen.iter().find(|report| report.name == *name) {
            Some(report) => report.clone(),
            None => look_at(config, name, bot_name.as_ref() == Some(name), api_id, bot.as_ref()).await,
        };
        reports.push(report);
    }
    past::complete(&mut reports, &store, &config.accounts).await.map_err(CliError::ours)?;
    Ok(reports)
}

/// How an account is, in words; with what to do if something can be done.
pub fn describe_health(report: &AccountReport) -> String {
    match &report.health {
        Health::Well => "well".to_owned(),
        Health::Resting { until_ms, reason } => {
            let left_s = u64::try_from(until_ms - now_ms()).unwrap_or(0).div_ceil(1000);
            format!("resting for {}: {reason}; nothing to do", format::wait(left_s))
        }
        Health::Unwell(reason) => match reason {
            Reason::SessionRevoked if report.bot => "logged out; the daemon logs it in again".to_owned(),
            Reason::SessionRevoked => "logged out; run `tgferry login`".to_owned(),
            Reason::RelayGone if report.relay.is_none() => "no relay; run `tgferry login` again, it mends it".to_owned(),
            Reason::RelayGone => "the relay is not ready; run `tgferry login` again, it mends it".to_owned(),
            Reason::BotToken => format!("{reason}; check telegram.bot_token"),
            Reason::Internal => "the session can't be opened; is it in use by another process?".to_owned(),
            reason => format!("{reason}; it is tried again by itself"),
        },
    }
}

async fn look_at(config: &Config, name: &str, is_bot: bool, api_id: i32, bot: Option<&BotIdentity>) -> AccountReport {
    let unknown = |health| AccountReport { limit_bytes: None, bot: is_bot, health, ..past::unseen(name) };
    let folder: &Path = &config.storage.sessions_dir;
    let session = match (is_bot, bot_id(config)) {
        (true, Some(id)) => FileSession::open_for_bot(folder, id, &config.telegram),
        _ => FileSession::open(folder, name, &config.telegram),
    };
    let account = match session.map(|session| UserAccount::connect(session, api_id, config)) {
        Ok(Ok(account)) => account,
        Ok(Err(failure)) => return unknown(Health::Unwell(failure.reason)),
        Err(SessionError::InUse { .. }) => {
            return AccountReport { user: Some("in use by another process".to_owned()), ..unknown(Health::Well) };
        }
        Err(error) => {
            tracing::warn!(session = name, %error, "the session can't be opened");
            return unknown(Health::Unwell(Reason::Internal));
        }
    };
    let report = ask(name, &account, bot).await;
    account.disconnect().await;
    AccountReport { bot: is_bot, ..report }
}

async fn ask(name: &str, account: &UserAccount, bot: Option<&BotIdentity>) -> AccountReport {
    let mut health = match account.refresh().await {
        Ok(_) => Health::Well,
        Err(failure) => Health::Unwell(failure.reason),
    };
    let is_user = !account.is_bot();
    if is_user && health == Health::Well {
        // The limits are a detail; without them the documented ones are shown.
        let _ = account.refresh_limits().await;
    }
    let relay_title = account.session().relay().ok().flatten().map(|relay| relay.title);
    let relay = match (&health, bot) {
        (Health::Well, Some(bot)) if is_user => match relay::check(account, bot).await {
            Ok(state) => {
                if state != RelayState::Ready {
                    health = Health::Unwell(Reason::RelayGone);
                }
                Some(state.describe().to_owned())
            }
            Err(failure) => Some(failure.to_string()),
        },
        _ => None,
    };
    let me = account.me();
    AccountReport {
        id: me.as_ref().map(|me| UserId(me.id)),
        user: me.as_ref().map(|me| me.describe()),
        premium: me.as_ref().is_some_and(|me| me.premium),
        limit_bytes: Some(account.max_bytes()),
        relay_title,
        relay,
        health,
        ..past::unseen(name)
    }
}

/// The bot's number is the first part of its token. Nothing if it has no session of its own with these settings.
fn bot_id(config: &Config) -> Option<UserId> {
    let has_key = config.telegram.environment != Environment::Custom || !config.telegram.custom.bot_auth_key.is_empty();
    let token = config.require_bot_token().ok().filter(|_| has_key)?;
    token.expose().split_once(':')?.0.parse().ok().map(UserId)
}

fn table(reports: &[AccountReport]) -> String {
    let mut cells = vec![["SESSION", "USER", "LARGEST", "RELAY", "RUNNING", "LAST 24 H", "HEALTH"].map(str::to_owned)];
    cells.extend(reports.iter().map(row));
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..cells[0].len()).map(width).collect();
    let mut text = String::new();
    for row in &cells {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn row(report: &AccountReport) -> [String; 7] {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let relay = match (&report.relay_title, &report.relay) {
        (Some(title), Some(state)) => format!("{title}: {state}"),
        (title, state) => or_dash(if title.is_some() { title } else { state }),
    };
    let running = match report.uploads {
        0 => "-".to_owned(),
        uploads => format!("{uploads}, {} to go", format::bytes(report.left_bytes)),
    };
    let sent = match report.daily_bytes {
        0 => format::bytes(report.sent_bytes),
        daily_bytes => format!("{} of {}", format::bytes(report.sent_bytes), format::bytes(daily_bytes)),
    };
    let limit = report.limit_bytes.map_or_else(|| "-".to_owned(), |limit| format!("{} MiB", limit / (1024 * 1024)));
    [report.name.clone(), or_dash(&report.user), limit, relay, running, sent, describe_health(report)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_columns() {
        let report = |name: &str, user: &str| AccountReport {
            user: Some(user.to_owned()),
            relay_title: Some("tgferry relay".to_owned()),
            relay: Some("ready".to_owned()),
            ..past::unseen(name)
        };
        let busy = AccountReport { uploads: 2, left_bytes: 300_000_000, sent_bytes: 5_000_000_000, ..report("main", "Ann @ann") };
        let budget =
            AccountReport { daily_bytes: 50_000_000_000, health: Health::Unwell(Reason::SessionRevoked), ..report("second", "Ben Ärger") };
        let text = table(&[busy, budget]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("SESSION  USER       LARGEST   RELAY                 RUNNING"), "{text}");
        assert!(lines[1].starts_with("main     Ann @ann   2000 MiB  tgferry relay: ready  2, ") && lines[1].ends_with("well"), "{text}");
        assert!(lines[2].contains(" of ") && lines[2].ends_with("logged out; run `tgferry login`"), "{text}");
        let column = |line: &str, word: &str| line.char_indices().position(|(place, _)| line[place..].starts_with(word));
        assert_eq!(column(lines[0], "HEALTH"), column(lines[1], "well"), "{text}");
    }

    #[test]
    fn a_rest_is_told_with_its_end_and_cause() {
        let health = Health::Resting { until_ms: now_ms() + 3_590_000, reason: Reason::AccountLimited };
        let text = describe_health(&AccountReport { health, ..past::unseen("main") });
        assert!(text.starts_with("resting for ") && text.contains("Telegram limits the user account"), "{text}");
    }
}
