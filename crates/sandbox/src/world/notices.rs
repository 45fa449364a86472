//! What happened in a chat, as the small line in the middle that a chat app shows of it.
//!
//! In: a service message and who looks. Out: a sentence, and the message that it is about. It must not change anything.

use serde::Serialize;

use super::State;
use super::extras::Service;
use super::messages::Message;

/// How much of a pinned message is quoted, in characters.
const QUOTED: usize = 40;

/// The line of a service message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The sentence.
    pub text: String,
    /// The message of the same chat that it is about.
    pub about: Option<i32>,
}

impl State {
    /// The line of a service message as `person` reads it; `None` for other messages.
    pub(super) fn notice(&self, message: &Message, person: i64) -> Option<Notice> {
        let service = message.extra.service.as_ref()?;
        let about = match service {
            Service::Pinned(id) => Some(*id),
            _ => None,
        };
        Some(Notice { text: self.sentence(message, service, person), about })
    }

    fn sentence(&self, message: &Message, service: &Service, person: i64) -> String {
        let name = |id: i64| if id == person { "you".to_owned() } else { self.name_of(id) };
        let who = if message.author == person { "You".to_owned() } else { self.name_of(message.author) };
        let other = match message.chat {
            super::ChatRef::Private { bot, .. } => self.name_of(bot),
            super::ChatRef::Channel(_) => String::new(),
        };
        match service {
            Service::Paid(payment) => {
                let what = self.stars.charge(&payment.charge).map_or("", |charge| &charge.invoice.title);
                format!("{who} paid {} to {other} for “{what}”", stars(payment.amount))
            }
            Service::Refunded(payment) => format!("{other} gave {} back to {}", stars(payment.amount), name(message.author)),
            Service::Joined(id) if *id == message.author => format!("{who} joined the group"),
            Service::Joined(id) => format!("{who} added {}", name(*id)),
            Service::Left(id) if *id == message.author => format!("{who} left the group"),
            Service::Left(id) => format!("{who} removed {}", name(*id)),
            Service::Pinned(id) => format!("{who} pinned {}", self.pinned_words(message, *id)),
            Service::TopicCreated(topic) => format!("{who} made the topic “{}”", topic.name),
            Service::TopicEdited { name: Some(name), .. } => format!("{who} renamed the topic to “{name}”"),
            Service::TopicEdited { name: None, .. } => format!("{who} changed the topic's icon"),
            Service::TopicClosed => format!("{who} closed the topic"),
            Service::TopicReopened => format!("{who} opened the topic again"),
            Service::GeneralTopicHidden => format!("{who} hid the general topic"),
            Service::GeneralTopicUnhidden => format!("{who} showed the general topic again"),
            Service::MigratedTo(_) => "This group goes on as a supergroup".to_owned(),
            Service::MigratedFrom(_) => "This supergroup was a group before".to_owned(),
        }
    }

    fn pinned_words(&self, notice: &Message, id: i32) -> String {
        let Some(pinned) = self.message(notice.chat, id) else {
            return "a message that is gone".to_owned();
        };
        let words = pinned.text.lines().next().unwrap_or_default();
        if words.is_empty() {
            return "a message".to_owned();
        }
        let cut: String = words.chars().take(QUOTED).collect();
        format!("“{cut}{}”", if cut.len() < words.len() { "…" } else { "" })
    }
}

fn stars(amount: i64) -> String {
    format!("{amount} {}", if amount == 1 { "Star" } else { "Stars" })
}
