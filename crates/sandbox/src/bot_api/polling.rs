//! `getUpdates`.
//!
//! In: offset, limit, timeout, wanted kinds. Out: updates in order; each comes again until a higher offset confirms it. Of two polls of one bot the
//! older one ends with 409. It must not push (`webhook_push` does).

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::reply::{Answer, ApiError};
use super::{Call, json};
use crate::world::{Bot, State};

/// Longest wait, in seconds.
const MAX_TIMEOUT_SECONDS: u64 = 50;

/// Waits for updates and gives them.
pub(super) async fn get_updates(call: &Call) -> Answer {
    let offset: i32 = call.params.number("offset").unwrap_or(0);
    let limit = call.params.number::<usize>("limit").unwrap_or(100).clamp(1, 100);
    let timeout = Duration::from_secs(call.params.number::<u64>("timeout").unwrap_or(0).min(MAX_TIMEOUT_SECONDS));
    let wanted: Option<Vec<String>> = call.params.json("allowed_updates")?;
    let until = Instant::now() + timeout;
    let world = call.world();
    let epoch = world.change(|state| begin(state, call.bot, offset, wanted))?;
    loop {
        let seen = world.version();
        let batch = world.read(|state| {
            let bot = state.bots.get(&call.bot).ok_or_else(|| ApiError::new(401, "Unauthorized"))?;
            if bot.poll_epoch != epoch {
                return Err(replaced(bot));
            }
            Ok(bot.queue.iter().take(limit).map(|update| json::update(state, call.bot, update)).collect::<Vec<Value>>())
        })?;
        if !batch.is_empty() {
            return Ok(Value::Array(batch));
        }
        if tokio::time::timeout_at(until, world.changed_after(seen)).await.is_err() {
            return Ok(Value::Array(Vec::new()));
        }
    }
}

/// Confirms what is older than `offset`, and makes this poll the bot's only one.
fn begin(state: &mut State, id: i64, offset: i32, wanted: Option<Vec<String>>) -> Result<u64, ApiError> {
    let bot = state.bots.get_mut(&id).ok_or_else(|| ApiError::new(401, "Unauthorized"))?;
    if bot.webhook.is_some() {
        return Err(replaced(bot));
    }
    if let Some(wanted) = wanted {
        // An empty list is the default set.
        bot.allowed_updates = Some(wanted).filter(|wanted| !wanted.is_empty());
    }
    bot.poll_epoch += 1;
    let epoch = bot.poll_epoch;
    if offset < 0 {
        // "All previous updates will be forgotten", counted from the end.
        let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        let drop = bot.queue.len().saturating_sub(keep);
        bot.queue.drain(..drop);
    } else {
        state.confirm_updates(id, offset);
    }
    Ok(epoch)
}

fn replaced(bot: &Bot) -> ApiError {
    let why = match bot.webhook {
        Some(_) => "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        None => "terminated by other getUpdates request; make sure that only one bot instance is running",
    };
    ApiError::new(409, format!("Conflict: {why}"))
}
