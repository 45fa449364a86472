//! Several parts, several connections, several uploads of one account at once.
//!
//! In: a sandbox for each test. Out: assertions on what was opened and in which order things came. Must not: measure time.

use std::time::Duration;

use tgferry::model::{Progress, ProgressSender, Reason, Step, UploadIds};
use tgferry::spool::{Spool, SpoolWriter};
use tgferry::upload::uploader::FileUpload;
use tgferry_sandbox::{Fault, NetworkShape, When};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::harbour::{Carrier, Harbour, bytes, sha256_hex, upload_to_relay, video};
use super::{MIB, relay_messages};

const PART: u64 = 512 * 1024;

/// An upload of a whole file with the means of one uploader.
async fn upload(harbour: &Harbour, carrier: &Carrier, uploader: &tgferry::upload::uploader::Uploader, path: &std::path::Path) -> u64 {
    let spool = Spool::whole(path).await.unwrap();
    let (progress, seen) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let (job, ids) = (harbour.job().await, UploadIds::draw());
    let upload = FileUpload { job, carrier, spool: &spool, ids, progress: &progress, cancel: &cancel };
    let marker = path.display().to_string();
    upload_to_relay(uploader, &upload, &video(path, 0), &marker).await.unwrap();
    done(&seen)
}

fn done(seen: &watch::Receiver<Progress>) -> u64 {
    seen.borrow().done
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_connections_are_helped_by_more_of_them_which_the_next_upload_uses_too() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let shape = NetworkShape { connection_bytes_per_s: Some(4_000_000), delay: Duration::from_millis(30), ..NetworkShape::default() };
    harbour.sandbox.network().set(shape);
    let opened = || harbour.sandbox.counters().mtproto_calls("help.getConfig");
    let (before, uploader) = (opened(), harbour.uploader());
    let path = harbour.file("clip.mp4", 24 * MIB).await;
    upload(&harbour, &carrier, &uploader, &path).await;
    let first = opened() - before;
    assert!((4..=8).contains(&first), "{first} connections");
    harbour.sandbox.network().set(NetworkShape::default());
    let path = harbour.file("other.mp4", 11 * MIB).await;
    upload(&harbour, &carrier, &uploader, &path).await;
    assert!(opened() - before <= 8, "connections are shared");
    uploader.close();
    upload(&harbour, &carrier, &uploader, &path).await;
    assert!(opened() - before > first, "closed ones are made again");
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_one_account_go_side_by_side() {
    let mut harbour = Harbour::open().await;
    harbour.config.upload.max_parts_in_flight = 1;
    let carrier = harbour.carrier().await;
    let (long, short) = (harbour.file("long.mp4", 30 * MIB).await, harbour.file("short.mp4", 11 * MIB).await);
    let uploader = harbour.uploader();
    let spool = Spool::whole(&long).await.unwrap();
    let (progress, mut seen) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let (job, ids) = (harbour.job().await, UploadIds::draw());
    let of_long = FileUpload { job, carrier: &carrier, spool: &spool, ids, progress: &progress, cancel: &cancel };
    let second = async {
        seen.wait_for(|progress| progress.done >= 4 * PART).await.unwrap();
        upload(&harbour, &carrier, &uploader, &short).await;
        done(&seen)
    };
    let (stored, done_bytes) = tokio::join!(uploader.store_parts(&of_long), second);
    stored.unwrap();
    // One part of each in turn: while the short one's 22 parts went, so did as many of the long one's 60.
    assert!(done_bytes >= 20 * PART, "{done_bytes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_has_to_wait_waits_alone() {
    let mut harbour = Harbour::open().await;
    harbour.config.accounts.longest_wait_s = 7200;
    let carrier = harbour.carrier().await;
    let path = harbour.file("clip.mp4", 16 * MIB).await;
    harbour.sandbox.faults().on("upload.saveBigFilePart", When::Nth(3)).gives(Fault::FloodPremiumWait { seconds: 3600 });
    let spool = Spool::whole(&path).await.unwrap();
    let (progress, mut seen) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let (job, ids) = (harbour.job().await, UploadIds::draw());
    let upload = FileUpload { job, carrier: &carrier, spool: &spool, ids, progress: &progress, cancel: &cancel };
    let uploader = harbour.uploader();
    let person = async {
        let paused = seen.wait_for(|progress| progress.step == Step::Paused).await.unwrap().clone();
        cancel.cancel();
        paused
    };
    let (outcome, paused) = tokio::join!(uploader.store_parts(&upload), person);
    assert_eq!(outcome.unwrap_err().reason, Reason::Cancelled);
    assert_eq!(paused.done, 31 * PART, "a pause is shown only when nothing else moves");
    assert!((3500..=3600).contains(&paused.pause_s), "{}", paused.pause_s);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_of_a_file_may_come_last() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let content = bytes(12 * MIB + 99);
    let path = harbour.folder.path().join("remux.mp4");
    tokio::fs::write(&path, vec![0; content.len()]).await.unwrap();
    let (writer, spool) = SpoolWriter::watching(&path);
    let side = writer.side();
    let (job, ids) = (harbour.job().await, UploadIds::draw());
    let (progress, mut seen) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let upload = FileUpload { job, carrier: &carrier, spool: &spool, ids, progress: &progress, cancel: &cancel };
    let uploader = harbour.uploader();
    let file = video(&path, 0);
    let remux = async {
        side.write_at(100_000, &content[100_000..]).await.unwrap();
        // Parts 1 to 23; the short one behind them waits for the end.
        seen.wait_for(|progress| progress.done == 23 * PART).await.unwrap();
        side.write_at(0, &content[..100_000]).await.unwrap();
        writer.finish();
    };
    let (outcome, ()) = tokio::join!(upload_to_relay(&uploader, &upload, &file, "tgferry:1"), remux);
    outcome.unwrap();
    assert_eq!(harbour.parts_sent(), 25);
    assert_eq!(relay_messages(&harbour, &carrier)[0].media.as_ref().unwrap().sha256, sha256_hex(&content));
    assert_eq!(harbour.sandbox.refusals(), Vec::<String>::new());
}
