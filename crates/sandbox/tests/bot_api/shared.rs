//! Keys that ask for more than a text, keys in groups, and who is told of what they send.

use serde_json::{Value, json};

use crate::rig::Rig;

#[tokio::test]
async fn contact_and_place_are_shared_at_the_press_of_a_key() {
    let rig = Rig::new().await;
    rig.ok("getUpdates", json!({"offset": -1})).await;
    let keys = json!({"keyboard": [[{"text": "My number", "request_contact": true}, {"text": "Where I am", "request_location": true}]]});
    rig.ok("sendMessage", json!({"chat_id": rig.ann.id(), "text": "Who are you?", "reply_markup": keys})).await;
    rig.ann.taps("number").await.expect("pressed");
    rig.next("message").await;
    let told = rig.next("message").await;
    let contact = &told["contact"];
    assert_eq!((contact["user_id"].as_i64(), &contact["first_name"]), (Some(rig.ann.id()), &json!("Ann")), "{told}");
    assert!(contact["phone_number"].as_str().is_some_and(|number| number.starts_with("99966") && number.len() == 10), "{told}");
    assert_eq!(told["text"], Value::Null);
    rig.ann.taps("Where").await.expect("pressed");
    assert_eq!(rig.next("message").await["location"]["latitude"], 51.4779);
    let sent = rig.ann.shares_location(52.5163, 13.3777).expect("sent");
    assert_eq!(rig.next("message").await["location"], json!({"latitude": 52.5163, "longitude": 13.3777}));

    let again = json!({"chat_id": rig.ann.id(), "from_chat_id": rig.ann.id(), "message_id": sent});
    rig.ok("copyMessage", again.clone()).await;
    assert_eq!(rig.ok("forwardMessage", again).await["location"]["longitude"], 13.3777);
    insta::assert_snapshot!(rig.ann.transcript(), @"
    #1 ann: /start
    #2 ferry_bot: Who are you?
        keys: My number | Where I am
    #3 ann: [contact Ann, 9996600001]
    #4 ann: [location 51.4779, -0.0015]
    #5 ann: [location 52.5163, 13.3777]
    #6 ferry_bot: [location 52.5163, 13.3777]
    #7 ferry_bot (forwarded): [location 52.5163, 13.3777]
    ");
    rig.nothing_refused();
}

#[tokio::test]
async fn a_key_in_a_group_answers_the_bot() {
    let rig = Rig::new().await;
    let friends = rig.ann.creates_supergroup("Friends");
    friends.adds_bot().expect("added");
    rig.ok("getUpdates", json!({"offset": -1})).await;
    let asked = rig
        .ok("sendMessage", json!({"chat_id": friends.chat_id(), "text": "Which?", "reply_markup": {"keyboard": [["Video", "Audio"]]}}))
        .await;
    let ben = rig.sandbox.user("ben", &rig.bot).joins(&friends);
    rig.next("message").await;
    ben.taps("Audio").await.expect("pressed");
    // In privacy mode it would not hear of a plain text.
    let heard = rig.next("message").await;
    let heard = if heard["text"].is_null() { rig.next("message").await } else { heard };
    assert_eq!((&heard["text"], &heard["reply_to_message"]["message_id"]), (&json!("Audio"), &asked["message_id"]));
    rig.nothing_refused();
}
