//! What people send that is no good link: a clear word, and nothing lost.

use crate::support::scene::{Scene, WITHIN, chooses, gets, has_button, reads, sees_all};
use crate::support::{clips, site::Answer};

#[tokio::test]
async fn texts_without_a_good_link_get_a_hint() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    for text in ["good morning", "https://", "ftp://example.org/a.mp4", &"word ".repeat(819)] {
        let sent = ann.sends(text).await;
        ann.sees("an answer", WITHIN, |message| message.from_bot && message.message_id > sent && message.text.is_some()).await.unwrap();
    }
    scene.ends_well();
}

#[tokio::test]
async fn fifty_links_are_taken_up_to_the_limit_and_the_person_is_told() {
    let scene = Scene::with("[bot]\nmax_links_per_message = 3\n").await;
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let links: Vec<String> = (0..50).map(|number| scene.site.serve(&format!("{number}.mp4"), Answer::File(clips::small()))).collect();
    ann.sends(&links.join("\n")).await;
    reads(&ann, "3").await;
    let cards = |messages: &[tgferry_sandbox::MessageView]| messages.iter().filter(|message| has_button(message, "Video")).count() == 3;
    sees_all(&ann, "three cards", cards).await;
    scene.ends_well();
}

#[tokio::test]
async fn a_wicked_file_name_is_cleaned() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    scene.site.serve("../../etc/pass\u{202e}wd\u{7}.mp4", Answer::File(clips::small()));
    let link = scene.site.url("..%2F..%2Fetc%2Fpass%E2%80%AEwd%07.mp4");
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let name = gets(&ann, "video").await.media.unwrap().file_name.unwrap();
    assert_eq!(name, "passwd.mp4");
    scene.ends_well();
}

#[tokio::test]
async fn buttons_that_are_unknown_stale_or_pressed_twice_answer_and_do_no_harm() {
    let scene = Scene::new().await;
    let link = scene.site.serve("a.mp4", Answer::File(clips::small()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    let card = ann.sees("a card", WITHIN, |message| has_button(message, "Video")).await.unwrap();
    let data = card.buttons[0][0].data.clone().unwrap();
    for wrong in ["", "zzz", "c:999999:video", "c:1:mime", "x:abc"].into_iter().filter(|data| !data.is_empty()) {
        let answer = ann.presses_data(card.message_id, wrong).await.unwrap();
        assert!(answer.text.is_some(), "{wrong}: somebody who presses a button hears something");
    }
    let (first, second) = tokio::join!(ann.presses_data(card.message_id, &data), ann.presses_data(card.message_id, &data));
    first.unwrap();
    second.unwrap();
    gets(&ann, "video").await;
    scene.home.is_clean().await;
    assert_eq!(ann.messages().iter().filter(|message| message.media.is_some()).count(), 1);
    assert!(ann.presses_data(card.message_id, &data).await.unwrap().text.is_some());
    scene.ends_well();
}
