//! `tgferry doctor`: is everything there that the daemon needs, and how to mend what is not.
//!
//! In: the settings. Out: a line for each check on standard output; 0 if nothing essential is wrong. Must not: change anything.

use std::fmt::Display;

use teloxide::requests::Requester;
use tokio_util::sync::CancellationToken;

use super::CliError;
use crate::config::Config;
use crate::fetch::Fetcher;
use crate::fetch::workspace::Workspace;
use crate::store::Store;
use crate::telegram::{self, SessionReport};

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
    tell("ffmpeg", Finding::Well(format!("libavformat {}, libavcodec {}", library(ffmpeg_next::format::version()), library(ffmpeg_next::codec::version()))));
    tell("yt-dlp", yt_dlp(config).await);
    for (name, finding) in accounts(config, quick).await {
        tell(&name, finding);
    }
    match wrong {
        0 => Ok(()),
        count => Err(CliError::hinted(format!("{count} of the checks failed"), "mend what is marked BAD and run tgferry doctor again")),
    }
}

async fn token(config: &Config, quick: bool) -> Finding {
    if let Err(error) = config.require_bot_token() {
        return wrong(error);
    }
    if quick {
        return Finding::Well("is set".into());
    }
    let bot = match telegram::bot::client(config) {
        Ok(bot) => bot,
        Err(error) => return Finding::Wrong(error.to_string(), "check telegram.bot_api_url".into()),
    };
    match bot.get_me().await {
        Ok(me) => Finding::Well(format!("@{} at {}", me.username(), config.telegram.bot_api_url)),
        Err(teloxide::RequestError::Api(error)) => Finding::Wrong(format!("refused: {error}"), "check telegram.bot_token with @BotFather".into()),
        Err(error) => Finding::Wrong(
            format!("{} can't be reached: {}", config.telegram.bot_api_url, telegram::bot::failure_from(error)),
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
    match workspace.check_free(config.route.bot_api_max_bytes) {
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

async fn accounts(config: &Config, quick: bool) -> Vec<(String, Finding)> {
    let none = || {
        let hint = "run tgferry login to carry files up to 2000 MiB".to_owned();
        vec![("account".to_owned(), Finding::Note("none is logged in".into(), hint))]
    };
    let reports = match telegram::session_reports(config, quick, &CancellationToken::new()).await {
        Ok(reports) if reports.is_empty() => return none(),
        Ok(reports) => reports,
        Err(failure) => return vec![("account".into(), Finding::Wrong(failure.to_string(), "check storage.sessions_dir".into()))],
    };
    reports.into_iter().map(|SessionReport { name, well, text, hint }| {
        let finding = if well { Finding::Well(text) } else { Finding::Wrong(text, hint.unwrap_or_default()) };
        (format!("account {name}"), finding)
    }).collect()
}

fn wrong(error: impl Display) -> Finding {
    let text = error.to_string();
    let (what, hint) = text.split_once("\nhint: ").unwrap_or((&text, "see config/default.toml"));
    Finding::Wrong(what.to_owned(), hint.to_owned())
}

fn library(version: u32) -> String {
    format!("{}.{}.{}", version >> 16, (version >> 8) & 0xff, version & 0xff)
}
