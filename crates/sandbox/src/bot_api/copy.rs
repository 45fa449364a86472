//! `copyMessage` and `forwardMessage`: any size, no bytes moved.
//!
//! In: a message elsewhere. Out: the same content as a new message of the bot. It must not touch files.

use serde_json::json;

use super::access::may_read;
use super::reply::{Answer, ApiError};
use super::{Call, json};
use crate::world::{ChatRef, Extra, Forward, Message, NewMessage};

/// `copyMessage`.
pub(super) fn copy_message(call: &Call) -> Answer {
    let chat = call.chat_to_write()?;
    let (_, source) = source(call, "copy")?;
    call.params.ignore(&["video_start_timestamp"]);
    let new = call.new_message(chat)?;
    let caption = call.caption(&call.params)?;
    let (text, entities) = match caption {
        // A text cannot be changed on the way, and `caption` is ignored for it.
        Some(caption) if source.media.is_some() => (caption.text, caption.entities),
        // An empty caption that was given takes the old one away.
        None if source.media.is_some() && call.params.was_given("caption") => (String::new(), Vec::new()),
        _ => (source.text, source.entities),
    };
    let extra = Extra { shared: source.extra.shared, ..new.extra };
    let new = NewMessage { text, entities, media: source.media, no_preview: source.no_preview, spoiler: source.spoiler, extra, ..new };
    call.take_rate(chat)?;
    let message = call.world().change(|state| {
        state.counters.copies += 1;
        state.post(chat, new).map_err(super::send::not_done)
    })?;
    Ok(json!({"message_id": message.id}))
}

/// `forwardMessage`.
pub(super) fn forward_message(call: &Call) -> Answer {
    let chat = call.chat_to_write()?;
    let (from, source) = source(call, "forward")?;
    call.params.ignore(&["video_start_timestamp", "message_effect_id"]);
    let mut new = NewMessage {
        author: call.bot,
        group: None,
        silent: call.params.flag("disable_notification"),
        protected: call.params.flag("protect_content"),
        ..forwarded(from, source)
    };
    new.extra.thread = call.thread(chat)?;
    call.take_rate(chat)?;
    call.world().change(|state| {
        let message = state.post(chat, new).map_err(super::send::not_done)?;
        Ok(json::message(state, call.bot, &message))
    })
}

/// A message as a forward of it: with its origin and its album. Of buttons only that of an invoice comes along.
pub(super) fn forwarded(from: ChatRef, source: Message) -> NewMessage {
    let (message_id, author, date) = (source.id, source.author, source.date);
    // A forward of a forward names the first one.
    let forward = source.forward.unwrap_or(Forward { chat: from, message_id, author, date });
    NewMessage {
        text: source.text,
        entities: source.entities,
        media: source.media,
        group: source.group,
        forward: Some(forward),
        buttons: if source.extra.invoice.is_some() { source.buttons } else { Vec::new() },
        extra: Extra { invoice: source.extra.invoice, shared: source.extra.shared, ..Extra::default() },
        ..NewMessage::default()
    }
}

fn source(call: &Call, verb: &str) -> Result<(ChatRef, Message), ApiError> {
    let from = call.chat("from_chat_id")?;
    let id = call.params.message_id()?;
    Ok((from, readable(call, from, id, verb)?))
}

/// A message that the bot may copy or forward (`verb`).
pub(super) fn readable(call: &Call, from: ChatRef, id: i32, verb: &str) -> Result<Message, ApiError> {
    call.world().read(|state| {
        may_read(state, call.bot, from)?;
        let message = state.message(from, id).ok_or_else(|| ApiError::bad_request(format!("message to {verb} not found")))?;
        let closed = match from {
            ChatRef::Private { .. } => false,
            ChatRef::Channel(id) => {
                state.channels.get(&id).is_some_and(|channel| channel.noforwards && channel.rights_of(call.bot).is_none())
            }
        };
        // "Service messages … and invoice messages can't be copied" (<https://core.telegram.org/bots/api#copymessage>).
        let extra = &message.extra;
        if message.protected || closed || extra.service.is_some() || extra.invoice.is_some() && verb == "copy" {
            let done = if verb == "copy" { "copied" } else { "forwarded" };
            return Err(ApiError::bad_request(format!("message can't be {done}")));
        }
        Ok(message.clone())
    })
}
