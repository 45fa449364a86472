//! Topics of forums.
//!
//! In: `createForumTopic` and its like, and `message_thread_id` of what is sent. Out: topics, threads, or the refusal: TDLib's `ForumTopicManager.cpp`,
//! telegram-bot-api's `Client.cpp` (`check_reply_parameters`); what only Telegram's servers check has the names listed at
//! <https://core.telegram.org/method/messages.editForumTopic>. It must not send messages.

use serde_json::{Value, json};

use super::Call;
use super::access::{may_write, rights_in};
use super::pins::may_pin;
use super::reply::{Answer, ApiError};
use crate::world::topics::{ICON_COLORS, Topic};
use crate::world::{ChatRef, Service, State};

/// The longest name, in characters (<https://core.telegram.org/bots/api#createforumtopic>).
const MAX_NAME: usize = 128;

impl Call {
    /// The thread that a message is to stand in. Only forums have any; in other groups the number is passed over, as at Telegram. What stands in no topic
    /// is in the general one, which is not named.
    pub(super) fn thread(&self, chat: ChatRef) -> Result<Option<i32>, ApiError> {
        let not_found = || ApiError::bad_request("message thread not found");
        let is_open = |state: &State, channel: i64, thread: Option<i32>| match rights_in(state, channel, self.bot).manage_topics
            || state.topic_is_open(channel, thread, self.bot)
        {
            true => Ok(thread),
            false => Err(ApiError::bad_request("TOPIC_CLOSED")),
        };
        let thread = self.params.number::<i32>("message_thread_id").filter(|thread| *thread != 0);
        self.world().read(|state| match (chat, state.topics_of(chat), thread) {
            (ChatRef::Private { .. }, _, None) => Ok(None),
            // Topics in the chat of a person with a bot are not served.
            (ChatRef::Private { .. }, _, Some(_)) => Err(not_found()),
            (ChatRef::Channel(_), None, _) => Ok(None),
            (ChatRef::Channel(_), Some(topics), Some(thread)) if !topics.contains_key(&thread) => Err(not_found()),
            (ChatRef::Channel(channel), Some(_), thread) => is_open(state, channel, thread),
        })
    }
}

/// `createForumTopic`.
pub(super) fn create(call: &Call) -> Answer {
    let name = name(call).ok_or_else(|| ApiError::bad_request("name must be non-empty"))?;
    let color = call.params.number::<i32>("icon_color").filter(|color| *color != 0).unwrap_or(ICON_COLORS[0]);
    if !ICON_COLORS.contains(&color) {
        return Err(ApiError::bad_request("invalid icon color specified"));
    }
    let emoji = call.params.text("icon_custom_emoji_id").map(str::to_owned);
    let channel = forum(call)?;
    call.world().change(|state| {
        if !rights_in(state, channel, call.bot).manage_topics {
            return Err(ApiError::bad_request("not enough rights to create a topic"));
        }
        let topic = state.create_topic(channel, call.bot, &name, color, emoji).ok_or_else(not_a_forum)?;
        let mut object = look(&topic);
        object["message_thread_id"] = json!(topic.id);
        Ok(object)
    })
}

/// `editForumTopic`.
pub(super) fn edit(call: &Call) -> Answer {
    let name = name(call);
    let emoji = call.params.was_given("icon_custom_emoji_id").then(|| call.params.text("icon_custom_emoji_id").map(str::to_owned));
    changes(call, "not enough rights to edit the topic", |topic| topic.relabel(name, emoji))
}

/// `closeForumTopic` and `reopenForumTopic`.
pub(super) fn set_closed(call: &Call, closed: bool) -> Answer {
    changes(call, "not enough rights to close or open the topic", |topic| topic.set_closed(closed))
}

/// `deleteForumTopic`.
pub(super) fn delete(call: &Call) -> Answer {
    let channel = forum(call)?;
    let topic = topic(call, channel)?;
    call.world().change(|state| {
        if !rights_in(state, channel, call.bot).delete_messages {
            return Err(ApiError::bad_request("not enough rights to delete the topic"));
        }
        Ok(Value::Bool(state.delete_topic(channel, topic.id)))
    })
}

/// `unpinAllForumTopicMessages`.
pub(super) fn unpin_all(call: &Call) -> Answer {
    let channel = forum(call)?;
    let topic = topic(call, channel)?;
    unpin_in(call, channel, Some(topic.id))
}

/// Takes away what is pinned in one topic (`None` is the general one).
pub(super) fn unpin_in(call: &Call, channel: i64, thread: Option<i32>) -> Answer {
    let chat = ChatRef::Channel(channel);
    call.world().change(|state| {
        may_pin(state, call.bot, chat)?;
        let pinned = state.pins.get(&chat).cloned().unwrap_or_default();
        let in_it = |id: &i32| state.message(chat, *id).is_some_and(|message| message.extra.thread == thread);
        for id in pinned.into_iter().filter(in_it).collect::<Vec<_>>() {
            state.unpin(chat, id);
        }
        Ok(Value::Bool(true))
    })
}

/// Changes a topic, unless nothing would be different.
fn changes(call: &Call, no_rights: &str, change: impl FnOnce(&mut Topic) -> Option<Service>) -> Answer {
    let channel = forum(call)?;
    let mut topic = topic(call, channel)?;
    call.world().change(|state| {
        // Who made a topic may always change it.
        if !rights_in(state, channel, call.bot).manage_topics && topic.creator != call.bot {
            return Err(ApiError::bad_request(no_rights));
        }
        let service = change(&mut topic).ok_or_else(|| ApiError::bad_request("TOPIC_NOT_MODIFIED"))?;
        Ok(Value::Bool(state.change_topic(channel, call.bot, topic, service)))
    })
}

/// The forum that the call means, in which the bot may write.
pub(super) fn forum(call: &Call) -> Result<i64, ApiError> {
    let chat = call.chat("chat_id")?;
    call.world().read(|state| {
        may_write(state, call.bot, chat)?;
        match chat {
            ChatRef::Channel(id) if state.topics_of(chat).is_some() => Ok(id),
            _ => Err(not_a_forum()),
        }
    })
}

fn topic(call: &Call, channel: i64) -> Result<Topic, ApiError> {
    let id = call.params.number::<i32>("message_thread_id").unwrap_or(0);
    let found = call.world().read(|state| state.topics.get(&channel).and_then(|topics| topics.get(&id)).cloned());
    found.ok_or_else(|| ApiError::bad_request("TOPIC_ID_INVALID"))
}

/// The name that was given. A long one is cut, as TDLib's `clean_name` does.
pub(super) fn name(call: &Call) -> Option<String> {
    let name = call.params.text("name").map(str::trim).filter(|name| !name.is_empty())?;
    Some(name.chars().take(MAX_NAME).collect())
}

fn not_a_forum() -> ApiError {
    ApiError::bad_request("the chat is not a forum")
}

/// `ForumTopicCreated`.
pub(super) fn look(topic: &Topic) -> Value {
    let mut object = json!({"name": topic.name, "icon_color": topic.icon_color});
    if let Some(emoji) = &topic.icon_custom_emoji_id {
        object["icon_custom_emoji_id"] = json!(emoji);
    }
    object
}
