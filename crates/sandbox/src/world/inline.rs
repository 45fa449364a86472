//! Bots that are asked from any chat (<https://core.telegram.org/bots/inline>): queries, results, and the messages that came of them.
//!
//! In: what a person types and chooses, what a bot offers. Out: messages "via" the bot, what the bot is told. It must not read results as JSON
//! (`bot_api::inline` does).

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use serde::Serialize;
use tokio::time::Instant;

use super::chats::ChatRef;
use super::extras::Via;
use super::files::FileKind;
use super::messages::Message;
use super::post::NewMessage;
use super::updates::UpdateKind;
use super::{State, World};

/// A question to a bot.
#[derive(Debug, Clone)]
pub struct InlineQuery {
    /// Names it in `answerInlineQuery`.
    pub id: String,
    /// Who is asked.
    pub bot: i64,
    /// Who asks.
    pub user: i64,
    /// From where.
    pub chat: ChatRef,
    /// What was typed after the bot's name.
    pub text: String,
    /// Where the results go on, in the bot's words.
    pub offset: String,
    /// When.
    pub asked: Instant,
    /// What the bot offers.
    pub answer: Option<InlineAnswer>,
}

/// What a bot offers.
#[derive(Debug, Clone)]
pub struct InlineAnswer {
    /// In its order.
    pub results: Vec<InlineResult>,
    /// Empty if there is no more.
    pub next_offset: String,
    /// Above the results.
    pub button: Option<InlineButton>,
    /// How long others who ask the same get this without the bot being asked.
    pub cache: Duration,
    /// Only this person gets it again.
    pub personal: bool,
}

/// A button above the results, which starts the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InlineButton {
    /// What is written on it.
    pub text: String,
    /// What comes with `/start`.
    pub start_parameter: String,
}

/// A file of a result that lies at an address, and is fetched when somebody sends the result.
#[derive(Debug, Clone)]
pub struct RemoteFile {
    /// Where.
    pub address: String,
    /// How it is shown.
    pub kind: FileKind,
    /// MIME type, if the bot says it.
    pub mime: Option<String>,
    /// Seconds, as the bot says.
    pub duration: u32,
    /// Pixels, as the bot says (measured for photos).
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Of an audio file.
    pub title: Option<String>,
    /// Of an audio file.
    pub performer: Option<String>,
}

/// One result.
#[derive(Debug, Clone)]
pub struct InlineResult {
    /// The bot's name for it.
    pub id: String,
    /// As the Bot API names it (`article`, `video`, …).
    pub kind: String,
    /// Shown in the list.
    pub title: String,
    /// Shown below.
    pub description: String,
    /// What is sent if it is chosen; author and origin are filled in then.
    pub content: NewMessage,
    /// The file that it carries then, if that has to be fetched.
    pub remote: Option<RemoteFile>,
}

/// All queries, and the messages that can be edited by what came of them.
#[derive(Debug, Default)]
pub struct Inline {
    /// By id.
    pub queries: BTreeMap<String, InlineQuery>,
    /// By `inline_message_id`.
    pub messages: BTreeMap<String, (ChatRef, i32)>,
    /// Answered queries that serve others, with the time until which they do.
    cached: Vec<(Instant, String)>,
}

impl State {
    /// A person asks a bot. The query may be answered already, from what the bot said to an equal one. Error, as Telegram's servers name it.
    pub fn ask_inline(&mut self, bot: i64, user: i64, chat: ChatRef, text: &str, offset: &str) -> Result<String, &'static str> {
        if !self.settings_of(bot).inline_mode {
            return Err("BOT_INLINE_DISABLED");
        }
        let now = Instant::now();
        self.inline.cached.retain(|(until, _)| *until > now);
        let serves = |query: &&InlineQuery| {
            let personal = query.answer.as_ref().is_some_and(|answer| answer.personal);
            (query.bot, query.text.as_str(), query.offset.as_str()) == (bot, text, offset) && (!personal || query.user == user)
        };
        let cached = self.inline.cached.iter().filter_map(|(_, id)| self.inline.queries.get(id)).find(serves);
        let answer = cached.and_then(|query| query.answer.clone());
        let id = rand::rng().random_range(1_u64 << 60..u64::MAX).to_string();
        let is_new = answer.is_none();
        let query = InlineQuery { id: id.clone(), bot, user, chat, text: text.to_owned(), offset: offset.to_owned(), asked: now, answer };
        self.inline.queries.insert(id.clone(), query);
        if is_new {
            self.queue_update(bot, UpdateKind::InlineQuery(id.clone()));
        }
        Ok(id)
    }

    /// The bot answers. `false` if it is too late (`within`), or was answered already.
    pub fn answer_inline(&mut self, bot: i64, id: &str, answer: InlineAnswer, within: Duration) -> bool {
        let open = |query: &&mut InlineQuery| query.bot == bot && query.answer.is_none() && query.asked.elapsed() <= within;
        let Some(query) = self.inline.queries.get_mut(id).filter(open) else {
            return false;
        };
        self.inline.cached.push((Instant::now() + answer.cache, id.to_owned()));
        query.answer = Some(answer);
        true
    }

    /// The result of this id that a person was offered.
    pub fn offered(&self, user: i64, query: &str, result: &str) -> Option<(&InlineQuery, &InlineResult)> {
        let asked = self.inline.queries.get(query).filter(|asked| asked.user == user)?;
        Some((asked, asked.answer.as_ref()?.results.iter().find(|found| found.id == result)?))
    }

    /// A person sends one of the results to the chat that they asked from, in a topic if it is one, with the file that was fetched for it. The bot is told if
    /// it wants to know, with a name for the message if that has buttons. `None` if there is no such result.
    pub fn choose_inline(&mut self, user: i64, query: &str, result: &str, thread: Option<i32>, fetched: Option<i64>) -> Option<Message> {
        let (asked, chosen) = self.offered(user, query, result)?;
        let (bot, chat) = (asked.bot, asked.chat);
        let mut new = NewMessage { author: user, media: fetched.or(chosen.content.media), ..chosen.content.clone() };
        new.extra.thread = thread;
        let inline_id = (!new.buttons.is_empty()).then(|| format!("AQAA{:024x}", rand::rng().random::<u128>() >> 32));
        new.extra.via = Some(Via { bot, inline_id: inline_id.clone() });
        let message = self.post(chat, new).ok()?;
        if let Some(inline_id) = &inline_id {
            self.inline.messages.insert(inline_id.clone(), (chat, message.id));
        }
        if self.settings_of(bot).inline_feedback {
            let told = UpdateKind::ChosenInlineResult { query: query.to_owned(), result: result.to_owned(), inline_id };
            self.queue_update(bot, told);
        }
        Some(message)
    }
}

impl World {
    /// Forgets what bots offered before, as if the time of every answer were over.
    pub fn forget_inline_answers(&self) {
        self.change(|state| state.inline.cached.clear());
    }
}
