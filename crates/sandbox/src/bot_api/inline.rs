//! `answerInlineQuery`.
//!
//! In: results as JSON. Out: results that a person can choose. Wording: telegram-bot-api's `Client.cpp` (`get_inline_query_result`); what only Telegram's
//! servers check has the names listed at <https://core.telegram.org/method/messages.setInlineBotResults>. A file is taken by its `file_id`, or fetched from its
//! address when somebody sends the result. It must not send anything, nor fetch.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::fields::{self, Object};
use super::params::Params;
use super::reply::{Answer, ApiError};
use super::{Call, markup, payments, text};
use crate::world::inline::{InlineAnswer, InlineButton, InlineResult, RemoteFile};
use crate::world::{Extra, FileKind, NewMessage};

/// The most results of one answer.
const MAX_RESULTS: usize = 50;
/// The longest id of a result, next offset, and start parameter, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// How long an answer is kept if nothing is said (<https://core.telegram.org/bots/api#answerinlinequery>), and at most.
const CACHE_S: u64 = 300;
const MAX_CACHE_S: u64 = 24 * 60 * 60;

/// `answerInlineQuery`.
pub(super) fn answer(call: &Call) -> Answer {
    let id = call.params.text("inline_query_id").unwrap_or_default().to_owned();
    let button = button(&call.params)?;
    let results: Value = call.params.json("results")?.unwrap_or_default();
    let results = match &results {
        Value::Null => &Vec::new(),
        Value::Array(results) => results,
        _ => return Err(ApiError::bad_request("expected an Array of inline query results")),
    };
    if results.len() > MAX_RESULTS {
        return Err(ApiError::bad_request("too many inline query results specified"));
    }
    let results = results.iter().map(|value| result(call, value)).collect::<Result<Vec<_>, _>>()?;
    let ids: BTreeSet<&str> = results.iter().map(|result| result.id.as_str()).collect();
    if ids.len() < results.len() {
        return Err(ApiError::bad_request("RESULT_ID_DUPLICATE"));
    }
    let next_offset = call.params.text("next_offset").unwrap_or_default().to_owned();
    if next_offset.len() > MAX_NAME_BYTES {
        return Err(ApiError::bad_request("NEXT_OFFSET_INVALID"));
    }
    let cache = Duration::from_secs(call.params.number("cache_time").unwrap_or(CACHE_S).min(MAX_CACHE_S));
    let answer = InlineAnswer { results, next_offset, button, cache, personal: call.params.flag("is_personal") };
    let within = call.world().limits().inline_query;
    match call.world().change(|state| state.answer_inline(call.bot, &id, answer, within)) {
        true => Ok(Value::Bool(true)),
        false => Err(ApiError::query_too_old()),
    }
}

fn button(params: &Params) -> Result<Option<InlineButton>, ApiError> {
    let Some(value) = params.json::<Value>("button")? else {
        return Ok(None);
    };
    let cannot = |why: &str| ApiError::bad_request(format!("can't parse inline query results button: {why}"));
    let object = value.as_object().ok_or_else(|| cannot("InlineQueryResultsButton must be an Object"))?;
    let text = fields::text(object, "text").map_err(|why| cannot(&why))?;
    if object.contains_key("web_app") {
        return Err(cannot("Web Apps are not served by this loopback Telegram"));
    }
    if !object.contains_key("start_parameter") {
        return Err(cannot("InlineQueryResultsButton must have exactly one optional field"));
    }
    let start_parameter = fields::text(object, "start_parameter").map_err(|why| cannot(&why))?;
    let right_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let fault = match () {
        () if text.is_empty() => "SWITCH_PM_TEXT_EMPTY",
        () if start_parameter.is_empty() => "START_PARAM_EMPTY",
        () if start_parameter.len() > MAX_NAME_BYTES => "START_PARAM_TOO_LONG",
        () if !start_parameter.chars().all(right_letter) => "START_PARAM_INVALID",
        () => return Ok(Some(InlineButton { text, start_parameter })),
    };
    Err(ApiError::bad_request(fault))
}

fn result(call: &Call, value: &Value) -> Result<InlineResult, ApiError> {
    let cannot = |why: String| ApiError::bad_request(format!("can't parse inline query result: {why}"));
    let object = value.as_object().ok_or_else(|| cannot("Inline query result must be an object".to_owned()))?;
    let kind = fields::text(object, "type").map_err(cannot)?.to_lowercase();
    let id = fields::text(object, "id").map_err(cannot)?;
    if id.is_empty() {
        return Err(ApiError::bad_request("RESULT_ID_EMPTY"));
    }
    if id.len() > MAX_NAME_BYTES {
        return Err(ApiError::bad_request("RESULT_ID_INVALID"));
    }
    let params = Params::of_object(object);
    let given = match object.get("input_message_content") {
        Some(content) => Some(content_of(call, content)?),
        None if kind == "article" => return Err(cannot("Can't find field \"input_message_content\"".to_owned())),
        None => None,
    };
    let file = match kind.as_str() {
        "article" => None,
        _ => Some(file(call, object, &kind).map_err(cannot)?),
    };
    let remote = match &file {
        Some(Source::Address(kind, address)) => Some(remote(object, *kind, address, given.is_some())?),
        _ => None,
    };
    let needs_title = matches!(kind.as_str(), "article" | "document" | "video" | "voice") || object.contains_key("audio_url");
    let title =
        if needs_title { fields::text(object, "title") } else { fields::optional_text(object, "title").map(Option::unwrap_or_default) };
    let description = fields::optional_text(object, "description").map_err(cannot)?.unwrap_or_default();
    let content = match (given, file) {
        // What is shown in the list is not sent then.
        (Some(content), _) => (content, None),
        (None, file) => {
            let caption = call.caption(&params)?.unwrap_or_default();
            let caption_above = params.flag("show_caption_above_media");
            let media = file.and_then(|file| if let Source::Known(media) = file { Some(media) } else { None });
            let content = NewMessage { text: caption.text, entities: caption.entities, media, caption_above, ..NewMessage::default() };
            (content, remote)
        }
    };
    let (content, remote) = content;
    let buttons = markup::buttons(&params)?;
    Ok(InlineResult { id, kind, title: title.map_err(cannot)?, description, content: NewMessage { buttons, ..content }, remote })
}

/// What is said of a file that lies at an address (<https://core.telegram.org/bots/api#inlinequeryresultphoto> and below).
fn remote(object: &Object, kind: FileKind, address: &str, has_content: bool) -> Result<RemoteFile, ApiError> {
    let wrong = |name: &str| Err(ApiError::bad_request(name));
    let said = |name: &str| fields::optional_text(object, name).ok().flatten();
    let is_web = |address: &str| url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_web(address) {
        return wrong("WEBDOCUMENT_URL_INVALID");
    }
    let thumbnail = said("thumbnail_url").or_else(|| said("thumb_url"));
    let mime = said("mime_type");
    match (kind, mime.as_deref()) {
        (FileKind::Photo, _) if thumbnail.is_none() => return wrong("PHOTO_THUMB_URL_EMPTY"),
        (FileKind::Document, Some("application/pdf" | "application/zip")) | (FileKind::Video, Some("video/mp4")) => {}
        // The page of a player is no message.
        (FileKind::Video, Some("text/html")) if has_content => {}
        (FileKind::Document, _) => return wrong("FILE_CONTENT_TYPE_INVALID"),
        (FileKind::Video, _) => return wrong("WEBDOCUMENT_MIME_INVALID"),
        _ => {}
    }
    if thumbnail.is_some_and(|thumbnail| !is_web(&thumbnail)) {
        return wrong("WEBDOCUMENT_URL_INVALID");
    }
    // `photo_width`, `mpeg4_duration`, …
    let number = |what: &str| {
        let named = object.iter().find(|(name, _)| name.ends_with(what) && !name.starts_with("thumb"));
        named.and_then(|(name, _)| fields::number(object, name).ok()).and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
    };
    let usual_mime = match kind {
        FileKind::Animation if object.contains_key("gif_url") => Some("image/gif"),
        FileKind::Animation => Some("video/mp4"),
        FileKind::Audio => Some("audio/mpeg"),
        FileKind::Voice => Some("audio/ogg"),
        _ => None,
    };
    let is_music = kind == FileKind::Audio;
    Ok(RemoteFile {
        address: address.to_owned(),
        kind,
        mime: mime.or_else(|| usual_mime.map(str::to_owned)),
        duration: number("_duration"),
        width: number("_width"),
        height: number("_height"),
        title: said("title").filter(|_| is_music),
        performer: said("performer").filter(|_| is_music),
    })
}

/// Where the file of a result is.
enum Source {
    Known(i64),
    Address(FileKind, String),
}

fn file(call: &Call, object: &Object, kind: &str) -> Result<Source, String> {
    let (name, wanted) = match kind {
        "photo" => ("photo", FileKind::Photo),
        "video" => ("video", FileKind::Video),
        "audio" => ("audio", FileKind::Audio),
        "voice" => ("voice", FileKind::Voice),
        "document" => ("document", FileKind::Document),
        "gif" => ("gif", FileKind::Animation),
        "mpeg4_gif" => ("mpeg4", FileKind::Animation),
        "sticker" => ("sticker", FileKind::Sticker),
        other => return Err(format!("type \"{other}\" is unsupported for the inline query result")),
    };
    let address =
        fields::optional_text(object, &format!("{name}_url"))?.filter(|address| !address.is_empty() && wanted != FileKind::Sticker);
    if let Some(address) = address {
        return Ok(Source::Address(wanted, address));
    }
    let file_id = fields::text(object, &format!("{name}_file_id"))?;
    call.known_file(&file_id, wanted).map(|file| Source::Known(file.id)).map_err(|error| error.description)
}

/// `InputMessageContent`: a text or an invoice.
fn content_of(call: &Call, value: &Value) -> Result<NewMessage, ApiError> {
    let cannot = |why: &str| ApiError::bad_request(format!("can't parse inline query result: {why}"));
    let object = value.as_object().ok_or_else(|| cannot("Field \"input_message_content\" must be of type Object"))?;
    let params = Params::of_object(object);
    if object.contains_key("message_text") {
        let formatted = text::formatted(&params, "message_text", "entities")?.unwrap_or_default();
        if formatted.text.is_empty() {
            return Err(ApiError::bad_request("message text is empty"));
        }
        if text::units(&formatted.text) > call.world().limits().text_units {
            return Err(ApiError::bad_request("MESSAGE_TOO_LONG"));
        }
        let no_preview = object.get("link_preview_options").is_some_and(|options| options["is_disabled"] == true);
        return Ok(NewMessage { text: formatted.text, entities: formatted.entities, no_preview, ..NewMessage::default() });
    }
    if object.contains_key("prices") {
        let invoice = Some(payments::invoice(call, &params)?);
        return Ok(NewMessage { extra: Extra { invoice, ..Extra::default() }, ..NewMessage::default() });
    }
    call.world().refuse("bot api method answerInlineQuery: a location, venue or contact");
    Err(ApiError::bad_request("locations, venues and contacts are not served by this loopback Telegram"))
}
