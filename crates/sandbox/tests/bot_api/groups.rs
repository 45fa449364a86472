//! Groups: what a bot hears there, who comes and goes, a group that grows up, links that start a bot.

use serde_json::{Value, json};
use tgferry_sandbox::world::{AdminRights, BotSettings};
use tgferry_sandbox::{Limits, TestUser};

use crate::rig::Rig;

/// All updates so far, and forgets them.
async fn updates(rig: &Rig) -> Vec<Value> {
    let updates = rig.ok("getUpdates", json!({})).await.as_array().expect("a list").clone();
    if let Some(last) = updates.last() {
        rig.ok("getUpdates", json!({"offset": last["update_id"].as_i64().expect("an id") + 1})).await;
    }
    updates
}

/// The texts of all messages so far.
async fn texts(rig: &Rig) -> Vec<String> {
    let texts = updates(rig).await;
    texts.iter().filter_map(|update| update["message"]["text"].as_str().map(str::to_owned)).collect()
}

async fn group_with_bot(rig: &Rig) -> TestUser {
    let friends = rig.ann.creates_supergroup("Friends");
    friends.adds_bot().expect("added");
    updates(rig).await;
    friends
}

#[tokio::test]
async fn a_bot_in_privacy_mode_hears_what_is_meant_for_it() {
    let rig = Rig::new().await;
    let friends = group_with_bot(&rig).await;
    let ben = rig.sandbox.user("ben", &rig.bot).joins(&friends);
    updates(&rig).await;
    friends.sends("just talk").await;
    friends.sends("/get@ferry_bot https://a.example").await;
    friends.sends("/get@other_bot https://b.example").await;
    ben.sends("ask @Ferry_Bot").await;
    ben.sends("/plain").await;
    let sent = rig.ok("sendMessage", json!({"chat_id": friends.chat_id(), "text": "yes?"})).await;
    assert_eq!((&sent["chat"]["type"], &sent["chat"]["title"]), (&json!("supergroup"), &json!("Friends")));
    assert_eq!(sent["chat"]["id"].as_i64(), Some(friends.chat_id()));
    let answer = ben.replies(sent["message_id"].as_i64().expect("a number") as i32, "an answer").await;
    friends.replies(answer, "an answer to the answer").await;
    let heard = ["/get@ferry_bot https://a.example", "ask @Ferry_Bot", "/plain", "an answer", "an answer to the answer"];
    assert_eq!(texts(&rig).await, heard);

    // Another bot speaks: a command without a name is no longer for this one.
    let other = rig.sandbox.create_bot("other_bot");
    rig.sandbox.user("ann", &other).joins(&friends).adds_bot().expect("added");
    let url = format!("{}/bot{}/sendMessage", rig.sandbox.bot_api_url(), other.token);
    rig.http.post(url).json(&json!({"chat_id": friends.chat_id(), "text": "me!"})).send().await.expect("sent");
    friends.sends("/plain").await;
    assert_eq!(texts(&rig).await, Vec::<String>::new());

    rig.sandbox.world().set_bot(rig.bot.id, BotSettings { privacy_mode: false, ..BotSettings::default() });
    assert_eq!(rig.ok("getMe", json!({})).await["can_read_all_group_messages"], true);
    friends.sends("all of it").await;
    rig.sandbox.world().set_bot(rig.bot.id, BotSettings::default());
    friends.promotes_bot(Some(AdminRights::default()));
    friends.sends("admins too").await;
    assert_eq!(texts(&rig).await, ["all of it", "admins too"]);
    assert!(ben.transcript().contains("ferry_bot: yes?"), "{}", ben.transcript());
    rig.nothing_refused();
}

#[tokio::test]
async fn buttons_in_a_group_are_anybodys() {
    let rig = Rig::new().await;
    let friends = group_with_bot(&rig).await;
    let ben = rig.sandbox.user("ben", &rig.bot).joins(&friends);
    let markup = json!({"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]});
    let sent = rig.ok("sendMessage", json!({"chat_id": friends.chat_id(), "text": "Who?", "reply_markup": markup})).await;
    updates(&rig).await;
    let press = tokio::spawn(async move { ben.presses("Go").await });
    let query = rig.ok("getUpdates", json!({"timeout": 5})).await[0]["callback_query"].clone();
    assert_eq!((&query["from"]["username"], &query["message"]["message_id"]), (&json!("ben"), &sent["message_id"]));
    assert_eq!(query["message"]["chat"]["type"], "supergroup");
    rig.ok("answerCallbackQuery", json!({"callback_query_id": query["id"]})).await;
    press.await.expect("runs").expect("answered");
}

#[tokio::test]
async fn comings_and_goings_are_told() {
    let rig = Rig::new().await;
    rig.ok("getUpdates", json!({"allowed_updates": ["message", "my_chat_member", "chat_member"]})).await;
    updates(&rig).await;
    let friends = rig.ann.creates_supergroup("Friends");
    friends.adds_bot().expect("added");
    let told = updates(&rig).await;
    let standing = |update: &Value, of: &str, when: &str| update[of][when]["status"].as_str().map(str::to_owned);
    assert_eq!(standing(&told[0], "my_chat_member", "old_chat_member").as_deref(), Some("left"));
    assert_eq!(standing(&told[0], "my_chat_member", "new_chat_member").as_deref(), Some("member"));
    assert_eq!(told[0]["my_chat_member"]["from"]["username"], "ann");
    assert_eq!(told[1]["message"]["new_chat_members"][0]["username"], "ferry_bot");

    let ben = rig.sandbox.user("ben", &rig.bot).joins(&friends);
    let told = updates(&rig).await;
    assert_eq!(told[0]["message"]["new_chat_members"][0]["username"], "ben");
    assert_eq!(told.len(), 1, "only admins hear of others' standing: {told:?}");
    friends.promotes_bot(Some(AdminRights::full()));
    ben.leaves();
    let told = updates(&rig).await;
    assert_eq!(standing(&told[0], "my_chat_member", "new_chat_member").as_deref(), Some("administrator"));
    assert_eq!(standing(&told[1], "chat_member", "new_chat_member").as_deref(), Some("left"));
    assert_eq!(told[1]["chat_member"]["new_chat_member"]["user"]["username"], "ben");
    assert_eq!(told[2]["message"]["left_chat_member"]["username"], "ben");
    let member = json!({"chat_id": friends.chat_id(), "user_id": friends.id()});
    assert_eq!(rig.ok("getChatMember", member.clone()).await["status"], "creator");

    friends.removes_bot();
    let told = updates(&rig).await;
    assert_eq!(standing(&told[0], "my_chat_member", "new_chat_member").as_deref(), Some("kicked"));
    let refused = rig.refused("sendMessage", json!({"chat_id": friends.chat_id(), "text": "x"})).await;
    assert_eq!(refused, (403, "Forbidden: bot was kicked from the supergroup chat".to_owned()));
    friends.adds_bot().expect("added again");
    rig.ok("leaveChat", json!({"chat_id": friends.chat_id()})).await;
    rig.sandbox.world().set_bot(rig.bot.id, BotSettings { can_join_groups: false, ..BotSettings::default() });
    assert_eq!(friends.adds_bot().expect_err("refused").to_string(), "BOT_GROUPS_BLOCKED");
    rig.nothing_refused();
}

#[tokio::test]
async fn a_group_that_grows_up_has_another_number() {
    let rig = Rig::new().await;
    let friends = rig.ann.creates_group("Friends");
    friends.adds_bot().expect("added");
    let old = friends.chat_id();
    assert!((-1_000_000_000..0).contains(&old), "{old}");
    assert_eq!(rig.ok("sendMessage", json!({"chat_id": old, "text": "hi"})).await["chat"]["type"], "group");
    updates(&rig).await;
    let grown = friends.upgrades_group().expect("upgraded");
    let told = updates(&rig).await;
    assert_eq!(told[0]["message"]["migrate_to_chat_id"].as_i64(), Some(grown.chat_id()));
    assert_eq!(told[1]["message"]["migrate_from_chat_id"].as_i64(), Some(old));
    let answer = rig.call("sendMessage", json!({"chat_id": old, "text": "hi"})).await;
    assert_eq!(answer["description"], "Bad Request: group chat was upgraded to a supergroup chat");
    assert_eq!(answer["parameters"], json!({"migrate_to_chat_id": grown.chat_id()}));
    rig.ok("sendMessage", json!({"chat_id": grown.chat_id(), "text": "hi"})).await;
}

#[tokio::test]
async fn links_start_the_bot() {
    let rig = Rig::new().await;
    updates(&rig).await;
    rig.ann.opens("https://t.me/ferry_bot?start=job-7").await.expect("opened");
    let friends = rig.ann.creates_supergroup("Friends");
    friends.opens("https://t.me/ferry_bot?startgroup=job_8").await.expect("opened");
    assert_eq!(texts(&rig).await, ["/start job-7", "/start@ferry_bot job_8"]);
    for bad in ["https://t.me/ferry_bot?start=a+b", "https://t.me/other_bot?start=a", "https://t.me/ferry_bot?startgroup=a"] {
        assert!(rig.ann.opens(bad).await.is_err(), "{bad}");
    }
    let long = format!("https://t.me/ferry_bot?start={}", "x".repeat(65));
    assert_eq!(rig.ann.opens(&long).await.expect_err("refused").to_string(), "START_PARAM_INVALID");
}

#[tokio::test]
async fn the_control_api_goes_to_groups_too() {
    let rig = Rig::new().await;
    rig.sandbox.create_user("ben");
    let chat = rig.control("groups", json!({"user": "ann", "title": "Friends", "basic": true})).await["chat"].clone();
    let name = chat.as_str().expect("a text");
    rig.control("groups/act", json!({"user": "ann", "chat": chat, "act": "add_bot"})).await;
    let missing = rig.control("send", json!({"user": "ben", "chat": chat, "text": "let me in"})).await;
    assert_eq!(missing, json!({"error": format!("ben is not in {name}")}));
    rig.control("groups/act", json!({"user": "ben", "chat": chat, "act": "join"})).await;
    let settings = rig.control("bots", json!({"privacy_mode": false})).await;
    assert_eq!((&settings["privacy_mode"], &settings["can_join_groups"]), (&json!(false), &json!(true)));
    // The number of a chat is as good as its text.
    let number: i64 = name.parse().expect("a number");
    rig.control("send", json!({"user": "ben", "chat": number, "text": "hello all"})).await;
    assert_eq!(texts(&rig).await, ["/start", "hello all"]);
    let url = format!("{}/messages?user=ann&chat={name}", rig.sandbox.control_url());
    let seen: Value = rig.http.get(url).send().await.expect("answered").json().await.expect("JSON");
    assert_eq!((&seen[2]["text"], &seen[2]["from"]), (&json!("hello all"), &json!("ben")));
    assert_eq!((&seen[1]["service"], &seen[1]["from"]), (&json!("new_chat_members"), &json!("ben")));
    let reaction = |emoji: Value| json!({"user": "ben", "chat": name, "message_id": seen[2]["message_id"], "emoji": emoji});
    assert_eq!(rig.control("react", reaction(json!("🔥"))).await, json!({"emoji": "🔥"}));
    let url = format!("{}/chat?user=ben&chat={name}", rig.sandbox.control_url());
    let shown: Value = rig.http.get(url).send().await.expect("answered").json().await.expect("JSON");
    assert_eq!((&shown["messages"][2]["reactions"], &shown["messages"][2]["my_reaction"]), (&json!(["🔥"]), &json!("🔥")));
    assert_eq!(rig.control("react", reaction(json!("🚢"))).await, json!({"error": "no such message, or no such reaction"}));
    assert_eq!(rig.control("react", reaction(Value::Null)).await, json!({"emoji": null}));
    let both = rig.control("send", json!({"user": "ann", "bot": "ferry_bot", "text": "x"})).await;
    assert!(both["error"].as_str().is_some_and(|why| why.contains("named by chat")), "{both}");
}

#[tokio::test]
async fn a_group_takes_so_many_messages_a_minute() {
    let rig = Rig::with(Limits { group_messages_per_minute: 3, ..Limits::default() }).await;
    let friends = group_with_bot(&rig).await;
    let say = json!({"chat_id": friends.chat_id(), "text": "x"});
    let sent = rig.ok("sendMessage", say.clone()).await;
    rig.ok("sendMessage", say.clone()).await;
    let edit = json!({"chat_id": friends.chat_id(), "message_id": sent["message_id"], "text": "y"});
    rig.ok("editMessageText", edit).await;
    let refused = rig.call("sendMessage", say).await;
    let wait = refused["parameters"]["retry_after"].as_i64().expect("a time");
    // Less what passed meanwhile.
    assert!((30..=60).contains(&wait), "{refused}");
    assert_eq!((&refused["status"], &refused["description"]), (&json!(429), &json!(format!("Too Many Requests: retry after {wait}"))));
    // The minute of another chat is its own.
    rig.says("x").await;
    rig.nothing_refused();
}
