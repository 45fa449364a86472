//! Texts: sending, editing, deleting. What carries a file goes through `media`.
//!
//! In: calls of accounts. Out: `updates` with the message as it now is. It must not deal with parts.

use grammers_tl_types as tl;

use super::media::file_of;
use super::topics;
use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::tl_view::{self, Mentioned};
use crate::mtproto::{entities, peers, tl_message, tl_update};
use crate::world::{ChatRef, Edit, Extra, Message, NewMessage, Refused, State};

/// `messages.sendMessage`
pub(super) async fn send_message(caller: &Caller, call: tl::functions::messages::SendMessage) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    if call.message.trim().is_empty() {
        return Err(RpcError::bad("MESSAGE_EMPTY"));
    }
    if units(&call.message) > caller.world().limits().text_units {
        return Err(RpcError::bad("MESSAGE_TOO_LONG"));
    }
    let new = NewMessage {
        author: me,
        entities: entities::from_tl(&call.entities.unwrap_or_default()),
        text: call.message,
        reply_to: replied(call.reply_to.as_ref()),
        extra: in_thread(call.reply_to.as_ref()),
        silent: call.silent,
        no_preview: call.no_webpage,
        protected: call.noforwards,
        ..NewMessage::default()
    };
    once(caller, me, &[call.random_id], || post(caller, me, &call.peer, new, call.random_id))
}

/// `messages.editMessage`: text or caption, and other media than before.
pub(super) async fn edit_message(caller: &Caller, call: tl::functions::messages::EditMessage) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    let media = match call.media {
        Some(media) => {
            let caller = caller.clone();
            // Assembling touches the disk.
            let taken = tokio::task::spawn_blocking(move || file_of(&caller, me, &media));
            Some(taken.await.map_err(RpcError::internal)??.0)
        }
        None => None,
    };
    let text = call.message.unwrap_or_default();
    let limits = caller.world().limits();
    let marks = entities::from_tl(&call.entities.unwrap_or_default());
    caller.world().change(|state| {
        let chat = peers::chat(state, me, &call.peer)?;
        let old = state.message(chat, call.id).ok_or_else(|| RpcError::bad("MESSAGE_ID_INVALID"))?;
        may_change(state, me, old, |rights| rights.edit_messages, "MESSAGE_AUTHOR_REQUIRED")?;
        let has_media = old.media.or(media).is_some();
        if !has_media && text.trim().is_empty() {
            return Err(RpcError::bad("MESSAGE_EMPTY"));
        }
        if old.group.is_some() && media.is_some() && state.mixed_kind(old.media.into_iter().chain(media)).is_some() {
            return Err(RpcError::bad("MEDIA_GROUPED_INVALID"));
        }
        let longest = if has_media { limits.caption_units } else { limits.text_units };
        if units(&text) > longest {
            return Err(RpcError::bad("MESSAGE_TOO_LONG"));
        }
        let edit = Edit { text: Some((text, marks)), media, ..Edit::default() };
        let message = state.edit(chat, call.id, edit).map_err(refused)?;
        let pts = state.chat_pts(chat, me);
        caller.knows(chat, pts);
        let update = tl_update::edited(chat, tl_message::message(state, me, &message), pts);
        Ok(tl_view::updates(state, me, vec![update], Mentioned::default().message(&message)))
    })
}

/// `channels.deleteMessages`
pub(super) async fn delete_channel_messages(
    caller: &Caller,
    call: tl::functions::channels::DeleteMessages,
) -> Result<tl::enums::messages::AffectedMessages, RpcError> {
    let me = caller.user()?;
    caller.world().change(|state| {
        let chat = ChatRef::Channel(peers::channel(state, me, &call.channel)?.id);
        delete(caller, state, me, chat, &call.id)
    })
}

/// `messages.deleteMessages`: in private chats, where numbers are the account's own.
pub(super) async fn delete_messages(
    caller: &Caller,
    call: tl::functions::messages::DeleteMessages,
) -> Result<tl::enums::messages::AffectedMessages, RpcError> {
    let me = caller.user()?;
    caller.world().change(|state| {
        let mine = state.private_chats.keys().filter(|(bot, user)| *bot == me || *user == me);
        let mine: Vec<_> = mine.map(|(bot, user)| ChatRef::Private { bot: *bot, user: *user }).collect();
        let mut gone = 0;
        for chat in mine {
            gone += delete_known(caller, state, me, chat, &call.id);
        }
        Ok(affected(state.box_pts(me), gone))
    })
}

/// Runs a send unless one of its `random_id`s was used: then `RANDOM_ID_DUPLICATE`. A send that failed gives the numbers back.
pub(super) fn once<T>(caller: &Caller, me: i64, random_ids: &[i64], send: impl FnOnce() -> Result<T, RpcError>) -> Result<T, RpcError> {
    let release = |claimed: &[i64]| claimed.iter().for_each(|id| caller.accounts().release_random_id(me, *id));
    for (at, random_id) in random_ids.iter().enumerate() {
        if !caller.accounts().claim_random_id(me, *random_id) {
            release(&random_ids[..at]);
            return Err(RpcError::bad("RANDOM_ID_DUPLICATE"));
        }
    }
    send().inspect_err(|_| release(random_ids))
}

/// Posts a message, if the caller may, and gives the answer to its call.
pub(super) fn post(
    caller: &Caller,
    me: i64,
    peer: &tl::enums::InputPeer,
    new: NewMessage,
    random_id: i64,
) -> Result<tl::enums::Updates, RpcError> {
    post_all(caller, me, peer, vec![(new, random_id)])
}

/// Posts messages, all or none, each with its `random_id`.
pub(super) fn post_all(
    caller: &Caller,
    me: i64,
    peer: &tl::enums::InputPeer,
    mut messages: Vec<(NewMessage, i64)>,
) -> Result<tl::enums::Updates, RpcError> {
    caller.world().change(|state| {
        let chat = may_write(state, me, peer)?;
        for (new, _) in &mut messages {
            topics::place(state, chat, me, new)?;
        }
        let replies = messages.iter().filter_map(|(new, _)| new.reply_to);
        if replies.into_iter().any(|id| state.message(chat, id).is_none()) {
            return Err(RpcError::bad("REPLY_MESSAGE_ID_INVALID"));
        }
        if let ChatRef::Private { bot, user } = chat
            && user == me
        {
            state.private_chats.entry((bot, user)).or_default().started = true;
        }
        let (mut updates, mut mentioned) = (Vec::new(), Mentioned::default());
        for (new, random_id) in messages {
            let message = state.post(chat, new).map_err(refused)?;
            let pts = state.chat_pts(chat, me);
            caller.knows(chat, pts);
            updates.push(tl::enums::Update::MessageId(tl::types::UpdateMessageId { id: message.id, random_id }));
            updates.push(tl_update::posted(chat, tl_message::message(state, me, &message), pts));
            mentioned.message(&message);
        }
        Ok(tl_view::updates(state, me, updates, &mentioned))
    })
}

/// The chat, if the caller may write there.
pub(super) fn may_write(state: &State, me: i64, peer: &tl::enums::InputPeer) -> Result<ChatRef, RpcError> {
    let chat = peers::chat(state, me, peer)?;
    match chat {
        ChatRef::Channel(id) => {
            let channel = state.channels.get(&id).ok_or_else(peers::channel_private)?;
            let posts = channel.rights_of(me).is_some_and(|rights| rights.post_messages);
            if !posts && !channel.megagroup {
                return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
            }
            if channel.banned.contains(&me) || !channel.is_member(me) {
                return Err(RpcError::new(403, "CHAT_WRITE_FORBIDDEN"));
            }
        }
        ChatRef::Private { bot, user } if bot == me => {
            let open = state.private_chats.get(&(bot, user));
            if !open.is_some_and(|open| open.started && !open.blocked) {
                return Err(RpcError::bad("USER_IS_BLOCKED"));
            }
        }
        ChatRef::Private { .. } => {}
    }
    Ok(chat)
}

/// Length in UTF-16 units, as Telegram counts.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The number of the message that is answered.
pub(super) fn replied(reply: Option<&tl::enums::InputReplyTo>) -> Option<i32> {
    match reply {
        Some(tl::enums::InputReplyTo::Message(reply)) => Some(reply.reply_to_msg_id),
        _ => None,
    }
}

/// The topic that an answer names beside the message.
pub(super) fn in_thread(reply: Option<&tl::enums::InputReplyTo>) -> Extra {
    let thread = match reply {
        Some(tl::enums::InputReplyTo::Message(reply)) => reply.top_msg_id,
        _ => None,
    };
    Extra { thread, ..Extra::default() }
}

fn delete(
    caller: &Caller,
    state: &mut State,
    me: i64,
    chat: ChatRef,
    ids: &[i32],
) -> Result<tl::enums::messages::AffectedMessages, RpcError> {
    for message in ids.iter().filter_map(|id| state.message(chat, *id)) {
        may_change(state, me, message, |rights| rights.delete_messages, "MESSAGE_DELETE_FORBIDDEN")?;
    }
    let gone = delete_known(caller, state, me, chat, ids);
    Ok(affected(state.chat_pts(chat, me), gone))
}

/// Deletes what is there of these, and gives how many that were.
fn delete_known(caller: &Caller, state: &mut State, me: i64, chat: ChatRef, ids: &[i32]) -> usize {
    let mut gone = 0;
    for id in ids {
        if state.delete(chat, *id).is_ok() {
            gone += 1;
            caller.knows(chat, state.chat_pts(chat, me));
        }
    }
    gone
}

fn may_change(
    state: &State,
    me: i64,
    message: &Message,
    right: impl Fn(crate::world::AdminRights) -> bool,
    otherwise: &str,
) -> Result<(), RpcError> {
    let by_right = match message.chat {
        ChatRef::Channel(id) => state.channels.get(&id).and_then(|channel| channel.rights_of(me)).is_some_and(right),
        ChatRef::Private { .. } => false,
    };
    if message.author == me || by_right {
        return Ok(());
    }
    Err(RpcError::new(403, otherwise))
}

fn affected(pts: i32, gone: usize) -> tl::enums::messages::AffectedMessages {
    let pts_count = i32::try_from(gone).unwrap_or(i32::MAX);
    tl::enums::messages::AffectedMessages::Messages(tl::types::messages::AffectedMessages { pts, pts_count })
}

fn refused(why: Refused) -> RpcError {
    match why {
        Refused::NoChat => peers::channel_private(),
        Refused::NoMessage => RpcError::bad("MESSAGE_ID_INVALID"),
        Refused::NotModified => RpcError::bad("MESSAGE_NOT_MODIFIED"),
    }
}
