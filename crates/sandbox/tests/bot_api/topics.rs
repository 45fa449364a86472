//! Topics of forums: made by the bot and by people, written in, closed, deleted.

use serde_json::{Value, json};
use tgferry_sandbox::TestUser;
use tgferry_sandbox::world::AdminRights;

use crate::rig::Rig;

/// A forum of the person, with the bot as an admin.
async fn forum(rig: &Rig) -> TestUser {
    let forum = rig.ann.creates_supergroup("Films");
    forum.adds_bot().expect("added");
    assert!(forum.makes_forum());
    forum.promotes_bot(Some(AdminRights::full()));
    forum
}

#[tokio::test]
async fn a_topic_is_made_changed_closed_and_deleted() {
    let rig = Rig::new().await;
    let forum = forum(&rig).await;
    let chat_id = forum.chat_id();
    assert_eq!(rig.ok("getChat", json!({"chat_id": chat_id})).await["is_forum"], true);
    let made = rig.ok("createForumTopic", json!({"chat_id": chat_id, "name": "Noir", "icon_color": 0xFB_6F5F})).await;
    assert_eq!((&made["name"], &made["icon_color"]), (&json!("Noir"), &json!(0xFB_6F5F)));
    let topic = |more: Value| {
        let mut params = json!({"chat_id": chat_id, "message_thread_id": made["message_thread_id"]});
        params.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        params
    };
    let sent = rig.ok("sendMessage", topic(json!({"text": "in it"}))).await;
    assert_eq!((&sent["message_thread_id"], &sent["is_topic_message"]), (&made["message_thread_id"], &json!(true)));
    rig.ok("copyMessage", topic(json!({"from_chat_id": rig.ann.id(), "message_id": 1}))).await;
    rig.ok("forwardMessage", topic(json!({"from_chat_id": rig.ann.id(), "message_id": 1}))).await;
    rig.ok("copyMessages", topic(json!({"from_chat_id": rig.ann.id(), "message_ids": [1]}))).await;
    rig.ok("sendMessage", json!({"chat_id": chat_id, "text": "in the general one"})).await;
    let inside = forum.in_topic(made["message_thread_id"].as_i64().expect("a number") as i32);
    let words: Vec<_> = inside.messages().iter().map(|message| message.words().to_owned()).collect();
    assert_eq!(words, ["", "in it", "/start", "/start", "/start"]);

    rig.ok("editForumTopic", topic(json!({"name": "Film noir"}))).await;
    assert_eq!(rig.refused("editForumTopic", topic(json!({"name": "Film noir"}))).await.1, "Bad Request: TOPIC_NOT_MODIFIED");
    rig.ok("closeForumTopic", topic(json!({}))).await;
    assert_eq!(rig.refused("closeForumTopic", topic(json!({}))).await.1, "Bad Request: TOPIC_NOT_MODIFIED");
    rig.ok("sendMessage", topic(json!({"text": "admins may"}))).await;
    rig.ok("reopenForumTopic", topic(json!({}))).await;
    let services: Vec<_> = inside.messages().iter().filter_map(|message| message.service).collect();
    assert_eq!(services, ["forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened"]);
    rig.ok("deleteForumTopic", topic(json!({}))).await;
    assert!(inside.messages().is_empty());
    assert_eq!(rig.refused("sendMessage", topic(json!({"text": "x"}))).await, (400, "Bad Request: message thread not found".to_owned()));
    assert_eq!(rig.refused("editForumTopic", topic(json!({"name": "x"}))).await.1, "Bad Request: TOPIC_ID_INVALID");
    rig.nothing_refused();
}

#[tokio::test]
async fn a_topic_of_a_person_is_heard_and_answered() {
    let rig = Rig::new().await;
    let forum = forum(&rig).await;
    let topic = forum.creates_topic("Questions").expect("made");
    rig.ok("getUpdates", json!({"offset": -1})).await;
    topic.sends("/get https://a.example").await;
    let updates = rig.ok("getUpdates", json!({})).await;
    assert_eq!(updates[0]["message"]["forum_topic_created"]["name"], "Questions");
    let heard = &updates[1]["message"];
    assert_eq!((heard["message_thread_id"].as_i64(), &heard["is_topic_message"]), (topic.topic_id().map(i64::from), &json!(true)));
    rig.ok("sendMessage", json!({"chat_id": forum.chat_id(), "message_thread_id": topic.topic_id(), "text": "coming"})).await;
    assert_eq!(topic.messages().pop().expect("a message").words(), "coming");
}

#[tokio::test]
async fn rights_and_names_are_checked() {
    let rig = Rig::new().await;
    let forum = forum(&rig).await;
    let chat_id = forum.chat_id();
    let topic = forum.creates_topic("Questions").expect("made");
    let thread = topic.topic_id();
    let cases = [
        ("createForumTopic", json!({"chat_id": chat_id, "name": " "}), "name must be non-empty"),
        ("createForumTopic", json!({"chat_id": chat_id, "name": "x", "icon_color": 5}), "invalid icon color specified"),
        ("createForumTopic", json!({"chat_id": rig.ann.id(), "name": "x"}), "the chat is not a forum"),
        ("sendMessage", json!({"chat_id": chat_id, "message_thread_id": 1, "text": "x"}), "message thread not found"),
        ("sendMessage", json!({"chat_id": rig.ann.id(), "message_thread_id": 7, "text": "x"}), "message thread not found"),
    ];
    for (method, params, wanted) in cases {
        assert_eq!(rig.refused(method, params.clone()).await, (400, format!("Bad Request: {wanted}")), "{params}");
    }
    rig.ok("closeForumTopic", json!({"chat_id": chat_id, "message_thread_id": thread})).await;
    forum.promotes_bot(None);
    let cases = [
        ("createForumTopic", "not enough rights to create a topic"),
        ("editForumTopic", "not enough rights to edit the topic"),
        ("reopenForumTopic", "not enough rights to close or open the topic"),
        ("deleteForumTopic", "not enough rights to delete the topic"),
        ("sendMessage", "TOPIC_CLOSED"),
    ];
    for (method, wanted) in cases {
        let params = json!({"chat_id": chat_id, "message_thread_id": thread, "name": "y", "text": "y"});
        assert_eq!(rig.refused(method, params).await, (400, format!("Bad Request: {wanted}")), "{method}");
    }
    // In a supergroup without topics the number is passed over.
    let plain = rig.ann.creates_supergroup("Friends");
    plain.adds_bot().expect("added");
    let sent = rig.ok("sendMessage", json!({"chat_id": plain.chat_id(), "message_thread_id": 7, "text": "x"})).await;
    assert_eq!(sent["message_thread_id"], Value::Null);
    rig.nothing_refused();
}
