//! The power goes at fifty random points of download and upload: each file is delivered once, whole.
//!
//! In: fixed seeds. Out: the same bytes in the chat as without a kill. Must not: depend on how fast the machine is: a point is a number of bytes
//! that the site gave out, or of parts that Telegram stored.

use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tgferry_sandbox::{NetworkShape, TestUser};

use crate::support::clips;
use crate::support::scene::{Scene, WITHIN, chooses, gets_after, has_button, until};
use crate::support::site::{Answer, Gate};

/// Everything above a megabyte goes through the account, so that files can be small.
const SETTINGS: &str = "route = { bot_api_max_bytes = 1_000_000 }";
/// Slow enough that a kill meets an upload under way.
const BYTES_PER_S: u64 = 12_000_000;
const POINTS_A_TEST: u64 = 10;

/// Where the power goes.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// So many thousandths of the file were given out by the site.
    Fetched(u64),
    /// So many thousandths of the parts are stored at Telegram.
    Stored(u64),
}

fn point(seed: u64) -> Point {
    let mut random = StdRng::seed_from_u64(seed);
    let thousandths = random.random_range(0..1000);
    if random.random_bool(0.5) { Point::Fetched(thousandths) } else { Point::Stored(thousandths) }
}

async fn survives(clip: &Path, first_seed: u64) {
    let scene = Scene::logged_in_with(SETTINGS).await;
    let mut daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let size_bytes = std::fs::metadata(clip).unwrap().len();
    let undisturbed = asks(&scene, &ann, "undisturbed.mp4", clip, Answer::File(clip.to_owned())).await;
    let expected = gets_after(&ann, undisturbed, "video").await.media.unwrap();

    scene.telegram.network().set(NetworkShape { account_bytes_per_s: Some(BYTES_PER_S), ..NetworkShape::default() });
    for seed in first_seed..first_seed + POINTS_A_TEST {
        let point = point(seed);
        let gate = Gate::closed();
        let (served, stored) = (scene.site.bytes(), scene.telegram.counters().uploaded_parts);
        let held_at = match point {
            Point::Fetched(thousandths) => size_bytes * thousandths / 1000,
            Point::Stored(_) => size_bytes,
        };
        let held = Answer::Held(clip.to_owned(), gate.clone(), held_at as usize);
        let asked = asks(&scene, &ann, &format!("{seed}.mp4"), clip, held).await;
        match point {
            Point::Fetched(_) => {
                // To the byte: what lies behind is held back.
                until("the site gave out its bytes", || (scene.site.bytes() - served >= held_at).then_some(())).await;
            }
            Point::Stored(thousandths) => {
                let parts = size_bytes.div_ceil(512 * 1024) * thousandths / 1000;
                until("the parts are stored", || (scene.telegram.counters().uploaded_parts - stored >= parts).then_some(())).await;
            }
        }
        daemon.kill().await;
        gate.open();
        daemon = scene.daemon();
        let media = gets_after(&ann, asked, "video").await.media.unwrap();
        assert_eq!(media.sha256, expected.sha256, "seed {seed}: {point:?}");
        scene.home.is_clean().await;
    }
    daemon.stop().await;
    let files = ann.messages().into_iter().filter(|message| message.media.is_some()).count() as u64;
    assert_eq!((files, scene.files_in_relays() as u64), (POINTS_A_TEST + 1, POINTS_A_TEST + 1), "{}", ann.transcript());
    assert!(!ann.messages().iter().any(|message| has_button(message, "Video")), "{}", ann.transcript());
    scene.ends_well();
}

/// Sends a link and chooses the video behind it; says the number of the message with the link.
async fn asks(scene: &Scene, ann: &TestUser, name: &str, clip: &Path, answer: Answer) -> i32 {
    let asked = ann.sends(&scene.site.serve(name, Answer::File(clip.to_owned()))).await;
    ann.sees("a card", WITHIN, |message| message.message_id > asked && has_button(message, "Video")).await.unwrap();
    scene.site.serve(name, answer);
    chooses(ann, "Video").await;
    asked
}

#[tokio::test]
async fn a_film_that_passes_as_it_is_first_ten() {
    survives(&clips::medium(), 100).await;
}

#[tokio::test]
async fn a_film_that_passes_as_it_is_second_ten() {
    survives(&clips::medium(), 200).await;
}

#[tokio::test]
async fn a_film_with_its_index_behind_first_ten() {
    survives(&clips::medium_index_behind(), 300).await;
}

#[tokio::test]
async fn a_film_with_its_index_behind_second_ten() {
    survives(&clips::medium_index_behind(), 400).await;
}

#[tokio::test]
async fn a_transport_stream() {
    survives(&clips::medium_transport_stream(), 500).await;
}
