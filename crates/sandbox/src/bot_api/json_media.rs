//! Files as JSON of the Bot API.
//!
//! In: a stored file. Out: the fields that it gives a message (`video`, `photo`, …), with names that belong to one bot. It must not read bytes.

use serde_json::{Map, Value, json};

use super::{file_id, stickers};
use crate::world::{FileKind, State, StoredFile};

/// The fields of a message with this file.
pub(super) fn media(state: &State, bot: i64, file: &StoredFile) -> Map<String, Value> {
    let mut object = base(bot, file);
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    if matches!(file.kind, FileKind::Video | FileKind::Animation) {
        put("width", json!(file.width));
        put("height", json!(file.height));
    }
    if matches!(file.kind, FileKind::Video | FileKind::Animation | FileKind::Audio | FileKind::Voice | FileKind::VideoNote) {
        put("duration", json!(file.duration));
    }
    if file.kind == FileKind::VideoNote {
        put("length", json!(file.width));
    }
    if file.kind == FileKind::Sticker {
        put("type", json!("regular"));
        put("width", json!(file.width));
        put("height", json!(file.height));
        put("is_animated", json!(file.mime.as_deref() == Some(stickers::TGS)));
        put("is_video", json!(file.mime.as_deref() == Some(stickers::WEBM)));
        if let Some(emoji) = &file.emoji {
            put("emoji", json!(emoji));
        }
    }
    if file.kind == FileKind::Audio {
        for (name, value) in [("title", &file.title), ("performer", &file.performer)] {
            if let Some(value) = value {
                put(name, json!(value));
            }
        }
    }
    if !matches!(file.kind, FileKind::Photo | FileKind::VideoNote | FileKind::Sticker) {
        for (name, value) in [("file_name", &file.name), ("mime_type", &file.mime)] {
            // A voice note has no name.
            if let Some(value) = value.as_ref().filter(|_| name != "file_name" || file.kind != FileKind::Voice) {
                put(name, json!(value));
            }
        }
    }
    if let Some(thumb) = file.thumb.and_then(|id| state.files.get(id)) {
        put("thumbnail", Value::Object(picture(bot, thumb)));
    }
    let body = Value::Object(object);
    let mut fields = Map::new();
    match file.kind {
        // One size, that of the upload: this Telegram does not scale.
        FileKind::Photo => fields.insert("photo".to_owned(), json!([picture(bot, file)])),
        // Old clients look for the document (<https://core.telegram.org/bots/api#message>, `animation`).
        FileKind::Animation => {
            fields.insert("document".to_owned(), body.clone());
            fields.insert("animation".to_owned(), body)
        }
        kind => fields.insert(kind.name().to_owned(), body),
    };
    fields
}

/// What every file has.
pub(super) fn base(bot: i64, file: &StoredFile) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("file_id".to_owned(), json!(file_id::encode(bot, file.id, file.kind)));
    object.insert("file_unique_id".to_owned(), json!(file_id::unique(file.id)));
    object.insert("file_size".to_owned(), json!(file.size));
    object
}

fn picture(bot: i64, file: &StoredFile) -> Map<String, Value> {
    let mut object = base(bot, file);
    object.insert("width".to_owned(), json!(file.width));
    object.insert("height".to_owned(), json!(file.height));
    object
}
