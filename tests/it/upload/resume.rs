//! Uploads that were broken off: what Telegram has is not sent again, and what it has lost is.
//!
//! In: a sandbox for each test. Out: assertions on the parts that arrived there. Must not: reach anything outside this machine.

use tgferry::model::{JobId, ProgressSender, Reason, Step, UploadIds};
use tgferry::spool::{Spool, SpoolWriter};
use tgferry::store::UploadTarget;
use tgferry::upload::uploader::FileUpload;
use tgferry_sandbox::{Fault, When};
use tokio_util::sync::CancellationToken;

use super::harbour::{Carrier, Harbour, bytes, sha256_hex, video};
use super::{MIB, relay_messages};

const PART: usize = MIB / 2;

/// Stores all parts of a file and does not send the message: as if the process had ended there.
async fn store_only(harbour: &Harbour, carrier: &Carrier, job: JobId, path: &std::path::Path, ids: UploadIds) {
    let spool = Spool::whole(path).await.unwrap();
    let (progress, _seen) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let upload = FileUpload { job, carrier, spool: &spool, ids, progress: &progress, cancel: &cancel };
    harbour.uploader().store_parts(&upload).await.unwrap();
}

fn target(carrier: &Carrier, job: JobId) -> UploadTarget {
    let home = carrier.account.home().unwrap();
    UploadTarget { job, session: carrier.account.name().to_owned(), dc_id: home.id, part_bytes: PART as u64, big: true }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_sends_what_is_missing_and_nothing_else() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let content = bytes(20 * MIB);
    let path = harbour.folder.path().join("growing.mp4");
    let (mut writer, spool) = SpoolWriter::create(&path).await.unwrap();
    writer.write(&content[..15 * MIB]).await.unwrap();
    let (job, ids) = (harbour.job().await, UploadIds::draw());
    let (progress, mut seen) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let upload = FileUpload { job, carrier: &carrier, spool: &spool, ids, progress: &progress, cancel: &cancel };
    let uploader = harbour.uploader();
    let person = async {
        seen.wait_for(|progress| progress.done == (14 * MIB + MIB / 2) as u64).await.unwrap();
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(uploader.store_parts(&upload), person);
    assert_eq!(outcome.unwrap_err().reason, Reason::Cancelled);
    assert_eq!(harbour.parts_sent(), 29);
    // Written behind the back of the upload, which has ended.
    while harbour.store.begin_upload(&target(&carrier, job), 0).await.unwrap().1.len() < 29 {
        tokio::task::yield_now().await;
    }
    writer.write(&content[15 * MIB..]).await.unwrap();
    writer.finish();

    let (outcome, seen) = carrier.upload_for(job, &harbour, &video(&path, 0), ids, "tgferry:1").await;
    outcome.unwrap();
    assert_eq!(harbour.parts_sent(), 40);
    assert_eq!((seen.borrow().step, seen.borrow().done), (Step::Uploading, 20 * MIB as u64));
    assert_eq!(relay_messages(&harbour, &carrier)[0].media.as_ref().unwrap().sha256, sha256_hex(&content));
    assert_eq!(harbour.sandbox.refusals(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_made_anew_is_corrected() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let path = harbour.file("clip.mp4", 12 * MIB).await;
    let (job, ids) = (harbour.job().await, UploadIds::draw());
    store_only(&harbour, &carrier, job, &path, ids).await;
    let mut content = bytes(12 * MIB);
    content[3 * PART + 7] ^= 1;
    tokio::fs::write(&path, &content).await.unwrap();
    let (outcome, _) = carrier.upload_for(job, &harbour, &video(&path, 0), ids, "tgferry:1").await;
    outcome.unwrap();
    assert_eq!(harbour.parts_sent(), 24 + 1);
    assert_eq!(relay_messages(&harbour, &carrier)[0].media.as_ref().unwrap().sha256, sha256_hex(&content));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_has_another_length_now_begins_anew() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let (job, ids) = (harbour.job().await, UploadIds::draw());
    let path = harbour.file("clip.mp4", 12 * MIB).await;
    store_only(&harbour, &carrier, job, &path, ids).await;
    let longer = harbour.file("longer.mp4", 13 * MIB + 5).await;
    let (outcome, _) = carrier.upload_for(job, &harbour, &video(&longer, 0), ids, "tgferry:1").await;
    outcome.unwrap();
    assert_eq!(relay_messages(&harbour, &carrier)[0].media.as_ref().unwrap().sha256, sha256_hex(&bytes(13 * MIB + 5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_telegram_has_forgotten_are_asked_for_three_times_and_then_all_sent() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let path = harbour.file("clip.mp4", 12 * MIB).await;
    let (job, ids) = (harbour.job().await, UploadIds::draw());
    store_only(&harbour, &carrier, job, &path, ids).await;
    assert_eq!(harbour.sandbox.world().expire_parts(ids.file_id, &[]), 24);
    let (outcome, _) = carrier.upload_for(job, &harbour, &video(&path, 0), ids, "tgferry:1").await;
    outcome.unwrap();
    assert_eq!(harbour.parts_sent(), 24 + 24);
    assert_eq!(harbour.sandbox.counters().mtproto_calls("messages.sendMedia"), 4);
    assert_eq!(relay_messages(&harbour, &carrier)[0].media.as_ref().unwrap().sha256, sha256_hex(&bytes(12 * MIB)));
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_do_not_fit_begin_anew_once() {
    for (method, name) in [
        ("messages.sendMedia", "FILE_PARTS_INVALID"),
        ("upload.saveBigFilePart", "FILE_PARTS_INVALID"),
        ("upload.saveBigFilePart", "FILE_PART_SIZE_CHANGED"),
        ("upload.saveBigFilePart", "FILE_PART_TOO_BIG"),
    ] {
        let harbour = Harbour::open().await;
        let carrier = harbour.carrier().await;
        let path = harbour.file("clip.mp4", 11 * MIB).await;
        let refusal = || Fault::RpcError { code: 400, message: name.to_owned() };
        harbour.sandbox.faults().on(method, When::Nth(1)).gives(refusal());
        let (job, ids) = (harbour.job().await, UploadIds::draw());
        let (outcome, _) = carrier.upload_for(job, &harbour, &video(&path, 0), ids, "tgferry:1").await;
        outcome.unwrap();
        assert_ne!(harbour.store.upload_of(job).await.unwrap().unwrap().file_id, ids.file_id, "{method} {name}");
        assert_eq!(relay_messages(&harbour, &carrier).len(), 1);

        harbour.sandbox.faults().on(method, When::Always).gives(refusal());
        let (outcome, _) = carrier.upload(&harbour, &video(&path, 0), UploadIds::draw(), "tgferry:2").await;
        assert_eq!(outcome.unwrap_err().reason, Reason::Telegram, "{method} {name}");
        assert_eq!(relay_messages(&harbour, &carrier).len(), 1);
    }
}
