//! Pictures of videos. In: clips in which every frame differs. Out: assertions. Must not: compare bytes of encoders.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tgferry::media::DrawRequest;
use tgferry::model::{Failure, Reason};
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{FASTSTART, make, number, probe, stream};
use super::compare::{nearest, times_s};

const FILM: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=6"];
const REORDERED: &[&str] = &["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "50", "-b:v", "2M", "-pix_fmt", "yuv420p"];

async fn draw(bench: &Bench, input: &Path, at_s: Option<f64>, full: bool) -> Result<(PathBuf, (u32, u32)), Failure> {
    let folder = bench.path("job");
    std::fs::create_dir_all(&folder).expect("the job's folder");
    let request = DrawRequest { input: input.to_owned(), folder, at: at_s.map(Duration::from_secs_f64), full };
    bench.media.draw(request, &CancellationToken::new()).await
}

#[tokio::test]
async fn the_frame_at_a_time_is_the_very_one() {
    let bench = Bench::new();
    for name in ["film.mp4", "film.mkv", "film.ts"] {
        let input = bench.path(name);
        make(&input, &[FILM, REORDERED, FASTSTART]);
        // On a frame, a hair behind it as people round, between two, within the first stretch, and the last.
        let times_s = times_s(&input);
        for (frame, beside_s) in [(75, 0.0), (75, 0.0009), (101, -0.01), (5, 0.0), (0, 0.0), (149, 0.0)] {
            let at_s = times_s[frame] + beside_s;
            let (path, size) = draw(&bench, &input, Some(at_s), true).await.unwrap_or_else(|failure| panic!("{name} {at_s}: {failure}"));
            assert_eq!(size, (320, 180));
            assert_eq!(nearest(&path, &input), frame, "{name} {at_s}");
        }
    }
}

#[tokio::test]
async fn small_ones_are_within_bounds_and_upright() {
    let bench = Bench::new();
    let (upright, input) = (bench.path("upright.mp4"), bench.path("side.mp4"));
    make(&upright, &[&["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=4"], REORDERED]);
    make(&input, &[&["-i", upright.to_str().expect("a path"), "-c", "copy", "-metadata:s:v:0", "rotate=90"]]);
    for at_s in [None, Some(3.0)] {
        let (path, size) = draw(&bench, &input, at_s, false).await.expect("a picture");
        assert_eq!(size, (180, 320));
        let probed = probe(&path);
        let picture = stream(&probed, "video").expect("a picture");
        assert_eq!((number(&picture["width"]), number(&picture["height"])), (180.0, 320.0));
        assert!(std::fs::metadata(&path).expect("it is there").len() <= 200_000);
        let (_, size) = draw(&bench, &input, at_s, true).await.expect("a picture");
        assert_eq!(size, (360, 640));
    }
}

#[tokio::test]
async fn behind_the_end_it_is_the_last_frame_and_without_pictures_none() {
    let bench = Bench::new();
    let input = bench.path("film.mp4");
    make(&input, &[FILM, REORDERED]);
    let (path, _) = draw(&bench, &input, Some(500.0), true).await.expect("a picture");
    assert_eq!(nearest(&path, &input), 149);
    let song = bench.path("song.mp3");
    make(&song, &[&["-f", "lavfi", "-i", "sine=duration=1"]]);
    assert_eq!(draw(&bench, &song, None, false).await.expect_err("no picture").reason, Reason::BrokenMedia);
}
