//! The power goes at every stage: what was accepted is delivered, once, and nobody is told twice.

use std::time::Duration;

use tgferry_sandbox::{Fault, TestUser, When};

use crate::support::clips;
use crate::support::scene::{Scene, WITHIN, chooses, gets, has_button, sha256};
use crate::support::site::{Answer, Gate};

/// One file has come, and no second one does while the daemon ends in order.
async fn one_file(scene: &Scene, daemon: crate::support::daemon::Daemon, ann: &TestUser, expected: &std::path::Path) {
    let media = gets(ann, "video").await.media.unwrap();
    assert_eq!(media.sha256, sha256(expected));
    scene.home.is_clean().await;
    daemon.stop().await;
    let files = ann.messages().into_iter().filter(|message| message.media.is_some()).count();
    assert_eq!(files, 1, "{}", ann.transcript());
    let cards = ann.messages().into_iter().filter(|message| has_button(message, "Video")).count();
    assert_eq!(cards, 0, "{}", ann.transcript());
}

#[tokio::test]
async fn while_the_link_is_looked_at() {
    let scene = Scene::new().await;
    let gate = Gate::closed();
    let link = scene.site.serve("a.mp4", Answer::Silent(clips::small(), gate.clone()));
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    gate.reached(1).await;
    daemon.kill().await;
    gate.open();
    let daemon = scene.daemon();
    chooses(&ann, "Video").await;
    one_file(&scene, daemon, &ann, &clips::small()).await;
    scene.ends_well();
}

#[tokio::test]
async fn before_the_choice() {
    let scene = Scene::new().await;
    let link = scene.site.serve("a.mp4", Answer::File(clips::small()));
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    ann.sees("a card", WITHIN, |message| has_button(message, "Video")).await.unwrap();
    daemon.kill().await;
    let daemon = scene.daemon();
    chooses(&ann, "Video").await;
    one_file(&scene, daemon, &ann, &clips::small()).await;
    scene.ends_well();
}

#[tokio::test]
async fn during_the_download() {
    let scene = Scene::new().await;
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let gate = scene.holds_download(&ann, "a.mp4", clips::small()).await;
    daemon.kill().await;
    gate.open();
    let daemon = scene.daemon();
    one_file(&scene, daemon, &ann, &clips::small()).await;
    scene.ends_well();
}

#[tokio::test]
async fn during_the_transcoding() {
    let scene = Scene::new().await;
    let link = scene.site.serve("a.webm", Answer::File(clips::vp9()));
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    scene.reaches_stage("media").await;
    daemon.kill().await;
    let fetched = scene.site.bytes();
    let daemon = scene.daemon();
    gets(&ann, "video").await;
    scene.home.is_clean().await;
    assert_eq!(scene.site.bytes(), fetched, "what was fetched is not fetched again");
    daemon.stop().await;
    assert_eq!(ann.messages().into_iter().filter(|message| message.media.is_some()).count(), 1, "{}", ann.transcript());
    scene.ends_well();
}

#[tokio::test]
async fn during_the_upload() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    scene.telegram.faults().on("upload.saveBigFilePart", When::Nth(40)).gives(Fault::FloodWait { seconds: 600 });
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let needed = std::fs::metadata(clips::big()).unwrap().len().div_ceil(512 * 1024);
    // Only the part that was told to waits.
    scene.called("upload.saveBigFilePart", needed).await;
    daemon.kill().await;
    let daemon = scene.daemon();
    one_file(&scene, daemon, &ann, &clips::big()).await;
    assert_eq!(scene.files_in_relays(), 1);
    let parts = scene.telegram.counters().uploaded_parts;
    assert!(parts < needed + needed / 2, "{parts} parts stored for {needed}");
    scene.ends_well();
}

#[tokio::test]
async fn after_the_file_reached_the_relay_but_its_answer_was_lost() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    scene.telegram.faults().on("messages.sendMedia", When::Nth(1)).gives(Fault::LoseAnswer);
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    one_file(&scene, daemon, &ann, &clips::big()).await;
    assert_eq!(scene.files_in_relays(), 1, "sent to the relay once");
    scene.ends_well();
}

#[tokio::test]
async fn between_the_copy_and_its_answer() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    scene.telegram.faults().on("copyMessage", When::Nth(1)).gives(Fault::Delay(Duration::from_secs(3600)));
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    scene.called("copyMessage", 1).await;
    daemon.kill().await;
    let parts = scene.telegram.counters().uploaded_parts;
    let daemon = scene.daemon();
    one_file(&scene, daemon, &ann, &clips::big()).await;
    assert_eq!(scene.telegram.counters().uploaded_parts, parts, "nothing was uploaded again");
    scene.ends_well();
}

#[tokio::test]
async fn after_the_copy_whose_answer_was_lost() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    scene.telegram.faults().on("copyMessage", When::Nth(1)).gives(Fault::LoseAnswer);
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    one_file(&scene, daemon, &ann, &clips::big()).await;
    assert_eq!(scene.telegram.counters().copies, 1, "copied once");
    scene.ends_well();
}

#[tokio::test]
async fn after_a_small_file_was_sent_whose_answer_was_lost() {
    let scene = Scene::new().await;
    let link = scene.site.serve("a.mp4", Answer::File(clips::small()));
    scene.telegram.faults().on("sendVideo", When::Nth(1)).gives(Fault::LoseAnswer);
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    one_file(&scene, daemon, &ann, &clips::small()).await;
    scene.ends_well();
}

#[tokio::test]
async fn an_orderly_end_stores_what_runs() {
    let scene = Scene::new().await;
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let gate = scene.holds_download(&ann, "a.mp4", clips::small()).await;
    daemon.stop().await;
    gate.open();
    let daemon = scene.daemon();
    one_file(&scene, daemon, &ann, &clips::small()).await;
    scene.ends_well();
}
