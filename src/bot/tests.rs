//! The handler tree with the real intake over a real store; the Bot API's end of the line writes down what is asked of it.
//!
//! In: updates as Telegram words them. Out: the calls that follow, and the jobs stored. Must not: need the network.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use teloxide::Bot;

use super::answers::Answers;
use super::desk::Desk;
use super::schema::{dispatch, schema};
use crate::intake::Intake;
use crate::model::{ChatId, Choice, JobId, Link, MessageId, NewJob, SourceCard, Stage, SubtitleChoice, SubtitleOffer, UserId};
use crate::queue::Queue;
use crate::store::Store;

const ANN: i64 = 11;
const BEN: i64 = 12;

type Calls = Arc<Mutex<Vec<(String, Value)>>>;

/// The Bot API's end of the line.
#[derive(Clone, Default)]
struct Line {
    calls: Calls,
    /// What `getUpdates` has to give.
    updates: Arc<Mutex<Vec<Value>>>,
    called: Arc<tokio::sync::Notify>,
}

struct Scene {
    desk: Desk,
    store: Store,
    line: Line,
    bot: Bot,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("test.db")).await.unwrap();
        let line = Line::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().route("/{bot}/{method}", axum::routing::post(write_down)).with_state(line.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        let bot = Bot::with_client("1:token", reqwest::Client::builder().build().unwrap()).set_api_url(url);
        let config = crate::config::load(None, &[]).unwrap().bot;
        let desk = Desk {
            intake: Intake::new(store.clone(), Queue::new(store.clone()), 3),
            answers: Answers::new(bot.clone()),
            config: Arc::new(config),
            me: Arc::new(serde_json::from_str(&me().to_string()).unwrap()),
        };
        Self { desk, store, line, bot, _folder: folder }
    }

    /// Sends an update through the tree; gives the calls that followed, the signs of life left out.
    async fn takes(&self, update: Value) -> Vec<(String, Value)> {
        let mut desk = self.desk.clone();
        desk.answers = desk.answers.fresh(); // so that its end can be awaited
        let update = serde_json::from_str(&update.to_string()).unwrap();
        dispatch(&schema(), &desk, update).await.unwrap();
        desk.answers.finish().await;
        let calls = std::mem::take(&mut *self.line.calls.lock().unwrap());
        calls.into_iter().filter(|(method, _)| method != "SendChatAction").collect()
    }

    /// The one text that is sent in answer.
    async fn answers(&self, update: Value) -> String {
        let calls = self.takes(update).await;
        assert_eq!(calls.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>(), ["SendMessage"], "{calls:?}");
        assert_eq!(calls[0].1["parse_mode"], "HTML");
        calls[0].1["text"].as_str().unwrap().to_owned()
    }

    /// A job whose card is in Ann's chat.
    async fn card(&self) -> JobId {
        let job = NewJob {
            user: UserId(ANN),
            chat: ChatId(ANN),
            request_message: Some(MessageId(1)),
            link: Link::parse("https://example.org/v.mp4").unwrap(),
            choice: None,
            subtitles: None,
            language: "en".into(),
        };
        let id = self.store.accept(vec![job]).await.unwrap()[0];
        self.store.advance(id, Stage::Choose).await.unwrap();
        id
    }

    async fn links_of(&self, user: i64) -> Vec<String> {
        self.store.unfinished(UserId(user)).await.unwrap().iter().map(|job| job.link.to_string()).collect()
    }
}

async fn write_down(State(line): State<Line>, Path((_, method)): Path<(String, String)>, Json(body): Json<Value>) -> Json<Value> {
    line.calls.lock().unwrap().push((method.clone(), body.clone()));
    line.called.notify_one();
    let result = match method.as_str() {
        "GetMe" => me(),
        "GetUpdates" => line.updates_from(&body).await,
        "SendMessage" | "EditMessageReplyMarkup" => {
            json!({"message_id": 99, "date": 0, "text": "x", "chat": {"id": ANN, "type": "private", "first_name": "Ann"}})
        }
        _ => json!(true),
    };
    Json(json!({"ok": true, "result": result}))
}

impl Line {
    /// As Telegram does: an offset forgets all before it, and an empty answer comes late.
    async fn updates_from(&self, body: &Value) -> Value {
        let offset = body["offset"].as_i64().unwrap_or(0);
        self.updates.lock().unwrap().retain(|update| update["update_id"].as_i64() >= Some(offset));
        let left = self.updates.lock().unwrap().clone();
        if left.is_empty() && body["timeout"] != json!(0) {
            std::future::pending::<()>().await;
        }
        json!(left)
    }
}

fn me() -> Value {
    json!({
        "id": 1, "is_bot": true, "first_name": "Ferry", "username": "ferry_bot", "can_join_groups": true,
        "can_read_all_group_messages": false, "supports_inline_queries": false, "can_connect_to_business": false, "has_main_web_app": false
    })
}

fn person(id: i64) -> Value {
    json!({"id": id, "is_bot": false, "first_name": "P", "language_code": "en-GB"})
}

fn message(from: i64, fields: Value) -> Value {
    let mut message = json!({"message_id": 5, "date": 0, "from": person(from), "chat": {"id": from, "type": "private", "first_name": "P"}});
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"update_id": 1, "message": message})
}

fn text(from: i64, text: &str) -> Value {
    message(from, json!({"text": text}))
}

fn press(from: i64, data: &str) -> Value {
    let card = json!({"message_id": 6, "date": 0, "text": "card", "chat": {"id": ANN, "type": "private", "first_name": "Ann"}});
    json!({"update_id": 2, "callback_query": {"id": "q", "from": person(from), "chat_instance": "c", "data": data, "message": card}})
}

#[tokio::test]
async fn commands_answer() {
    let scene = Scene::new().await;
    assert!(scene.answers(text(ANN, "/start")).await.contains("Send me a link"));
    assert!(scene.answers(text(ANN, "/start payload")).await.contains("Send me a link"));
    assert!(scene.answers(text(ANN, "/help@Ferry_Bot")).await.contains("up to 10"));
    assert!(scene.answers(text(ANN, "/dance")).await.contains("don't know that command"));
    assert!(scene.answers(text(ANN, "/status")).await.contains("Nothing is under way"));
    assert!(scene.answers(text(ANN, "/cancel")).await.contains("Nothing is under way"));
    scene.card().await;
    assert!(scene.answers(text(ANN, "/status")).await.contains("<i>example.org</i> – waiting for your choice"));
    assert!(scene.answers(text(BEN, "/status")).await.contains("Nothing is under way"), "nobody sees the jobs of others");
    assert!(scene.answers(text(BEN, "/cancel")).await.contains("Nothing is under way"));
    assert_eq!(scene.answers(text(ANN, "/cancel")).await, "Stopped one job.");
}

#[tokio::test]
async fn links_become_jobs_and_the_rest_gets_a_hint() {
    let scene = Scene::new().await;
    assert!(scene.answers(text(ANN, "good morning")).await.contains("could not find a link"));
    assert!(scene.answers(text(ANN, "https://")).await.contains("which site"));
    assert!(scene.answers(text(ANN, "ftp://a.org/x")).await.contains("can't be fetched"));
    let sticker = json!({"file_id": "f", "file_unique_id": "u", "type": "regular", "width": 1, "height": 1,
        "is_animated": false, "is_video": false, "needs_repainting": false, "file_size": 1});
    assert!(scene.answers(message(ANN, json!({"sticker": sticker}))).await.contains("I work with links"));
    assert!(scene.links_of(ANN).await.is_empty());

    // The offset of an entity counts UTF-16 units: the crab takes two.
    let marked = json!({"text": "🦀 example.org/1 film", "entities": [
        {"type": "url", "offset": 3, "length": 13}, {"type": "text_link", "offset": 17, "length": 4, "url": "https://a.org/hidden"}]});
    for again in 0..2 {
        assert_eq!(scene.takes(message(ANN, marked.clone())).await, [], "the cards come from the pipeline");
        assert_eq!(scene.links_of(ANN).await, ["https://example.org/1", "https://a.org/hidden"], "{again}");
    }
    let photo = json!([{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1, "file_size": 1}]);
    assert_eq!(scene.takes(message(BEN, json!({"photo": photo, "caption": "https://b.org/c"}))).await, []);
    assert_eq!(scene.links_of(BEN).await, ["https://b.org/c"]);

    let mut many = message(ANN, json!({"text": "https://c.org/1 https://c.org/2"}));
    many["message"]["message_id"] = json!(77);
    assert!(scene.answers(many).await.contains("2 of yours are not done yet"));
    assert_eq!(scene.links_of(ANN).await.len(), 2);
}

#[tokio::test]
async fn in_a_group_only_what_is_meant_for_us_is_answered() {
    let scene = Scene::new().await;
    let group = |fields: Value| {
        let mut update = message(ANN, fields);
        update["message"]["chat"] = json!({"id": -100_123, "type": "supergroup", "title": "G"});
        update
    };
    let mention = json!([{"type": "mention", "offset": 0, "length": 10}]);
    assert_eq!(scene.takes(group(json!({"text": "https://a.org/v"}))).await, []);
    assert_eq!(scene.takes(group(json!({"text": "/help"}))).await, []);
    assert_eq!(scene.takes(group(json!({"text": "/help@other_bot"}))).await, []);
    assert_eq!(scene.takes(group(json!({"text": "@ferry_bot hello", "entities": mention}))).await, []);
    assert!(scene.links_of(ANN).await.is_empty());
    assert!(scene.answers(group(json!({"text": "/help@ferry_bot"}))).await.contains("How it works"));
    assert_eq!(scene.takes(group(json!({"text": "@ferry_bot https://a.org/v", "entities": mention}))).await, []);
    let jobs = scene.store.unfinished(UserId(ANN)).await.unwrap();
    assert_eq!((jobs.len(), jobs[0].chat), (1, ChatId(-100_123)));
}

#[tokio::test]
async fn a_pressed_button_is_always_answered() {
    let scene = Scene::new().await;
    let job = scene.card().await;
    let word = async |update| {
        let calls = scene.takes(update).await;
        let (_, body) = calls.iter().find(|(method, _)| method == "AnswerCallbackQuery").expect("an answer").clone();
        (body["text"].as_str().unwrap().to_owned(), calls.len())
    };
    for unknown in ["", "zzz", "c:1:mime", "x:abc"] {
        assert!(word(press(ANN, unknown)).await.0.contains("no longer works"), "{unknown:?}");
    }
    assert!(word(press(ANN, "c:999999:video")).await.0.contains("is over"));
    assert!(word(press(BEN, &format!("c:{job}:video"))).await.0.contains("Only the person"));
    assert!(word(press(BEN, &format!("x:{job}"))).await.0.contains("Only the person"));
    assert_eq!(word(press(ANN, &format!("c:{job}:audio"))).await, ("I'm on it.".to_owned(), 2));
    assert_eq!(scene.store.job(job).await.unwrap().unwrap().choice, Some(Choice::Audio));
    assert!(word(press(ANN, &format!("c:{job}:video"))).await.0.contains("chosen already"));
    assert_eq!(word(press(ANN, &format!("x:{job}"))).await, ("Stopped.".to_owned(), 1));
    scene.store.end(job, Stage::Cancelled, None).await.unwrap();
    assert!(word(press(ANN, &format!("x:{job}"))).await.0.contains("nothing left"));
}

#[tokio::test]
async fn a_card_asks_for_language_and_way() {
    let scene = Scene::new().await;
    let job = scene.card().await;
    let offer = |language: &str| SubtitleOffer { language: language.into(), automatic: false };
    let card = SourceCard { subtitles: vec![offer("de"), offer("en-US")], ..SourceCard::default() };
    scene.store.put_card(&Link::parse("https://example.org/v.mp4").unwrap(), card).await.unwrap();
    let labels = async |data: &str| {
        let calls = scene.takes(press(ANN, data)).await;
        let (_, body) = calls.iter().find(|(method, _)| method == "EditMessageReplyMarkup").expect("other buttons").clone();
        let rows = body["reply_markup"]["inline_keyboard"].as_array().unwrap().clone();
        rows.iter().flat_map(|row| row.as_array().unwrap()).map(|button| button["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(labels(&format!("s:{job}p:0")).await[..2], ["English (US)", "Deutsch"], "her app speaks English");
    assert_eq!(labels(&format!("l:{job}p:de")).await.len(), 4);
    assert!(labels(&format!("b:{job}p")).await.iter().any(|label| label.contains("pieces")));
    assert!(!labels(&format!("b:{job}")).await.iter().any(|label| label.contains("pieces")));
    assert!(scene.takes(press(BEN, &format!("s:{job}:0"))).await.iter().all(|(method, _)| method == "AnswerCallbackQuery"));
    assert_eq!(labels(&format!("t:{job}:de:burn")).await.len(), 1, "nothing but to cancel is left");
    let stored = scene.store.job(job).await.unwrap().unwrap();
    assert_eq!((stored.choice, stored.subtitles), (Some(Choice::Video), SubtitleChoice::parse("de:burn")));
    assert!(scene.takes(press(ANN, &format!("s:{job}:0"))).await.iter().all(|(method, _)| method == "AnswerCallbackQuery"));
}

#[tokio::test]
async fn other_updates_are_left_alone() {
    let scene = Scene::new().await;
    let mut edited = text(ANN, "https://a.org/v");
    edited["edited_message"] = edited["message"].take();
    edited.as_object_mut().unwrap().remove("message");
    assert_eq!(scene.takes(edited).await, []);
    let mut robot = text(ANN, "https://a.org/v");
    robot["message"]["from"]["is_bot"] = json!(true);
    assert_eq!(scene.takes(robot).await, []);
    assert_eq!(scene.takes(json!({"update_id": 3, "of_the_future": {}})).await, []);
    assert!(scene.links_of(ANN).await.is_empty());
}

#[tokio::test]
async fn the_bot_polls_answers_and_confirms_at_the_end() {
    let scene = Scene::new().await;
    let mut second = text(ANN, "https://a.org/v");
    second["update_id"] = json!(2);
    scene.line.updates.lock().unwrap().extend([text(ANN, "/help"), second]);
    let shutdown = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(super::run(
        scene.bot.clone(),
        scene.desk.intake.clone(),
        crate::config::BotConfig { poll_timeout_s: 7, ..(*scene.desk.config).clone() },
        shutdown.clone(),
    ));
    let seen = |wanted: &str, field: &str, value: Value| {
        scene.line.calls.lock().unwrap().iter().any(|(method, body)| method == wanted && body[field] == value)
    };
    while !(seen("SendMessage", "chat_id", json!(ANN))
        && seen("GetUpdates", "offset", json!(3))
        && seen("SetMyCommands", "commands", menu()))
    {
        scene.line.called.notified().await;
    }
    shutdown.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(scene.links_of(ANN).await, ["https://a.org/v"]);
    assert!(scene.line.updates.lock().unwrap().is_empty(), "all are confirmed");
    let polls: Vec<Value> =
        scene.line.calls.lock().unwrap().iter().filter(|(method, _)| method == "GetUpdates").map(|(_, body)| body.clone()).collect();
    assert_eq!(polls[0], json!({"timeout": 7, "allowed_updates": ["message", "callback_query"]}));
    assert_eq!((&polls.last().unwrap()["offset"], &polls.last().unwrap()["timeout"]), (&json!(3), &json!(0)));
}

fn menu() -> Value {
    let texts = crate::i18n::Texts::new("en");
    json!([
        {"command": "start", "description": texts.get("command-start")}, {"command": "help", "description": texts.get("command-help")},
        {"command": "status", "description": texts.get("command-status")}, {"command": "cancel", "description": texts.get("command-cancel")},
    ])
}
