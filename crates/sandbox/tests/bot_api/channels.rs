//! Copies and forwards out of a relay channel, and rights there.

use serde_json::json;
use tgferry_sandbox::world::{AdminRights, FileKind, Lane, NewFile, NewMessage};
use tgferry_sandbox::{AccountSpec, ChatRef};

use crate::rig::Rig;

/// A channel of an account with one video that came over MTProto; returns its Bot API id, its internal id and the message.
fn relay(rig: &Rig) -> (i64, i64, i32) {
    let owner = rig.sandbox.create_account(AccountSpec {
        phone: "+9996612345".to_owned(),
        first_name: "Carrier".to_owned(),
        ..AccountSpec::default()
    });
    let path = rig.sandbox.world().data().join("big.mp4");
    std::fs::write(&path, b"a big file").expect("writes");
    let (channel, message) = rig.sandbox.world().change(|state| {
        let channel = state.create_channel(owner.id, "Relay", "", false);
        let file = NewFile { name: Some("big.mp4".to_owned()), duration: 60, ..NewFile::new(path, 10, FileKind::Video, Lane::Mtproto) };
        let file = state.add_file(file);
        let message = state.post(ChatRef::Channel(channel), NewMessage::media(owner.id, file.id, "relay caption")).expect("posts");
        (channel, message.id)
    });
    (ChatRef::Channel(channel).bot_api_id(), channel, message)
}

fn promote(rig: &Rig, channel: i64) {
    let owner = rig.sandbox.world().read(|state| state.channels[&channel].creator);
    assert!(rig.sandbox.world().change(|state| state.set_admin(channel, rig.bot.id, Some(AdminRights::full()), owner)));
}

#[tokio::test]
async fn a_copy_needs_rights_and_a_message() {
    let rig = Rig::new().await;
    let (chat_id, channel, message) = relay(&rig);
    let copy = |message: i32| json!({"chat_id": rig.ann.id(), "from_chat_id": chat_id, "message_id": message, "caption": "<b>Yours</b>", "parse_mode": "HTML"});
    assert_eq!(rig.refused("copyMessage", copy(message)).await, (400, "Bad Request: chat not found".to_owned()));
    promote(&rig, channel);
    assert_eq!(rig.refused("copyMessage", copy(99)).await, (400, "Bad Request: message to copy not found".to_owned()));
    let copied = rig.ok("copyMessage", copy(message)).await;
    let seen = rig.ann.messages().pop().expect("a message");
    assert_eq!(copied, json!({"message_id": seen.message_id}));
    assert_eq!((seen.caption.as_deref(), seen.forwarded), (Some("Yours"), false));
    let media = seen.media.expect("media");
    assert_eq!((media.lane, media.duration), (Lane::Mtproto, 60));
    assert_eq!(rig.sandbox.counters().copies, 1);
    // Without a caption of its own a copy keeps the old one; an empty one takes it away.
    rig.ok("copyMessage", json!({"chat_id": rig.ann.id(), "from_chat_id": chat_id, "message_id": message})).await;
    assert_eq!(rig.ann.messages().pop().and_then(|message| message.caption).as_deref(), Some("relay caption"));
    rig.ok("copyMessage", json!({"chat_id": rig.ann.id(), "from_chat_id": chat_id, "message_id": message, "caption": ""})).await;
    assert_eq!(rig.ann.messages().pop().and_then(|message| message.caption), None);
    rig.nothing_refused();
}

#[tokio::test]
async fn a_relay_that_is_gone_is_told_apart() {
    let rig = Rig::new().await;
    let (chat_id, channel, message) = relay(&rig);
    promote(&rig, channel);
    let copy = json!({"chat_id": rig.ann.id(), "from_chat_id": chat_id, "message_id": message});
    assert!(rig.sandbox.world().delete_message(ChatRef::Channel(channel), message));
    assert_eq!(rig.refused("copyMessage", copy.clone()).await.1, "Bad Request: message to copy not found");
    assert!(rig.sandbox.world().remove_bot(channel, rig.bot.id));
    assert_eq!(rig.refused("copyMessage", copy.clone()).await, (403, "Forbidden: bot was kicked from the channel chat".to_owned()));
    assert!(rig.sandbox.world().delete_channel(channel));
    assert_eq!(rig.refused("copyMessage", copy).await, (400, "Bad Request: chat not found".to_owned()));
}

#[tokio::test]
async fn admins_hear_of_posts_and_may_post() {
    let rig = Rig::new().await;
    let (chat_id, channel, _) = relay(&rig);
    promote(&rig, channel);
    let owner = rig.sandbox.world().read(|state| state.channels[&channel].creator);
    rig.sandbox.world().change(|state| state.post(ChatRef::Channel(channel), NewMessage::text(owner, "hello"))).expect("posts");
    let updates = rig.ok("getUpdates", json!({})).await;
    let updates = updates.as_array().expect("a list");
    let promoted = &updates[1]["my_chat_member"];
    assert_eq!((&promoted["new_chat_member"]["status"], &promoted["chat"]["type"]), (&json!("administrator"), &json!("channel")));
    let post = &updates[2]["channel_post"];
    assert_eq!((&post["text"], &post["sender_chat"]["id"], post.get("from")), (&json!("hello"), &json!(chat_id), None));
    let own = rig.ok("sendMessage", json!({"chat_id": chat_id, "text": "mine"})).await;
    assert_eq!(own["chat"]["title"], "Relay");
    let member = rig.ok("getChatMember", json!({"chat_id": chat_id, "user_id": rig.bot.id})).await;
    assert_eq!((&member["status"], &member["can_post_messages"]), (&json!("administrator"), &json!(true)));
    assert_eq!(rig.ok("getChatAdministrators", json!({"chat_id": chat_id})).await[0]["status"], "creator");
    assert_eq!(rig.ok("getChat", json!({"chat_id": chat_id})).await["title"], "Relay");
    rig.ok("leaveChat", json!({"chat_id": chat_id})).await;
    assert_eq!(rig.refused("getChat", json!({"chat_id": chat_id})).await.0, 400);
}

#[tokio::test]
async fn a_member_without_rights_may_not_post() {
    let rig = Rig::new().await;
    let (chat_id, channel, message) = relay(&rig);
    assert!(rig.sandbox.world().change(|state| state.add_member(channel, rig.bot.id)));
    let refused = rig.refused("sendMessage", json!({"chat_id": chat_id, "text": "x"})).await;
    assert_eq!(refused, (400, "Bad Request: need administrator rights in the channel chat".to_owned()));
    rig.ok("copyMessage", json!({"chat_id": rig.ann.id(), "from_chat_id": chat_id, "message_id": message})).await;
}

#[tokio::test]
async fn a_forward_says_where_it_is_from() {
    let rig = Rig::new().await;
    let (chat_id, channel, message) = relay(&rig);
    promote(&rig, channel);
    let forwarded = rig.ok("forwardMessage", json!({"chat_id": rig.ann.id(), "from_chat_id": chat_id, "message_id": message})).await;
    assert_eq!((&forwarded["forward_origin"]["type"], &forwarded["forward_origin"]["message_id"]), (&json!("channel"), &json!(message)));
    assert!(rig.ann.messages().pop().expect("a message").forwarded);
    assert_eq!(rig.sandbox.counters().copies, 0);
}
