//! Messages with files: `sendVideo` and its like, `editMessageMedia`.
//!
//! In: calls with a file that comes along, lies at an address, or is known by its `file_id`. Out: messages. It must not move bytes (`fetch` does).

use serde_json::{Map, Value};

use super::edit;
use super::params::Params;
use super::reply::{Answer, ApiError};
use super::{Call, markup};
use crate::world::{Edit, FileKind, NewMessage};

/// `sendVideo`, `sendAudio`, `sendDocument`, `sendPhoto`, `sendAnimation`, `sendVoice`, and of what has no caption `sendVideoNote`, `sendSticker`.
pub(super) async fn send(call: &Call, method: &str) -> Answer {
    let chat = call.chat_to_write()?;
    let wanted = match method {
        "sendVideoNote" => FileKind::VideoNote,
        "sendSticker" => FileKind::Sticker,
        _ => method.strip_prefix("send").and_then(kind_of).ok_or_else(|| ApiError::internal(format!("no kind for {method}")))?,
    };
    call.params.ignore(&["disable_content_type_detection", "start_timestamp"]);
    let has_caption = !matches!(wanted, FileKind::VideoNote | FileKind::Sticker);
    let caption = if has_caption { call.caption(&call.params)?.unwrap_or_default() } else { Default::default() };
    let new = call.new_message(chat)?;
    let file = call.file(&call.params, wanted.name(), wanted).await?;
    call.deliver(chat, NewMessage { text: caption.text, entities: caption.entities, media: Some(file.id), ..new })
}

/// `editMessageMedia`.
pub(super) async fn edit(call: &Call) -> Answer {
    let object: Map<String, Value> = call.params.json("media")?.ok_or_else(|| ApiError::bad_request("input media is not specified"))?;
    let media = Params::of_object(&object);
    let kind = media.text("type").and_then(kind_of).ok_or_else(|| ApiError::bad_request("can't parse InputMedia: invalid type"))?;
    media.ignore(&["parse_mode", "show_caption_above_media", "has_spoiler"]);
    let caption = call.caption(&media)?.unwrap_or_default();
    let buttons = markup::buttons(&call.params)?;
    let (chat, message) = edit::target(call)?;
    let file = call.file(&media, "media", kind).await?;
    edit::apply(call, chat, message.id, Edit { text: Some((caption.text, caption.entities)), media: Some(file.id), buttons: Some(buttons) })
}

/// The kinds that an `InputMedia` can have.
pub(super) fn kind_of(name: &str) -> Option<FileKind> {
    let kinds = [FileKind::Video, FileKind::Audio, FileKind::Document, FileKind::Photo, FileKind::Animation, FileKind::Voice];
    kinds.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
}
