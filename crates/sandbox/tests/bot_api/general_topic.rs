//! The general topic of a forum, and what messages in topics answer.

use serde_json::{Value, json};
use tgferry_sandbox::world::AdminRights;

use crate::rig::Rig;

#[tokio::test]
async fn the_general_topic_is_named_closed_and_hidden() {
    let rig = Rig::new().await;
    let forum = rig.ann.creates_supergroup("Films");
    forum.adds_bot().expect("added");
    let chat = json!({"chat_id": forum.chat_id()});
    let named = |name: &str| json!({"chat_id": forum.chat_id(), "name": name});
    assert_eq!(rig.refused("closeGeneralForumTopic", chat.clone()).await.1, "Bad Request: the chat is not a forum");
    assert!(forum.makes_forum());
    let no_rights = [
        ("editGeneralForumTopic", "not enough rights to edit the topic"),
        ("closeGeneralForumTopic", "not enough rights to close or open the topic"),
        ("hideGeneralForumTopic", "not enough rights to close or open the topic"),
        ("unpinAllGeneralForumTopicMessages", "not enough rights to manage pinned messages in the chat"),
    ];
    for (method, wanted) in no_rights {
        assert_eq!(rig.refused(method, named("x")).await, (400, format!("Bad Request: {wanted}")), "{method}");
    }
    forum.promotes_bot(Some(AdminRights::full()));
    let ben = rig.sandbox.user("ben", &rig.bot).joins(&forum);
    rig.ok("editGeneralForumTopic", named("Lobby")).await;
    let unchanged =
        |method: &'static str, params: Value| async { rig.refused(method, params).await.1 == "Bad Request: TOPIC_NOT_MODIFIED" };
    assert!(unchanged("editGeneralForumTopic", named("Lobby")).await);
    assert_eq!(rig.refused("editGeneralForumTopic", named(" ")).await.1, "Bad Request: name must be non-empty");
    rig.ok("closeGeneralForumTopic", chat.clone()).await;
    assert!(unchanged("closeGeneralForumTopic", chat.clone()).await);
    assert_eq!(
        rig.control("send", json!({"user": "ben", "chat": forum.chat_id(), "text": "x"})).await,
        json!({"error": "this person may not write there"})
    );
    rig.ok("sendMessage", json!({"chat_id": forum.chat_id(), "text": "admins may"})).await;
    rig.ok("reopenGeneralForumTopic", chat.clone()).await;
    ben.sends("open again").await;
    // What is hidden is closed; what is opened is shown.
    rig.ok("hideGeneralForumTopic", chat.clone()).await;
    assert!(unchanged("hideGeneralForumTopic", chat.clone()).await && unchanged("closeGeneralForumTopic", chat.clone()).await);
    rig.ok("reopenGeneralForumTopic", chat.clone()).await;
    assert!(unchanged("unhideGeneralForumTopic", chat.clone()).await);
    rig.ok("hideGeneralForumTopic", chat.clone()).await;
    rig.ok("unhideGeneralForumTopic", chat.clone()).await;
    forum.promotes_bot(None);
    assert_eq!(rig.refused("sendMessage", json!({"chat_id": forum.chat_id(), "text": "x"})).await.1, "Bad Request: TOPIC_CLOSED");
    insta::assert_snapshot!(forum.transcript(), @"
    #2 ann: [new_chat_members]
    #3 ben: [new_chat_members]
    #4 ferry_bot: [forum_topic_edited]
    #5 ferry_bot: [forum_topic_closed]
    #6 ferry_bot: admins may
    #7 ferry_bot: [forum_topic_reopened]
    #8 ben: open again
    #9 ferry_bot: [general_forum_topic_hidden]
    #10 ferry_bot: [forum_topic_reopened]
    #11 ferry_bot: [general_forum_topic_hidden]
    #12 ferry_bot: [general_forum_topic_unhidden]
    ");
    rig.nothing_refused();
}

#[tokio::test]
async fn pins_go_topic_by_topic() {
    let rig = Rig::new().await;
    let forum = rig.ann.creates_supergroup("Films");
    forum.adds_bot().expect("added");
    assert!(forum.makes_forum());
    forum.promotes_bot(Some(AdminRights::full()));
    let noir = forum.creates_topic("Noir").expect("made");
    let (inside, outside) = (noir.sends("inside").await, forum.sends("outside").await);
    for message_id in [outside, inside] {
        rig.ok("pinChatMessage", json!({"chat_id": forum.chat_id(), "message_id": message_id})).await;
    }
    rig.ok("unpinAllForumTopicMessages", json!({"chat_id": forum.chat_id(), "message_thread_id": noir.topic_id()})).await;
    assert_eq!(forum.pinned(), Some(outside));
    rig.ok("unpinAllGeneralForumTopicMessages", json!({"chat_id": forum.chat_id()})).await;
    assert_eq!(forum.pinned(), None);
    rig.nothing_refused();
}

#[tokio::test]
async fn in_a_topic_what_answers_nothing_answers_its_beginning() {
    let rig = Rig::new().await;
    let forum = rig.ann.creates_supergroup("Films");
    forum.adds_bot().expect("added");
    assert!(forum.makes_forum());
    let noir = forum.creates_topic("Noir").expect("made");
    let send = |text: &str, thread: Option<i32>, to: Option<&Value>| {
        let reply = to.map(|message| json!({"message_id": message["message_id"]}));
        rig.ok("sendMessage", json!({"chat_id": forum.chat_id(), "text": text, "message_thread_id": thread, "reply_parameters": reply}))
    };
    let first = send("first", noir.topic_id(), None).await;
    assert_eq!(first["reply_to_message"]["forum_topic_created"]["name"], "Noir", "{first}");
    let answer = send("answer", noir.topic_id(), Some(&first)).await;
    assert_eq!(answer["reply_to_message"]["text"], "first");
    assert_eq!(send("general", None, None).await["reply_to_message"], Value::Null);
    rig.nothing_refused();
}
