//! Several messages at once.

use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::rig::{Rig, jpeg, part, video};

fn album(media: &Value, chat: i64) -> Form {
    Form::new()
        .text("chat_id", chat.to_string())
        .text("media", media.to_string())
        .part("clip", part(video(), "clip.mp4"))
        .part("cover", part(jpeg(90, 60, 4000), "cover.jpg"))
}

#[tokio::test]
async fn an_album_has_one_number_and_its_copy_another() {
    let rig = Rig::new().await;
    let media = json!([
        {"type": "video", "media": "attach://clip", "caption": "<b>first</b>", "parse_mode": "HTML", "width": 16, "height": 9, "duration": 3},
        {"type": "photo", "media": "attach://cover", "caption": "second", "has_spoiler": true},
    ]);
    let sent = rig.form("sendMediaGroup", album(&media, rig.ann.id())).await;
    let sent = sent["result"].as_array().unwrap_or_else(|| panic!("{sent}")).clone();
    let group = sent[0]["media_group_id"].as_str().expect("a group").to_owned();
    assert_eq!(sent[1]["media_group_id"], group);
    assert_eq!((&sent[0]["caption"], &sent[0]["video"]["duration"]), (&json!("first"), &json!(3)));
    assert_eq!((&sent[1]["caption"], &sent[1]["has_media_spoiler"]), (&json!("second"), &json!(true)));

    let ids = [&sent[0]["message_id"], &sent[1]["message_id"], &json!(5000)];
    let copied = rig
        .ok("copyMessages", json!({"chat_id": rig.ann.id(), "from_chat_id": rig.ann.id(), "message_ids": ids, "remove_caption": true}))
        .await;
    let seen = rig.ann.messages();
    let copies = &seen[seen.len() - 2..];
    assert_eq!(copied, json!([{"message_id": copies[0].message_id}, {"message_id": copies[1].message_id}]));
    assert!(copies[0].media_group_id.is_some() && copies[0].media_group_id == copies[1].media_group_id);
    assert_ne!(copies[0].media_group_id.as_deref(), Some(group.as_str()));
    assert_eq!((copies[0].caption.as_deref(), copies[1].caption.as_deref()), (None, None));
    assert_eq!(rig.sandbox.counters().copies, 2);

    // One alone is no album.
    let alone = json!([{"type": "photo", "media": "attach://cover"}]);
    let form = Form::new().text("chat_id", rig.ann.id().to_string()).text("media", alone.to_string());
    let sent = rig.form("sendMediaGroup", form.part("cover", part(jpeg(90, 60, 4000), "cover.jpg"))).await;
    assert_eq!((&sent["ok"], &sent["result"][0]["media_group_id"]), (&json!(true), &Value::Null), "{sent}");
    rig.nothing_refused();
}

#[tokio::test]
async fn what_is_no_album_is_refused_in_telegrams_words() {
    let rig = Rig::new().await;
    let photo = json!({"type": "photo", "media": "attach://cover"});
    for (media, description) in [
        (json!([]), "there are no messages to send"),
        (json!(vec![photo.clone(); 11]), "too many messages to send as an album"),
        (
            json!([photo, {"type": "animation", "media": "attach://clip"}]),
            "can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup",
        ),
        (json!([photo, {"type": "document", "media": "attach://clip"}]), "document can't be mixed with other media types"),
    ] {
        let refused = rig.form("sendMediaGroup", album(&media, rig.ann.id())).await;
        assert_eq!(refused["description"], format!("Bad Request: {description}"));
    }
    let before = rig.ann.messages().len();
    let copy = |ids: Value| json!({"chat_id": rig.ann.id(), "from_chat_id": rig.ann.id(), "message_ids": ids});
    for (ids, description) in [
        (json!([]), "message identifiers are not specified"),
        (json!([2, 1]), "message identifiers must be in a strictly increasing order"),
        (json!((1..=101).collect::<Vec<i32>>()), "too many message identifiers specified"),
        (json!([5000]), "there are no messages to copy"),
    ] {
        assert_eq!(rig.refused("copyMessages", copy(ids)).await, (400, format!("Bad Request: {description}")));
    }
    assert_eq!(rig.ann.messages().len(), before);
    rig.nothing_refused();
}
