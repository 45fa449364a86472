//! The wire log as programs read it.

use reqwest::multipart::Form;
use serde_json::{Value, json};
use tgferry_sandbox::{Fault, When, WireFace};

use crate::rig::{Rig, part, video};

/// The lines since a version, and the version after them.
async fn wire(rig: &Rig, query: &str) -> (u64, Vec<Value>) {
    let response = rig.http.get(format!("{}/wire?{query}", rig.sandbox.control_url())).send().await.expect("an answer");
    let mut lines: Value = response.json().await.expect("JSON");
    let version = lines["version"].as_u64().expect("a version");
    (version, serde_json::from_value(lines["entries"].take()).expect("a list"))
}

#[tokio::test]
async fn every_call_is_a_line_with_its_size_and_its_end() {
    let rig = Rig::new().await;
    let bytes = video();
    let form = Form::new().text("chat_id", rig.ann.id().to_string()).part("video", part(bytes.clone(), "film.mp4"));
    assert_eq!(rig.form("sendVideo", form).await["ok"], true);
    rig.refused("sendMessage", json!({"chat_id": 12, "text": "hello"})).await;
    rig.http.get(rig.url("noSuchMethod")).send().await.expect("an answer");
    assert_eq!(rig.forgiven(), ["bot api method noSuchMethod"]);
    let (version, lines) = wire(&rig, "after=0").await;
    let told: Vec<_> = lines.iter().map(|line| (line["method"].as_str().expect("a name"), &line["error"])).collect();
    let not_found = json!("404 Not Found: method noSuchMethod is not served by this loopback Telegram");
    assert_eq!(
        told,
        [("sendVideo", &Value::Null), ("sendMessage", &json!("400 Bad Request: chat not found")), ("noSuchMethod", &not_found)]
    );
    assert!(lines.iter().all(|line| line["who"] == "ferry_bot" && line["face"] == "bot_api" && line["calls"] == 1), "{lines:?}");
    let came = lines[0]["bytes_in"].as_u64().expect("a number");
    assert!((bytes.len() as u64..bytes.len() as u64 + 1000).contains(&came), "{came}");
    assert!(lines[0]["bytes_out"].as_u64().expect("a number") > 200 && lines[0]["took_us"].as_u64().expect("a number") > 0);

    // A reader that waits is woken by the next line, and gets only that.
    let query = format!("after={version}&timeout_ms=20000");
    let ((_, next), _) = tokio::join!(wire(&rig, &query), rig.ok("getMe", json!({})));
    assert_eq!(next.iter().map(|line| &line["method"]).collect::<Vec<_>>(), ["getMe"]);
}

#[tokio::test]
async fn a_call_that_got_no_answer_is_seen_too() {
    let rig = Rig::new().await;
    rig.sandbox.faults().on("getMe", When::Always).gives(Fault::LoseAnswer);
    rig.http.get(rig.url("getMe")).send().await.expect_err("cut");
    let wire = rig.sandbox.wire().clone();
    let ended = |version: u64| wire.after(version).1.into_iter().map(|line| (line.face, line.error)).collect::<Vec<_>>();
    let cut = (WireFace::BotApi, Some("connection cut".to_owned()));
    assert!(!ended(0).is_empty() && ended(0).iter().all(|end| *end == cut), "{:?}", ended(0));

    // A poll whose client goes away.
    let (before, _) = wire.after(0);
    let poll = rig.http.get(rig.url("getUpdates?timeout=50&offset=200000000")).send();
    assert!(tokio::time::timeout(std::time::Duration::from_millis(200), poll).await.is_err(), "an answer to an empty poll");
    wire.changed_after(before).await;
    assert_eq!(ended(before), [(WireFace::BotApi, Some("the client went away".to_owned()))]);
}
