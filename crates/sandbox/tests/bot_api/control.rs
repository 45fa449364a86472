//! The control API and the page.

use std::time::Duration;

use serde_json::{Value, json};
use tgferry_sandbox::NetworkShape;

use crate::rig::{Rig, part, video};

async fn get(rig: &Rig, path: &str) -> Value {
    let response = rig.http.get(format!("{}{path}", rig.sandbox.control_url())).send().await.expect("an answer");
    assert!(response.status().is_success(), "{path}: {}", response.status());
    response.json().await.expect("JSON")
}

async fn post(rig: &Rig, path: &str, body: Value) -> (u16, Value) {
    let response = rig.http.post(format!("{}{path}", rig.sandbox.control_url())).json(&body).send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_program_can_be_the_user() {
    let rig = Rig::new().await;
    let before = get(&rig, "/wait?user=ann&timeout_ms=0").await["version"].as_u64().expect("a version");
    let (status, sent) = post(&rig, "/send", json!({"user": "ann", "text": "http://a.example/v.mp4"})).await;
    assert_eq!((status, &sent), (200, &json!({"message_id": 2})));
    let after = get(&rig, &format!("/wait?user=ann&after={before}&timeout_ms=5000")).await["version"].as_u64().expect("a version");
    assert!(after > before);
    let markup = json!({"inline_keyboard": [[{"text": "Video", "callback_data": "v"}]]});
    rig.ok("sendMessage", json!({"chat_id": rig.ann.id(), "text": "Choose", "reply_markup": markup})).await;
    let press = post(&rig, "/press", json!({"user": "ann", "label": "Vid", "timeout_ms": 5000}));
    let answer = async {
        let mut offset = 0;
        loop {
            let updates = rig.ok("getUpdates", json!({"timeout": 5, "offset": offset})).await;
            for update in updates.as_array().expect("a list") {
                offset = update["update_id"].as_i64().expect("an id") + 1;
                if let Some(query) = update.get("callback_query") {
                    return rig.ok("answerCallbackQuery", json!({"callback_query_id": query["id"], "text": "yes"})).await;
                }
            }
        }
    };
    let ((status, pressed), _) = tokio::join!(press, answer);
    assert_eq!((status, &pressed["answer"]["text"]), (200, &json!("yes")), "{pressed}");
    let messages = get(&rig, "/messages?user=ann").await;
    assert_eq!(messages[2]["buttons"][0][0], json!({"text": "Video", "data": "v", "url": null}));
    let text = rig
        .http
        .get(format!("{}/transcript?user=ann", rig.sandbox.control_url()))
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    assert!(text.contains("#2 ann: http://a.example/v.mp4") && text.contains("[ Video ]"), "{text}");
    assert_eq!(get(&rig, "/refusals").await, json!([]));
    let (status, missing) = post(&rig, "/send", json!({"user": "nobody", "text": "x"})).await;
    assert_eq!((status, &missing), (404, &json!({"error": "no user nobody"})));
}

#[tokio::test]
async fn faults_counters_and_blocks_are_at_hand() {
    let rig = Rig::new().await;
    let fault = json!({"method": "getMe", "when": {"nth": 1}, "fault": {"http_status": {"code": 500, "description": "x"}}});
    assert_eq!(post(&rig, "/faults", fault).await.0, 200);
    assert_eq!(rig.refused("getMe", json!({})).await.0, 500);
    assert_eq!(get(&rig, "/counters").await["bot_api"]["getMe"], 1);
    post(&rig, "/counters/reset", json!({})).await;
    assert_eq!(get(&rig, "/counters").await["bot_api"], json!({}));
    assert_eq!(post(&rig, "/block", json!({"user": "ann"})).await.1, json!({"blocked": true}));
    assert_eq!(rig.refused("sendMessage", json!({"chat_id": rig.ann.id(), "text": "x"})).await.0, 403);
    let (_, key) = post(&rig, "/auth-keys", json!({})).await;
    assert_eq!(key["auth_key_hex"].as_str().map(str::len), Some(512));
    assert_eq!(get(&rig, "/code?phone=%2B999").await, json!({"code": null}));
    assert_eq!(post(&rig, "/clock", json!({"skew_s": 60})).await.0, 200);
    assert_eq!(post(&rig, "/parts/expire", json!({})).await.1, json!({"expired": 0}));
    assert_eq!(post(&rig, "/home", json!({"user": "ann", "dc_id": 4})).await.0, 200);
    assert_eq!(post(&rig, "/channels/7/remove", json!({"bot": "ferry_bot"})).await.0, 404);
    let befall = json!({"method": "getMe", "when": "always", "fault": {"happens": {"channel_deleted": {"channel": 7}}}});
    assert_eq!(post(&rig, "/faults", befall).await.0, 200);
    rig.ok("getMe", json!({})).await;
    let (status, bad) = post(&rig, "/qr/accept", json!({"token": "AAAA", "phone": "+999"})).await;
    assert_eq!((status, &bad), (400, &json!({"error": "PHONE_NUMBER_UNOCCUPIED"})));
}

#[tokio::test]
async fn the_network_is_shaped_while_it_runs() {
    let rig = Rig::new().await;
    let free = json!({"connection_bytes_per_s": null, "account_bytes_per_s": null, "delay_ms": 0, "cut_after_bytes": null});
    assert_eq!(get(&rig, "/network").await, free);
    let (status, slow) = post(&rig, "/network", json!({"account_bytes_per_s": 20_000_000, "delay_ms": 60})).await;
    assert_eq!((status, &slow), (200, &get(&rig, "/network").await));
    let expected = NetworkShape { account_bytes_per_s: Some(20_000_000), delay: Duration::from_millis(60), ..NetworkShape::default() };
    assert_eq!(rig.sandbox.network().shape(), expected);
    assert_eq!(post(&rig, "/network", json!({})).await.1, free);
    assert_eq!(post(&rig, "/network/cut", json!({"after_bytes": 1000})).await.0, 200);
    let url = format!("{}/network", rig.sandbox.control_url());
    let wrong = rig.http.post(url).json(&json!({"delay": 60})).send().await.expect("an answer");
    assert_eq!(wrong.status().as_u16(), 422, "a key that nobody knows is not passed over");
}

#[tokio::test]
async fn files_and_the_page_are_served() {
    let rig = Rig::new().await;
    let form = reqwest::multipart::Form::new().text("chat_id", rig.ann.id().to_string()).part("video", part(video(), "a.mp4"));
    let id = rig.form("sendVideo", form).await["result"]["message_id"].clone();
    let url = format!("{}/file?user=ann&message_id={id}", rig.sandbox.control_url());
    let file = rig.http.get(&url).header("Range", "bytes=0-99").send().await.expect("an answer");
    assert_eq!((file.status().as_u16(), file.headers()["content-type"].to_str().ok()), (206, Some("video/mp4")));
    assert_eq!(file.bytes().await.expect("bytes").as_ref(), &video()[..100]);
    // The page, and every file that it names or that one of these names.
    let address = rig.sandbox.bot_api_url();
    let text = async |path: &str| {
        let response = rig.http.get(format!("{address}{path}")).send().await.expect("an answer");
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.text().await.expect("text")
    };
    let mut found = vec!["/".to_owned()];
    for at in 0.. {
        let Some(path) = found.get(at).cloned() else { break };
        let page = text(&path).await;
        for name in page.split('"').filter_map(|word| word.strip_prefix("./").or_else(|| word.strip_prefix("/page/"))) {
            let path = format!("/page/{name}");
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 10, "{found:?}");
}
