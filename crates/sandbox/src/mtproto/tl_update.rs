//! What happened in chats, as TL objects.
//!
//! In: numbered events and who looks. Out: new messages and other updates, with whom they mention. What an event is about may have changed since: a message
//! is shown as it is now, and one that is gone is only told as deleted. It must not decide who may see what.

use grammers_tl_types as tl;

use super::tl_message;
use super::tl_view::Mentioned;
use crate::world::{ChannelEvent, ChatRef, State};

/// Events put into words.
#[derive(Default)]
pub(crate) struct Told {
    /// Messages that came, with their numbers.
    pub(crate) new: Vec<(i32, ChatRef, tl::enums::Message)>,
    /// Everything else, with its numbers.
    pub(crate) other: Vec<(i32, tl::enums::Update)>,
    /// Users and chats to be sent along.
    pub(crate) mentioned: Mentioned,
}

impl Told {
    /// Adds one event of a chat, with the number that it brought the counter to.
    pub(crate) fn event(&mut self, state: &State, viewer: i64, (pts, chat, event): (i32, ChatRef, ChannelEvent)) {
        let (ChannelEvent::Posted(id) | ChannelEvent::Edited(id) | ChannelEvent::Deleted(id)) = event;
        if let ChatRef::Channel(channel) = chat {
            self.mentioned.channel(channel);
        }
        if event == ChannelEvent::Deleted(id) {
            self.other.push((pts, deleted(chat, vec![id], pts)));
            return;
        }
        let Some(message) = state.message(chat, id) else {
            // Its deletion is among the events.
            return;
        };
        self.mentioned.message(message);
        let message = tl_message::message(state, viewer, message);
        match event {
            ChannelEvent::Posted(_) => self.new.push((pts, chat, message)),
            _ => self.other.push((pts, edited(chat, message, pts))),
        }
    }

    /// All of it as updates, those of one counter in its order.
    pub(crate) fn into_updates(self) -> (Vec<tl::enums::Update>, Mentioned) {
        let new = self.new.into_iter().map(|(pts, chat, message)| (pts, posted(chat, message, pts)));
        let mut all: Vec<_> = new.chain(self.other).collect();
        all.sort_by_key(|(pts, _)| *pts);
        (all.into_iter().map(|(_, update)| update).collect(), self.mentioned)
    }
}

/// `updateNewChannelMessage` or `updateNewMessage`.
pub(crate) fn posted(chat: ChatRef, message: tl::enums::Message, pts: i32) -> tl::enums::Update {
    match chat {
        ChatRef::Channel(_) => tl::enums::Update::NewChannelMessage(tl::types::UpdateNewChannelMessage { message, pts, pts_count: 1 }),
        ChatRef::Private { .. } => tl::enums::Update::NewMessage(tl::types::UpdateNewMessage { message, pts, pts_count: 1 }),
    }
}

/// `updateEditChannelMessage` or `updateEditMessage`.
pub(crate) fn edited(chat: ChatRef, message: tl::enums::Message, pts: i32) -> tl::enums::Update {
    match chat {
        ChatRef::Channel(_) => tl::enums::Update::EditChannelMessage(tl::types::UpdateEditChannelMessage { message, pts, pts_count: 1 }),
        ChatRef::Private { .. } => tl::enums::Update::EditMessage(tl::types::UpdateEditMessage { message, pts, pts_count: 1 }),
    }
}

fn deleted(chat: ChatRef, messages: Vec<i32>, pts: i32) -> tl::enums::Update {
    match chat {
        ChatRef::Channel(channel_id) => {
            let deleted = tl::types::UpdateDeleteChannelMessages { channel_id, messages, pts, pts_count: 1 };
            tl::enums::Update::DeleteChannelMessages(deleted)
        }
        ChatRef::Private { .. } => tl::enums::Update::DeleteMessages(tl::types::UpdateDeleteMessages { messages, pts, pts_count: 1 }),
    }
}
