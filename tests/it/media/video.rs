//! Videos: passed on, rewritten, encoded again. In: clips. Out: assertions. Must not: test the decisions, which have tables of their own.

use tgferry::model::{Choice, MediaKind, Progress, ProgressSender, Step};
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{AAC, FASTSTART, H264, PICTURE, TONE, assert_plays_everywhere, make, number, probe, stream};

#[tokio::test]
async fn a_probe_says_what_a_file_is() {
    let bench = Bench::new();
    let input = bench.path("clip.mp4");
    make(&input, &[PICTURE, TONE, H264, AAC, &["-metadata", "title=A title", "-metadata", "artist=Someone"], FASTSTART]);
    let info = bench.media.probe(&input, &CancellationToken::new()).await.expect("it reads");
    assert!(info.format.contains("mp4"), "{}", info.format);
    assert!((info.duration_s - 2.0).abs() < 0.1, "{}", info.duration_s);
    assert_eq!(info.size_bytes, std::fs::metadata(&input).expect("it is there").len());
    assert!(info.bit_rate.is_some());
    assert!(info.index_in_front);
    assert_eq!((info.title.as_deref(), info.artist.as_deref()), (Some("A title"), Some("Someone")));
    let video = info.video.expect("a picture");
    assert_eq!((video.codec.as_str(), video.pixel_format.as_str()), ("h264", "yuv420p"));
    assert_eq!((video.width, video.height, video.rotation), (320, 180, 0));
    assert!((video.frame_rate - 25.0).abs() < 0.01);
    assert!(video.profile.is_some() && video.bit_rate.is_some() && !video.attached_picture);
    let audio = info.audio.expect("a sound");
    assert_eq!((audio.codec.as_str(), audio.channels, audio.sample_rate), ("aac", 2, 48_000));
}

#[tokio::test]
async fn a_good_file_is_passed_on() {
    let bench = Bench::new();
    let input = bench.path("good clip.mp4");
    make(&input, &[PICTURE, TONE, H264, AAC, FASTSTART]);
    let prepared = bench.video(&input).await;
    assert_eq!(prepared.path, input, "nothing is copied");
    assert_eq!((prepared.width, prepared.height, prepared.duration_s), (320, 180, 2));
    assert_eq!(prepared.file_name, "good clip.mp4");
}

#[tokio::test]
async fn other_containers_are_rewritten_without_loss() {
    let bench = Bench::new();
    for (name, options) in [
        ("late.mp4", &[][..]),
        ("clip.mkv", &[]),
        ("clip.ts", &["-f", "mpegts"]),
        ("clip.mov", FASTSTART),
        ("clip.flv", &["-ar", "44100"]),
        ("fragments.mp4", &["-movflags", "frag_keyframe+empty_moov"]),
        ("silent.mkv", &["-an"]),
    ] {
        let input = bench.path(name);
        make(&input, &[PICTURE, TONE, H264, AAC, options]);
        let prepared = bench.video(&input).await;
        assert_ne!(prepared.path, input, "{name}");
        assert_eq!((prepared.width, prepared.height), (320, 180), "{name}");
        assert!((2..=3).contains(&prepared.duration_s), "{name}: {}", prepared.duration_s);
        let (before, after) = (probe(&input), probe(&prepared.path));
        let packets = |probed: &serde_json::Value| number(&stream(probed, "video").expect("a picture")["nb_read_packets"]);
        assert_eq!(packets(&before), packets(&after), "{name}: no picture is lost");
        assert_eq!(stream(&before, "audio").is_some(), stream(&after, "audio").is_some(), "{name}");
    }
}

#[tokio::test]
async fn what_phones_do_not_play_is_encoded_again() {
    let bench = Bench::new();
    let table: [(&str, &[&str]); 6] = [
        ("vp9.webm", &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"]),
        (
            "hevc10.mp4",
            &["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none", "-c:a", "aac"],
        ),
        ("mpeg2.mpg", &["-c:v", "mpeg2video", "-c:a", "mp2"]),
        ("xvid.avi", &["-c:v", "mpeg4", "-bf", "2", "-c:a", "libmp3lame"]),
        ("high444.mkv", &["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p", "-c:a", "flac", "-ac", "6"]),
        ("mp3.mp4", &["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "libmp3lame", "-ac", "1"]),
    ];
    for (name, codecs) in table {
        let input = bench.path(name);
        make(&input, &[PICTURE, TONE, codecs]);
        let prepared = bench.video(&input).await;
        assert_eq!((prepared.width, prepared.height), (320, 180), "{name}");
        let probed = probe(&prepared.path);
        let (video, audio) = (stream(&probed, "video").expect("a picture"), stream(&probed, "audio").expect("a sound"));
        assert!((number(&video["duration"]) - 2.0).abs() < 0.15, "{name}: {video}");
        assert!((number(&audio["duration"]) - 2.0).abs() < 0.15, "{name}: {audio}");
        assert!((48.0..=52.0).contains(&number(&video["nb_read_packets"])), "{name}: {video}");
    }
}

#[tokio::test]
async fn av1_and_a_variable_rate_are_encoded_again() {
    let bench = Bench::new();
    let input = bench.path("av1.mkv");
    // Every third frame is missing in the first half: a rate that varies.
    let varied = ["-vf", "select='gt(t,1)+mod(n,3)'", "-fps_mode", "vfr"];
    make(&input, &[PICTURE, &varied, &["-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1"]]);
    let prepared = bench.video(&input).await;
    let probed = probe(&prepared.path);
    let video = stream(&probed, "video").expect("a picture");
    assert!((number(&video["duration"]) - 2.0).abs() < 0.2, "{video}");
    assert_eq!(video["r_frame_rate"], video["avg_frame_rate"], "the rate is steady");
}

#[tokio::test]
async fn phone_videos_stand_upright() {
    let bench = Bench::new();
    let lying = bench.path("lying.mp4");
    make(&lying, &[PICTURE, TONE, H264, AAC]);
    let turned = bench.path("turned.mp4");
    make(&turned, &[&["-i", lying.to_str().expect("UTF-8")], &["-c", "copy", "-metadata:s:v:0", "rotate=90"]]);
    let copied = bench.video(&turned).await;
    assert_eq!((copied.width, copied.height), (180, 320), "the rotation stays with copied pictures");
    let rotation = |path: &std::path::Path| probe(path)["streams"][0]["side_data_list"][0]["rotation"].as_i64();
    assert_eq!(rotation(&copied.path), rotation(&turned));

    let source = bench.path("turned-hevc.mp4");
    let hevc: &[&str] = &["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-tag:v", "hvc1"];
    make(&source, &[PICTURE, hevc]);
    let turned_hevc = bench.path("phone.mov");
    make(&turned_hevc, &[&["-i", source.to_str().expect("UTF-8")], &["-c", "copy", "-metadata:s:v:0", "rotate=90"]]);
    let encoded = bench.video(&turned_hevc).await;
    assert_eq!((encoded.width, encoded.height), (180, 320));
    let probed = probe(&encoded.path);
    let video = stream(&probed, "video").expect("a picture");
    assert_eq!((number(&video["width"]), number(&video["height"])), (180.0, 320.0), "encoded pictures are turned themselves");
    assert!(video["side_data_list"].is_null(), "and not turned twice: {video}");
}

#[tokio::test]
async fn odd_sizes_and_odd_pixels_come_out_right() {
    let bench = Bench::new();
    let odd = bench.path("odd.webm");
    make(&odd, &[&["-f", "lavfi", "-i", "testsrc2=size=101x77:rate=10:duration=1"], &["-c:v", "libvpx", "-deadline", "realtime"]]);
    let prepared = bench.video(&odd).await;
    assert_eq!((prepared.width, prepared.height), (100, 76));

    let wide = bench.path("dvd.mpg");
    make(&wide, &[&["-f", "lavfi", "-i", "testsrc2=size=360x288:rate=25:duration=1"], &["-vf", "setsar=64/45", "-c:v", "mpeg2video"]]);
    let prepared = bench.video(&wide).await;
    assert_eq!((prepared.width, prepared.height), (512, 288), "pixels that are not square are made so");
}

#[tokio::test]
async fn progress_comes_on_the_way() {
    let bench = Bench::new();
    let input = bench.path("clip.webm");
    make(&input, &[PICTURE, &["-c:v", "libvpx", "-deadline", "realtime"]]);
    let (progress, watch) = ProgressSender::channel();
    let prepared = bench.media.prepare(bench.request(&input, Choice::Video), &progress, &CancellationToken::new()).await.expect("it works");
    assert_plays_everywhere(&prepared);
    let last: Progress = watch.borrow().clone();
    assert_eq!(last.step, Step::Transcoding);
    assert!(last.done > 800 && last.total == Some(1000), "{last:?}");
}

#[tokio::test]
async fn pictures_and_files_go_as_they_are() {
    let bench = Bench::new();
    let jpeg = bench.path("photo.jpeg");
    make(&jpeg, &[PICTURE, &["-frames:v", "1"]]);
    let photo = bench.prepare(bench.request(&jpeg, Choice::Video)).await.expect("a photo");
    assert_eq!((photo.kind, photo.path.as_path()), (MediaKind::Photo, jpeg.as_path()));
    assert_eq!((photo.width, photo.height, photo.mime.as_str()), (320, 180, "image/jpeg"));

    let gif = bench.path("moving.gif");
    make(&gif, &[PICTURE, &["-r", "5"]]);
    let zip = bench.write("things.zip", b"PK\x03\x04 and so on");
    let text = bench.write("notes.txt", b"Some words, no media.\n");
    for (path, mime) in [(gif, "image/gif"), (zip, "application/zip"), (text, "text/plain")] {
        let document = bench.prepare(bench.request(&path, Choice::Video)).await.expect("a document");
        assert_eq!((document.kind, &document.path, document.mime.as_str()), (MediaKind::Document, &path, mime));
    }
}
