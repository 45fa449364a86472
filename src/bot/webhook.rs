//! Updates that Telegram brings: <https://core.telegram.org/bots/api#setwebhook>.
//!
//! In: HTTP POSTs with the secret. Out: 200 once an update is handled, 500 so that Telegram brings it again. Must not: answer 200 before what
//! the update wishes is stored. (teloxide's own listener does, and so could lose it in a crash.)

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};
use teloxide::Bot;
use teloxide::payloads::SetWebhookSetters;
use teloxide::requests::Requester;
use teloxide::types::{Update, UpdateKind};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::schema::WANTED;
use crate::config::BotConfig;
use crate::model::Failure;
use crate::telegram::bot::failure_from;
use crate::telegram::patience::{Patience, patiently};

const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";

/// Handles one update.
pub(super) trait Handle: Clone + Send + Sync + 'static {
    /// An error means that the update must come again.
    fn handle(&self, update: Update) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Listens, tells Telegram where, and serves until `shutdown`. The webhook stays set, so that Telegram keeps updates for the next start.
pub(super) async fn serve(bot: &Bot, config: &BotConfig, handle: impl Handle, shutdown: CancellationToken) -> Result<(), Failure> {
    let url = config.webhook_url.clone().ok_or_else(|| Failure::internal(anyhow::anyhow!("bot.webhook_url is not set")))?;
    let secret = match config.webhook_secret.expose() {
        "" => Alphanumeric.sample_string(&mut rand::rng(), 48),
        given => given.to_owned(),
    };
    let listener = TcpListener::bind(config.webhook_listen)
        .await
        .map_err(|error| Failure::internal(anyhow::Error::new(error).context(format!("listening at {}", config.webhook_listen))))?;
    let router = router(url.path(), &secret, handle);
    patiently(Patience::LONG, || bot.set_webhook(url.clone()).secret_token(secret.clone()).allowed_updates(WANTED).into_future())
        .await
        .map_err(failure_from)?;
    tracing::info!(listen = %config.webhook_listen, url = %url, "updates come by webhook");
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await.map_err(Failure::internal)
}

struct Door<H> {
    /// Of the secret, so that comparing takes the same time whatever is sent.
    digest: [u8; 32],
    handle: H,
}

fn router<H: Handle>(path: &str, secret: &str, handle: H) -> Router {
    let door = Arc::new(Door { digest: Sha256::digest(secret).into(), handle });
    Router::new().route(path, post(take::<H>)).with_state(door)
}

async fn take<H: Handle>(State(door): State<Arc<Door<H>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let shown = headers.get(SECRET_HEADER).map(|value| <[u8; 32]>::from(Sha256::digest(value.as_bytes())));
    if shown != Some(door.digest) {
        return StatusCode::UNAUTHORIZED;
    }
    let update = match serde_json::from_slice::<Update>(&body) {
        Ok(Update { id, kind: UpdateKind::Error(_) }) => {
            tracing::warn!(update = id.0, "an update of an unknown kind is left out");
            return StatusCode::OK;
        }
        Ok(update) => update,
        Err(error) => {
            tracing::warn!(%error, "what came by the webhook is no update");
            return StatusCode::BAD_REQUEST;
        }
    };
    let number = update.id.0;
    // A task of its own: a connection that Telegram cuts must not stop a handler halfway.
    match tokio::spawn(async move { door.handle.handle(update).await }).await {
        Ok(Ok(())) => StatusCode::OK,
        Ok(Err(error)) => {
            tracing::warn!(update = number, %error, "an update could not be handled; it comes again");
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Err(error) => {
            tracing::error!(update = number, %error, "a handler ended in an odd way");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<u32>>>);

    impl Handle for Seen {
        async fn handle(&self, update: Update) -> Result<(), Failure> {
            self.0.lock().unwrap().push(update.id.0);
            if update.id.0 == 13 { Err(Failure::internal(anyhow::anyhow!("the database is away"))) } else { Ok(()) }
        }
    }

    #[tokio::test]
    async fn only_telegram_gets_in_and_only_what_is_handled_is_confirmed() {
        let seen = Seen::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(
            axum::serve(listener, router("/hook", "hush", seen.clone()))
                .with_graceful_shutdown(shutdown.clone().cancelled_owned())
                .into_future(),
        );
        let client = reqwest::Client::builder().build().unwrap();
        let send = |secret: Option<&'static str>, body: &'static str| {
            let mut request = client.post(&url).body(body);
            if let Some(secret) = secret {
                request = request.header(SECRET_HEADER, secret);
            }
            async move { request.send().await.unwrap().status().as_u16() }
        };
        let message = r#"{"update_id": 7, "message": {"message_id": 1, "date": 0, "text": "x", "chat": {"id": 1, "type": "private"}}}"#;
        let failing = r#"{"update_id": 13, "message": {"message_id": 1, "date": 0, "text": "x", "chat": {"id": 1, "type": "private"}}}"#;
        assert_eq!(send(None, message).await, 401);
        assert_eq!(send(Some("Hush"), message).await, 401);
        assert_eq!(send(Some("hush"), message).await, 200);
        assert_eq!(send(Some("hush"), failing).await, 500);
        assert_eq!(send(Some("hush"), "nonsense").await, 400);
        assert_eq!(send(Some("hush"), r#"{"update_id": 8, "of_the_future": {}}"#).await, 200);
        assert_eq!(*seen.0.lock().unwrap(), [7, 13]);
        shutdown.cancel();
        drop(client);
        server.await.unwrap().unwrap();
    }
}
