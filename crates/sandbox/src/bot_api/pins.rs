//! Pins and reactions.
//!
//! In: `pinChatMessage` and its like, `setMessageReaction`. Out: what is pinned, what is reacted. Wording: telegram-bot-api's `Client.cpp`, TDLib's
//! `DialogManager.cpp` (`can_pin_messages`); what only Telegram's servers check has the names listed at
//! <https://core.telegram.org/method/messages.sendReaction>. It must not send anything else.

use serde_json::Value;

use super::access::{may_read, may_write, rights_in};
use super::reply::{Answer, ApiError};
use super::{Call, fields};
use crate::world::{ChatRef, State, pins};

/// `pinChatMessage`.
pub(super) fn pin(call: &Call) -> Answer {
    call.params.ignore(&["business_connection_id", "disable_notification"]);
    let chat = call.chat("chat_id")?;
    let id = call.params.message_id()?;
    call.world().change(|state| {
        may_pin(state, call.bot, chat)?;
        match state.pin(chat, id, call.bot) {
            true => Ok(Value::Bool(true)),
            false => Err(ApiError::bad_request("message to pin not found")),
        }
    })
}

/// `unpinChatMessage`: the one that is named, or the newest.
pub(super) fn unpin(call: &Call) -> Answer {
    call.params.ignore(&["business_connection_id"]);
    let chat = call.chat("chat_id")?;
    let id: Option<i32> = call.params.number("message_id");
    call.world().change(|state| {
        may_pin(state, call.bot, chat)?;
        let found = id.filter(|id| state.message(chat, *id).is_some()).or_else(|| state.pinned(chat).filter(|_| id.is_none()));
        let found = found.ok_or_else(|| ApiError::bad_request("message to unpin not found"))?;
        // One that is not pinned is as good.
        state.unpin(chat, found);
        Ok(Value::Bool(true))
    })
}

/// `unpinAllChatMessages`.
pub(super) fn unpin_all(call: &Call) -> Answer {
    let chat = call.chat("chat_id")?;
    call.world().change(|state| {
        may_pin(state, call.bot, chat)?;
        state.pins.remove(&chat);
        Ok(Value::Bool(true))
    })
}

/// `setMessageReaction`. A bot has one reaction on a message.
pub(super) fn react(call: &Call) -> Answer {
    call.params.ignore(&["is_big"]);
    let chat = call.chat("chat_id")?;
    let id = call.params.message_id()?;
    let reactions: Vec<Value> = call.params.json("reaction")?.unwrap_or_default();
    let emoji = reactions.iter().map(reaction).collect::<Result<Vec<_>, _>>()?;
    if emoji.len() > 1 {
        return Err(ApiError::bad_request("REACTIONS_TOO_MANY"));
    }
    call.world().change(|state| {
        may_read(state, call.bot, chat)?;
        match state.react(chat, id, call.bot, emoji.into_iter().next()) {
            true => Ok(Value::Bool(true)),
            false => Err(ApiError::bad_request("message to react not found")),
        }
    })
}

fn reaction(value: &Value) -> Result<String, ApiError> {
    let cannot = |why: &str| ApiError::bad_request(format!("can't parse reaction type: {why}"));
    let object = value.as_object().ok_or_else(|| cannot("expected an Object"))?;
    match fields::text(object, "type").map_err(|why| cannot(&why))?.as_str() {
        "emoji" => {
            let emoji = fields::text(object, "emoji").map_err(|why| cannot(&why))?;
            pins::reaction(&emoji).ok_or_else(|| ApiError::bad_request("REACTION_INVALID"))
        }
        // There are no custom emoji here.
        "custom_emoji" => Err(ApiError::bad_request("REACTION_INVALID")),
        _ => Err(cannot("invalid reaction type specified")),
    }
}

pub(super) fn may_pin(state: &State, bot: i64, chat: ChatRef) -> Result<(), ApiError> {
    may_write(state, bot, chat)?;
    let ChatRef::Channel(id) = chat else {
        return Ok(());
    };
    let rights = rights_in(state, id, bot);
    let is_group = state.channels.get(&id).is_some_and(|channel| channel.megagroup);
    match if is_group { rights.pin_messages } else { rights.edit_messages } {
        true => Ok(()),
        false => Err(ApiError::bad_request("not enough rights to manage pinned messages in the chat")),
    }
}
