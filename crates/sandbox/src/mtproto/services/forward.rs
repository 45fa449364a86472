//! `messages.forwardMessages`: the same content in another chat, with the name of its first author or without.
//!
//! In: a chat, numbers of messages there, a chat to go to. Out: the new messages (<https://core.telegram.org/method/messages.forwardMessages>). Albums stay
//! albums. It must not touch files.

use std::collections::BTreeMap;

use grammers_tl_types as tl;

use super::messages::{once, post_all};
use crate::mtproto::dispatch::Caller;
use crate::mtproto::peers;
use crate::mtproto::rpc_error::RpcError;
use crate::world::{ChatRef, Extra, Forward, Message, NewMessage, State};

/// `forwarded_count_max` of `help.getConfig`.
const MAX_FORWARDED: usize = 100;

/// `messages.forwardMessages`
pub(super) async fn forward_messages(
    caller: &Caller,
    call: tl::functions::messages::ForwardMessages,
) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    if call.id.is_empty() {
        return Err(RpcError::bad("MESSAGE_IDS_EMPTY"));
    }
    if call.id.len() != call.random_id.len() {
        return Err(RpcError::bad("RANDOM_ID_INVALID"));
    }
    if call.id.len() > MAX_FORWARDED {
        return Err(RpcError::bad("MESSAGE_IDS_TOO_MUCH"));
    }
    let not_served =
        [(call.schedule_date.is_some(), "schedule_date"), (call.send_as.is_some(), "send_as"), (call.reply_to.is_some(), "reply_to")];
    for (_, name) in not_served.iter().filter(|(is_given, _)| *is_given) {
        caller.world().refuse(format!("messages.forwardMessages with {name}"));
    }
    let found = caller.world().read(|state| sources(state, me, &call))?;
    let mut groups = BTreeMap::new();
    for group in found.iter().filter_map(|(message, _)| message.group) {
        groups.entry(group).and_modify(|(count, _)| *count += 1).or_insert_with(|| (1, State::new_group()));
    }
    let ids: Vec<_> = found.iter().map(|(_, random_id)| *random_id).collect();
    let forward = |(source, random_id): (Message, i64)| {
        let drops_caption = call.drop_media_captions && source.media.is_some();
        let (text, entities) = if drops_caption { Default::default() } else { (source.text, source.entities) };
        let first = Forward { chat: source.chat, message_id: source.id, author: source.author, date: source.date };
        // A forward of a forward names the first one.
        let forward = (!call.drop_author && !call.drop_media_captions).then(|| source.forward.unwrap_or(first));
        // What is left alone of an album is no album.
        let group = source.group.and_then(|group| groups.get(&group)).filter(|(count, _)| *count > 1).map(|(_, group)| *group);
        let new = NewMessage {
            author: me,
            text,
            entities,
            media: source.media,
            group,
            forward,
            silent: call.silent,
            protected: call.noforwards,
            caption_above: source.caption_above,
            spoiler: source.spoiler,
            extra: Extra { thread: call.top_msg_id, invoice: source.extra.invoice, shared: source.extra.shared, ..Extra::default() },
            ..NewMessage::default()
        };
        (new, random_id)
    };
    let new = found.into_iter().map(forward).collect();
    once(caller, me, &ids, || post_all(caller, me, &call.to_peer, new))
}

/// The messages that are there, each with its new `random_id`; those that are gone are left out.
fn sources(state: &State, me: i64, call: &tl::functions::messages::ForwardMessages) -> Result<Vec<(Message, i64)>, RpcError> {
    let from = peers::chat(state, me, &call.from_peer)?;
    let restricted = || RpcError::bad("CHAT_FORWARDS_RESTRICTED");
    if let ChatRef::Channel(id) = from
        && state.channels.get(&id).is_some_and(|channel| channel.noforwards && channel.rights_of(me).is_none())
    {
        return Err(restricted());
    }
    let pairs = call.id.iter().zip(&call.random_id);
    let found: Vec<_> = pairs.filter_map(|(id, random_id)| Some((state.message(from, *id)?.clone(), *random_id))).collect();
    if found.is_empty() {
        return Err(RpcError::bad("MESSAGE_ID_INVALID"));
    }
    if found.iter().any(|(message, _)| message.protected) {
        return Err(restricted());
    }
    Ok(found)
}
