//! Reading: history, search, single messages, the list of chats.
//!
//! In: a chat and which part of it. Out: messages, newest first, with whom they mention. Paging: <https://core.telegram.org/api/offsets>.
//! It must not change anything.

use grammers_tl_types as tl;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::tl_view::{self, Mentioned};
use crate::mtproto::{peers, tl_blank, tl_message};
use crate::world::topics::GENERAL_ID;
use crate::world::{ChatRef, FileKind, Message, State};

const MAX_PAGE: usize = 100;

/// Which messages are wanted.
#[derive(Debug, Clone, Copy, Default)]
struct Page {
    offset_id: i32,
    offset_date: i32,
    add_offset: i32,
    limit: i32,
    max_id: i32,
    min_id: i32,
}

/// `messages.getHistory`
pub(super) async fn get_history(
    caller: &Caller,
    call: tl::functions::messages::GetHistory,
) -> Result<tl::enums::messages::Messages, RpcError> {
    let me = caller.user()?;
    let page = Page {
        offset_id: call.offset_id,
        offset_date: call.offset_date,
        add_offset: call.add_offset,
        limit: call.limit,
        max_id: call.max_id,
        min_id: call.min_id,
    };
    caller.world().read(|state| {
        let chat = peers::chat(state, me, &call.peer)?;
        Ok(paged(state, me, chat, page, |_| true))
    })
}

/// `messages.getReplies`: what stands in a topic, or else what answers a message.
pub(super) async fn get_replies(
    caller: &Caller,
    call: tl::functions::messages::GetReplies,
) -> Result<tl::enums::messages::Messages, RpcError> {
    let me = caller.user()?;
    let page = Page {
        offset_id: call.offset_id,
        offset_date: call.offset_date,
        add_offset: call.add_offset,
        limit: call.limit,
        max_id: call.max_id,
        min_id: call.min_id,
    };
    caller.world().read(|state| {
        let chat = peers::chat(state, me, &call.peer)?;
        match state.topics_of(chat) {
            Some(topics) if topics.contains_key(&call.msg_id) || call.msg_id == GENERAL_ID => {
                Ok(paged(state, me, chat, page, |message| stands_in(message, call.msg_id)))
            }
            _ if state.message(chat, call.msg_id).is_some() => {
                Ok(paged(state, me, chat, page, |message| message.reply_to == Some(call.msg_id)))
            }
            _ => Err(RpcError::bad("TOPIC_ID_INVALID")),
        }
    })
}

/// Whether a message stands in this topic, beside the one that began it.
fn stands_in(message: &Message, topic: i32) -> bool {
    message.extra.thread.unwrap_or(GENERAL_ID) == topic && message.id != topic
}

/// `messages.search`: text in texts and captions, any case; kinds of media.
pub(super) async fn search(caller: &Caller, call: tl::functions::messages::Search) -> Result<tl::enums::messages::Messages, RpcError> {
    use tl::enums::MessagesFilter as Filter;
    let me = caller.user()?;
    let kinds: Option<&[FileKind]> = match &call.filter {
        Filter::InputMessagesFilterEmpty => None,
        Filter::InputMessagesFilterPhotos => Some(&[FileKind::Photo]),
        Filter::InputMessagesFilterVideo => Some(&[FileKind::Video]),
        Filter::InputMessagesFilterPhotoVideo => Some(&[FileKind::Photo, FileKind::Video]),
        Filter::InputMessagesFilterDocument => Some(&[FileKind::Document]),
        Filter::InputMessagesFilterGif => Some(&[FileKind::Animation]),
        Filter::InputMessagesFilterVoice => Some(&[FileKind::Voice]),
        Filter::InputMessagesFilterRoundVideo => Some(&[FileKind::VideoNote]),
        Filter::InputMessagesFilterRoundVoice => Some(&[FileKind::Voice, FileKind::VideoNote]),
        Filter::InputMessagesFilterMusic => Some(&[FileKind::Audio]),
        other => {
            caller.world().refuse(format!("messages.search with {other:?}"));
            return Err(RpcError::bad("INPUT_FILTER_INVALID"));
        }
    };
    let page = Page {
        offset_id: call.offset_id,
        add_offset: call.add_offset,
        limit: call.limit,
        max_id: call.max_id,
        min_id: call.min_id,
        ..Page::default()
    };
    let wanted = call.q.to_lowercase();
    caller.world().read(|state| {
        let chat = peers::chat(state, me, &call.peer)?;
        let author = call.from_id.as_ref().map(|from| peers::user_of_peer(state, me, from));
        let author = author.transpose()?;
        Ok(paged(state, me, chat, page, |message| {
            let file = message.media.and_then(|id| state.files.get(id));
            message.text.to_lowercase().contains(&wanted)
                && call.top_msg_id.is_none_or(|topic| stands_in(message, topic))
                && author.is_none_or(|author| message.author == author)
                && kinds.is_none_or(|kinds| file.is_some_and(|file| kinds.contains(&file.kind)))
                && (call.min_date == 0 || message.date > call.min_date)
                && (call.max_date == 0 || message.date < call.max_date)
        }))
    })
}

/// `channels.getMessages`: what is not there comes as `messageEmpty`.
pub(super) async fn get_channel_messages(
    caller: &Caller,
    call: tl::functions::channels::GetMessages,
) -> Result<tl::enums::messages::Messages, RpcError> {
    let me = caller.user()?;
    caller.world().read(|state| {
        let chat = ChatRef::Channel(peers::channel(state, me, &call.channel)?.id);
        let ids = ids(&call.id)?;
        let found = ids.iter().map(|id| (*id, state.message(chat, *id))).collect::<Vec<_>>();
        Ok(bundled(state, me, chat, &found, found.len()))
    })
}

/// `messages.getMessages`: by the numbers of the account's private chats.
pub(super) async fn get_messages(
    caller: &Caller,
    call: tl::functions::messages::GetMessages,
) -> Result<tl::enums::messages::Messages, RpcError> {
    let me = caller.user()?;
    caller.world().read(|state| {
        let ids = ids(&call.id)?;
        let chats = private_chats(state, me);
        let find = |id: i32| chats.iter().find_map(|chat| state.message(*chat, id));
        let found = ids.iter().map(|id| (*id, find(*id))).collect::<Vec<_>>();
        let own = ChatRef::Private { bot: me, user: me };
        Ok(bundled(state, me, own, &found, found.len()))
    })
}

/// `messages.getDialogs`: all of them at once.
pub(super) async fn get_dialogs(
    caller: &Caller,
    call: tl::functions::messages::GetDialogs,
) -> Result<tl::enums::messages::Dialogs, RpcError> {
    let me = caller.user()?;
    Ok(caller.world().read(|state| {
        let channels = state.channels.values().filter(|channel| channel.is_member(me));
        let mut chats: Vec<ChatRef> = channels.map(|channel| ChatRef::Channel(channel.id)).collect();
        chats.extend(private_chats(state, me));
        if call.offset_id != 0 || call.offset_date != 0 || call.folder_id.is_some_and(|folder| folder != 0) {
            chats.clear();
        }
        let (mut mentioned, mut messages, mut dialogs) = (Mentioned::default(), Vec::new(), Vec::new());
        for chat in chats {
            let top = state.messages_of(chat).and_then(|all| all.values().next_back());
            if let Some(top) = top {
                mentioned.message(top);
                messages.push(tl_message::message(state, me, top));
            }
            let pts = match chat {
                ChatRef::Channel(id) => {
                    mentioned.channel(id);
                    state.channels.get(&id).map(|channel| channel.pts)
                }
                ChatRef::Private { bot, user } => {
                    mentioned.user(bot).user(user);
                    None
                }
            };
            dialogs.push(dialog(chat, me, top.map_or(0, |top| top.id), pts));
        }
        tl::enums::messages::Dialogs::Dialogs(tl::types::messages::Dialogs {
            dialogs,
            messages,
            chats: mentioned.chats(state, me),
            users: mentioned.users(state, me),
        })
    }))
}

fn dialog(chat: ChatRef, me: i64, top_message: i32, pts: Option<i32>) -> tl::enums::Dialog {
    tl::enums::Dialog::Dialog(tl::types::Dialog {
        pinned: false,
        unread_mark: false,
        view_forum_as_messages: false,
        peer: tl_view::peer(chat, me),
        top_message,
        read_inbox_max_id: top_message,
        read_outbox_max_id: top_message,
        unread_count: 0,
        unread_mentions_count: 0,
        unread_reactions_count: 0,
        unread_poll_votes_count: 0,
        notify_settings: tl_blank::notify_settings(),
        pts,
        draft: None,
        folder_id: None,
        ttl_period: None,
    })
}

fn private_chats(state: &State, me: i64) -> Vec<ChatRef> {
    let mine = state.private_chats.keys().filter(|(bot, user)| *bot == me || *user == me);
    mine.map(|(bot, user)| ChatRef::Private { bot: *bot, user: *user }).collect()
}

fn ids(wanted: &[tl::enums::InputMessage]) -> Result<Vec<i32>, RpcError> {
    let id = |input: &tl::enums::InputMessage| match input {
        tl::enums::InputMessage::Id(input) => Ok(input.id),
        _ => Err(RpcError::bad("MESSAGE_IDS_EMPTY")),
    };
    wanted.iter().take(MAX_PAGE).map(id).collect()
}

fn paged(state: &State, me: i64, chat: ChatRef, page: Page, wanted: impl Fn(&Message) -> bool) -> tl::enums::messages::Messages {
    let all = state.messages_of(chat).into_iter().flat_map(|all| all.values().rev());
    let all: Vec<&Message> = all.filter(|message| wanted(message)).collect();
    let newer = |message: &&&Message| {
        (page.offset_id != 0 && message.id >= page.offset_id) || (page.offset_date != 0 && message.date >= page.offset_date)
    };
    let start = all.iter().take_while(newer).count();
    let start = i64::try_from(start).unwrap_or(i64::MAX).saturating_add(i64::from(page.add_offset));
    let (skip, missing) = (usize::try_from(start.max(0)).unwrap_or(0), usize::try_from(-start.min(0)).unwrap_or(0));
    let limit = usize::try_from(page.limit).unwrap_or(0).min(MAX_PAGE);
    let in_bounds = |message: &&&Message| (page.max_id == 0 || message.id < page.max_id) && (page.min_id == 0 || message.id > page.min_id);
    let slice = all.iter().skip(skip).take(limit.saturating_sub(missing));
    let found: Vec<_> = slice.filter(in_bounds).map(|message| (message.id, Some(*message))).collect();
    bundled(state, me, chat, &found, all.len())
}

fn bundled(state: &State, me: i64, chat: ChatRef, found: &[(i32, Option<&Message>)], total: usize) -> tl::enums::messages::Messages {
    let mut mentioned = Mentioned::default();
    for message in found.iter().filter_map(|(_, message)| *message) {
        mentioned.message(message);
    }
    let one = |(id, message): &(i32, Option<&Message>)| {
        message.map_or_else(|| tl_message::empty(*id), |message| tl_message::message(state, me, message))
    };
    let messages: Vec<_> = found.iter().map(one).collect();
    let count = i32::try_from(total).unwrap_or(i32::MAX);
    if let ChatRef::Channel(id) = chat {
        mentioned.channel(id);
        return tl::enums::messages::Messages::ChannelMessages(tl::types::messages::ChannelMessages {
            inexact: false,
            pts: state.channels.get(&id).map_or(1, |channel| channel.pts),
            count,
            offset_id_offset: None,
            messages,
            topics: Vec::new(),
            chats: mentioned.chats(state, me),
            users: mentioned.users(state, me),
        });
    }
    let (chats, users) = (mentioned.chats(state, me), mentioned.users(state, me));
    if total == messages.len() {
        let all = tl::types::messages::Messages { messages, topics: Vec::new(), chats, users };
        return tl::enums::messages::Messages::Messages(all);
    }
    tl::enums::messages::Messages::Slice(tl::types::messages::MessagesSlice {
        inexact: false,
        count,
        next_rate: None,
        offset_id_offset: None,
        search_flood: None,
        messages,
        topics: Vec::new(),
        chats,
        users,
    })
}
