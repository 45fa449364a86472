//! Subtitles that are pictures: of Blu-rays (PGS), DVDs and broadcasts (DVB). In: films of one grey, PGS written here byte by byte. Out: assertions by colours of frames, as the
//! `ffmpeg` program decodes them. Must not: trust what the product says of itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use tgferry::media::{Language, SubtitlesRequest, SubtitlesWork, subtitles_tracks, track_to_burn_in};
use tgferry::model::{Failure, ProgressSender, Reason};
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{H264, assert_decodes, make, probe, stream};
use super::compare::frames;
use crate::support::daemon::Home;

/// What Blu-rays are drawn on; the films here are a third of it, or less.
const CANVAS: (u16, u16) = (1920, 1080);
const FILM: &[&str] = &["-f", "lavfi", "-i", "color=gray:size=640x360:rate=25:duration=4"];
/// Luma, and red and blue as they differ from it (BT.709).
const RED: [u8; 3] = [63, 240, 102];
const BLUE: [u8; 3] = [32, 118, 240];

/// A bar of one colour, and when it is seen.
struct Bar {
    from_s: f64,
    to_s: f64,
    /// Left and upper edge, width and height on the canvas.
    place: (u16, u16, u16, u16),
    colour: [u8; 3],
}

/// One segment of a `.sup` file: `PG`, two times that count 90,000ths, a kind, a length
/// (<https://github.com/FFmpeg/FFmpeg/blob/master/libavformat/supdec.c>).
fn segment(at_s: f64, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = b"PG".to_vec();
    bytes.extend(((at_s * 90_000.0).round() as u32).to_be_bytes());
    bytes.extend([0; 4]);
    bytes.push(kind);
    bytes.extend(u16::try_from(body.len()).expect("it is short").to_be_bytes());
    bytes.extend(body);
    bytes
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// What is shown from then on: composition, window, palette, object, end; or nothing. The order and the fields of segments: US 2009/0185789 A1.
fn composition(number: u16, at_s: f64, bar: Option<&Bar>) -> Vec<u8> {
    let [composition, window, palette, object_kind, end] = [0x16, 0x17, 0x14, 0x15, 0x80];
    let be = u16::to_be_bytes;
    let (left, top, width, height) = bar.map_or((0, 0, 8, 8), |bar| bar.place);
    // Size of the canvas, frame rate, number, "all begins anew", no change of the palette, palette 0, objects; then the object and its place.
    let begins = if bar.is_some() { 0x80 } else { 0 };
    let head = joined(&[&be(CANVAS.0), &be(CANVAS.1), &[0x10], &be(number), &[begins, 0, 0, u8::from(bar.is_some())]]);
    let object = bar.map_or(Vec::new(), |_| joined(&[&[0, 0, 0, 0], &be(left), &be(top)]));
    let mut bytes = segment(at_s, composition, &joined(&[&head, &object]));
    bytes.extend(segment(at_s, window, &joined(&[&[1, 0], &be(left), &be(top), &be(width), &be(height)])));
    if let Some(bar) = bar {
        bytes.extend(segment(at_s, palette, &joined(&[&[0, 0, 1], &bar.colour, &[255]])));
        // Each line: so many pixels of colour 1, end of the line.
        let line = joined(&[&[0], &be(0xc000 | width), &[1, 0, 0]]);
        let pixels = line.repeat(usize::from(height));
        let length = u32::try_from(pixels.len() + 4).expect("it is short").to_be_bytes();
        bytes.extend(segment(at_s, object_kind, &joined(&[&[0, 0, 0, 0xc0], &length[1..], &be(width), &be(height), &pixels])));
    }
    bytes.extend(segment(at_s, end, &[]));
    bytes
}

fn sup(bench: &Bench, name: &str, bars: &[Bar]) -> PathBuf {
    // Nothing at the start, so that the film's clock and this one are the same.
    let mut bytes = composition(0, 0.0, None);
    for (number, bar) in (1..).step_by(2).zip(bars) {
        bytes.extend(composition(number, bar.from_s, Some(bar)));
        bytes.extend(composition(number + 1, bar.to_s, None));
    }
    bench.write(name, &bytes)
}

const LOW: (u16, u16, u16, u16) = (480, 810, 960, 108);
const HIGH: (u16, u16, u16, u16) = (480, 108, 960, 108);

/// A film with subtitles in English, which stand low, red, and in German, which stand high, blue.
fn film(bench: &Bench) -> PathBuf {
    let english = sup(bench, "english.sup", &[Bar { from_s: 1.0, to_s: 2.0, place: LOW, colour: RED }]);
    let both = [(0.5, 1.5), (3.0, 3.6)].map(|(from_s, to_s)| Bar { from_s, to_s, place: HIGH, colour: BLUE });
    let german = sup(bench, "german.sup", &both);
    let film = bench.path("film.mkv");
    let inputs = ["-i", english.to_str().expect("UTF-8"), "-i", german.to_str().expect("UTF-8")];
    let maps = ["-map", "0:v", "-map", "1:s", "-map", "2:s", "-c:s", "copy"];
    let tags = ["-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=ger", "-metadata:s:s:1", "title=Untertitel"];
    make(&film, &[FILM, &inputs, &maps, &tags, H264]);
    film
}

async fn burn(bench: &Bench, input: &Path, language: Option<&str>) -> Result<PathBuf, Failure> {
    work(bench, input, language, SubtitlesWork::BurnIn).await
}

async fn work(bench: &Bench, input: &Path, language: Option<&str>, work: SubtitlesWork) -> Result<PathBuf, Failure> {
    let folder = bench.path("job");
    std::fs::create_dir_all(&folder).expect("the job's folder");
    let language = language.and_then(Language::parse);
    let info = bench.media.probe(input, &CancellationToken::new()).await.expect("it reads");
    let track = track_to_burn_in(&info, language.as_ref());
    let request = SubtitlesRequest { input: input.to_owned(), file: None, track, language, work, folder };
    let (progress, _watch) = ProgressSender::channel();
    bench.media.subtitles(request, &progress, &CancellationToken::new()).await
}

/// Red, green and blue in the middle of a place of the canvas, in the frame that is shown then.
fn colour(film: &Path, at_s: f64, (left, top, width, height): (u16, u16, u16, u16)) -> [u8; 3] {
    let of = |place: u16, length: u16, all: u16| (f64::from(place) + f64::from(length) / 2.0) / f64::from(all);
    let (x, y) = (of(left, width, CANVAS.0), of(top, height, CANVAS.1));
    let filter = format!("crop=8:8:iw*{x}-4:ih*{y}-4,scale=1:1:flags=area,format=rgb24");
    let output = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-nostdin", "-i"])
        .arg(film)
        .args(["-ss", &at_s.to_string(), "-vf", &filter, "-frames:v", "1", "-f", "rawvideo", "-"])
        .output()
        .expect("the ffmpeg program is installed for tests");
    output.stdout.try_into().unwrap_or_else(|_| panic!("no picture at {at_s}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn is_red([red, green, blue]: [u8; 3]) -> bool {
    red > 180 && green < 90 && blue < 90
}

fn is_blue([red, green, blue]: [u8; 3]) -> bool {
    blue > 150 && red < 90 && green < 90
}

fn is_grey(colour: [u8; 3]) -> bool {
    colour.iter().all(|part| part.abs_diff(128) < 20)
}

#[tokio::test]
async fn what_is_written_here_is_pgs() {
    let bench = Bench::new();
    let film = film(&bench);
    let probed = probe(&film);
    let subtitles = stream(&probed, "subtitle").expect("a track");
    assert_eq!((subtitles["codec_name"].as_str(), subtitles["width"].as_u64()), (Some("hdmv_pgs_subtitle"), Some(1920)));
    // Laid over the film by the ffmpeg program itself: the colours are those that are looked for below.
    let reference = bench.path("reference.mp4");
    make(&reference, &[&["-i", film.to_str().expect("UTF-8"), "-filter_complex", "[0:s:0]scale=640:360[over];[0:v][over]overlay"], H264]);
    assert!(is_red(colour(&reference, 1.5, LOW)), "{:?}", colour(&reference, 1.5, LOW));
    assert!(is_grey(colour(&reference, 0.5, LOW)) && is_grey(colour(&reference, 2.5, LOW)));
}

#[tokio::test]
async fn pictures_are_laid_over_the_film_while_they_are_meant_to_be_seen() {
    let bench = Bench::new();
    let film = film(&bench);
    let info = bench.media.probe(&film, &CancellationToken::new()).await.expect("it reads");
    let tracks: Vec<_> = subtitles_tracks(&info).into_iter().map(|track| (track.number, track.language, track.is_text)).collect();
    assert_eq!(tracks, [(1, Language::parse("eng"), false), (2, Language::parse("ger"), false)]);

    let made = burn(&bench, &film, Some("en")).await.expect("a film");
    assert_decodes(&made);
    assert_eq!(frames(&made).len(), 100, "each frame once");
    for (at_s, seen) in [(0.1, false), (0.92, false), (1.0, true), (1.5, true), (1.96, true), (2.04, false), (3.9, false)] {
        let found = colour(&made, at_s, LOW);
        assert!(if seen { is_red(found) } else { is_grey(found) }, "{at_s}: {found:?}");
        assert!(is_grey(colour(&made, at_s, HIGH)), "{at_s}: nothing stands elsewhere");
    }

    let made = burn(&bench, &film, Some("de")).await.expect("a film");
    for (at_s, seen) in [(0.44, false), (0.52, true), (1.44, true), (1.56, false), (2.96, false), (3.04, true), (3.64, false)] {
        let found = colour(&made, at_s, HIGH);
        assert!(if seen { is_blue(found) } else { is_grey(found) }, "{at_s}: {found:?}");
        assert!(is_grey(colour(&made, at_s, LOW)), "{at_s}: nothing stands elsewhere");
    }
    let left: Vec<_> = std::fs::read_dir(bench.path("job")).expect("the folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["burnt-in.mp4"]);
}

#[tokio::test]
async fn those_of_discs_and_broadcasts_are_laid_over_it_too() {
    let bench = Bench::new();
    let pgs = film(&bench);
    let source = ["-i", pgs.to_str().expect("UTF-8"), "-map", "0:v", "-map", "0:s:0", "-c:v", "copy", "-c:s"];
    for (name, codec) in [("dvd.mkv", "dvdsub"), ("broadcast.ts", "dvbsub")] {
        let input = bench.path(name);
        make(&input, &[&source, &[codec]]);
        let made = burn(&bench, &input, None).await.unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_decodes(&made);
        assert!(is_grey(colour(&made, 0.8, LOW)), "{name}: {:?}", colour(&made, 0.8, LOW));
        assert!(is_red(colour(&made, 1.6, LOW)), "{name}: {:?}", colour(&made, 1.6, LOW));
        assert!(is_grey(colour(&made, 1.6, HIGH)), "{name}");
    }
}

#[tokio::test]
async fn there_is_no_text_in_pictures() {
    let bench = Bench::new();
    let film = film(&bench);
    for what in [SubtitlesWork::Extract, SubtitlesWork::AddTrack] {
        let failure = work(&bench, &film, None, what).await.expect_err("there is no text");
        assert_eq!(failure.reason, Reason::Empty, "{what:?}: {failure}");
    }
}

#[tokio::test]
async fn the_command_line_says_what_can_be_done_with_them() {
    let (home, bench) = (Home::new("[media]\npreset = \"ultrafast\"\n"), Bench::new());
    let english = bench.write("english.srt", b"1\n00:00:00,500 --> 00:00:01,000\nHello\n\n");
    let (pictures, mixed) = (home.folder.path().join("pictures.mkv"), home.folder.path().join("mixed.mkv"));
    std::fs::copy(film(&bench), &pictures).expect("it is copied");
    std::fs::copy(bench.path("english.sup"), home.folder.path().join("english.sup")).expect("it is copied");
    let inputs = ["-i", pictures.to_str().expect("UTF-8"), "-i", english.to_str().expect("UTF-8")];
    let maps = ["-map", "0:v", "-map", "0:s:1", "-map", "1", "-c", "copy", "-metadata:s:s:1", "language=eng"];
    make(&mixed, &[&inputs, &maps]);
    let run = async |arguments: &[&str]| {
        let output = home.run(&[&["media", "subs"], arguments].concat(), "").await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, _) = run(&["pictures.mkv", "--list"]).await;
    let expected =
        "eng: pictures, for --burn alone (hdmv_pgs_subtitle)\ndeu: pictures, for --burn alone (hdmv_pgs_subtitle), \"Untertitel\"\n";
    assert_eq!((code, said.as_str()), (Some(0), expected));
    let (_, said, _) = run(&["mixed.mkv", "--list"]).await;
    assert!(said.contains("deu: pictures") && said.contains("eng: text (subrip)"), "{said}");
    let table: [(&[&str], &str, &str); 4] = [
        (&["pictures.mkv", "--extract"], "the subtitles in pictures.mkv are pictures, not text", "with --burn"),
        (
            &["mixed.mkv", "--extract", "--lang", "de"],
            "the subtitles in deu in mixed.mkv are pictures",
            "--burn, or choose from these with --lang: eng",
        ),
        (&["pictures.mkv", "--burn", "--lang", "it"], "there are no subtitles in ita", "--lang: eng, deu"),
        (&["pictures.mkv", "--track", "english.sup"], "english.sup are pictures, not text", "burn them in"),
    ];
    for (arguments, what, hint) in table {
        let (code, _, said) = run(arguments).await;
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
        assert!(said.contains(what) && said.contains("hint: ") && said.contains(hint), "{arguments:?}: {said}");
    }
    let (code, said, complaint) = run(&["pictures.mkv", "--burn", "--lang", "de"]).await;
    assert_eq!(code, Some(0), "{complaint}");
    assert!(said.starts_with("pictures.burnt.mp4: "), "{said}");
    assert!(is_blue(colour(&home.folder.path().join("pictures.burnt.mp4"), 1.0, HIGH)));
}
