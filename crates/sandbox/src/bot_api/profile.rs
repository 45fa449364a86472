//! What a bot says of itself: name, descriptions, and the button beside the place where one writes.
//!
//! In: `setMyName` and its like, `setChatMenuButton`. Out: texts by language, buttons by person. Limits: <https://core.telegram.org/bots/api#setmyname> and
//! its like; wording: telegram-bot-api's `Client.cpp` (`get_bot_menu_button`). How Telegram refuses a text that is too long is not documented; here it is
//! `ABOUT_TOO_LONG`, as for people. It must not touch commands.

use serde_json::{Value, json};

use super::reply::{Answer, ApiError};
use super::{Call, fields};
use crate::world::profile::Profile;

/// A text: its name in the methods, and the most characters.
type Text = (&'static str, usize);

pub(super) const NAME: Text = ("name", 64);
pub(super) const DESCRIPTION: Text = ("description", 512);
pub(super) const SHORT_DESCRIPTION: Text = ("short_description", 120);

/// `setMyName`, `setMyDescription`, `setMyShortDescription`; an empty text takes it away.
pub(super) fn set_text(call: &Call, (what, most): Text) -> Answer {
    let language = language(call)?;
    let text = call.params.text(what).unwrap_or_default().to_owned();
    if text.chars().count() > most {
        return Err(ApiError::bad_request("ABOUT_TOO_LONG"));
    }
    if what == NAME.0 && language.is_empty() && !text.is_empty() {
        call.world().change(|state| state.users.get_mut(call.bot).map(|bot| bot.first_name.clone_from(&text)));
    }
    change(call, |profile| {
        match text.is_empty() {
            true => profile.texts.remove(&(what, language)),
            false => profile.texts.insert((what, language), text),
        };
    })
}

/// `getMyName`, `getMyDescription`, `getMyShortDescription`.
pub(super) fn get_text(call: &Call, (what, _): Text) -> Answer {
    let language = language(call)?;
    call.world().read(|state| {
        let mut text = state.profile_text(call.bot, what, &language);
        if text.is_empty() && what == NAME.0 {
            text = state.users.get(call.bot).map(|bot| bot.first_name.clone()).unwrap_or_default();
        }
        Ok(json!({what: text}))
    })
}

/// `setChatMenuButton`.
pub(super) fn set_menu_button(call: &Call) -> Answer {
    let person = person(call)?;
    let button: Value = call.params.json("menu_button")?.unwrap_or_else(|| json!({"type": "default"}));
    let button = menu_button(&button)?;
    change(call, |profile| {
        profile.menu_buttons.insert(person, button);
    })
}

/// `getChatMenuButton`: without a person the one for all, which is that of the commands until it is changed.
pub(super) fn get_menu_button(call: &Call) -> Answer {
    let person = person(call)?;
    let button = call.world().read(|state| state.bots.get(&call.bot).and_then(|bot| bot.profile.menu_buttons.get(&person)).cloned());
    Ok(button.unwrap_or_else(|| json!({"type": if person.is_some() { "default" } else { "commands" }})))
}

/// Changes what the bot says of itself.
pub(super) fn change(call: &Call, act: impl FnOnce(&mut Profile)) -> Answer {
    call.world().change(|state| {
        let bot = state.bots.get_mut(&call.bot).ok_or_else(|| ApiError::new(401, "Unauthorized"))?;
        act(&mut bot.profile);
        Ok(Value::Bool(true))
    })
}

/// `language_code`: two letters, or none (TDLib, `validate_bot_language_code`).
pub(super) fn language(call: &Call) -> Result<String, ApiError> {
    let language = call.params.text("language_code").unwrap_or_default();
    let right = language.is_empty() || language.len() == 2 && language.chars().all(|letter| letter.is_ascii_lowercase());
    if right { Ok(language.to_owned()) } else { Err(ApiError::bad_request("invalid language code specified")) }
}

fn person(call: &Call) -> Result<Option<i64>, ApiError> {
    if !call.params.was_given("chat_id") {
        return Ok(None);
    }
    let id: i64 = call.params.number("chat_id").filter(|id| *id > 0).ok_or_else(|| ApiError::bad_request("invalid chat_id specified"))?;
    match call.world().user_by_id(id) {
        Some(_) => Ok(Some(id)),
        None => Err(ApiError::bad_request("user not found")),
    }
}

fn menu_button(button: &Value) -> Result<Value, ApiError> {
    let cannot = |why: &str| ApiError::bad_request(format!("can't parse menu button: {why}"));
    let object = button.as_object().ok_or_else(|| cannot("MenuButton must be an Object"))?;
    match fields::text(object, "type").map_err(|why| cannot(&why))?.as_str() {
        kind @ ("default" | "commands") => Ok(json!({"type": kind})),
        "web_app" => {
            let text = fields::text(object, "text").map_err(|why| cannot(&why))?;
            let page = object.get("web_app").and_then(Value::as_object).ok_or_else(|| cannot("Can't find field \"web_app\""))?;
            let url = fields::text(page, "url").map_err(|why| cannot(&why))?;
            match url::Url::parse(&url) {
                Ok(parsed) if parsed.scheme() == "https" => Ok(json!({"type": "web_app", "text": text, "web_app": {"url": url}})),
                _ => Err(ApiError::bad_request("BUTTON_URL_INVALID")),
            }
        }
        _ => Err(cannot("MenuButton has unsupported type")),
    }
}
