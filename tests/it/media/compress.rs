//! Videos that must fit. In: noise, which compresses badly. Out: assertions. Must not: judge how it looks.

use tgferry::config::MediaConfig;
use tgferry::model::{Choice, Reason};

use super::clips::{AAC, FASTSTART, H264, assert_plays_everywhere, make, number, probe, stream};
use super::{Bench, config};

const NOISE: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=480x270:rate=25:duration=6,noise=alls=20:allf=t"];
const HISS: &[&str] = &["-f", "lavfi", "-i", "anoisesrc=duration=6:sample_rate=48000"];

#[tokio::test]
async fn a_noisy_clip_never_comes_out_too_large() {
    let bench = Bench::new();
    let input = bench.path("noise.mp4");
    make(&input, &[NOISE, HISS, H264, AAC, FASTSTART]);
    let size_bytes = std::fs::metadata(&input).expect("it is there").len();
    let mut rates = Vec::new();
    for max_bytes in [2_000_000, 600_000, 300_000] {
        assert!(size_bytes > max_bytes, "{size_bytes}");
        let mut request = bench.request(&input, Choice::Video);
        request.max_bytes = Some(max_bytes);
        let prepared = bench.prepare(request).await.unwrap_or_else(|failure| panic!("{max_bytes}: {failure}"));
        assert_plays_everywhere(&prepared);
        assert!(prepared.size_bytes <= max_bytes, "{} of {max_bytes}", prepared.size_bytes);
        assert!(prepared.size_bytes >= max_bytes * 97 / 100, "{} of {max_bytes}: the room is used", prepared.size_bytes);
        assert_eq!(prepared.duration_s, 6);
        let probed = probe(&prepared.path);
        assert!(stream(&probed, "audio").is_some());
        rates.push((prepared.height, number(&stream(&probed, "video").expect("a picture")["bit_rate"])));
        let left: Vec<_> = std::fs::read_dir(bench.path("job")).expect("the folder").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left.len(), 2, "the video and its thumbnail: {left:?}");
    }
    assert!(rates.windows(2).all(|pair| pair[0].1 > pair[1].1), "{rates:?}");
    assert!(rates[2].0 < rates[0].0, "the picture shrinks: {rates:?}");
}

#[tokio::test]
async fn from_each_key_frame_on_all_can_be_shown() {
    let bench = Bench::with(MediaConfig { preset: "veryfast".into(), ..config() }); // it reorders pictures, as most do
    let input = bench.path("noise.mp4");
    make(&input, &[NOISE, HISS, H264, AAC, FASTSTART]);
    let mut request = bench.request(&input, Choice::Video);
    request.max_bytes = Some(600_000);
    let prepared = bench.prepare(request).await.expect("it fits");
    let film = std::fs::read(&prepared.path).expect("it reads"); // libx264 writes its settings into it
    assert!(film.windows(10).any(|window| window == b"open_gop=0"));
    assert_plays_everywhere(&prepared);
    assert!((582_000..=600_000).contains(&prepared.size_bytes), "{}", prepared.size_bytes);
}

#[tokio::test]
async fn what_fits_is_left_alone_and_what_cannot_fit_is_refused() {
    let bench = Bench::new();
    let input = bench.path("noise.mp4");
    make(&input, &[NOISE, HISS, H264, AAC, FASTSTART]);
    let size_bytes = std::fs::metadata(&input).expect("it is there").len();
    let mut request = bench.request(&input, Choice::Video);
    request.max_bytes = Some(size_bytes);
    assert_eq!(bench.prepare(request.clone()).await.expect("it fits").path, input);
    request.max_bytes = Some(60_000);
    request.min_video_bit_rate = 200_000;
    let failure = bench.prepare(request).await.expect_err("it can't fit");
    assert_eq!(failure.reason, Reason::SlideShow { size_bytes, limit_bytes: 60_000 });
}
