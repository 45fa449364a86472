//! Sound as M4A. In: clips. Out: assertions. Must not: judge how it sounds.

use tgferry::model::{Choice, MediaKind, Prepared, Reason};

use super::Bench;
use super::clips::{AAC, H264, PICTURE, TONE, assert_decodes, assert_thumbnail, make, number, probe, stream};

fn assert_song(prepared: &Prepared) {
    assert_eq!(prepared.kind, MediaKind::Audio);
    assert_eq!(prepared.mime, "audio/mp4");
    assert!(prepared.file_name.ends_with(".m4a"), "{}", prepared.file_name);
    assert_eq!(prepared.duration_s, 2, "two seconds and a bit of padding");
    let probed = probe(&prepared.path);
    assert_eq!(stream(&probed, "audio").expect("a sound")["codec_name"], "aac");
    assert!(stream(&probed, "video").is_none(), "no picture but the cover");
    assert_decodes(&prepared.path);
}

fn cover_of(prepared: &Prepared) -> Option<serde_json::Value> {
    let probed = probe(&prepared.path);
    probed["streams"].as_array().and_then(|streams| streams.iter().find(|stream| stream["disposition"]["attached_pic"] == 1).cloned())
}

#[tokio::test]
async fn aac_is_copied_out_of_a_video() {
    let bench = Bench::new();
    let input = bench.path("clip.mkv");
    make(&input, &[PICTURE, TONE, H264, AAC]);
    let prepared = bench.prepare(bench.request(&input, Choice::Audio)).await.expect("a song");
    assert_song(&prepared);
    assert_eq!(prepared.title.as_deref(), Some("clip"), "the name serves as title");
    assert_eq!(cover_of(&prepared).expect("a frame of the video as the cover")["codec_name"], "mjpeg");
    assert_thumbnail(&prepared, (320, 180));
    let packets = |probed: &serde_json::Value| number(&stream(probed, "audio").expect("a sound")["nb_read_packets"]);
    assert_eq!(packets(&probe(&input)), packets(&probe(&prepared.path)), "nothing is encoded again");
}

#[tokio::test]
async fn a_song_gets_title_performer_cover_and_thumbnail() {
    let bench = Bench::new();
    let picture = bench.path("picture.webp");
    make(&picture, &[&["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=1:duration=1"], &["-frames:v", "1"]]);
    let input = bench.path("song.mp3");
    make(&input, &[TONE, &["-c:a", "libmp3lame", "-metadata", "title=Tagged", "-metadata", "artist=Tagger"]]);
    // A file that has sound alone is a song whatever was chosen.
    for choice in [Choice::Audio, Choice::Video] {
        let mut request = bench.request(&input, choice);
        request.title = Some("Ttl \u{7} ♪".into());
        request.performer = Some("Prf".into());
        request.picture = Some(picture.clone());
        let prepared = bench.prepare(request).await.expect("a song");
        assert_song(&prepared);
        assert_eq!(prepared.performer.as_deref(), Some("Prf"));
        let tags = probe(&prepared.path)["format"]["tags"].clone();
        assert_eq!((tags["title"].as_str(), tags["artist"].as_str()), (Some("Ttl  ♪"), Some("Prf")));
        let cover = cover_of(&prepared).expect("a cover");
        assert_eq!((cover["codec_name"].as_str(), number(&cover["width"])), (Some("mjpeg"), 640.0));
        assert_thumbnail(&prepared, (640, 360));
    }
    let plain = bench.prepare(bench.request(&input, Choice::Audio)).await.expect("a song");
    assert_eq!((plain.title.as_deref(), plain.performer.as_deref()), (Some("Tagged"), Some("Tagger")), "its own tags serve else");
    assert!(cover_of(&plain).is_none());
}

#[tokio::test]
async fn the_cover_inside_a_file_is_kept() {
    let bench = Bench::new();
    let picture = bench.path("cover.png");
    make(&picture, &[&["-f", "lavfi", "-i", "testsrc2=size=300x300:rate=1:duration=1"], &["-frames:v", "1"]]);
    let input = bench.path("song.flac");
    let attach: &[&str] = &["-map", "0", "-map", "1", "-c:a", "flac", "-c:v", "copy", "-disposition:v", "attached_pic"];
    make(&input, &[TONE, &["-i", picture.to_str().expect("UTF-8")], attach]);
    let prepared = bench.prepare(bench.request(&input, Choice::Video)).await.expect("a song");
    assert_song(&prepared);
    assert_eq!(number(&cover_of(&prepared).expect("a cover")["width"]), 300.0);
    assert_thumbnail(&prepared, (300, 300));
}

#[tokio::test]
async fn a_picture_that_is_none_does_no_harm() {
    let bench = Bench::new();
    let input = bench.path("song.ogg");
    make(&input, &[TONE, &["-c:a", "libvorbis", "-ac", "1"]]);
    let mut request = bench.request(&input, Choice::Audio);
    request.picture = Some(bench.write("picture.jpg", b"<html>not found</html>"));
    let prepared = bench.prepare(request).await.expect("a song all the same");
    assert_song(&prepared);
    assert!(prepared.thumbnail.is_none());
}

#[tokio::test]
async fn a_song_is_made_to_fit() {
    let bench = Bench::new();
    let input = bench.path("long.wav");
    make(&input, &[&["-f", "lavfi", "-i", "anoisesrc=duration=60:sample_rate=44100"]]);
    let mut request = bench.request(&input, Choice::Audio);
    request.max_bytes = Some(600_000);
    let prepared = bench.prepare(request.clone()).await.expect("a song");
    assert!(prepared.size_bytes <= 600_000, "{}", prepared.size_bytes);
    request.max_bytes = Some(300_000);
    let failure = bench.prepare(request).await.expect_err("there is no decent rate");
    assert!(matches!(failure.reason, Reason::NoLane { limit_bytes: 300_000, .. }), "{failure}");
}

#[tokio::test]
async fn silence_is_no_song() {
    let bench = Bench::new();
    let input = bench.path("silent.mp4");
    make(&input, &[PICTURE, H264]);
    let failure = bench.prepare(bench.request(&input, Choice::Audio)).await.expect_err("there is no sound");
    assert_eq!(failure.reason, Reason::NoAudio);
}
