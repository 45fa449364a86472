//! Above every limit: pieces that each play, as an album where there is a relay, and each of them once whatever happens.

use tgferry_sandbox::{Fault, MessageView, TestUser, When};

use crate::support::clips;
use crate::support::scene::{Scene, chooses, lane, reads, sees_all, until};
use crate::support::site::Answer;

/// Everything above five megabytes is above every limit, so that files can be small. Compression would be possible, too.
const SMALL_LIMITS: &str = "route = { bot_api_max_bytes = 1_000_000, user_account_max_bytes = 5_000_000 }";
const SPLIT_ALWAYS: &str = "route = { bot_api_max_bytes = 5_000_000, above_limits = [\"split\"] }";
const BUTTON: &str = "Video in pieces";

/// The files in a chat, oldest first.
fn files(person: &TestUser) -> Vec<MessageView> {
    person.messages().into_iter().filter(|message| message.media.is_some() && message.buttons.is_empty()).collect()
}

fn hashes(files: &[MessageView]) -> Vec<String> {
    files.iter().filter_map(|file| Some(file.media.as_ref()?.sha256.clone())).collect()
}

async fn gets_pieces(person: &TestUser, count: usize) -> Vec<MessageView> {
    sees_all(person, &format!("{count} files"), |_| files(person).len() == count).await;
    files(person)
}

/// Three numbered videos of at most five megabytes, in order, that make one album.
fn assert_album(pieces: &[MessageView]) {
    let group = pieces[0].media_group_id.clone();
    assert!(group.is_some() && pieces.iter().all(|piece| piece.media_group_id == group), "one album");
    assert_numbered(pieces);
}

fn assert_numbered(pieces: &[MessageView]) {
    for (piece, number) in pieces.iter().zip(1..) {
        let media = piece.media.as_ref().unwrap();
        assert!(media.size <= 5_000_000 && media.supports_streaming && media.width == 640, "{media:?}");
        assert!((1..=3).contains(&media.duration), "{media:?}");
        assert_eq!(media.file_name.as_deref(), Some(format!("film ({number} of 3).mp4").as_str()));
        let caption = piece.caption.as_deref().unwrap();
        assert!(caption.contains(&format!("{number}/3")) && caption.contains("127.0.0.1"), "{caption}");
    }
}

#[tokio::test]
async fn who_chooses_pieces_gets_an_album_and_the_next_one_a_copy_of_it() {
    let scene = Scene::logged_in_with(SMALL_LIMITS).await;
    let link = scene.site.serve("film.mp4", Answer::File(clips::in_short_stretches()));
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    reads(&ann, "One message can't hold all of this").await;
    chooses(&ann, BUTTON).await;
    let pieces = gets_pieces(&ann, 3).await;
    assert_album(&pieces);
    assert!(pieces.iter().all(|piece| lane(piece.media.as_ref().unwrap()) == "mtproto"));
    scene.home.is_clean().await;
    let in_relay = until("the album is alone in the relay", || (scene.files_in_relays() == 3).then_some(3)).await;
    assert_eq!(in_relay, 3);

    let parts = scene.telegram.counters().uploaded_parts;
    let ben = scene.person("ben").await;
    ben.sends(&link).await;
    chooses(&ben, BUTTON).await;
    let copies = gets_pieces(&ben, 3).await;
    assert_album(&copies);
    assert_eq!(hashes(&copies), hashes(&pieces));
    assert_eq!(scene.telegram.counters().uploaded_parts, parts, "nothing is uploaded twice");
    daemon.stop().await;
    scene.ends_well();
}

#[tokio::test]
async fn the_bot_alone_sends_one_piece_after_the_other() {
    let scene = Scene::with(SPLIT_ALWAYS).await;
    let link = scene.site.serve("film.mp4", Answer::File(clips::in_short_stretches()));
    scene.telegram.faults().on("sendVideo", When::Nth(2)).gives(Fault::LoseAnswer);
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let asked = ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let pieces = gets_pieces(&ann, 3).await;
    assert_numbered(&pieces);
    assert!(pieces.iter().all(|piece| piece.reply_to == Some(asked) && piece.media_group_id.is_none()), "each answers the request");
    assert!(pieces.iter().all(|piece| lane(piece.media.as_ref().unwrap()) == "bot_api"));
    scene.home.is_clean().await;
    assert_eq!(files(&ann).len(), 3, "none twice, though an answer was lost");
    scene.ends_well();
}

#[tokio::test]
async fn what_would_be_a_slide_show_comes_in_pieces() {
    let scene = Scene::with("route = { bot_api_max_bytes = 350_000 }").await;
    let link = scene.site.serve("film.mp4", Answer::File(clips::noise()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let last = reads(&ann, "1/").await;
    let count: usize = last.caption.as_deref().and_then(|text| text.split_once("1/")?.1.lines().next()?.parse().ok()).unwrap();
    let pieces = gets_pieces(&ann, count).await;
    assert!((8..=10).contains(&count) && pieces.iter().all(|piece| piece.media.as_ref().unwrap().size <= 350_000), "{count}");
    scene.home.is_clean().await;
    scene.ends_well();
}

#[tokio::test]
async fn lost_answers_make_no_second_album() {
    let scene = Scene::logged_in_with(SMALL_LIMITS).await;
    let link = scene.site.serve("film.mp4", Answer::File(clips::in_short_stretches()));
    for method in ["messages.sendMedia", "messages.sendMultiMedia", "copyMessages"] {
        scene.telegram.faults().on(method, When::Nth(1)).gives(Fault::LoseAnswer);
    }
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, BUTTON).await;
    assert_album(&gets_pieces(&ann, 3).await);
    scene.home.is_clean().await;
    assert_eq!((files(&ann).len(), scene.files_in_relays()), (3, 3), "{}", ann.transcript());
    scene.ends_well();
}

#[tokio::test]
async fn an_album_that_is_gone_from_the_relay_is_made_anew() {
    let scene = Scene::logged_in_with(SMALL_LIMITS).await;
    let link = scene.site.serve("film.mp4", Answer::File(clips::in_short_stretches()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, BUTTON).await;
    let pieces = gets_pieces(&ann, 3).await;
    scene.home.is_clean().await;
    scene.loses_one_of_the_relay();

    let ben = scene.person("ben").await;
    ben.sends(&link).await;
    chooses(&ben, BUTTON).await;
    // What came of the broken album goes away again.
    let whole = |messages: &[MessageView]| {
        messages.iter().filter(|message| message.caption.as_deref().is_some_and(|text| text.contains("3/3"))).count() == 1
    };
    sees_all(&ben, "the last piece", |_| files(&ben).len() == 3 && whole(&files(&ben))).await;
    assert_album(&files(&ben));
    assert_eq!(hashes(&files(&ben)), hashes(&pieces), "the same cut gives the same bytes");
    scene.ends_well();
}

#[tokio::test]
async fn a_kill_between_the_pieces_costs_none_and_doubles_none() {
    let scene = Scene::logged_in_with(SMALL_LIMITS).await;
    let mut daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let undisturbed = scene.site.serve("undisturbed/film.mp4", Answer::File(clips::in_short_stretches()));
    ann.sends(&undisturbed).await;
    chooses(&ann, BUTTON).await;
    let expected = hashes(&gets_pieces(&ann, 3).await);
    // Where the power goes: after so many parts, after a piece, before the album, before it is copied.
    let points: [(&str, u64); 5] = [
        ("upload.saveFilePart", 2),
        ("messages.sendMedia", 1),
        ("messages.sendMedia", 3),
        ("messages.sendMultiMedia", 1),
        ("copyMessages", 1),
    ];
    for (turn, (method, times)) in points.into_iter().enumerate() {
        let link = scene.site.serve(&format!("{turn}/film.mp4"), Answer::File(clips::in_short_stretches()));
        let calls = || scene.telegram.counters().mtproto_calls(method) + scene.telegram.counters().bot_api_calls(method);
        let before = calls();
        // A chat of its own each time: in one chat the bot would soon have to slow down.
        let name = format!("reader_{turn}");
        scene.telegram.create_user(&name);
        let person = scene.person(&name).await;
        person.sends(&link).await;
        chooses(&person, BUTTON).await;
        scene.called(method, before + times).await;
        daemon.kill().await;
        daemon = scene.daemon();
        let new = gets_pieces(&person, 3).await;
        assert_album(&new);
        assert_eq!(hashes(&new), expected, "killed at {method} {times}");
        scene.home.is_clean().await;
        assert_eq!(files(&person).len(), 3, "{}", person.transcript());
    }
    drop(daemon);
    scene.ends_well();
}
