//! Broken and hostile files: each gets a clear reason, none hangs or hurts. In: damaged clips. Out: assertions. Must not: use random damage
//! (the seed is fixed).

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tgferry::model::{Choice, MediaKind, Reason};
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{AAC, FASTSTART, H264, PICTURE, TONE, make};

#[tokio::test]
async fn what_claims_to_be_a_video_and_is_none_is_named() {
    let bench = Bench::new();
    let table: [(&str, &[u8], Reason); 6] = [
        ("empty.mp4", b"", Reason::Empty),
        ("page.mp4", b"<!DOCTYPE html><html><title>Log in</title></html>", Reason::WebPage),
        ("page", b"\n  <html><body>404</body></html>", Reason::WebPage),
        ("text.mp4", b"This is no video, whatever the name says.\n", Reason::BrokenMedia),
        ("zipped.mp4", b"PK\x03\x04 and so on", Reason::BrokenMedia),
        ("playlist.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", Reason::BrokenMedia),
    ];
    for (name, bytes, expected) in table {
        let input = bench.write(name, bytes);
        let failure = bench.prepare(bench.request(&input, Choice::Video)).await.expect_err(name);
        assert_eq!(failure.reason, expected, "{name}: {failure}");
        let probed = bench.media.probe(&input, &CancellationToken::new()).await.expect_err(name);
        assert_eq!(probed.reason, expected, "{name}: {probed}");
    }
}

#[tokio::test]
async fn a_cut_file_is_broken() {
    let bench = Bench::new();
    for (name, options) in [("front.mp4", FASTSTART), ("late.mp4", &[]), ("clip.mkv", &[])] {
        let whole = bench.path(&format!("whole-{name}"));
        make(&whole, &[&["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=8"], H264, &["-g", "25"], options]);
        let bytes = std::fs::read(&whole).expect("it reads");
        let input = bench.write(name, &bytes[..bytes.len() / 2]);
        let failure = bench.prepare(bench.request(&input, Choice::Video)).await.expect_err(name);
        assert_eq!(failure.reason, Reason::BrokenMedia, "{name}: {failure}");
    }
}

#[tokio::test]
async fn flipped_bits_end_in_a_video_or_a_reason() {
    let bench = Bench::new();
    let mut random = StdRng::seed_from_u64(20_261_121);
    let table: [(&str, &[&str]); 4] = [
        ("front.mp4", &["-c:v", "libx264", "-preset", "ultrafast", "-movflags", "+faststart"]),
        ("clip.ts", &["-c:v", "libx264", "-preset", "ultrafast"]),
        ("clip.webm", &["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis"]),
        ("clip.avi", &["-c:v", "mpeg4", "-c:a", "libmp3lame"]),
    ];
    for (name, codecs) in table {
        let whole = bench.path(&format!("whole-{name}"));
        make(&whole, &[PICTURE, TONE, codecs]);
        let good = std::fs::read(&whole).expect("it reads");
        for flips in [20, 2000] {
            let mut bytes = good.clone();
            for _ in 0..flips {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 1 << random.random_range(0..8);
            }
            let input = bench.write(name, &bytes);
            match bench.prepare(bench.request(&input, Choice::Video)).await {
                Ok(prepared) => assert!(prepared.size_bytes > 0 && prepared.path.exists(), "{name} {flips}"),
                Err(failure) => {
                    assert!(matches!(failure.reason, Reason::BrokenMedia | Reason::MediaLimits), "{name} with {flips} flips: {failure}");
                }
            }
        }
    }
}

#[tokio::test]
async fn absurd_dimensions_cost_no_memory() {
    let bench = Bench::new();
    let clip = bench.path("clip.mp4");
    make(&clip, &[PICTURE, TONE, &["-c:v", "mpeg4"], AAC, FASTSTART]);
    let mut bytes = std::fs::read(&clip).expect("it reads");
    // The sample entry holds width and height 32 bytes after its name (ISO/IEC 14496-12, VisualSampleEntry: 4 + 28 bytes).
    let entry = bytes.windows(4).position(|window| window == b"mp4v").expect("a sample entry");
    bytes[entry + 28..entry + 32].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    let huge = bench.write("huge.mp4", &bytes);
    match bench.prepare(bench.request(&huge, Choice::Video)).await {
        Ok(prepared) => assert_eq!((prepared.width, prepared.height), (320, 180), "the stream itself knows better"),
        Err(failure) => assert!(matches!(failure.reason, Reason::BrokenMedia | Reason::MediaLimits), "{failure}"),
    }

    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60, 8, 2, 0, 0, 0, 0x1a, 0x2b, 0x3c, 0x4d]); // 60000 x 60000
    let bomb = bench.write("bomb.png", &png);
    let document = bench.prepare(bench.request(&bomb, Choice::Video)).await.expect("a file like any other");
    assert_eq!(document.kind, MediaKind::Document);
}

#[tokio::test]
async fn a_playlist_opens_nothing() {
    let bench = Bench::new();
    let secret = bench.path("secret.ts");
    make(&secret, &[PICTURE, H264, &["-f", "mpegts"]]);
    let list = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n", secret.display());
    let concat = format!("ffconcat version 1.0\nfile '{}'\n", secret.display());
    for (name, text) in [("list.m3u8", list), ("list.ffconcat", concat)] {
        let input = bench.write(name, text.as_bytes());
        let mut request = bench.request(&input, Choice::Video);
        request.mime = Some("video/mp4".into());
        let failure = bench.prepare(request).await.expect_err(name);
        assert_eq!(failure.reason, Reason::BrokenMedia, "{name}: {failure}");
    }
}
