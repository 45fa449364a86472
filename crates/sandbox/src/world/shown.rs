//! Chats and messages as a chat app shows them to one person: what the page draws.
//!
//! In: a person, a chat. Out: the list of chats with their last messages, and the newest messages of one. It must not change anything, nor hash files.

use std::path::Path;

use serde::Serialize;

use super::messages::Message;
use super::notices::Notice;
use super::topics::{GeneralTopic, Topic};
use super::views::{self, MessageView, Names};
use super::{Channel, ChatRef, FileKind, PrivateChat, State, World, now_unix};

/// How long "is sending a video" is shown (<https://core.telegram.org/bots/api#sendchataction>: 5 s or less).
const ACTION_SECONDS: i32 = 5;

/// A chat in the list.
#[derive(Debug, Clone, Serialize)]
pub struct ShownChat {
    /// Names it: the bot's username, or the Bot API's id of a channel or a group.
    pub chat: String,
    /// `bot`, `channel` or `group`.
    pub kind: &'static str,
    /// The name on top.
    pub title: String,
    /// How many people and bots are in it; `None` for the chat with a bot.
    pub members: Option<usize>,
    /// The person may write there.
    pub writable: bool,
    /// The person has blocked the bot.
    pub blocked: bool,
    /// What the bot is doing.
    pub action: Option<String>,
    /// The newest message.
    pub last: Option<LastMessage>,
    /// The topics of a forum, in the order in which they were made.
    pub topics: Option<Vec<ShownTopic>>,
    /// The general topic of a forum, which is not among them.
    pub general: Option<ShownGeneral>,
}

/// The general topic of a forum.
#[derive(Debug, Clone, Serialize)]
pub struct ShownGeneral {
    /// Its name.
    pub name: String,
    /// It is not shown.
    pub hidden: bool,
    /// The person may write there.
    pub writable: bool,
}

/// A topic of a forum.
#[derive(Debug, Clone, Serialize)]
pub struct ShownTopic {
    /// `message_thread_id`.
    pub id: i32,
    /// Its name.
    pub name: String,
    /// RGB.
    pub color: i32,
    /// The person may write there.
    pub writable: bool,
}

/// The newest message of a chat, in a line.
#[derive(Debug, Clone, Serialize)]
pub struct LastMessage {
    /// Seconds since 1970.
    pub date: i32,
    /// Its text or caption, or what happened, or the name of what can be paid.
    pub text: String,
    /// `video`, `photo` and so on, if it carries a file.
    pub media: Option<&'static str>,
    /// The person wrote it; nobody wrote what tells of something that happened.
    pub mine: bool,
}

/// A message with what a chat app shows around it.
#[derive(Debug, Clone, Serialize)]
pub struct ShownMessage {
    /// The message.
    #[serde(flatten)]
    pub view: MessageView,
    /// The person wrote it.
    pub mine: bool,
    /// Who wrote it, by name; the channel itself for its posts.
    pub author: String,
    /// The id behind that name.
    pub author_id: i64,
    /// Who wrote what was forwarded.
    pub forwarded_from: Option<String>,
    /// The caption stands above the media.
    pub caption_above: bool,
    /// The media is covered until tapped.
    pub spoiler: bool,
    /// What happened, if it is no message of anybody.
    pub notice: Option<Notice>,
    /// The charge by which the person has paid the invoice.
    pub paid: Option<String>,
    /// The person's own reaction.
    pub my_reaction: Option<String>,
}

impl World {
    /// The chats of a person, the one with the newest message first: with each bot, and the channels and groups that the person is in.
    pub fn chats_of(&self, person: i64) -> Vec<ShownChat> {
        let mut chats = self.read(|state| {
            let bots = state.bots.keys().filter_map(|bot| shown_bot(state, *bot, person));
            let channels = state.channels.values().filter(|channel| channel.is_member(person));
            bots.chain(channels.map(|channel| shown_channel(channel, state, person))).collect::<Vec<_>>()
        });
        chats.sort_by_key(|chat| std::cmp::Reverse(chat.last.as_ref().map_or(0, |last| last.date)));
        chats
    }

    /// The newest messages of a chat as a person sees them, oldest first, and whether there are older ones. Of a topic only, if it is given; 0 is what stands in
    /// none.
    pub fn shown(&self, chat: ChatRef, person: i64, topic: Option<i32>, newest: usize) -> (Vec<ShownMessage>, bool) {
        self.read(|state| {
            let Some(all) = state.messages_of(chat) else {
                return (Vec::new(), false);
            };
            let is_there = |message: &&Message| topic.is_none_or(|topic| message.extra.thread.unwrap_or(0) == topic);
            let mut found = all.values().rev().filter(is_there);
            let mut shown: Vec<_> = found.by_ref().take(newest).map(|message| shown_message(state, person, message)).collect();
            shown.reverse();
            (shown, found.next().is_some())
        })
    }

    /// Where the file of a message is, with its MIME type; or its small picture.
    pub(crate) fn file_of_message(&self, chat: ChatRef, id: i32, thumb: bool) -> Option<(Box<Path>, String)> {
        self.read(|state| {
            let file = state.files.get(state.message(chat, id)?.media?)?;
            let file = if thumb { state.files.get(file.thumb?)? } else { file };
            let usual = if file.kind == FileKind::Thumbnail { "image/jpeg" } else { "application/octet-stream" };
            Some((file.path.as_path().into(), file.mime.clone().unwrap_or_else(|| usual.to_owned())))
        })
    }
}

impl State {
    /// Whether a person may write in a channel or a group.
    pub(crate) fn may_post(&self, channel: &Channel, person: i64) -> bool {
        let posts = channel.megagroup || channel.rights_of(person).is_some_and(|rights| rights.post_messages);
        posts && channel.is_member(person) && !channel.banned.contains(&person)
    }

    /// Whether a person who may write in a group may do so in this topic (`None` is the general one, or no forum).
    pub(crate) fn may_post_in(&self, channel: &Channel, topic: Option<i32>, person: i64) -> bool {
        let is_there = topic.is_none_or(|topic| self.topics.get(&channel.id).is_some_and(|topics| topics.contains_key(&topic)));
        let manages = || channel.rights_of(person).is_some_and(|rights| rights.manage_topics);
        is_there && (self.topic_is_open(channel.id, topic, person) || manages())
    }

    pub(super) fn name_of(&self, id: i64) -> String {
        self.users.get(id).map_or_else(|| format!("#{id}"), |user| user.first_name.clone())
    }
}

fn shown_bot(state: &State, bot: i64, person: i64) -> Option<ShownChat> {
    let user = state.users.get(bot)?;
    let chat = state.private_chats.get(&(bot, person));
    let is_doing =
        |chat: &PrivateChat| chat.action.clone().filter(|(_, said)| now_unix() - said <= ACTION_SECONDS).map(|(action, _)| action);
    Some(ShownChat {
        chat: user.username.clone()?,
        kind: "bot",
        title: user.first_name.clone(),
        members: None,
        writable: true,
        blocked: chat.is_some_and(|chat| chat.blocked),
        action: chat.and_then(is_doing),
        last: chat.and_then(|chat| last(state, chat.messages.values().next_back(), person)),
        topics: None,
        general: None,
    })
}

fn shown_channel(channel: &Channel, state: &State, person: i64) -> ShownChat {
    let topic = |topic: &Topic| ShownTopic {
        id: topic.id,
        name: topic.name.clone(),
        color: topic.icon_color,
        writable: state.may_post_in(channel, Some(topic.id), person),
    };
    let general = state.topics_of(ChatRef::Channel(channel.id)).map(|_| {
        let GeneralTopic { name, hidden, .. } = state.general_topic(channel.id);
        ShownGeneral { name, hidden, writable: state.may_post_in(channel, None, person) }
    });
    ShownChat {
        chat: ChatRef::Channel(channel.id).bot_api_id().to_string(),
        kind: if channel.megagroup { "group" } else { "channel" },
        title: channel.title.clone(),
        members: Some(channel.members.len()),
        writable: state.may_post(channel, person),
        blocked: false,
        action: None,
        last: last(state, channel.messages.values().next_back(), person),
        topics: state.topics_of(ChatRef::Channel(channel.id)).map(|topics| topics.values().map(topic).collect()),
        general,
    }
}

fn last(state: &State, message: Option<&Message>, person: i64) -> Option<LastMessage> {
    let message = message?;
    let media = message.media.and_then(|id| state.files.get(id)).map(|file| file.kind.name());
    let notice = state.notice(message, person);
    let mine = message.author == person && notice.is_none();
    let title = || message.extra.invoice.as_ref().map(|invoice| invoice.title.clone());
    let shared = || message.extra.shared.as_ref().map(|shared| shared.words().to_owned());
    let text = notice.map(|notice| notice.text).or_else(title).or_else(shared).unwrap_or_else(|| message.text.clone());
    Some(LastMessage { date: message.date, text, media, mine })
}

fn shown_message(state: &State, person: i64, message: &Message) -> ShownMessage {
    let file = message.media.and_then(|id| state.files.get(id));
    let thumb = file.and_then(|file| file.thumb).and_then(|id| state.files.get(id));
    let broadcast = match message.chat {
        ChatRef::Channel(id) => state.channels.get(&id).filter(|channel| !channel.megagroup),
        ChatRef::Private { .. } => None,
    };
    let forwarded_from = message.forward.as_ref().map(|forward| {
        let channel = match forward.chat {
            ChatRef::Channel(id) => state.channels.get(&id).filter(|channel| !channel.megagroup),
            ChatRef::Private { .. } => None,
        };
        channel.map_or_else(|| state.name_of(forward.author), |channel| channel.title.clone())
    });
    ShownMessage {
        view: views::view(message, Names::of(state, message), file, thumb, |_| String::new()),
        mine: message.author == person && broadcast.is_none(),
        author: broadcast.map_or_else(|| state.name_of(message.author), |channel| channel.title.clone()),
        author_id: broadcast.map_or(message.author, |channel| channel.id),
        forwarded_from,
        caption_above: message.caption_above,
        spoiler: message.spoiler,
        notice: state.notice(message, person),
        paid: state.stars.paid_from((message.chat, message.id), person).map(|charge| charge.id.clone()),
        my_reaction: message.extra.reactions.get(&person).cloned(),
    }
}
