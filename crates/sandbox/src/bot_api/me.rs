//! What a bot asks and says of itself.
//!
//! In: calls about the bot. Out: who it is. What it says of itself is in `profile` and `commands`. It must not touch chats.

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
