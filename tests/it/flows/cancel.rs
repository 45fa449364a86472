//! Cancel at every stage: it stops within a second, says so, and leaves no file.

use std::time::{Duration, Instant};

use tgferry_sandbox::{Fault, When};

use crate::support::clips;
use crate::support::scene::{Scene, WITHIN, chooses, has_button, reads, sees_all};
use crate::support::site::{Answer, Gate};

/// The wish, and what must follow. The bound is loose for a busy machine; the promise is a second.
async fn cancel_and_see(scene: &Scene, ann: &tgferry_sandbox::TestUser) {
    ann.sees("a cancel button", WITHIN, |message| has_button(message, "Cancel")).await.unwrap();
    let begun = Instant::now();
    ann.presses("Cancel").await.unwrap();
    reads(ann, "Stopped").await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    scene.home.is_clean().await;
    assert!(ann.messages().iter().all(|message| message.media.is_none()));
}

#[tokio::test]
async fn while_the_link_is_looked_at() {
    let scene = Scene::new().await;
    let gate = Gate::closed();
    let link = scene.site.serve("a.mp4", Answer::Silent(clips::small(), gate.clone()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    gate.reached(1).await;
    ann.sends("/cancel").await;
    reads(&ann, "Stopped").await;
    assert!(ann.messages().iter().all(|message| !has_button(message, "Video")));
    scene.home.is_clean().await;
    scene.ends_well();
}

#[tokio::test]
async fn on_the_card() {
    let scene = Scene::new().await;
    let link = scene.site.serve("a.mp4", Answer::File(clips::small()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    cancel_and_see(&scene, &ann).await;
    scene.ends_well();
}

#[tokio::test]
async fn during_the_download() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let _gate = scene.holds_download(&ann, "a.mp4", clips::small()).await;
    cancel_and_see(&scene, &ann).await;
    scene.ends_well();
}

#[tokio::test]
async fn during_the_transcoding() {
    let scene = Scene::with("[media]\npreset = \"veryslow\"\nthreads = 1\n").await;
    let link = scene.site.serve("a.webm", Answer::File(clips::vp9()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    scene.reaches_stage("media").await;
    cancel_and_see(&scene, &ann).await;
    scene.ends_well();
}

#[tokio::test]
async fn during_the_upload() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    scene.telegram.faults().on("upload.saveBigFilePart", When::Nth(20)).gives(Fault::FloodWait { seconds: 30 });
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    scene.called("upload.saveBigFilePart", 20).await;
    cancel_and_see(&scene, &ann).await;
    scene.ends_well();
}

#[tokio::test]
async fn during_the_delivery() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    scene.telegram.faults().on("copyMessage", When::Nth(1)).gives(Fault::Delay(Duration::from_secs(3600)));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    scene.called("copyMessage", 1).await;
    cancel_and_see(&scene, &ann).await;
    scene.ends_well();
}

#[tokio::test]
async fn by_the_command_for_all_at_once() {
    let scene = Scene::new().await;
    let first = scene.site.serve("a.mp4", Answer::File(clips::small()));
    let second = scene.site.serve("b.mp4", Answer::File(clips::small()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&format!("{first} {second}")).await;
    let both = |count: usize| {
        move |messages: &[tgferry_sandbox::MessageView]| messages.iter().filter(|message| has_button(message, "Video")).count() == count
    };
    sees_all(&ann, "two cards", both(2)).await;
    ann.sends("/status").await;
    reads(&ann, "2").await;
    ann.sends("/cancel").await;
    sees_all(&ann, "no cards", both(0)).await;
    scene.home.is_clean().await;
    scene.ends_well();
}
