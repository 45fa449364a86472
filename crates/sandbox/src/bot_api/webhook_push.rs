//! Pushes updates to a webhook, one after the other, each until it is taken.
//!
//! In: a bot's queue. Out: POSTs with the secret; failures are tried again with growing waits and shown by `getWebhookInfo`. It ends when the webhook
//! is changed or deleted. It must not lose or reorder updates.

use std::time::Duration;

use serde_json::Value;

use super::{Face, json};
use crate::world::now_unix;

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Pushes as long as `epoch` is the bot's newest.
pub(super) async fn run(face: Face, bot: i64, epoch: u64) {
    let mut wait = FIRST_WAIT;
    loop {
        let seen = face.world.version();
        let next = face.world.read(|state| {
            let owner = state.bots.get(&bot).filter(|owner| owner.poll_epoch == epoch)?;
            let webhook = owner.webhook.clone()?;
            let update = owner.queue.front();
            Some((webhook.url, webhook.secret_token, update.map(|update| (update.id, json::update(state, bot, update)))))
        });
        let Some((url, secret, update)) = next else {
            return;
        };
        let Some((id, body)) = update else {
            face.world.changed_after(seen).await;
            continue;
        };
        match push(&face, &url, secret.as_deref(), &body).await {
            Ok(()) => {
                wait = FIRST_WAIT;
                face.world.change(|state| state.confirm_updates(bot, id + 1));
            }
            Err(error) => {
                face.world.change(|state| {
                    if let Some(webhook) = state.bots.get_mut(&bot).and_then(|owner| owner.webhook.as_mut()) {
                        webhook.last_error_date = Some(now_unix());
                        webhook.last_error_message = Some(error);
                    }
                });
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}

async fn push(face: &Face, url: &str, secret: Option<&str>, body: &Value) -> Result<(), String> {
    let mut request = face.http.post(url).timeout(ANSWER_WITHIN).json(body);
    if let Some(secret) = secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    let response = request.send().await.map_err(|error| format!("Connection failed: {error}"))?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("Wrong response from the webhook: {} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()));
    }
    // A webhook may answer with a call; this Telegram does not run it.
    let answer = response.json::<Value>().await.unwrap_or_default();
    if let Some(method) = answer.get("method") {
        face.world.refuse(format!("bot api method {method} in the answer of a webhook"));
    }
    Ok(())
}
