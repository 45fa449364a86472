//! `reply_markup`: inline keyboards.
//!
//! In: JSON. Out: rows of buttons, or the refusal that real Telegram gives. Reply keyboards are not served and refused loudly. It must not know of chats.

use serde_json::Value;

use super::params::Params;
use super::reply::ApiError;
use crate::world::{Button, ButtonAction};

/// The buttons of a call; none if there is no markup.
pub(super) fn buttons(params: &Params) -> Result<Vec<Vec<Button>>, ApiError> {
    let Some(markup) = params.json::<Value>("reply_markup")? else {
        return Ok(Vec::new());
    };
    let Some(rows) = markup.get("inline_keyboard") else {
        return match markup.as_object() {
            // Nothing to take away: there never is a reply keyboard.
            Some(object) if object.is_empty() || object.contains_key("remove_keyboard") => Ok(Vec::new()),
            Some(_) => Err(ApiError::bad_request("reply keyboards are not served by this loopback Telegram")),
            None => Err(ApiError::bad_request("object expected as reply markup")),
        };
    };
    let rows = rows.as_array().ok_or_else(|| ApiError::bad_request("field \"inline_keyboard\" must be of type Array"))?;
    let rows: Result<Vec<Vec<Button>>, ApiError> = rows.iter().map(row).collect();
    let rows: Vec<Vec<Button>> = rows?.into_iter().filter(|row| !row.is_empty()).collect();
    if rows.iter().flatten().count() > 100 {
        return Err(ApiError::bad_request("REPLY_MARKUP_TOO_LONG"));
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
        return Err(ApiError::bad_request("BUTTON_TEXT_INVALID"));
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
    fn bad_buttons_are_refused_in_telegrams_words() {
        let cases = [
            (json!({"text": "x", "callback_data": "é".repeat(33)}), "Bad Request: BUTTON_DATA_INVALID"),
            (json!({"text": "x", "callback_data": ""}), "Bad Request: BUTTON_DATA_INVALID"),
            (json!({"text": "x"}), "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
            (json!({"text": "", "callback_data": "x"}), "Bad Request: BUTTON_TEXT_INVALID"),
            (json!({"text": "x", "url": "http://"}), "Bad Request: BUTTON_URL_INVALID"),
        ];
        for (button, wanted) in cases {
            assert_eq!(read(&json!({"inline_keyboard": [[button]]})), Err(wanted.to_owned()), "{button}");
        }
        assert!(read(&json!({"inline_keyboard": [[{"text": "x", "callback_data": "y".repeat(64)}]]})).is_ok());
    }
}
