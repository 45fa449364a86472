//! The control API's calls about a chat.
//!
//! In: a user's name and what they do. Out: what they see. It must not know of faults and accounts.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Control, Failed, chats};
use crate::world::MessageView;

#[derive(Deserialize)]
pub(super) struct Who {
    pub(super) user: String,
    pub(super) bot: Option<String>,
    /// A group; the chat with the bot if it is not given.
    pub(super) chat_id: Option<i64>,
    /// A topic of it.
    pub(super) message_thread_id: Option<i32>,
}

#[derive(Deserialize)]
pub(super) struct Send {
    #[serde(flatten)]
    who: Who,
    /// A channel or a group in place of the chat with the bot.
    chat: Option<String>,
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
    if let Some(channel) = body.chat.as_deref().and_then(chats::channel_named) {
        return chats::post(&control, &body.who, channel, text, body.reply_to);
    }
    let bot = body.chat.or(body.who.bot);
    let user = control.person(&Who { bot, ..body.who })?;
    let message_id = match body.reply_to {
        Some(reply_to) => user.replies(reply_to, text).await,
        None => user.sends(text).await,
    };
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
