//! The control API's calls of a chat app: which chats a person has, what is in one.
//!
//! In: a person, a chat. Out: what is shown. It must not change anything.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::chat::Who;
use super::{Control, Failed, person};
use crate::world::keyboards::Keyboard;
use crate::world::{ShownChat, ShownMessage};

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
    chat: Option<String>,
    limit: Option<usize>,
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
    let topic = which.message_thread_id;
    let user = control.person(&Who { user: which.user, chat: which.chat, bot: None, message_thread_id: None })?;
    let (person, chat) = (user.id(), user.chat());
    let newest = which.limit.unwrap_or(PAGE).min(MAX_PAGE);
    let (messages, more) = control.world.shown(chat, person, topic, newest);
    let keyboard = control.world.read(|state| {
        let (message_id, keyboard) = state.keyboard_of(chat, person)?;
        Some(ShownKeyboard { message_id, keyboard: keyboard.clone() })
    });
    Ok(Json(Shown { messages, more, keyboard }))
}
