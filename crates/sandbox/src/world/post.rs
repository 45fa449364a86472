//! How messages come, change and go.
//!
//! In: new messages, edits, deletions. Out: the message as kept, or why not; the bots that should know are told. It must not check lengths, rates
//! or markup: those are rules of a face.

use std::collections::BTreeMap;

use super::chats::{ChannelEvent, ChatRef};
use super::extras::Extra;
use super::files::FileKind;
use super::messages::{Button, Entity, Forward, Message};
use super::updates::UpdateKind;
use super::{State, World, now_unix};

/// A message to be. [`NewMessage::text`] and [`NewMessage::media`] make the usual ones.
#[derive(Debug, Clone, Default)]
pub struct NewMessage {
    /// Who writes.
    pub author: i64,
    /// The text, or the caption if there is media.
    pub text: String,
    /// Marks in it.
    pub entities: Vec<Entity>,
    /// The file that it carries.
    pub media: Option<i64>,
    /// The album that it belongs to, by a number of [`State::new_group`].
    pub group: Option<i64>,
    /// Inline buttons.
    pub buttons: Vec<Vec<Button>>,
    /// What it answers.
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

impl NewMessage {
    /// A plain text.
    pub fn text(author: i64, text: &str) -> Self {
        Self { author, text: text.to_owned(), ..Self::default() }
    }

    /// A file (by the id that `State::add_file` gave) with a caption.
    pub fn media(author: i64, file: i64, caption: &str) -> Self {
        Self { media: Some(file), ..Self::text(author, caption) }
    }
}

/// What to change of a message; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// The text or caption with its marks.
    pub text: Option<(String, Vec<Entity>)>,
    /// The file.
    pub media: Option<i64>,
    /// The buttons (empty takes them away).
    pub buttons: Option<Vec<Vec<Button>>>,
}

/// Why the world does not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such chat, or it is gone.
    #[error("no such chat")]
    NoChat,
    /// There is no such message.
    #[error("no such message")]
    NoMessage,
    /// Nothing would change.
    #[error("not modified")]
    NotModified,
}

impl State {
    /// A number for an album.
    pub fn new_group() -> i64 {
        rand::random_range(1 << 53..i64::MAX)
    }

    /// What keeps these files from being one album: documents and audio files stand with their like only
    /// (<https://core.telegram.org/bots/api#sendmediagroup>).
    pub fn mixed_kind(&self, files: impl Iterator<Item = i64>) -> Option<FileKind> {
        let kinds: Vec<_> = files.filter_map(|id| self.files.get(id)).map(|file| file.kind).collect();
        let alone = kinds.iter().find(|kind| !matches!(kind, FileKind::Photo | FileKind::Video | FileKind::Thumbnail))?;
        kinds.iter().any(|kind| kind != alone).then_some(*alone)
    }

    /// Puts a message into a chat and tells the bots that should know (the bot of a private chat if a person wrote; admins of a channel).
    pub fn post(&mut self, chat: ChatRef, new: NewMessage) -> Result<Message, Refused> {
        let id = self.next_id(chat)?;
        let message = Message {
            id,
            chat,
            author: new.author,
            date: now_unix(),
            edit_date: None,
            edit_count: 0,
            text: new.text,
            entities: new.entities,
            media: new.media,
            group: new.group,
            buttons: new.buttons,
            reply_to: new.reply_to,
            forward: new.forward,
            silent: new.silent,
            no_preview: new.no_preview,
            protected: new.protected,
            caption_above: new.caption_above,
            spoiler: new.spoiler,
            extra: new.extra,
        };
        self.messages_of_mut(chat)?.insert(id, message.clone());
        self.record(chat, ChannelEvent::Posted(id));
        self.tell_bots(&message, false);
        Ok(message)
    }

    /// Changes a message.
    pub fn edit(&mut self, chat: ChatRef, id: i32, edit: Edit) -> Result<Message, Refused> {
        let found = self.messages_of_mut(chat)?.get_mut(&id).ok_or(Refused::NoMessage)?;
        let mut changed = found.clone();
        if let Some((text, entities)) = edit.text {
            changed.text = text;
            changed.entities = entities;
        }
        if let Some(media) = edit.media {
            changed.media = Some(media);
        }
        if let Some(buttons) = edit.buttons {
            changed.buttons = buttons;
        }
        if changed == *found {
            return Err(Refused::NotModified);
        }
        changed.edit_date = Some(now_unix());
        changed.edit_count += 1;
        *found = changed.clone();
        self.record(chat, ChannelEvent::Edited(id));
        self.tell_bots(&changed, true);
        Ok(changed)
    }

    /// Takes a message away; it stays in the history of deleted ones.
    pub fn delete(&mut self, chat: ChatRef, id: i32) -> Result<(), Refused> {
        let message = self.messages_of_mut(chat)?.remove(&id).ok_or(Refused::NoMessage)?;
        match chat {
            ChatRef::Private { bot, user } => {
                if let Some(chat) = self.private_chats.get_mut(&(bot, user)) {
                    chat.deleted.push(message);
                }
            }
            ChatRef::Channel(channel) => {
                if let Some(channel) = self.channels.get_mut(&channel) {
                    channel.gone.push(message);
                }
            }
        }
        self.record(chat, ChannelEvent::Deleted(id));
        Ok(())
    }

    /// The messages of a chat by id; a chat that is gone has none.
    pub fn messages_of(&self, chat: ChatRef) -> Option<&BTreeMap<i32, Message>> {
        match chat {
            ChatRef::Private { bot, user } => self.private_chats.get(&(bot, user)).map(|chat| &chat.messages),
            ChatRef::Channel(id) => {
                let channel = self.channels.get(&id).filter(|channel| !channel.deleted)?;
                Some(&channel.messages)
            }
        }
    }

    /// One message.
    pub fn message(&self, chat: ChatRef, id: i32) -> Option<&Message> {
        self.messages_of(chat)?.get(&id)
    }

    pub(super) fn messages_of_mut(&mut self, chat: ChatRef) -> Result<&mut BTreeMap<i32, Message>, Refused> {
        match chat {
            ChatRef::Private { bot, user } => Ok(&mut self.private_chats.entry((bot, user)).or_default().messages),
            ChatRef::Channel(id) => {
                let channel = self.channels.get_mut(&id).filter(|channel| !channel.deleted);
                Ok(&mut channel.ok_or(Refused::NoChat)?.messages)
            }
        }
    }

    fn next_id(&mut self, chat: ChatRef) -> Result<i32, Refused> {
        let next = match chat {
            ChatRef::Private { bot, .. } => &mut self.bots.get_mut(&bot).ok_or(Refused::NoChat)?.next_message_id,
            ChatRef::Channel(id) => {
                let channel = self.channels.get_mut(&id).filter(|channel| !channel.deleted);
                &mut channel.ok_or(Refused::NoChat)?.next_message_id
            }
        };
        let id = *next;
        *next += 1;
        Ok(id)
    }

    fn tell_bots(&mut self, message: &Message, edited: bool) {
        match message.chat {
            ChatRef::Private { bot, user } if message.author == user => {
                let message = Box::new(message.clone());
                let kind = if edited { UpdateKind::EditedMessage(message) } else { UpdateKind::Message(message) };
                self.queue_update(bot, kind);
            }
            ChatRef::Private { .. } => {}
            ChatRef::Channel(id) => {
                let Some(channel) = self.channels.get(&id) else {
                    return;
                };
                if channel.megagroup {
                    let bots = channel.members.iter().filter(|member| self.bots.contains_key(member));
                    for bot in bots.copied().filter(|bot| self.hears(*bot, channel, message)).collect::<Vec<_>>() {
                        let message = Box::new(message.clone());
                        self.queue_update(bot, if edited { UpdateKind::EditedMessage(message) } else { UpdateKind::Message(message) });
                    }
                    return;
                }
                let admins: Vec<i64> = channel.admins.keys().copied().collect();
                // A bot is not told of its own posts.
                for bot in admins.into_iter().filter(|bot| *bot != message.author) {
                    let message = Box::new(message.clone());
                    let kind = if edited { UpdateKind::EditedChannelPost(message) } else { UpdateKind::ChannelPost(message) };
                    self.queue_update(bot, kind);
                }
            }
        }
    }
}

impl World {
    /// Takes a message away behind everybody's back, as Telegram or its author would. `false` if there is none.
    pub fn delete_message(&self, chat: ChatRef, id: i32) -> bool {
        self.change(|state| state.delete(chat, id).is_ok())
    }
}
