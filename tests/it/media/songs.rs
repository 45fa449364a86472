//! Songs in all their formats: tags, covers, loudness. In: clips. Out: assertions by `ffprobe` and the `ffmpeg` program's own meter. Must not: judge
//! how it sounds.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tgferry::config::MediaConfig;
use tgferry::media::{ConvertRequest, Format};
use tgferry::model::Choice;

use super::clips::{AAC, assert_decodes, make, number, probe, stream};
use super::{Bench, config};

const SONG: &[&str] = &["-metadata", "title=A title", "-metadata", "artist=Somebody", "-metadata", "album=First ♪"];

/// A tone that swells and fades: quiet, with room for a gain.
const QUIET: &[&str] = &["-f", "lavfi", "-i", "aevalsrc='0.05*sin(2*PI*440*t)*(0.6+0.4*sin(2*PI*t))':s=48000:d=8"];
/// Beats near full scale over a quiet hum: no room for the gain that it needs.
const BEATS: &[&str] = &["-f", "lavfi", "-i", "aevalsrc='0.1*sin(2*PI*220*t)+0.8*lt(mod(t,0.5),0.015)*sin(2*PI*1000*t)':s=48000:d=8"];

fn cover(probed: &Value) -> Option<&Value> {
    probed["streams"].as_array()?.iter().find(|stream| stream["disposition"]["attached_pic"] == 1)
}

/// A tag of the container, or of the stream, where Ogg has them.
fn tag<'a>(probed: &'a Value, name: &str) -> Option<&'a str> {
    let of = |tags: &'a Value| tags.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1.as_str();
    of(&probed["format"]["tags"]).or_else(|| of(&stream(probed, "audio")?["tags"]))
}

/// Loudness in LUFS and the largest true peak in dB, by the `ffmpeg` program.
fn heard(path: &Path) -> (f64, f64) {
    let result = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-nostats", "-i"])
        .arg(path)
        .args(["-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"])
        .output()
        .expect("the ffmpeg program is installed for tests");
    let said = String::from_utf8_lossy(&result.stderr).into_owned();
    let summary = said.rsplit_once("Summary:").unwrap_or_else(|| panic!("no summary in {said}")).1;
    let value = |name: &str| {
        let rest = summary.split_once(name).unwrap_or_else(|| panic!("no {name} in {summary}")).1;
        rest.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no number: {rest}"))
    };
    (value("I:"), value("Peak:"))
}

#[tokio::test]
async fn title_performer_album_and_cover_travel_along() {
    let bench = Bench::new();
    let (picture, input) = (bench.path("cover.png"), bench.path("song.flac"));
    make(&picture, &[&["-f", "lavfi", "-i", "testsrc2=size=300x300:rate=1:duration=1", "-frames:v", "1"]]);
    let attach: &[&str] = &["-map", "0", "-map", "1", "-c:a", "flac", "-c:v", "copy", "-disposition:v", "attached_pic"];
    make(&input, &[QUIET, &["-i", picture.to_str().expect("UTF-8")], attach, SONG]);
    let mut last = input;
    // Each from the one before, so that every format is read as well as written.
    for format in [Format::Opus, Format::Mp3, Format::M4a, Format::Opus] {
        let made = bench.convert(bench.conversion(&last, format)).await.unwrap_or_else(|failure| panic!("{format:?}: {failure}"));
        last = bench.path(&format!("{format:?}.{}", format.extension()));
        std::fs::rename(&made.path, &last).expect("it is moved");
        let probed = probe(&last);
        for (name, expected) in [("title", "A title"), ("artist", "Somebody"), ("album", "First ♪")] {
            assert_eq!(tag(&probed, name), Some(expected), "{name} of {format:?}: {probed}");
        }
        let cover = cover(&probed).unwrap_or_else(|| panic!("a cover in {format:?}: {probed}"));
        assert_eq!(
            (cover["codec_name"].as_str(), number(&cover["width"]), number(&cover["height"])),
            (Some("mjpeg"), 300.0, 300.0),
            "{format:?}"
        );
        assert_decodes(&last);
    }
}

#[tokio::test]
async fn a_song_without_tags_is_called_as_its_file() {
    let bench = Bench::new();
    let input = bench.path("Some tune.wav");
    make(&input, &[QUIET]);
    for format in [Format::Mp3, Format::Opus] {
        let made = bench.convert(bench.conversion(&input, format)).await.expect("a song");
        let probed = probe(&made.path);
        assert_eq!((tag(&probed, "title"), cover(&probed)), (Some("Some tune"), None), "{format:?}");
    }
}

#[tokio::test]
async fn a_cover_between_bars_becomes_a_square() {
    let bench = Bench::new();
    let (barred, wide) = (bench.path("barred.jpg"), bench.path("wide.jpg"));
    let art: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=360x360:rate=1:duration=1,pad=640:360:140:0:color=0x403020", "-frames:v", "1"];
    make(&barred, &[art, &["-q:v", "4"]]);
    make(&wide, &[&["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=1:duration=1", "-frames:v", "1", "-q:v", "4"]]);
    let input = bench.path("song.m4a");
    make(&input, &[QUIET, AAC]);
    for (picture, width) in [(barred, 360.0), (wide, 640.0)] {
        let mut request = bench.request(&input, Choice::Audio);
        request.picture = Some(picture.clone());
        let prepared = bench.prepare(request).await.expect("a song");
        let found = probe(&prepared.path);
        assert_eq!(number(&cover(&found).expect("a cover")["width"]), width, "{}", picture.display());
        let made = bench.convert(ConvertRequest { picture: Some(picture), ..bench.conversion(&input, Format::Mp3) }).await.expect("a song");
        assert_eq!(number(&cover(&probe(&made.path)).expect("a cover")["width"]), width);
    }
}

#[tokio::test]
async fn loudness_is_brought_to_the_target() {
    let bench = Bench::new();
    for (name, clip) in [("quiet", QUIET), ("beats", BEATS)] {
        let input = bench.path(&format!("{name}.wav"));
        make(&input, &[clip, &["-ac", "2"]]);
        let (before_lufs, _) = heard(&input);
        for format in [Format::M4a, Format::Opus] {
            let made = bench.convert(ConvertRequest { loudness: true, ..bench.conversion(&input, format) }).await.expect("a song");
            let (lufs, peak_db) = heard(&made.path);
            assert!(before_lufs < -17.0, "{name}: {before_lufs}");
            let near = if name == "quiet" { 0.5 } else { 1.5 }; // beats that are held down take loudness with them
            assert!((lufs + 14.0).abs() <= near, "{name} as {format:?}: {before_lufs} -> {lufs} LUFS");
            assert!(peak_db <= 0.5, "{name} as {format:?}: {peak_db} dB, a codec's ripple above -1");
            let duration_s = number(&probe(&made.path)["format"]["duration"]);
            assert!((7.9..8.2).contains(&duration_s), "{duration_s}");
        }
    }
}

#[tokio::test]
async fn songs_of_the_daemon_are_as_loud_as_the_settings_say() {
    let bench = Bench::with(MediaConfig { loudness: true, ..config() });
    let input = bench.path("song.m4a");
    make(&input, &[QUIET, AAC]);
    let before_lufs = heard(&input).0;
    let prepared = bench.prepare(bench.request(&input, Choice::Audio)).await.expect("a song");
    let (lufs, _) = heard(&prepared.path);
    assert!(before_lufs < -20.0 && (lufs + 14.0).abs() <= 0.5, "{before_lufs} -> {lufs}");
    let plain = Bench::new();
    let prepared = plain.prepare(plain.request(&input, Choice::Audio)).await.expect("a song");
    assert!((heard(&prepared.path).0 - before_lufs).abs() < 0.1, "off by default: copied");
}
