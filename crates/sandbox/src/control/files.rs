//! The control API's files: what a person would play or save.
//!
//! In: a user and a message. Out: bytes, with ranges. It must not hold a file in memory.

use axum::extract::{Query, Request, State};
use axum::response::Response;
use serde::Deserialize;

use super::chat::Who;
use super::{Control, Failed};
use crate::serve_file;
use crate::world::StoredFile;

#[derive(Deserialize)]
pub(super) struct Which {
    user: String,
    bot: Option<String>,
    chat_id: Option<i64>,
    message_id: i32,
}

pub(super) async fn file(State(control): State<Control>, Query(which): Query<Which>, request: Request) -> Result<Response, Failed> {
    let file = find(&control, &which)?;
    let mime = file.mime.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
    Ok(serve_file::respond(&file.path, &mime, request.headers()).await)
}

pub(super) async fn thumb(State(control): State<Control>, Query(which): Query<Which>, request: Request) -> Result<Response, Failed> {
    let file = find(&control, &which)?;
    let thumb = file.thumb.and_then(|id| control.world.read(|state| state.files.get(id).cloned()));
    let thumb = thumb.ok_or_else(|| Failed::missing("no thumbnail".to_owned()))?;
    Ok(serve_file::respond(&thumb.path, "image/jpeg", request.headers()).await)
}

fn find(control: &Control, which: &Which) -> Result<StoredFile, Failed> {
    let who = Who { user: which.user.clone(), bot: which.bot.clone(), chat_id: which.chat_id, message_thread_id: None };
    let chat = control.person(&who)?.chat();
    let found = control.world.read(|state| {
        let id = state.message(chat, which.message_id)?.media?;
        state.files.get(id).cloned()
    });
    found.ok_or_else(|| Failed::missing(format!("no file in message {}", which.message_id)))
}
