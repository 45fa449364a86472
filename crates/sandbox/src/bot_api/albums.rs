//! `sendMediaGroup`, `copyMessages` and `forwardMessages`: several messages at once, grouped as an album.
//!
//! In: calls. Out: messages. Either all messages of an album come or none. Wording of refusals: TDLib's `MessagesManager` and `Client.cpp` of
//! telegram-bot-api. It must not move bytes (`fetch` does).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::copy::{forwarded, readable};
use super::media::kind_of;
use super::params::Params;
use super::reply::{Answer, ApiError};
use super::{Call, json as to_json, send};
use crate::world::{ChatRef, Extra, FileKind, Message, NewMessage, State};

/// The most messages of an album.
const MAX_ALBUM: usize = 10;
/// The most messages that one call copies (<https://core.telegram.org/bots/api#copymessages>).
const MAX_COPIES: usize = 100;

/// `sendMediaGroup`.
pub(super) async fn send_media_group(call: &Call) -> Answer {
    let chat = call.chat_to_write()?;
    let items: Vec<Map<String, Value>> =
        call.params.json("media")?.ok_or_else(|| ApiError::bad_request("parameter \"media\" is required"))?;
    if items.is_empty() {
        return Err(ApiError::bad_request("there are no messages to send"));
    }
    if items.len() > MAX_ALBUM {
        return Err(ApiError::bad_request("too many messages to send as an album"));
    }
    let items: Vec<_> = items.iter().map(|item| read(call, item)).collect::<Result<_, _>>()?;
    let shared = call.new_message(chat)?;
    if !shared.buttons.is_empty() {
        call.world().refuse("bot api method sendMediaGroup: argument reply_markup");
    }
    let group = (items.len() > 1).then(State::new_group);
    let mut new = Vec::new();
    for (params, kind) in &items {
        let caption = call.caption(params)?.unwrap_or_default();
        let file = call.file(params, "media", *kind).await?;
        new.push(NewMessage {
            text: caption.text,
            entities: caption.entities,
            media: Some(file.id),
            group,
            buttons: Vec::new(),
            caption_above: params.flag("show_caption_above_media"),
            spoiler: params.flag("has_spoiler"),
            ..shared.clone()
        });
    }
    let files = new.iter().filter_map(|message| message.media);
    if let Some(kind) = call.world().read(|state| state.mixed_kind(files)) {
        return Err(ApiError::bad_request(format!("{} can't be mixed with other media types", kind.name())));
    }
    for _ in &new {
        call.take_rate(chat)?;
    }
    call.world().change(|state| {
        let posted = new.into_iter().map(|new| state.post(chat, new)).collect::<Result<Vec<_>, _>>().map_err(send::not_done)?;
        Ok(posted.iter().map(|message| to_json::message(state, call.bot, message)).collect())
    })
}

/// `copyMessages`.
pub(super) fn copy_messages(call: &Call) -> Answer {
    let bare = call.params.flag("remove_caption");
    several(call, "copy", |_, source| {
        let without_caption = bare && source.media.is_some();
        NewMessage {
            text: if without_caption { String::new() } else { source.text },
            entities: if without_caption { Vec::new() } else { source.entities },
            media: source.media,
            group: source.group,
            no_preview: source.no_preview,
            caption_above: source.caption_above,
            spoiler: source.spoiler,
            extra: Extra { shared: source.extra.shared, ..Extra::default() },
            ..NewMessage::default()
        }
    })
}

/// `forwardMessages`.
pub(super) fn forward_messages(call: &Call) -> Answer {
    several(call, "forward", forwarded)
}

/// What is not there or may not be read is left out; albums stay albums.
fn several(call: &Call, verb: &str, make: impl Fn(ChatRef, Message) -> NewMessage) -> Answer {
    let chat = call.chat_to_write()?;
    let from = call.chat("from_chat_id")?;
    let ids: Vec<i32> = call.params.json("message_ids")?.unwrap_or_default();
    if ids.is_empty() {
        return Err(ApiError::bad_request("message identifiers are not specified"));
    }
    if ids.len() > MAX_COPIES {
        return Err(ApiError::bad_request("too many message identifiers specified"));
    }
    if !ids.is_sorted_by(|one, next| one < next) {
        return Err(ApiError::bad_request("message identifiers must be in a strictly increasing order"));
    }
    call.params.ignore(&["message_effect_id"]);
    let (silent, protected) = (call.params.flag("disable_notification"), call.params.flag("protect_content"));
    let thread = call.thread(chat)?;
    let sources: Vec<_> = ids.iter().filter_map(|id| readable(call, from, *id, verb).ok()).collect();
    if sources.is_empty() {
        return Err(ApiError::bad_request(format!("there are no messages to {verb}")));
    }
    for _ in &sources {
        call.take_rate(chat)?;
    }
    let mut groups = BTreeMap::new();
    let copies: Vec<_> = sources
        .into_iter()
        .map(|source| {
            let new = make(from, source);
            let group = new.group.map(|group| *groups.entry(group).or_insert_with(State::new_group));
            let extra = Extra { thread, ..new.extra };
            NewMessage { author: call.bot, group, silent, protected, extra, ..new }
        })
        .collect();
    call.world().change(|state| {
        if verb == "copy" {
            state.counters.copies += copies.len() as u64;
        }
        let posted = copies.into_iter().map(|new| state.post(chat, new)).collect::<Result<Vec<_>, _>>().map_err(send::not_done)?;
        Ok(posted.iter().map(|message| json!({"message_id": message.id})).collect())
    })
}

fn read(call: &Call, item: &Map<String, Value>) -> Result<(Params, FileKind), ApiError> {
    let params = Params::of_object(item);
    let name = params.text("type").unwrap_or_default().to_owned();
    let kind = kind_of(&name).ok_or_else(|| ApiError::bad_request(format!("can't parse InputMedia: type \"{name}\" is unsupported")))?;
    if matches!(kind, FileKind::Animation | FileKind::Voice) {
        return Err(ApiError::bad_request(format!("can't parse InputMedia: type \"{name}\" can't be used in sendMediaGroup")));
    }
    params.ignore(&["disable_content_type_detection", "start_timestamp"]);
    // What nobody reads later is refused as an argument of the call would be.
    let known = ["media", "caption", "caption_entities", "parse_mode", "show_caption_above_media", "has_spoiler", "type"];
    let attributes = ["thumbnail", "thumb", "width", "height", "duration", "supports_streaming", "performer", "title"];
    for name in item.keys().filter(|name| !known.contains(&name.as_str()) && !attributes.contains(&name.as_str())) {
        if params.unread().contains(name) {
            call.world().refuse(format!("bot api method sendMediaGroup: argument {name} of media"));
        }
    }
    Ok((params, kind))
}
