//! `tgferry media …` as a person types it. In: files in a folder of one's own. Out: what is said, and what lies there afterwards. Must not: reach
//! into the program.

use std::path::PathBuf;

use serde_json::Value;

use super::clips::{AAC, FASTSTART, H264, PICTURE, TONE, assert_decodes, make, probe, stream};
use crate::support::daemon::Home;

const NOISE: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=4,noise=alls=20:allf=t"];

/// A folder with a clip in it.
fn home() -> (Home, PathBuf) {
    let home = Home::new("[media]\npreset = \"ultrafast\"\nthreads = 2\n");
    let clip = home.folder.path().join("clip.mp4");
    make(&clip, &[PICTURE, TONE, H264, AAC, FASTSTART]);
    (home, clip)
}

fn names(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(home.folder.path()).expect("the folder");
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Ran well: what it said on standard output.
async fn says(home: &Home, arguments: &[&str]) -> String {
    let output = home.run(&[&["media"], arguments].concat(), "").await;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Refused as the user's to mend: what it said on standard error, which has a hint.
async fn refuses(home: &Home, arguments: &[&str]) -> String {
    let output = home.run(&[&["media"], arguments].concat(), "").await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(said.contains("hint: "), "{arguments:?}: {said}");
    said
}

#[tokio::test]
async fn probe_says_what_a_file_is() {
    let (home, _) = home();
    let said = says(&home, &["probe", "clip.mp4"]).await;
    for expected in ["mov,mp4", "2.00 s", "h264, 320 x 180, 25 frames a second", "aac, 2 channels, 48000 Hz", "index in front"] {
        assert!(said.contains(expected), "{expected} in\n{said}");
    }
    let json: Value = serde_json::from_str(&says(&home, &["probe", "clip.mp4", "--json"]).await).expect("JSON");
    assert_eq!((json["video"]["codec"].as_str(), json["index_in_front"].as_bool()), (Some("h264"), Some(true)));
    std::fs::write(home.folder.path().join("notes.txt"), "no media").expect("it is written");
    std::fs::write(home.folder.path().join("nothing.mp4"), "").expect("it is written");
    for (file, expected) in [("absent.mp4", "absent.mp4 is no file"), ("notes.txt", "is no media"), ("nothing.mp4", "is empty")] {
        let said = refuses(&home, &["probe", file]).await;
        assert!(said.contains(expected), "{file}: {said}");
    }
}

#[tokio::test]
async fn compress_makes_it_fit_or_says_why_not() {
    let (home, _) = home();
    make(&home.folder.path().join("noise.mp4"), &[NOISE, H264, FASTSTART]);
    let said = says(&home, &["compress", "noise.mp4", "--to", "400K"]).await;
    assert!(said.contains("at most 400") && said.contains("it will look") && said.contains("noise.small.mp4: "), "{said}");
    let result = home.folder.path().join("noise.small.mp4");
    let size_bytes = std::fs::metadata(&result).expect("the result").len();
    assert!((380_000..=400_000).contains(&size_bytes), "{size_bytes}");
    assert_eq!(names(&home), ["clip.mp4", "noise.mp4", "noise.small.mp4", "tgferry.toml"], "nothing else is left");
    for (file, expected) in [("noise.mp4", "slide show"), ("absent.mp4", "absent.mp4")] {
        let said = refuses(&home, &["compress", file, "--to", "6K", "-o", "tiny.mp4"]).await;
        assert!(said.contains(expected), "{said}");
    }
    // Neither the source nor what came of it before is overwritten.
    let before = ["noise.mp4", "noise.small.mp4"].map(|name| std::fs::read(home.folder.path().join(name)).expect("it reads"));
    let again: [&[&str]; 2] = [&["noise.mp4", "--to", "300K"], &["noise.mp4", "--to", "400K", "-o", "noise.mp4"]];
    for (arguments, expected) in again.into_iter().zip(["noise.small.mp4 is there already", "noise.mp4 is there already"]) {
        let said = refuses(&home, &[&["compress"], arguments].concat()).await;
        assert!(said.contains(expected) && said.contains("--output"), "{said}");
    }
    assert!(before == ["noise.mp4", "noise.small.mp4"].map(|name| std::fs::read(home.folder.path().join(name)).expect("it reads")));
    let output = home.run(&["media", "compress", "noise.mp4", "--to", "soon"], "").await;
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("is no size"));
}

#[tokio::test]
async fn convert_says_what_it_copied_and_what_it_encoded() {
    let (home, _) = home();
    let said = says(&home, &["convert", "clip.mp4", "--to", "mkv"]).await;
    assert!(said.starts_with("clip.mkv: ") && said.contains("2.0 s, 320 x 180, picture copied, sound copied"), "{said}");
    let said = says(&home, &["convert", "clip.mkv", "--to", "voice"]).await;
    assert!(said.starts_with("clip.ogg: ") && said.contains("sound encoded") && !said.contains("picture"), "{said}");
    let said = says(&home, &["convert", "clip.mp4", "--to", "mp4", "--preset", "small", "--loudness"]).await;
    assert!(said.starts_with("clip.small.mp4: ") && said.contains("picture encoded, sound encoded"), "{said}");
    std::fs::create_dir(home.folder.path().join("out")).expect("a folder");
    says(&home, &["convert", "clip.mp4", "--to", "gif", "-o", "out/moving.gif"]).await;
    let made = probe(&home.folder.path().join("out/moving.gif"));
    assert_eq!(stream(&made, "video").expect("a picture")["codec_name"], "gif");
    assert_eq!(names(&home), ["clip.mkv", "clip.mp4", "clip.ogg", "clip.small.mp4", "out", "tgferry.toml"], "nothing else is left");
}

#[tokio::test]
async fn hardware_that_is_not_there_is_told_of_and_done_without() {
    for hardware in ["auto", "nvenc", "qsv", "vaapi"] {
        let home = Home::new(&format!("[media]\npreset = \"ultrafast\"\nhardware = \"{hardware}\"\n"));
        make(&home.folder.path().join("clip.mp4"), &[PICTURE, H264]);
        let output = home.run(&["--log", "debug", "media", "convert", "clip.mp4", "--to", "mp4", "--preset", "balanced"], "").await;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{hardware}: {said}");
        let result = home.folder.path().join("clip.balanced.mp4");
        assert_eq!(stream(&probe(&result), "video").expect("a picture")["codec_name"], "h264");
        assert_decodes(&result);
        let bytes = std::fs::read(&result).expect("it reads");
        let by_libx264 = bytes.windows(11).any(|window| window == b"x264 - core");
        // On a machine that has it, it is used.
        let told = said.contains("libx264 encodes") || said.contains("libx264 does if no other can");
        assert!(by_libx264 && told || !by_libx264 && said.contains(" encodes"), "{hardware}: {by_libx264} {said}");
    }
}

#[tokio::test]
async fn convert_overwrites_nothing_and_says_what_is_missing() {
    let (home, clip) = home();
    let before = std::fs::read(&clip).expect("it reads");
    make(&home.folder.path().join("silent.mp4"), &[PICTURE, H264]);
    make(&home.folder.path().join("song.mp3"), &[TONE, &["-c:a", "libmp3lame"]]);
    make(&home.folder.path().join("long.mp4"), &[&["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=2:duration=70"], H264]);
    let all = names(&home);
    let table: [(&[&str], &str); 8] = [
        (&["convert", "clip.mp4", "--to", "mp4"], "clip.mp4 is there already"),
        (&["convert", "clip.mp4", "--to", "gif", "-o", "song.mp3"], "song.mp3 is there already"),
        (&["convert", "silent.mp4", "--to", "mp3"], "there is no sound in it"),
        (&["convert", "song.mp3", "--to", "webm"], "there is no video in it"),
        (&["convert", "long.mp4", "--to", "round"], "it is 70 s long; it may be 60 s at most"),
        (&["convert", "absent.mp4", "--to", "gif"], "absent.mp4 is no file"),
        (&["convert", "clip.mp4", "--to", "mkv", "--cover", "song.mp3"], "only songs have a cover"),
        (&["convert", "clip.mp4", "--to", "gif", "--loudness"], "there will be no sound in it"),
    ];
    for (arguments, expected) in table {
        let said = refuses(&home, arguments).await;
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    assert_eq!(names(&home), all);
    assert_eq!(std::fs::read(&clip).expect("it reads"), before);
    let output = home.run(&["media", "convert", "clip.mp4", "--to", "betamax"], "").await;
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("animation"), "the formats are named");
}
