//! A browser that nobody here wrote plays what comes out: each kind of result, made by the media step from clips, in Debian's Chromium. In: clips. Out: assertions, by what
//! the browser says and shows. Must not: put up with a file that only FFmpeg plays.
//!
//! Needs what `scripts/setup.sh --dev` installs; without it these tests fail and say so.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tgferry::media::{CutRequest, FitRequest, Format, JoinRequest, Preset, SplitRequest, SubtitlesRequest, SubtitlesWork};
use tgferry::model::{Appearance, Choice, Prepared, ProgressSender, VideoCodec};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::clips::{AAC, FASTSTART, H264, make};
use super::growing::{Source, done, first_bytes};
use super::{Bench, PATIENCE};
use crate::support::site::{Answer, Site};

/// Four seconds of pictures and sound that differ from one moment to the next.
const FILM: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=4"];
const TONE: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=4"];
const LENGTH_S: f64 = 4.0;
/// How far from the length that was said the browser's may be.
const NEAR_S: f64 = 0.1;

/// A result to be played.
struct Item {
    name: String,
    path: PathBuf,
    /// Size of the picture as shown; none for a song.
    size: Option<(u32, u32)>,
    seconds: f64,
    has_sound: bool,
    /// What the browser has to know for it, where not all browsers do.
    needs: Option<&'static str>,
}

/// What was made so far. Each result moves out of the way of the next one.
struct Shelf<'a> {
    bench: &'a Bench,
    items: Vec<Item>,
}

impl Shelf<'_> {
    fn put(&mut self, name: &str, made: &Path, size: Option<(u32, u32)>, seconds: f64, has_sound: bool) -> &mut Item {
        let ending = made.extension().expect("an ending").to_string_lossy();
        let path = self.bench.path(&format!("item-{}.{ending}", self.items.len()));
        std::fs::copy(made, &path).expect("it is copied");
        self.items.push(Item { name: name.to_owned(), path, size, seconds, has_sound, needs: None });
        self.items.last_mut().expect("it was put there")
    }

    /// A video as it goes out, so long as its source.
    fn put_video(&mut self, name: &str, made: &Prepared, seconds: f64) {
        assert_eq!(f64::from(made.duration_s), (seconds - 0.05).ceil(), "{name}: what Telegram is told");
        self.put(name, &made.path, Some((made.width, made.height)), seconds, true);
    }
}

fn cancel() -> CancellationToken {
    CancellationToken::new()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[tokio::test]
async fn every_kind_of_result_plays_in_a_browser() {
    let bench = Bench::new();
    let film = bench.path("film.mp4");
    make(&film, &[FILM, TONE, &["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "25", "-pix_fmt", "yuv420p"], AAC, FASTSTART]);
    let mut shelf = Shelf { bench: &bench, items: Vec::new() };
    videos(&mut shelf, &film).await;
    edited(&mut shelf, &film).await;
    converted(&mut shelf, &film).await;
    other_codecs(&mut shelf, &film).await;
    let told = played(&shelf.items).await;
    assert_eq!(told.len(), shelf.items.len());
    for (item, told) in shelf.items.iter().zip(&told) {
        check(item, told);
    }
}

/// What the daemon sends.
async fn videos(shelf: &mut Shelf<'_>, film: &Path) {
    let bench = shelf.bench;
    let (mkv, turned) = (bench.path("film.mkv"), bench.path("turned.mov"));
    make(&mkv, &[&["-i", text(film), "-c", "copy"]]);
    make(&turned, &[&["-i", text(film), "-c", "copy", "-metadata:s:v", "rotate=90"]]);
    let (vp9, deep) = (bench.path("vp9.webm"), bench.path("deep.mkv"));
    make(&vp9, &[FILM, TONE, &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"]]);
    let hevc = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le", "-c:a", "flac"];
    make(&deep, &[FILM, TONE, &hevc]);
    for (name, input) in [("remux of MKV", &mkv), ("remux of a phone's", &turned), ("transcode of VP9", &vp9), ("of 10 bit HEVC", &deep)] {
        let made = bench.video(input).await;
        let upright = if *input == turned { (180, 320) } else { (320, 180) };
        assert_eq!((made.width, made.height), upright, "{name}");
        shelf.put_video(name, &made, LENGTH_S);
    }

    let noise = bench.path("noise.mp4");
    let rough = ["-f", "lavfi", "-i", "testsrc2=size=480x270:rate=25:duration=4,noise=alls=20:allf=t"];
    make(&noise, &[&rough, TONE, H264, AAC, FASTSTART]);
    let mut request = bench.request(&noise, Choice::Video);
    request.max_bytes = Some(400_000);
    let made = bench.prepare(request).await.expect("it fits");
    assert!(made.size_bytes <= 400_000);
    shelf.put_video("compressed", &made, LENGTH_S);

    let mut source = Source::new(&bench.path("growing.mkv"), &bench.clip("growing.mkv", &[])).await;
    source.give(60).await;
    let request = bench.live("live", &[&source.spool]);
    let preparing = bench.begin(request, vec![source.spool.clone()], &cancel()).await.expect("it begins");
    first_bytes(&preparing.spool).await;
    source.finish().await;
    shelf.put_video("remux of what grew", &done(preparing).await.expect("it is made"), 6.0);

    let whole = bench.video(film).await;
    let folder = bench.path("pieces");
    std::fs::create_dir(&folder).expect("a folder");
    let request = SplitRequest { max_bytes: whole.size_bytes * 2 / 5, whole, folder, max_pieces: 9 };
    let (progress, _watch) = ProgressSender::channel();
    let pieces = bench.media.split(request, &progress, &cancel()).await.expect("pieces");
    assert!(pieces.len() >= 3, "{}", pieces.len());
    let mut all_s = 0.0;
    for (number, piece) in pieces.iter().enumerate() {
        // Whole seconds are all that is said of a piece; key frames stand on them.
        let seconds = f64::from(piece.duration_s);
        shelf.put_video(&format!("piece {}", number + 1), piece, seconds);
        all_s += seconds;
    }
    assert_eq!(all_s, LENGTH_S);
}

/// What `tgferry media` makes with scissors and glue.
async fn edited(shelf: &mut Shelf<'_>, film: &Path) {
    let (bench, size) = (shelf.bench, Some((320, 180)));
    let folder = bench.path("edited");
    std::fs::create_dir(&folder).expect("a folder");
    let (progress, _watch) = ProgressSender::channel();
    let (from, to) = (Duration::from_millis(600), Some(Duration::from_millis(3400)));
    let request = CutRequest { input: film.to_owned(), folder: folder.clone(), from, to };
    let cut = bench.media.cut(request, &progress, &cancel()).await.expect("a cut");
    assert!(cut.copied_pictures > 0 && cut.encoded_pictures > 0, "{cut:?}");
    shelf.put("a cut", &cut.path, size, cut.duration_s, true);
    assert!((cut.duration_s - 2.8).abs() < NEAR_S);

    let (alike, other) = (bench.path("alike.mp4"), bench.path("other.webm"));
    std::fs::copy(film, &alike).expect("it is copied");
    make(&other, &[FILM, TONE, &["-t", "2", "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"]]);
    for (name, second, seconds) in [("joined, copied", alike, 8.0), ("joined, encoded", other, 6.0)] {
        let request = JoinRequest { inputs: vec![film.to_owned(), second], folder: folder.clone() };
        let joined = bench.media.join(request, &progress, &cancel()).await.expect("they are joined");
        assert_eq!(joined.pictures_because.is_none(), seconds == 8.0, "{joined:?}");
        assert!((joined.duration_s - seconds).abs() < NEAR_S, "{name}: {}", joined.duration_s);
        shelf.put(name, &joined.path, size, joined.duration_s, true);
    }

    let words = bench.write("words.srt", b"1\n00:00:00,500 --> 00:00:03,500\nHello\n\n");
    for (name, work) in [("with a track of text", SubtitlesWork::AddTrack), ("with text burnt in", SubtitlesWork::BurnIn)] {
        let file = Some(words.clone());
        let request = SubtitlesRequest { input: film.to_owned(), file, track: None, language: None, work, folder: folder.clone() };
        let made = bench.media.subtitles(request, &progress, &cancel()).await.expect("it is made");
        shelf.put(name, &made, size, LENGTH_S, true);
    }
}

/// Other kinds of files.
async fn converted(shelf: &mut Shelf<'_>, film: &Path) {
    let bench = shelf.bench;
    let formats = [Format::Animation, Format::Round, Format::Webm, Format::Gif, Format::M4a, Format::Mp3, Format::Opus, Format::Voice];
    for format in formats {
        let made = bench.convert(bench.conversion(film, format)).await.unwrap_or_else(|failure| panic!("{format:?}: {failure}"));
        assert!((made.duration_s - LENGTH_S).abs() < NEAR_S, "{format:?}: {}", made.duration_s);
        let has_sound = !matches!(format, Format::Animation | Format::Gif);
        shelf.put(&format!("{format:?}"), &made.path, made.size, made.duration_s, has_sound);
    }
    let small = tgferry::media::ConvertRequest { preset: Some(Preset::Small), ..bench.conversion(film, Format::Mp4) };
    let made = bench.convert(small).await.expect("a video");
    shelf.put("by preset", &made.path, made.size, made.duration_s, true);
}

/// Codecs that not every browser plays.
async fn other_codecs(shelf: &mut Shelf<'_>, film: &Path) {
    let bench = shelf.bench;
    for (codec, needs) in
        [(VideoCodec::Av1, "video/mp4; codecs=\"av01.0.00M.08\""), (VideoCodec::Hevc, "video/mp4; codecs=\"hvc1.1.6.L60.B0\"")]
    {
        let folder = bench.path(&format!("{codec:?}"));
        std::fs::create_dir(&folder).expect("a folder");
        let request = FitRequest { input: film.to_owned(), folder, max_bytes: 120_000, codec, least: Appearance::Poor };
        let fitting = bench.media.plan_to_fit(request, &cancel()).await.expect("it can fit");
        let size = fitting.size;
        let (progress, _watch) = ProgressSender::channel();
        let made = bench.media.fit(fitting, &progress, &cancel()).await.expect("it fits");
        shelf.put(&format!("{codec:?}"), &made, Some(size), LENGTH_S, true).needs = Some(needs);
    }
}

/// What the browser says of each.
async fn played(items: &[Item]) -> Vec<Value> {
    let site = Site::start().await;
    let page = site.serve("page.html", Answer::Plain(200, "text/html", "<!doctype html><title>player</title>"));
    let files: Vec<Value> = items
        .iter()
        .map(|item| {
            let name = item.path.file_name().expect("a name").to_string_lossy();
            let element = match (item.size, name.ends_with("gif")) {
                (_, true) => "img",
                (Some(_), false) => "video",
                (None, false) => "audio",
            };
            let url = site.serve(&name, Answer::File(item.path.clone()));
            json!({ "name": item.name, "url": url, "element": element, "sound": item.has_sound, "needs": item.needs })
        })
        .collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/media/player.py");
    let mut command = Command::new("python3");
    command.arg("-B").arg(script).args([&page, &Value::from(files).to_string()]).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it does not hang").expect("Python starts");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(!complaints.contains("ModuleNotFoundError"), "the browser's driver is not installed: run scripts/setup.sh --dev\n{complaints}");
    assert!(output.status.success(), "{complaints}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

fn check(item: &Item, told: &Value) {
    let name = &item.name;
    assert_eq!(told["name"], *name);
    if told["unable"] == true {
        // Decoders of HEVC come with graphics hardware alone.
        assert!(item.needs.is_some_and(|needs| needs.contains("hvc1")), "{name}: Chromium plays this everywhere");
        return;
    }
    assert_eq!(told["error"], Value::Null, "{name}: {told}");
    if let Some((width, height)) = item.size {
        assert_eq!(told["size"], json!([width, height]), "{name}");
        let colours = told["colours"].as_array().expect("what is seen");
        assert!(!colours.is_empty() && colours.iter().all(|count| count.as_u64() > Some(20)), "{name}: a picture of one colour: {told}");
    }
    if item.path.extension().is_some_and(|ending| ending == "gif") {
        return;
    }
    let near = |told: &Value, expected: f64| told.as_f64().is_some_and(|told| (told - expected).abs() < NEAR_S);
    assert!(near(&told["seconds"], item.seconds), "{name}: it was said to last {} s: {told}", item.seconds);
    assert!(told["played"].as_f64() > Some(0.1), "{name} plays: {told}");
    let sought = told["sought"].as_array().expect("two places");
    assert_eq!((sought.len(), &told["moved"]), (2, &json!(item.size.is_some())), "{name}: another picture elsewhere: {told}");
    for place in sought {
        assert!(near(&place[1], place[0].as_f64().expect("a time")), "{name}: {told}");
        assert!(place[2].as_u64() >= Some(2), "{name}: HAVE_CURRENT_DATA at least: {told}");
    }
    if item.has_sound {
        let heard = &told["heard"];
        assert!(near(&heard["seconds"], item.seconds), "{name}: {told}");
        assert!(heard["begin"].as_f64() > Some(1e-4) && heard["end"].as_f64() > Some(1e-4), "{name}: it is heard: {told}");
    }
}
