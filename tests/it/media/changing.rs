//! Streams that become others on the way, as recordings of broadcasts and live streams do: sound of another rate and other channels, pictures of another size. In: transport
//! streams and bare AAC put behind each other byte by byte. Out: assertions, by what the `ffmpeg` program decodes. Must not: trust what the product says of itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tgferry::media::{ConvertRequest, CutRequest, FitRequest, Format, JoinRequest, Preset};
use tgferry::model::{Appearance, Choice, ProgressSender, VideoCodec};
use tokio_util::sync::CancellationToken;

use super::clips::{assert_decodes, assert_plays_everywhere, make, number, probe, stream};
use super::compare::heard_by_the_clock;
use super::growing::{Source, done};
use super::{Bench, PATIENCE};

/// Seconds of each part, and of all.
const PART_S: f64 = 3.0;
const WHOLE_S: f64 = 6.0;
/// Sound in whole packets, so that a part does not reach far into the next one.
const SOUND_S: f64 = 129.0 * 1024.0 / 44_100.0;
/// How far sound may be from its pictures: packets of both parts overlap a little, and what is less than a tenth of a second is left as it is.
const IN_SYNC_S: f64 = 0.1;
/// A tone for two thirds of a second, silence for one third: so one can hear when a second begins. Each part has its own pitch.
const BEATS: [&str; 2] = ["if(lt(mod(t\\,1)\\,0.66)\\,0.5*sin(2*PI*440*t)\\,0)", "if(lt(mod(t\\,1)\\,0.66)\\,0.5*sin(2*PI*880*t)\\,0)"];

/// One part of a stream.
struct Part {
    size: &'static str,
    sound: &'static [&'static str],
}

const STEREO: &[&str] = &["-c:a", "aac", "-ar", "44100", "-ac", "2"];
const MONO: &[&str] = &["-c:a", "aac", "-ar", "48000", "-ac", "1"];
const SIX: &[&str] = &["-c:a", "aac", "-ar", "48000", "-ac", "6"];
const STEREO_MP2: &[&str] = &["-c:a", "mp2", "-ar", "44100", "-ac", "2"];
const MONO_MP2: &[&str] = &["-c:a", "mp2", "-ar", "48000", "-ac", "1"];

/// A transport stream of parts.
fn broadcast(bench: &Bench, name: &str, parts: &[Part]) -> PathBuf {
    let mut bytes = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let piece = bench.path(&format!("{name}.{index}.ts"));
        let picture = format!("testsrc2=size={}:rate=25:duration={PART_S}", part.size);
        let sound = format!("aevalsrc={}:s=48000:d={SOUND_S}", BEATS[index % BEATS.len()]);
        // From ten on, so that nothing has to be moved away from zero.
        let begins = (10.0 + index as f64 * PART_S).to_string();
        let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound];
        let video = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-output_ts_offset", &begins];
        let clock = ["-avoid_negative_ts", "disabled", "-f", "mpegts"];
        make(&piece, &[&inputs, &video, part.sound, &clock]);
        bytes.extend(std::fs::read(&piece).expect("it reads"));
    }
    bench.write(name, &bytes)
}

/// The beginnings of tones, in seconds.
fn beats_s(path: &Path) -> Vec<f64> {
    const STEP: usize = 480;
    let loud: Vec<bool> = heard_by_the_clock(path).chunks(STEP).map(|samples| samples.iter().any(|sample| sample.abs() > 0.1)).collect();
    let begins = |at: &usize| loud[*at] && !loud[at.saturating_sub(5)..*at].iter().any(|loud| *loud);
    (0..loud.len()).filter(begins).map(|at| at as f64 * STEP as f64 / 48_000.0).collect()
}

/// All of it is there, and each second of it is heard when it is meant to.
fn assert_in_sync(name: &str, path: &Path) {
    assert_decodes(path);
    let probed = probe(path);
    let length_s = number(&probed["format"]["duration"]);
    assert!((length_s - WHOLE_S).abs() < 0.15, "{name}: {length_s} s");
    let beats = beats_s(path);
    assert_eq!(beats.len(), WHOLE_S as usize, "{name}: {beats:?}");
    for (second, beat) in beats.iter().enumerate() {
        assert!((beat - second as f64).abs() < IN_SYNC_S, "{name}: {beats:?}");
    }
}

/// Grey of a pixel, of 256, in the picture at that time.
fn grey(path: &Path, at_s: f64, (x, y): (u32, u32)) -> u8 {
    let crop = format!("crop=2:2:{x}:{y},scale=1:1,format=gray");
    let output = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-nostdin", "-ss", &at_s.to_string(), "-i"])
        .arg(path)
        .args(["-vf", &crop, "-frames:v", "1", "-f", "rawvideo", "-"])
        .output()
        .expect("the ffmpeg program is installed for tests");
    *output.stdout.first().unwrap_or_else(|| panic!("no picture at {at_s}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// As the daemon makes it, and as these conversions do.
async fn made(bench: &Bench, input: &Path, conversions: &[(Format, Option<Preset>)], check: &impl Fn(&str, &Path)) {
    let prepared = bench.prepare(bench.request(input, Choice::Video)).await.unwrap_or_else(|failure| panic!("{failure}"));
    check("as the daemon sends it", &prepared.path);
    for (format, preset) in conversions.iter().copied() {
        let request = ConvertRequest { preset, ..bench.conversion(input, format) };
        let made = bench.convert(request).await.unwrap_or_else(|failure| panic!("{format:?}: {failure}"));
        check(&format!("{format:?} {preset:?}"), &made.path);
    }
}

async fn compressed(bench: &Bench, input: &Path, check: &impl Fn(&str, &Path)) {
    let size_bytes = std::fs::metadata(input).expect("it is there").len();
    let folder = bench.path("fit");
    std::fs::create_dir_all(&folder).expect("a folder");
    let request =
        FitRequest { input: input.to_owned(), folder, max_bytes: size_bytes / 2, codec: VideoCodec::H264, least: Appearance::Poor };
    let cancel = CancellationToken::new();
    let (progress, _watch) = ProgressSender::channel();
    let fitting = bench.media.plan_to_fit(request, &cancel).await.expect("it can fit");
    let made = tokio::time::timeout(PATIENCE, bench.media.fit(fitting, &progress, &cancel)).await.expect("it ends").expect("it fits");
    assert!(std::fs::metadata(&made).expect("it is there").len() <= size_bytes / 2);
    check("compressed", &made);
}

#[tokio::test]
async fn sound_that_changes_stays_in_sync() {
    let bench = Bench::new();
    let size = "320x180";
    for (name, first, second) in
        [("mono.ts", STEREO, MONO), ("six.ts", STEREO, SIX), ("from-six.ts", SIX, STEREO), ("mp2.ts", STEREO_MP2, MONO_MP2)]
    {
        let input = broadcast(&bench, name, &[Part { size, sound: first }, Part { size, sound: second }]);
        let check = |how: &str, path: &Path| {
            assert_in_sync(&format!("{name} {how}"), path);
            let probed = probe(path);
            let sound = stream(&probed, "audio").expect("sound");
            if sound["codec_name"] == "aac" {
                assert_eq!(number(&sound["channels"]), 2.0, "{name} {how}: one kind of sound from start to end");
            }
        };
        if name == "mono.ts" {
            made(&bench, &input, &[(Format::Mp4, Some(Preset::Small)), (Format::Webm, None)], &check).await;
            compressed(&bench, &input, &check).await;
        } else {
            made(&bench, &input, &[(Format::Mkv, None)], &check).await;
        }
    }
}

#[tokio::test]
async fn songs_of_bare_aac_that_change_are_one_song() {
    let bench = Bench::new();
    let mut bytes = Vec::new();
    for (index, sound) in [STEREO, MONO].into_iter().enumerate() {
        let piece = bench.path(&format!("{index}.aac"));
        let source = format!("aevalsrc={}:s=48000:d={PART_S}", BEATS[index]);
        make(&piece, &[&["-f", "lavfi", "-i", &source], sound, &["-f", "adts"]]);
        bytes.extend(std::fs::read(&piece).expect("it reads"));
    }
    let input = bench.write("song.aac", &bytes);
    let prepared = bench.prepare(bench.request(&input, Choice::Audio)).await.expect("a song");
    let mut results = vec![prepared.path];
    for format in [Format::M4a, Format::Mp3, Format::Opus] {
        results.push(bench.convert(bench.conversion(&input, format)).await.unwrap_or_else(|failure| panic!("{format:?}: {failure}")).path);
    }
    for path in results {
        let name = path.display().to_string();
        assert_decodes(&path);
        let length_s = number(&probe(&path)["format"]["duration"]);
        // No container says when a packet is heard: each is as long as its own rate makes it, and the encoders' padding is heard at the seam.
        assert!((length_s - WHOLE_S).abs() < 0.25, "{name}: {length_s} s");
        let beats = beats_s(&path);
        assert_eq!(beats.len(), 6, "{name}: {beats:?}");
        assert!(beats.windows(2).all(|pair| (pair[1] - pair[0] - 1.0).abs() < 0.12), "{name}: {beats:?}");
    }
}

#[tokio::test]
async fn pictures_that_change_size_keep_the_first() {
    let bench = Bench::new();
    for (name, first, second, is_narrower) in [("larger.ts", "320x180", "640x360", false), ("narrower.ts", "320x180", "240x180", true)] {
        let parts = [Part { size: first, sound: STEREO }, Part { size: second, sound: STEREO }];
        let input = broadcast(&bench, name, &parts);
        let check = |how: &str, path: &Path| {
            assert_in_sync(&format!("{name} {how}"), path);
            let probed = probe(path);
            let video = stream(&probed, "video").expect("a picture");
            let (width, height) = (number(&video["width"]) as u32, number(&video["height"]) as u32);
            assert!((f64::from(width) / f64::from(height) - 16.0 / 9.0).abs() < 0.02, "{name} {how}: {width} x {height}");
            // All of the second part is seen, in its own shape: with black at its sides if it is narrower.
            let left = grey(path, PART_S + 1.0, (2, height / 2));
            assert_eq!(left < 24, is_narrower, "{name} {how}: {left}");
            assert!(grey(path, PART_S + 1.0, (width / 2, height / 2)) > 24 || grey(path, PART_S + 1.2, (width / 3, height / 3)) > 24);
        };
        made(&bench, &input, &[(Format::Mp4, None), (Format::Mkv, Some(Preset::Small))], &check).await;
        compressed(&bench, &input, &check).await;
    }
}

#[tokio::test]
async fn a_cut_across_the_change_is_one_stream() {
    let bench = Bench::new();
    let parts = [Part { size: "320x180", sound: STEREO }, Part { size: "640x360", sound: MONO }];
    let input = broadcast(&bench, "clip.ts", &parts);
    let folder = bench.path("cut");
    std::fs::create_dir(&folder).expect("a folder");
    let (from, to) = (Duration::from_millis(1500), Some(Duration::from_millis(4500)));
    let (progress, _watch) = ProgressSender::channel();
    let request = CutRequest { input, folder, from, to };
    let cut = bench.media.cut(request, &progress, &CancellationToken::new()).await.expect("a cut");
    assert_eq!(cut.whole_because.as_deref(), Some("its pictures change on the way"));
    assert_decodes(&cut.path);
    let probed = probe(&cut.path);
    let (video, sound) = (stream(&probed, "video").expect("a picture"), stream(&probed, "audio").expect("sound"));
    assert_eq!((number(&video["width"]), number(&sound["channels"])), (320.0, 2.0));
    assert!((number(&probed["format"]["duration"]) - 3.0).abs() < 0.1, "{probed}");
    let beats = beats_s(&cut.path);
    // It begins within a tone.
    assert!([0.0, 0.5, 1.5, 2.5].iter().zip(&beats).all(|(expected, beat)| (expected - beat).abs() < IN_SYNC_S), "{beats:?}");
    assert_eq!(beats.len(), 4, "{beats:?}");
}

#[tokio::test]
async fn files_that_change_are_not_joined_by_copies() {
    let bench = Bench::new();
    let parts = [Part { size: "320x180", sound: STEREO }, Part { size: "640x360", sound: MONO }];
    let input = broadcast(&bench, "clip.ts", &parts);
    let folder = bench.path("joined");
    std::fs::create_dir(&folder).expect("a folder");
    let (progress, _watch) = ProgressSender::channel();
    let request = JoinRequest { inputs: vec![input.clone(), input], folder };
    let joined = bench.media.join(request, &progress, &CancellationToken::new()).await.expect("they are joined");
    let because = Some("file 1 changes on the way");
    assert_eq!((joined.pictures_because.as_deref(), joined.sound_because.as_deref()), (because, because));
    assert_decodes(&joined.path);
    let probed = probe(&joined.path);
    assert!((number(&probed["format"]["duration"]) - 2.0 * WHOLE_S).abs() < 0.2, "{probed}");
    assert_eq!(number(&stream(&probed, "video").expect("a picture")["width"]), 320.0);
    let beats = beats_s(&joined.path);
    assert_eq!(beats.len(), 12, "{beats:?}");
    assert!(beats.windows(2).all(|pair| (pair[1] - pair[0] - 1.0).abs() < IN_SYNC_S), "{beats:?}");
}

#[tokio::test]
async fn what_was_going_up_already_is_made_anew() {
    let bench = Bench::new();
    let parts = [Part { size: "320x180", sound: STEREO }, Part { size: "640x360", sound: MONO }];
    let clip = broadcast(&bench, "clip.ts", &parts);
    let mut source = Source::new(&bench.path("growing.ts"), &clip).await;
    source.give(40).await;
    let (request, spool, cancel) = (bench.live("job", &[&source.spool]), source.spool.clone(), CancellationToken::new());
    let preparing = bench.begin(request.clone(), vec![spool.clone()], &cancel).await.expect("it begins");
    source.finish().await;
    let failure = done(preparing).await.expect_err("it is not what its start said");
    assert!(tgferry::media::must_start_over(&failure), "{failure}");
    let prepared = done(bench.begin(request, vec![spool], &cancel).await.expect("it begins again")).await.expect("a video");
    assert_plays_everywhere(&prepared);
    assert_in_sync("made anew", &prepared.path);
    assert_eq!((prepared.width, prepared.height), (320, 180));
}
