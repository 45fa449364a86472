//! Topics of forums (<https://core.telegram.org/api/forum>): made, shown, changed, deleted; and the messages that stand in one.
//!
//! In: calls of members and admins. Out: `updates`, topics, messages. Errors are those of the methods' pages, such as
//! <https://core.telegram.org/method/messages.editForumTopic>. It must not send texts (`messages` does).

use grammers_tl_types as tl;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::peers;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::tl_view::{self, Mentioned};
use crate::mtproto::{tl_message, tl_topic, tl_update};
use crate::world::groups::is_basic;
use crate::world::topics::{GENERAL_ID, ICON_COLORS};
use crate::world::{ChatRef, NewMessage, State};

/// The longest title, in characters (<https://core.telegram.org/bots/api#createforumtopic>).
const MAX_TITLE: usize = 128;
/// The most topics of one answer.
const MAX_PAGE: usize = 100;

/// `channels.toggleForum`: by who owns the supergroup.
pub(super) async fn toggle_forum(caller: &Caller, call: tl::functions::channels::ToggleForum) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    caller.world().change(|state| {
        let channel = peers::channel(state, me, &call.channel)?;
        let id = channel.id;
        if !channel.megagroup || is_basic(id) {
            return Err(RpcError::bad("CHANNEL_INVALID"));
        }
        if channel.creator != me {
            return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
        }
        if state.topics.contains_key(&id) == call.enabled {
            return Err(RpcError::bad("CHAT_NOT_MODIFIED"));
        }
        if call.enabled {
            state.topics.insert(id, Default::default());
        } else {
            state.topics.remove(&id);
        }
        let update = tl::enums::Update::Channel(tl::types::UpdateChannel { channel_id: id });
        Ok(tl_view::updates(state, me, vec![update], Mentioned::default().channel(id)))
    })
}

/// `messages.createForumTopic`: by any member, and by bots that manage topics.
pub(super) async fn create(caller: &Caller, call: tl::functions::messages::CreateForumTopic) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    let title = title(&call.title).ok_or_else(|| RpcError::bad("TOPIC_TITLE_EMPTY"))?;
    let color = call.icon_color.unwrap_or(ICON_COLORS[0]);
    if !ICON_COLORS.contains(&color) {
        return Err(RpcError::bad("ICON_COLOR_INVALID"));
    }
    super::messages::once(caller, me, &[call.random_id], || {
        caller.world().change(|state| {
            let channel = forum(state, me, &call.peer)?;
            if state.bots.contains_key(&me) && !manages(state, channel, me) {
                return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
            }
            let emoji = call.icon_emoji_id.map(|id| id.to_string());
            let topic = state.create_topic(channel, me, &title, color, emoji).ok_or_else(not_a_forum)?;
            let known = tl::enums::Update::MessageId(tl::types::UpdateMessageId { id: topic.id, random_id: call.random_id });
            told(caller, state, me, channel, vec![known])
        })
    })
}

/// `messages.editForumTopic`: by who made it, or manages topics; the general one by the latter.
pub(super) async fn edit(caller: &Caller, call: tl::functions::messages::EditForumTopic) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    let new_title = match &call.title {
        Some(new) => Some(title(new).ok_or_else(|| RpcError::bad("TOPIC_TITLE_EMPTY"))?),
        None => None,
    };
    let others = new_title.is_some() || call.icon_emoji_id.is_some();
    if call.closed.is_some() && (others || call.hidden.is_some()) {
        return Err(RpcError::bad("TOPIC_CLOSE_SEPARATELY"));
    }
    if call.hidden.is_some() && others {
        return Err(RpcError::bad("TOPIC_HIDE_SEPARATELY"));
    }
    caller.world().change(|state| {
        let channel = forum(state, me, &call.peer)?;
        let topic = state.topics.get(&channel).and_then(|topics| topics.get(&call.topic_id)).cloned();
        if !manages(state, channel, me) && topic.as_ref().is_none_or(|topic| topic.creator != me) {
            return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
        }
        let unchanged = || RpcError::bad("TOPIC_NOT_MODIFIED");
        if call.topic_id == GENERAL_ID {
            if call.icon_emoji_id.is_some() {
                return Err(RpcError::bad("GENERAL_MODIFY_ICON_FORBIDDEN"));
            }
            let mut general = state.general_topic(channel);
            let service = match (new_title, call.closed, call.hidden) {
                (Some(name), ..) => general.rename(&name),
                (None, Some(closed), _) => general.set_closed(closed),
                (None, None, Some(hidden)) => general.set_hidden(hidden),
                (None, None, None) => None,
            };
            state.change_general_topic(channel, me, general, service.ok_or_else(unchanged)?);
            return told(caller, state, me, channel, Vec::new());
        }
        let mut topic = topic.ok_or_else(|| RpcError::bad("TOPIC_ID_INVALID"))?;
        if call.hidden.is_some() {
            return Err(RpcError::bad("TOPIC_ID_INVALID"));
        }
        let service = match call.closed {
            Some(closed) => topic.set_closed(closed),
            // 0 takes the icon away.
            None => topic.relabel(new_title, call.icon_emoji_id.map(|id| (id != 0).then(|| id.to_string()))),
        };
        state.change_topic(channel, me, topic, service.ok_or_else(unchanged)?);
        told(caller, state, me, channel, Vec::new())
    })
}

/// `messages.getForumTopics`: the general one first, then the newest; by a part of the title.
pub(super) async fn get(
    caller: &Caller,
    call: tl::functions::messages::GetForumTopics,
) -> Result<tl::enums::messages::ForumTopics, RpcError> {
    let me = caller.user()?;
    let wanted = call.q.unwrap_or_default().to_lowercase();
    caller.world().read(|state| {
        let channel = forum(state, me, &call.peer)?;
        let made = state.topics.get(&channel).into_iter().flat_map(|topics| topics.values().rev());
        let mut ids: Vec<i32> = made.filter(|topic| topic.name.to_lowercase().contains(&wanted)).map(|topic| topic.id).collect();
        if state.general_topic(channel).name.to_lowercase().contains(&wanted) {
            ids.insert(0, GENERAL_ID);
        }
        let total = ids.len();
        let after = ids.iter().position(|id| *id == call.offset_topic).map_or(0, |at| at + 1);
        let page = usize::try_from(call.limit).unwrap_or(0).min(MAX_PAGE);
        let ids: Vec<i32> = ids.into_iter().skip(after).take(page).collect();
        Ok(tl_topic::bundled(state, me, channel, &ids, total))
    })
}

/// `messages.getForumTopicsByID`: what is not there comes as `forumTopicDeleted`.
pub(super) async fn get_by_id(
    caller: &Caller,
    call: tl::functions::messages::GetForumTopicsById,
) -> Result<tl::enums::messages::ForumTopics, RpcError> {
    let me = caller.user()?;
    caller.world().read(|state| {
        let channel = forum(state, me, &call.peer)?;
        let ids: Vec<i32> = call.topics.into_iter().take(MAX_PAGE).collect();
        Ok(tl_topic::bundled(state, me, channel, &ids, ids.len()))
    })
}

/// `messages.deleteTopicHistory`: the topic goes with all that stands in it.
pub(super) async fn delete(
    caller: &Caller,
    call: tl::functions::messages::DeleteTopicHistory,
) -> Result<tl::enums::messages::AffectedHistory, RpcError> {
    let me = caller.user()?;
    caller.world().change(|state| {
        let channel = forum(state, me, &call.peer)?;
        let rights = state.channels.get(&channel).and_then(|channel| channel.rights_of(me)).unwrap_or_default();
        if !rights.delete_messages {
            return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
        }
        let chat = ChatRef::Channel(channel);
        let before = state.chat_pts(chat, me);
        if !state.delete_topic(channel, call.top_msg_id) {
            return Err(RpcError::bad("TOPIC_ID_INVALID"));
        }
        let pts = state.chat_pts(chat, me);
        for known in before + 1..=pts {
            caller.knows(chat, known);
        }
        let affected = tl::types::messages::AffectedHistory { pts, pts_count: pts - before, offset: 0 };
        Ok(tl::enums::messages::AffectedHistory::History(affected))
    })
}

/// Puts a message into the topic that it is to stand in: the one that the call names (`top_msg_id`, in `new.extra.thread`), the one that it answers, or that of
/// the message that it answers. Errors: the topic is gone, or closed for `me`.
pub(super) fn place(state: &State, chat: ChatRef, me: i64, new: &mut NewMessage) -> Result<(), RpcError> {
    let named = new.extra.thread.take().filter(|topic| *topic != GENERAL_ID);
    let (ChatRef::Channel(channel), Some(topics)) = (chat, state.topics_of(chat)) else {
        return Ok(());
    };
    new.reply_to = new.reply_to.filter(|id| *id != GENERAL_ID);
    let answered = new.reply_to.and_then(|id| if topics.contains_key(&id) { Some(id) } else { state.message(chat, id)?.extra.thread });
    let topic = named.or(answered);
    if topic.is_some_and(|topic| !topics.contains_key(&topic)) {
        return Err(RpcError::bad("TOPIC_DELETED"));
    }
    if !manages(state, channel, me) && !state.topic_is_open(channel, topic, me) {
        return Err(RpcError::bad("TOPIC_CLOSED"));
    }
    // What answers the beginning of a topic only stands in it.
    new.reply_to = new.reply_to.filter(|id| Some(*id) != topic);
    new.extra.thread = topic;
    Ok(())
}

/// The answer to a call that brought a service message about, which is the newest one.
fn told(
    caller: &Caller,
    state: &State,
    me: i64,
    channel: i64,
    mut updates: Vec<tl::enums::Update>,
) -> Result<tl::enums::Updates, RpcError> {
    let chat = ChatRef::Channel(channel);
    let newest = state.messages_of(chat).and_then(|all| all.values().next_back());
    let message = newest.ok_or_else(|| RpcError::internal("nothing was told"))?;
    let pts = state.chat_pts(chat, me);
    caller.knows(chat, pts);
    updates.push(tl_update::posted(chat, tl_message::message(state, me, message), pts));
    Ok(tl_view::updates(state, me, updates, Mentioned::default().message(message)))
}

fn forum(state: &State, me: i64, peer: &tl::enums::InputPeer) -> Result<i64, RpcError> {
    let chat = peers::chat(state, me, peer)?;
    match chat {
        ChatRef::Channel(id) if state.topics_of(chat).is_some() => Ok(id),
        _ => Err(not_a_forum()),
    }
}

fn not_a_forum() -> RpcError {
    RpcError::bad("CHANNEL_FORUM_MISSING")
}

fn manages(state: &State, channel: i64, user: i64) -> bool {
    state.channels.get(&channel).and_then(|channel| channel.rights_of(user)).is_some_and(|rights| rights.manage_topics)
}

fn title(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(MAX_TITLE).collect())
}
