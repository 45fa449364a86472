//! `getUpdates`: confirmation, waiting, one poll at a time; and going away by `logOut`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tgferry_sandbox::Limits;

use crate::rig::Rig;

fn texts(updates: &Value) -> Vec<String> {
    let updates = updates.as_array().expect("a list");
    updates.iter().filter_map(|update| update["message"]["text"].as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn updates_come_again_until_they_are_confirmed() {
    let rig = Rig::new().await;
    rig.ann.sends("one").await;
    rig.ann.sends("two").await;
    let first = rig.ok("getUpdates", json!({"limit": 2})).await;
    assert_eq!(texts(&first), ["/start", "one"]);
    assert_eq!(first[0]["message"]["entities"][0]["type"], "bot_command");
    assert_eq!(first[0]["message"]["from"]["id"], rig.ann.id());
    assert_eq!(texts(&rig.ok("getUpdates", json!({})).await), ["/start", "one", "two"]);
    let offset = first[1]["update_id"].as_i64().expect("an id") + 1;
    assert_eq!(texts(&rig.ok("getUpdates", json!({"offset": offset})).await), ["two"]);
    assert_eq!(texts(&rig.ok("getUpdates", json!({"offset": -1})).await), ["two"]);
}

#[tokio::test]
async fn a_long_poll_ends_with_the_next_update() {
    let rig = Rig::new().await;
    let last = rig.ok("getUpdates", json!({})).await[0]["update_id"].as_i64().expect("an id");
    let poll = rig.ok("getUpdates", json!({"offset": last + 1, "timeout": 30}));
    let send = rig.ann.sends("late");
    let (updates, _) = tokio::join!(poll, send);
    assert_eq!(texts(&updates), ["late"]);
}

#[tokio::test]
async fn the_older_of_two_polls_ends_with_a_conflict() {
    let rig = Rig::new().await;
    let last = rig.ok("getUpdates", json!({})).await[0]["update_id"].as_i64().expect("an id");
    let poll = |timeout: u32| rig.call("getUpdates", json!({"offset": last + 1, "timeout": timeout}));
    let second = async {
        // The first one is waiting once it has confirmed what was there.
        let mut seen = 0;
        while rig.sandbox.world().read(|state| !state.bots[&rig.bot.id].queue.is_empty()) {
            seen = rig.sandbox.world().changed_after(seen).await;
        }
        poll(0).await
    };
    let (first, second) = tokio::join!(poll(30), second);
    assert_eq!(first["status"], 409);
    assert!(first["description"].as_str().expect("a text").starts_with("Conflict: terminated by other getUpdates request"), "{first}");
    assert_eq!(second["ok"], true);
}

#[tokio::test]
async fn unwanted_kinds_do_not_come() {
    let rig = Rig::new().await;
    rig.ok("getUpdates", json!({"offset": -1, "allowed_updates": ["callback_query"]})).await;
    rig.ann.sends("unheard").await;
    rig.ann.blocks_bot();
    let all = rig.ok("getUpdates", json!({})).await;
    assert_eq!(texts(&all), ["/start"]);
}

#[tokio::test]
async fn who_has_logged_out_may_not_come_back_for_a_while() {
    let rig = Rig::with(Limits { log_out: Duration::from_millis(300), ..Limits::default() }).await;
    rig.ok("close", json!({})).await;
    rig.ok("getMe", json!({})).await;
    let until = Instant::now() + Duration::from_millis(300);
    rig.ok("logOut", json!({})).await;
    // A machine that is very busy may be too late to see it.
    let answer = rig.call("getMe", json!({})).await;
    assert!(answer["description"] == "Logged out" || Instant::now() > until, "{answer}");
    loop {
        let answer = rig.call("getUpdates", json!({"timeout": 0})).await;
        if answer["ok"] == true {
            assert_eq!(answer["result"], json!([]), "what was not fetched is forgotten");
            break;
        }
        assert_eq!((&answer["status"], &answer["description"]), (&json!(400), &json!("Logged out")));
    }
    assert!(Instant::now() >= until);
}
