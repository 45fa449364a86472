//! Damaged files that are to be cut, joined, drawn and read for subtitles. In: fixed seeds. Out: assertions. Must not: expect a certain reason; a damaged file may well play.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tgferry::media::{CutRequest, DrawRequest, JoinRequest, SubtitlesRequest, SubtitlesWork};
use tgferry::model::{Failure, ProgressSender, Reason};
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{AAC, make};

const PICTURE: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=3"];
const TONE: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=3"];
const REORDERED: &[&str] = &["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "10", "-pix_fmt", "yuv420p"];

/// The ways in which a file is damaged: shorter, bits flipped anywhere, bits flipped at its start, numbers of the start as large as they can be.
fn damaged(good: &[u8], way: u64) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(way);
    let mut bytes = good.to_vec();
    let start = bytes.len().min(2000);
    match way % 4 {
        0 => bytes.truncate(good.len() * 6 / 10),
        1 => (0..40).for_each(|_| bytes[random.random_range(0..good.len())] ^= 1 << random.random_range(0..8)),
        2 => (0..20).for_each(|_| bytes[random.random_range(0..start)] ^= 1 << random.random_range(0..8)),
        _ => (0..6).for_each(|_| {
            let at = random.random_range(0..start - 4);
            bytes[at..at + 4].fill(0xff);
        }),
    }
    bytes
}

/// Whatever came of it: a file that is there, or a reason that is the file's own fault.
fn is_fair(what: &str, outcome: Result<PathBuf, Failure>) {
    match outcome {
        Ok(path) => assert!(std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0), "{what}: {}", path.display()),
        Err(failure) => {
            let is_its_own = matches!(failure.reason, Reason::BrokenMedia | Reason::Empty | Reason::MediaLimits | Reason::NoAudio);
            assert!(is_its_own, "{what}: {failure}");
        }
    }
}

async fn work_on(bench: &Bench, what: &str, input: &Path, good: &Path) {
    let folder = bench.path("job");
    std::fs::create_dir_all(&folder).expect("the job's folder");
    let ((progress, _watch), cancel) = (ProgressSender::channel(), CancellationToken::new());
    let time = Duration::from_millis;
    let cut = CutRequest { input: input.to_owned(), folder: folder.clone(), from: time(450), to: Some(time(2350)) };
    is_fair(what, bench.media.cut(cut, &progress, &cancel).await.map(|made| made.path));
    let draw = DrawRequest { input: input.to_owned(), folder: folder.clone(), at: Some(time(1700)), full: true };
    is_fair(what, bench.media.draw(draw, &cancel).await.map(|(path, _)| path));
    let join = JoinRequest { inputs: vec![good.to_owned(), input.to_owned()], folder: folder.clone() };
    is_fair(what, bench.media.join(join, &progress, &cancel).await.map(|made| made.path));
    let (file, work) = (None, SubtitlesWork::Extract);
    let subtitles = SubtitlesRequest { input: input.to_owned(), file, track: Some(2), language: None, work, folder };
    is_fair(what, bench.media.subtitles(subtitles, &progress, &cancel).await);
}

async fn all_ways(name: &str) {
    let bench = Bench::new();
    let text = bench.write("text.srt", b"1\n00:00:00,500 --> 00:00:01,000\nHello\n\n2\n00:00:01,200 --> 00:00:02,700\nAgain\n\n");
    let good = bench.path(name);
    let tracks = ["-map", "0:v", "-map", "1:a", "-map", "2:s", "-c:s", if name.ends_with("mp4") { "mov_text" } else { "srt" }];
    let tracks = if name.ends_with("ts") { &tracks[..4] } else { &tracks };
    make(&good, &[PICTURE, TONE, &["-i", text.to_str().expect("a path")], tracks, REORDERED, AAC]);
    let bytes = std::fs::read(&good).expect("it reads");
    for way in 0..8 {
        let input = bench.write(&format!("damaged-{way}-{name}"), &damaged(&bytes, way));
        work_on(&bench, &format!("{name}, damage {way}"), &input, &good).await;
    }
}

#[tokio::test]
async fn damaged_mp4_ends_in_a_file_or_a_reason() {
    all_ways("film.mp4").await;
}

#[tokio::test]
async fn damaged_matroska_ends_in_a_file_or_a_reason() {
    all_ways("film.mkv").await;
}

#[tokio::test]
async fn damaged_transport_streams_end_in_a_file_or_a_reason() {
    all_ways("film.ts").await;
}
