//! Presses of buttons and "typing".
//!
//! In: `answerCallbackQuery`, `sendChatAction`. Out: what the person sees of them. It must not write messages.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Call;
use super::access::may_write;
use super::reply::{Answer, ApiError};
use crate::world::CallbackAnswer;

const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

/// `answerCallbackQuery`. A query can be answered once.
pub(super) fn answer(call: &Call) -> Answer {
    let id = call.params.text("callback_query_id").ok_or_else(ApiError::query_too_old)?.to_owned();
    call.params.ignore(&["cache_time"]);
    let answer = CallbackAnswer {
        text: call.params.text("text").map(str::to_owned),
        show_alert: call.params.flag("show_alert"),
        url: call.params.text("url").map(str::to_owned),
    };
    if answer.text.as_deref().is_some_and(|text| text.chars().count() > 200) {
        return Err(ApiError::bad_request("MESSAGE_TOO_LONG"));
    }
    let lifetime = Duration::from_secs(call.world().limits().callback_query_seconds);
    call.world().change(|state| {
        let query = state.callbacks.get_mut(&id).filter(|query| query.bot == call.bot).ok_or_else(ApiError::query_too_old)?;
        if query.answer.is_some() || Instant::now().duration_since(query.asked) > lifetime {
            return Err(ApiError::query_too_old());
        }
        query.answer = Some(answer);
        Ok(Value::Bool(true))
    })
}

/// `sendChatAction`.
pub(super) fn chat_action(call: &Call) -> Answer {
    call.params.ignore(&["business_connection_id"]);
    let chat = call.chat("chat_id")?;
    call.thread(chat)?;
    let action = call.params.text("action").unwrap_or_default();
    if !ACTIONS.contains(&action) {
        return Err(ApiError::bad_request("wrong parameter action in request"));
    }
    call.world().change(|state| {
        may_write(state, call.bot, chat)?;
        state.set_action(chat, action);
        Ok(Value::Bool(true))
    })
}
