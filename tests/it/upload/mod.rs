//! The user account and the uploader against the loopback Telegram, with the faults that they must live with.
//!
//! In: a sandbox for each test. Out: assertions on what arrived there. Must not: reach anything outside this machine.

mod bot_api;
mod bot_session;
mod harbour;
mod pool;
mod relay;
mod resume;
mod sharing;
mod trouble;

use std::time::Duration;

use tgferry::model::{MediaKind, Prepared, Progress, ProgressSender, Reason, Step, UploadIds};
use tgferry::spool::SpoolWriter;
use tgferry::telegram::relay::find_message_by_marker;
use tgferry::upload::uploader::FileUpload;
use tgferry_sandbox::{ChatRef, Fault, Limits, MessageView, When};
use tokio_util::sync::CancellationToken;

use harbour::{Carrier, Harbour, bytes, sha256_hex, upload_to_relay, video};

const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn thirty_megabytes_arrive_through_a_flood_wait_and_a_cut_connection() {
    const SIZE: usize = 30 * MIB + 17;
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let path = harbour.file("clip.mp4", SIZE).await;
    let faults = harbour.sandbox.faults();
    faults.on("upload.saveBigFilePart", When::Nth(11)).gives(Fault::FloodPremiumWait { seconds: 1 });
    faults.on("upload.saveBigFilePart", When::Nth(30)).gives(Fault::CutConnection);
    faults.on("upload.saveBigFilePart", When::Nth(45)).gives(Fault::LoseAnswer);

    let file = video(&path, SIZE as u64);
    let (outcome, seen) = carrier.upload(&harbour, &file, UploadIds::draw(), "tgferry:1").await;

    let message = outcome.unwrap();
    assert_eq!(message.channel, carrier.relay.channel);
    let messages = relay_messages(&harbour, &carrier);
    let [arrived] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!((arrived.message_id, arrived.words()), (message.message.0, "tgferry:1"));
    let media = arrived.media.as_ref().unwrap();
    assert_eq!((media.kind, media.size), ("video", SIZE as u64));
    assert_eq!(media.sha256, sha256_hex(&bytes(SIZE)));
    assert_eq!((media.duration, media.width, media.height, media.supports_streaming), (61, 1280, 720, true));
    assert_eq!(media.file_name.as_deref(), Some("Crossing.mp4"));
    assert_eq!(*seen.borrow(), Progress { step: Step::Uploading, done: SIZE as u64, total: Some(SIZE as u64), pause_s: 0, piece: None });
    assert_eq!(faults.unconsumed(), Vec::<String>::new());
    assert_eq!(harbour.sandbox.refusals(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_leaves_exactly_one_message() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let path = harbour.file("clip.mp4", MIB).await;
    harbour.sandbox.faults().on("messages.sendMedia", When::Nth(1)).gives(Fault::LoseAnswer);

    let (outcome, _) = carrier.upload(&harbour, &video(&path, MIB as u64), UploadIds::draw(), "tgferry:2").await;

    let message = outcome.unwrap().message;
    let messages = relay_messages(&harbour, &carrier);
    assert_eq!(messages.iter().map(|message| message.message_id).collect::<Vec<_>>(), [message.0]);
    assert_eq!(harbour.sandbox.faults().unconsumed(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_numbers_again_find_the_same_message() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let path = harbour.file("clip.mp4", MIB).await;
    let ids = UploadIds::draw();
    let (first, _) = carrier.upload(&harbour, &video(&path, MIB as u64), ids, "tgferry:3").await;
    let (again, _) = carrier.upload(&harbour, &video(&path, MIB as u64), ids, "tgferry:3").await;
    let first = first.unwrap();
    assert_eq!(again.unwrap(), first);
    assert_eq!(relay_messages(&harbour, &carrier).len(), 1);
    let found = find_message_by_marker(&carrier.account, &carrier.relay, "tgferry:3").await.unwrap();
    assert_eq!(found, Some(first));
    assert_eq!(find_message_by_marker(&carrier.account, &carrier.relay, "tgferry:33").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_telegram_lost_is_sent_again() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let path = harbour.file("clip.mp4", 12 * MIB).await;
    let faults = harbour.sandbox.faults();
    let missing = Fault::RpcError { code: 400, message: "FILE_PART_3_MISSING".to_owned() };
    faults.on("messages.sendMedia", When::Nth(1)).gives(missing);
    let (outcome, _) = carrier.upload(&harbour, &video(&path, 12 * MIB as u64), UploadIds::draw(), "tgferry:4").await;
    outcome.unwrap();
    let counters = harbour.sandbox.counters();
    assert_eq!(counters.mtproto_calls("upload.saveBigFilePart"), 24 + 1);
    assert_eq!(counters.mtproto_calls("messages.sendMedia"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_with_a_thumbnail_goes_by_the_small_way() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let path = harbour.file("song.m4a", 700_000).await;
    let thumbnail = harbour.folder.path().join("cover.jpg");
    tokio::fs::write(&thumbnail, include_bytes!("cover.jpg")).await.unwrap();
    let file = Prepared {
        kind: MediaKind::Audio,
        mime: "audio/mp4".to_owned(),
        file_name: "song.m4a".to_owned(),
        title: Some("Crossing".to_owned()),
        performer: Some("The Ferries".to_owned()),
        thumbnail: Some(thumbnail),
        ..video(&path, 700_000)
    };
    let (outcome, _) = carrier.upload(&harbour, &file, UploadIds::draw(), "tgferry:5").await;
    outcome.unwrap();
    let messages = relay_messages(&harbour, &carrier);
    let media = messages[0].media.as_ref().unwrap();
    assert_eq!((media.kind, media.sha256.as_str()), ("audio", sha256_hex(&bytes(700_000)).as_str()));
    assert_eq!((media.title.as_deref(), media.performer.as_deref()), (Some("Crossing"), Some("The Ferries")));
    assert!(media.thumb.is_some());
    assert_eq!(harbour.sandbox.counters().mtproto_calls("upload.saveBigFilePart"), 0);
    assert_eq!(harbour.sandbox.refusals(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_begins_before_its_file_is_whole() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let path = harbour.folder.path().join("growing.mp4");
    let content = bytes(24 * MIB);
    let (mut writer, spool) = SpoolWriter::create(&path).await.unwrap();
    let (progress, mut seen) = ProgressSender::channel();
    let file = video(&path, 0);
    let (uploader, job) = (harbour.uploader(), harbour.job().await);
    let carried = carrier.clone();
    let upload = tokio::spawn(async move {
        let cancel = CancellationToken::new();
        let upload = FileUpload { job, carrier: &carried, spool: &spool, ids: UploadIds::draw(), progress: &progress, cancel: &cancel };
        upload_to_relay(&uploader, &upload, &file, "tgferry:6").await
    });
    writer.write(&content[..16 * MIB]).await.unwrap();
    // Fifteen and a half: the last whole part waits until it is known whether another follows.
    seen.wait_for(|progress| progress.done >= (15 * MIB + MIB / 2) as u64).await.unwrap();
    assert!(!upload.is_finished());
    // Telegram changes its salts every half hour; an upload of hours meets that.
    harbour.sandbox.world().rotate_salts();
    writer.write(&content[16 * MIB..]).await.unwrap();
    writer.finish();
    upload.await.unwrap().unwrap();
    let messages = relay_messages(&harbour, &carrier);
    assert_eq!(messages[0].media.as_ref().unwrap().sha256, sha256_hex(&content));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_ends_the_upload_and_makes_the_account_unwell() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let path = harbour.file("clip.mp4", 12 * MIB).await;
    harbour.revoke();
    let (outcome, _) = carrier.upload(&harbour, &video(&path, 12 * MIB as u64), UploadIds::draw(), "tgferry:7").await;
    assert_eq!(outcome.unwrap_err().reason, Reason::SessionRevoked);
    assert!(!carrier.account.is_well());
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_an_upload_in_its_pause_at_once() {
    let mut harbour = Harbour::open().await;
    harbour.config.accounts.longest_wait_s = 7200;
    let carrier = harbour.carrier().await;
    let path = harbour.file("clip.mp4", 12 * MIB).await;
    harbour.sandbox.faults().on("upload.saveBigFilePart", When::Always).gives(Fault::FloodWait { seconds: 3600 });
    let (progress, mut seen) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let spool = tgferry::spool::Spool::whole(&path).await.unwrap();
    let file = video(&path, 12 * MIB as u64);
    let (uploader, job) = (harbour.uploader(), harbour.job().await);
    let ids = UploadIds::draw();
    let upload = FileUpload { job, carrier: &carrier, spool: &spool, ids, progress: &progress, cancel: &cancel };
    let work = upload_to_relay(&uploader, &upload, &file, "tgferry:8");
    let person = async {
        seen.wait_for(|progress| progress.step == Step::Paused && progress.pause_s > 3500).await.unwrap();
        cancel.cancel();
    };
    let (outcome, ()) = tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(work, person) }).await.unwrap();
    assert_eq!(outcome.unwrap_err().reason, Reason::Cancelled);
    assert!(relay_messages(&harbour, &carrier).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_outgrows_the_account_is_given_up_early() {
    let harbour = Harbour::with(Limits { max_file_parts_default: 30, ..Limits::default() }, None).await;
    let carrier = harbour.carrier().await;
    carrier.account.refresh_limits().await.unwrap();
    assert_eq!(carrier.account.max_bytes(), 15 * MIB as u64);
    let path = harbour.file("clip.mp4", 20 * MIB).await;
    let (outcome, _) = carrier.upload(&harbour, &video(&path, 20 * MIB as u64), UploadIds::draw(), "tgferry:9").await;
    let limit_bytes = 15 * MIB as u64;
    assert_eq!(outcome.unwrap_err().reason, Reason::TooLarge { size_bytes: Some(20 * MIB as u64), limit_bytes });
}

fn relay_messages(harbour: &Harbour, carrier: &Carrier) -> Vec<MessageView> {
    let views = harbour.sandbox.world().views(ChatRef::Channel(carrier.relay.id));
    views.into_iter().filter(|message| message.media.is_some()).collect()
}
