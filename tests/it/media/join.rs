//! Files behind each other. In: clips that are alike, and clips that differ. Out: assertions, by what the `ffmpeg` program decodes. Must not: trust what the product says of itself.

use std::path::{Path, PathBuf};

use tgferry::media::{JoinRequest, WasJoined};
use tgferry::model::{Failure, ProgressSender, Reason};
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{AAC, FASTSTART, H264, PICTURE, TONE, assert_decodes, make, number, probe, stream};
use super::compare::{frames, heard, lag, sound_times_s};

const REORDERED: &[&str] = &["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-pix_fmt", "yuv420p"];
/// A tone that rises, so that each moment sounds like no other.
const RISING: &[&str] = &["-f", "lavfi", "-i", "aevalsrc=0.5*sin(2*PI*(300+200*t)*t):s=48000:d=2"];

async fn join(bench: &Bench, inputs: &[PathBuf]) -> Result<WasJoined, Failure> {
    let folder = bench.path("job");
    std::fs::create_dir_all(&folder).expect("the job's folder");
    let (progress, _watch) = ProgressSender::channel();
    bench.media.join(JoinRequest { inputs: inputs.to_vec(), folder }, &progress, &CancellationToken::new()).await
}

fn length_s(path: &Path) -> f64 {
    number(&probe(path)["format"]["duration"])
}

/// By how many samples the sound of a part comes too late behind `begins_s` in the whole.
fn late(whole: &[f32], part: &Path, begins_s: f64) -> i64 {
    -lag(&heard(part), whole, (begins_s * 48_000.0).round() as usize)
}

#[tokio::test]
async fn what_is_alike_is_copied() {
    let bench = Bench::new();
    let inputs: Vec<PathBuf> = [("a.mp4", "red"), ("b.mp4", "green"), ("c.mp4", "blue")]
        .map(|(name, color)| {
            let input = bench.path(name);
            let picture = format!("testsrc2=size=160x90:rate=25:duration=2,drawbox=color={color}:t=fill:w=40:h=40");
            make(&input, &[&["-f", "lavfi", "-i", &picture], RISING, REORDERED, AAC, &["-shortest"], FASTSTART]);
            input
        })
        .into();
    let made = join(&bench, &inputs).await.expect("they are joined");
    assert_eq!((&made.pictures_because, &made.sound_because), (&None, &None));
    assert_decodes(&made.path);
    let expected: Vec<String> = inputs.iter().flat_map(|input| frames(input)).collect();
    assert_eq!(frames(&made.path), expected, "every frame, to the bit");
    let lengths_s: Vec<f64> = inputs.iter().map(|input| length_s(input)).collect();
    assert!((length_s(&made.path) - lengths_s.iter().sum::<f64>()).abs() < 0.05, "{} of {lengths_s:?}", length_s(&made.path));
    let whole = heard(&made.path);
    let begins_s = [0.0, lengths_s[0], lengths_s[0] + lengths_s[1]];
    let sound_s = sound_times_s(&made.path);
    for (input, begins_s) in inputs.iter().zip(begins_s) {
        assert!(sound_s.iter().any(|at_s| (at_s - begins_s).abs() < 0.001), "the sound of each file begins with its pictures: {begins_s}");
        let late = late(&whole, input, begins_s);
        assert!(late.abs() <= 2200, "{late} samples late, where only the samples of packets are counted: less than a packet at each seam");
    }
}

#[tokio::test]
async fn what_differs_is_brought_to_the_largest_and_stays_in_sync() {
    let bench = Bench::new();
    let (small, large, upright) = (bench.path("small.mkv"), bench.path("large.mp4"), bench.path("upright.webm"));
    make(&small, &[PICTURE, RISING, &["-vf", "scale=160:90"], H264, &["-c:a", "flac"]]);
    make(&large, &[&["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=2"], RISING, REORDERED, AAC]);
    make(&upright, &[PICTURE, RISING, &["-vf", "scale=90:160", "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"]]);
    let inputs = [small, large, upright];
    let made = join(&bench, &inputs).await.expect("they are joined");
    assert_eq!(made.pictures_because.as_deref(), Some("file 2 has other measures"));
    assert_eq!(made.sound_because.as_deref(), Some("file 2 is of another codec"));
    assert_decodes(&made.path);
    let probed = probe(&made.path);
    let video = stream(&probed, "video").expect("a picture");
    assert_eq!((number(&video["width"]), number(&video["height"]), &video["r_frame_rate"]), (320.0, 180.0, &"30/1".into()));
    let lengths_s: Vec<f64> = inputs.iter().map(|input| length_s(input)).collect();
    let whole_s = lengths_s.iter().sum::<f64>();
    assert!((length_s(&made.path) - whole_s).abs() < 0.1, "{} of {lengths_s:?}", length_s(&made.path));
    let count = frames(&made.path).len() as f64;
    assert!((count - 180.0).abs() <= 3.0, "{count} frames");
    let whole = heard(&made.path);
    for (input, begins_s) in inputs.iter().zip([0.0, lengths_s[0], lengths_s[0] + lengths_s[1]]) {
        let late = late(&whole, input, begins_s);
        assert!(late.abs() <= 1500, "{}: {late} samples late", input.display());
    }
}

#[tokio::test]
async fn where_a_file_has_no_sound_there_is_silence() {
    let bench = Bench::new();
    let (silent, loud) = (bench.path("silent.mp4"), bench.path("loud.mp4"));
    make(&silent, &[PICTURE, H264]);
    make(&loud, &[PICTURE, TONE, H264, AAC]);
    for (inputs, loud_at) in [([&silent, &loud, &silent], 1), ([&loud, &silent, &loud], 0)] {
        let inputs = inputs.map(Clone::clone);
        let made = join(&bench, &inputs).await.expect("they are joined");
        assert_decodes(&made.path);
        assert!(made.pictures_because.is_none() && made.sound_because.is_some(), "{made:?}");
        assert!((length_s(&made.path) - 6.0).abs() < 0.15, "{}", length_s(&made.path));
        let sound = heard(&made.path);
        let power = |from_s: f64, to_s: f64| {
            let part = &sound[(from_s * 48_000.0) as usize..(to_s * 48_000.0) as usize];
            part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / part.len() as f64
        };
        let is_loud: Vec<bool> = [0.2, 2.2, 4.3].map(|from_s| power(from_s, from_s + 1.4) > 1e-4).into();
        assert_eq!(is_loud, if loud_at == 1 { [false, true, false] } else { [true, false, true] });
        assert!((sound.len() as f64 / 48_000.0 - 6.0).abs() < 0.15, "the silence is there: {}", sound.len());
    }
}

#[tokio::test]
async fn songs_become_one_song() {
    let bench = Bench::new();
    let (one, other) = (bench.path("one.mp3"), bench.path("other.flac"));
    make(&one, &[RISING, &["-c:a", "libmp3lame", "-metadata", "title=Sea"]]);
    make(&other, &[RISING, &["-c:a", "flac", "-ar", "44100"]]);
    let made = join(&bench, &[one, other]).await.expect("they are joined");
    assert!(made.path.ends_with("joined.m4a"));
    assert_decodes(&made.path);
    assert!((length_s(&made.path) - 4.0).abs() < 0.1, "{}", length_s(&made.path));
    let probed = probe(&made.path);
    assert_eq!(
        (&probed["format"]["tags"]["title"], &stream(&probed, "audio").expect("sound")["codec_name"]),
        (&"Sea".into(), &"aac".into())
    );
}

#[tokio::test]
async fn what_does_not_belong_together_is_refused() {
    let bench = Bench::new();
    let (film, song) = (bench.path("film.mp4"), bench.path("song.mp3"));
    make(&film, &[PICTURE, H264]);
    make(&song, &[TONE]);
    let broken = bench.write("broken.mp4", b"\0\0\0\x18ftypmp42 and nothing behind it");
    for inputs in [[film.clone(), song.clone()], [song, film.clone()], [film, broken]] {
        assert_eq!(join(&bench, &inputs).await.expect_err("it can't be").reason, Reason::BrokenMedia);
    }
}
