//! Answers to people that nothing depends on.
//!
//! In: a chat, a text. Out: a message, when Telegram takes it. Must not: hold up the next update, or fail it: what the person wished is stored
//! by then.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use teloxide::payloads::{AnswerCallbackQuerySetters, EditMessageReplyMarkupSetters, SendMessageSetters};
use teloxide::requests::Requester;
use teloxide::types::{CallbackQueryId, ChatAction, ChatId, InlineKeyboardMarkup, Message, MessageId, ParseMode, ReplyParameters};
use teloxide::{ApiError, Bot, RequestError};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::model::Reason;
use crate::telegram::bot::failure_from;
use crate::telegram::edit::no_preview;
use crate::telegram::patience::{Patience, patiently};

/// Answers on their way at once; beyond that, updates wait, so that a flood of messages can't fill the memory.
const AT_ONCE: usize = 64;
/// At the end, answers on their way get this long.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// Sends answers beside the handling of updates.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    bot: Bot,
    tasks: TaskTracker,
    permits: Arc<Semaphore>,
}

impl Answers {
    /// Answers by this bot.
    pub(super) fn new(bot: Bot) -> Self {
        Self { bot, tasks: TaskTracker::new(), permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Others by the same bot, whose end is their own.
    #[cfg(test)]
    pub(super) fn fresh(&self) -> Self {
        Self::new(self.bot.clone())
    }

    /// A text in reply to a message.
    pub(super) async fn reply(&self, to: &Message, html: String) {
        let (bot, chat, reply) = (self.bot.clone(), to.chat.id, ReplyParameters::new(to.id).allow_sending_without_reply());
        self.begin("a reply", async move {
            patiently(Patience::SHORT, || {
                bot.send_message(chat, html.as_str())
                    .parse_mode(ParseMode::Html)
                    .link_preview_options(no_preview())
                    .reply_parameters(reply.clone())
                    .into_future()
            })
            .await
            .map(drop)
        })
        .await;
    }

    /// Ends the waiting circle on a button, with a word for the person.
    pub(super) async fn pressed(&self, query: CallbackQueryId, text: String) {
        let bot = self.bot.clone();
        self.begin("an answer to a button", async move {
            patiently(Patience::SHORT, || bot.answer_callback_query(query.clone()).text(text.as_str()).into_future()).await.map(drop)
        })
        .await;
    }

    /// Other buttons under a message, now or not at all.
    pub(super) async fn buttons(&self, chat: ChatId, message: MessageId, keyboard: InlineKeyboardMarkup) {
        let bot = self.bot.clone();
        self.begin("new buttons", async move { bot.edit_message_reply_markup(chat, message).reply_markup(keyboard).await.map(drop) }).await;
    }

    /// Buttons that a person waits for. Where they come late, the next edit of the job's status puts its own there again.
    pub(super) async fn question(&self, chat: ChatId, message: MessageId, keyboard: InlineKeyboardMarkup) {
        let bot = self.bot.clone();
        self.begin("a question", async move {
            let ask = || bot.edit_message_reply_markup(chat, message).reply_markup(keyboard.clone()).into_future();
            patiently(Patience::SHORT, ask).await.map(drop)
        })
        .await;
    }

    /// "Typing…", for the seconds until there is a card.
    pub(super) async fn typing(&self, chat: ChatId) {
        let bot = self.bot.clone();
        self.begin("a sign of life", async move { bot.send_chat_action(chat, ChatAction::Typing).await.map(drop) }).await;
    }

    /// Waits for answers on their way, but not long.
    pub(super) async fn finish(&self) {
        self.tasks.close();
        if tokio::time::timeout(LAST_ANSWERS, self.tasks.wait()).await.is_err() {
            tracing::debug!("answers were left unsent at the end");
        }
    }

    async fn begin(&self, what: &'static str, sending: impl Future<Output = Result<(), RequestError>> + Send + 'static) {
        let permit = self.permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        self.tasks.spawn(async move {
            if let Err(error) = sending.await {
                if is_everyday(&error) {
                    tracing::debug!(what, %error, "not sent");
                } else {
                    tracing::info!(what, %error, "not sent");
                }
            }
            drop(permit);
        });
    }
}

/// What happens with people: they block the bot, delete a message, press a button of last week.
fn is_everyday(error: &RequestError) -> bool {
    match error {
        RequestError::Api(
            ApiError::MessageToEditNotFound | ApiError::MessageNotModified | ApiError::MessageCantBeEdited | ApiError::InvalidQueryId,
        ) => true,
        error => failure_from(error.clone()).reason == Reason::ChatUnreachable,
    }
}
