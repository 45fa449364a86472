//! `ReplyKeyboardMarkup`, `ReplyKeyboardRemove` and `ForceReply`.
//!
//! In: JSON. Out: what the message says about the keyboard, or the refusal in the words of telegram-bot-api's `Client.cpp` (`get_reply_markup`) and TDLib's
//! `ReplyMarkup.cpp`. It must not know of inline keyboards (`markup`).

use serde_json::Value;

use super::fields::{self, Object};
use super::reply::ApiError;
use crate::world::keyboards::{Keyboard, KeyboardButton};

/// Buttons that would ask the person for more than a text or are pages of their own.
const NOT_SERVED: [&str; 5] = ["request_poll", "request_users", "request_chat", "web_app", "request_managed_bot"];

/// What a markup says; `None` if it is none of these. `in_private` allows to ask for contact and location.
pub(super) fn read(markup: &Object, in_private: bool) -> Result<Option<Keyboard>, ApiError> {
    let flag = |name: &str| markup.get(name).is_some_and(|value| value == true);
    let placeholder = fields::optional_text(markup, "input_field_placeholder").map_err(ApiError::bad_request)?.unwrap_or_default();
    let rows = match markup.get("keyboard") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(rows)) => rows.iter().map(|row| self::row(row, in_private)).collect::<Result<Vec<_>, _>>()?,
        Some(_) => return Err(ApiError::bad_request("field \"keyboard\" must be of type Array")),
    };
    let rows: Vec<_> = rows.into_iter().filter(|row| !row.is_empty()).collect();
    Ok(if !rows.is_empty() {
        let (one_time, resize, persistent) = (flag("one_time_keyboard"), flag("resize_keyboard"), flag("is_persistent"));
        Some(Keyboard::Shown { rows, one_time, resize, persistent, placeholder })
    } else if flag("remove_keyboard") {
        Some(Keyboard::Removed)
    } else if flag("force_reply") {
        Some(Keyboard::ForceReply { placeholder })
    } else {
        None
    })
}

fn row(row: &Value, in_private: bool) -> Result<Vec<KeyboardButton>, ApiError> {
    let buttons = row.as_array().ok_or_else(|| ApiError::bad_request("field \"keyboard\" must be an Array of Arrays"))?;
    buttons.iter().map(|button| self::button(button, in_private)).collect()
}

fn button(button: &Value, in_private: bool) -> Result<KeyboardButton, ApiError> {
    let cannot = |why: &str| ApiError::bad_request(format!("can't parse keyboard button: {why}"));
    let (text, asks_for) = match button {
        Value::String(text) => (text.clone(), None),
        Value::Object(object) => {
            if let Some(name) = NOT_SERVED.into_iter().find(|name| object.contains_key(*name)) {
                return Err(cannot(&format!("{name} is not served by this loopback Telegram")));
            }
            let asks = |name: &str| object.get(name).is_some_and(|value| value == true);
            let asks_for = match () {
                () if asks("request_contact") && !in_private => {
                    return Err(ApiError::bad_request("phone number can be requested in private chats only"));
                }
                () if asks("request_location") && !in_private => {
                    return Err(ApiError::bad_request("location can be requested in private chats only"));
                }
                () if asks("request_contact") => Some("contact"),
                () if asks("request_location") => Some("location"),
                () => None,
            };
            (fields::text(object, "text").map_err(|why| cannot(&why))?, asks_for)
        }
        _ => return Err(cannot("KeyboardButton must be a String or an Object")),
    };
    if text.trim().is_empty() {
        return Err(ApiError::bad_request("keyboard button text must be non-empty"));
    }
    Ok(KeyboardButton { text, asks_for })
}
