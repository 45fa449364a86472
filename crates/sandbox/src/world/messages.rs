//! What a message is made of.
//!
//! In: nothing. Out: plain data. How messages come, change and go is in `post`; this file must not decide anything.

use serde::{Deserialize, Serialize};

use super::chats::ChatRef;
use super::extras::Extra;

/// A message of a private chat or a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its number in its chat.
    pub id: i32,
    /// Where it is.
    pub chat: ChatRef,
    /// The person or bot that wrote it (for a channel post: who posted, which readers do not see).
    pub author: i64,
    /// Seconds since 1970.
    pub date: i32,
    /// When it was last edited.
    pub edit_date: Option<i32>,
    /// How often it was edited.
    pub edit_count: u32,
    /// The text, or the caption if there is media.
    pub text: String,
    /// Marks in the text.
    pub entities: Vec<Entity>,
    /// The file that it carries.
    pub media: Option<i64>,
    /// The album that it belongs to.
    pub group: Option<i64>,
    /// Inline buttons, in rows.
    pub buttons: Vec<Vec<Button>>,
    /// The message of the same chat that it answers.
    pub reply_to: Option<i32>,
    /// Where it was forwarded from.
    pub forward: Option<Forward>,
    /// Sent without a sound.
    pub silent: bool,
    /// Link previews are off.
    pub no_preview: bool,
    /// May not be forwarded or copied.
    pub protected: bool,
    /// Caption stands above the media.
    pub caption_above: bool,
    /// Media is covered until tapped.
    pub spoiler: bool,
    /// What only few messages have.
    pub extra: Extra,
}

/// A mark in a text. Offsets and lengths are in UTF-16 units (<https://core.telegram.org/bots/api#messageentity>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// The kind as the Bot API names it (`bold`, `url`, `text_link`, …).
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it begins.
    pub offset: usize,
    /// How long it is.
    pub length: usize,
    /// Of a `text_link`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of a `pre`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Of a `custom_emoji`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_emoji_id: Option<String>,
}

impl Entity {
    /// A mark without an argument.
    pub fn new(kind: &str, offset: usize, length: usize) -> Self {
        Self { kind: kind.to_owned(), offset, length, url: None, language: None, custom_emoji_id: None }
    }
}

/// An inline button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What is written on it.
    pub text: String,
    /// What it does.
    pub action: ButtonAction,
}

/// What an inline button does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ButtonAction {
    /// Sends these bytes to the bot.
    Callback(String),
    /// Opens a link.
    Url(String),
    /// Copies a text.
    CopyText(String),
    /// Pays the invoice above it.
    Pay,
    /// Types the bot's name and a text, here or in a chat that is chosen then.
    SwitchInline {
        /// The text.
        query: String,
        /// In this chat.
        here: bool,
    },
}

/// Where a forwarded message comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Forward {
    /// The first chat.
    pub chat: ChatRef,
    /// The id there.
    pub message_id: i32,
    /// Who wrote it.
    pub author: i64,
    /// When.
    pub date: i32,
}
