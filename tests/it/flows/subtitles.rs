//! Subtitles from where they lie to the person: as a track, burnt in, as a file; and what is said where there are none.

use std::path::Path;
use std::process::Command;

use tgferry_sandbox::{Fault, MessageView, TestUser, When};

use crate::support::clips;
use crate::support::scene::{Scene, WITHIN, chooses, gets, gets_after, has_button, reads, sha256};
use crate::support::site::Answer;

const GERMAN: &str = "WEBVTT\n\n00:00.200 --> 00:01.000\nGrüße\n\n00:01.200 --> 00:01.800\nZwei\n";
const ENGLISH: &str = "1\n00:00:00,200 --> 00:00:01,000\nHello\n";
const PAGE: &str = "<html><head><title>A film</title></head><body><video src=\"film.mp4\">\
    <track kind=\"subtitles\" src=\"de.vtt\" srclang=\"de\"><track kind=\"captions\" src=\"en.srt\" srclang=\"en\">\
    <track kind=\"subtitles\" src=\"gone.vtt\" srclang=\"fr\"><track kind=\"subtitles\" src=\"damaged.vtt\" srclang=\"es\"></video></body></html>";

/// A page with a film and subtitles: two languages that are as they should be, one that is not there, one that is no text.
fn page(scene: &Scene) -> String {
    scene.site.serve("de.vtt", Answer::Plain(200, "text/vtt", GERMAN));
    scene.site.serve("en.srt", Answer::Plain(200, "application/x-subrip", ENGLISH));
    scene.site.serve("damaged.vtt", Answer::Plain(200, "text/vtt", "#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n"));
    scene.site.serve("film.mp4", Answer::File(clips::small()));
    scene.site.serve("page", Answer::Plain(200, "text/html", PAGE))
}

/// Sends the link and presses these buttons, one after the other.
async fn asks(person: &TestUser, link: &str, buttons: &[&str]) {
    person.sends(link).await;
    person.sees("a card", WITHIN, |message| has_button(message, "with subtitles")).await.unwrap();
    for button in buttons {
        chooses(person, button).await;
    }
}

/// Goes back from a question with one button to a question with another.
async fn goes_back(person: &TestUser, from: &str, to: &str) {
    person.sees(from, WITHIN, |message| has_button(message, from)).await.unwrap();
    chooses(person, "Back").await;
    person.sees(to, WITHIN, |message| has_button(message, to) && !has_button(message, from)).await.unwrap();
}

/// The tracks of text of a file that was sent: language and content.
fn tracks(file: &MessageView) -> Vec<(String, String)> {
    let path = &file.media.as_ref().unwrap().path;
    let languages = text_of(
        Command::new("ffprobe").args(["-v", "error", "-select_streams", "s", "-show_entries", "stream_tags=language", "-of", "csv=p=0"]),
        path,
        &[],
    );
    let text = |track: usize| {
        text_of(Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-i"]), path, &["-map", &format!("0:s:{track}"), "-f", "srt", "-"])
    };
    languages.split_whitespace().enumerate().map(|(track, language)| (language.to_owned(), text(track).replace('\r', ""))).collect()
}

fn text_of(command: &mut Command, path: &Path, more: &[&str]) -> String {
    let output = command.arg(path).args(more).output().expect("the ffmpeg programs are installed for tests");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_track_in_the_video_is_another_content() {
    let scene = Scene::new().await;
    let link = page(&scene);
    let _daemon = scene.daemon();
    let (ann, ben) = (scene.person("ann").await, scene.person("ben").await);
    asks(&ann, &link, &["with subtitles", "Deutsch", "to switch on"]).await;
    let video = gets(&ann, "video").await;
    let expected = "1\n00:00:00,200 --> 00:00:01,000\nGrüße\n\n2\n00:00:01,200 --> 00:00:01,800\nZwei\n\n";
    assert_eq!(tracks(&video), [("deu".to_owned(), expected.to_owned())]);
    scene.home.is_clean().await;

    let bytes = scene.site.bytes();
    asks(&ben, &link, &["with subtitles", "Deutsch"]).await;
    goes_back(&ben, "Burnt into", "English").await;
    for button in ["Deutsch", "to switch on"] {
        chooses(&ben, button).await;
    }
    let again = gets(&ben, "video").await;
    assert_eq!(again.media.unwrap().sha256, video.media.unwrap().sha256);
    assert_eq!(scene.site.bytes(), bytes, "it was at Telegram already");
    scene.home.is_clean().await;

    asks(&ben, &link, &["with subtitles", "English"]).await;
    goes_back(&ben, "Burnt into", "English").await;
    goes_back(&ben, "English", "Audio").await;
    chooses(&ben, "Video").await;
    let plain = gets_after(&ben, again.message_id, "video").await;
    assert_eq!(plain.media.unwrap().sha256, sha256(&clips::small()), "without subtitles it is as it was");
    scene.ends_well();
}

#[tokio::test]
async fn a_file_answers_a_video_that_is_the_same_for_all() {
    let scene = Scene::new().await;
    let link = page(&scene);
    let _daemon = scene.daemon();
    let (ann, ben) = (scene.person("ann").await, scene.person("ben").await);
    asks(&ann, &link, &["Video"]).await;
    gets(&ann, "video").await;
    let bytes = scene.site.bytes();
    for (person, language, tag) in [(&ben, "English", "en"), (&ann, "Deutsch", "de")] {
        asks(person, &link, &["with subtitles", language, "As a file"]).await;
        let file = gets(person, "document").await;
        let video = person.messages().into_iter().find(|message| Some(message.message_id) == file.reply_to).unwrap();
        assert_eq!(video.media.unwrap().sha256, sha256(&clips::small()));
        let media = file.media.unwrap();
        assert!(media.file_name.as_deref().unwrap().ends_with(&format!(".{tag}.srt")), "{media:?}");
        let text = std::fs::read_to_string(&media.path).unwrap();
        assert!(text.contains(if tag == "en" { "Hello" } else { "Grüße" }) && text.contains("00:00:00,200 --> 00:00:01,000"), "{text}");
        assert!(file.caption.as_deref().unwrap().contains(language));
        scene.home.is_clean().await;
    }
    assert!(scene.site.bytes() < bytes + 100_000, "the film came once");
    scene.ends_well();
}

#[tokio::test]
async fn burnt_in_they_are_part_of_the_picture() {
    let scene = Scene::logged_in_with("route = { bot_api_max_bytes = 1000 }\n[media]\npreset = \"ultrafast\"").await;
    let link = page(&scene);
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    asks(&ann, &link, &["with subtitles", "English", "Burnt into"]).await;
    let video = gets(&ann, "video").await;
    assert!(tracks(&video).is_empty());
    let media = video.media.unwrap();
    assert_eq!((media.width, media.height), (320, 180));
    // While something is said, the lower part of the picture is another than in the source; afterwards it is the same.
    let difference = |from: &str| {
        let film = clips::small();
        let arguments = ["-v", "info", "-nostdin", "-ss", from, "-t", "0.3", "-i", film.to_str().unwrap(), "-ss", from, "-t", "0.3", "-i"];
        let output = Command::new("ffmpeg")
            .args(arguments)
            .arg(&media.path)
            .args(["-lavfi", "[0:v]crop=iw:ih/3:0:ih*2/3[a];[1:v]crop=iw:ih/3:0:ih*2/3[b];[a][b]psnr", "-f", "null", "-"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let average = said.split("average:").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_else(|| panic!("{said}"));
        average.parse::<f64>().unwrap()
    };
    assert!(difference("0.4") + 3.0 < difference("1.4"), "{} against {}", difference("0.4"), difference("1.4"));
    scene.ends_well();
}

#[tokio::test]
async fn what_is_missing_or_damaged_costs_no_video() {
    let scene = Scene::new().await;
    let link = page(&scene);
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    let mut last = 0;
    for (language, way) in [("Français", "to switch on"), ("Español", "Burnt into"), ("Français", "As a file")] {
        asks(&ann, &link, &["with subtitles", language, way]).await;
        let video = gets_after(&ann, last, "video").await;
        assert_eq!(video.media.as_ref().unwrap().sha256, sha256(&clips::small()));
        let fits = |message: &MessageView| {
            message.reply_to == Some(video.message_id) && message.text.as_deref().is_some_and(|text| text.contains(language))
        };
        last = ann.sees("a word about it", WITHIN, fits).await.unwrap().message_id;
        scene.home.is_clean().await;
    }
    // Mended meanwhile: what was sent without is not taken for what was wished.
    scene.site.serve("gone.vtt", Answer::Plain(200, "text/vtt", GERMAN));
    asks(&ann, &link, &["with subtitles", "Français", "to switch on"]).await;
    assert_eq!(tracks(&gets_after(&ann, last, "video").await).len(), 1);
    scene.ends_well();
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_file_and_a_refusal_no_failure() {
    let scene = Scene::new().await;
    let link = page(&scene);
    scene.telegram.faults().on("sendDocument", When::Nth(1)).gives(Fault::LoseAnswer);
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    asks(&ann, &link, &["with subtitles", "English", "As a file"]).await;
    gets(&ann, "document").await;
    scene.home.is_clean().await;
    let files = ann.messages().into_iter().filter(|message| message.media.as_ref().is_some_and(|media| media.kind == "document")).count();
    assert_eq!(files, 1, "{}", ann.transcript());
    scene.ends_well();
}

#[tokio::test]
async fn a_kill_while_the_file_is_sent_makes_no_second_one() {
    let scene = Scene::new().await;
    let link = page(&scene);
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    asks(&ann, &link, &["with subtitles", "English", "As a file"]).await;
    scene.called("sendDocument", 1).await;
    daemon.kill().await;
    let _daemon = scene.daemon();
    gets(&ann, "document").await;
    scene.home.is_clean().await;
    let of_kind =
        |kind: &str| ann.messages().into_iter().filter(|message| message.media.as_ref().is_some_and(|media| media.kind == kind)).count();
    assert_eq!((of_kind("video"), of_kind("document")), (1, 1), "{}", ann.transcript());
    scene.ends_well();
}

#[tokio::test]
async fn pieces_have_no_tracks_so_a_file_answers_the_first() {
    let scene = Scene::with("route = { bot_api_max_bytes = 5_000_000, above_limits = [\"split\"] }").await;
    let link = page(&scene);
    scene.site.serve("film.mp4", Answer::File(clips::in_short_stretches()));
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    asks(&ann, &link, &["with subtitles", "Deutsch", "to switch on"]).await;
    let file = gets(&ann, "document").await;
    let videos: Vec<_> =
        ann.messages().into_iter().filter(|message| message.media.as_ref().is_some_and(|media| media.kind == "video")).collect();
    assert_eq!((videos.len(), file.reply_to), (3, Some(videos[0].message_id)), "{}", ann.transcript());
    assert!(std::fs::read_to_string(&file.media.unwrap().path).unwrap().contains("Grüße"));
    scene.home.is_clean().await;
    scene.ends_well();
}

#[tokio::test]
async fn the_settings_give_them_without_being_asked() {
    let scene = Scene::with("fetch = { subtitles = [\"de\", \"fr\", \"pt\"] }").await;
    let link = page(&scene);
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    asks(&ann, &link, &["Video"]).await;
    let languages: Vec<String> = tracks(&gets(&ann, "video").await).into_iter().map(|(language, _)| language).collect();
    assert_eq!(languages, ["deu"]);
    scene.home.is_clean().await;
    assert!(!ann.transcript().contains("could not be had"), "nobody asked for the others");
    scene.ends_well();
}

#[tokio::test]
async fn the_command_line_takes_them_out_of_a_file() {
    let scene = Scene::new().await;
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    daemon.stop().await;
    let film = scene.home.folder.path().join("film.mkv");
    let text = scene.home.folder.path().join("en.srt");
    std::fs::write(&text, ENGLISH).unwrap();
    let arguments =
        ["-v", "error", "-nostdin", "-i", clips::small().to_str().unwrap(), "-i", text.to_str().unwrap(), "-map", "0", "-map", "1"]
            .map(str::to_owned);
    let made = Command::new("ffmpeg").args(arguments).args(["-c", "copy", "-metadata:s:s:0", "language=eng"]).arg(&film).status().unwrap();
    assert!(made.success());
    let to = ann.id().to_string();
    let send = async |subtitles: &str| scene.home.run(&["send", film.to_str().unwrap(), "--to", &to, "--subtitles", subtitles], "").await;
    let output = send("en:file").await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(tracks(&gets(&ann, "video").await).len(), 1, "what is in the file stays there");
    let file = gets(&ann, "document").await;
    assert!(std::fs::read_to_string(&file.media.unwrap().path).unwrap().contains("Hello"));
    let output = send("nl:track").await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    reads(&ann, "Nederlands").await;
    let output = send("nl:gif").await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("track, burn or file"));
    scene.ends_well();
}
