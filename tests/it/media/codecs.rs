//! Other codecs than H.264, to a size and as a copy. In: noise, which compresses badly. Out: assertions. Must not: judge how it looks.

use std::path::Path;

use tgferry::media::{FitRequest, Format};
use tgferry::model::{Appearance, ProgressSender, VideoCodec};
use tokio_util::sync::CancellationToken;

use super::clips::{AAC, FASTSTART, H264, TONE, assert_decodes, index_in_front, make, number, packets, probe, stream};
use super::{Bench, PATIENCE};

/// Longer than one stretch between key frames, so that an encoder that can't be steered in flight begins anew on the way.
const NOISE: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=8,noise=alls=20:allf=t"];
const HISS: &[&str] = &["-f", "lavfi", "-i", "anoisesrc=duration=8:sample_rate=48000:amplitude=0.1"];

fn tag_of_picture(path: &Path) -> (String, String) {
    let probed = probe(path);
    let picture = stream(&probed, "video").expect("a picture");
    let text = |name: &str| picture[name].as_str().expect("a text").to_owned();
    (text("codec_name"), text("codec_tag_string"))
}

async fn fits(codec: VideoCodec, max_bytes: u64, expected: (&str, &str)) {
    let bench = Bench::new();
    let input = bench.path("noise.mp4");
    make(&input, &[NOISE, HISS, H264, AAC, FASTSTART]);
    let folder = bench.path("fit");
    std::fs::create_dir(&folder).expect("a folder");
    let request = FitRequest { input, folder, max_bytes, codec, least: Appearance::Poor };
    let cancel = CancellationToken::new();
    let fitting = bench.media.plan_to_fit(request, &cancel).await.unwrap_or_else(|failure| panic!("{codec:?}: {failure}"));
    let (progress, watch) = ProgressSender::channel();
    let work = bench.media.fit(fitting.clone(), &progress, &cancel);
    let path =
        tokio::time::timeout(PATIENCE, work).await.expect("it does not hang").unwrap_or_else(|failure| panic!("{codec:?}: {failure}"));
    assert!(watch.borrow().done > 0, "progress is told");
    let size_bytes = std::fs::metadata(&path).expect("the result").len();
    assert!((max_bytes * 97 / 100..=max_bytes).contains(&size_bytes), "{codec:?}: {size_bytes} of {max_bytes}");
    let (name, tag) = tag_of_picture(&path);
    assert_eq!((name.as_str(), tag.as_str()), expected);
    assert!(index_in_front(&path));
    assert_decodes(&path);
    let probed = probe(&path);
    let picture = stream(&probed, "video").expect("a picture");
    assert_eq!((number(&picture["width"]) as u32, number(&picture["height"]) as u32), fitting.size);
    let frames = (fitting.frame_rate * 8.0).round();
    assert!((number(&picture["nb_read_packets"]) - frames).abs() <= 2.0, "{codec:?}: {} of {frames} frames", picture["nb_read_packets"]);
    let duration_s = number(&probed["format"]["duration"]);
    assert!((7.9..8.2).contains(&duration_s), "{codec:?}: {duration_s}");
}

#[tokio::test]
async fn hevc_fits_and_plays_on_apples_devices() {
    fits(VideoCodec::Hevc, 500_000, ("hevc", "hvc1")).await;
}

#[tokio::test]
async fn av1_fits() {
    fits(VideoCodec::Av1, 500_000, ("av1", "av01")).await;
}

#[tokio::test]
async fn vp9_fits() {
    fits(VideoCodec::Vp9, 500_000, ("vp9", "vp09")).await;
}

#[tokio::test]
async fn hevc_that_is_copied_plays_on_apples_devices_too() {
    let bench = Bench::new();
    let input = bench.path("phone.mkv");
    let hevc: &[&str] = &["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p"];
    make(&input, &[&["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2"], TONE, hevc, AAC]);
    let made = bench.convert(bench.conversion(&input, Format::Mp4)).await.expect("a video");
    assert_eq!((made.picture_encoded, tag_of_picture(&made.path)), (Some(false), ("hevc".to_owned(), "hvc1".to_owned())));
    assert_decodes(&made.path);
    let hashes = |path: &Path| packets(path).into_iter().filter(|packet| packet.stream == 1).map(|packet| packet.hash).collect::<Vec<_>>();
    assert_eq!(hashes(&input), hashes(&made.path));
    assert_eq!(number(&stream(&probe(&made.path), "video").expect("a picture")["nb_read_packets"]), 50.0);
}
