//! Cards, status messages and hand-overs as a person at the sandbox's Telegram sees them.
//!
//! In: jobs. Out: what stands in the chat. Must not: fetch or upload anything.

use std::path::PathBuf;
use std::time::Duration;

use teloxide::Bot;
use teloxide::payloads::SendPhotoSetters;
use teloxide::requests::Requester;
use teloxide::types::{InputFile, ParseMode};
use tgferry_sandbox::{Fault, MessageView, Sandbox, SandboxConfig, TestUser, When};
use tokio_util::sync::CancellationToken;

use super::{StatusMessage, caption, card, hand_over, render};
use crate::model::{ChatId, Job, JobId, Link, MessageId, ProgressSender, Reason, RelayMessage, SourceCard, Stage, Step, UserId};

const WITHIN: Duration = Duration::from_secs(10);
/// One pixel, as small as PNG gets.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xaeB`\x82";

struct Scene {
    sandbox: Sandbox,
    bot: Bot,
    ann: TestUser,
    ben: TestUser,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let info = sandbox.create_bot("ferry_bot");
        let bot =
            Bot::with_client(&info.token, reqwest::Client::builder().build().unwrap()).set_api_url(sandbox.bot_api_url().parse().unwrap());
        let person = async |name| {
            sandbox.create_user(name);
            let person = sandbox.user(name, &info);
            person.sends("/start").await; // a bot may not write first
            person
        };
        let (ann, ben) = (person("ann").await, person("ben").await);
        Self { bot, ann, ben, sandbox, folder: tempfile::tempdir().unwrap() }
    }

    async fn job(&self) -> Job {
        let request = self.ann.sends("https://example.org/v").await;
        Job {
            id: JobId(7),
            user: UserId(self.ann.id()),
            chat: ChatId(self.ann.id()),
            request_message: Some(MessageId(request)),
            status_message: None,
            link: Link::parse("https://example.org/v").unwrap(),
            choice: None,
            language: "en".into(),
            stage: Stage::Choose,
            title: Some("A <film>".into()),
            attempts: 0,
            subtitles: None,
        }
    }

    fn picture(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("picture.png");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn message(&self, number: MessageId) -> MessageView {
        self.ann.messages().into_iter().find(|message| message.message_id == number.0).expect("the message is there")
    }

    fn status(&self, job: &Job, message: MessageId) -> StatusMessage {
        StatusMessage::new(self.bot.clone(), job.clone(), message, Duration::from_millis(50))
    }

    fn ends_well(self) {
        assert_eq!(self.sandbox.refusals(), Vec::<String>::new());
    }
}

fn source() -> SourceCard {
    SourceCard { title: "A <film>".into(), source: "example.org".into(), duration_s: Some(61.0), ..SourceCard::default() }
}

fn labels(message: &MessageView) -> Vec<&str> {
    message.buttons.iter().flatten().map(|button| button.text.as_str()).collect()
}

fn words(message: &MessageView) -> &str {
    message.text.as_deref().or(message.caption.as_deref()).unwrap_or_default()
}

#[tokio::test]
async fn one_message_goes_from_card_to_last_words_with_a_picture_and_without() {
    let scene = Scene::new().await;
    for picture in [None, Some(scene.picture(PICTURE))] {
        let job = scene.job().await;
        let number = card::send_card(&scene.bot, &job, &source(), picture.as_deref(), false).await.unwrap();
        let card = scene.message(number);
        assert_eq!(card.media.is_some(), picture.is_some());
        assert_eq!(labels(&card), ["🎬 Video", "🎧 Audio", "✖️ Cancel"]);
        assert!(words(&card).starts_with("A <film>\nexample.org\n⏱ 1:01"), "{}", words(&card));
        assert_eq!(card.reply_to, job.request_message.map(|message| message.0));

        let status = scene.status(&job, number);
        let (sender, receiver) = ProgressSender::channel();
        let stop = CancellationToken::new();
        let watching = tokio::spawn(status.clone().watch(receiver, stop.clone()));
        sender.report(Step::Fetching, 50, Some(100));
        let shown = scene.ann.sees("half", WITHIN, |message| words(message).contains("50 %")).await.unwrap();
        assert_eq!((shown.message_id, labels(&shown)), (number.0, vec!["✖️ Cancel"]));
        stop.cancel();
        watching.await.unwrap();

        status.show_later(&Reason::Network, 30_000).await;
        assert!(words(&scene.message(number)).contains("again by myself in 30 s"));
        scene.sandbox.faults().on(if picture.is_some() { "editMessageCaption" } else { "editMessageText" }, When::Nth(1)).gives(flood());
        status.finish_text(&render::failed(&job, &Reason::NotFound)).await.unwrap();
        let last = scene.message(number);
        assert!(words(&last).starts_with("⚠️ A <film>\nThere is nothing"), "{}", words(&last));
        assert!(last.buttons.is_empty() && !status.unreachable().is_cancelled());
        status.finish_text(&render::failed(&job, &Reason::NotFound)).await.unwrap();

        status.finish_delete().await;
        assert!(scene.ann.messages().iter().all(|message| message.message_id != number.0));
        status.finish_delete().await;
        status.finish_text("<b>after all</b>").await.unwrap();
        assert_eq!(words(scene.ann.messages().last().unwrap()), "after all", "last words find another message if theirs is gone");
    }
    scene.ends_well();
}

#[tokio::test]
async fn a_picture_that_telegram_refuses_costs_the_picture_alone() {
    let scene = Scene::new().await;
    let job = scene.job().await;
    for picture in [scene.picture(b"this is no picture"), scene.folder.path().join("not there")] {
        let number = card::send_card(&scene.bot, &job, &source(), Some(&picture), false).await.unwrap();
        assert_eq!(labels(&scene.message(number)).len(), 3);
    }
    scene.ends_well();
}

#[tokio::test]
async fn somebody_who_blocks_the_bot_is_noticed() {
    let scene = Scene::new().await;
    let job = scene.job().await;
    let number = card::send_card(&scene.bot, &job, &source(), None, false).await.unwrap();
    let status = scene.status(&job, number);
    scene.ann.blocks_bot();
    let (sender, receiver) = ProgressSender::channel();
    let watching = tokio::spawn(status.clone().watch(receiver, CancellationToken::new()));
    sender.report(Step::Fetching, 1, None);
    tokio::time::timeout(WITHIN, status.unreachable().cancelled()).await.expect("noticed");
    watching.await.unwrap();
    assert_eq!(card::send_card(&scene.bot, &job, &source(), None, false).await.unwrap_err().reason, Reason::ChatUnreachable);
    assert_eq!(StatusMessage::send_later(&scene.bot, &job, &Reason::Network, 5000).await.unwrap_err().reason, Reason::ChatUnreachable);
    scene.ends_well();
}

#[tokio::test]
async fn a_hand_over_brings_the_file_or_says_whose_fault_it_is() {
    let scene = Scene::new().await;
    let job = scene.job().await;
    let number = card::send_card(&scene.bot, &job, &source(), Some(&scene.picture(PICTURE)), false).await.unwrap();
    let held = RelayMessage { channel: job.chat, message: number };
    let ben = ChatId(scene.ben.id());
    let words_under_it = caption::for_job(&job, None);
    let copied = hand_over::copy_from_relay(&scene.bot, ben, None, held, Some(&words_under_it)).await.unwrap();
    let seen = scene.ben.messages().into_iter().find(|message| message.message_id == copied.0).unwrap();
    assert_eq!((words(&seen), seen.media.as_ref().unwrap().kind, seen.buttons.len()), ("A <film>\nexample.org", "photo", 0));

    let gone = RelayMessage { message: MessageId(9999), ..held };
    let error = hand_over::copy_from_relay(&scene.bot, ben, None, gone, None).await.unwrap_err();
    assert_eq!(error.reason, Reason::RelayMessageGone, "{error}");
    let nowhere = RelayMessage { channel: ChatId(-1_009_999_999_999), message: MessageId(1) };
    let error = hand_over::copy_from_relay(&scene.bot, ben, None, nowhere, None).await.unwrap_err();
    assert_eq!(error.reason, Reason::RelayGone, "{error}");
    scene.ben.blocks_bot();
    let error = hand_over::copy_from_relay(&scene.bot, ben, None, held, None).await.unwrap_err();
    assert_eq!(error.reason, Reason::ChatUnreachable, "{error}");
    scene.ends_well();
}

#[tokio::test]
async fn a_file_whose_answer_was_lost_is_found_by_its_caption() {
    let scene = Scene::new().await;
    let job = scene.job().await;
    let after = card::send_card(&scene.bot, &job, &source(), Some(&scene.picture(PICTURE)), false).await.unwrap();
    let wanted = caption::for_job(&job, None);
    let find = async |known: &[MessageId]| hand_over::find_in_doubt(&scene.bot, job.chat, after, known, &wanted).await.unwrap();
    scene.ann.sends("hello?").await;
    assert_eq!(find(&[]).await, None);
    let chat = teloxide::types::ChatId(job.chat.0);
    let photo = InputFile::file(scene.picture(PICTURE));
    let sent = scene.bot.send_photo(chat, photo).caption(&wanted).parse_mode(ParseMode::Html).await.unwrap();
    let sent = MessageId(sent.id.0);
    assert_eq!(find(&[]).await, Some(sent));
    assert_eq!(scene.message(sent).edit_count, 0, "looking changes nothing");
    assert_eq!(find(&[sent]).await, None);
    assert_eq!(hand_over::find_in_doubt(&scene.bot, job.chat, after, &[], "").await.unwrap(), None);
    scene.ends_well();
}

fn flood() -> Fault {
    Fault::FloodWait { seconds: 1 }
}
