//! kurigram 2.2 (a Pyrogram) with TgCrypto.

use serde_json::json;

use super::rig::{PASSWORD, Rig};

const SCRIPT: &str = "kurigram_client.py";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_over_each_of_its_transports() {
    let rig = Rig::new(None).await;
    let done = rig.runs(SCRIPT, "transports").await;
    let here = json!([[rig.sandbox.dc_id(), rig.sandbox.mtproto_addr().ip(), rig.sandbox.mtproto_addr().port()]]);
    for transport in ["full", "abridged", "abridged_obfuscated", "intermediate", "intermediate_obfuscated", "padded"] {
        assert_eq!(done["seen"][transport], here, "{transport}: {done}");
    }
    assert_eq!(done["version"], "2.2.26");
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_through_a_channel_and_both_sides_hear_each_other() {
    let rig = Rig::new(Some(PASSWORD)).await;
    let done = rig.runs(SCRIPT, "relay").await;
    assert_eq!(done["me"].as_i64(), Some(rig.account));
    assert_eq!(done["hashes"][0], done["hashes"][1]);
    assert_eq!(done["heard"]["hello, carrier"].as_i64(), Some(rig.bot.id));
    assert_eq!(done["heard"]["a post"], done["channel"]);
    assert_eq!(done["history"], json!(["a post", "a film"]));
    let film = rig.ann.messages().into_iter().find(|message| done["copy"] == message.message_id).expect("the copy");
    assert_eq!(film.media.expect("the file").size, 30 * 1024 * 1024 + 12_345);
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_sent_away_and_a_message_goes_on() {
    let rig = Rig::new(None).await;
    let done = rig.runs(SCRIPT, "people").await;
    assert_eq!(done["members"], json!([["carrier", "guest"], ["carrier"], ["guest"]]));
    assert_eq!(done["forwarded"], json!(["hello, group", true]));
    assert_eq!(done["sessions"], 1);
    rig.nothing_refused();
}
