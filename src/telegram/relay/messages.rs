//! Messages in the relay channel: found by the marker that we wrote under them, and deleted.
//!
//! In: an account, its relay, a marker. Out: where the message is. Must not: send.

use grammers_tl_types as tl;

use super::{Direct, RelayRef};
use crate::model::{Failure, MessageId, RelayMessage};
use crate::telegram::account::UserAccount;
use crate::telegram::errors;

/// Messages looked through at the end of the channel before Telegram's search is asked.
const LOOK_BACK: i32 = 100;

/// Numbers that one call may ask for, and calls at most: a bot can't read a history, only messages by their numbers.
const NUMBERS: i32 = 100;
const CALLS: i32 = 10;

/// The message whose text is exactly `marker` (for a person's chat: the caption that was given with the upload).
pub async fn find_message_by_marker(account: &UserAccount, relay: &RelayRef, marker: &str) -> Result<Option<RelayMessage>, Failure> {
    match relay.direct {
        Some(direct) => find_in_chat(account, relay, direct, marker).await,
        None if account.is_bot() => find_by_numbers(account, relay, marker).await,
        None => find_in_history(account, relay, marker).await,
    }
}

/// What the bot sent to a person behind a message that is older: a file, with this caption, as an answer to the same message. Numbers in
/// private chats are one row for all chats of the bot, so others' messages lie between.
async fn find_in_chat(account: &UserAccount, chat: &RelayRef, direct: Direct, caption: &str) -> Result<Option<RelayMessage>, Failure> {
    let Some(after) = direct.after.or(direct.reply_to) else { return Ok(None) };
    let (text, _) = chat.words(caption);
    let ours = |message: &tl::types::Message| {
        let to_person = matches!(&message.peer_id, tl::enums::Peer::User(peer) if peer.user_id == chat.id);
        let answers = match &message.reply_to {
            Some(tl::enums::MessageReplyHeader::Header(header)) => header.reply_to_msg_id,
            _ => None,
        };
        message.out && to_person && message.media.is_some() && message.message == text && answers == direct.reply_to.map(|reply| reply.0)
    };
    for call in 0..CALLS {
        let first = after.0 + 1 + call * NUMBERS;
        let request = tl::functions::messages::GetMessages { id: numbers(first..first + NUMBERS) };
        let (messages, _) = messages_of(account.call(&request).await.map_err(errors::failure)?);
        let found = messages.iter().find_map(|message| match message {
            tl::enums::Message::Message(message) if ours(message) => Some(MessageId(message.id)),
            _ => None,
        });
        if let Some(message) = found {
            return Ok(Some(RelayMessage { channel: chat.channel, message }));
        }
    }
    Ok(None)
}

/// In a channel each message moves `pts` on by at least one, so that no number lies above it: <https://core.telegram.org/api/updates>.
async fn find_by_numbers(account: &UserAccount, relay: &RelayRef, marker: &str) -> Result<Option<RelayMessage>, Failure> {
    let request = tl::functions::channels::GetFullChannel { channel: relay.input_channel() };
    let tl::enums::messages::ChatFull::Full(full) = account.call(&request).await.map_err(errors::failure)?;
    let tl::enums::ChatFull::ChannelFull(channel) = full.full_chat else { return Ok(None) };
    let mut end = channel.pts + 1;
    for _ in 0..CALLS {
        let begin = (end - NUMBERS).max(1);
        if begin >= end {
            break;
        }
        let request = tl::functions::channels::GetMessages { channel: relay.input_channel(), id: numbers(begin..end) };
        let (messages, _) = messages_of(account.call(&request).await.map_err(errors::failure)?);
        if let Some(message) = with_marker(&messages, marker) {
            return Ok(Some(RelayMessage { channel: relay.channel, message }));
        }
        end = begin;
    }
    Ok(None)
}

pub(super) fn numbers(ids: impl Iterator<Item = i32>) -> Vec<tl::enums::InputMessage> {
    ids.map(|id| tl::types::InputMessageId { id }.into()).collect()
}

/// The newest hundred are read first: Telegram's search learns of a message with delay.
async fn find_in_history(account: &UserAccount, relay: &RelayRef, marker: &str) -> Result<Option<RelayMessage>, Failure> {
    let history = tl::functions::messages::GetHistory {
        peer: relay.input_peer(),
        offset_id: 0,
        offset_date: 0,
        add_offset: 0,
        limit: LOOK_BACK,
        max_id: 0,
        min_id: 0,
        hash: 0,
    };
    let (newest, more) = messages_of(account.call(&history).await.map_err(errors::failure)?);
    if let Some(message) = with_marker(&newest, marker) {
        return Ok(Some(RelayMessage { channel: relay.channel, message }));
    }
    if !more {
        return Ok(None);
    }
    let search = tl::functions::messages::Search {
        peer: relay.input_peer(),
        q: marker.to_owned(),
        from_id: None,
        saved_peer_id: None,
        saved_reaction: None,
        top_msg_id: None,
        filter: tl::enums::MessagesFilter::InputMessagesFilterEmpty,
        min_date: 0,
        max_date: 0,
        offset_id: 0,
        add_offset: 0,
        limit: LOOK_BACK,
        max_id: 0,
        min_id: 0,
        hash: 0,
    };
    let (found, _) = messages_of(account.call(&search).await.map_err(errors::failure)?);
    Ok(with_marker(&found, marker).map(|message| RelayMessage { channel: relay.channel, message }))
}

/// Deletes a message of the relay; it is no error if it is gone already.
pub async fn delete_message(account: &UserAccount, relay: &RelayRef, message: MessageId) -> Result<(), Failure> {
    let request = tl::functions::channels::DeleteMessages { channel: relay.input_channel(), id: vec![message.0] };
    account.call(&request).await.map_err(errors::failure)?;
    Ok(())
}

/// The messages of an answer, and whether the channel may hold more than these.
pub(super) fn messages_of(answer: tl::enums::messages::Messages) -> (Vec<tl::enums::Message>, bool) {
    let (messages, count) = match answer {
        tl::enums::messages::Messages::Messages(all) => return (all.messages, false),
        tl::enums::messages::Messages::Slice(slice) => (slice.messages, slice.count),
        tl::enums::messages::Messages::ChannelMessages(slice) => (slice.messages, slice.count),
        tl::enums::messages::Messages::NotModified(_) => return (Vec::new(), true),
    };
    let more = count as usize > messages.len();
    (messages, more)
}

fn with_marker(messages: &[tl::enums::Message], marker: &str) -> Option<MessageId> {
    messages.iter().find_map(|message| match message {
        tl::enums::Message::Message(message) if message.message == marker => Some(MessageId(message.id)),
        _ => None,
    })
}
