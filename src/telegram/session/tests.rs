//! Tests of the session file: rights, the lock, what comes back after a restart.
//!
//! In: temporary folders. Out: assertions. Must not: connect.

use grammers_session::Session;
use grammers_session::types::{ChannelState, PeerAuth, PeerId, PeerInfo, UpdateState};

use super::*;
use crate::config::{Environment, Secret};

fn custom(port: u16, key: &str) -> TelegramConfig {
    let mut config = crate::config::load(None, &[]).unwrap().telegram;
    config.environment = Environment::Custom;
    config.custom.address = ([127, 0, 0, 1], port).into();
    config.custom.auth_key = Secret::from(key.repeat(256));
    config
}

#[test]
fn the_file_is_private_and_held_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = folder.path().join("sessions");
    let config = custom(1, "ab");
    let session = FileSession::open(&sessions, "main", &config).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&sessions), mode(session.path())), (0o700, 0o600));
    let error = FileSession::open(&sessions, "main", &config).unwrap_err();
    assert_eq!(error.to_string(), "the session main is in use by another process");
    FileSession::open(&sessions, "second", &config).unwrap();
    drop(session);
    FileSession::open(&sessions, "main", &config).unwrap();
    assert_eq!(session_names(&sessions).unwrap(), ["main", "second"]);
    assert_eq!(session_names(&folder.path().join("none")).unwrap(), Vec::<String>::new());
}

#[test]
fn a_bots_session_is_in_no_list_of_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = custom(1, "ab");
    config.custom.bot_auth_key = Secret::from("cd".repeat(256));
    let _user = FileSession::open(folder.path(), "main", &config).unwrap();
    let bot = FileSession::open_for_bot(folder.path(), UserId(7), &config).unwrap();
    assert_eq!((bot.name(), bot.home_dc_option().unwrap().auth_key), ("bot.7", Some([0xcd; 256])));
    assert_eq!(session_names(folder.path()).unwrap(), ["main"]);
    assert!(FileSession::open(folder.path(), "bot.7", &config).is_err_and(|error| matches!(error, SessionError::BadName { .. })));
    assert!(FileSession::open_for_bot(folder.path(), UserId(7), &config).is_err_and(|error| matches!(error, SessionError::InUse { .. })));
}

#[test]
fn a_name_is_no_path() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["", "../main", "a/b", "a b", ".hidden", &"x".repeat(65)] {
        let error = FileSession::open(folder.path(), name, &custom(1, "ab")).unwrap_err();
        assert!(matches!(error, SessionError::BadName { .. }), "{name}: {error}");
    }
}

#[tokio::test]
async fn what_was_stored_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let user =
        SelfUser { id: 7, name: "Ann".into(), username: None, phone_masked: Some("+99•••45".into()), premium: true, bot: false };
    let relay = StoredRelay { id: 9, access_hash: -3, title: "relay".into() };
    let channel = PeerInfo::Channel { id: 9, auth: Some(PeerAuth::from_hash(5)), kind: None };
    let myself = PeerInfo::User { id: 7, auth: Some(PeerAuth::from_hash(6)), bot: Some(false), is_self: Some(true) };
    {
        let session = FileSession::open(folder.path(), "main", &custom(1, "ab")).unwrap();
        assert_eq!(session.self_user().unwrap(), None);
        session.set_self_user(Some(&user)).unwrap();
        session.set_relay(Some(&relay)).unwrap();
        session.cache_peer(channel.clone()).await.unwrap();
        session.cache_peer(myself.clone()).await.unwrap();
        session.cache_peer(PeerInfo::Channel { id: 9, auth: None, kind: None }).await.unwrap();
        session.set_update_state(UpdateState::Primary { pts: 1, date: 2, seq: 3 }).await.unwrap();
        session.set_update_state(UpdateState::Channel { id: 9, pts: 4 }).await.unwrap();
    }
    let session = FileSession::open(folder.path(), "main", &custom(1, "ab")).unwrap();
    assert_eq!((session.self_user().unwrap(), session.relay().unwrap()), (Some(user), Some(relay)));
    assert_eq!(session.peer(PeerId::channel_unchecked(9)).await.unwrap(), Some(channel));
    assert_eq!(session.peer(PeerId::self_user()).await.unwrap(), Some(myself));
    let state = session.updates_state().await.unwrap();
    assert_eq!((state.pts, state.date, state.seq, state.channels), (1, 2, 3, vec![ChannelState { id: 9, pts: 4 }]));
    session.set_relay(None).unwrap();
    assert_eq!(session.relay().unwrap(), None);
}

#[tokio::test]
async fn a_custom_address_is_always_taken_and_its_key_only_at_first() {
    let folder = tempfile::tempdir().unwrap();
    {
        let session = FileSession::open(folder.path(), "main", &custom(1, "ab")).unwrap();
        let option = session.home_dc_option().unwrap();
        assert_eq!((session.home_dc_id().unwrap(), option.ipv4.port(), option.auth_key), (2, 1, Some([0xab; 256])));
        session.set_dc_option(&option).await.unwrap();
    }
    let user = SelfUser { id: 7, name: "Ann".into(), username: None, phone_masked: None, premium: false, bot: false };
    for (logged_in, expected) in [(None, 0xcd), (Some(&user), 0xab)] {
        FileSession::open(folder.path(), "main", &custom(1, "ab")).unwrap().set_self_user(logged_in).unwrap();
        let session = FileSession::open(folder.path(), "main", &custom(2, "cd")).unwrap();
        let option = session.home_dc_option().unwrap();
        assert_eq!((option.ipv4.port(), option.auth_key), (2, Some([expected; 256])));
    }
}

#[test]
fn a_file_of_a_newer_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = session_path(folder.path(), "main");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = FileSession::open(folder.path(), "main", &custom(1, "ab")).unwrap_err();
    assert!(matches!(error, SessionError::Schema { found: 99, .. }), "{error}");
}
