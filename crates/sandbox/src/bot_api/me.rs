//! What a bot asks and says of itself.
//!
//! In: calls about the bot. Out: who it is. What it says of itself is in `profile` and `commands`. It must not touch chats.

use serde_json::{Value, json};
use tokio::time::Instant;

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

/// `close`: there is no other server to go to, so nothing happens. A server that was started itself not long ago refuses nobody (telegram-bot-api's
/// `Client.cpp`, `on_cmd`).
pub(super) fn close() -> Answer {
    Ok(Value::Bool(true))
}

/// `logOut`: what was not fetched yet is forgotten, and the bot may not come back for a while.
pub(super) fn log_out(call: &Call) -> Answer {
    let until = Instant::now() + call.world().limits().log_out;
    call.world().change(|state| {
        let bot = state.bots.get_mut(&call.bot).ok_or_else(|| ApiError::new(401, "Unauthorized"))?;
        bot.queue.clear();
        bot.webhook = None;
        bot.poll_epoch += 1;
        bot.logged_out_until = Some(until);
        Ok(Value::Bool(true))
    })
}
