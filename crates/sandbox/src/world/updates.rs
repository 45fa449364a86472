//! What bots are told, in queues, and presses of buttons.
//!
//! In: things that happened. Out: updates in order, each until it is confirmed. It must not know how they are written as JSON, nor who fetches them.

use rand::RngExt;
use serde::Serialize;
use tokio::time::Instant;

use super::chats::{ChatRef, Standing};
use super::messages::Message;
use super::{State, now_unix};

/// Something that a bot is told once.
#[derive(Debug, Clone)]
pub struct Update {
    /// Grows by one with each.
    pub id: i32,
    /// What happened.
    pub kind: UpdateKind,
}

/// What happened. Messages are kept as they were then.
#[derive(Debug, Clone)]
pub enum UpdateKind {
    /// A person wrote to the bot.
    Message(Box<Message>),
    /// A person changed a message.
    EditedMessage(Box<Message>),
    /// A post in a channel that the bot is an admin of.
    ChannelPost(Box<Message>),
    /// Such a post was changed.
    EditedChannelPost(Box<Message>),
    /// A button was pressed, by query id.
    CallbackQuery(String),
    /// Somebody asks from any chat, by query id.
    InlineQuery(String),
    /// Somebody has sent one of the results.
    ChosenInlineResult {
        /// The query id.
        query: String,
        /// Which result.
        result: String,
        /// Names the message, if it can be edited.
        inline_id: Option<String>,
    },
    /// Somebody wants to pay, by query id.
    PreCheckoutQuery(String),
    /// Somebody has reacted, or taken that back.
    Reaction {
        /// Where.
        chat: ChatRef,
        /// To which message.
        message: i32,
        /// Who.
        user: i64,
        /// The emoji before.
        old: Option<String>,
        /// The emoji now.
        new: Option<String>,
        /// Seconds since 1970.
        date: i32,
    },
    /// Somebody's standing in a chat has changed.
    Standing {
        /// It is the standing of the bot that is told.
        own: bool,
        /// Whose.
        who: i64,
        /// Where.
        chat: ChatRef,
        /// By whom.
        by: i64,
        /// What it was.
        old: Standing,
        /// What it is.
        new: Standing,
        /// Seconds since 1970.
        date: i32,
    },
}

impl UpdateKind {
    /// The name in `allowed_updates`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::EditedMessage(_) => "edited_message",
            Self::ChannelPost(_) => "channel_post",
            Self::EditedChannelPost(_) => "edited_channel_post",
            Self::CallbackQuery(_) => "callback_query",
            Self::InlineQuery(_) => "inline_query",
            Self::ChosenInlineResult { .. } => "chosen_inline_result",
            Self::PreCheckoutQuery(_) => "pre_checkout_query",
            Self::Reaction { .. } => "message_reaction",
            Self::Standing { own: true, .. } => "my_chat_member",
            Self::Standing { own: false, .. } => "chat_member",
        }
    }
}

/// Where a bot's updates are pushed to.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where to POST.
    pub url: String,
    /// Goes into `X-Telegram-Bot-Api-Secret-Token`.
    pub secret_token: Option<String>,
    /// As told; only shown.
    pub max_connections: u32,
    /// When a delivery last failed, seconds since 1970.
    pub last_error_date: Option<i32>,
    /// How.
    pub last_error_message: Option<String>,
}

/// The press of a button.
#[derive(Debug, Clone)]
pub struct CallbackQuery {
    /// Names it in `answerCallbackQuery`.
    pub id: String,
    /// Whose button it is.
    pub bot: i64,
    /// Who pressed.
    pub user: i64,
    /// Where.
    pub chat: ChatRef,
    /// The message with the button, as it was then.
    pub message: Option<Box<Message>>,
    /// The id of that message, which may be gone.
    pub message_id: i32,
    /// What the button carries.
    pub data: String,
    /// When it was pressed.
    pub asked: Instant,
    /// What the bot said.
    pub answer: Option<CallbackAnswer>,
}

/// What a bot says to the press of a button.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CallbackAnswer {
    /// A short notice.
    pub text: Option<String>,
    /// As a box that has to be closed.
    pub show_alert: bool,
    /// A page to open.
    pub url: Option<String>,
}

/// What a bot gets only if it names it (<https://core.telegram.org/bots/api#getupdates>, `allowed_updates`).
const ONLY_IF_ASKED_FOR: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

impl State {
    /// Puts an update into a bot's queue, unless the bot does not want its kind.
    pub fn queue_update(&mut self, bot: i64, kind: UpdateKind) {
        let Some(bot) = self.bots.get_mut(&bot) else {
            return;
        };
        let wanted = match &bot.allowed_updates {
            Some(wanted) => wanted.iter().any(|name| name == kind.name()),
            None => !ONLY_IF_ASKED_FOR.contains(&kind.name()),
        };
        if !wanted {
            return;
        }
        let id = bot.next_update_id;
        bot.next_update_id += 1;
        bot.queue.push_back(Update { id, kind });
    }

    /// Forgets all updates before `offset`.
    pub fn confirm_updates(&mut self, bot: i64, offset: i32) {
        if let Some(bot) = self.bots.get_mut(&bot) {
            while bot.queue.front().is_some_and(|update| update.id < offset) {
                bot.queue.pop_front();
            }
        }
    }

    /// A person presses a button with `data` under a message (which may be gone). Returns the query id.
    pub fn press(&mut self, bot: i64, user: i64, chat: ChatRef, message_id: i32, data: &str) -> String {
        let id = rand::rng().random_range(1_u64 << 60..u64::MAX).to_string();
        let message = self.message(chat, message_id).cloned().map(Box::new);
        let (data, asked) = (data.to_owned(), Instant::now());
        let query = CallbackQuery { id: id.clone(), bot, user, chat, message, message_id, data, asked, answer: None };
        self.callbacks.insert(id.clone(), query);
        self.queue_update(bot, UpdateKind::CallbackQuery(id.clone()));
        id
    }

    /// Remembers what the bot is doing in a private chat.
    pub fn set_action(&mut self, chat: ChatRef, action: &str) {
        if let ChatRef::Private { bot, user } = chat
            && let Some(found) = self.private_chats.get_mut(&(bot, user))
        {
            found.action = Some((action.to_owned(), now_unix()));
        }
    }
}
