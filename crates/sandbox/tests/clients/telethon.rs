//! Telethon 1.45 with cryptg.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;
use tgferry_sandbox::{Event, Fault, SandboxConfig, When};

use super::rig::{PASSWORD, Rig};

const SCRIPT: &str = "telethon_client.py";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_over_each_of_its_transports() {
    let rig = Rig::new(None).await;
    let done = rig.runs(SCRIPT, "transports").await;
    let here = json!([[rig.sandbox.dc_id(), rig.sandbox.mtproto_addr().ip(), rig.sandbox.mtproto_addr().port()]]);
    for transport in ["full", "abridged", "intermediate", "obfuscated"] {
        assert_eq!(done["seen"][transport], here, "{transport}: {done}");
    }
    assert_eq!(done["version"], "1.45.0");
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_logs_in_by_code_and_password() {
    let rig = Rig::new(Some(PASSWORD)).await;
    let done = rig.runs(SCRIPT, "login").await;
    assert_eq!(done["refused"], json!(["PhoneCodeInvalidError", "SessionPasswordNeededError", "PasswordHashInvalidError"]));
    assert_eq!((done["me"].as_i64(), done["again"].as_i64()), (Some(rig.account), Some(rig.account)));
    assert_eq!(done["phone"], "9996612345");
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_logs_in_by_a_qr_code() {
    for password in [None, Some(PASSWORD)] {
        let rig = Rig::new(password).await;
        let done = rig.runs(SCRIPT, "qr").await;
        assert_eq!(done["me"].as_i64(), Some(rig.account), "{password:?}");
        rig.nothing_refused();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_follows_a_qr_code_to_another_data_centre() {
    for (password, refused) in [(None, json!(null)), (Some(PASSWORD), json!("SessionPasswordNeededError"))] {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = SandboxConfig { other_dcs: vec![(4, free)], strict: true, ..SandboxConfig::default() };
        let rig = Rig::with(config, password).await;
        rig.sandbox.world().set_home(rig.account, 4);
        let done = rig.runs(SCRIPT, "qr_elsewhere").await;
        assert_eq!((done["me"].as_i64(), &done["moved_to"], &done["refused"]), (Some(rig.account), &json!(4), &refused));
        assert!(rig.sandbox.wire().after(0).1.iter().any(|line| line.method == "auth.importLoginToken"), "it came by the token");
        rig.nothing_refused();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forum_has_topics_that_messages_stand_in() {
    let rig = Rig::new(None).await;
    let done = rig.runs(SCRIPT, "topics").await;
    assert_eq!(done["forum"], json!([false, true]));
    assert_eq!((&done["headers"], &done["listed"]), (&done["expected"], &done["expected_list"]));
    assert_eq!(done["inside"], json!(["from the bot", "an answer", "in it"]));
    assert_eq!((&done["found"], &done["hidden"]), (&json!(["an answer", "in it"]), &json!(["MessageActionTopicEdit", true])));
    assert_eq!((&done["gone"], &done["left"]), (&json!(6), &json!(["ForumTopicDeleted", "ForumTopic"])));
    let refused = [
        "ChannelForumMissingError",
        "ChatAdminRequiredError",
        // Telethon has no names of its own for TOPIC_CLOSED and TOPIC_NOT_MODIFIED.
        "BadRequestError",
        "ChatAdminRequiredError",
        "BadRequestError",
        "TopicDeletedError",
    ];
    assert_eq!(done["refused"], json!(refused));
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_through_a_channel_and_both_sides_hear_each_other() {
    let rig = Rig::new(None).await;
    let done = rig.runs(SCRIPT, "relay").await;
    assert_eq!(done["hashes"][0], done["hashes"][1]);
    assert_eq!(done["admins"], json!([rig.account, rig.bot.id]));
    let channel_chat = -1_000_000_000_000 - done["channel"].as_i64().expect("a number");
    assert_eq!(done["heard"], json!({"hello, carrier": rig.bot.id, "a post": channel_chat}));
    assert_eq!(done["history"], json!(["a film"]));
    assert_eq!(done["pinned"], json!(["MessageActionPinMessage", true]), "what was pinned is what the message answers");
    let film = rig.ann.messages().into_iter().find(|message| done["copy"] == message.message_id).expect("the copy");
    assert_eq!(film.media.expect("the file").size, 30 * 1024 * 1024 + 12_345);
    // 241 parts of 128 KiB, in a few lines of the wire log.
    let (_, lines) = rig.sandbox.wire().after(0);
    let parts: Vec<_> = lines.iter().filter(|line| line.method == "upload.saveBigFilePart").collect();
    assert_eq!(parts.iter().map(|line| line.calls).sum::<u64>(), 241);
    assert!(parts.len() < 60 && parts.iter().all(|line| line.user == Some(rig.account) && line.error.is_none()), "{parts:?}");
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_missed_is_in_the_difference() {
    let rig = Rig::new(None).await;
    let done = rig.runs(SCRIPT, "catch_up").await;
    assert_eq!(done["new"], json!(["one", "second"]));
    assert_eq!(done["other"], json!(["UpdateEditMessage"]));
    assert_eq!(done["moved"], json!([3, 3]));
    assert_eq!(done["nothing"], "DifferenceEmpty");
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn albums_stay_albums_and_a_bot_sends_by_its_token() {
    let rig = Rig::new(None).await;
    let done = rig.runs(SCRIPT, "albums").await;
    assert_eq!(done["groups"], 1);
    let copies: Vec<i64> = serde_json::from_value(done["copies"].clone()).expect("numbers");
    let seen = rig.ann.messages();
    let album: Vec<_> = seen.iter().filter(|message| copies.contains(&i64::from(message.message_id))).collect();
    let captions: Vec<_> = album.iter().map(|message| message.caption.as_deref()).collect();
    assert_eq!(captions, [Some("one"), Some("two"), Some("three")], "what is not there is left out");
    assert!(album[0].media_group_id.is_some() && album.iter().all(|message| message.media_group_id == album[0].media_group_id));
    let direct = seen.iter().find(|message| done["direct"] == message.message_id).expect("what the bot sent");
    assert_eq!(direct.caption.as_deref(), Some("the same message"));
    let media = direct.media.as_ref().expect("the file");
    assert_eq!((media.size, media.sha256.clone()), (11 * 1024 * 1024, album[2].media.as_ref().expect("the file").sha256.clone()));
    assert_eq!((done["posted"].as_i64(), &done["refused"]), (Some(1), &json!("PeerIdInvalidError")));
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_and_go_and_are_sent_away() {
    let rig = Rig::new(None).await;
    let done = rig.runs(SCRIPT, "people").await;
    let refused = [
        "UsernameNotOccupiedError",
        "UsernameOccupiedError",
        "UserAlreadyParticipantError",
        "ChatAdminRequiredError",
        "ChannelPrivateError",
        "UserCreatorError",
        "ChatWriteForbiddenError",
        "FreshResetAuthorisationForbiddenError",
    ];
    assert_eq!(done["refused"], json!(refused));
    assert_eq!((&done["free"], &done["left"]), (&json!(true), &json!(false)));
    assert_eq!(done["read_outside"], json!(["the first post"]), "a public channel is read without joining");
    assert_eq!((&done["members"], &done["kicked"]), (&json!(["guest", "carrier"]), &json!(["guest"])));
    assert_eq!((&done["forwarded"], &done["copied"]), (&json!(["the first post", true, true]), &json!(["the first post", null])));
    assert_eq!(done["told"], json!([["MessageActionChatAddUser", true]]), "who came into the group");
    assert_eq!(done["edited"], json!([true, "new", true]));
    assert_eq!(done["devices"], json!([[true, true, true], [false, false, true]]));
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_data_centre_is_gone_to_and_a_file_is_fetched_from_there() {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let rig = Rig::with(SandboxConfig { other_dcs: vec![(4, free)], strict: true, ..SandboxConfig::default() }, None).await;
    rig.sandbox.world().set_home(rig.account, 4);
    let done = rig.runs(SCRIPT, "data_centres").await;
    assert_eq!((&done["moved_to"], &done["stayed_at"], &done["file_at"]), (&json!(4), &json!(2), &json!(4)));
    assert_eq!((&done["config"], &done["same"]), (&json!([4, [2, 4]]), &json!(true)));
    let refused = ["FileMigrateError", "UserMigrateError", "AuthBytesInvalidError", "DcIdInvalidError"];
    assert_eq!(done["refused"], json!(refused));
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_two_use_at_once_is_ended() {
    let rig = Rig::new(None).await;
    let done = rig.runs(SCRIPT, "duplicated").await;
    assert_eq!(done["back"], json!(["carrier", "carrier"]), "to come back is no offence");
    assert_eq!(done["refused"], json!(["AuthKeyDuplicatedError", "AuthKeyDuplicatedError"]));
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_followed_and_changed_channels_are_named() {
    let rig = Rig::new(None).await;
    let done = rig.runs(SCRIPT, "clock").await;
    assert_eq!(done["ahead_h"], json!([1.0, 2.0]));
    assert_eq!(done["nothing"], "DifferenceEmpty");
    assert_eq!(done["too_long"], json!(["UpdateChannelTooLong", true, 2]));
    assert_eq!(done["posts"], json!(["a post"]));
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn misfortunes_befall_a_certain_call() {
    let rig = Rig::new(None).await;
    let faults = rig.sandbox.faults();
    faults.on("messages.sendMedia", When::Nth(1)).gives(Fault::Happens(Event::PartsExpired));
    let done = rig.runs(SCRIPT, "expired").await;
    assert_eq!(done["refused"], "FilePart0MissingError");
    faults.on("account.getAuthorizations", When::Nth(1)).gives(Fault::Happens(Event::SessionRevoked));
    let done = rig.runs(SCRIPT, "revoked").await;
    assert_eq!(done["refused"], "SessionRevokedError");
    assert!(faults.unconsumed().is_empty());
    rig.nothing_refused();
}
