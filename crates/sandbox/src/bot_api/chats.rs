//! What a bot can ask about chats.
//!
//! In: `getChat`, `getChatMember` and the like. Out: JSON of chats and members. It must not write messages.

use serde_json::{Value, json};

use super::access::{may_read, not_a_member};
use super::reply::{Answer, ApiError};
use super::{Call, json};
use crate::world::chats::Standing;
use crate::world::{Channel, ChatRef, State};

/// `getChat`.
pub(super) fn get_chat(call: &Call) -> Answer {
    let chat = call.chat("chat_id")?;
    call.world().read(|state| {
        may_read(state, call.bot, chat)?;
        if let ChatRef::Private { bot, user } = chat
            && !state.private_chats.contains_key(&(bot, user))
        {
            return Err(ApiError::bad_request("chat not found"));
        }
        let mut full = json::chat(state, chat);
        full["accent_color_id"] = json!(0);
        if let Some(pinned) = state.pinned(chat).and_then(|id| state.message(chat, id)) {
            full["pinned_message"] = json::message(state, call.bot, pinned);
        }
        full["max_reaction_count"] = json!(11);
        full["accepted_gift_types"] = json!({
            "unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false, "premium_subscription": false, "gifts_from_channels": false,
        });
        if let ChatRef::Channel(id) = chat
            && let Some(channel) = state.channels.get(&id)
            && !channel.about.is_empty()
        {
            full["description"] = json!(channel.about);
        }
        Ok(full)
    })
}

/// `getChatMember`.
pub(super) fn get_member(call: &Call) -> Answer {
    let chat = call.chat("chat_id")?;
    let who: i64 = call.params.number("user_id").ok_or_else(|| ApiError::bad_request("invalid user_id specified"))?;
    call.world().read(|state| {
        may_read(state, call.bot, chat)?;
        if state.users.get(who).is_none() {
            return Err(ApiError::bad_request("PARTICIPANT_ID_INVALID"));
        }
        let Some(channel) = channel(state, chat) else {
            return Ok(json::member(state, who, Standing::Member));
        };
        // A member without rights may not look at others.
        if who != call.bot && !channel.megagroup && channel.rights_of(call.bot).is_none() {
            return Err(ApiError::bad_request("member list is inaccessible"));
        }
        Ok(json::member(state, who, channel.standing_of(who)))
    })
}

/// `getChatAdministrators`.
pub(super) fn get_administrators(call: &Call) -> Answer {
    let chat = call.chat("chat_id")?;
    call.world().read(|state| {
        may_read(state, call.bot, chat)?;
        let channel = channel(state, chat).ok_or_else(|| ApiError::bad_request("there are no administrators in the private chat"))?;
        let admins = std::iter::once(channel.creator).chain(channel.admins.keys().copied());
        Ok(Value::Array(admins.map(|who| json::member(state, who, channel.standing_of(who))).collect()))
    })
}

/// `getChatMemberCount`.
pub(super) fn get_member_count(call: &Call) -> Answer {
    let chat = call.chat("chat_id")?;
    call.world().read(|state| {
        may_read(state, call.bot, chat)?;
        Ok(json!(channel(state, chat).map_or(2, |channel| channel.members.len())))
    })
}

/// `leaveChat`.
pub(super) fn leave(call: &Call) -> Answer {
    let chat @ ChatRef::Channel(id) = call.chat("chat_id")? else {
        return Err(ApiError::bad_request("chat member status can't be changed in private chats"));
    };
    call.world().change(|state| {
        may_read(state, call.bot, chat)?;
        match state.remove_member(id, call.bot, call.bot, false) {
            true => Ok(Value::Bool(true)),
            false => Err(not_a_member(state, id)),
        }
    })
}

fn channel(state: &State, chat: ChatRef) -> Option<&Channel> {
    match chat {
        ChatRef::Private { .. } => None,
        ChatRef::Channel(id) => state.channels.get(&id),
    }
}
