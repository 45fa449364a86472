//! The control API's files: what a person would play or save.
//!
//! In: a user and a message. Out: bytes, with ranges. It must not hold a file in memory.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::chat::Who;
use super::{Control, Failed};
use crate::serve_file;

#[derive(Deserialize)]
pub(super) struct Which {
    user: String,
    chat: Option<String>,
    message_id: i32,
}

pub(super) async fn file(State(control): State<Control>, Query(which): Query<Which>, headers: HeaderMap) -> Result<Response, Failed> {
    respond(&control, &which, false, headers).await
}

pub(super) async fn thumb(State(control): State<Control>, Query(which): Query<Which>, headers: HeaderMap) -> Result<Response, Failed> {
    respond(&control, &which, true, headers).await
}

async fn respond(control: &Control, which: &Which, thumb: bool, headers: HeaderMap) -> Result<Response, Failed> {
    let who = Who { user: which.user.clone(), chat: which.chat.clone(), bot: None, message_thread_id: None };
    let chat = control.person(&who)?.chat();
    let what = if thumb { "thumbnail" } else { "file" };
    let found = control.world.file_of_message(chat, which.message_id, thumb);
    let (path, mime) = found.ok_or_else(|| Failed::missing(format!("no {what} in message {}", which.message_id)))?;
    Ok(serve_file::respond(&path, &mime, &headers).await)
}
