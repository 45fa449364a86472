//! The command line: the same line without a chat, and set-ups that are wrong are named with a way out.

use crate::support::clips;
use crate::support::scene::{Scene, gets, sha256};
use crate::support::site::Answer;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_file_is_sent_from_the_command_line() {
    let scene = Scene::logged_in().await;
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    daemon.stop().await;
    let to = ann.id().to_string();
    for (file, way) in [(clips::small(), "bot_api"), (clips::big(), "mtproto")] {
        let before = ann.messages().len();
        let output = scene.home.run(&["send", file.to_str().unwrap(), "--to", &to], "").await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        let sent = ann.messages().into_iter().nth(before).unwrap().media.unwrap();
        assert_eq!((sent.sha256.clone(), lane(&sent)), (sha256(&file), way));
        assert!(file.exists(), "the file itself is left alone");
    }
    assert!(scene.home.files_left().is_empty());
    scene.ends_well();
}

#[tokio::test]
async fn a_running_daemon_takes_what_the_command_line_sends() {
    let scene = Scene::logged_in().await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let output = scene.home.run(&["send", &link, "--to", &ann.id().to_string()], "").await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(lane(&gets(&ann, "video").await.media.unwrap()), "mtproto");
    scene.ends_well();
}

#[tokio::test]
async fn what_can_not_be_sent_is_the_users_to_mend() {
    let scene = Scene::new().await;
    for (what, to, expected) in [
        ("no-such-file", "1", "neither a file nor a link"),
        ("ftp://example.org/a", "1", "only http and https"),
        (clips::small().to_str().unwrap(), "999999", "does not take messages"),
    ] {
        let output = scene.home.run(&["send", what, "--to", to], "").await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected) && said.contains("hint: "), "{said}");
    }
}

#[tokio::test]
async fn the_doctor_says_what_is_well_and_what_is_not() {
    let scene = Scene::logged_in().await;
    let output = scene.home.run(&["doctor"], "").await;
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    for expected in ["ferry_bot", "yt-dlp", "libavformat", "Carrier", "ready"] {
        assert!(said.contains(expected), "{expected} in\n{said}");
    }
    let ill = Scene::with("[fetch]\nyt_dlp = \"/nonexistent/yt-dlp\"\n[telegram]\nbot_token = \"1:unknown-to-telegram\"\n").await;
    let output = ill.home.run(&["doctor"], "").await;
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("BAD  token") && said.contains("BAD  yt-dlp") && said.contains("hint: "), "{said}");
}

#[tokio::test]
async fn accounts_are_shown_and_logged_out() {
    let scene = Scene::logged_in().await;
    let output = scene.home.run(&["accounts"], "").await;
    let said = text(&output.stdout);
    assert!(said.contains("main") && said.contains("Carrier") && said.contains("2000 MiB") && said.contains("ready"), "{said}");
    let again = scene.home.run(&["login"], "").await;
    assert!(again.status.success(), "a second log-in says what is there: {}", text(&again.stderr));
    let output = scene.home.run(&["logout"], "").await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(scene.home.run(&["accounts"], "").await.status.code(), Some(1));
}

#[tokio::test]
async fn a_wrong_configuration_is_named_by_its_key() {
    let scene = Scene::with("[fetch]\nmax_bytez = 3\n").await;
    let output = scene.home.run(&["run"], "").await;
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.starts_with("fetch.max_bytez: is not a known key") && said.contains("hint: "), "{said}");
    let scene = Scene::with("[telegram]\nbot_token = \"\"\n").await;
    let said = text(&scene.home.run(&["run"], "").await.stderr);
    assert!(said.contains("telegram.bot_token: is missing") && said.contains("BotFather"), "{said}");
}

#[tokio::test]
async fn a_second_daemon_on_the_same_database_is_refused() {
    let scene = Scene::new().await;
    let _daemon = scene.daemon();
    scene.person("ann").await;
    let output = scene.home.run(&["run"], "").await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("already runs"), "{}", text(&output.stderr));
}
