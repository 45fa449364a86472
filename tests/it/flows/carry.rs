//! What the program is for: a link comes back as a file that plays, small by the bot, big by the account.

use crate::support::scene::{Scene, WITHIN, chooses, gets, gets_after, has_button, lane, reads, sha256};
use crate::support::{clips, site::Answer};

#[tokio::test]
async fn a_small_link_comes_back_by_the_bot_api() {
    let scene = Scene::new().await;
    let link = scene.site.serve("harbour.mp4", Answer::File(clips::small()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&format!("look at this: {link}")).await;
    chooses(&ann, "Video").await;
    let media = gets(&ann, "video").await.media.unwrap();
    assert_eq!(lane(&media), "bot_api");
    assert_eq!(media.sha256, sha256(&clips::small()), "a file that plays everywhere is passed on untouched");
    assert_eq!((media.width, media.height, media.duration), (320, 180, 2));
    assert!(media.supports_streaming);
    assert_eq!(media.file_name.as_deref(), Some("harbour.mp4"));
    let thumb = media.thumb.expect("a thumbnail");
    assert!(thumb.width <= 320 && thumb.height <= 320 && thumb.size <= 200_000);
    scene.home.is_clean().await;
    ann.sees_no("a status", WITHIN, |message| has_button(message, "Cancel")).await.unwrap();
    scene.ends_well();
}

#[tokio::test]
async fn a_big_link_comes_by_the_account_and_again_from_the_relay() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let media = gets(&ann, "video").await.media.unwrap();
    assert_eq!(lane(&media), "mtproto");
    assert_eq!(media.sha256, sha256(&clips::big()));
    assert!(media.supports_streaming && media.thumb.is_some() && media.duration == 12);

    let (bytes, parts) = (scene.site.bytes(), scene.telegram.counters().uploaded_parts);
    assert!(parts > 100, "{parts} parts");
    let ben = scene.person("ben").await;
    ben.sends(&link).await;
    chooses(&ben, "Video").await;
    assert_eq!(gets(&ben, "video").await.media.unwrap().sha256, media.sha256);
    assert_eq!(scene.site.bytes(), bytes, "nothing was fetched for the second request");
    assert_eq!(scene.telegram.counters().uploaded_parts, parts, "nothing was uploaded for it");
    scene.home.is_clean().await;
    scene.ends_well();
}

#[tokio::test]
async fn a_song_comes_as_m4a_with_its_title() {
    let scene = Scene::new().await;
    let link = scene.site.serve("song.mp3", Answer::File(clips::song()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Audio").await;
    let media = gets(&ann, "audio").await.media.unwrap();
    assert!(matches!(media.mime.as_deref(), Some("audio/mp4" | "audio/m4a")), "{:?}", media.mime);
    assert_eq!((media.title.as_deref(), media.performer.as_deref()), (Some("Lighthouse"), Some("Ferrymen")));
    assert!(media.file_name.unwrap().ends_with(".m4a"));
    scene.ends_well();
}

#[tokio::test]
async fn what_does_not_play_is_made_to_and_an_index_at_the_end_comes_to_the_front() {
    let scene = Scene::new().await;
    let webm = scene.site.serve("clip.webm", Answer::File(clips::vp9()));
    let behind = scene.site.serve("behind.mp4", Answer::File(clips::index_behind()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    for link in [webm, behind] {
        let sent = ann.sends(&link).await;
        chooses(&ann, "Video").await;
        let media = gets_after(&ann, sent, "video").await.media.unwrap();
        let start = std::fs::read(&media.path).unwrap();
        let position = |name: &[u8]| start.windows(4).position(|window| window == name).unwrap();
        assert!(position(b"moov") < position(b"mdat"), "{link}");
        assert!(start.windows(4).any(|window| window == b"avc1"), "{link}");
        assert!(media.supports_streaming && media.thumb.is_some());
    }
    scene.ends_well();
}

#[tokio::test]
async fn a_download_that_breaks_goes_on_from_where_it_broke() {
    let scene = Scene::new().await;
    let link = scene.site.serve("cut.mp4", Answer::CutOnce(clips::small()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    assert_eq!(gets(&ann, "video").await.media.unwrap().sha256, sha256(&clips::small()));
    scene.ends_well();
}

#[tokio::test]
async fn without_an_account_a_video_is_compressed_to_what_the_bot_can_send() {
    let scene = Scene::with("[route]\nbot_api_max_bytes = 1500000\n").await;
    let link = scene.site.serve("clip.webm", Answer::File(clips::vp9()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let media = gets(&ann, "video").await.media.unwrap();
    assert!((750_000..=1_500_000).contains(&media.size), "{}", media.size);
    assert!(media.duration == 20 && media.supports_streaming && media.thumb.is_some());
    scene.home.is_clean().await;
    scene.ends_well();
}

#[tokio::test]
async fn what_would_be_a_slide_show_is_refused_with_what_would_help() {
    let scene = Scene::with("[route]\nbot_api_max_bytes = 400000\n").await;
    let link = scene.site.serve("clip.webm", Answer::File(clips::vp9()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    reads(&ann, "helper account").await;
    scene.home.is_clean().await;
    scene.ends_well();
}
