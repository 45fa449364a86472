//! Pictures and sound of all kinds: brightness beyond the screen, half pictures, many tracks, chapters, headers that lie; and thumbnails that tell.
//!
//! In: clips. Out: assertions by `ffprobe` and on pixels. Must not: test the decisions, which have tables of their own.

use std::path::Path;
use std::process::Command;

use tgferry::model::{Choice, Hdr, MediaInfo};
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{AAC, FASTSTART, H264, PICTURE, TONE, make, number, probe, stream};

async fn info(bench: &Bench, path: &Path) -> MediaInfo {
    bench.media.probe(path, &CancellationToken::new()).await.unwrap_or_else(|failure| panic!("{failure}"))
}

/// Mean brightness of all pictures of a file, 0 to 255.
fn brightness(path: &Path) -> f64 {
    let result = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i"])
        .arg(path)
        .args(["-vf", "scale=1:1:flags=area,format=gray", "-f", "rawvideo", "-"])
        .output()
        .expect("the ffmpeg program is installed for tests");
    let pixels = result.stdout;
    assert!(!pixels.is_empty(), "{}: {}", path.display(), String::from_utf8_lossy(&result.stderr));
    pixels.iter().map(|pixel| f64::from(*pixel)).sum::<f64>() / pixels.len() as f64
}

#[tokio::test]
async fn brightness_beyond_the_screen_is_mapped() {
    let bench = Bench::new();
    for (name, curve, hdr) in [("pq.mp4", "smpte2084", Hdr::Pq), ("hlg.mkv", "arib-std-b67", Hdr::Hlg)] {
        let input = bench.path(name);
        let to_hdr =
            format!("format=yuv420p,zscale=pin=bt709:tin=bt709:min=bt709:p=bt2020:t={curve}:m=bt2020nc:npl=200,format=yuv420p10le");
        let tagged = format!("log-level=none:colorprim=bt2020:transfer={curve}:colormatrix=bt2020nc");
        let hevc: &[&str] = &["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", &tagged];
        make(&input, &[PICTURE, TONE, &["-vf", &to_hdr], hevc, AAC]);
        assert_eq!(info(&bench, &input).await.video.expect("a picture").hdr, Some(hdr), "{name}");
        let prepared = bench.video(&input).await;
        let probed = probe(&prepared.path);
        let video = stream(&probed, "video").expect("a picture");
        for tag in ["color_space", "color_transfer", "color_primaries"] {
            assert_eq!(video[tag], "bt709", "{name}: {video}");
        }
        let plain = bench.path("plain.mp4");
        make(&plain, &[PICTURE, H264]);
        let (mapped, meant) = (brightness(&prepared.path), brightness(&plain));
        assert!((mapped - meant).abs() < 45.0, "{name}: {mapped} where {meant} was meant");
    }
}

#[tokio::test]
async fn half_pictures_are_made_whole() {
    let bench = Bench::new();
    let input = bench.path("interlaced.ts");
    let fields = ["-vf", "interlace", "-flags", "+ilme+ildct", "-c:v", "mpeg2video", "-b:v", "4M"];
    make(&input, &[&["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=50:duration=2"], TONE, &fields, &["-c:a", "mp2", "-f", "mpegts"]]);
    assert!(info(&bench, &input).await.video.expect("a picture").interlaced);
    let prepared = bench.video(&input).await;
    let probed = probe(&prepared.path);
    let video = stream(&probed, "video").expect("a picture");
    assert_eq!((video["field_order"].as_str(), video["r_frame_rate"].as_str()), (Some("progressive"), Some("25/1")), "{video}");
}

#[tokio::test]
async fn six_channels_become_two_and_the_default_track_is_taken() {
    let bench = Bench::new();
    let input = bench.path("film.mkv");
    let high: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=3000:sample_rate=48000:duration=2"];
    let tracks = ["-map", "0", "-map", "1", "-map", "2", "-metadata:s:a:0", "language=fra", "-metadata:s:a:1", "language=deu"];
    let chosen = ["-disposition:a:0", "0", "-disposition:a:1", "default", "-c:a", "ac3", "-ac", "6"];
    make(&input, &[PICTURE, TONE, high, &tracks, &chosen, H264]);
    let probed = info(&bench, &input).await;
    let languages: Vec<_> = probed.tracks.iter().filter(|track| track.kind == "audio").map(|track| track.language.as_deref()).collect();
    assert_eq!(languages, [Some("fra"), Some("deu")]);
    assert!(probed.tracks[2].is_default && !probed.tracks[1].is_default, "{:?}", probed.tracks);
    let prepared = bench.video(&input).await;
    let made = probe(&prepared.path);
    let sound = stream(&made, "audio").expect("a sound");
    assert_eq!(number(&sound["channels"]), 2.0);
    assert!(crossings_per_s(&prepared.path) > 4000.0, "the default track, of 3000 Hz");
}

/// How often the sound passes through zero in a second: twice its frequency.
fn crossings_per_s(path: &Path) -> f64 {
    let result = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i"])
        .arg(path)
        .args(["-ac", "1", "-ar", "48000", "-f", "s16le", "-"])
        .output()
        .expect("the ffmpeg program is installed for tests");
    let samples: Vec<i16> = result.stdout.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let crossings = samples.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
    crossings as f64 / (samples.len() as f64 / 48_000.0)
}

#[tokio::test]
async fn a_probe_tells_of_chapters_and_covers() {
    let bench = Bench::new();
    let chapters = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\n";
    let list = bench.write("chapters.txt", chapters.as_bytes());
    let cover = bench.path("cover.jpg");
    make(&cover, &[PICTURE, &["-frames:v", "1"]]);
    let input = bench.path("film.mp4");
    let more = ["-i", list.to_str().expect("UTF-8"), "-i", cover.to_str().expect("UTF-8"), "-map", "0", "-map", "1", "-map", "3"];
    let how = ["-map_metadata", "2", "-c:v:1", "copy", "-disposition:v:1", "attached_pic"];
    make(&input, &[PICTURE, TONE, &more, &how, &["-c:v:0", "libx264", "-preset", "ultrafast", "-pix_fmt:v:0", "yuv420p"], AAC, FASTSTART]);
    let probed = info(&bench, &input).await;
    let named: Vec<_> = probed.chapters.iter().map(|chapter| (chapter.start_s, chapter.title.as_deref())).collect();
    assert_eq!(named, [(0.0, Some("One")), (1.0, Some("Two"))]);
    assert!(probed.artwork && probed.index_in_front);
    assert_eq!(bench.video(&input).await.path, input, "a cover beside the film does no harm");
}

#[tokio::test]
async fn a_length_that_is_no_length_is_measured() {
    let bench = Bench::new();
    let whole = bench.path("whole.mkv");
    make(&whole, &[&["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=8"], H264, &["-g", "25"]]);
    let bytes = std::fs::read(&whole).expect("it reads");
    // Duration is element 0x4489, here with 8 bytes of a float (https://www.matroska.org/technical/elements.html).
    let at = bytes.windows(3).position(|window| window == [0x44, 0x89, 0x88]).expect("a duration") + 3;
    for (name, said_ms) in [("short.mkv", 2000.0_f64), ("none.mkv", 0.0), ("long.mkv", 3_600_000.0)] {
        let mut lying = bytes.clone();
        lying[at..at + 8].copy_from_slice(&said_ms.to_be_bytes());
        let measured_s = info(&bench, &bench.write(name, &lying)).await.duration_s;
        assert!((measured_s - 8.0).abs() < 0.1, "{name}: {measured_s}");
    }
    let raw = bench.path("raw.aac");
    make(
        &raw,
        &[&["-f", "lavfi", "-i", "anoisesrc=duration=3:sample_rate=48000,volume='if(gt(t,1),0,1)':eval=frame"], AAC, &["-f", "adts"]],
    );
    let measured_s = info(&bench, &raw).await.duration_s;
    assert!((measured_s - 3.0).abs() < 0.1, "{measured_s}");
}

#[tokio::test]
async fn thumbnails_are_neither_black_nor_half_way_to_it() {
    let bench = Bench::new();
    let source = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=20"];
    for (name, filter) in
        [("black-first.mp4", "fade=t=in:st=4:d=3"), ("half-way.mp4", "fade=t=in:st=2:d=2"), ("black-last.mp4", "fade=t=out:st=3.5:d=1")]
    {
        let input = bench.path(name);
        make(&input, &[&source, &["-vf", filter], H264, FASTSTART]);
        let prepared = bench.video(&input).await;
        let shown = brightness(prepared.thumbnail.as_deref().expect("a thumbnail"));
        assert!(shown > 60.0, "{name}: a brightness of {shown}");
    }
}

#[tokio::test]
async fn a_picture_lying_on_its_side_has_an_upright_thumbnail() {
    let bench = Bench::new();
    let lying = bench.path("lying.mp4");
    // Bright above, dark below; turned, it is bright on one side.
    make(&lying, &[PICTURE, &["-vf", "drawbox=t=fill:color=black,drawbox=h=90:t=fill:color=white"], H264]);
    let turned = bench.path("turned.mp4");
    make(&turned, &[&["-i", lying.to_str().expect("UTF-8")], &["-c", "copy", "-metadata:s:v:0", "rotate=90"]]);
    let prepared = bench.prepare(bench.request(&turned, Choice::Video)).await.expect("it works");
    let half = |crop: &str| {
        let part = bench.path("half.png");
        let thumbnail = prepared.thumbnail.as_deref().expect("a thumbnail").to_str().expect("UTF-8").to_owned();
        make(&part, &[&["-i", &thumbnail], &["-vf", crop]]);
        brightness(&part)
    };
    let (left, right) = (half("crop=iw/2:ih:0:0"), half("crop=iw/2:ih:iw/2:0"));
    let player = bench.path("player.png");
    make(&player, &[&["-i", turned.to_str().expect("UTF-8")], &["-frames:v", "1", "-vf", "crop=iw/2:ih:0:0"]]);
    let expected_left = brightness(&player);
    assert!(
        (left - expected_left).abs() < 30.0 && (left - right).abs() > 100.0,
        "{left} and {right}, a player shows {expected_left} at the left"
    );
}
