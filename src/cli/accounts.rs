//! `tgferry accounts`: the user accounts of this machine, who they are and how they and their relays are.
//!
//! In: the sessions folder. Out: a table. Must not: change anything, at Telegram or here.

use super::login::describe;
use crate::config::Config;
use crate::error::CliError;
use crate::model::Reason;
use crate::telegram::account::UserAccount;
use crate::telegram::bot::{BotIdentity, Bots};
use crate::telegram::relay::{self, RelayState};
use crate::telegram::session::{FileSession, SessionError, session_names};

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Name of the session.
    pub name: String,
    /// Who is logged in.
    pub user: String,
    /// Largest file in MiB, if known.
    pub limit_mib: Option<u64>,
    /// The relay and how it is.
    pub relay: String,
    /// How the session is.
    pub health: String,
    /// True if it can carry files.
    pub well: bool,
}

/// Runs the command; the text is for the standard output.
pub async fn run(config: &Config) -> Result<String, CliError> {
    let rows = rows(config).await?;
    if rows.is_empty() {
        return Err(CliError::user("no user account is logged in", "run `tgferry login`; without one, files go up to the Bot API's limit"));
    }
    Ok(table(&rows))
}

/// Looks at every session; also what `doctor` reports.
pub async fn rows(config: &Config) -> Result<Vec<AccountRow>, CliError> {
    let folder = &config.storage.sessions_dir;
    let names = session_names(folder).map_err(|error| {
        CliError::user(format!("{} can't be read: {error}", folder.display()), "check storage.sessions_dir and its rights")
    })?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let (api_id, _) = config.require_application()?;
    let bot = match Bots::new(config) {
        Ok(bots) => bots.identity().await.ok(),
        Err(_) => None,
    };
    let mut rows = Vec::new();
    for name in names {
        rows.push(row(config, &name, api_id, bot.as_ref()).await);
    }
    Ok(rows)
}

async fn row(config: &Config, name: &str, api_id: i32, bot: Option<&BotIdentity>) -> AccountRow {
    let unknown = |health: String, well| AccountRow {
        name: name.to_owned(),
        user: "-".to_owned(),
        limit_mib: None,
        relay: "-".to_owned(),
        health,
        well,
    };
    let account = match FileSession::open(&config.storage.sessions_dir, name, &config.telegram) {
        // The daemon has it: that is how it should be.
        Err(SessionError::InUse { .. }) => return unknown("in use by another process (the daemon?)".to_owned(), true),
        Err(error) => return unknown(error.to_string(), false),
        Ok(session) => match UserAccount::connect(session, api_id, config) {
            Ok(account) => account,
            Err(failure) => return unknown(failure.to_string(), false),
        },
    };
    let row = look(name, &account, bot).await;
    account.disconnect().await;
    row
}

async fn look(name: &str, account: &UserAccount, bot: Option<&BotIdentity>) -> AccountRow {
    let session = account.refresh().await;
    // The limits are a detail; without them the documented ones are shown.
    let _ = account.refresh_limits().await;
    let title = account.session().relay().ok().flatten().map(|relay| relay.title);
    let state = match (&session, bot) {
        (Ok(_), Some(bot)) => relay::check(account, bot).await.map(Some).map_err(|failure| failure.to_string()),
        _ => Ok(None),
    };
    let health = match &session {
        Ok(_) => "well".to_owned(),
        Err(failure) if failure.reason == Reason::SessionRevoked => "logged out; run `tgferry login`".to_owned(),
        Err(failure) => failure.to_string(),
    };
    let relay_ready = matches!(state, Ok(Some(RelayState::Ready)));
    let standing = match state {
        Ok(Some(state)) => state.describe().to_owned(),
        Ok(None) => "not looked at".to_owned(),
        Err(text) => text,
    };
    AccountRow {
        name: name.to_owned(),
        user: account.me().as_ref().map_or_else(|| "-".to_owned(), describe),
        limit_mib: Some(account.max_bytes() / (1024 * 1024)),
        relay: title.map_or_else(|| standing.clone(), |title| format!("{title}: {standing}")),
        health,
        well: session.is_ok() && relay_ready,
    }
}

fn table(rows: &[AccountRow]) -> String {
    let limit = |row: &AccountRow| row.limit_mib.map_or_else(|| "-".to_owned(), |limit| format!("{limit} MiB"));
    let mut cells = vec![["SESSION", "USER", "LARGEST", "RELAY", "HEALTH"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| [row.name.clone(), row.user.clone(), limit(row), row.relay.clone(), row.health.clone()]));
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut text = String::new();
    for row in &cells {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_columns() {
        let row = |name: &str, user: &str| AccountRow {
            name: name.to_owned(),
            user: user.to_owned(),
            limit_mib: Some(2000),
            relay: "tgferry relay: ready".to_owned(),
            health: "well".to_owned(),
            well: true,
        };
        let expected = "\
SESSION  USER       LARGEST   RELAY                 HEALTH
main     Ann @ann   2000 MiB  tgferry relay: ready  well
second   Ben Ärger  2000 MiB  tgferry relay: ready  well
";
        assert_eq!(table(&[row("main", "Ann @ann"), row("second", "Ben Ärger")]), expected);
    }
}
