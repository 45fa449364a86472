//! A bot that is asked from any chat, and the keys under the place where one writes.

use std::time::Duration;

use serde_json::{Value, json};
use tgferry_sandbox::world::BotSettings;
use tgferry_sandbox::world::keyboards::Keyboard;
use tgferry_sandbox::{InlineResults, Limits, TestUser};

use crate::rig::{Rig, part, video};

async fn rig() -> Rig {
    let rig = Rig::new().await;
    rig.ok("getUpdates", json!({"offset": -1})).await;
    let settings = BotSettings { inline_mode: true, inline_feedback: true, ..BotSettings::default() };
    assert!(rig.sandbox.world().set_bot(rig.bot.id, settings));
    rig
}

/// The newest update, which is waited for and forgotten.
async fn next(rig: &Rig, kind: &str) -> Value {
    let mut offset = 0;
    loop {
        let updates = rig.ok("getUpdates", json!({"offset": offset, "limit": 1, "timeout": 5})).await;
        let update = &updates[0];
        offset = update["update_id"].as_i64().unwrap_or_else(|| panic!("no {kind} came")) + 1;
        if !update[kind].is_null() {
            rig.ok("getUpdates", json!({"offset": offset})).await;
            return update[kind].clone();
        }
    }
}

fn article(id: &str, text: &str) -> Value {
    json!({"type": "article", "id": id, "title": format!("Article {id}"), "input_message_content": {"message_text": text, "parse_mode": "HTML"}})
}

/// The person asks; the bot answers with `answer`.
async fn asks(rig: &Rig, user: &TestUser, text: &'static str, answer: Value) -> (Value, InlineResults) {
    let user = user.clone();
    let asking = tokio::spawn(async move { user.queries_inline(text).await });
    let query = next(rig, "inline_query").await;
    let mut params = answer;
    params["inline_query_id"] = query["id"].clone();
    rig.ok("answerInlineQuery", params).await;
    (query, asking.await.expect("runs").expect("answered"))
}

#[tokio::test]
async fn a_result_is_chosen_and_edited() {
    let rig = rig().await;
    let form = reqwest::multipart::Form::new().text("chat_id", rig.ann.id().to_string()).part("video", part(video(), "film.mp4"));
    let film = rig.form("sendVideo", form).await["result"]["video"]["file_id"].clone();
    let friends = rig.ann.creates_supergroup("Friends");
    let markup = json!({"inline_keyboard": [[{"text": "More", "callback_data": "more"}]]});
    let cached = json!({"type": "video", "id": "film", "title": "A film", "video_file_id": film, "caption": "<i>film</i>", "parse_mode": "HTML", "reply_markup": markup});
    let answer = json!({"results": [article("1", "<b>hi</b>"), cached], "next_offset": "2", "button": {"text": "Settings", "start_parameter": "set"}});
    let (query, results) = asks(&rig, &friends, "cats", answer).await;
    assert_eq!((&query["query"], &query["offset"], &query["chat_type"]), (&json!("cats"), &json!(""), &json!("supergroup")));
    assert_eq!(query["from"]["username"], "ann");
    assert_eq!((results.next_offset.as_str(), results.button.as_ref().map(|button| button.text.as_str())), ("2", Some("Settings")));

    friends.chooses(&results, "Article 1").expect("sent");
    let chosen = next(&rig, "chosen_inline_result").await;
    assert_eq!((&chosen["result_id"], &chosen["query"], &chosen["inline_message_id"]), (&json!("1"), &json!("cats"), &Value::Null));
    let text = friends.messages().pop().expect("a message");
    assert_eq!((text.words(), text.from.as_str(), text.via_bot.as_deref()), ("hi", "ann", Some("ferry_bot")));

    let sent = friends.chooses(&results, "film").expect("sent");
    let inline_id = next(&rig, "chosen_inline_result").await["inline_message_id"].clone();
    let edited = rig.ok("editMessageCaption", json!({"inline_message_id": inline_id, "caption": "changed", "reply_markup": markup})).await;
    assert_eq!(edited, json!(true));
    let message = friends.messages().pop().expect("a message");
    assert_eq!((message.message_id, message.caption.as_deref()), (sent, Some("changed")));
    let press = tokio::spawn({
        let friends = friends.clone();
        async move { friends.presses_data(sent, "more").await }
    });
    let press_query = next(&rig, "callback_query").await;
    assert_eq!((&press_query["inline_message_id"], &press_query["message"]), (&inline_id, &Value::Null));
    rig.ok("answerCallbackQuery", json!({"callback_query_id": press_query["id"]})).await;
    press.await.expect("runs").expect("answered");
    let wrong = rig.refused("editMessageText", json!({"inline_message_id": "AQAAx", "text": "x"})).await;
    assert_eq!(wrong, (400, "Bad Request: MESSAGE_ID_INVALID".to_owned()));

    rig.nothing_refused();
}

#[tokio::test]
async fn answers_are_kept_for_their_time() {
    let rig = rig().await;
    let (_, first) = asks(&rig, &rig.ann, "cats", json!({"results": [article("1", "hi")]})).await;
    let ben = rig.sandbox.user("ben", &rig.bot);
    let again = ben.queries_inline("cats").await.expect("the bot is not asked again");
    assert_eq!(again.results, first.results);
    ben.chooses(&again, "1").expect("sent");
    asks(&rig, &rig.ann, "dogs", json!({"results": [], "is_personal": true})).await;
    let (query, _) = asks(&rig, &ben, "dogs", json!({"results": [], "cache_time": 0})).await;
    assert_eq!((&query["from"]["username"], &query["chat_type"]), (&json!("ben"), &json!("sender")));
    rig.sandbox.world().forget_inline_answers();
    asks(&rig, &rig.ann, "cats", json!({"results": []})).await;
}

#[tokio::test]
async fn what_is_late_or_wrong_is_refused() {
    let rig = Rig::with(Limits { inline_query: Duration::from_millis(50), ..Limits::default() }).await;
    assert_eq!(rig.ann.queries_inline("x").await.expect_err("off").to_string(), "BOT_INLINE_DISABLED");
    rig.sandbox.world().set_bot(rig.bot.id, BotSettings { inline_mode: true, ..BotSettings::default() });
    assert_eq!(rig.ok("getMe", json!({})).await["supports_inline_queries"], true);
    assert_eq!(rig.ann.queries_inline("x").await.expect_err("late").to_string(), "BOT_RESPONSE_TIMEOUT");
    let id = next(&rig, "inline_query").await["id"].clone();
    let many: Vec<Value> = (0..51).map(|number| article(&number.to_string(), "x")).collect();
    let cases = [
        (json!([article("1", "x")]), "query is too old and response timeout expired or query id is invalid"),
        (json!(many), "too many inline query results specified"),
        (json!([article("1", "x"), article("1", "y")]), "RESULT_ID_DUPLICATE"),
        (json!([article("", "x")]), "RESULT_ID_EMPTY"),
        (json!([article(&"x".repeat(65), "x")]), "RESULT_ID_INVALID"),
        (json!([article("1", "")]), "message text is empty"),
        (
            json!([{"type": "article", "id": "1", "title": "x"}]),
            "can't parse inline query result: Can't find field \"input_message_content\"",
        ),
        (json!([{"type": "video", "id": "1", "title": "x"}]), "can't parse inline query result: Can't find field \"video_file_id\""),
        (
            json!([{"type": "thing", "id": "1"}]),
            "can't parse inline query result: type \"thing\" is unsupported for the inline query result",
        ),
        (json!({}), "expected an Array of inline query results"),
    ];
    for (results, wanted) in cases {
        let refused = rig.refused("answerInlineQuery", json!({"inline_query_id": id, "results": results})).await;
        assert_eq!(refused, (400, format!("Bad Request: {wanted}")), "{results}");
    }
    rig.nothing_refused();
    let by_address =
        json!([{"type": "photo", "id": "1", "photo_url": "http://a.example/a.jpg", "thumbnail_url": "http://a.example/b.jpg"}]);
    rig.refused("answerInlineQuery", json!({"inline_query_id": id, "results": by_address})).await;
    assert_eq!(rig.sandbox.refusals(), ["bot api method answerInlineQuery: a photo by its address"]);
}

#[tokio::test]
async fn keys_under_the_place_where_one_writes() {
    let rig = Rig::new().await;
    let keyboard = json!({"keyboard": [["Video", {"text": "Audio"}]], "one_time_keyboard": true, "input_field_placeholder": "What?"});
    let sent = rig.ok("sendMessage", json!({"chat_id": rig.ann.id(), "text": "Choose", "reply_markup": keyboard})).await;
    assert_eq!(sent["reply_markup"], Value::Null, "only inline keyboards come back");
    let shown = rig.ann.keyboard().expect("a keyboard");
    assert!(matches!(&shown, Keyboard::Shown { placeholder, .. } if placeholder == "What?"), "{shown:?}");
    rig.ann.taps("Audio").await.expect("pressed");
    assert_eq!(next(&rig, "message").await["text"], "/start");
    assert_eq!(rig.ann.messages().pop().expect("a message").words(), "Audio");
    assert_eq!(rig.ann.keyboard(), None, "it was for one time");
    rig.ok("sendMessage", json!({"chat_id": rig.ann.id(), "text": "Again", "reply_markup": {"keyboard": [["Yes"]]}})).await;
    let edit = json!({"chat_id": rig.ann.id(), "message_id": sent["message_id"], "text": "x", "reply_markup": {"keyboard": [["No"]]}});
    assert_eq!(rig.refused("editMessageText", edit).await.1, "Bad Request: inline keyboard expected");
    let control = format!("{}/tap", rig.sandbox.control_url());
    let tapped = rig.http.post(control).json(&json!({"user": "ann", "label": "Yes"})).send().await.expect("answered");
    assert_eq!(tapped.status(), 200);
    assert!(rig.ann.keyboard().is_some());
    rig.ok("sendMessage", json!({"chat_id": rig.ann.id(), "text": "Away", "reply_markup": {"remove_keyboard": true}})).await;
    assert!(rig.ann.taps("Yes").await.is_err());
    rig.nothing_refused();
}

#[tokio::test]
async fn the_control_api_asks_and_chooses() {
    let rig = rig().await;
    let post = |path: &str, body: Value| rig.http.post(format!("{}/{path}", rig.sandbox.control_url())).json(&body).send();
    let asking = tokio::spawn(post("inline", json!({"user": "ann", "query": "cats"})));
    let query = next(&rig, "inline_query").await;
    rig.ok("answerInlineQuery", json!({"inline_query_id": query["id"], "results": [article("1", "hi")]})).await;
    let results: Value = asking.await.expect("runs").expect("answered").json().await.expect("JSON");
    assert_eq!(results["results"][0], json!({"id": "1", "kind": "article", "title": "Article 1", "description": ""}));
    let choose = json!({"user": "ann", "query_id": results["query_id"], "result_id": "1"});
    assert_eq!(post("inline/choose", choose).await.expect("answered").status(), 200);
    let heard = next(&rig, "message").await;
    assert_eq!((&heard["text"], &heard["via_bot"]["username"]), (&json!("hi"), &json!("ferry_bot")));
}
