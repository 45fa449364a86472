//! Thumbnails of a person's own picture. In: pictures of one colour. Out: assertions. Must not: compare bytes of encoders.

use std::path::{Path, PathBuf};
use std::process::Command;

use tgferry::model::{Choice, Prepared};

use super::Bench;
use super::clips::{AAC, FASTSTART, H264, PICTURE, TONE, assert_thumbnail, make};

/// The average red, green and blue of a picture.
fn color(path: &Path) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-nostdin", "-i", path.to_str().expect("a path"), "-vf", "scale=1:1:flags=area"])
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .expect("the ffmpeg program is installed for tests");
    output.stdout
}

fn is_red(prepared: &Prepared) -> bool {
    let color = color(prepared.thumbnail.as_deref().expect("a thumbnail"));
    color[0] > 200 && color[1] < 60 && color[2] < 60
}

fn red(bench: &Bench, name: &str) -> PathBuf {
    let path = bench.path(name);
    make(&path, &[&["-f", "lavfi", "-i", "color=red:size=1000x500:rate=1:duration=1", "-frames:v", "1"]]);
    path
}

#[tokio::test]
async fn it_stands_in_for_a_frame() {
    let bench = Bench::new();
    let (passed, rewritten, encoded) = (bench.path("passed.mp4"), bench.path("rewritten.mkv"), bench.path("encoded.avi"));
    make(&passed, &[PICTURE, H264, FASTSTART]);
    make(&rewritten, &[PICTURE, TONE, H264, AAC]);
    make(&encoded, &[PICTURE, &["-c:v", "mpeg4"]]);
    for (input, picture) in [(&passed, "own.png"), (&rewritten, "own.jpg"), (&encoded, "own.webp")] {
        let mut request = bench.request(input, Choice::Video);
        request.own_thumbnail = Some(red(&bench, picture));
        let prepared = bench.prepare(request).await.unwrap_or_else(|failure| panic!("{picture}: {failure}"));
        assert_thumbnail(&prepared, (1000, 500));
        assert!(is_red(&prepared), "{picture}");
    }
}

#[tokio::test]
async fn a_song_keeps_its_cover_and_shows_the_picture() {
    let bench = Bench::new();
    let input = bench.path("song.flac");
    make(&input, &[TONE, &["-c:a", "flac"]]);
    let mut request = bench.request(&input, Choice::Audio);
    request.own_thumbnail = Some(red(&bench, "own.png"));
    let prepared = bench.prepare(request).await.expect("a song");
    assert_thumbnail(&prepared, (1000, 500));
    assert!(is_red(&prepared));
}

#[tokio::test]
async fn one_that_is_no_picture_is_passed_over() {
    let bench = Bench::new();
    let input = bench.path("film.mkv");
    make(&input, &[PICTURE, H264]);
    let mut request = bench.request(&input, Choice::Video);
    request.own_thumbnail = Some(bench.write("own.jpg", b"\xff\xd8\xff and nothing behind it"));
    let prepared = bench.prepare(request).await.expect("a film all the same");
    assert_thumbnail(&prepared, (320, 180));
    assert!(!is_red(&prepared));
}
