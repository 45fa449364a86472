//! The control API's calls of a chat app: which chats a person has, what is in one, writing in channels and groups.
//!
//! In: a person, a chat. Out: what is shown. It must not know of bots' own calls.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chat::Who;
use super::{Control, Failed, person};
use crate::detect;
use crate::world::chats::channel_of_bot_api_id;
use crate::world::keyboards::Keyboard;
use crate::world::{ChatRef, Extra, NewMessage, ShownChat, ShownMessage};

/// What a page of a chat holds when nothing else is asked for, and at most.
const PAGE: usize = 60;
const MAX_PAGE: usize = 2000;

#[derive(Deserialize)]
pub(super) struct Whose {
    user: String,
}

#[derive(Deserialize)]
pub(super) struct Which {
    user: String,
    chat: String,
    limit: Option<usize>,
    /// Of this topic only; 0 is what stands in none.
    message_thread_id: Option<i32>,
}

#[derive(Serialize)]
pub(super) struct Shown {
    messages: Vec<ShownMessage>,
    /// There are older ones.
    more: bool,
    /// The keyboard under the place where one writes.
    keyboard: Option<ShownKeyboard>,
}

#[derive(Serialize)]
struct ShownKeyboard {
    /// The message that brought it.
    message_id: i32,
    #[serde(flatten)]
    keyboard: Keyboard,
}

pub(super) async fn list(State(control): State<Control>, Query(whose): Query<Whose>) -> Result<Json<Vec<ShownChat>>, Failed> {
    let person = control.world.read(|state| person(state, &whose.user))?;
    Ok(Json(control.world.chats_of(person)))
}

pub(super) async fn shown(State(control): State<Control>, Query(which): Query<Which>) -> Result<Json<Shown>, Failed> {
    let (person, chat) = control.chat(&which.user, &which.chat)?;
    let newest = which.limit.unwrap_or(PAGE).min(MAX_PAGE);
    let (messages, more) = control.world.shown(chat, person, which.message_thread_id, newest);
    let keyboard = control.world.read(|state| {
        let (message_id, keyboard) = state.keyboard_of(chat, person)?;
        Some(ShownKeyboard { message_id, keyboard: keyboard.clone() })
    });
    Ok(Json(Shown { messages, more, keyboard }))
}

/// The channel that a chat's name means; `None` if it is a bot's.
pub(super) fn channel_named(chat: &str) -> Option<i64> {
    channel_of_bot_api_id(chat.parse().ok()?)
}

/// Writes in a channel or a group, in the topic that `who` names.
pub(super) fn post(control: &Control, who: &Who, channel: i64, text: &str, reply_to: Option<i32>) -> Result<Json<Value>, Failed> {
    control.world.change(|state| {
        let (person, thread) = (person(state, &who.user)?, who.message_thread_id);
        let may = state
            .channels
            .get(&channel)
            .is_some_and(|channel| state.may_post(channel, person) && thread.is_none_or(|topic| state.may_post_in(channel, topic, person)));
        if !may {
            return Err(Failed::bad(format!("{} may not write there", who.user)));
        }
        let chat = ChatRef::Channel(channel);
        if reply_to.is_some_and(|id| state.message(chat, id).is_none()) {
            return Err(Failed::bad("the message that is answered is not there"));
        }
        let extra = Extra { thread, ..Extra::default() };
        let new = NewMessage { entities: detect::entities(text), reply_to, extra, ..NewMessage::text(person, text) };
        let message = state.post(chat, new).map_err(Failed::bad)?;
        Ok(Json(json!({"message_id": message.id})))
    })
}

impl Control {
    /// The person, and the chat that they see under this name.
    pub(super) fn chat(&self, user: &str, chat: &str) -> Result<(i64, ChatRef), Failed> {
        let Some(channel) = channel_named(chat) else {
            let who = Who { user: user.to_owned(), bot: Some(chat.to_owned()), chat_id: None, message_thread_id: None };
            let user = self.person(&who)?;
            return Ok((user.id(), user.chat()));
        };
        self.world.read(|state| {
            let person = person(state, user)?;
            let is_in = state.channels.get(&channel).is_some_and(|found| found.is_member(person));
            is_in.then_some((person, ChatRef::Channel(channel))).ok_or_else(|| Failed::missing(format!("{user} is not in {chat}")))
        })
    }
}
