//! Texts, buttons and their refusals.

use std::time::Duration;

use serde_json::json;
use tgferry_sandbox::Limits;

use crate::rig::Rig;

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_bad_token_and_unknown_methods_are_refused() {
    let rig = Rig::new().await;
    let url = format!("{}/bot1:wrong/getMe", rig.sandbox.bot_api_url());
    let answer = rig.http.get(url).send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    let (code, text) = rig.refused("sendDice", json!({})).await;
    assert_eq!(code, 404);
    assert!(text.contains("sendDice"), "{text}");
    assert_eq!(rig.sandbox.leftovers(), ["refused: bot api method sendDice"]);
    assert_eq!(rig.forgiven(), ["bot api method sendDice"]);
    // Names are taken in any case.
    assert_eq!(rig.ok("GETME", json!({})).await["username"], "ferry_bot");
}

#[tokio::test]
async fn an_argument_that_nobody_reads_is_recorded() {
    let rig = Rig::new().await;
    rig.ok("sendMessage", json!({"chat_id": rig.ann.id(), "text": "x", "suggested_post_parameters": {}})).await;
    assert_eq!(rig.forgiven(), ["bot api method sendMessage: argument suggested_post_parameters"]);
}

#[tokio::test]
async fn texts_arrive_with_their_marks() {
    let rig = Rig::new().await;
    let sent = rig
        .ok("sendMessage", json!({"chat_id": rig.ann.id(), "text": " <b>Hi</b> http://a.example ", "parse_mode": "HTML", "reply_parameters": {"message_id": 1}}))
        .await;
    assert_eq!(sent["text"], "Hi http://a.example");
    assert_eq!(sent["entities"][0], json!({"type": "bold", "offset": 0, "length": 2}));
    assert_eq!(sent["entities"][1], json!({"type": "url", "offset": 3, "length": 16}));
    assert_eq!(sent["reply_to_message"]["text"], "/start");
    let seen = rig.ann.sees("the text", SOON, |message| message.words().starts_with("Hi")).await.expect("seen");
    assert_eq!(seen.reply_to, Some(1));
    rig.nothing_refused();
}

#[tokio::test]
async fn bad_texts_are_refused_in_telegrams_words() {
    let rig = Rig::new().await;
    let ann = rig.ann.id();
    let cases = [
        (json!({"chat_id": ann, "text": ""}), "Bad Request: message text is empty"),
        (json!({"chat_id": ann, "text": " \n "}), "Bad Request: message text is empty"),
        (json!({"chat_id": ann, "text": "x".repeat(4097)}), "Bad Request: message is too long"),
        (json!({"chat_id": ann, "text": "😀".repeat(2049)}), "Bad Request: message is too long"),
        (
            json!({"chat_id": ann, "text": "<b>x", "parse_mode": "HTML"}),
            "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (json!({"chat_id": ann, "text": "x", "parse_mode": "BBCode"}), "Bad Request: unsupported parse_mode"),
        (json!({"chat_id": ann, "text": "x", "reply_parameters": {"message_id": 99}}), "Bad Request: message to be replied not found"),
        (json!({"text": "x"}), "Bad Request: chat_id is empty"),
        (json!({"chat_id": 12345, "text": "x"}), "Bad Request: chat not found"),
        (json!({"chat_id": -100_123_456_789_i64, "text": "x"}), "Bad Request: chat not found"),
        (json!({"chat_id": "@nobody", "text": "x"}), "Bad Request: chat not found"),
        (
            json!({"chat_id": ann, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "d".repeat(65)}]]}}),
            "Bad Request: BUTTON_DATA_INVALID",
        ),
    ];
    for (params, wanted) in cases {
        assert_eq!(rig.refused("sendMessage", params.clone()).await, (400, wanted.to_owned()), "{params}");
    }
    rig.ok("sendMessage", json!({"chat_id": ann, "text": "x".repeat(4096)})).await;
    rig.ok(
        "sendMessage",
        json!({"chat_id": ann, "text": "y", "reply_parameters": {"message_id": 99, "allow_sending_without_reply": true}}),
    )
    .await;
    assert_eq!(rig.ann.messages().iter().filter(|message| message.from_bot).count(), 2);
}

#[tokio::test]
async fn strangers_and_those_who_blocked_are_not_written_to() {
    let rig = Rig::new().await;
    let ben = rig.sandbox.create_user("ben");
    let stranger = rig.refused("sendMessage", json!({"chat_id": ben.id, "text": "x"})).await;
    assert_eq!(stranger, (403, "Forbidden: bot can't initiate conversation with a user".to_owned()));
    rig.ann.blocks_bot();
    let blocked = rig.refused("sendMessage", json!({"chat_id": rig.ann.id(), "text": "x"})).await;
    assert_eq!(blocked, (403, "Forbidden: bot was blocked by the user".to_owned()));
    rig.ann.unblocks_bot();
    rig.says("welcome back").await;
    let updates = rig.ok("getUpdates", json!({})).await;
    let standings: Vec<_> = updates
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|update| update["my_chat_member"]["new_chat_member"]["status"].as_str())
        .collect();
    assert_eq!(standings, ["kicked", "member"]);
}

#[tokio::test]
async fn too_many_messages_are_refused_for_a_while() {
    let rig = Rig::with(Limits { chat_burst: 3, flood_seconds: 7, ..Limits::default() }).await;
    for number in 0..3 {
        rig.says(&number.to_string()).await;
    }
    let answer = rig.call("sendMessage", json!({"chat_id": rig.ann.id(), "text": "x"})).await;
    assert_eq!(answer["status"], 429);
    assert_eq!(answer["description"], "Too Many Requests: retry after 7");
    assert_eq!(answer["parameters"], json!({"retry_after": 7}));
    // Deleting and looking are not counted.
    rig.ok("deleteMessage", json!({"chat_id": rig.ann.id(), "message_id": 2})).await;
}

#[tokio::test]
async fn a_press_is_answered_once() {
    let rig = Rig::new().await;
    let markup = json!({"inline_keyboard": [[{"text": "Video", "callback_data": "v"}], [{"text": "Site", "url": "https://a.example"}]]});
    let sent = rig.ok("sendMessage", json!({"chat_id": rig.ann.id(), "text": "Choose", "reply_markup": markup})).await;
    assert_eq!(sent["reply_markup"]["inline_keyboard"][0][0]["callback_data"], "v");
    let ann = rig.ann.clone();
    let press = tokio::spawn(async move { ann.presses("Video").await });
    let updates = rig.ok("getUpdates", json!({"timeout": 5, "allowed_updates": ["callback_query"], "offset": -1})).await;
    let query = match updates.as_array().and_then(|updates| updates.iter().find_map(|update| update.get("callback_query"))) {
        Some(query) => query.clone(),
        // The press came after the first batch.
        None => {
            let offset = updates[0]["update_id"].as_i64().expect("an id") + 1;
            rig.ok("getUpdates", json!({"timeout": 5, "offset": offset})).await[0]["callback_query"].clone()
        }
    };
    assert_eq!(query["data"], "v");
    assert_eq!(query["message"]["text"], "Choose");
    assert_eq!(query["from"]["username"], "ann");
    let answer = json!({"callback_query_id": query["id"], "text": "On its way", "show_alert": true});
    rig.ok("answerCallbackQuery", answer.clone()).await;
    let seen = press.await.expect("runs").expect("answered");
    assert_eq!((seen.text.as_deref(), seen.show_alert), (Some("On its way"), true));
    let again = rig.refused("answerCallbackQuery", answer).await;
    assert_eq!(again, (400, "Bad Request: query is too old and response timeout expired or query id is invalid".to_owned()));
    rig.nothing_refused();
}

#[tokio::test]
async fn commands_are_kept_by_scope() {
    let rig = Rig::new().await;
    let commands = json!([{"command": "start", "description": "Begin"}]);
    rig.ok("setMyCommands", json!({"commands": commands})).await;
    assert_eq!(rig.ok("getMyCommands", json!({})).await, commands);
    assert_eq!(rig.ok("getMyCommands", json!({"language_code": "de"})).await, json!([]));
    rig.ok("deleteMyCommands", json!({})).await;
    assert_eq!(rig.ok("getMyCommands", json!({})).await, json!([]));
    let bad = rig.refused("setMyCommands", json!({"commands": [{"command": "No!", "description": "x"}]})).await;
    assert_eq!(bad.1, "Bad Request: BOT_COMMAND_INVALID");
}
