//! Ranges of files. In: clips with key frames two seconds apart. Out: assertions, by what the `ffmpeg` program decodes. Must not: trust what the product says of itself.

use std::path::Path;
use std::time::Duration;

use tgferry::media::{CutRequest, WasCut};
use tgferry::model::{Failure, ProgressSender, Reason};
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{AAC, FASTSTART, H264, assert_decodes, make, number, packets, probe, stream};
use super::compare::{frames, heard, lag, likeness, times_s};

const FOUR_SECONDS: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=192x108:rate=25:duration=4"];
const TEN_SECONDS: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=192x108:rate=25:duration=10"];
/// A tone that rises, so that each moment sounds like no other.
const RISING: &[&str] = &["-f", "lavfi", "-i", "aevalsrc=0.5*sin(2*PI*(200+50*t)*t):s=48000:d=10"];
/// With pictures that are shown in another order than they are decoded in.
const REORDERED: &[&str] = &["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "50", "-sc_threshold", "0", "-pix_fmt", "yuv420p"];
/// Nobody sees a difference.
const SAME: f64 = 36.0;

async fn cut(bench: &Bench, input: &Path, from_s: f64, to_s: Option<f64>) -> Result<WasCut, Failure> {
    let folder = bench.path("job");
    std::fs::create_dir_all(&folder).expect("the job's folder");
    let time = Duration::from_secs_f64;
    let request = CutRequest { input: input.to_owned(), folder, from: time(from_s), to: to_s.map(time) };
    let (progress, _watch) = ProgressSender::channel();
    bench.media.cut(request, &progress, &CancellationToken::new()).await
}

/// Cuts, and checks what holds for every cut of a clip with 25 frames a second: the asked frames, all of them, with the sound that belongs to them.
async fn checked(bench: &Bench, input: &Path, from_s: f64, to_s: f64, least: f64) -> WasCut {
    let name = format!("{} {from_s}-{to_s}", input.file_name().expect("a name").to_string_lossy());
    let made = cut(bench, input, from_s, Some(to_s)).await.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    assert_decodes(&made.path);
    let times_s = times_s(input);
    let place = |time_s: f64| times_s.partition_point(|shown_s| *shown_s < time_s - 0.001);
    let (first, expected) = (place(from_s), place(to_s) - place(from_s));
    let count = frames(&made.path).len();
    assert_eq!(count, expected, "{name}: each frame once");
    assert_eq!(made.copied_pictures + made.encoded_pictures, count as u64, "{name}");
    let likeness = likeness(&made.path, input, first);
    assert_eq!(likeness.len(), count, "{name}");
    assert!(likeness.iter().all(|likeness| *likeness > least), "{name}: {likeness:?}");
    assert!((made.duration_s - (to_s - from_s)).abs() < 0.045, "{name}: {} s", made.duration_s);
    let probed = probe(&made.path);
    let video = stream(&probed, "video").expect("a picture");
    assert_eq!(number(&video["start_time"]), 0.0, "{name}");
    assert_eq!(video["codec_tag_string"], "avc1", "{name}");
    if stream(&probe(input), "audio").is_some() {
        let audio = stream(&probed, "audio").expect("sound");
        assert_eq!(number(&audio["start_time"]), 0.0, "{name}");
        assert!((number(&audio["duration"]) - (to_s - from_s)).abs() < 0.045, "{name}: {}", audio["duration"]);
        let lag = lag(&heard(&made.path), &heard(input), (times_s[first] * 48_000.0) as usize);
        assert!(lag.abs() <= 48, "{name}: sound is {lag} samples off");
    }
    made
}

#[tokio::test]
async fn the_middle_is_copied_and_the_edges_are_encoded() {
    let bench = Bench::new();
    let input = bench.path("film.mp4");
    make(&input, &[TEN_SECONDS, RISING, REORDERED, AAC, FASTSTART]);
    let made = checked(&bench, &input, 3.0, 8.2, SAME).await;
    assert!(made.whole_because.is_none() && made.copied_pictures >= 100 && made.encoded_pictures >= 25, "{made:?}");
    // Frames 100 to 200 of the source, the stretches between its key frames, are the very same.
    let (cut, source) = (frames(&made.path), frames(&input));
    assert_eq!(cut[25..125], source[100..200]);
    assert_ne!(cut[..25], source[75..100], "what was encoded can't be the same to the bit");
    let left: Vec<_> = std::fs::read_dir(bench.path("job")).expect("the folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["cut.mp4"]);
}

#[tokio::test]
async fn every_place_can_be_the_begin_or_the_end() {
    let bench = Bench::new();
    let input = bench.path("film.mp4");
    make(&input, &[TEN_SECONDS, RISING, REORDERED, AAC, FASTSTART]);
    // Around key frames (2, 4, 6 s), from the start, to the end, within one stretch, a single frame.
    for (from_s, to_s) in [(1.96, 4.04), (2.04, 3.96), (0.0, 2.48), (7.12, 10.0), (2.36, 2.52), (7.0, 7.04)] {
        checked(&bench, &input, from_s, to_s, SAME).await;
    }
}

#[tokio::test]
async fn from_one_key_frame_to_another_nothing_is_encoded() {
    let bench = Bench::new();
    let input = bench.path("film.mp4");
    make(&input, &[TEN_SECONDS, RISING, REORDERED, AAC, FASTSTART]);
    let made = checked(&bench, &input, 2.0, 6.0, SAME).await;
    assert_eq!((made.copied_pictures, made.encoded_pictures), (100, 0));
    let hashes = |path: &Path| packets(path).into_iter().filter(|packet| packet.stream == 0).map(|packet| packet.hash).collect::<Vec<_>>();
    assert_eq!(hashes(&made.path), hashes(&input)[50..150]);
}

/// Cuts clips of that name, made with these options, at both edges; the middle is copied, and the stream goes on saying the same of itself.
async fn joined(clips: &[(&str, &[&str])]) {
    let bench = Bench::new();
    for (name, more) in clips {
        let input = bench.path(name);
        make(&input, &[FOUR_SECONDS, RISING, REORDERED, AAC, &["-g", "25", "-t", "4"], more]);
        let made = checked(&bench, &input, 0.6, 3.4, SAME).await;
        assert!(made.whole_because.is_none() && made.copied_pictures >= 50, "{name}: {made:?}");
        let (of_source, of_cut) = (probe(&input), probe(&made.path));
        for key in ["width", "height", "pix_fmt", "profile", "level", "sample_aspect_ratio", "color_range"] {
            let (source, cut) = (stream(&of_source, "video").expect("a picture"), stream(&of_cut, "video").expect("a picture"));
            assert_eq!(source[key], cut[key], "{name}: {key}");
        }
    }
}

#[tokio::test]
async fn pictures_of_all_containers_are_joined() {
    joined(&[("film.mkv", &[]), ("film.ts", &[]), ("film.flv", &["-ar", "44100"])]).await;
}

#[tokio::test]
async fn pictures_of_all_profiles_are_joined() {
    joined(&[
        ("main.mp4", &["-profile:v", "main"]),
        ("baseline.mp4", &["-profile:v", "baseline", "-bf", "0"]),
        ("shape.mp4", &["-vf", "setsar=4/3"]),
        ("full-range.mp4", &["-vf", "scale=out_range=full,format=yuvj420p", "-pix_fmt", "yuvj420p"]),
    ])
    .await;
}

#[tokio::test]
async fn a_video_on_its_side_stays_there() {
    let bench = Bench::new();
    let (upright, input) = (bench.path("upright.mp4"), bench.path("side.mp4"));
    make(&upright, &[TEN_SECONDS, REORDERED]);
    make(&input, &[&["-i", upright.to_str().expect("a path"), "-c", "copy", "-metadata:s:v:0", "rotate=90"]]);
    let made = checked(&bench, &input, 3.0, 8.2, SAME).await;
    assert!(made.copied_pictures >= 100);
    let rotation = |path: &Path| stream(&probe(path), "video").expect("a picture")["side_data_list"][0]["rotation"].clone();
    assert_eq!(rotation(&made.path), rotation(&input));
    assert!(!rotation(&input).is_null());
}

#[tokio::test]
async fn what_cannot_be_joined_is_encoded_as_a_whole_and_says_so() {
    let bench = Bench::new();
    let open =
        ["-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "open-gop=1:keyint=12:bframes=3:scenecut=0", "-pix_fmt", "yuv420p"];
    for (name, codec, because) in [
        ("old.mkv", &["-c:v", "mpeg4", "-q:v", "2"][..], "only H.264"),
        ("deep.mkv", &["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"], "only H.264"),
        ("open.mp4", &open, "no place in the range"),
    ] {
        let input = bench.path(name);
        make(&input, &[TEN_SECONDS, RISING, codec, &["-c:a", "flac", "-strict", "-2"]]);
        let made = checked(&bench, &input, 7.0, 10.0, 27.0).await;
        assert_eq!(made.copied_pictures, 0, "{name}");
        assert!(made.whole_because.as_ref().is_some_and(|why| why.contains(because)), "{name}: {:?}", made.whole_because);
        assert_eq!(stream(&probe(&made.path), "audio").expect("sound")["codec_name"], "aac");
    }
}

#[tokio::test]
async fn songs_are_cut_to_the_sample_by_what_is_heard() {
    let bench = Bench::new();
    for (name, codec) in [("song.m4a", AAC), ("song.mp3", &["-c:a", "libmp3lame"]), ("song.flac", &["-c:a", "flac"])] {
        let input = bench.path(name);
        make(&input, &[RISING, codec, &["-ac", "2", "-metadata", "title=Sea", "-metadata", "artist=Wind"]]);
        let made = cut(&bench, &input, 2.345, Some(7.5)).await.unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_decodes(&made.path);
        assert!(made.path.ends_with("cut.m4a") && (made.duration_s - 5.155).abs() < 0.03, "{name}: {made:?}");
        let lag = lag(&heard(&made.path), &heard(&input), (2.345 * 48_000.0) as usize);
        assert!(lag.abs() <= 48, "{name}: {lag} samples off");
        let probed = probe(&made.path);
        assert_eq!(probed["format"]["tags"]["title"], "Sea", "{name}");
        assert_eq!(probed["format"]["tags"]["artist"], "Wind", "{name}");
    }
}

#[tokio::test]
async fn a_range_with_nothing_in_it_is_refused() {
    let bench = Bench::new();
    let input = bench.path("film.mp4");
    make(&input, &[&["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=2"], H264]);
    for (from_s, to_s) in [(3.0, None), (3.0, Some(4.0)), (1.005, Some(1.015))] {
        let failure = cut(&bench, &input, from_s, to_s).await.expect_err("nothing is there");
        assert_eq!(failure.reason, Reason::Empty, "{from_s}: {failure}");
    }
    let broken = bench.write("broken.mp4", b"\0\0\0\x18ftypmp42 and nothing behind it");
    assert_eq!(cut(&bench, &broken, 0.0, None).await.expect_err("nobody can read it").reason, Reason::BrokenMedia);
}
