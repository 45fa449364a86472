//! Several accounts: who is chosen, who rests and until when, what a budget leaves, and what a restart remembers of it.
//!
//! In: a sandbox for each test. Out: assertions on the pool. Must not: reach anything outside this machine.

use tgferry::cli::accounts;
use tgferry::model::{AccountReport, Failure, Health, ProgressSender, Reason, UploadIds};
use tgferry::spool::Spool;
use tgferry::telegram::pool::{Accounts, Carrier, Wish};
use tgferry::upload::uploader::FileUpload;
use tgferry_sandbox::{Fault, When};
use tokio_util::sync::CancellationToken;

use super::harbour::{Harbour, by_phone, upload_to_relay, video};

const MIB: usize = 1024 * 1024;

/// Uploads a file by a carrier of the pool; a failure is reported, as the pipeline does.
pub(super) async fn upload(
    harbour: &Harbour,
    pool: &Accounts,
    carrier: &Carrier,
    size: usize,
    words: &str,
) -> Result<tgferry::model::RelayMessage, Failure> {
    let path = harbour.file(&format!("{size}.mp4"), size).await;
    let spool = Spool::whole(&path).await.unwrap();
    let (progress, _seen) = ProgressSender::channel();
    let (file, cancel) = (video(&path, size as u64), CancellationToken::new());
    let uploader = harbour.uploader();
    let upload =
        FileUpload { job: harbour.job().await, carrier, spool: &spool, ids: UploadIds::draw(), progress: &progress, cancel: &cancel };
    let sent = upload_to_relay(&uploader, &upload, &file, words).await;
    sent.inspect_err(|failure| _ = pool.report(carrier, failure))
}

fn state(pool: &Accounts, name: &str) -> AccountReport {
    pool.states().into_iter().find(|state| state.name == name).unwrap()
}

fn name(carrier: &Carrier) -> String {
    carrier.account.name().to_owned()
}

async fn two_accounts() -> Harbour {
    let harbour = Harbour::open().await;
    harbour.log_in(by_phone()).await.unwrap();
    harbour.log_in_another("second", "+9996600002", false).await;
    harbour
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_telegram_limits_rests_and_the_other_takes_over_even_after_a_restart() {
    let harbour = two_accounts().await;
    let pool = harbour.pool().await;
    let first = pool.choose(&Wish::of(1)).unwrap();
    let limited = Fault::RpcError { code: 400, message: "PEER_FLOOD".to_owned() };
    harbour.sandbox.faults().on("messages.sendMedia", When::Nth(1)).gives(limited);

    let failure = upload(&harbour, &pool, &first, MIB, "tgferry:1").await.unwrap_err();
    assert_eq!(failure.reason, Reason::AccountLimited);
    assert!(pool.report(&first, &failure), "another one may do it");
    for other in [Reason::Telegram, Reason::Cancelled, Reason::ChatUnreachable] {
        assert!(!pool.report(&first, &Failure::from(other.clone())), "{other} has nothing to do with the rest");
    }
    let limited = name(&first);
    drop(first);
    for _ in 0..3 {
        let next = pool.choose(&Wish::of(1)).unwrap();
        assert_ne!(name(&next), limited);
        upload(&harbour, &pool, &next, MIB, "tgferry:2").await.unwrap();
    }
    assert!(pool.lane_health(1).well, "the other is well");
    let Health::Resting { until_ms, reason } = state(&pool, &limited).health else { panic!("{:?}", pool.states()) };
    assert_eq!(reason, Reason::AccountLimited);
    pool.close().await;
    drop(pool);

    let table = accounts::run(&harbour.config, false).await.unwrap();
    assert!(table.contains("resting for") && table.contains("Telegram limits the user account"), "{table}");
    let again = harbour.pool().await;
    assert_eq!(state(&again, &limited).health, Health::Resting { until_ms, reason });
    let other = again.choose(&Wish::of(1)).unwrap();
    assert_ne!(name(&other), limited);
    assert!(again.choose(&Wish { not: vec![other.id().unwrap()], ..Wish::of(1) }).is_none());
    let rest_s = again.free_in_s(1).unwrap();
    assert_eq!(rest_s, 0, "the other is free now");
    assert_eq!(harbour.sandbox.refusals(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_flood_wait_is_a_rest_of_its_length_and_a_short_one_is_waited_out() {
    let harbour = Harbour::open().await;
    harbour.log_in(by_phone()).await.unwrap();
    let pool = harbour.pool().await;
    let faults = harbour.sandbox.faults();
    faults.on("upload.saveFilePart", When::Nth(1)).gives(Fault::FloodPremiumWait { seconds: 1 });
    faults.on("upload.saveFilePart", When::Nth(6)).gives(Fault::FloodWait { seconds: 1000 });
    let carrier = pool.choose(&Wish::of(2)).unwrap();
    assert!(!pool.report(&carrier, &Failure::from(Reason::FloodWait { seconds: 5 })), "it can go on itself");
    upload(&harbour, &pool, &carrier, MIB, "tgferry:1").await.unwrap();
    assert_eq!(state(&pool, "main").health, Health::Well);

    let failure = upload(&harbour, &pool, &carrier, 3 * MIB, "tgferry:2").await.unwrap_err();
    assert_eq!(failure.reason, Reason::FloodWait { seconds: 1000 });
    assert!(pool.report(&carrier, &failure));
    assert!(pool.choose(&Wish::of(1)).is_none() && !pool.lane_health(1).well);
    let free_in_s = pool.free_in_s(1).unwrap();
    assert!((980..=1000).contains(&free_in_s), "{free_in_s}");
    assert_eq!(harbour.sandbox.faults().unconsumed(), Vec::<String>::new());
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_load_is_what_is_still_to_send() {
    let harbour = two_accounts().await;
    let pool = harbour.pool().await;
    let large = pool.choose(&Wish::of(10 * MIB as u64)).unwrap();
    let small = pool.choose(&Wish::of(3 * MIB as u64)).unwrap();
    assert_ne!(name(&large), name(&small));
    assert_eq!(name(&pool.choose(&Wish::of(1)).unwrap()), name(&small), "less to go");
    large.stored(9 * MIB as u64);
    assert_eq!(name(&pool.choose(&Wish::of(1)).unwrap()), name(&large), "nearly done");
    assert_eq!((state(&pool, &name(&large)).uploads, state(&pool, &name(&large)).left_bytes), (1, MIB as u64));
    let busy = name(&large);
    let begun = pool.choose(&Wish { resume_on: small.id(), ..Wish::of(1) }).unwrap();
    assert_eq!(begun.id(), small.id(), "parts that are there count more");
    drop((large, small, begun));
    assert_eq!((state(&pool, &busy).uploads, state(&pool, &busy).left_bytes), (0, 0));
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn premium_is_spared_for_what_needs_it() {
    let harbour = Harbour::open().await;
    harbour.log_in(by_phone()).await.unwrap();
    harbour.log_in_another("premium", "+9996600003", true).await;
    let pool = harbour.pool().await;
    let held: Vec<Carrier> = (0..3).map(|_| pool.choose(&Wish::of(2000 * MIB as u64)).unwrap()).collect();
    assert!(held.iter().all(|carrier| name(carrier) == "main"));
    assert_eq!(name(&pool.choose(&Wish::of(2000 * MIB as u64 + 1)).unwrap()), "premium");
    assert_eq!(pool.lane_health(1).limit_bytes, 4000 * MIB as u64);
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daily_budget_holds_and_is_remembered() {
    let mut harbour = Harbour::open().await;
    harbour.config.accounts.daily_bytes = 5 * MIB as u64;
    harbour.log_in(by_phone()).await.unwrap();
    let pool = harbour.pool().await;
    assert_eq!(pool.lane_health(1).limit_bytes, 5 * MIB as u64, "no file may be larger than a day");
    let carrier = pool.choose(&Wish::of(3 * MIB as u64)).unwrap();
    assert!(pool.choose(&Wish::of(3 * MIB as u64)).is_none(), "promised is spent");
    upload(&harbour, &pool, &carrier, 3 * MIB, "tgferry:1").await.unwrap();
    drop(carrier);
    for reopened in [false, true] {
        let pool = if reopened {
            pool.close().await;
            harbour.pool().await
        } else {
            pool.clone()
        };
        assert_eq!((state(&pool, "main").sent_bytes, state(&pool, "main").daily_bytes), (3 * MIB as u64, 5 * MIB as u64));
        assert!(pool.choose(&Wish::of(2 * MIB as u64 + 1)).is_none() && !pool.lane_health(3 * MIB as u64).well);
        assert!(pool.choose(&Wish::of(2 * MIB as u64)).is_some() && pool.lane_health(MIB as u64).well);
        let free_in_s = pool.free_in_s(3 * MIB as u64).unwrap();
        assert!((23 * 3600..=25 * 3600).contains(&free_in_s), "{free_in_s}");
        assert_eq!(pool.free_in_s(6 * MIB as u64), None);
        if reopened {
            pool.close().await;
        }
    }
    let json = accounts::run(&harbour.config, true).await.unwrap();
    let reports: Vec<AccountReport> = serde_json::from_str(&json).unwrap();
    assert_eq!((reports[0].sent_bytes, reports[0].daily_bytes, reports[0].bot), (3 * MIB as u64, 5 * MIB as u64, false));
}
