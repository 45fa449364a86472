//! Being the user who reacts and pins, and what a bot shows of itself to them.
//!
//! In: reactions, pins. Out: commands, the menu button, what is pinned. It must not write messages.

use serde_json::{Value, json};

use super::TestUser;
use crate::world::pins;

impl TestUser {
    /// Reacts to a message with an emoji, or with `None` takes that back. `false` if there is no such message, or Telegram has no such reaction.
    pub fn reacts(&self, message_id: i32, emoji: Option<&str>) -> bool {
        let known = emoji.map(pins::reaction);
        let is_known = !matches!(known, Some(None));
        is_known && self.world.change(|state| state.react(self.chat(), message_id, self.user, known.flatten()))
    }

    /// Pins a message. `false` if there is no such message.
    pub fn pins(&self, message_id: i32) -> bool {
        self.world.change(|state| state.pin(self.chat(), message_id, self.user))
    }

    /// The message that is pinned on top.
    pub fn pinned(&self) -> Option<i32> {
        self.world.read(|state| state.pinned(self.chat()))
    }

    /// The names of the commands that the bot shows in this chat to this person.
    pub fn commands(&self) -> Vec<String> {
        let commands = self.world.read(|state| state.commands_for(self.bot, self.user, self.chat()).cloned());
        let names = commands.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(|command| command["command"].as_str());
        names.map(str::to_owned).collect()
    }

    /// The button beside the place where one writes, as `MenuButton` of the Bot API.
    pub fn menu_button(&self) -> Value {
        self.world.read(|state| {
            let buttons = state.bots.get(&self.bot).map(|bot| &bot.profile.menu_buttons);
            let of = |person: Option<i64>| buttons.and_then(|buttons| buttons.get(&person)).filter(|button| button["type"] != "default");
            of(Some(self.user)).or_else(|| of(None)).cloned().unwrap_or_else(|| json!({"type": "commands"}))
        })
    }

    /// The person's language, as the app is set (an IETF tag).
    pub fn speaks(&self, language: &str) {
        self.world.change(|state| state.users.get_mut(self.user).map(|user| user.language_code = Some(language.to_owned())));
    }
}
