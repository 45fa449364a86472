//! `tgferry doctor`: is everything there that the daemon needs, and how to mend what is not.
//!
//! In: the settings. Out: a line for each check on standard output; 0 if nothing essential is wrong. Must not: change anything,
//! but that an empty database is made where there is none.

use std::fmt::Display;

use super::accounts;
use crate::config::Config;
use crate::error::CliError;
use crate::fetch::Fetcher;
use crate::fetch::workspace::Workspace;
use crate::model::{AccountReport, Health, Reason};
use crate::store::Store;
use crate::telegram::bot::Bots;

/// What one check found.
enum Finding {
    Well(String),
    /// Works, but less than it could.
    Note(String, String),
    /// The daemon can't do its work.
    Wrong(String, String),
}

/// Checks all, or with `quick` only what needs no network.
pub async fn run(config: &Config, quick: bool) -> Result<(), CliError> {
    let mut wrong = 0;
    let mut tell = |what: &str, finding: Finding| {
        let (mark, text, hint) = match finding {
            Finding::Well(text) => ("ok  ", text, None),
            Finding::Note(text, hint) => ("note", text, Some(hint)),
            Finding::Wrong(text, hint) => {
                wrong += 1;
                ("BAD ", text, Some(hint))
            }
        };
        super::say(format!("{mark} {what:<14} {text}"));
        if let Some(hint) = hint {
            super::say(format!("     {:<14} hint: {hint}", ""));
        }
    };
    tell("configuration", Finding::Well("read and checked".into()));
    tell("token", token(config, quick).await);
    tell("application", application(config));
    tell("database", database(config).await);
    tell("disk", disk(config).await);
    tell(
        "ffmpeg",
        Finding::Well(format!(
            "libavformat {}, libavcodec {}",
            library(ffmpeg_next::format::version()),
            library(ffmpeg_next::codec::version())
        )),
    );
    tell("yt-dlp", yt_dlp(config).await);
    for (name, finding) in sessions(config, quick).await {
        tell(&name, finding);
    }
    match wrong {
        0 => Ok(()),
        count => Err(CliError::user(format!("{count} of the checks failed"), "mend what is marked BAD and run tgferry doctor again")),
    }
}

async fn token(config: &Config, quick: bool) -> Finding {
    if let Err(error) = config.require_bot_token() {
        return wrong(error);
    }
    if quick {
        return Finding::Well("is set".into());
    }
    let identity = match Bots::new(config) {
        Ok(bots) => bots.identity().await,
        Err(error) => return wrong(error),
    };
    match identity {
        Ok(identity) => Finding::Well(format!("@{} at {}", identity.username, config.telegram.bot_api_url)),
        Err(failure) if failure.reason == Reason::BotToken => {
            Finding::Wrong("Telegram does not know it".into(), "check telegram.bot_token with @BotFather".into())
        }
        Err(failure) => Finding::Wrong(
            format!("{} can't be asked: {:#}", config.telegram.bot_api_url, failure.cause),
            "check the network and telegram.bot_api_url".into(),
        ),
    }
}

fn application(config: &Config) -> Finding {
    match config.require_application() {
        Ok((id, _)) => Finding::Well(format!("api_id {id}")),
        Err(error) => {
            let text = error.to_string();
            let (what, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
            Finding::Note(format!("{what}: files above the Bot API's limit can't be carried"), hint.to_owned())
        }
    }
}

async fn database(config: &Config) -> Finding {
    match Store::open(&config.storage.database).await {
        Ok(_) => Finding::Well(config.storage.database.display().to_string()),
        Err(error) => Finding::Wrong(format!("{error:#}"), "check storage.database and the rights of its folder".into()),
    }
}

async fn disk(config: &Config) -> Finding {
    let workspace = Workspace::new(config.storage.work_dir.clone(), config.fetch.keep_free_bytes);
    match workspace.check_free(0).await {
        Ok(()) => Finding::Well(format!("room in {}", config.storage.work_dir.display())),
        Err(failure) => Finding::Wrong(
            failure.to_string(),
            "free some room, lower fetch.keep_free_bytes, or move storage.work_dir to another disk".into(),
        ),
    }
}

async fn yt_dlp(config: &Config) -> Finding {
    let hint = "run scripts/setup.sh, or install it with: pip install 'yt-dlp[default,deno]', and set fetch.yt_dlp to its path";
    let version = match Fetcher::new(config.fetch.clone()) {
        Ok(fetcher) => fetcher.yt_dlp_version().await,
        Err(failure) => Err(failure),
    };
    match version {
        Ok(version) => match version.js_runtime {
            Some(runtime) => Finding::Well(format!("{}, JavaScript by {runtime}", version.version)),
            None => Finding::Note(
                format!("{} without a JavaScript runtime: YouTube will not work", version.version),
                "install Deno 2.3 or newer: pip install deno".into(),
            ),
        },
        Err(failure) => Finding::Wrong(format!("{} can't be run: {failure}", config.fetch.yt_dlp.display()), hint.into()),
    }
}

async fn sessions(config: &Config, quick: bool) -> Vec<(String, Finding)> {
    let hint = "run tgferry login to carry files up to 2000 MiB";
    if quick || !config.has_application() {
        return Vec::new();
    }
    match accounts::reports(config).await {
        Ok(reports) if reports.is_empty() => vec![("account".into(), Finding::Note("none is logged in".into(), hint.into()))],
        Ok(reports) => reports.iter().map(|report| (format!("account {}", report.name), account(report))).collect(),
        Err(error) => vec![("account".into(), wrong(error))],
    }
}

fn account(report: &AccountReport) -> Finding {
    let health = accounts::describe_health(report);
    let relay = report.relay.as_ref().map(|relay| format!(", relay {relay}")).unwrap_or_default();
    let text = format!("{}{relay}, {health}", report.user.as_deref().unwrap_or("nobody"));
    match &report.health {
        Health::Well => Finding::Well(text),
        Health::Resting { .. } => Finding::Note(text, "another account carries meanwhile: tgferry login --name second".into()),
        Health::Unwell(_) if report.bot => Finding::Note(text, "user accounts carry the big files without it".into()),
        Health::Unwell(_) => Finding::Wrong(text, "run tgferry login again: it mends what is missing".into()),
    }
}

fn wrong(error: impl Display) -> Finding {
    let text = error.to_string();
    let (what, hint) = text.split_once("\nhint: ").unwrap_or((&text, "see config/default.toml"));
    Finding::Wrong(what.to_owned(), hint.to_owned())
}

fn library(version: u32) -> String {
    format!("{}.{}.{}", version >> 16, (version >> 8) & 0xff, version & 0xff)
}
