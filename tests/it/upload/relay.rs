//! Logging in, the relay channel, and the pool of accounts.
//!
//! In: a sandbox for each test. Out: assertions on what stands there. Must not: reach anything outside this machine.

use tgferry::cli::{accounts, logout};
use tgferry::model::{Failure, Lane, LaneHealth, Reason};
use tgferry::telegram::account::Health;
use tgferry::telegram::login::{LoginFlow, LoginStep};
use tgferry::telegram::pool::Wish;
use tgferry::telegram::relay::{self, RelayAddress, RelayState};
use tgferry::telegram::session::{FileSession, session_path};
use tgferry_sandbox::Limits;
use tokio_util::sync::CancellationToken;

use super::harbour::{Harbour, PASSWORD, by_phone};

#[tokio::test(flavor = "multi_thread")]
async fn logging_in_by_code_and_password_makes_a_relay_with_the_bot_in_it() {
    let harbour = Harbour::with(Limits::default(), Some(PASSWORD)).await;
    harbour.log_in(by_phone()).await.unwrap();

    let account = harbour.connect();
    let me = account.me().unwrap();
    assert_eq!((me.name.as_str(), me.premium), ("Carrier", false));
    assert_eq!(me.phone_masked.as_deref(), Some("+99••••••45"));
    let found = relay::stored(&account).unwrap().unwrap();
    let (title, rights) = harbour.sandbox.world().read(|state| {
        let channel = &state.channels[&found.id];
        (channel.title.clone(), channel.rights_of(harbour.bot.id))
    });
    assert_eq!(title, "tgferry relay");
    let rights = rights.unwrap();
    assert!(rights.post_messages && rights.edit_messages && rights.delete_messages && !rights.add_admins);
    let bot = harbour.bots().identity().await.unwrap();
    assert_eq!(relay::check(&account, &bot).await.unwrap(), RelayState::Ready);
    assert_eq!(harbour.sandbox.refusals(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_in_again_mends_what_is_missing_and_nothing_else() {
    let harbour = Harbour::open().await;
    harbour.log_in(by_phone()).await.unwrap();
    let stored =
        || FileSession::open(&harbour.config.storage.sessions_dir, "main", &harbour.config.telegram).unwrap().relay().unwrap().unwrap();
    let first = stored();

    harbour.log_in(by_phone()).await.unwrap();
    assert_eq!(stored(), first);
    assert_eq!(harbour.sandbox.counters().mtproto_calls("auth.sendCode"), 1);
    assert_eq!(harbour.sandbox.counters().mtproto_calls("channels.editAdmin"), 1);

    harbour.sandbox.world().remove_bot(first.id, harbour.bot.id);
    harbour.log_in(by_phone()).await.unwrap();
    assert_eq!(stored(), first);
    assert!(harbour.sandbox.world().read(|state| state.channels[&first.id].rights_of(harbour.bot.id)).is_some());

    harbour.sandbox.world().delete_channel(first.id);
    harbour.log_in(by_phone()).await.unwrap();
    assert_ne!(stored().id, first.id);
    assert_eq!(harbour.sandbox.counters().mtproto_calls("channels.createChannel"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_channel_can_be_the_relay() {
    let harbour = Harbour::open().await;
    harbour.log_in(by_phone()).await.unwrap();
    let account = harbour.connect();
    let me = account.me().unwrap().id;
    let world = harbour.sandbox.world();
    let own = world.change(|state| state.create_channel(me, "Own", "", false));
    let bot = harbour.bots().identity().await.unwrap();
    let (taken, mended) = relay::adopt(&account, &bot, &RelayAddress::Id(own)).await.unwrap();
    assert_eq!((taken.id, mended.created, mended.promoted), (own, false, true));
    assert_eq!(account.session().relay().unwrap().unwrap().title, "Own");
    let missing = relay::adopt(&account, &bot, &RelayAddress::Id(own + 1000)).await.unwrap_err();
    assert_eq!(missing.reason, Reason::RelayGone);
    assert_eq!(relay::stored(&account).unwrap(), Some(taken));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qr_code_logs_in_once_it_is_scanned() {
    let harbour = Harbour::open().await;
    let flow = LoginFlow::new(harbour.connect(), harbour.config.telegram.api_hash.clone());
    let LoginStep::ShowQr { url, expires_in } = flow.qr().await.unwrap() else { panic!("no code") };
    let token = url.strip_prefix("tg://login?token=").unwrap().to_owned();
    tokio::join!(harbour.scan(&token), flow.qr_scanned(expires_in));
    let LoginStep::LoggedIn(me) = flow.qr().await.unwrap() else { panic!("not logged in") };
    assert_eq!(me.name, "Carrier");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_told_that_the_session_is_in_use() {
    let harbour = Harbour::open().await;
    let carrier = harbour.carrier().await;
    let error = harbour.log_in(by_phone()).await.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().starts_with("the session main is in use by another process\nhint: "), "{error}");
    let table = accounts::run(&harbour.config, false).await.unwrap();
    assert!(table.contains("in use by another process"), "{table}");
    carrier.account.disconnect().await;
    drop(carrier);
    let table = accounts::run(&harbour.config, false).await.unwrap();
    assert!(table.contains("tgferry relay: ready") && table.contains("2000 MiB") && table.trim_end().ends_with("well"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_the_session_and_removes_its_file() {
    let harbour = Harbour::open().await;
    harbour.log_in(by_phone()).await.unwrap();
    let args = || logout::LogoutArgs { name: "main".to_owned(), force: false };
    logout::run(&harbour.config, args()).await.unwrap();
    assert!(!session_path(&harbour.config.storage.sessions_dir, "main").exists());
    assert_eq!(harbour.sandbox.counters().mtproto_calls("auth.logOut"), 1);
    assert_eq!(logout::run(&harbour.config, args()).await.unwrap_err().exit_code(), 1);
    assert_eq!(accounts::run(&harbour.config, false).await.unwrap_err().exit_code(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_knows_who_is_well_and_mends_a_lost_relay() {
    let harbour = Harbour::open().await;
    let nobody = harbour.pool().await;
    let limit_bytes = 2_097_152_000;
    assert_eq!(nobody.lane_health(1), LaneHealth { lane: Lane::UserAccount, limit_bytes, well: false });
    assert!(nobody.choose(&Wish::of(1)).is_none());

    harbour.log_in(by_phone()).await.unwrap();
    let pool = harbour.pool().await;
    assert_eq!(pool.lane_health(1), LaneHealth { lane: Lane::UserAccount, limit_bytes, well: true });
    assert!(pool.choose(&Wish::of(limit_bytes)).is_some() && pool.choose(&Wish::of(limit_bytes + 1)).is_none());

    let cancel = CancellationToken::new();
    let checks = tokio::spawn(pool.clone().keep_well(cancel.clone()));
    let carrier = pool.choose(&Wish::of(1)).unwrap();
    harbour.sandbox.world().delete_channel(carrier.relay.id);
    pool.report(&carrier, &Failure::from(Reason::RelayGone));
    assert!(!pool.lane_health(1).well);
    while !pool.lane_health(1).well {
        harbour.sandbox.world().changed_after(harbour.sandbox.world().version().saturating_sub(1)).await;
        tokio::task::yield_now().await;
    }
    assert_ne!(pool.choose(&Wish::of(1)).unwrap().relay, carrier.relay);
    cancel.cancel();
    checks.await.unwrap();
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_account_is_let_go_so_that_it_can_log_in_again() {
    let harbour = Harbour::open().await;
    harbour.log_in(by_phone()).await.unwrap();
    harbour.revoke();
    let pool = harbour.pool().await;
    let states = pool.states();
    assert_eq!(states[0].health, Health::Unwell(Reason::SessionRevoked));
    assert!(!pool.lane_health(1).well && pool.choose(&Wish::of(1)).is_none());
    let mut config = harbour.config.clone();
    config.telegram.custom.auth_key = harbour.new_key();
    let again = Harbour { config, ..harbour };
    again.log_in(by_phone()).await.unwrap();
    assert_eq!(again.connect().me().unwrap().name, "Carrier");
}
