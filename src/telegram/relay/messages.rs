//! Messages in the relay channel: found by the marker that we wrote under them, and deleted.
//!
//! In: an account, its relay, a marker. Out: where the message is. Must not: send.

use grammers_tl_types as tl;

use super::RelayRef;
use crate::model::{Failure, MessageId, RelayMessage};
use crate::telegram::account::UserAccount;
use crate::telegram::errors;

/// Messages looked through at the end of the channel before Telegram's search is asked.
const LOOK_BACK: i32 = 100;

/// The message whose text is exactly `marker`. The newest hundred are read first: Telegram's search learns of a message with delay.
pub async fn find_message_by_marker(account: &UserAccount, relay: &RelayRef, marker: &str) -> Result<Option<RelayMessage>, Failure> {
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
fn messages_of(answer: tl::enums::messages::Messages) -> (Vec<tl::enums::Message>, bool) {
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
