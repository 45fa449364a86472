//! Whatever goes wrong, the file that arrives is the file; and each of Telegram's errors is taken as what it is.
//!
//! In: a sandbox for each test, seeded chance. Out: assertions on what arrived. Must not: reach anything outside this machine.

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use tgferry::model::{ProgressSender, Reason, UploadIds};
use tgferry::spool::{Spool, SpoolWriter};
use tgferry::upload::uploader::{FileUpload, Uploader};
use tgferry_sandbox::{Fault, When};
use tokio_util::sync::CancellationToken;

use super::harbour::{Carrier, Harbour, bytes, sha256_hex, upload_to_relay, video};
use super::{MIB, relay_messages};

/// Uploads that meet trouble at the same time, each from a seed of its own.
const CASES: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn any_order_and_any_trouble_give_the_same_files() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let faults = harbour.sandbox.faults();
    for method in ["upload.saveBigFilePart", "upload.saveFilePart"] {
        faults.on(method, When::Chance { permille: 30, seed: 1 }).gives(Fault::FloodPremiumWait { seconds: 1 });
        faults.on(method, When::Chance { permille: 15, seed: 2 }).gives(Fault::LoseAnswer);
        faults.on(method, When::Chance { permille: 15, seed: 3 }).gives(Fault::CutConnection);
        faults.on(method, When::Chance { permille: 15, seed: 4 }).gives(Fault::RpcError { code: 500, message: "RPC_CALL_FAIL".to_owned() });
    }
    let uploader = harbour.uploader();
    let cases = (0..CASES).map(|seed| one_case(&harbour, &carrier, &uploader, seed));
    let mut expected = futures::future::join_all(cases).await;
    let mut arrived: Vec<String> = relay_messages(&harbour, &carrier).into_iter().map(|message| message.media.unwrap().sha256).collect();
    expected.sort();
    arrived.sort();
    assert_eq!(arrived, expected);
    assert_eq!(harbour.sandbox.refusals(), Vec::<String>::new());
}

/// A file whose ranges come in any order, broken off once and taken up again; some of its parts are lost before the message is sent.
async fn one_case(harbour: &Harbour, carrier: &Carrier, uploader: &Uploader, seed: u64) -> String {
    let mut random = SmallRng::seed_from_u64(seed);
    let size_bytes = random.random_range(MIB / 4..15 * MIB);
    let content = bytes(size_bytes + seed as usize + 8)[seed as usize + 8..].to_vec();
    let path = harbour.folder.path().join(format!("case-{seed}"));
    tokio::fs::write(&path, &content).await.unwrap();
    let (job, ids) = (harbour.job().await, UploadIds::draw());
    let (progress, mut seen) = ProgressSender::channel();

    let (writer, spool) = SpoolWriter::watching(&path);
    let mut edges: Vec<u64> = (0..random.random_range(0..10)).map(|_| random.random_range(0..size_bytes as u64)).collect();
    edges.extend([0, size_bytes as u64]);
    edges.sort_unstable();
    let mut ranges: Vec<_> = edges.windows(2).map(|edge| edge[0]..edge[1]).collect();
    ranges.shuffle(&mut random);
    for range in ranges.into_iter().skip(usize::from(seed.is_multiple_of(2))) {
        writer.side().mark_ready(range);
    }
    let cancel = CancellationToken::new();
    let enough_bytes = random.random_range(0..size_bytes as u64 / 2);
    let first = FileUpload { job, carrier, spool: &spool, ids, progress: &progress, cancel: &cancel };
    let breaks_off = async {
        // Some have nothing to send until the file is whole.
        if size_bytes > 10 * MIB && !seed.is_multiple_of(2) {
            seen.wait_for(|progress| progress.done > enough_bytes).await.unwrap();
        }
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(uploader.store_parts(&first), breaks_off);
    assert_eq!(outcome.unwrap_err().reason, Reason::Cancelled);
    drop(writer);

    let spool = Spool::whole(&path).await.unwrap();
    let cancel = CancellationToken::new();
    let again = FileUpload { spool: &spool, cancel: &cancel, ..first };
    let stored = uploader.store_parts(&again).await.unwrap();
    let file_id = harbour.store.upload_of(job).await.unwrap().unwrap().file_id;
    let lost: Vec<i32> = (0..2).map(|_| random.random_range(0..size_bytes.div_ceil(512 * 1024)) as i32).collect();
    harbour.sandbox.world().expire_parts(file_id, &lost);
    let marker = format!("case {seed}");
    uploader.publish(&again, &stored, &video(&path, 0), &marker).await.unwrap();
    sha256_hex(&content)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_error_is_taken_as_what_it_is() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let path = harbour.file("clip.mp4", 11 * MIB).await;
    let uploader = harbour.uploader();
    let (part, message) = ("upload.saveBigFilePart", "messages.sendMedia");
    let table = [
        (part, 400, "FILE_REFERENCE_EXPIRED", Reason::Telegram),
        (part, 303, "FILE_MIGRATE_4", Reason::Telegram),
        (part, 303, "USER_MIGRATE_4", Reason::Telegram),
        (part, 303, "PHONE_MIGRATE_4", Reason::Telegram),
        (part, 400, "PEER_FLOOD", Reason::AccountLimited),
        (part, 401, "AUTH_KEY_UNREGISTERED", Reason::SessionRevoked),
        (part, 401, "SESSION_REVOKED", Reason::SessionRevoked),
        (part, 406, "AUTH_KEY_DUPLICATED", Reason::SessionRevoked),
        (message, 400, "PEER_FLOOD", Reason::AccountLimited),
        (message, 400, "CHANNEL_INVALID", Reason::RelayGone),
        (message, 400, "CHANNEL_PRIVATE", Reason::RelayGone),
        (message, 400, "CHAT_ADMIN_REQUIRED", Reason::RelayGone),
        (message, 401, "SESSION_REVOKED", Reason::SessionRevoked),
    ];
    for (method, code, name, reason) in table {
        harbour.sandbox.faults().clear();
        // Parts of the try before may still be on their way and would take a single fault.
        let when = if method == part { When::Always } else { When::Nth(2) };
        harbour.sandbox.faults().on(method, when).gives(Fault::RpcError { code, message: name.to_owned() });
        harbour.sandbox.faults().on(message, When::Nth(1)).gives(Fault::FloodWait { seconds: 1 });
        let spool = Spool::whole(&path).await.unwrap();
        let (progress, _seen) = ProgressSender::channel();
        let cancel = CancellationToken::new();
        let (job, ids) = (harbour.job().await, UploadIds::draw());
        let upload = FileUpload { job, carrier: &carrier, spool: &spool, ids, progress: &progress, cancel: &cancel };
        let outcome = upload_to_relay(&uploader, &upload, &video(&path, 0), name).await;
        assert_eq!(outcome.map_err(|failure| failure.reason), Err(reason), "{method} {name}");
        assert_eq!(harbour.sandbox.faults().unconsumed().iter().filter(|unused| unused.contains(name)).count(), 0, "{method} {name}");
    }
    assert!(relay_messages(&harbour, &carrier).is_empty());
}
