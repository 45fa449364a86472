//! Changing and deleting messages.

use serde_json::json;

use crate::rig::Rig;

const SAME: &str = "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current \
                    content and reply markup of the message";

#[tokio::test]
async fn texts_change_and_buttons_go_unless_sent_again() {
    let rig = Rig::new().await;
    let ann = rig.ann.id();
    let markup = json!({"inline_keyboard": [[{"text": "Cancel", "callback_data": "c"}]]});
    let sent = rig.ok("sendMessage", json!({"chat_id": ann, "text": "1 %", "reply_markup": markup})).await;
    let id = sent["message_id"].clone();
    let edited = rig.ok("editMessageText", json!({"chat_id": ann, "message_id": id, "text": "2 %", "reply_markup": markup})).await;
    assert_eq!(edited["text"], "2 %");
    assert!(edited["edit_date"].is_i64());
    let same = rig.refused("editMessageText", json!({"chat_id": ann, "message_id": id, "text": "2 %", "reply_markup": markup})).await;
    assert_eq!(same, (400, SAME.to_owned()));
    let bare = rig.ok("editMessageText", json!({"chat_id": ann, "message_id": id, "text": "2 %"})).await;
    assert!(bare.get("reply_markup").is_none());
    let same = rig.refused("editMessageReplyMarkup", json!({"chat_id": ann, "message_id": id})).await;
    assert_eq!(same.1, SAME);
    let view = rig.ann.messages().pop().expect("a message");
    assert_eq!((view.text.as_deref(), view.edit_count), (Some("2 %"), 2));
    rig.nothing_refused();
}

#[tokio::test]
async fn what_cannot_be_edited_is_refused_in_telegrams_words() {
    let rig = Rig::new().await;
    let ann = rig.ann.id();
    let id = rig.says("mine").await;
    let cases = [
        ("editMessageText", json!({"chat_id": ann, "message_id": 99, "text": "x"}), "Bad Request: message to edit not found"),
        ("editMessageText", json!({"chat_id": ann, "message_id": 1, "text": "x"}), "Bad Request: message can't be edited"),
        ("editMessageText", json!({"chat_id": ann, "text": "x"}), "Bad Request: message identifier is not specified"),
        ("editMessageText", json!({"chat_id": ann, "message_id": id, "text": ""}), "Bad Request: message text is empty"),
        ("editMessageText", json!({"chat_id": ann, "message_id": id, "text": "x".repeat(4097)}), "Bad Request: MESSAGE_TOO_LONG"),
        (
            "editMessageCaption",
            json!({"chat_id": ann, "message_id": id, "caption": "x"}),
            "Bad Request: there is no caption in the message to edit",
        ),
        ("deleteMessage", json!({"chat_id": ann, "message_id": 99}), "Bad Request: message to delete not found"),
    ];
    for (method, params, wanted) in cases {
        assert_eq!(rig.refused(method, params.clone()).await, (400, wanted.to_owned()), "{method} {params}");
    }
}

#[tokio::test]
async fn deleted_messages_are_gone_but_remembered() {
    let rig = Rig::new().await;
    let id = rig.says("status").await;
    rig.ok("deleteMessage", json!({"chat_id": rig.ann.id(), "message_id": id})).await;
    assert!(rig.ann.messages().iter().all(|message| !message.from_bot));
    assert_eq!(rig.ann.deleted()[0].text.as_deref(), Some("status"));
    let again = rig.refused("deleteMessage", json!({"chat_id": rig.ann.id(), "message_id": id})).await;
    assert_eq!(again.1, "Bad Request: message to delete not found");
    rig.ok("deleteMessages", json!({"chat_id": rig.ann.id(), "message_ids": [1, id]})).await;
    assert!(rig.ann.messages().is_empty());
}
