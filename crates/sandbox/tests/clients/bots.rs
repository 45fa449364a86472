//! Bot libraries of other languages on the Bot API face: aiogram 3.31 and python-telegram-bot 22.8. The same scenarios for both.

use serde_json::{Value, json};

use super::rig::Rig;

const AIOGRAM: &str = "aiogram_client.py";
const TELEGRAM_BOT: &str = "telegram_bot_client.py";

/// A link that starts the bot, a keyboard, a press, an edit, an album by multipart, a download, a copy.
async fn talks(script: &str, scenario: &str) -> Value {
    let rig = Rig::new(None).await;
    let done = rig.runs(script, scenario).await;
    assert_eq!((&done["payload"], &done["answer"]), (&json!("job-7"), &json!("On its way")));
    assert_eq!(done["hashes"][0], done["hashes"][1]);
    assert_eq!(done["groups"], 1);
    let seen = rig.ann.messages();
    let chosen = seen.iter().find(|message| message.words() == "Chosen").expect("the edited text");
    assert!(chosen.edited && chosen.buttons.is_empty(), "{}", rig.ann.transcript());
    let album: Vec<_> = seen.iter().filter(|message| message.media_group_id.is_some()).collect();
    assert_eq!(album.iter().map(|message| message.caption.as_deref()).collect::<Vec<_>>(), [Some("in parts"); 2]);
    let copy = seen.iter().find(|message| done["copy"] == message.message_id).expect("the copy");
    let hash = |message: &tgferry_sandbox::MessageView| message.media.as_ref().map(|media| media.sha256.clone());
    assert_eq!((copy.caption.as_deref(), hash(copy)), (Some("copied"), hash(album[0])));
    rig.nothing_refused();
    done
}

async fn pays(script: &str) {
    let rig = Rig::new(None).await;
    let done = rig.runs(script, "pays").await;
    assert_eq!(done["charges"], done["refunds"]);
    assert_eq!((&done["came"], &done["went"]), (&json!(["month-1", "month-2"]), &json!(["ann", "ann"])));
    assert_eq!((done["balance"].as_i64(), rig.ann.stars()), (Some(0), 1000));
    rig.nothing_refused();
}

async fn is_asked(script: &str) {
    let rig = Rig::new(None).await;
    let done = rig.runs(script, "inline").await;
    assert_eq!((&done["titles"], &done["chosen"]), (&json!(["An article"]), &json!("1")));
    let sent = rig.ann.messages().into_iter().find(|message| done["sent"] == message.message_id).expect("the result");
    assert_eq!((sent.words(), sent.via_bot.as_deref(), sent.edited), ("changed", Some("ferry_bot"), true));
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn aiogram_talks_by_long_polling() {
    assert_eq!(talks(AIOGRAM, "polls").await["version"], "3.31.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn aiogram_talks_by_a_webhook() {
    let done = talks(AIOGRAM, "hooked").await;
    assert_eq!(done["error"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn aiogram_is_paid_and_gives_back() {
    pays(AIOGRAM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aiogram_is_asked_from_a_chat() {
    is_asked(AIOGRAM).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_telegram_bot_talks_by_long_polling() {
    assert_eq!(talks(TELEGRAM_BOT, "polls").await["version"], "22.8");
}

#[tokio::test(flavor = "multi_thread")]
async fn python_telegram_bot_talks_by_a_webhook() {
    let done = talks(TELEGRAM_BOT, "hooked").await;
    assert_eq!(done["error"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn python_telegram_bot_is_paid_and_gives_back() {
    pays(TELEGRAM_BOT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_telegram_bot_is_asked_from_a_chat() {
    is_asked(TELEGRAM_BOT).await;
}
