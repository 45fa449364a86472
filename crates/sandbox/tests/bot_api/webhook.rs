//! Webhooks: delivery in order, with the secret, again after a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tgferry_sandbox::Limits;
use tokio::sync::mpsc;

use crate::rig::Rig;

type Got = (Option<String>, Value);

#[derive(Clone)]
struct Hook {
    got: mpsc::UnboundedSender<Got>,
    failures: Arc<AtomicUsize>,
}

async fn hook(State(hook): State<Hook>, headers: HeaderMap, Json(body): Json<Value>) -> StatusCode {
    let secret = headers.get("X-Telegram-Bot-Api-Secret-Token").and_then(|value| value.to_str().ok()).map(str::to_owned);
    hook.got.send((secret, body)).expect("the test listens");
    let fail = hook.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    if fail { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
}

/// Listens, and fails the first `failures` deliveries.
async fn listen(failures: usize) -> (String, mpsc::UnboundedReceiver<Got>) {
    let (got, received) = mpsc::unbounded_channel();
    let app = Router::new().route("/hook", post(hook)).with_state(Hook { got, failures: Arc::new(AtomicUsize::new(failures)) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}/hook"), received)
}

#[tokio::test]
async fn updates_are_pushed_in_order_and_again_after_a_failure() {
    let rig = Rig::with(Limits { http_webhooks: true, ..Limits::default() }).await;
    let (url, mut received) = listen(1).await;
    rig.ok("setWebhook", json!({"url": url, "secret_token": "s3cret"})).await;
    rig.ann.sends("second").await;
    let mut next = async || {
        let (secret, body) = received.recv().await.expect("a delivery");
        assert_eq!(secret.as_deref(), Some("s3cret"));
        body["message"]["text"].as_str().expect("a text").to_owned()
    };
    assert_eq!(next().await, "/start");
    assert_eq!(next().await, "/start");
    assert_eq!(next().await, "second");
    let info = rig.ok("getWebhookInfo", json!({})).await;
    assert_eq!(info["url"], url);
    assert!(info["last_error_message"].as_str().expect("an error").contains("500"), "{info}");
    let conflict = rig.refused("getUpdates", json!({})).await;
    assert_eq!(conflict.0, 409);
    assert!(conflict.1.contains("can't use getUpdates method while webhook is active"), "{conflict:?}");
}

#[tokio::test]
async fn a_deleted_webhook_gives_way_to_polling() {
    let rig = Rig::with(Limits { http_webhooks: true, ..Limits::default() }).await;
    rig.ok("setWebhook", json!({"url": "http://127.0.0.1:9/nobody"})).await;
    rig.ok("deleteWebhook", json!({})).await;
    assert_eq!(rig.ok("getWebhookInfo", json!({})).await["url"], "");
    assert_eq!(rig.ok("getUpdates", json!({})).await[0]["message"]["text"], "/start");
    let strict = Rig::new().await.refused("setWebhook", json!({"url": "http://a.example"})).await;
    assert_eq!(strict.1, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook");
    let strict = Rig::new().await.refused("setWebhook", json!({"url": "https://a.example:8444"})).await;
    assert_eq!(strict.1, "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443");
    let bad = rig.refused("setWebhook", json!({"url": "ftp://a.example"})).await;
    assert_eq!(bad.1, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook");
    let bad = rig.refused("setWebhook", json!({"url": "http://a.example", "secret_token": "no spaces"})).await;
    assert_eq!(bad.1, "Bad Request: secret token contains unallowed characters");
}
