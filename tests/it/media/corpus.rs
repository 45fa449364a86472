//! Hundreds of damaged files: clips of every container that people send, each damaged in every way of a list. In: fixed seeds. Out: assertions. Must
//! not: expect a certain reason; a damaged file may well play.
//!
//! What must hold for each: an answer in time, a result that is there and shows a picture or a reason that is the file's own fault, and a step that works on
//! afterwards.

use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tgferry::model::{Choice, MediaKind, Reason};

use super::Bench;
use super::clips::{AAC, FASTSTART, H264, assert_plays_everywhere, assert_thumbnail, make};

const PICTURE: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=1"];
const TONE: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=1"];
const FRAGMENTS: &[&str] = &["-g", "5", "-movflags", "+frag_keyframe+empty_moov"];
const VP8: &[&str] = &["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis"];

/// A file name, and what `ffmpeg` makes it from.
type Clip = (&'static str, &'static [&'static [&'static str]]);

const FILMS: [Clip; 4] = [
    ("front.mp4", &[PICTURE, TONE, H264, AAC, FASTSTART]),
    ("late.mov", &[PICTURE, TONE, H264, AAC]),
    ("fragments.mp4", &[PICTURE, TONE, H264, AAC, FRAGMENTS]),
    ("clip.mkv", &[PICTURE, TONE, H264, AAC]),
];
const OTHER_FILMS: [Clip; 4] = [
    ("clip.webm", &[PICTURE, TONE, VP8]),
    ("clip.ts", &[PICTURE, TONE, H264, AAC]),
    ("clip.flv", &[PICTURE, TONE, H264, AAC]),
    ("clip.avi", &[PICTURE, TONE, &["-c:v", "mpeg4", "-c:a", "libmp3lame"]]),
];
const SONGS_AND_PICTURES: [Clip; 6] = [
    ("song.mp3", &[TONE, &["-c:a", "libmp3lame"]]),
    ("song.m4a", &[TONE, AAC]),
    ("song.flac", &[TONE, &["-c:a", "flac"]]),
    ("song.ogg", &[TONE, &["-c:a", "libvorbis"]]),
    ("song.wav", &[TONE, &["-c:a", "pcm_s16le"]]),
    ("dance.gif", &[PICTURE]),
];

/// A way to damage a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// So many thousandths are left.
    Cut(usize),
    /// So many bits are flipped, anywhere or in the first bytes.
    Flip {
        bits: usize,
        within: usize,
    },
    /// Numbers of four bytes become zero, or as large as they can be: lengths and sizes among them.
    Numbers {
        value: u8,
        count: usize,
        within: usize,
    },
    /// A stretch of the middle is missing, comes twice, or is noise.
    Missing,
    Twice,
    Noise,
    /// Much follows that does not belong to it.
    Junk,
    /// The head of one, the rest of another.
    Grafted,
    /// It is called something else.
    Misnamed,
}

const DAMAGES: [Damage; 16] = [
    Damage::Cut(30),
    Damage::Cut(300),
    Damage::Cut(700),
    Damage::Cut(980),
    Damage::Flip { bits: 3, within: usize::MAX },
    Damage::Flip { bits: 60, within: usize::MAX },
    Damage::Flip { bits: 3000, within: usize::MAX },
    Damage::Flip { bits: 12, within: 600 },
    Damage::Numbers { value: 0xff, count: 6, within: 800 },
    Damage::Numbers { value: 0, count: 12, within: 1500 },
    Damage::Missing,
    Damage::Twice,
    Damage::Noise,
    Damage::Junk,
    Damage::Grafted,
    Damage::Misnamed,
];

fn damaged(good: &[u8], damage: Damage, random: &mut StdRng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let third = bytes.len() / 3;
    match damage {
        Damage::Cut(thousandths) => bytes.truncate(bytes.len() * thousandths / 1000),
        Damage::Flip { bits, within } => {
            for _ in 0..bits {
                let at = random.random_range(0..bytes.len().min(within));
                bytes[at] ^= 1 << random.random_range(0..8);
            }
        }
        Damage::Numbers { value, count, within } => {
            for _ in 0..count {
                let at = random.random_range(0..bytes.len().min(within).saturating_sub(4).max(1));
                bytes.iter_mut().skip(at).take(4).for_each(|byte| *byte = value);
            }
        }
        Damage::Missing => drop(bytes.drain(third..2 * third)),
        Damage::Twice => drop(bytes.splice(third..third, good[third..2 * third].to_vec())),
        Damage::Noise => random.fill(&mut bytes[third..2 * third]),
        Damage::Junk => {
            let length = bytes.len();
            bytes.resize(length + 300_000, 0);
            random.fill(&mut bytes[length..]);
        }
        Damage::Grafted => bytes.splice(.., good[..third].iter().rev().chain(&good[third..]).copied().collect::<Vec<_>>()).for_each(drop),
        Damage::Misnamed => {}
    }
    bytes
}

/// Runs every damage over every clip; says how many files were tried and how many of them came out as something.
async fn survives(clips: &[Clip], seed: u64) -> (usize, usize) {
    let bench = Bench::new();
    let mut random = StdRng::seed_from_u64(seed);
    let (mut tried, mut came_out) = (0, 0);
    for (name, pieces) in clips {
        let whole = bench.path(&format!("whole-{name}"));
        make(&whole, pieces);
        let good = std::fs::read(&whole).expect("it reads");
        for damage in DAMAGES {
            let name = if matches!(damage, Damage::Misnamed) { "report.pdf" } else { *name };
            let input = bench.write(name, &damaged(&good, damage, &mut random));
            tried += 1;
            came_out += usize::from(outcome(&bench, &input, &format!("{name} {damage:?}")).await);
        }
        let prepared = bench.prepare(bench.request(&whole, Choice::Video)).await;
        assert!(prepared.is_ok(), "the undamaged {name} after all that: {prepared:?}");
    }
    (tried, came_out)
}

/// True if something came of it, which then is what it says it is.
async fn outcome(bench: &Bench, input: &Path, what: &str) -> bool {
    match bench.prepare(bench.request(input, Choice::Video)).await {
        Ok(prepared) => {
            assert_eq!(prepared.size_bytes, std::fs::metadata(&prepared.path).expect(what).len(), "{what}");
            if prepared.kind == MediaKind::Video {
                // What is copied keeps the damage inside of its packets, but pictures of it were seen.
                assert_thumbnail(&prepared, (prepared.width, prepared.height));
            }
            true
        }
        Err(failure) => {
            let of_the_file = matches!(failure.reason, Reason::BrokenMedia | Reason::MediaLimits | Reason::Empty | Reason::WebPage);
            assert!(of_the_file, "{what}: {failure}");
            false
        }
    }
}

#[tokio::test]
async fn damaged_films_end_in_a_file_or_a_reason() {
    let (tried, came_out) = survives(&FILMS, 1).await;
    assert!(tried == 64 && came_out > 0 && came_out < tried, "{came_out} of {tried}");
}

#[tokio::test]
async fn damaged_films_of_other_containers_end_in_a_file_or_a_reason() {
    let (tried, came_out) = survives(&OTHER_FILMS, 2).await;
    assert!(tried == 64 && came_out > 0 && came_out < tried, "{came_out} of {tried}");
}

#[tokio::test]
async fn damaged_songs_and_pictures_end_in_a_file_or_a_reason() {
    let (tried, came_out) = survives(&SONGS_AND_PICTURES, 3).await;
    assert!(tried == 96 && came_out > 0 && came_out < tried, "{came_out} of {tried}");
}

#[tokio::test]
async fn a_bomb_of_pictures_is_no_video_for_ever() {
    // Pictures of 4096 x 4096 in some kilobytes: cheap to send, dear to decode.
    let bench = Bench::new();
    let input = bench.path("bomb.mkv");
    let black = ["-f", "lavfi", "-i", "color=black:size=4096x4096:rate=1:duration=3"];
    make(&input, &[&black, &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-threads", "2"]]);
    assert!(std::fs::metadata(&input).expect("it is there").len() < 100_000);
    match bench.prepare(bench.request(&input, Choice::Video)).await {
        Ok(prepared) => assert_plays_everywhere(&prepared),
        Err(failure) => assert_eq!(failure.reason, Reason::MediaLimits, "{failure}"),
    }
}
