//! Topics of forums as TL objects (<https://core.telegram.org/type/ForumTopic>).
//!
//! In: topics of the world and who looks. Out: `forumTopic`, with the newest messages and whom they mention. It must not change anything.

use grammers_tl_types as tl;

use super::tl_view::Mentioned;
use super::{tl_blank, tl_message, tl_view};
use crate::world::topics::GENERAL_ID;
use crate::world::{Channel, ChatRef, Message, State};

/// These topics of a forum, out of so many.
pub(super) fn bundled(state: &State, viewer: i64, channel: i64, ids: &[i32], total: usize) -> tl::enums::messages::ForumTopics {
    let mut mentioned = Mentioned::default();
    mentioned.channel(channel);
    let (mut topics, mut messages) = (Vec::new(), Vec::new());
    for id in ids {
        let newest = newest(state, channel, *id);
        if let Some(newest) = newest {
            mentioned.message(newest);
            messages.push(tl_message::message(state, viewer, newest));
        }
        let found = state.channels.get(&channel).and_then(|found| topic(state, viewer, found, *id, newest));
        if let Some((creator, found)) = found {
            mentioned.user(creator);
            topics.push(tl::enums::ForumTopic::Topic(found));
        } else {
            topics.push(tl::enums::ForumTopic::Deleted(tl::types::ForumTopicDeleted { id: *id }));
        }
    }
    tl::enums::messages::ForumTopics::Topics(tl::types::messages::ForumTopics {
        order_by_create_date: true,
        count: i32::try_from(total).unwrap_or(i32::MAX),
        topics,
        messages,
        chats: mentioned.chats(state, viewer),
        users: mentioned.users(state, viewer),
        pts: state.channels.get(&channel).map_or(1, |channel| channel.pts),
    })
}

/// A topic, and who made it.
fn topic(state: &State, viewer: i64, channel: &Channel, id: i32, newest: Option<&Message>) -> Option<(i64, tl::types::ForumTopic)> {
    let chat = ChatRef::Channel(channel.id);
    let made = state.topics_of(chat)?.get(&id);
    if made.is_none() && id != GENERAL_ID {
        return None;
    }
    let general = state.general_topic(channel.id);
    let creator = made.map_or(channel.creator, |topic| topic.creator);
    let top_message = newest.map_or(id, |message| message.id);
    let topic = tl::types::ForumTopic {
        my: creator == viewer,
        closed: made.map_or(general.closed, |topic| topic.closed),
        pinned: false,
        short: false,
        hidden: made.is_none() && general.hidden,
        title_missing: false,
        id,
        date: state.message(chat, id).map_or(channel.date, |message| message.date),
        peer: tl_view::peer(chat, viewer),
        title: made.map_or(general.name, |topic| topic.name.clone()),
        icon_color: made.map_or(0, |topic| topic.icon_color),
        icon_emoji_id: made.and_then(|topic| topic.icon_custom_emoji_id.as_ref()?.parse().ok()),
        top_message,
        read_inbox_max_id: top_message,
        read_outbox_max_id: top_message,
        unread_count: 0,
        unread_mentions_count: 0,
        unread_reactions_count: 0,
        unread_poll_votes_count: 0,
        from_id: tl_view::user_peer(creator),
        notify_settings: tl_blank::notify_settings(),
        draft: None,
    };
    Some((creator, topic))
}

fn newest(state: &State, channel: i64, id: i32) -> Option<&Message> {
    let thread = (id != GENERAL_ID).then_some(id);
    state.messages_of(ChatRef::Channel(channel))?.values().rev().find(|message| message.extra.thread == thread)
}
