//! A bot that is asked from any chat, and the keys under the place where one writes.

use std::time::Duration;

use serde_json::{Value, json};
use tgferry_sandbox::world::BotSettings;
use tgferry_sandbox::world::keyboards::Keyboard;
use tgferry_sandbox::{InlineResults, Limits, TestUser};

use crate::rig::{Rig, part, video, web_server};

async fn rig() -> Rig {
    let rig = Rig::new().await;
    rig.ok("getUpdates", json!({"offset": -1})).await;
    let settings = BotSettings { inline_mode: true, inline_feedback: true, ..BotSettings::default() };
    assert!(rig.sandbox.world().set_bot(rig.bot.id, settings));
    rig
}

fn article(id: &str, text: &str) -> Value {
    json!({"type": "article", "id": id, "title": format!("Article {id}"), "input_message_content": {"message_text": text, "parse_mode": "HTML"}})
}

/// The person asks; the bot answers with `answer`.
async fn asks(rig: &Rig, user: &TestUser, text: &'static str, answer: Value) -> (Value, InlineResults) {
    let user = user.clone();
    let asking = tokio::spawn(async move { user.queries_inline(text).await });
    let query = rig.next("inline_query").await;
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

    friends.chooses(&results, "Article 1").await.expect("sent");
    let chosen = rig.next("chosen_inline_result").await;
    assert_eq!((&chosen["result_id"], &chosen["query"], &chosen["inline_message_id"]), (&json!("1"), &json!("cats"), &Value::Null));
    let text = friends.messages().pop().expect("a message");
    assert_eq!((text.words(), text.from.as_str(), text.via_bot.as_deref()), ("hi", "ann", Some("ferry_bot")));

    let sent = friends.chooses(&results, "film").await.expect("sent");
    let inline_id = rig.next("chosen_inline_result").await["inline_message_id"].clone();
    let edited = rig.ok("editMessageCaption", json!({"inline_message_id": inline_id, "caption": "changed", "reply_markup": markup})).await;
    assert_eq!(edited, json!(true));
    let message = friends.messages().pop().expect("a message");
    assert_eq!((message.message_id, message.caption.as_deref()), (sent, Some("changed")));
    let press = tokio::spawn({
        let friends = friends.clone();
        async move { friends.presses_data(sent, "more").await }
    });
    let press_query = rig.next("callback_query").await;
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
    ben.chooses(&again, "1").await.expect("sent");
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
    let id = rig.next("inline_query").await["id"].clone();
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
}

#[tokio::test]
async fn a_file_at_an_address_is_fetched_when_it_is_chosen() {
    let rig = rig().await;
    let (asked_for, address) = web_server().await;
    let at = |name: &str| format!("http://{address}/{name}");
    let results = json!([
        {"type": "photo", "id": "photo", "photo_url": at("a.jpg"), "thumbnail_url": at("b.jpg"), "caption": "<b>a</b>", "parse_mode": "HTML"},
        {"type": "video", "id": "film", "title": "Film", "video_url": at("a.mp4"), "mime_type": "video/mp4", "thumbnail_url": at("b.jpg"), "video_duration": 9, "video_width": 64, "video_height": 36},
        {"type": "video", "id": "player", "title": "Player", "video_url": at("page"), "mime_type": "text/html", "thumbnail_url": at("b.jpg"), "input_message_content": {"message_text": "watch"}},
        {"type": "photo", "id": "page", "photo_url": at("page"), "thumbnail_url": at("b.jpg")},
        {"type": "audio", "id": "gone", "title": "Gone", "audio_url": at("gone.mp3")},
    ]);
    let (_, offered) = asks(&rig, &rig.ann, "cats", json!({"results": results})).await;
    assert!(asked_for.lock().expect("no panic").is_empty(), "nothing is fetched before it is wanted");
    rig.ann.chooses(&offered, "photo").await.expect("sent");
    rig.ann.chooses(&offered, "film").await.expect("sent");
    rig.ann.chooses(&offered, "player").await.expect("sent");
    assert_eq!(rig.ann.chooses(&offered, "page").await.expect_err("no photo").to_string(), "WEBPAGE_MEDIA_EMPTY");
    assert_eq!(rig.ann.chooses(&offered, "gone").await.expect_err("not there").to_string(), "WEBPAGE_CURL_FAILED");
    assert_eq!(*asked_for.lock().expect("no panic"), ["/a.jpg", "/a.mp4", "/page", "/gone.mp3"]);
    insta::assert_snapshot!(rig.ann.transcript(), @"
    #1 ann: /start
    #2 ann (via ferry_bot): [photo a.jpg 900 bytes 320x180 by Bot API] a
    #3 ann (via ferry_bot): [video a.mp4 20012 bytes 9s 64x36 by Bot API]
    #4 ann (via ferry_bot): watch
    ");

    let wrong = [
        (json!({"type": "photo", "id": "1", "photo_url": at("a.jpg")}), "PHOTO_THUMB_URL_EMPTY"),
        (json!({"type": "gif", "id": "1", "gif_url": "ftp://a.example/a.gif", "thumbnail_url": at("b.jpg")}), "WEBDOCUMENT_URL_INVALID"),
        (
            json!({"type": "document", "id": "1", "title": "x", "document_url": at("a.txt"), "mime_type": "text/plain"}),
            "FILE_CONTENT_TYPE_INVALID",
        ),
        (json!({"type": "video", "id": "1", "title": "x", "video_url": at("page"), "mime_type": "text/html"}), "WEBDOCUMENT_MIME_INVALID"),
        (json!({"type": "audio", "id": "1", "audio_url": at("a.mp3")}), "can't parse inline query result: Can't find field \"title\""),
    ];
    for (result, wanted) in wrong {
        let refused = rig.refused("answerInlineQuery", json!({"inline_query_id": "1", "results": [result]})).await;
        assert_eq!(refused, (400, format!("Bad Request: {wanted}")), "{result}");
    }
    rig.nothing_refused();
}

#[tokio::test]
async fn a_result_goes_into_the_topic_that_one_is_in() {
    let rig = rig().await;
    let forum = rig.ann.creates_supergroup("Films");
    forum.adds_bot().expect("added");
    assert!(forum.makes_forum());
    let noir = forum.creates_topic("Noir").expect("made");
    let (_, results) = asks(&rig, &noir, "cats", json!({"results": [article("1", "hi")]})).await;
    noir.chooses(&results, "1").await.expect("sent");
    assert_eq!(rig.next("chosen_inline_result").await["result_id"], "1");
    let sent = noir.messages().pop().expect("a message");
    assert_eq!((sent.words(), sent.thread), ("hi", noir.topic_id()));
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
    assert_eq!(rig.next("message").await["text"], "/start");
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
    let query = rig.next("inline_query").await;
    rig.ok("answerInlineQuery", json!({"inline_query_id": query["id"], "results": [article("1", "hi")]})).await;
    let results: Value = asking.await.expect("runs").expect("answered").json().await.expect("JSON");
    assert_eq!(results["results"][0], json!({"id": "1", "kind": "article", "title": "Article 1", "description": ""}));
    let choose = json!({"user": "ann", "query_id": results["query_id"], "result_id": "1"});
    assert_eq!(post("inline/choose", choose).await.expect("answered").status(), 200);
    let heard = rig.next("message").await;
    assert_eq!((&heard["text"], &heard["via_bot"]["username"]), (&json!("hi"), &json!("ferry_bot")));
}
