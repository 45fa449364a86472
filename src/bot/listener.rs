//! Runs the conversation: who we are, the menu of commands, then updates until the end.
//!
//! In: a bot, the intake, settings, the shutdown token. Out: returns after the shutdown, or with what makes it pointless to go on. Must not:
//! end because Telegram can't be reached for a while.

use std::sync::Arc;
use std::time::Duration;

use teloxide::payloads::GetUpdatesSetters;
use teloxide::requests::Requester;
use teloxide::types::{Me, Update, UpdateKind};
use teloxide::{Bot, RequestError};
use tokio_util::sync::CancellationToken;

use super::answers::Answers;
use super::commands;
use super::desk::Desk;
use super::polling::{Source, poll};
use super::schema::{Schema, WANTED, dispatch, shared};
use super::webhook::{Handle, serve};
use crate::config::{BotConfig, UpdateMode};
use crate::i18n::Texts;
use crate::intake::Intake;
use crate::model::{Failure, Reason};
use crate::telegram::bot::failure_from;
use crate::telegram::patience::{Patience, pause_after};

/// How much longer than its long poll a call may take.
const POLL_SLACK: Duration = Duration::from_secs(15);

/// Holds the conversation until `shutdown`. Fails if Telegram does not know the token, or the webhook can't be served.
pub async fn run(bot: Bot, intake: Intake, config: BotConfig, shutdown: CancellationToken) -> Result<(), Failure> {
    let Some(me) = who_are_we(&bot, &shutdown).await? else { return Ok(()) };
    tracing::info!(bot = me.username(), "the bot is ready");
    let menu = tokio::spawn(commands::announce(bot.clone()));
    let answers = Answers::new(bot.clone());
    let desk = Desk { intake, answers: answers.clone(), config: Arc::new(config.clone()), me: Arc::new(me) };
    let counter =
        Counter { poller: patient_poller(&bot, config.poll_timeout_s)?, desk, schema: shared(), poll_timeout_s: config.poll_timeout_s };
    let ended = match config.updates {
        UpdateMode::Polling => poll(&counter, &shutdown).await,
        UpdateMode::Webhook => serve(&bot, &config, counter, shutdown).await,
    };
    menu.abort();
    answers.finish().await;
    ended
}

/// Asks Telegram, for as long as it takes; `None` if the shutdown came first.
async fn who_are_we(bot: &Bot, shutdown: &CancellationToken) -> Result<Option<Me>, Failure> {
    let mut attempt = 1;
    loop {
        let asked = tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            asked = bot.get_me() => asked,
        };
        let error = match asked {
            Ok(me) => return Ok(Some(me)),
            Err(error) => error,
        };
        let for_ever = Patience { attempts: u32::MAX, longest_pause: Duration::MAX };
        let Some(pause) = pause_after(&error, attempt, for_ever) else { return Err(failure_from(error)) };
        tracing::warn!(%error, pause_s = pause.as_secs(), "Telegram can't be reached; trying again");
        tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            () = tokio::time::sleep(pause) => attempt += 1,
        }
    }
}

/// The same bot over connections of its own that wait longer than a long poll takes; what is good for other calls may be shorter.
fn patient_poller(bot: &Bot, poll_timeout_s: u32) -> Result<Bot, Failure> {
    let longest = Duration::from_secs(u64::from(poll_timeout_s)) + POLL_SLACK;
    let client = teloxide::net::default_reqwest_settings().timeout(longest).build().map_err(Failure::internal)?;
    Ok(Bot::with_client(bot.token(), client).set_api_url(bot.api_url()))
}

/// Where updates arrive, by either way.
#[derive(Clone)]
struct Counter {
    poller: Bot,
    desk: Desk,
    schema: Arc<Schema>,
    poll_timeout_s: u32,
}

impl Counter {
    async fn dispatch(&self, update: Update) -> Result<(), Failure> {
        if let UpdateKind::Error(value) = &update.kind {
            let fields: Vec<_> = value.as_object().map(|fields| fields.keys().collect()).unwrap_or_default();
            tracing::warn!(update = update.id.0, ?fields, "an update of an unknown kind is left out");
            return Ok(());
        }
        dispatch(&self.schema, &self.desk, update).await
    }
}

impl Source for Counter {
    async fn updates(&self, offset: Option<i32>, at_once: bool) -> Result<Vec<Update>, RequestError> {
        let mut call = self.poller.get_updates().timeout(if at_once { 0 } else { self.poll_timeout_s }).allowed_updates(WANTED);
        call.offset = offset;
        call.await
    }

    async fn drop_webhook(&self) -> Result<(), RequestError> {
        self.poller.delete_webhook().await.map(drop)
    }

    async fn handle(&self, update: Update) -> Result<(), Failure> {
        self.dispatch(update).await
    }

    async fn apologise(&self, update: Update) {
        if let UpdateKind::Message(message) = &update.kind {
            let texts = Texts::new(&self.desk.language(message.from.as_ref()));
            self.desk.answers.reply(message, texts.failure(&Reason::Internal)).await;
        }
    }
}

impl Handle for Counter {
    async fn handle(&self, update: Update) -> Result<(), Failure> {
        self.dispatch(update).await
    }
}
