//! `tgferry media cut|split|thumb` as people run them: what they write, what they say, what they refuse.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::clips;

/// Runs a command in a folder, with no settings of anybody.
pub fn media(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tgferry"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(folder);
    command.arg("media").args(arguments).output().expect("it starts")
}

/// What it says if all goes well.
pub fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = media(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// It is refused with these words and a hint, and leaves nothing behind.
pub fn refused(folder: &Path, arguments: &[&str], words: &str) {
    let before = names(folder);
    let output = media(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(said.contains(words) && said.contains("hint: "), "{arguments:?}: {said}");
    assert_eq!(names(folder), before, "{arguments:?}");
}

/// What lies in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn folder_with(source: &Path, name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(source, folder.path().join(name)).expect("a copy");
    folder
}

#[test]
fn a_range_is_cut_out() {
    let folder = folder_with(&clips::small(), "film.mp4");
    let path = folder.path();
    let text = said(path, &["cut", "film.mp4", "--from", "0.4", "--to", "0:01.6"]);
    assert!(text.starts_with("film.cut.mp4: 0:01.20, ") && text.contains("frames"), "{text}");
    let probed = said(path, &["probe", "film.cut.mp4"]);
    assert!(probed.contains("1.20 s") && probed.contains("aac"), "{probed}");
    let text = said(path, &["cut", "film.mp4", "--from", "1s", "-o", "end.mp4"]);
    assert!(text.starts_with("end.mp4: 0:01.0"), "{text}");
    assert_eq!(names(path), ["end.mp4", "film.cut.mp4", "film.mp4"]);
    refused(path, &["cut", "film.mp4", "--from", "1s", "-o", "end.mp4"], "end.mp4 is there already");
    refused(path, &["cut", "film.mp4", "--from", "3", "-o", "a.mp4"], "ends after 0:02.0");
    refused(path, &["cut", "film.mp4", "--from", "1", "--to", "1", "-o", "a.mp4"], "ends before it begins");
    refused(path, &["cut", "film.mp4", "--from", "1.005", "--to", "1.015", "-o", "a.mp4"], "no frame begins between");
    refused(path, &["cut", "other.mp4", "--from", "1"], "other.mp4: ");
    refused(path, &["cut", "film.mp4", "--from", "1", "-o", "nowhere/a.mp4"], "nowhere: ");
    for wrong in [&["cut", "film.mp4", "-o", "a.mp4"][..], &["cut", "film.mp4", "--from", "noon", "-o", "a.mp4"]] {
        assert_eq!(media(path, wrong).status.code(), Some(1), "{wrong:?}");
    }
}

#[test]
fn a_file_is_split_into_parts() {
    let folder = folder_with(&clips::in_short_stretches(), "film.mp4");
    let path = folder.path();
    let text = said(path, &["split", "film.mp4", "--max-size", "5M", "-o", "parts"]);
    assert_eq!(text.lines().count(), 3, "{text}");
    assert_eq!(names(&path.join("parts")), ["film (1 of 3).mp4", "film (2 of 3).mp4", "film (3 of 3).mp4"]);
    for name in names(&path.join("parts")) {
        assert!(std::fs::metadata(path.join("parts").join(name)).expect("it is there").len() <= 5_000_000);
    }
    refused(path, &["split", "film.mp4", "--max-size", "5M", "-o", "parts"], "is there already");
    refused(path, &["split", "film.mp4", "--max-size", "50M"], "no more than a part may have");
    refused(path, &["split", "film.mp4", "--max-size", "100k"], "can't be cut into at most 50 parts");
}

#[test]
fn files_are_joined() {
    let folder = folder_with(&clips::small(), "one.mp4");
    let path = folder.path();
    std::fs::copy(clips::small(), path.join("other.mp4")).expect("a copy");
    std::fs::copy(clips::song(), path.join("song.mp3")).expect("a copy");
    let text = said(path, &["join", "one.mp4", "other.mp4", "-o", "both.mp4"]);
    assert!(text.starts_with("both.mp4: 0:04.0") && !text.contains("encoded"), "{text}");
    let text = said(path, &["join", "song.mp3", "song.mp3"]);
    assert!(text.starts_with("song.joined.m4a: 0:06.") && text.contains("sound was encoded: "), "{text}");
    refused(path, &["join", "one.mp4", "song.mp3"], "song.mp3 is a song, and what stands before is not");
    refused(path, &["join", "one.mp4", "other.mp4", "-o", "both.mp4"], "both.mp4 is there already");
    assert_eq!(media(path, &["join", "one.mp4"]).status.code(), Some(1), "one alone is no joining");
}

#[test]
fn subtitles_are_added_taken_out_and_burnt_in() {
    let folder = folder_with(&clips::small(), "film.mp4");
    let path = folder.path();
    std::fs::write(path.join("en.srt"), "1\n00:00:00,500 --> 00:00:01,000\nHello\n\n").expect("a file");
    std::fs::write(path.join("old.srt"), b"1\n00:00:00,500 --> 00:00:01,000\nGr\xfc\xdfe\n\n").expect("a file");
    let text = said(path, &["subs", "film.mp4", "--track", "en.srt", "--lang", "en"]);
    assert!(text.starts_with("film.subtitled.mp4: "), "{text}");
    assert!(said(path, &["probe", "film.subtitled.mp4"]).contains("subtitle mov_text eng"));
    let text = said(path, &["subs", "film.subtitled.mp4", "--lang", "eng", "--extract", "-o", "out.srt"]);
    assert!(text.starts_with("out.srt: "), "{text}");
    assert_eq!(std::fs::read(path.join("out.srt")).expect("it reads"), std::fs::read(path.join("en.srt")).expect("it reads"));
    let text = said(path, &["subs", "film.subtitled.mp4", "--burn", "-o", "burnt.mp4"]);
    assert!(text.starts_with("burnt.mp4: "), "{text}");
    refused(path, &["subs", "film.mp4", "--extract"], "there are no subtitles in film.mp4");
    refused(path, &["subs", "film.subtitled.mp4", "--extract", "--lang", "fr"], "there are no subtitles in fra");
    refused(path, &["subs", "film.mp4", "--track", "old.srt", "-o", "a.mp4"], "old.srt is not in UTF-8");
    refused(path, &["subs", "film.mp4", "--track", "none.srt", "-o", "a.mp4"], "none.srt: ");
    std::fs::write(path.join("empty.srt"), "").expect("a file");
    refused(path, &["subs", "film.mp4", "--track", "empty.srt", "-o", "a.mp4"], "empty.srt");
    for wrong in [
        &["subs", "film.mp4", "-o", "a.mp4"][..],
        &["subs", "film.mp4", "--extract", "--lang", "english", "-o", "a.mp4"],
        &["subs", "film.mp4", "--extract", "--track", "en.srt", "-o", "a.mp4"],
    ] {
        assert_eq!(media(path, wrong).status.code(), Some(1), "{wrong:?}");
    }
}

#[test]
fn a_picture_is_made() {
    let folder = folder_with(&clips::small(), "film.mp4");
    let path = folder.path();
    let text = said(path, &["thumb", "film.mp4"]);
    assert!(text.starts_with("film.jpg: 320 x 180, "), "{text}");
    let text = said(path, &["thumb", "film.mp4", "--at", "1.5", "--full", "-o", "frame.jpg"]);
    assert!(text.starts_with("frame.jpg: 320 x 180, "), "{text}");
    assert_eq!(names(path), ["film.jpg", "film.mp4", "frame.jpg"]);
    refused(path, &["thumb", "film.mp4", "--at", "5", "-o", "a.jpg"], "ends after 0:02.0");
    std::fs::copy(clips::song(), path.join("song.mp3")).expect("a copy");
    refused(path, &["thumb", "song.mp3"], "there is no picture in song.mp3");
}
