//! The message box of a user: what happened in their private chats, numbered as MTProto numbers it (<https://core.telegram.org/api/updates>).
//!
//! In: messages that come, change and go. Out: events with the number that each brought the box to. Channels have numbers of their own. It must not keep
//! messages.

use super::State;
use super::chats::{ChannelEvent, ChatRef};

/// One user's private chats, counted together.
#[derive(Debug, Clone)]
pub struct MessageBox {
    /// Number of the last event.
    pub pts: i32,
    /// Events with the number that each brought the box to.
    pub events: Vec<(i32, ChatRef, ChannelEvent)>,
}

impl Default for MessageBox {
    fn default() -> Self {
        // Zero means "no state yet" to clients.
        Self { pts: 1, events: Vec::new() }
    }
}

impl State {
    /// Where a user's box stands.
    pub fn box_pts(&self, user: i64) -> i32 {
        self.boxes.get(&user).map_or_else(|| MessageBox::default().pts, |found| found.pts)
    }

    /// Where the counter that messages of a chat go by stands, for one of its members.
    pub fn chat_pts(&self, chat: ChatRef, member: i64) -> i32 {
        match chat {
            ChatRef::Channel(id) => self.channels.get(&id).map_or(1, |channel| channel.pts),
            ChatRef::Private { .. } => self.box_pts(member),
        }
    }

    pub(super) fn record(&mut self, chat: ChatRef, event: ChannelEvent) {
        match chat {
            ChatRef::Channel(id) => {
                if let Some(channel) = self.channels.get_mut(&id) {
                    channel.record(event);
                }
            }
            ChatRef::Private { bot, user } => {
                for owner in [bot, user] {
                    let found = self.boxes.entry(owner).or_default();
                    found.pts += 1;
                    found.events.push((found.pts, chat, event));
                }
            }
        }
    }
}
