//! Subtitles that a film has go with it, whatever is made of it. In: films with tracks of text, files of text. Out: assertions, by what `ffprobe` and `ffmpeg` read. Must not: compare
//! pictures of letters to the pixel.

use std::path::{Path, PathBuf};

use futures::FutureExt;
use serde_json::Value;
use tgferry::media::{GivenSubtitles, Language, TextFile, must_start_over};
use tgferry::model::{Choice, Prepared, ProgressSender};
use tgferry::spool::Spool;
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{AAC, FASTSTART, H264, assert_plays_everywhere, make, packets, probe};
use super::compare::likeness;

const NOISE: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=6,noise=alls=20:allf=t"];
const HUM: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=6"];
const ENGLISH: &str = "1\n00:00:00,500 --> 00:00:01,500\nHello <i>there</i>\n\n2\n00:00:04,200 --> 00:00:05,000\nTwo\nlines\n\n";
const GERMAN: &str = "1\n00:00:00,520 --> 00:00:02,040\nGrüße, мир\n\n";
const FRENCH: &str = "1\n00:00:00,400 --> 00:00:00,900\nÇa va\n\n";

/// A film with a German and an English track of text; the English one is what players show without being asked.
fn film(bench: &Bench, name: &str, codecs: &[&str]) -> PathBuf {
    let (english, german) = (bench.write("english.srt", ENGLISH.as_bytes()), bench.write("german.srt", GERMAN.as_bytes()));
    let texts = ["-i", german.to_str().expect("a path"), "-i", english.to_str().expect("a path")];
    let maps = ["-map", "0:v", "-map", "1:a", "-map", "2:s", "-map", "3:s"];
    let tags = ["-metadata:s:s:0", "language=ger", "-metadata:s:s:1", "language=eng", "-metadata:s:s:1", "title=For the deaf"];
    let shown = ["-disposition:s:0", "0", "-disposition:s:1", "default"];
    let input = bench.path(name);
    let kind: &[&str] = if name.ends_with("mkv") { &["-c:s", "srt"] } else { &["-c:s", "mov_text"] };
    make(&input, &[NOISE, HUM, &texts, &maps, &tags, &shown, kind, codecs, AAC]);
    input
}

/// Language and what is shown without being asked.
fn tracks(path: &Path) -> Vec<(String, bool)> {
    let probed = probe(path);
    let of = |stream: &Value| {
        assert_eq!(stream["codec_name"], "mov_text");
        (stream["tags"]["language"].as_str().unwrap_or_default().to_owned(), stream["disposition"]["default"] == 1)
    };
    probed["streams"].as_array().expect("streams").iter().filter(|stream| stream["codec_type"] == "subtitle").map(of).collect()
}

fn assert_has_both(prepared: &Prepared, input: &Path) {
    assert_plays_everywhere(prepared);
    assert_eq!(tracks(&prepared.path), [("deu".to_owned(), false), ("eng".to_owned(), true)]);
    for track in [0, 1] {
        assert_eq!(srt(&prepared.path, track), srt(input, track));
    }
    assert!(srt(&prepared.path, 0).contains("Grüße, мир") && srt(&prepared.path, 1).contains("<i>there</i>"));
    assert_eq!(prepared.duration_s, 6);
}

fn srt(path: &Path, track: usize) -> String {
    super::subtitles::srt(path, track)
}

fn file(bench: &Bench, name: &str, text: &str, language: &str) -> TextFile {
    TextFile { path: bench.write(name, text.as_bytes()), track: None, language: Language::parse(language) }
}

#[tokio::test]
async fn a_new_container_keeps_them() {
    let bench = Bench::new();
    let input = film(&bench, "film.mkv", H264);
    let prepared = bench.prepare(bench.request(&input, Choice::Video)).await.expect("a video");
    assert_has_both(&prepared, &input);
    let hashes = |path: &Path| packets(path).into_iter().map(|packet| packet.hash).collect::<Vec<_>>();
    assert_eq!(hashes(&prepared.path), hashes(&input), "nothing is encoded");
    assert!(std::fs::read(&prepared.path).expect("it reads").windows(12).any(|bytes| bytes == b"For the deaf"));
}

#[tokio::test]
async fn an_encoded_picture_keeps_them() {
    let bench = Bench::new();
    let input = film(&bench, "film.mkv", &["-c:v", "mpeg4", "-q:v", "5"]);
    assert_has_both(&bench.prepare(bench.request(&input, Choice::Video)).await.expect("a video"), &input);
}

#[tokio::test]
async fn a_bound_of_bytes_keeps_them_and_holds() {
    let bench = Bench::new();
    let input = film(&bench, "film.mkv", H264);
    let mut request = bench.request(&input, Choice::Video);
    request.max_bytes = Some(600_000);
    let prepared = bench.prepare(request.clone()).await.expect("a video");
    assert_has_both(&prepared, &input);
    assert!((582_000..=600_000).contains(&prepared.size_bytes), "{}", prepared.size_bytes);
    // A track that would take what the pictures need is left out; the other stays.
    let talk: String = (0..2000)
        .map(|line| format!("{}\n00:00:00,{:03} --> 00:00:05,000\nAll that is ever said, {line}\n\n", line + 1, line / 2))
        .collect();
    let chatty = bench.path("chatty.mkv");
    let talk = bench.write("talk.srt", talk.as_bytes());
    let texts = ["-i", input.to_str().expect("a path"), "-i", talk.to_str().expect("a path")];
    make(&chatty, &[&texts, &["-map", "0:v", "-map", "0:a", "-map", "1:s", "-map", "0:s:1", "-c", "copy"]]);
    request.inputs = vec![chatty];
    let prepared = bench.prepare(request).await.expect("a video");
    assert_plays_everywhere(&prepared);
    assert!((582_000..=600_000).contains(&prepared.size_bytes), "{}", prepared.size_bytes);
    assert_eq!(srt(&prepared.path, 0), srt(&input, 1));
}

#[tokio::test]
async fn what_is_made_while_it_comes_has_them_too() {
    let bench = Bench::new();
    for name in ["film.mkv", "film.mp4"] {
        let input = film(&bench, name, H264);
        let mut made = Vec::new();
        for folder in ["first", "second"] {
            let spool = Spool::whole(&input).await.expect("it is there");
            let mut request = bench.request(&input, Choice::Video);
            request.folder = bench.path(&format!("{name}-{folder}"));
            std::fs::create_dir_all(&request.folder).expect("the job's folder");
            let (progress, _watch) = ProgressSender::channel();
            let turn = async { Ok(std::sync::Arc::new(tokio::sync::Semaphore::new(1)).acquire_owned().await.expect("it is open")) }.boxed();
            let preparing = bench.media.begin(request, vec![spool], turn, &progress, &CancellationToken::new()).await.expect("it begins");
            let prepared = preparing.done.await.expect("a video");
            assert_has_both(&prepared, &input);
            made.push(std::fs::read(&prepared.path).expect("it reads"));
        }
        assert!(made[0] == made[1], "{name}: a second run makes the same");
        assert!(made[0].windows(4).any(|kind| kind == b"free"), "{name}: there was room left for the index");
    }
}

#[tokio::test]
async fn lines_that_overlap_are_seen_together() {
    let bench = Bench::new();
    let input = film(&bench, "film.mkv", H264);
    let speakers = "1\n00:00:01,000 --> 00:00:03,000\nOne\n\n2\n00:00:02,000 --> 00:00:04,000\nAnother\n\n3\n00:00:05,000 --> 00:00:09,000\nThe last\n\n";
    let expected = "1\n00:00:01,000 --> 00:00:02,000\nOne\n\n2\n00:00:02,000 --> 00:00:03,000\nOne\nAnother\n\n\
                    3\n00:00:03,000 --> 00:00:04,000\nAnother\n\n4\n00:00:05,000 --> 00:00:06,0";
    let mut request = bench.request(&input, Choice::Video);
    request.subtitles = GivenSubtitles { tracks: vec![file(&bench, "speakers.srt", speakers, "fr")], burn: None };
    let prepared = bench.prepare(request).await.expect("a video");
    assert_plays_everywhere(&prepared);
    let text = srt(&prepared.path, 0);
    assert!(text.starts_with(expected) && text.ends_with("The last\n\n"), "{text}");
    // The same from a track of the film.
    let (speakers, both) = (bench.path("speakers.srt"), bench.path("both.mkv"));
    let texts = ["-i", input.to_str().expect("a path"), "-i", speakers.to_str().expect("a path")];
    make(&both, &[&texts, &["-map", "0:v", "-map", "0:a", "-map", "1:s", "-c", "copy"]]);
    let prepared = bench.prepare(bench.request(&both, Choice::Video)).await.expect("a video");
    assert_plays_everywhere(&prepared);
    let kept = srt(&prepared.path, 0);
    assert_eq!(
        kept.lines().filter(|line| line.starts_with(['O', 'A', 'T'])).collect::<Vec<_>>(),
        ["One", "One", "Another", "Another", "The last"]
    );
}

#[tokio::test]
async fn more_lines_than_anybody_expects_are_made_from_the_whole() {
    let bench = Bench::new();
    let input = film(&bench, "film.mkv", H264);
    let time = |ms: u32| format!("00:00:0{},{:03}", ms / 1000, ms % 1000);
    let talk: String = (0..5000).map(|line| format!("{}\n{} --> {}\nWord {line}\n\n", line + 1, time(line), time(line + 1))).collect();
    let (talk, chatty) = (bench.write("talk.srt", talk.as_bytes()), bench.path("chatty.mkv"));
    let texts = ["-i", input.to_str().expect("a path"), "-i", talk.to_str().expect("a path")];
    make(&chatty, &[&texts, &["-map", "0", "-map", "1:s", "-c", "copy"]]);
    let mut request = bench.request(&chatty, Choice::Video);
    for turn in ["while it comes", "from the whole"] {
        let (progress, _watch) = ProgressSender::channel();
        let turn_taken =
            async { Ok(std::sync::Arc::new(tokio::sync::Semaphore::new(1)).acquire_owned().await.expect("it is open")) }.boxed();
        let inputs = vec![Spool::whole(&chatty).await.expect("it is there")];
        let preparing =
            bench.media.begin(request.clone(), inputs, turn_taken, &progress, &CancellationToken::new()).await.expect("it begins");
        let made = preparing.done.await;
        if turn == "while it comes" {
            assert!(must_start_over(&made.expect_err("the index has too little room")));
        } else {
            let prepared = made.expect("a video");
            assert_plays_everywhere(&prepared);
            assert_eq!(srt(&prepared.path, 2).matches("Word ").count(), 5000);
        }
    }
    request.folder = bench.path("another");
    std::fs::create_dir_all(&request.folder).expect("a folder");
    assert_plays_everywhere(&bench.prepare(request).await.expect("whole from the start"));
}

#[tokio::test]
async fn a_file_becomes_a_track_in_front_or_part_of_the_picture() {
    let bench = Bench::new();
    let input = bench.path("plain.mp4");
    make(&input, &[NOISE, HUM, H264, AAC, FASTSTART]);
    let mut request = bench.request(&input, Choice::Video);
    request.subtitles = GivenSubtitles { tracks: vec![file(&bench, "french.srt", FRENCH, "fr")], burn: None };
    let prepared = bench.prepare(request.clone()).await.expect("a video");
    assert_plays_everywhere(&prepared);
    assert_eq!((tracks(&prepared.path), srt(&prepared.path, 0)), (vec![("fra".to_owned(), false)], FRENCH.to_owned()));
    assert_eq!(packets(&prepared.path), packets(&input), "nothing is encoded");

    request.inputs = vec![film(&bench, "film.mkv", H264)];
    let prepared = bench.prepare(request.clone()).await.expect("a video");
    assert_eq!(tracks(&prepared.path).iter().map(|(language, _)| language.as_str()).collect::<Vec<_>>(), ["fra", "deu", "eng"]);

    request.inputs = vec![input.clone()];
    request.subtitles =
        GivenSubtitles { tracks: Vec::new(), burn: Some(file(&bench, "late.srt", "1\n00:00:04,000 --> 00:00:06,000\nWWWW WWWW\n", "en")) };
    for max_bytes in [None, Some(600_000)] {
        request.max_bytes = max_bytes;
        let prepared = bench.prepare(request.clone()).await.expect("a video");
        assert_plays_everywhere(&prepared);
        assert!(tracks(&prepared.path).is_empty());
        assert!(max_bytes.is_none_or(|max_bytes| prepared.size_bytes <= max_bytes));
        let likeness = likeness(&prepared.path, &input, 0);
        let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        assert!(average(&likeness[105..145]) + 0.5 < average(&likeness[5..95]), "{max_bytes:?}: letters change the picture: {likeness:?}");
    }
}
