//! What a bot asks and says of itself.
//!
//! In: calls about the bot. Out: who it is, and its commands. It must not touch chats.

use serde_json::{Value, json};

use super::Call;
use super::reply::{Answer, ApiError};

/// `getMe`.
pub(super) fn get_me(call: &Call) -> Answer {
    let user = call.world().user_by_id(call.bot).ok_or_else(|| ApiError::new(401, "Unauthorized"))?;
    let settings = call.world().read(|state| state.settings_of(call.bot));
    Ok(json!({
        "id": user.id,
        "is_bot": true,
        "first_name": user.first_name,
        "username": user.username,
        "can_join_groups": settings.can_join_groups,
        "can_read_all_group_messages": !settings.privacy_mode,
        "supports_inline_queries": settings.inline_mode,
        "can_connect_to_business": false,
        "has_main_web_app": false,
    }))
}

/// `logOut` and `close`: there is no other server to go to, so nothing happens.
pub(super) fn end() -> Answer {
    Ok(Value::Bool(true))
}

/// `setMyCommands`.
pub(super) fn set_commands(call: &Call) -> Answer {
    let commands: Value = call.params.json("commands")?.ok_or_else(|| ApiError::bad_request("can't parse commands: commands are empty"))?;
    let list = commands.as_array().ok_or_else(|| ApiError::bad_request("expected an Array of BotCommand"))?;
    if list.len() > 100 {
        return Err(ApiError::bad_request("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in list {
        check_command(command)?;
    }
    let key = scope(call)?;
    call.world().change(|state| {
        if let Some(bot) = state.bots.get_mut(&call.bot) {
            bot.commands.insert(key, commands);
        }
    });
    Ok(Value::Bool(true))
}

/// `getMyCommands`.
pub(super) fn get_commands(call: &Call) -> Answer {
    let key = scope(call)?;
    let commands = call.world().read(|state| state.bots.get(&call.bot).and_then(|bot| bot.commands.get(&key)).cloned());
    Ok(commands.unwrap_or_else(|| json!([])))
}

/// `deleteMyCommands`.
pub(super) fn delete_commands(call: &Call) -> Answer {
    let key = scope(call)?;
    call.world().change(|state| {
        if let Some(bot) = state.bots.get_mut(&call.bot) {
            bot.commands.remove(&key);
        }
    });
    Ok(Value::Bool(true))
}

fn scope(call: &Call) -> Result<(String, String), ApiError> {
    let scope: Option<Value> = call.params.json("scope")?;
    // A map of serde_json is sorted, so equal scopes read equal.
    let scope = scope.unwrap_or_else(|| json!({"type": "default"})).to_string();
    Ok((scope, call.params.text("language_code").unwrap_or_default().to_owned()))
}

/// Rules of <https://core.telegram.org/bots/api#botcommand>.
fn check_command(command: &Value) -> Result<(), ApiError> {
    let name = command["command"].as_str().unwrap_or_default().trim_start_matches('/');
    let right_letters = name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if name.is_empty() || name.len() > 32 || !right_letters {
        return Err(ApiError::bad_request("BOT_COMMAND_INVALID"));
    }
    match command["description"].as_str().map(|text| text.chars().count()) {
        Some(1..=256) => Ok(()),
        _ => Err(ApiError::bad_request("BOT_COMMAND_DESCRIPTION_INVALID")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_checked() {
        let cases = [
            (json!({"command": "start", "description": "Begin"}), true),
            (json!({"command": "Start", "description": "Begin"}), false),
            (json!({"command": "a".repeat(33), "description": "Begin"}), false),
            (json!({"command": "start", "description": ""}), false),
            (json!({"command": "", "description": "x"}), false),
        ];
        for (command, right) in cases {
            assert_eq!(check_command(&command).is_ok(), right, "{command}");
        }
    }
}
