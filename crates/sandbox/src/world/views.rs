//! Messages as a person sees them: what tests and the control API look at.
//!
//! In: a chat. Out: serialisable views. It must not change anything; it hashes files, so it runs without the world's lock.

use std::path::PathBuf;

use serde::Serialize;

use super::extras::Service;
use super::files::{Lane, StoredFile};
use super::keyboards::Keyboard;
use super::messages::{ButtonAction, Entity, Message};
use super::{ChatRef, Shared, State, World};

/// A message.
#[derive(Debug, Clone, Serialize)]
pub struct MessageView {
    /// Its number.
    pub message_id: i32,
    /// A bot wrote it.
    pub from_bot: bool,
    /// The username of who wrote it, or the first name.
    pub from: String,
    /// Seconds since 1970.
    pub date: i32,
    /// It was changed.
    pub edited: bool,
    /// How often.
    pub edit_count: u32,
    /// Of a message without media.
    pub text: Option<String>,
    /// Of a message with media.
    pub caption: Option<String>,
    /// Marks in the text or the caption.
    pub entities: Vec<Entity>,
    /// Inline buttons, in rows.
    pub buttons: Vec<Vec<ButtonView>>,
    /// What it answers.
    pub reply_to: Option<i32>,
    /// Carries "forwarded from".
    pub forwarded: bool,
    /// The file it carries.
    pub media: Option<MediaView>,
    /// The album it belongs to.
    pub media_group_id: Option<String>,
    /// What can be paid here.
    pub invoice: Option<InvoiceView>,
    /// What happened, if it is no message of anybody (`successful_payment`, …, as the Bot API names it).
    pub service: Option<&'static str>,
    /// What it says about the keyboard under the place where one writes.
    pub keyboard: Option<Keyboard>,
    /// Emoji that people and bots put on it.
    pub reactions: Vec<String>,
    /// The topic that it stands in.
    pub thread: Option<i32>,
    /// The username of the bot that offered it.
    pub via_bot: Option<String>,
    /// What a person lets the bot know.
    pub shared: Option<Shared>,
}

/// An invoice.
#[derive(Debug, Clone, Serialize)]
pub struct InvoiceView {
    /// Its name.
    pub title: String,
    /// What one gets.
    pub description: String,
    /// Stars.
    pub amount: i64,
}

/// An inline button.
#[derive(Debug, Clone, Serialize)]
pub struct ButtonView {
    /// What is written on it.
    pub text: String,
    /// What it sends to the bot.
    pub data: Option<String>,
    /// What it opens.
    pub url: Option<String>,
    /// It pays the invoice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pay: bool,
    /// What it copies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
}

/// A file in a message.
#[derive(Debug, Clone, Serialize)]
pub struct MediaView {
    /// `video`, `audio`, `document`, `photo`, `animation`, `voice`, `video_note` or `sticker`.
    pub kind: &'static str,
    /// The name that a client would save it under.
    pub file_name: Option<String>,
    /// MIME type.
    pub mime: Option<String>,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes, as hex.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// Seconds, as the sender said.
    pub duration: u32,
    /// Pixels, as the sender said.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// As the sender said.
    pub supports_streaming: bool,
    /// The small picture.
    pub thumb: Option<ThumbView>,
    /// Of an audio file.
    pub title: Option<String>,
    /// Of an audio file.
    pub performer: Option<String>,
    /// Of a sticker.
    pub emoji: Option<String>,
    /// How the bytes arrived.
    pub lane: Lane,
    /// Where they are.
    pub path: PathBuf,
}

/// The small picture of a file.
#[derive(Debug, Clone, Serialize)]
pub struct ThumbView {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bytes.
    pub size: u64,
}

impl MessageView {
    /// The text or the caption, or nothing.
    pub fn words(&self) -> &str {
        self.text.as_deref().or(self.caption.as_deref()).unwrap_or_default()
    }

    /// The first button whose text contains `label`.
    pub fn button(&self, label: &str) -> Option<&ButtonView> {
        self.buttons.iter().flatten().find(|button| button.text.contains(label))
    }
}

impl World {
    /// The messages of a chat, oldest first.
    pub fn views(&self, chat: ChatRef) -> Vec<MessageView> {
        let raw = self.read(|state| with_files(state, state.messages_of(chat).into_iter().flatten().map(|(_, message)| message)));
        raw.into_iter()
            .map(|(message, names, file, thumb)| view(&message, names, file.as_ref(), thumb.as_ref(), StoredFile::sha256))
            .collect()
    }

    /// Messages of a private chat that were deleted, in the order of deletion.
    pub fn deleted_views(&self, bot: i64, user: i64) -> Vec<MessageView> {
        let raw = self.read(|state| {
            let chat = state.private_chats.get(&(bot, user));
            with_files(state, chat.into_iter().flat_map(|chat| &chat.deleted))
        });
        raw.into_iter()
            .map(|(message, names, file, thumb)| view(&message, names, file.as_ref(), thumb.as_ref(), StoredFile::sha256))
            .collect()
    }
}

/// Who a message is from.
pub(super) struct Names {
    from: String,
    from_bot: bool,
    via_bot: Option<String>,
}

impl Names {
    pub(super) fn of(state: &State, message: &Message) -> Self {
        let author = state.users.get(message.author);
        let via = message.extra.via.as_ref().and_then(|via| state.users.get(via.bot));
        Self {
            from: author.map(|author| author.username.clone().unwrap_or_else(|| author.first_name.clone())).unwrap_or_default(),
            from_bot: author.is_some_and(|author| author.is_bot),
            via_bot: via.and_then(|bot| bot.username.clone()),
        }
    }
}

/// A message with its names, its file and that one's picture.
type WithFiles = (Message, Names, Option<StoredFile>, Option<StoredFile>);

fn with_files<'a>(state: &State, messages: impl Iterator<Item = &'a Message>) -> Vec<WithFiles> {
    messages
        .map(|message| {
            let file = message.media.and_then(|id| state.files.get(id)).cloned();
            let thumb = file.as_ref().and_then(|file| file.thumb).and_then(|id| state.files.get(id)).cloned();
            (message.clone(), Names::of(state, message), file, thumb)
        })
        .collect()
}

/// A message with its file; `hash` gives the file's hash, or nothing.
pub(super) fn view(
    message: &Message,
    names: Names,
    file: Option<&StoredFile>,
    thumb: Option<&StoredFile>,
    hash: impl FnOnce(&StoredFile) -> String,
) -> MessageView {
    let words = (!message.text.is_empty()).then(|| message.text.clone());
    let (text, caption) = if file.is_some() { (None, words) } else { (words, None) };
    MessageView {
        message_id: message.id,
        from_bot: names.from_bot,
        from: names.from,
        date: message.date,
        edited: message.edit_count > 0,
        edit_count: message.edit_count,
        text,
        caption,
        entities: message.entities.clone(),
        buttons: message.buttons.iter().map(|row| row.iter().map(button_view).collect()).collect(),
        reply_to: message.reply_to,
        forwarded: message.forward.is_some(),
        media: file.map(|file| media_view(file, thumb, hash(file))),
        media_group_id: message.group.map(|group| group.to_string()),
        invoice: message.extra.invoice.as_ref().map(invoice_view),
        service: message.extra.service.as_ref().map(Service::name),
        keyboard: message.extra.keyboard.clone(),
        reactions: message.extra.reactions.values().cloned().collect(),
        thread: message.extra.thread,
        via_bot: names.via_bot,
        shared: message.extra.shared.clone(),
    }
}

fn button_view(button: &super::Button) -> ButtonView {
    let (data, url, copy) = match &button.action {
        ButtonAction::Callback(data) => (Some(data.clone()), None, None),
        ButtonAction::Url(url) => (None, Some(url.clone()), None),
        ButtonAction::CopyText(text) => (None, None, Some(text.clone())),
        ButtonAction::Pay | ButtonAction::SwitchInline { .. } => (None, None, None),
    };
    ButtonView { text: button.text.clone(), data, url, pay: button.action == ButtonAction::Pay, copy }
}

fn invoice_view(invoice: &super::Invoice) -> InvoiceView {
    InvoiceView { title: invoice.title.clone(), description: invoice.description.clone(), amount: invoice.amount }
}

fn media_view(file: &StoredFile, thumb: Option<&StoredFile>, sha256: String) -> MediaView {
    MediaView {
        kind: file.kind.name(),
        file_name: file.name.clone(),
        mime: file.mime.clone(),
        size: file.size,
        sha256,
        duration: file.duration,
        width: file.width,
        height: file.height,
        supports_streaming: file.supports_streaming,
        thumb: thumb.map(|thumb| ThumbView { width: thumb.width, height: thumb.height, size: thumb.size }),
        title: file.title.clone(),
        performer: file.performer.clone(),
        emoji: file.emoji.clone(),
        lane: file.lane,
        path: file.path.clone(),
    }
}
