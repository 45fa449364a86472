//! Scripted faults as a client meets them.

use std::time::{Duration, Instant};

use serde_json::json;
use tgferry_sandbox::{Fault, When};

use crate::rig::Rig;

#[tokio::test]
async fn refusals_come_as_scripted() {
    let rig = Rig::new().await;
    rig.sandbox.faults().on("sendMessage", When::Nth(1)).gives(Fault::FloodWait { seconds: 5 });
    let answer = Fault::HttpStatus { code: 502, description: "Bad Gateway".to_owned(), retry_after: None };
    rig.sandbox.faults().on("sendMessage", When::Nth(2)).gives(answer);
    let params = json!({"chat_id": rig.ann.id(), "text": "x"});
    let first = rig.call("sendMessage", params.clone()).await;
    assert_eq!((&first["status"], &first["parameters"]["retry_after"]), (&json!(429), &json!(5)));
    assert_eq!(rig.refused("sendMessage", params.clone()).await, (502, "Bad Gateway".to_owned()));
    rig.ok("sendMessage", params).await;
    assert!(rig.sandbox.faults().unconsumed().is_empty());
    assert_eq!(rig.sandbox.counters().bot_api_calls("sendMessage"), 3);
}

#[tokio::test]
async fn a_cut_connection_has_no_effect_and_a_lost_answer_has() {
    let rig = Rig::new().await;
    let params = json!({"chat_id": rig.ann.id(), "text": "x"});
    let bot_messages = || rig.ann.messages().iter().filter(|message| message.from_bot).count();
    for (fault, messages) in [(Fault::CutConnection, 0), (Fault::LoseAnswer, 1)] {
        rig.sandbox.faults().on("sendMessage", When::Nth(1)).gives(fault);
        let outcome = rig.http.post(rig.url("sendMessage")).json(&params).send().await;
        let error = outcome.expect_err("no answer");
        assert!(error.is_request(), "{error:?}");
        assert_eq!(bot_messages(), messages);
        rig.sandbox.faults().clear();
    }
    rig.ok("sendMessage", params).await;
    assert_eq!(bot_messages(), 2);
}

#[tokio::test]
async fn a_delay_is_waited_for() {
    let rig = Rig::new().await;
    rig.sandbox.faults().on("getMe", When::Always).gives(Fault::Delay(Duration::from_millis(60)));
    let start = Instant::now();
    rig.ok("getMe", json!({})).await;
    assert!(start.elapsed() >= Duration::from_millis(60));
}
