//! People beside each other, people who leave, and what they are told.

use tgferry_sandbox::{Limits, SandboxConfig};

use crate::support::clips;
use crate::support::scene::{Scene, WITHIN, chooses, gets, has_button, reads, sha256};
use crate::support::site::{Answer, Gate};

#[tokio::test]
async fn start_help_and_status_answer() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends("/help").await;
    reads(&ann, "/cancel").await;
    ann.sends("/status").await;
    reads(&ann, "othing").await;
    scene.ends_well();
}

#[tokio::test]
async fn two_at_once_do_not_wait_for_each_other() {
    let scene = Scene::new().await;
    let quick = scene.site.serve("quick.mp4", Answer::File(clips::small()));
    let _daemon = scene.daemon();
    let (ann, ben) = (scene.person("ann").await, scene.person("ben").await);
    let gate = scene.holds_download(&ann, "slow.mp4", clips::index_behind()).await;
    ben.sends(&quick).await;
    chooses(&ben, "Video").await;
    assert_eq!(gets(&ben, "video").await.media.unwrap().sha256, sha256(&clips::small()));
    gate.open();
    gets(&ann, "video").await;
    scene.ends_well();
}

#[tokio::test]
async fn two_who_want_the_same_are_served_by_one_fetch() {
    let scene = Scene::logged_in().await;
    let gate = Gate::closed();
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    let _daemon = scene.daemon();
    let (ann, ben) = (scene.person("ann").await, scene.person("ben").await);
    for person in [&ann, &ben] {
        person.sends(&link).await;
        person.sees("a card", WITHIN, |message| has_button(message, "Video")).await.unwrap();
    }
    scene.site.serve("big.mp4", Answer::Gated(clips::big(), gate.clone()));
    chooses(&ann, "Video").await;
    gate.reached(1).await;
    chooses(&ben, "Video").await;
    gate.open();
    gets(&ann, "video").await;
    gets(&ben, "video").await;
    assert_eq!(scene.files_in_relays(), 1);
    scene.ends_well();
}

#[tokio::test]
async fn somebody_who_blocks_the_bot_midway_costs_nothing_more() {
    let scene = Scene::new().await;
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let gate = scene.holds_download(&ann, "a.mp4", clips::small()).await;
    ann.blocks_bot();
    gate.open();
    scene.reaches_stage("failed").await;
    scene.home.is_clean().await;
    daemon.stop().await;
    scene.ends_well();
}

#[tokio::test]
async fn a_button_of_somebody_else_does_nothing() {
    let scene = Scene::new().await;
    let link = scene.site.serve("a.mp4", Answer::File(clips::small()));
    let _daemon = scene.daemon();
    let (ann, ben) = (scene.person("ann").await, scene.person("ben").await);
    ann.sends(&link).await;
    let card = ann.sees("a card", WITHIN, |message| has_button(message, "Video")).await.unwrap();
    let data = card.buttons[0][0].data.clone().unwrap();
    let message = ben.messages().last().unwrap().message_id;
    let answer = ben.presses_data(message, &data).await.unwrap();
    assert!(answer.text.is_some());
    let card = ann.sees("the card still", WITHIN, |message| has_button(message, "Video")).await.unwrap();
    assert!(has_button(&card, "Audio"));
    scene.ends_well();
}

#[tokio::test]
async fn updates_come_by_webhook_too() {
    // The port is free now, and nobody else on this machine asks for a certain one.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings =
        format!("[bot]\nupdates = \"webhook\"\nwebhook_listen = \"127.0.0.1:{port}\"\nwebhook_url = \"http://127.0.0.1:{port}/updates\"\n");
    let limits = Limits { http_webhooks: true, ..Limits::default() };
    let scene = Scene::at(SandboxConfig { limits, ..SandboxConfig::default() }, &settings).await;
    let link = scene.site.serve("a.mp4", Answer::File(clips::small()));
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    assert_eq!(gets(&ann, "video").await.media.unwrap().sha256, sha256(&clips::small()));
    assert_eq!(scene.telegram.counters().bot_api_calls("getUpdates"), 0);
    daemon.stop().await;
    ann.sends("/help").await;
    let _daemon = scene.daemon();
    reads(&ann, "/cancel").await; // what came while nobody listened is brought again
    scene.ends_well();
}
