//! What only few messages have: an invoice to be paid, or something that happened in place of a text.
//!
//! In: nothing. Out: plain data that hangs on a message. It must not decide anything.

use std::collections::BTreeMap;

use super::keyboards::Keyboard;
use super::shared::Shared;
use super::stars::{Invoice, Payment};
use super::topics::Topic;

/// What a message has beside text, file and buttons.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extra {
    /// What happened, if this is a service message.
    pub service: Option<Service>,
    /// What can be paid.
    pub invoice: Option<Invoice>,
    /// What it says about the keyboard under the place where one writes.
    pub keyboard: Option<Keyboard>,
    /// Emoji by who reacted.
    pub reactions: BTreeMap<i64, String>,
    /// The topic that it stands in.
    pub thread: Option<i32>,
    /// The bot that offered it to who sent it.
    pub via: Option<Via>,
    /// What a person lets the bot know.
    pub shared: Option<Shared>,
}

/// Where a message comes from that a bot has offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// The bot.
    pub bot: i64,
    /// `inline_message_id`, if it can be edited.
    pub inline_id: Option<String>,
}

/// What a service message tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Service {
    /// The person has paid the bot.
    Paid(Payment),
    /// The bot has given the Stars back.
    Refunded(Payment),
    /// Somebody came into a group.
    Joined(i64),
    /// Somebody went, or was taken out.
    Left(i64),
    /// A message was pinned.
    Pinned(i32),
    /// A topic was made.
    TopicCreated(Topic),
    /// A topic was changed.
    TopicEdited {
        /// Its new name.
        name: Option<String>,
        /// Its new icon; empty if it has none any more.
        icon_custom_emoji_id: Option<String>,
    },
    /// Only admins may write there now.
    TopicClosed,
    /// All may write there again.
    TopicReopened,
    /// The general topic is not shown any more.
    GeneralTopicHidden,
    /// It is shown again.
    GeneralTopicUnhidden,
    /// The group goes on as this supergroup.
    MigratedTo(i64),
    /// The supergroup was this group.
    MigratedFrom(i64),
}

impl Service {
    /// The name of the field that a message of the Bot API has for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Paid(_) => "successful_payment",
            Self::Refunded(_) => "refunded_payment",
            Self::Joined(_) => "new_chat_members",
            Self::Left(_) => "left_chat_member",
            Self::Pinned(_) => "pinned_message",
            Self::TopicCreated(_) => "forum_topic_created",
            Self::TopicEdited { .. } => "forum_topic_edited",
            Self::TopicClosed => "forum_topic_closed",
            Self::TopicReopened => "forum_topic_reopened",
            Self::GeneralTopicHidden => "general_forum_topic_hidden",
            Self::GeneralTopicUnhidden => "general_forum_topic_unhidden",
            Self::MigratedTo(_) => "migrate_to_chat_id",
            Self::MigratedFrom(_) => "migrate_from_chat_id",
        }
    }
}

impl From<Service> for Extra {
    fn from(service: Service) -> Self {
        Self { service: Some(service), ..Self::default() }
    }
}
