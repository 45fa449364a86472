//! `setWebhook`, `deleteWebhook`, `getWebhookInfo`.
//!
//! In: an address. Out: a task that pushes (`webhook_push`), or the refusal (telegram-bot-api's `WebhookActor.cpp`). It must not deliver by itself.

use serde_json::{Value, json};

use super::reply::{Answer, ApiError};
use super::{Call, webhook_push};
use crate::world::updates::Webhook;

/// Where a server without `--local` delivers.
const PORTS: [u16; 4] = [80, 88, 443, 8443];

/// `setWebhook`.
pub(super) fn set(call: &Call) -> Answer {
    call.params.ignore(&["ip_address"]);
    let Some(address) = call.params.text("url").map(str::to_owned) else {
        // An empty address takes the webhook away.
        return delete(call);
    };
    let url = url::Url::parse(&address).map_err(|_| ApiError::bad_request("bad webhook: invalid webhook URL specified"))?;
    let plain_is_fine = call.face.world.limits().http_webhooks;
    if url.scheme() != "https" && !(url.scheme() == "http" && plain_is_fine) {
        return Err(ApiError::bad_request("bad webhook: An HTTPS URL must be provided for webhook"));
    }
    if !plain_is_fine && !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
        return Err(ApiError::bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"));
    }
    let secret_token = call.params.text("secret_token").map(str::to_owned);
    let right_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if secret_token.as_ref().is_some_and(|token| token.len() > 256 || !token.chars().all(right_letter)) {
        return Err(ApiError::bad_request("secret token contains unallowed characters"));
    }
    let wanted: Option<Vec<String>> = call.params.json("allowed_updates")?;
    let forget = call.params.flag("drop_pending_updates");
    let max_connections = call.params.number("max_connections").unwrap_or(40).clamp(1, 100);
    let epoch = call.world().change(|state| -> Result<_, ApiError> {
        let bot = state.bots.get_mut(&call.bot).ok_or_else(|| ApiError::new(401, "Unauthorized"))?;
        if let Some(wanted) = wanted {
            bot.allowed_updates = Some(wanted).filter(|wanted| !wanted.is_empty());
        }
        if forget {
            bot.queue.clear();
        }
        bot.webhook = Some(Webhook { url: address, secret_token, max_connections, last_error_date: None, last_error_message: None });
        bot.poll_epoch += 1;
        Ok(bot.poll_epoch)
    })?;
    let face = call.face.clone();
    let cancel = face.cancel.clone();
    let bot = call.bot;
    face.tasks.clone().spawn(async move { cancel.run_until_cancelled_owned(webhook_push::run(face, bot, epoch)).await });
    Ok(Value::Bool(true))
}

/// `deleteWebhook`.
pub(super) fn delete(call: &Call) -> Answer {
    let forget = call.params.flag("drop_pending_updates");
    call.world().change(|state| {
        if let Some(bot) = state.bots.get_mut(&call.bot) {
            if bot.webhook.take().is_some() {
                bot.poll_epoch += 1;
            }
            if forget {
                bot.queue.clear();
            }
        }
    });
    Ok(Value::Bool(true))
}

/// `getWebhookInfo`.
pub(super) fn info(call: &Call) -> Answer {
    call.world().read(|state| {
        let bot = state.bots.get(&call.bot).ok_or_else(|| ApiError::new(401, "Unauthorized"))?;
        let mut info = json!({"url": "", "has_custom_certificate": false, "pending_update_count": bot.queue.len()});
        if let Some(webhook) = &bot.webhook {
            info["url"] = json!(webhook.url);
            info["max_connections"] = json!(webhook.max_connections);
            if let (Some(date), Some(message)) = (webhook.last_error_date, &webhook.last_error_message) {
                info["last_error_date"] = json!(date);
                info["last_error_message"] = json!(message);
            }
        }
        if let Some(wanted) = &bot.allowed_updates {
            info["allowed_updates"] = json!(wanted);
        }
        Ok(info)
    })
}
