//! A link that can't be fetched: the person learns which reason it is, and can go on.

use crate::support::scene::{Scene, WITHIN, chooses, gets, has_button, reads};
use crate::support::{clips, site::Answer};

/// Sends a link to a path that answers so, and waits for a text that names the reason.
async fn told(scene: &Scene, path: &str, answer: Option<Answer>, text: &str) {
    let link = match answer {
        Some(answer) => scene.site.serve(path, answer),
        None => scene.site.url(path),
    };
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    reads(&ann, text).await;
    scene.home.is_clean().await;
}

#[tokio::test]
async fn nothing_is_there() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    told(&scene, "gone.mp4", None, "404").await;
    scene.ends_well();
}

#[tokio::test]
async fn the_site_forbids_it() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    told(&scene, "mine.mp4", Some(Answer::Plain(403, "text/plain", "no")), "403").await;
    scene.ends_well();
}

#[tokio::test]
async fn a_log_in_page_in_place_of_a_video() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    let page = "<html><head><title>Log in</title></head><body><form><input name=password type=password></form></body></html>";
    told(&scene, "video.mp4", Some(Answer::Plain(200, "text/html", page)), "page").await;
    scene.ends_well();
}

#[tokio::test]
async fn an_empty_file() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    let link = scene.site.serve("empty.mp4", Answer::Plain(200, "video/mp4", ""));
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    // Whether a card could be shown before is up to what the site said of the length.
    let seen = ann.sees("an answer", WITHIN, |message| message.reply_to.is_some() || !message.buttons.is_empty()).await.unwrap();
    if !seen.buttons.is_empty() {
        chooses(&ann, "Video").await;
    }
    reads(&ann, "empty").await;
    scene.ends_well();
}

#[tokio::test]
async fn damaged_media() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    let link = scene.site.serve("broken.mp4", Answer::Plain(200, "video/mp4", "this is not a video at all, whatever its name says"));
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    reads(&ann, "damaged").await;
    scene.home.is_clean().await;
    let good = scene.site.serve("good.mp4", Answer::File(clips::small()));
    ann.sends(&good).await;
    chooses(&ann, "Video").await;
    gets(&ann, "video").await;
    scene.ends_well();
}

#[tokio::test]
async fn a_server_that_is_ill_is_tried_again_and_then_named() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    told(&scene, "ill.mp4", Some(Answer::Plain(503, "text/plain", "later")), "503").await;
    assert!(scene.site.requests() >= 4, "tried {} times", scene.site.requests());
    scene.ends_well();
}

#[tokio::test]
async fn somebody_who_waits_for_a_card_is_told_of_a_long_pause() {
    let scene = Scene::with("[queue]\nretry_delay_ms = 4000\nmax_retry_delay_ms = 4000\n").await;
    let _daemon = scene.daemon();
    let link = scene.site.serve("ill.mp4", Answer::Plain(503, "text/plain", "later"));
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    let pause = reads(&ann, "try again by myself").await;
    assert!(has_button(&pause, "Cancel"));
    scene.site.serve("ill.mp4", Answer::File(clips::small()));
    chooses(&ann, "Video").await;
    gets(&ann, "video").await;
    ann.sees_no("the pause", WITHIN, |message| message.message_id == pause.message_id).await.unwrap();
    scene.ends_well();
}

#[tokio::test]
async fn nobody_listens_there() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends("http://127.0.0.1:9/a.mp4").await;
    reads(&ann, "connect").await;
    scene.ends_well();
}

#[tokio::test]
async fn private_addresses_are_not_for_strangers() {
    let scene = Scene::with("[fetch]\nallow_private_addresses = false\n").await;
    let _daemon = scene.daemon();
    told(&scene, "a.mp4", Some(Answer::File(clips::small())), "private").await;
    assert_eq!(scene.site.requests(), 0);
    scene.ends_well();
}

#[tokio::test]
async fn larger_than_allowed() {
    let scene = Scene::with("[fetch]\nmax_bytes = 10000\n").await;
    let _daemon = scene.daemon();
    let link = scene.site.serve("a.mp4", Answer::File(clips::small()));
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    reads(&ann, "may fetch at most").await;
    scene.ends_well();
}

/// What yt-dlp says of content that no test machine can reach, by a program in its place that says just that: the words are yt-dlp's own.
#[tokio::test]
async fn each_reason_that_a_site_gives_has_its_own_words() {
    let reasons = [
        ("private", "ERROR: [youtube] a: Private video. Sign in if you've been granted access to this video", "This content is private"),
        ("removed", "ERROR: [youtube] a: Video unavailable. This video has been removed by the uploader", "was removed from the site"),
        (
            "blocked",
            "ERROR: [youtube] a: The uploader has not made this video available in your country",
            "in the country that I work from",
        ),
        (
            "login",
            "ERROR: [instagram] a: This content is only available for registered users. Use --cookies",
            "only to people who are logged in",
        ),
        ("robot", "ERROR: [youtube] a: Sign in to confirm you're not a bot. Use --cookies-from-browser", "took me for a robot"),
        ("drm", "ERROR: [vimeo] a: This video is DRM protected", "protected against copying"),
        ("live", "ERROR: [youtube] a: Premieres in 3 hours", "live or has not begun"),
        ("odd", "ERROR: Unsupported URL: https://youtu.be/odd", "no video or file behind this link"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("yt-dlp");
    let cases: String = reasons.iter().map(|(name, says, _)| format!("*/{name}*) echo \"{says}\" >&2 ;;\n")).collect();
    std::fs::write(&program, format!("#!/bin/sh\ncase \"$*\" in\n{cases}esac\nexit 1\n")).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let scene = Scene::with(&format!("[fetch]\nyt_dlp = {:?}\n", program.display().to_string())).await;
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    for (name, _, expected) in reasons {
        ann.sends(&format!("https://youtu.be/{name}")).await;
        let told = reads(&ann, expected).await;
        assert!(!told.words().contains("ERROR") && !told.words().contains("--cookies"), "nothing internal: {}", told.words());
    }
    scene.home.is_clean().await;
    scene.ends_well();
}
