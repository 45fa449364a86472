//! `reply_markup`: inline keyboards, and whether it is one.
//!
//! In: JSON. Out: rows of buttons, or the refusal that real Telegram gives. Other keyboards are read by `reply_keyboard`. It must not know of chats.

use serde_json::Value;

use super::params::Params;
use super::reply::ApiError;
use super::reply_keyboard;
use crate::world::keyboards::Keyboard;
use crate::world::{Button, ButtonAction};

/// The markup of a call that sends: inline buttons, or what it says about the keyboard. `in_private` allows keys that ask for contact and location.
pub(super) fn read(params: &Params, in_private: bool) -> Result<(Vec<Vec<Button>>, Option<Keyboard>), ApiError> {
    let Some(markup) = params.json::<Value>("reply_markup")? else {
        return Ok((Vec::new(), None));
    };
    let object = markup.as_object().ok_or_else(|| ApiError::bad_request("object expected as reply markup"))?;
    match reply_keyboard::read(object, in_private)? {
        Some(keyboard) => Ok((Vec::new(), Some(keyboard))),
        None => Ok((inline(&markup)?, None)),
    }
}

/// The inline buttons of a call that takes nothing else; none if there is no markup.
pub(super) fn buttons(params: &Params) -> Result<Vec<Vec<Button>>, ApiError> {
    match read(params, true)? {
        (buttons, None) => Ok(buttons),
        (_, Some(_)) => Err(ApiError::bad_request("inline keyboard expected")),
    }
}

fn inline(markup: &Value) -> Result<Vec<Vec<Button>>, ApiError> {
    let Some(rows) = markup.get("inline_keyboard") else {
        return Ok(Vec::new());
    };
    let rows = rows.as_array().ok_or_else(|| ApiError::bad_request("field \"inline_keyboard\" must be of type Array"))?;
    let rows: Result<Vec<Vec<Button>>, ApiError> = rows.iter().map(row).collect();
    let rows: Vec<Vec<Button>> = rows?.into_iter().filter(|row| !row.is_empty()).collect();
    if rows.iter().flatten().count() > 100 {
        return Err(ApiError::bad_request("reply markup is too long"));
    }
    Ok(rows)
}

fn row(row: &Value) -> Result<Vec<Button>, ApiError> {
    let buttons = row.as_array().ok_or_else(|| ApiError::bad_request("can't parse inline keyboard button: expected an Array"))?;
    buttons.iter().map(button).collect()
}

fn button(button: &Value) -> Result<Button, ApiError> {
    let cannot = |why: &str| ApiError::bad_request(format!("can't parse inline keyboard button: {why}"));
    let text = button["text"].as_str().ok_or_else(|| cannot("Field \"text\" must be of type String"))?.trim().to_owned();
    if text.is_empty() {
        return Err(ApiError::bad_request("inline keyboard button text must be non-empty"));
    }
    let action = if let Some(data) = button.get("callback_data") {
        let data = data.as_str().unwrap_or_default();
        if !(1..=64).contains(&data.len()) {
            return Err(ApiError::bad_request("BUTTON_DATA_INVALID"));
        }
        ButtonAction::Callback(data.to_owned())
    } else if let Some(target) = button.get("url") {
        let target = target.as_str().unwrap_or_default();
        let with_scheme = if target.contains(':') { target.to_owned() } else { format!("http://{target}") };
        match url::Url::parse(&with_scheme) {
            Ok(url) if matches!(url.scheme(), "http" | "https" | "tg") => ButtonAction::Url(url.to_string()),
            Ok(_) => {
                return Err(ApiError::bad_request(format!("inline keyboard button URL '{target}' is invalid: Unsupported URL protocol")));
            }
            Err(_) => return Err(ApiError::bad_request("BUTTON_URL_INVALID")),
        }
    } else if let Some(query) = button.get("switch_inline_query").and_then(Value::as_str) {
        ButtonAction::SwitchInline { query: query.to_owned(), here: false }
    } else if let Some(query) = button.get("switch_inline_query_current_chat").and_then(Value::as_str) {
        ButtonAction::SwitchInline { query: query.to_owned(), here: true }
    } else if button["pay"] == true {
        ButtonAction::Pay
    } else if let Some(copied) = button.pointer("/copy_text/text").and_then(Value::as_str) {
        ButtonAction::CopyText(copied.to_owned())
    } else if button.as_object().is_some_and(|fields| fields.keys().all(|field| field == "text")) {
        return Err(cannot("Text buttons are unallowed in the inline keyboard"));
    } else {
        return Err(cannot("this kind of button is not served by this loopback Telegram"));
    };
    Ok(Button { text, action })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(markup: &Value) -> Result<Vec<Vec<Button>>, String> {
        let object = json!({"reply_markup": markup});
        buttons(&Params::of_object(object.as_object().expect("an object"))).map_err(|error| error.description)
    }

    #[test]
    fn keyboards_are_read() {
        let rows = read(&json!({"inline_keyboard": [[{"text": "Video", "callback_data": "v"}, {"text": "Site", "url": "a.example"}], []]}));
        let wanted = vec![vec![
            Button { text: "Video".to_owned(), action: ButtonAction::Callback("v".to_owned()) },
            Button { text: "Site".to_owned(), action: ButtonAction::Url("http://a.example/".to_owned()) },
        ]];
        assert_eq!(rows, Ok(wanted));
    }

    #[test]
    fn other_keyboards_are_told_apart() {
        let read = |markup: Value, in_private: bool| {
            let object = json!({"reply_markup": markup});
            super::read(&Params::of_object(object.as_object().expect("an object")), in_private).map_err(|error| error.description)
        };
        let (_, keyboard) = read(json!({"keyboard": [["Yes", {"text": "No"}]], "one_time_keyboard": true}), true).expect("reads");
        let Some(Keyboard::Shown { rows, one_time: true, .. }) = keyboard else { panic!("{keyboard:?}") };
        assert_eq!(rows[0].iter().map(|key| key.text.as_str()).collect::<Vec<_>>(), ["Yes", "No"]);
        assert_eq!(read(json!({"remove_keyboard": true}), true), Ok((Vec::new(), Some(Keyboard::Removed))));
        let phone = json!({"keyboard": [[{"text": "Me", "request_contact": true}]]});
        assert!(read(phone.clone(), true).is_ok());
        let cases = [
            (phone, "phone number can be requested in private chats only"),
            (json!({"keyboard": [[""]]}), "keyboard button text must be non-empty"),
            (json!({"keyboard": [[7]]}), "can't parse keyboard button: KeyboardButton must be a String or an Object"),
            (json!({"keyboard": ["Yes"]}), "field \"keyboard\" must be an Array of Arrays"),
            (json!([]), "object expected as reply markup"),
        ];
        for (markup, wanted) in cases {
            assert_eq!(read(markup.clone(), false), Err(format!("Bad Request: {wanted}")), "{markup}");
        }
    }

    #[test]
    fn bad_buttons_are_refused_in_telegrams_words() {
        let cases = [
            (json!({"text": "x", "callback_data": "é".repeat(33)}), "Bad Request: BUTTON_DATA_INVALID"),
            (json!({"text": "x", "callback_data": ""}), "Bad Request: BUTTON_DATA_INVALID"),
            (json!({"text": "x"}), "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
            (json!({"text": "", "callback_data": "x"}), "Bad Request: inline keyboard button text must be non-empty"),
            (json!({"text": "x", "url": "http://"}), "Bad Request: BUTTON_URL_INVALID"),
        ];
        for (button, wanted) in cases {
            assert_eq!(read(&json!({"inline_keyboard": [[button]]})), Err(wanted.to_owned()), "{button}");
        }
        assert!(read(&json!({"inline_keyboard": [[{"text": "x", "callback_data": "y".repeat(64)}]]})).is_ok());
    }
}
