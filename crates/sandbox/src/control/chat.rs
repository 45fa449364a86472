//! The control API's calls about a chat.
//!
//! In: a user's name and what they do. Out: what they see. It must not know of faults and accounts.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Control, Failed};
use crate::world::MessageView;

/// A person, and where they are.
#[derive(Deserialize)]
pub(super) struct Who {
    pub(super) user: String,
    /// A bot's username, or the Bot API's id of a channel or a group; the chat with the first bot if it is not given.
    #[serde(default, deserialize_with = "name_or_number")]
    pub(super) chat: Option<String>,
    /// Which bot is meant in a group; the first one if it is not given.
    pub(super) bot: Option<String>,
    /// A topic of a forum; 0 is what stands in none.
    pub(super) message_thread_id: Option<i32>,
}

/// Ids of chats are numbers for the Bot API and texts in the list of chats: both are taken.
fn name_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Chat {
        Number(i64),
        Name(String),
    }
    Ok(Option::<Chat>::deserialize(deserializer)?.map(|chat| match chat {
        Chat::Number(id) => id.to_string(),
        Chat::Name(name) => name,
    }))
}

#[derive(Deserialize)]
pub(super) struct Send {
    #[serde(flatten)]
    who: Who,
    text: String,
    reply_to: Option<i32>,
}

#[derive(Deserialize)]
pub(super) struct Press {
    #[serde(flatten)]
    who: Who,
    label: Option<String>,
    message_id: Option<i32>,
    data: Option<String>,
    timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct Wait {
    after: Option<u64>,
    timeout_ms: Option<u64>,
}

pub(super) async fn send(State(control): State<Control>, Json(body): Json<Send>) -> Result<Json<Value>, Failed> {
    let text = body.text.trim();
    if text.is_empty() || text.encode_utf16().count() > control.world.limits().text_units {
        return Err(Failed::bad("a text has 1 to 4096 characters"));
    }
    let message_id = control.person(&body.who)?.writes(text, body.reply_to).map_err(Failed::bad)?;
    Ok(Json(json!({"message_id": message_id})))
}

pub(super) async fn press(State(control): State<Control>, Json(body): Json<Press>) -> Result<Json<Value>, Failed> {
    let user = control.person(&body.who)?;
    let within = Duration::from_millis(body.timeout_ms.unwrap_or(10_000));
    let (message_id, data) = match (body.label, body.message_id, body.data) {
        (Some(label), None, None) => {
            let message = user.sees(&format!("a button with \"{label}\""), within, |message| message.button(&label).is_some()).await;
            let message = message.map_err(Failed::bad)?;
            let data = message.button(&label).and_then(|button| button.data.clone());
            (message.message_id, data.ok_or_else(|| Failed::bad("the button sends nothing to the bot"))?)
        }
        (None, Some(message_id), Some(data)) => (message_id, data),
        _ => return Err(Failed::bad("give a label, or a message_id and data")),
    };
    let answer = user.presses_within(message_id, &data, within).await.map_err(Failed::bad)?;
    Ok(Json(json!({"answer": answer, "message_id": message_id})))
}

pub(super) async fn messages(State(control): State<Control>, Query(who): Query<Who>) -> Result<Json<Vec<MessageView>>, Failed> {
    let user = control.person(&who)?;
    // It may hash a large file.
    tokio::task::spawn_blocking(move || user.messages()).await.map(Json).map_err(Failed::bad)
}

pub(super) async fn deleted(State(control): State<Control>, Query(who): Query<Who>) -> Result<Json<Vec<MessageView>>, Failed> {
    let user = control.person(&who)?;
    tokio::task::spawn_blocking(move || user.deleted()).await.map(Json).map_err(Failed::bad)
}

pub(super) async fn transcript(State(control): State<Control>, Query(who): Query<Who>) -> Result<String, Failed> {
    let user = control.person(&who)?;
    tokio::task::spawn_blocking(move || user.transcript()).await.map_err(Failed::bad)
}

#[derive(Deserialize)]
pub(super) struct Reaction {
    #[serde(flatten)]
    who: Who,
    message_id: i32,
    emoji: Option<String>,
}

pub(super) async fn react(State(control): State<Control>, Json(body): Json<Reaction>) -> Result<Json<Value>, Failed> {
    match control.person(&body.who)?.reacts(body.message_id, body.emoji.as_deref()) {
        true => Ok(Json(json!({"emoji": body.emoji}))),
        false => Err(Failed::bad("no such message, or no such reaction")),
    }
}

pub(super) async fn block(State(control): State<Control>, Json(who): Json<Who>) -> Result<Json<Value>, Failed> {
    control.person(&who)?.blocks_bot();
    Ok(Json(json!({"blocked": true})))
}

pub(super) async fn unblock(State(control): State<Control>, Json(who): Json<Who>) -> Result<Json<Value>, Failed> {
    control.person(&who)?.unblocks_bot();
    Ok(Json(json!({"blocked": false})))
}

/// Waits until the world changed after version `after`; gives the version in any case when the time is over.
pub(super) async fn wait(State(control): State<Control>, Query(wait): Query<Wait>) -> Json<Value> {
    let within = Duration::from_millis(wait.timeout_ms.unwrap_or(25_000).min(60_000));
    tokio::select! {
        _ = tokio::time::timeout(within, control.world.changed_after(wait.after.unwrap_or(0))) => {}
        () = control.cancel.cancelled() => {}
    }
    Json(json!({"version": control.world.version()}))
}
