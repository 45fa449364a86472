//! Reply keyboards: the buttons under the place where a person writes (<https://core.telegram.org/bots/features#keyboards>).
//!
//! In: the messages of a chat. Out: the keyboard that is shown now. It must not press anything.

use serde::Serialize;

use super::State;
use super::chats::ChatRef;

/// What a message says about the keyboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Keyboard {
    /// It is shown.
    Shown {
        /// What is written on the buttons.
        rows: Vec<Vec<KeyboardButton>>,
        /// It goes away when a button was pressed.
        one_time: bool,
        /// As small as it can be.
        resize: bool,
        /// It cannot be put away.
        persistent: bool,
        /// Shown where one writes.
        placeholder: String,
    },
    /// It goes away.
    Removed,
    /// The person is made to reply.
    ForceReply {
        /// Shown where one writes.
        placeholder: String,
    },
}

/// A button of a reply keyboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyboardButton {
    /// What is written on it, and sent.
    pub text: String,
    /// What it asks for in place of the text (`contact`, `location`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asks_for: Option<&'static str>,
}

impl State {
    /// What a chat's newest message about the keyboard says to a person, with its number, unless that is nothing or was a keyboard for one time that was used.
    pub fn keyboard_of(&self, chat: ChatRef, user: i64) -> Option<(i32, &Keyboard)> {
        let messages = self.messages_of(chat)?;
        let (id, keyboard) = messages.iter().rev().find_map(|(id, message)| Some((*id, message.extra.keyboard.as_ref()?)))?;
        let used = || messages.range(id + 1..).any(|(_, message)| message.author == user);
        match keyboard {
            Keyboard::Removed => None,
            Keyboard::ForceReply { .. } | Keyboard::Shown { one_time: true, .. } if used() => None,
            shown => Some((id, shown)),
        }
    }
}
