//! Tests of the store: what is accepted stays, leases exclude each other, a content is found again.

use super::*;
use crate::model::{
    ChatId, Choice, JobId, Link, MediaKind, MessageId, NewJob, Prepared, Reason, RelayMessage, Stage, SubtitleChoice, Uploaded, UserId,
};

fn new_job(user: i64, message: i32, link: &str, choice: Option<Choice>) -> NewJob {
    NewJob {
        user: UserId(user),
        chat: ChatId(user),
        request_message: Some(MessageId(message)),
        link: Link::parse(link).unwrap(),
        choice,
        subtitles: None,
        language: "en".into(),
    }
}

async fn store() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Store::open(&folder.path().join("sub/t.db")).await.unwrap(), folder)
}

async fn accept_one(store: &Store, job: NewJob) -> JobId {
    store.accept(vec![job]).await.unwrap()[0]
}

#[test]
fn the_migrations_are_sound() {
    MIGRATIONS.validate().unwrap();
}

#[tokio::test]
async fn the_same_update_is_accepted_once_and_survives_a_reopening() {
    let (store, folder) = store().await;
    let job = new_job(1, 5, "https://a.org/x", None);
    assert_eq!(store.accept(vec![job.clone(), job.clone()]).await.unwrap().len(), 1);
    assert_eq!(store.accept(vec![job]).await.unwrap(), vec![]);
    drop(store);
    let store = Store::open(&folder.path().join("sub/t.db")).await.unwrap();
    let jobs = store.unfinished(UserId(1)).await.unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].stage, jobs[0].link.as_str()), (Stage::Inspect, "https://a.org/x"));
}

#[tokio::test]
async fn a_choice_counts_once_however_early_it_comes() {
    let (store, _folder) = store().await;
    let late = accept_one(&store, new_job(1, 5, "https://a.org/x", None)).await;
    store.card_sent(late, MessageId(9)).await.unwrap();
    assert_eq!(store.job(late).await.unwrap().unwrap().stage, Stage::Choose);
    assert!(store.choose(late, Choice::Audio, None).await.unwrap());
    assert!(!store.choose(late, Choice::Video, None).await.unwrap());
    let job = store.job(late).await.unwrap().unwrap();
    assert_eq!((job.choice, job.stage, job.status_message), (Some(Choice::Audio), Stage::Fetch, Some(MessageId(9))));

    let early = accept_one(&store, new_job(1, 6, "https://a.org/x", None)).await;
    assert!(store.choose(early, Choice::Video, None).await.unwrap(), "pressed before the card was stored");
    assert_eq!(store.job(early).await.unwrap().unwrap().stage, Stage::Inspect);
    store.card_sent(early, MessageId(10)).await.unwrap();
    assert_eq!(store.job(early).await.unwrap().unwrap().stage, Stage::Fetch);
}

#[tokio::test]
async fn a_lease_excludes_others_until_it_ends() {
    let (store, _folder) = store().await;
    let id = accept_one(&store, new_job(1, 5, "https://a.org/x", Some(Choice::Video))).await;
    assert!(store.lease("run-a", Kind::Quick, 60_000).await.unwrap().is_none());
    assert_eq!(store.lease("run-a", Kind::Long, 60_000).await.unwrap().unwrap().job.id, id);
    assert!(store.lease("run-b", Kind::Long, 60_000).await.unwrap().is_none());
    assert!(store.renew("run-a", id, 60_000).await.unwrap());
    assert!(!store.renew("run-b", id, 60_000).await.unwrap());
    assert_eq!(store.free_leases("run-").await.unwrap(), 1);
    assert!(store.lease("run-b", Kind::Long, -1).await.unwrap().is_some(), "freed");
    assert!(store.lease("run-c", Kind::Long, 60_000).await.unwrap().is_some(), "a lease that has run out is taken over");
}

#[tokio::test]
async fn other_subtitles_make_another_content_unless_they_go_beside_it() {
    let (store, _folder) = store().await;
    let with = |message, subtitles: &str| {
        let job = new_job(1, message, "https://a.org/1", Some(Choice::Video));
        NewJob { subtitles: SubtitleChoice::parse(subtitles), ..job }
    };
    let plain = accept_one(&store, with(1, "")).await;
    let burnt = accept_one(&store, with(2, "en:burn")).await;
    let beside = accept_one(&store, with(3, "en:file")).await;
    let again = accept_one(&store, with(4, "en:burn")).await;
    assert_eq!(store.job(burnt).await.unwrap().unwrap().subtitles, SubtitleChoice::parse("en:burn"));
    let mut order = Vec::new();
    while let Some(leased) = store.lease("run", Kind::Long, 60_000).await.unwrap() {
        order.push(leased.job.id);
    }
    assert_eq!(order, [plain, burnt], "{beside} waits for the first, {again} for the second");
    assert_eq!(store.aside(plain).await.unwrap(), None);
    store.set_aside(plain, Some(Aside::Missing)).await.unwrap();
    assert_eq!(store.aside(plain).await.unwrap(), Some(Aside::Missing));
    store.set_aside_sent(plain, MessageId(77)).await.unwrap();
    assert_eq!(store.aside(plain).await.unwrap(), Some(Aside::Done));
    assert_eq!(store.known_messages(ChatId(1)).await.unwrap(), [MessageId(77)]);
}

#[tokio::test]
async fn leases_are_fair_and_the_same_content_is_worked_on_once() {
    let (store, _folder) = store().await;
    let video = Some(Choice::Video);
    let first = accept_one(&store, new_job(1, 1, "https://a.org/1", video)).await;
    let second = accept_one(&store, new_job(1, 2, "https://a.org/2", video)).await;
    let other = accept_one(&store, new_job(2, 1, "https://a.org/3", video)).await;
    let same = accept_one(&store, new_job(3, 1, "https://a.org/1", video)).await;
    let mut order = Vec::new();
    while let Some(leased) = store.lease("run", Kind::Long, 60_000).await.unwrap() {
        order.push(leased.job.id);
    }
    assert_eq!(order, [first, other, second], "and {same} waits for the first");
    store.end(first, Stage::Done, None).await.unwrap();
    assert_eq!(store.lease("run", Kind::Long, 60_000).await.unwrap().unwrap().job.id, same);
}

#[tokio::test]
async fn a_job_tried_later_waits_and_says_when_it_is_due() {
    let (store, _folder) = store().await;
    let id = accept_one(&store, new_job(1, 1, "https://a.org/1", Some(Choice::Video))).await;
    store.try_later(id, 60_000, true).await.unwrap();
    assert!(store.lease("run", Kind::Long, 1).await.unwrap().is_none());
    let due_ms = store.next_due_ms().await.unwrap().unwrap();
    assert!((50_000..=60_000).contains(&due_ms), "{due_ms}");
    assert_eq!(store.job(id).await.unwrap().unwrap().attempts, 1);
    assert!(store.want_cancel(id).await.unwrap());
    assert!(store.lease("run", Kind::Long, 1).await.unwrap().unwrap().cancel_wanted, "a cancel does not wait");
    store.end(id, Stage::Failed, Some(Reason::HttpStatus { status: 500 })).await.unwrap();
    assert_eq!(store.failure(id).await.unwrap(), Some(Reason::HttpStatus { status: 500 }));
    assert!(!store.want_cancel(id).await.unwrap());
}

#[tokio::test]
async fn a_content_is_found_again_until_it_is_dropped() {
    let (store, _folder) = store().await;
    let key = ContentKey { link: Link::parse("https://a.org/1").unwrap(), choice: Choice::Video, subtitles: None, bot: 7 };
    let prepared = Prepared {
        kind: MediaKind::Video,
        path: "gone".into(),
        size_bytes: 5,
        file_name: "a.mp4".into(),
        mime: "video/mp4".into(),
        duration_s: 1,
        width: 2,
        height: 3,
        thumbnail: None,
        title: None,
        performer: None,
    };
    let relay = RelayMessage { channel: ChatId(-1001), message: MessageId(9) };
    let content = Content { uploaded: Uploaded::InRelay(relay), prepared };
    store.put_content(&key, content.clone()).await.unwrap();
    assert_eq!(store.content(&key).await.unwrap(), Some(content));
    assert_eq!(store.content(&ContentKey { bot: 8, ..key.clone() }).await.unwrap(), None);
    assert_eq!(store.content(&ContentKey { choice: Choice::Audio, ..key.clone() }).await.unwrap(), None);
    assert_eq!(store.content(&ContentKey { subtitles: SubtitleChoice::parse("en:burn"), ..key.clone() }).await.unwrap(), None);
    assert_eq!(store.card_of_content(&key.link).await.unwrap(), None);
    store.put_card(&key.link, Default::default()).await.unwrap();
    assert!(store.card_of_content(&key.link).await.unwrap().is_some());
    store.drop_content(&key).await.unwrap();
    assert_eq!(store.content(&key).await.unwrap(), None);
}
