//! Topics of a forum: a supergroup whose messages stand in threads (<https://core.telegram.org/api/forum>).
//!
//! In: topics made, changed, closed, deleted. Out: service messages, and threads that messages name. A topic's number is that of the message that began it.
//! It must not judge who may do what.

use std::collections::BTreeMap;

use super::chats::ChatRef;
use super::extras::{Extra, Service};
use super::post::NewMessage;
use super::{State, World};

/// The colours that a topic's icon may have (<https://core.telegram.org/bots/api#createforumtopic>); the first if none is asked for.
pub const ICON_COLORS: [i32; 6] = [0x006F_B9F0, 0x00FF_D67E, 0x00CB_86DB, 0x008E_EE98, 0x00FF_93B2, 0x00FB_6F5F];

/// The number of the general topic over MTProto; the Bot API does not name it.
pub const GENERAL_ID: i32 = 1;

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// `message_thread_id`.
    pub id: i32,
    /// Its name.
    pub name: String,
    /// RGB.
    pub icon_color: i32,
    /// In place of the first letter.
    pub icon_custom_emoji_id: Option<String>,
    /// Only admins may write.
    pub closed: bool,
    /// Who made it.
    pub creator: i64,
}

/// The topic that every forum has, for what stands in no other. It cannot be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneralTopic {
    /// Its name.
    pub name: String,
    /// Only admins may write.
    pub closed: bool,
    /// Clients do not show it.
    pub hidden: bool,
}

impl Default for GeneralTopic {
    fn default() -> Self {
        Self { name: "General".to_owned(), closed: false, hidden: false }
    }
}

impl State {
    /// The topics of a supergroup; `None` if it is no forum.
    pub fn topics_of(&self, chat: ChatRef) -> Option<&BTreeMap<i32, Topic>> {
        match chat {
            ChatRef::Channel(id) => self.topics.get(&id),
            ChatRef::Private { .. } => None,
        }
    }

    /// Makes a topic, and tells of it. `None` if there is no such forum.
    pub fn create_topic(
        &mut self,
        channel: i64,
        by: i64,
        name: &str,
        icon_color: i32,
        icon_custom_emoji_id: Option<String>,
    ) -> Option<Topic> {
        // The message that begins a topic stands in it already.
        let id = self.channels.get(&channel)?.next_message_id;
        let topic = Topic { id, name: name.to_owned(), icon_color, icon_custom_emoji_id, closed: false, creator: by };
        self.topics.get_mut(&channel)?.insert(id, topic.clone());
        self.tell_topic(channel, by, Some(id), Service::TopicCreated(topic.clone()));
        Some(topic)
    }

    /// Puts a topic in the place of what it was before, and tells of it by `service`. `false` if there is none.
    pub fn change_topic(&mut self, channel: i64, by: i64, topic: Topic, service: Service) -> bool {
        let id = topic.id;
        let Some(found) = self.topics.get_mut(&channel).and_then(|topics| topics.get_mut(&id)) else {
            return false;
        };
        *found = topic;
        self.tell_topic(channel, by, Some(id), service);
        true
    }

    /// Deletes a topic with all its messages. `false` if there is none.
    pub fn delete_topic(&mut self, channel: i64, id: i32) -> bool {
        if self.topics.get_mut(&channel).and_then(|topics| topics.remove(&id)).is_none() {
            return false;
        }
        let chat = ChatRef::Channel(channel);
        let in_it = self.messages_of(chat).into_iter().flatten().filter(|(_, message)| message.extra.thread == Some(id));
        for message in in_it.map(|(message, _)| *message).collect::<Vec<_>>() {
            if let Err(error) = self.delete(chat, message) {
                tracing::error!(%error, "a message of a topic could not be deleted");
            }
        }
        true
    }

    /// The general topic of a forum.
    pub fn general_topic(&self, channel: i64) -> GeneralTopic {
        self.general_topics.get(&channel).cloned().unwrap_or_default()
    }

    /// Puts the general topic in the place of what it was before, and tells of it by `service`.
    pub fn change_general_topic(&mut self, channel: i64, by: i64, topic: GeneralTopic, service: Service) {
        self.general_topics.insert(channel, topic);
        self.tell_topic(channel, by, None, service);
    }

    /// Whether who does not manage topics may write in this one (`None` is the general one). Who made a topic always may.
    pub fn topic_is_open(&self, channel: i64, thread: Option<i32>, user: i64) -> bool {
        let Some(topics) = self.topics.get(&channel) else {
            return true;
        };
        match thread {
            None => !self.general_topic(channel).closed,
            Some(id) => topics.get(&id).is_some_and(|topic| !topic.closed || topic.creator == user),
        }
    }

    fn tell_topic(&mut self, channel: i64, author: i64, thread: Option<i32>, service: Service) {
        let extra = Extra { thread, ..service.into() };
        if let Err(error) = self.post(ChatRef::Channel(channel), NewMessage { author, extra, ..NewMessage::default() }) {
            tracing::error!(%error, "a topic could not be told of");
        }
    }
}

impl World {
    /// Makes a supergroup a forum, as its owner would. `false` if it is none.
    pub fn make_forum(&self, channel: i64) -> bool {
        self.change(|state| {
            let found = state.channels.get(&channel).is_some_and(|found| found.kind_name() == "supergroup" && !found.deleted);
            if found {
                state.topics.entry(channel).or_default();
            }
            found
        })
    }
}
