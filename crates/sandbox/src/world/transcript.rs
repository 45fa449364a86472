//! A chat as lines of text: what a failing test shows, and what a test keeps as a snapshot.
//!
//! In: messages as a person sees them. Out: text that is the same for the same chat: no dates, no ids but the messages' numbers, nothing drawn by chance. It
//! must not look into the world.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Shared;
use super::files::Lane;
use super::keyboards::Keyboard;
use super::views::{MediaView, MessageView};

/// A chat as lines of text, a message a line and its buttons below it. Messages of an album share a letter.
pub fn transcript(messages: &[MessageView]) -> String {
    let mut text = String::new();
    let mut albums = BTreeMap::new();
    for message in messages {
        let album = message.media_group_id.as_ref().map(|id| {
            let next = u8::try_from(albums.len()).unwrap_or(u8::MAX);
            char::from(b'A'.saturating_add(*albums.entry(id).or_insert(next)))
        });
        // Writing into a string cannot fail.
        let _ = write!(text, "#{} {}", message.message_id, message.from);
        for aside in asides(message, album) {
            let _ = write!(text, " ({aside})");
        }
        text.push(':');
        for part in parts(message) {
            let _ = write!(text, " {part}");
        }
        if !message.words().is_empty() {
            let _ = write!(text, " {}", message.words().replace('\n', "\n    "));
        }
        text.push('\n');
        for row in &message.buttons {
            let labels: Vec<String> = row.iter().map(|button| format!("[ {} ]", button.text)).collect();
            let _ = writeln!(text, "    {}", labels.join(" "));
        }
        keyboard(&mut text, message.keyboard.as_ref());
        if !message.reactions.is_empty() {
            let _ = writeln!(text, "    {}", message.reactions.join(" "));
        }
    }
    text
}

/// What stands around a message.
fn asides(message: &MessageView, album: Option<char>) -> Vec<String> {
    let asides = [
        message.thread.map(|topic| format!("topic {topic}")),
        message.forwarded.then(|| "forwarded".to_owned()),
        message.via_bot.as_ref().map(|bot| format!("via {bot}")),
        message.reply_to.map(|id| format!("re #{id}")),
        album.map(|album| format!("album {album}")),
        message.edited.then(|| format!("edited ×{}", message.edit_count)),
    ];
    asides.into_iter().flatten().collect()
}

/// What a message has beside its words.
fn parts(message: &MessageView) -> Vec<String> {
    let shared = message.shared.as_ref().map(|shared| match shared {
        Shared::Contact { phone_number, first_name, .. } => format!("[contact {first_name}, {phone_number}]"),
        Shared::Location { latitude, longitude } => format!("[location {latitude:.4}, {longitude:.4}]"),
    });
    let parts = [
        message.media.as_ref().map(file),
        message.invoice.as_ref().map(|invoice| format!("[invoice {}, {} Stars]", invoice.title, invoice.amount)),
        message.service.map(|service| format!("[{service}]")),
        shared,
    ];
    parts.into_iter().flatten().collect()
}

fn file(media: &MediaView) -> String {
    let facts = [
        Some(media.kind.to_owned()),
        Some(media.file_name.clone().unwrap_or_else(|| "no name".to_owned())),
        media.title.as_ref().map(|title| format!("“{title}”")),
        media.performer.as_ref().map(|performer| format!("of {performer}")),
        media.emoji.clone(),
        Some(format!("{} bytes", media.size)),
        (media.duration > 0).then(|| format!("{}s", media.duration)),
        (media.width > 0).then(|| format!("{}x{}", media.width, media.height)),
        media.supports_streaming.then(|| "streamable".to_owned()),
        media.thumb.as_ref().map(|thumb| format!("thumb {}x{}", thumb.width, thumb.height)),
        Some(if media.lane == Lane::Mtproto { "by MTProto" } else { "by Bot API" }.to_owned()),
    ];
    format!("[{}]", facts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

fn keyboard(text: &mut String, keyboard: Option<&Keyboard>) {
    let _ = match keyboard {
        Some(Keyboard::Shown { rows, .. }) => {
            let rows = rows.iter().map(|row| row.iter().map(|key| key.text.as_str()).collect::<Vec<_>>().join(" | "));
            writeln!(text, "    keys: {}", rows.collect::<Vec<_>>().join(" / "))
        }
        Some(Keyboard::Removed) => writeln!(text, "    keys: none any more"),
        Some(Keyboard::ForceReply { .. }) => writeln!(text, "    keys: an answer is asked for"),
        None => Ok(()),
    };
}
