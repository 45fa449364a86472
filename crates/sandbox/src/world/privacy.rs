//! What a bot hears in a group (<https://core.telegram.org/bots/features#privacy-mode>).
//!
//! In: a message and a bot. Out: whether the bot is told of it. It must not change anything.

use super::State;
use super::chats::{Channel, ChatRef};
use super::messages::{Entity, Message};

impl State {
    /// An admin, and a bot without privacy mode, hears everything that people write; others hear service messages and what is meant for them: commands with
    /// their name, commands without a name unless another bot spoke last, replies to what they wrote or what was meant for them, mentions, and what came
    /// through them. No bot hears another.
    pub(super) fn hears(&self, bot: i64, channel: &Channel, message: &Message) -> bool {
        if message.author == bot || message.extra.service.is_none() && self.bots.contains_key(&message.author) {
            return false;
        }
        channel.admins.contains_key(&bot)
            || !self.settings_of(bot).privacy_mode
            || message.extra.service.is_some()
            || self.is_meant_for(bot, channel, message)
    }

    fn is_meant_for(&self, bot: i64, channel: &Channel, message: &Message) -> bool {
        let Some(name) = self.users.get(bot).and_then(|user| user.username.as_deref()) else {
            return false;
        };
        let is_me = |other: &str| other.eq_ignore_ascii_case(name);
        let addressed = message.entities.iter().any(|entity| {
            let marked = marked_text(&message.text, entity);
            match entity.kind.as_str() {
                "bot_command" => match marked.split_once('@') {
                    Some((_, other)) => is_me(other),
                    None => self.spoke_last(bot, channel, message.id),
                },
                "mention" => is_me(marked.trim_start_matches('@')),
                _ => false,
            }
        });
        let answers = || {
            let answered = message.reply_to.and_then(|id| self.message(ChatRef::Channel(channel.id), id));
            answered.is_some_and(|answered| answered.author == bot || self.is_meant_for(bot, channel, answered))
        };
        let through_me = message.extra.via.as_ref().is_some_and(|via| via.bot == bot);
        addressed || through_me || answers()
    }

    /// No other bot wrote after this one.
    fn spoke_last(&self, bot: i64, channel: &Channel, before: i32) -> bool {
        let mut earlier = channel.messages.range(..before).rev().map(|(_, message)| message);
        let last = earlier.find(|message| message.extra.service.is_none() && self.bots.contains_key(&message.author));
        last.is_none_or(|message| message.author == bot)
    }
}

/// The part of a text that a mark is on.
fn marked_text(text: &str, entity: &Entity) -> String {
    let units: Vec<u16> = text.encode_utf16().skip(entity.offset).take(entity.length).collect();
    String::from_utf16_lossy(&units)
}
