//! Reactions, pins, forwards of several messages, and what a bot says of itself.

use serde_json::{Value, json};
use tgferry_sandbox::world::AdminRights;

use crate::rig::Rig;

#[tokio::test]
async fn reactions_go_both_ways() {
    let rig = Rig::new().await;
    let wanted = json!(["message_reaction"]);
    rig.ok("getUpdates", json!({"offset": -1})).await;
    let number = rig.says("Done").await as i32;
    rig.ann.reacts(number, Some("👍"));
    let none_asked_for = rig.ok("getUpdates", json!({})).await;
    assert!(none_asked_for.as_array().expect("a list").iter().all(|update| update["message_reaction"].is_null()), "{none_asked_for}");
    rig.ok("getUpdates", json!({"offset": -1, "allowed_updates": wanted})).await;
    assert!(rig.ann.reacts(number, Some("🔥")));
    let updates = rig.ok("getUpdates", json!({})).await;
    let told = &updates.as_array().and_then(|updates| updates.last()).expect("an update")["message_reaction"];
    assert_eq!((&told["old_reaction"][0]["emoji"], &told["new_reaction"][0]["emoji"]), (&json!("👍"), &json!("🔥")));
    assert_eq!((&told["user"]["username"], told["message_id"].as_i64()), (&json!("ann"), Some(i64::from(number))));

    let react = |message: i64, reaction: Value| json!({"chat_id": rig.ann.id(), "message_id": message, "reaction": reaction});
    rig.ok("setMessageReaction", react(1, json!([{"type": "emoji", "emoji": "❤️"}]))).await;
    assert_eq!(rig.ann.messages()[0].reactions, ["❤"]);
    rig.ok("setMessageReaction", react(1, json!([]))).await;
    assert!(rig.ann.messages()[0].reactions.is_empty());
    let two = json!([{"type": "emoji", "emoji": "👍"}, {"type": "emoji", "emoji": "👎"}]);
    let cases = [
        (react(99, json!([{"type": "emoji", "emoji": "👍"}])), "message to react not found"),
        (react(1, two), "REACTIONS_TOO_MANY"),
        (react(1, json!([{"type": "emoji", "emoji": "🚢"}])), "REACTION_INVALID"),
        (react(1, json!([{"type": "paid"}])), "can't parse reaction type: invalid reaction type specified"),
    ];
    for (params, wanted) in cases {
        assert_eq!(rig.refused("setMessageReaction", params.clone()).await, (400, format!("Bad Request: {wanted}")), "{params}");
    }
    rig.nothing_refused();
}

#[tokio::test]
async fn messages_are_pinned_and_unpinned() {
    let rig = Rig::new().await;
    let ann = rig.ann.id();
    let (one, two) = (rig.says("one").await, rig.says("two").await);
    rig.ok("pinChatMessage", json!({"chat_id": ann, "message_id": one})).await;
    rig.ok("pinChatMessage", json!({"chat_id": ann, "message_id": two, "disable_notification": true})).await;
    assert_eq!(rig.ok("getChat", json!({"chat_id": ann})).await["pinned_message"]["text"], "two");
    assert_eq!(rig.ann.messages().pop().and_then(|message| message.service), Some("pinned_message"));
    rig.ok("unpinChatMessage", json!({"chat_id": ann})).await;
    assert_eq!(rig.ann.pinned().map(i64::from), Some(one));
    assert!(rig.ann.pins(1));
    let heard = rig.ok("getUpdates", json!({"offset": -1})).await;
    assert_eq!(heard[0]["message"]["pinned_message"]["text"], "/start");
    rig.ok("unpinAllChatMessages", json!({"chat_id": ann})).await;
    assert_eq!(rig.ann.pinned(), None);
    assert_eq!(rig.refused("unpinChatMessage", json!({"chat_id": ann})).await.1, "Bad Request: message to unpin not found");
    assert_eq!(rig.refused("pinChatMessage", json!({"chat_id": ann, "message_id": 99})).await.1, "Bad Request: message to pin not found");

    let friends = rig.ann.creates_supergroup("Friends");
    friends.adds_bot().expect("added");
    let pin = json!({"chat_id": friends.chat_id(), "message_id": friends.sends("/pin").await});
    let refused = rig.refused("pinChatMessage", pin.clone()).await;
    assert_eq!(refused, (400, "Bad Request: not enough rights to manage pinned messages in the chat".to_owned()));
    friends.promotes_bot(Some(AdminRights { pin_messages: true, ..AdminRights::default() }));
    rig.ok("pinChatMessage", pin).await;
    rig.nothing_refused();
}

#[tokio::test]
async fn several_messages_are_forwarded_at_once() {
    let rig = Rig::new().await;
    let friends = rig.ann.creates_supergroup("Friends");
    friends.adds_bot().expect("added");
    let (one, two) = (rig.says("one").await, rig.says("two").await);
    let forward = json!({"chat_id": friends.chat_id(), "from_chat_id": rig.ann.id(), "message_ids": [one, two, 99]});
    assert_eq!(rig.ok("forwardMessages", forward).await.as_array().map(Vec::len), Some(2));
    let seen = friends.messages();
    assert!(seen.iter().rev().take(2).all(|message| message.forwarded), "{}", friends.transcript());
    let none = json!({"chat_id": rig.ann.id(), "from_chat_id": rig.ann.id(), "message_ids": [98, 99]});
    assert_eq!(rig.refused("forwardMessages", none).await.1, "Bad Request: there are no messages to forward");
    assert_eq!(rig.sandbox.counters().copies, 0);
}

#[tokio::test]
async fn the_narrowest_commands_are_shown() {
    let rig = Rig::new().await;
    let friends = rig.ann.creates_supergroup("Friends");
    friends.adds_bot().expect("added");
    let ben = rig.sandbox.user("ben", &rig.bot).joins(&friends);
    let set = async |command: &str, scope: Value, language: &str| {
        let commands = json!([{"command": command, "description": "x"}]);
        rig.ok("setMyCommands", json!({"commands": commands, "scope": scope, "language_code": language})).await;
    };
    set("default", json!({"type": "default"}), "").await;
    assert_eq!((rig.ann.commands(), friends.commands()), (vec!["default".to_owned()], vec!["default".to_owned()]));
    set("private", json!({"type": "all_private_chats"}), "").await;
    set("privat", json!({"type": "all_private_chats"}), "de").await;
    set("groups", json!({"type": "all_group_chats"}), "").await;
    set("admins", json!({"type": "all_chat_administrators"}), "").await;
    assert_eq!((rig.ann.commands(), friends.commands()), (vec!["private".to_owned()], vec!["admins".to_owned()]));
    assert_eq!(ben.commands(), ["groups"]);
    rig.ann.speaks("de");
    assert_eq!(rig.ann.commands(), ["privat"]);
    set("here", json!({"type": "chat", "chat_id": friends.chat_id()}), "").await;
    set("only_ben", json!({"type": "chat_member", "chat_id": friends.chat_id(), "user_id": ben.id()}), "").await;
    set("only_admins", json!({"type": "chat_administrators", "chat_id": friends.chat_id()}), "").await;
    assert_eq!((ben.commands(), friends.commands()), (vec!["only_ben".to_owned()], vec!["only_admins".to_owned()]));
    set("only_ann", json!({"type": "chat", "chat_id": rig.ann.id()}), "").await;
    assert_eq!(rig.ann.commands(), ["only_ann"]);

    let cases = [
        (json!({"type": "somewhere"}), "", "can't parse BotCommandScope: Unsupported type specified"),
        (json!({"type": "chat"}), "", "can't parse BotCommandScope: Can't find field \"chat_id\""),
        (json!({"type": "chat", "chat_id": 12345}), "", "chat not found"),
        (json!({"type": "chat_administrators", "chat_id": rig.ann.id()}), "", "can't use specified scope in the chat"),
        (json!({"type": "default"}), "english", "invalid language code specified"),
    ];
    for (scope, language, wanted) in cases {
        let refused = rig.refused("getMyCommands", json!({"scope": scope, "language_code": language})).await;
        assert_eq!(refused.1, format!("Bad Request: {wanted}"), "{scope}");
    }
    rig.nothing_refused();
}

#[tokio::test]
async fn names_descriptions_and_the_menu_button_are_kept() {
    let rig = Rig::new().await;
    rig.ok("setMyName", json!({"name": "Ferry"})).await;
    assert_eq!(rig.ok("getMe", json!({})).await["first_name"], "Ferry");
    rig.ok("setMyName", json!({"name": "Fähre", "language_code": "de"})).await;
    assert_eq!(rig.ok("getMyName", json!({"language_code": "de"})).await, json!({"name": "Fähre"}));
    assert_eq!(rig.ok("getMyName", json!({"language_code": "fr"})).await, json!({"name": "Ferry"}));
    for (method, name, most) in [("Description", "description", 512), ("ShortDescription", "short_description", 120)] {
        let long: String = "x".repeat(most);
        rig.ok(&format!("setMy{method}"), json!({name: long})).await;
        assert_eq!(rig.ok(&format!("getMy{method}"), json!({})).await[name], long);
        assert_eq!(rig.refused(&format!("setMy{method}"), json!({name: format!("{long}x")})).await.0, 400);
        rig.ok(&format!("setMy{method}"), json!({})).await;
        assert_eq!(rig.ok(&format!("getMy{method}"), json!({})).await[name], "");
    }

    let page = json!({"type": "web_app", "text": "Open", "web_app": {"url": "https://a.example/"}});
    assert_eq!(rig.ok("getChatMenuButton", json!({})).await["type"], "commands");
    rig.ok("setChatMenuButton", json!({"menu_button": page})).await;
    assert_eq!(rig.ok("getChatMenuButton", json!({"chat_id": rig.ann.id()})).await["type"], "default");
    assert_eq!(rig.ann.menu_button(), page);
    rig.ok("setChatMenuButton", json!({"chat_id": rig.ann.id(), "menu_button": {"type": "commands"}})).await;
    assert_eq!(rig.ann.menu_button(), json!({"type": "commands"}));
    let plain = json!({"menu_button": {"type": "web_app", "text": "Open", "web_app": {"url": "http://a.example/"}}});
    assert_eq!(rig.refused("setChatMenuButton", plain).await.1, "Bad Request: BUTTON_URL_INVALID");
    rig.nothing_refused();
}
