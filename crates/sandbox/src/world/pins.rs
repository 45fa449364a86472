//! Pinned messages and reactions.
//!
//! In: pins, reactions. Out: service messages, `message_reaction`, what is pinned. It must not judge who may pin.

use super::chats::ChatRef;
use super::extras::Service;
use super::updates::UpdateKind;
use super::{State, now_unix};

/// What a reaction may be (<https://core.telegram.org/bots/api#reactiontypeemoji>).
const REACTIONS: &str = "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 \
                         😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡";

/// A reaction as it is kept, which is without the variation selector; `None` if Telegram has no such one.
pub fn reaction(emoji: &str) -> Option<String> {
    let plain = emoji.replace('\u{fe0f}', "");
    REACTIONS.split_whitespace().any(|known| known == plain).then_some(plain)
}

impl State {
    /// Pins a message, on top of what is pinned already, and tells of it. `false` if there is no such message.
    pub fn pin(&mut self, chat: ChatRef, id: i32, by: i64) -> bool {
        if self.message(chat, id).is_none() {
            return false;
        }
        let pins = self.pins.entry(chat).or_default();
        pins.retain(|pinned| *pinned != id);
        pins.push(id);
        self.post_service(chat, by, Service::Pinned(id));
        true
    }

    /// Takes a pin away. `false` if the message was not pinned.
    pub fn unpin(&mut self, chat: ChatRef, id: i32) -> bool {
        let pins = self.pins.entry(chat).or_default();
        let before = pins.len();
        pins.retain(|pinned| *pinned != id);
        pins.len() < before
    }

    /// The message that was pinned last and is still there.
    pub fn pinned(&self, chat: ChatRef) -> Option<i32> {
        self.pins.get(&chat)?.iter().rev().copied().find(|id| self.message(chat, *id).is_some())
    }

    /// Puts somebody's reaction (none takes it away) on a message. Bots hear of those of people, in their own chats and where they are admins. `false` if there
    /// is no such message.
    pub fn react(&mut self, chat: ChatRef, id: i32, user: i64, emoji: Option<String>) -> bool {
        let Ok(Some(message)) = self.messages_of_mut(chat).map(|messages| messages.get_mut(&id)) else {
            return false;
        };
        let reactions = &mut message.extra.reactions;
        let old = match emoji.clone() {
            Some(emoji) => reactions.insert(user, emoji),
            None => reactions.remove(&user),
        };
        if old == emoji || self.bots.contains_key(&user) {
            return true;
        }
        let bots = match chat {
            ChatRef::Private { bot, .. } => vec![bot],
            ChatRef::Channel(id) => self.channels.get(&id).map_or_else(Vec::new, |channel| channel.admins.keys().copied().collect()),
        };
        for bot in bots {
            self.queue_update(
                bot,
                UpdateKind::Reaction { chat, message: id, user, old: old.clone(), new: emoji.clone(), date: now_unix() },
            );
        }
        true
    }
}
