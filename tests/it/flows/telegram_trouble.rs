//! Telegram says wait, cuts, revokes, deletes: the file still comes, or the person learns why not.

use tgferry_sandbox::{Fault, When};

use crate::support::scene::{PHONE, Scene, chooses, gets, gets_after, lane, reads, sha256};
use crate::support::{clips, site::Answer};

#[tokio::test]
async fn flood_waits_of_parts_are_waited_out() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    let faults = scene.telegram.faults();
    faults.on("upload.saveBigFilePart", When::Nth(10)).gives(Fault::FloodWait { seconds: 2 });
    faults.on("upload.saveBigFilePart", When::Nth(30)).gives(Fault::FloodPremiumWait { seconds: 1 });
    faults.on("messages.sendMedia", When::Nth(1)).gives(Fault::FloodWait { seconds: 1 });
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    assert_eq!(gets(&ann, "video").await.media.unwrap().sha256, sha256(&clips::big()));
    scene.ends_well();
}

#[tokio::test]
async fn the_bot_is_told_to_wait() {
    let scene = Scene::new().await;
    let link = scene.site.serve("a.mp4", Answer::File(clips::small()));
    let wait = || Fault::HttpStatus { code: 429, description: "Too Many Requests: retry after 1".into(), retry_after: Some(1) };
    let faults = scene.telegram.faults();
    faults.on("sendVideo", When::Nth(1)).gives(wait());
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    assert_eq!(gets(&ann, "video").await.media.unwrap().sha256, sha256(&clips::small()));
    scene.ends_well();
}

#[tokio::test]
async fn a_cut_connection_costs_no_more_than_the_parts_in_flight() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    scene.telegram.faults().on("upload.saveBigFilePart", When::Nth(50)).gives(Fault::CutConnection);
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let media = gets(&ann, "video").await.media.unwrap();
    assert_eq!(media.sha256, sha256(&clips::big()));
    let (parts, needed) = (scene.telegram.counters().uploaded_parts, media.size.div_ceil(512 * 1024));
    assert!(parts <= needed + 20, "{parts} parts stored for {needed}");
    scene.ends_well();
}

#[tokio::test]
async fn without_an_account_a_big_file_that_is_no_video_is_refused_with_what_would_help() {
    let scene = Scene::new().await;
    let link = scene.site.serve("big.bin", Answer::File(noise(60_000_000)));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    reads(&ann, "account").await;
    scene.home.is_clean().await;
    scene.ends_well();
}

#[tokio::test]
async fn a_revoked_session_is_noticed_and_the_next_way_is_taken() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    scene.telegram.world().revoke_account(PHONE);
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let media = gets(&ann, "video").await.media.unwrap();
    assert_eq!(lane(&media), "bot_api");
    assert!(media.size <= 50_000_000, "compressed to what the bot can send: {}", media.size);
}

#[tokio::test]
async fn a_relay_message_that_is_gone_is_made_again() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    gets(&ann, "video").await;
    scene.empties_relays();
    let parts = scene.telegram.counters().uploaded_parts;
    let ben = scene.person("ben").await;
    ben.sends(&link).await;
    chooses(&ben, "Video").await;
    assert_eq!(gets(&ben, "video").await.media.unwrap().sha256, sha256(&clips::big()));
    assert!(scene.telegram.counters().uploaded_parts > parts);
    scene.ends_well();
}

#[tokio::test]
async fn a_file_id_that_is_not_taken_any_more_is_made_again() {
    let scene = Scene::new().await;
    let link = scene.site.serve("a.mp4", Answer::File(clips::small()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    gets(&ann, "video").await;
    let description = "Bad Request: wrong remote file identifier specified: Wrong string length".to_owned();
    scene.telegram.faults().on("sendVideo", When::Nth(1)).gives(Fault::HttpStatus { code: 400, description, retry_after: None });
    let fetched_bytes = scene.site.bytes();
    let ben = scene.person("ben").await;
    ben.sends(&link).await;
    chooses(&ben, "Video").await;
    assert_eq!(gets(&ben, "video").await.media.unwrap().sha256, sha256(&clips::small()));
    assert!(scene.site.bytes() > fetched_bytes, "it was fetched again");
    let again_bytes = scene.site.bytes();
    let asked_again = ann.sends(&link).await;
    chooses(&ann, "Video").await;
    gets_after(&ann, asked_again, "video").await;
    assert_eq!(scene.site.bytes(), again_bytes, "the new one is good");
    scene.home.is_clean().await;
    scene.ends_well();
}

#[tokio::test]
async fn a_relay_channel_that_is_gone_is_made_anew_and_the_file_still_comes() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    gets(&ann, "video").await;
    scene.deletes_relays();
    let ben = scene.person("ben").await;
    ben.sends(&link).await;
    chooses(&ben, "Video").await;
    let media = gets(&ben, "video").await.media.unwrap();
    assert_eq!((lane(&media), media.sha256.clone()), ("mtproto", sha256(&clips::big())), "what was cached in it is gone with it");
    assert_eq!(scene.files_in_relays(), 1);
    scene.ends_well();
}

/// A file of bytes that no one can take for media.
fn noise(size_bytes: usize) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("noise-{size_bytes}.bin"));
    if !path.exists() {
        let mut state = 88_172_645_463_325_252u64;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .take(size_bytes / 8)
        .flatten()
        .collect();
        let making = path.with_extension(std::process::id().to_string());
        std::fs::write(&making, bytes).unwrap();
        std::fs::rename(&making, &path).unwrap();
    }
    path
}
