//! Changing and deleting messages.
//!
//! In: `editMessage*` and `deleteMessage*`. Out: changed messages, or the refusals that bots meet most: not modified, not found, not theirs.
//! It must not take files (`media` does).

use serde_json::Value;

use super::access::{may_write, rights_in};
use super::reply::{Answer, ApiError};
use super::send::not_done;
use super::{Call, json, markup};
use crate::world::{ChatRef, Edit, Message, State};

/// `editMessageText`.
pub(super) fn text(call: &Call) -> Answer {
    call.params.ignore(&["link_preview_options", "disable_web_page_preview"]);
    let text = call.message_text("MESSAGE_TOO_LONG")?;
    let buttons = markup::buttons(&call.params)?;
    let (chat, message) = target(call)?;
    if message.media.is_some() || message.extra.invoice.is_some() || message.extra.service.is_some() {
        return Err(ApiError::bad_request("there is no text in the message to edit"));
    }
    apply(call, chat, message.id, Edit { text: Some((text.text, text.entities)), buttons: Some(buttons), media: None })
}

/// `editMessageCaption`.
pub(super) fn caption(call: &Call) -> Answer {
    call.params.ignore(&["show_caption_above_media", "parse_mode"]);
    let caption = call.caption(&call.params)?.unwrap_or_default();
    let buttons = markup::buttons(&call.params)?;
    let (chat, message) = target(call)?;
    if message.media.is_none() {
        return Err(ApiError::bad_request("there is no caption in the message to edit"));
    }
    apply(call, chat, message.id, Edit { text: Some((caption.text, caption.entities)), buttons: Some(buttons), media: None })
}

/// `editMessageReplyMarkup`.
pub(super) fn reply_markup(call: &Call) -> Answer {
    let buttons = markup::buttons(&call.params)?;
    let (chat, message) = target(call)?;
    apply(call, chat, message.id, Edit { buttons: Some(buttons), ..Edit::default() })
}

/// `deleteMessage`.
pub(super) fn delete_message(call: &Call) -> Answer {
    let chat = call.chat("chat_id")?;
    let id = call.params.message_id()?;
    call.world().change(|state| {
        may_delete(state, call.bot, chat, id)?;
        state.delete(chat, id).map_err(|_| ApiError::bad_request("message to delete not found"))
    })?;
    Ok(Value::Bool(true))
}

/// `deleteMessages`: those that are not there are passed over.
pub(super) fn delete_messages(call: &Call) -> Answer {
    let chat = call.chat("chat_id")?;
    let ids: Vec<i32> = call.params.json("message_ids")?.unwrap_or_default();
    if ids.is_empty() || ids.len() > 100 {
        return Err(ApiError::bad_request("message identifiers are not specified"));
    }
    call.world().change(|state| {
        for id in ids {
            if may_delete(state, call.bot, chat, id).is_ok() {
                // Gone already is as good.
                let _ = state.delete(chat, id);
            }
        }
    });
    Ok(Value::Bool(true))
}

/// The message that is to be changed, if the bot may change it.
pub(super) fn target(call: &Call) -> Result<(ChatRef, Message), ApiError> {
    call.params.ignore(&["business_connection_id"]);
    if let Some(inline_id) = call.params.text("inline_message_id") {
        return call.world().read(|state| {
            let place = state.inline.messages.get(inline_id).and_then(|(chat, id)| Some((*chat, state.message(*chat, *id)?.clone())));
            let is_mine = |message: &Message| message.extra.via.as_ref().is_some_and(|via| via.bot == call.bot);
            place.filter(|(_, message)| is_mine(message)).ok_or_else(|| ApiError::bad_request("MESSAGE_ID_INVALID"))
        });
    }
    let chat = call.chat("chat_id")?;
    let id = call.params.message_id()?;
    call.world().read(|state| {
        may_write(state, call.bot, chat)?;
        let message = state.message(chat, id).ok_or_else(|| ApiError::bad_request("message to edit not found"))?;
        if message.author != call.bot && !may_edit_others(state, call.bot, chat) {
            return Err(ApiError::bad_request("message can't be edited"));
        }
        Ok((chat, message.clone()))
    })
}

/// Changes a message, if the rate allows, and gives its JSON, or only `true` for one that a person has sent.
pub(super) fn apply(call: &Call, chat: ChatRef, id: i32, edit: Edit) -> Answer {
    call.take_rate(chat)?;
    call.world().change(|state| {
        let message = state.edit(chat, id, edit).map_err(not_done)?;
        match message.extra.via {
            Some(_) => Ok(Value::Bool(true)),
            None => Ok(json::message(state, call.bot, &message)),
        }
    })
}

fn may_edit_others(state: &State, bot: i64, chat: ChatRef) -> bool {
    match chat {
        ChatRef::Private { .. } => false,
        ChatRef::Channel(id) => {
            let channel = state.channels.get(&id).filter(|channel| !channel.megagroup);
            channel.and_then(|channel| channel.rights_of(bot)).is_some_and(|rights| rights.edit_messages)
        }
    }
}

fn may_delete(state: &State, bot: i64, chat: ChatRef, id: i32) -> Result<(), ApiError> {
    let message = state.message(chat, id).ok_or_else(|| ApiError::bad_request("message to delete not found"))?;
    let allowed = match chat {
        // Bots may delete what people wrote to them (<https://core.telegram.org/bots/api#deletemessage>).
        ChatRef::Private { .. } => true,
        ChatRef::Channel(id) => {
            let channel = state.channels.get(&id);
            let rights = rights_in(state, id, bot);
            let may_post = rights.post_messages || channel.is_some_and(|channel| channel.megagroup);
            rights.delete_messages || message.author == bot && may_post
        }
    };
    if allowed { Ok(()) } else { Err(ApiError::bad_request("message can't be deleted")) }
}
