//! Pieces of what one message can't hold. In: whole files, the largest that a piece may be. Out: assertions. Must not: encode anything.

use std::path::Path;

use tgferry::media::SplitRequest;
use tgferry::model::{Choice, Failure, Prepared, ProgressSender, Reason};
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{AAC, FASTSTART, assert_decodes, assert_plays_everywhere, make, number, packets, probe, stream};

const TEN_SECONDS: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=10"];
const TONE: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=10"];
/// With pictures that are shown in another order than they are decoded in, and two key frames a second.
const REORDERED: &[&str] = &["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "12", "-b:v", "1M", "-pix_fmt", "yuv420p"];

async fn split(bench: &Bench, whole: &Prepared, max_bytes: u64, max_pieces: u32) -> Result<Vec<Prepared>, Failure> {
    let (progress, _watch) = ProgressSender::channel();
    let request = SplitRequest { whole: whole.clone(), folder: bench.path("job"), max_bytes, max_pieces };
    bench.media.split(request, &progress, &CancellationToken::new()).await
}

/// Hashes of the packets of one kind of stream, in the order in which they are decoded.
fn hashes(path: &Path, stream: u32) -> Vec<String> {
    packets(path).into_iter().filter(|packet| packet.stream == stream).map(|packet| packet.hash).collect()
}

fn starts_at_s(path: &Path, kind: &str) -> f64 {
    number(&stream(&probe(path), kind).expect("a stream")["start_time"])
}

#[tokio::test]
async fn every_piece_plays_and_nothing_is_lost() {
    let bench = Bench::new();
    let input = bench.path("film.mp4");
    make(&input, &[TEN_SECONDS, TONE, REORDERED, AAC, FASTSTART]);
    let whole = bench.video(&input).await;
    let max_bytes = whole.size_bytes / 3 + whole.size_bytes / 20;
    let pieces = split(&bench, &whole, max_bytes, 10).await.expect("it is cut");
    assert_eq!(pieces.len(), 3, "as few as the size allows");
    let names: Vec<&str> = pieces.iter().map(|piece| piece.file_name.as_str()).collect();
    assert_eq!(names, ["film (1 of 3).mp4", "film (2 of 3).mp4", "film (3 of 3).mp4"]);
    for piece in &pieces {
        assert_plays_everywhere(piece);
        assert!(piece.size_bytes <= max_bytes, "{} of {max_bytes}", piece.size_bytes);
        assert!((3..=4).contains(&piece.duration_s), "{} s: about equal", piece.duration_s);
        for kind in ["video", "audio"] {
            assert!(starts_at_s(&piece.path, kind) < 0.15, "{kind} begins at {}", starts_at_s(&piece.path, kind));
        }
    }
    for stream in [0, 1] {
        let of_pieces: Vec<String> = pieces.iter().flat_map(|piece| hashes(&piece.path, stream)).collect();
        assert_eq!(of_pieces, hashes(&whole.path, stream), "every packet once and in order");
    }
    let thumbnails: std::collections::HashSet<_> = pieces.iter().filter_map(|piece| piece.thumbnail.clone()).collect();
    assert_eq!(thumbnails.len(), 3, "each shows what is in it");
}

#[tokio::test]
async fn the_same_cut_gives_the_same_bytes() {
    let bench = Bench::new();
    let input = bench.path("film.mp4");
    make(&input, &[TEN_SECONDS, TONE, REORDERED, AAC, FASTSTART]);
    let whole = bench.video(&input).await;
    let cut = || async {
        let pieces = split(&bench, &whole, whole.size_bytes / 2 + 50_000, 10).await.expect("it is cut");
        pieces.iter().map(|piece| std::fs::read(&piece.path).expect("it reads")).collect::<Vec<_>>()
    };
    let first = cut().await;
    assert!(first == cut().await && first.len() == 2, "a crash between cutting and sending changes nothing");
}

#[tokio::test]
async fn pictures_that_need_the_piece_before_are_left_out() {
    let bench = Bench::new();
    let input = bench.path("open.mp4");
    let open = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-x264-params", "open-gop=1:keyint=12:min-keyint=12", "-b:v", "1M"];
    make(&input, &[TEN_SECONDS, &open, &["-pix_fmt", "yuv420p"], FASTSTART]);
    let whole = bench.video(&input).await;
    let pieces = split(&bench, &whole, whole.size_bytes / 2 + 60_000, 10).await.expect("it is cut");
    assert_eq!(pieces.len(), 2);
    for piece in &pieces {
        assert_plays_everywhere(piece);
    }
    let kept: usize = pieces.iter().map(|piece| hashes(&piece.path, 0).len()).sum();
    let all = hashes(&whole.path, 0).len();
    assert!(kept <= all && kept + 3 >= all, "{kept} of {all}");
}

#[tokio::test]
async fn a_song_is_cut_with_its_cover_and_title() {
    let bench = Bench::new();
    let picture = bench.path("picture.png");
    make(&picture, &[&["-f", "lavfi", "-i", "testsrc2=size=300x300:rate=1:duration=1"], &["-frames:v", "1"]]);
    let input = bench.path("song.flac");
    make(&input, &[&["-f", "lavfi", "-i", "anoisesrc=duration=40:sample_rate=48000"], &["-c:a", "flac"]]);
    let mut request = bench.request(&input, Choice::Audio);
    (request.title, request.performer, request.picture) = (Some("Sea".into()), Some("Wind".into()), Some(picture));
    let whole = bench.prepare(request).await.expect("a song");
    let pieces = split(&bench, &whole, whole.size_bytes / 2 + 60_000, 4).await.expect("it is cut");
    assert!((2..=3).contains(&pieces.len()), "{}", pieces.len());
    let of = pieces.len();
    for (piece, number) in pieces.iter().zip(1..) {
        assert_decodes(&piece.path);
        assert_eq!(piece.title, Some(format!("Sea ({number}/{of})")));
        assert_eq!((piece.mime.as_str(), piece.performer.as_deref()), ("audio/mp4", Some("Wind")));
        assert!(piece.thumbnail.is_some());
        let probed = probe(&piece.path);
        assert_eq!(probed["format"]["tags"]["title"], format!("Sea ({number}/{of})"));
        let streams = probed["streams"].as_array().expect("streams");
        assert!(streams.iter().any(|stream| stream["disposition"]["attached_pic"] == 1), "the cover is in each piece");
    }
    let of_pieces: Vec<String> = pieces.iter().flat_map(|piece| sounds(&piece.path)).collect();
    assert_eq!(of_pieces, sounds(&whole.path));
}

/// Hashes of the packets of the sound; a cover is a picture, and comes first.
fn sounds(path: &Path) -> Vec<String> {
    hashes(path, 1)
}

#[tokio::test]
async fn what_cannot_be_cut_is_said() {
    let bench = Bench::new();
    let input = bench.path("film.mp4");
    make(&input, &[TEN_SECONDS, &["-c:v", "libx264", "-preset", "veryfast", "-g", "1000", "-pix_fmt", "yuv420p"], FASTSTART]);
    let whole = bench.video(&input).await;
    let half = whole.size_bytes / 2;
    let failure = split(&bench, &whole, half, 10).await.expect_err("there is one key frame");
    assert_eq!(failure.reason, Reason::NoLane { size_bytes: whole.size_bytes, limit_bytes: half, account_missing: false });

    let input = bench.path("pieces.mp4");
    make(&input, &[TEN_SECONDS, REORDERED, FASTSTART]);
    let whole = bench.video(&input).await;
    let failure = split(&bench, &whole, whole.size_bytes / 3, 2).await.expect_err("two are not enough");
    assert!(matches!(failure.reason, Reason::NoLane { .. }), "{failure}");

    let broken = bench.write("broken.mp4", b"\0\0\0\x18ftypmp42 and nothing behind it");
    let whole = Prepared { path: broken, size_bytes: 30, ..whole };
    let failure = split(&bench, &whole, 10, 2).await.expect_err("nobody can read it");
    assert_eq!(failure.reason, Reason::BrokenMedia);
}
