//! The way up runs while the way down does.
//!
//! In: films whose download is held back half way. Out: parts that are at Telegram before the download goes on. Must not: look at the clock.

use std::path::{Path, PathBuf};

use tgferry_sandbox::TestUser;

use crate::support::clips;
use crate::support::scene::{Scene, WITHIN, chooses, gets, has_button, lane, reads, sha256, until};
use crate::support::site::{Answer, Gate};

/// Everything above a megabyte goes through the account, so that files can be small.
const SETTINGS: &str = "route = { bot_api_max_bytes = 1_000_000 }";
/// What is held back of a film of 12 MB: enough that its end is worth a request of its own.
const HELD_BYTES: usize = 6_000_000;
/// Fewer parts than lie whole before the gate: some wait for their successor or for the index.
const PARTS_BEFORE_THE_GATE: u64 = 8;

/// Chooses the video behind a link whose download then stops half way.
async fn held_half_way(scene: &Scene, ann: &TestUser, name: &str, clip: &Path) -> std::sync::Arc<Gate> {
    let gate = Gate::closed();
    ann.sends(&scene.site.serve(name, Answer::File(clip.to_owned()))).await;
    ann.sees("a card", WITHIN, |message| has_button(message, "Video")).await.unwrap();
    let at = std::fs::metadata(clip).unwrap().len() as usize - HELD_BYTES;
    scene.site.serve(name, Answer::Held(clip.to_owned(), gate.clone(), at));
    chooses(ann, "Video").await;
    gate
}

async fn parts_before_the_gate(scene: &Scene) {
    until("parts at Telegram while the download is held", || {
        (scene.telegram.counters().uploaded_parts >= PARTS_BEFORE_THE_GATE).then_some(())
    })
    .await;
    assert_eq!(scene.files_in_relays(), 0, "no message before the file is whole");
}

/// Goes up before the download is whole, and arrives; the path of what arrived.
async fn goes_up_at_once(name: &str, clip: PathBuf) -> (Scene, String) {
    let scene = Scene::logged_in_with(SETTINGS).await;
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let gate = held_half_way(&scene, &ann, name, &clip).await;
    parts_before_the_gate(&scene).await;
    gate.open();
    let media = gets(&ann, "video").await.media.unwrap();
    assert_eq!(lane(&media), "mtproto");
    assert_eq!((media.width, media.height, media.duration, media.supports_streaming), (640, 360, 5, true), "{media:?}");
    assert!(media.thumb.is_some());
    scene.home.is_clean().await;
    daemon.stop().await;
    scene.ends_well();
    (scene, media.sha256)
}

#[tokio::test]
async fn a_film_with_its_index_in_front() {
    let (scene, sent) = goes_up_at_once("a.mp4", clips::medium()).await;
    assert_eq!(sent, sha256(&clips::medium()), "byte by byte as it was");
    assert_eq!(scene.telegram.counters().uploaded_bytes, std::fs::metadata(clips::medium()).unwrap().len() + thumbnail_bytes(&scene));
}

#[tokio::test]
async fn a_film_with_its_index_at_the_end() {
    goes_up_at_once("a.mp4", clips::medium_index_behind()).await;
}

#[tokio::test]
async fn a_transport_stream() {
    goes_up_at_once("a.ts", clips::medium_transport_stream()).await;
}

#[tokio::test]
async fn picture_and_sound_that_come_apart() {
    let scene = Scene::logged_in_with(SETTINGS).await;
    let manifest = scene.home.folder.path().join("film.mpd");
    std::fs::write(&manifest, MANIFEST).unwrap();
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    scene.site.serve("sound.m4a", Answer::File(clips::medium_sound()));
    let gate = Gate::closed();
    let at = std::fs::metadata(clips::medium_picture()).unwrap().len() as usize - HELD_BYTES;
    scene.site.serve("picture.mp4", Answer::Held(clips::medium_picture(), gate.clone(), at));
    ann.sends(&scene.site.serve("film.mpd", Answer::File(manifest))).await;
    chooses(&ann, "Video").await;
    parts_before_the_gate(&scene).await;
    gate.open();
    let media = gets(&ann, "video").await.media.unwrap();
    assert_eq!((media.width, media.height, media.duration, lane(&media)), (640, 360, 5, "mtproto"), "{media:?}");
    for stream in ["0:v:0", "0:a:0"] {
        assert_eq!(packets(&media.path, stream), packets(&clips::medium(), stream), "{stream}");
    }
    daemon.stop().await;
    scene.ends_well();
}

/// A hash of the coded packets of a stream.
fn packets(path: &Path, stream: &str) -> String {
    let mut ffmpeg = std::process::Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-loglevel", "error", "-i"]).arg(path).args(["-map", stream, "-c", "copy", "-f", "hash", "-"]);
    String::from_utf8(ffmpeg.output().unwrap().stdout).unwrap()
}

const MANIFEST: &str = r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"
     mediaPresentationDuration="PT5S" minBufferTime="PT2S"><Period>
  <AdaptationSet contentType="video" mimeType="video/mp4"><Representation id="picture" codecs="avc1.64001f" width="640" height="360"
    frameRate="25" bandwidth="20000000"><BaseURL>picture.mp4</BaseURL></Representation></AdaptationSet>
  <AdaptationSet contentType="audio" mimeType="audio/mp4"><Representation id="sound" codecs="mp4a.40.2" audioSamplingRate="44100"
    bandwidth="96000"><BaseURL>sound.m4a</BaseURL></Representation></AdaptationSet>
</Period></MPD>"#;

#[tokio::test]
async fn a_file_that_is_no_film() {
    let scene = Scene::logged_in_with(SETTINGS).await;
    let path = scene.home.folder.path().join("boxes.zip");
    std::fs::write(&path, (0..12_000_000_u32).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>()).unwrap();
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let gate = held_half_way(&scene, &ann, "boxes.zip", &path).await;
    parts_before_the_gate(&scene).await;
    gate.open();
    assert_eq!(gets(&ann, "document").await.media.unwrap().sha256, sha256(&path));
    daemon.stop().await;
    scene.ends_well();
}

#[tokio::test]
async fn a_download_that_fails_midway_sends_nothing() {
    let scene = Scene::logged_in_with(&format!("{SETTINGS}\nqueue = {{ attempts = 1 }}")).await;
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let gate = held_half_way(&scene, &ann, "a.mp4", &clips::medium()).await;
    parts_before_the_gate(&scene).await;
    scene.site.serve("a.mp4", Answer::Plain(404, "text/plain", "gone"));
    gate.break_off();
    reads(&ann, "404").await;
    assert_eq!(scene.files_in_relays(), 0);
    scene.home.is_clean().await;
    daemon.stop().await;
    scene.ends_well();
}

#[tokio::test]
async fn a_film_that_is_longer_than_it_said_is_made_again_once_it_is_whole() {
    let scene = Scene::logged_in_with(SETTINGS).await;
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let gate = held_half_way(&scene, &ann, "long.mkv", &clips::lying_about_its_length()).await;
    parts_before_the_gate(&scene).await;
    gate.open();
    let media = gets(&ann, "video").await.media.unwrap();
    assert_eq!((lane(&media), media.duration, media.supports_streaming), ("mtproto", 120, true), "{media:?}");
    for stream in ["0:v:0", "0:a:0"] {
        assert_eq!(packets(&media.path, stream), packets(&clips::lying_about_its_length(), stream), "{stream}");
    }
    scene.home.is_clean().await;
    daemon.stop().await;
    let files = ann.messages().iter().filter(|message| message.media.is_some()).count();
    assert_eq!((scene.files_in_relays(), files), (1, 1), "{}", ann.transcript());
    let twice_bytes = scene.telegram.counters().uploaded_bytes;
    assert!(twice_bytes > media.size + PARTS_BEFORE_THE_GATE * 512 * 1024, "it began anew: {twice_bytes} of {}", media.size);
    scene.ends_well();
}

#[tokio::test]
async fn what_turns_out_larger_than_may_be_fetched_is_refused_at_once() {
    let scene = Scene::logged_in_with(&format!("{SETTINGS}\nfetch = {{ max_bytes = 6_000_000 }}")).await;
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&scene.site.serve("endless.mp4", Answer::Unmeasured(clips::medium()))).await;
    ann.sees("a card", WITHIN, |message| has_button(message, "Video")).await.unwrap();
    let before = scene.site.requests();
    chooses(&ann, "Video").await;
    reads(&ann, "larger than the").await;
    assert_eq!(scene.site.requests() - before, 1, "it is not fetched once more");
    assert_eq!(scene.files_in_relays(), 0);
    scene.home.is_clean().await;
    daemon.stop().await;
    scene.ends_well();
}

/// The thumbnail goes up as a file of its own.
fn thumbnail_bytes(scene: &Scene) -> u64 {
    let people = scene.telegram.user("ann", &scene.bot).messages();
    people.iter().filter_map(|message| message.media.as_ref()?.thumb.as_ref()).map(|thumb| thumb.size).sum()
}
