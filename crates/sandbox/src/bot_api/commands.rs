//! `setMyCommands`, `getMyCommands`, `deleteMyCommands`.
//!
//! In: commands with a scope and a language. Out: the same, checked. Rules: <https://core.telegram.org/bots/api#botcommandscope>, telegram-bot-api's
//! `Client.cpp` (`get_bot_command_scope`), TDLib's `BotCommand.cpp`. Which commands a person is shown is in `world::profile`. It must not touch chats.

use serde_json::{Value, json};

use super::access::may_read;
use super::reply::{Answer, ApiError};
use super::{Call, fields, profile};
use crate::world::ChatRef;
use crate::world::profile::scope_of_chat;

/// `setMyCommands`; an empty list takes them away.
pub(super) fn set(call: &Call) -> Answer {
    let commands: Value =
        call.params.json("commands").map_err(|_| ApiError::bad_request("can't parse commands JSON object"))?.unwrap_or_default();
    let list = match &commands {
        Value::Null => &Vec::new(),
        Value::Array(list) => list,
        _ => return Err(ApiError::bad_request("expected an Array of BotCommand")),
    };
    if list.len() > 100 {
        return Err(ApiError::bad_request("BOT_COMMANDS_TOO_MUCH"));
    }
    let list = list.iter().map(command).collect::<Result<Vec<_>, _>>()?;
    let key = key(call)?;
    profile::change(call, |profile| {
        match list.is_empty() {
            true => profile.commands.remove(&key),
            false => profile.commands.insert(key, Value::Array(list)),
        };
    })
}

/// `getMyCommands`: those of exactly this scope and language.
pub(super) fn get(call: &Call) -> Answer {
    let key = key(call)?;
    let commands = call.world().read(|state| state.bots.get(&call.bot).and_then(|bot| bot.profile.commands.get(&key)).cloned());
    Ok(commands.unwrap_or_else(|| json!([])))
}

/// `deleteMyCommands`.
pub(super) fn delete(call: &Call) -> Answer {
    let key = key(call)?;
    profile::change(call, |profile| {
        profile.commands.remove(&key);
    })
}

/// Scope and language of a call.
fn key(call: &Call) -> Result<(String, String), ApiError> {
    let language = profile::language(call)?;
    let Some(scope) = call.params.json::<Value>("scope").map_err(|_| ApiError::bad_request("can't parse BotCommandScope JSON object"))?
    else {
        return Ok(("default".to_owned(), language));
    };
    let cannot = |why: &str| ApiError::bad_request(format!("can't parse BotCommandScope: {why}"));
    let object = scope.as_object().ok_or_else(|| cannot("BotCommandScope must be an Object"))?;
    let kind = fields::text(object, "type").map_err(|why| cannot(&why))?;
    if ["default", "all_private_chats", "all_group_chats", "all_chat_administrators"].contains(&kind.as_str()) {
        return Ok((kind, language));
    }
    if !["chat", "chat_administrators", "chat_member"].contains(&kind.as_str()) {
        return Err(cannot("Unsupported type specified"));
    }
    let chat = fields::text(object, "chat_id").map_err(|why| cannot(&why))?;
    if chat.is_empty() {
        return Err(cannot("Empty chat_id specified"));
    }
    let member = match kind.as_str() {
        "chat_member" => {
            let id = fields::number(object, "user_id").map_err(|why| cannot(&why))?;
            Some(id).filter(|id| *id > 0).ok_or_else(|| cannot("Invalid user_id specified")).map(Some)?
        }
        _ => None,
    };
    let chat = call.chat_named(&chat)?;
    call.world().read(|state| may_read(state, call.bot, chat))?;
    // Only groups have admins and members.
    if kind != "chat" && matches!(chat, ChatRef::Private { .. }) {
        return Err(ApiError::bad_request("can't use specified scope in the chat"));
    }
    Ok((scope_of_chat(&kind, chat, member), language))
}

/// A command as it is kept.
fn command(value: &Value) -> Result<Value, ApiError> {
    let cannot = |why: &str| ApiError::bad_request(format!("can't parse BotCommand: {why}"));
    let object = value.as_object().ok_or_else(|| cannot("expected an Object"))?;
    let name = fields::text(object, "command").map_err(|why| cannot(&why))?;
    let description = fields::text(object, "description").map_err(|why| cannot(&why))?;
    let (name, description) = (name.trim(), description.trim());
    let name = name.strip_prefix('/').unwrap_or(name);
    let right_letters = name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    let fault = match () {
        () if name.is_empty() => "command must be non-empty",
        () if name.chars().count() > 32 => "command length must not exceed 32",
        () if description.is_empty() => "command description must be non-empty",
        () if description.chars().count() > 256 => "command description length must not exceed 256",
        () if !right_letters => "BOT_COMMAND_INVALID",
        () => return Ok(json!({"command": name, "description": description})),
    };
    Err(ApiError::bad_request(fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_checked() {
        let cases = [
            ("/start", "Begin", None),
            ("Start", "Begin", Some("BOT_COMMAND_INVALID")),
            (&"a".repeat(33), "Begin", Some("command length must not exceed 32")),
            ("start", " ", Some("command description must be non-empty")),
            ("", "x", Some("command must be non-empty")),
        ];
        for (name, description, fault) in cases {
            let read = command(&json!({"command": name, "description": description})).map_err(|error| error.description);
            assert_eq!(read.err(), fault.map(|fault| format!("Bad Request: {fault}")), "{name}");
        }
    }
}
