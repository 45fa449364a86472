//! Conversions: what comes out is what its name says, and nothing is encoded that need not be. In: clips. Out: assertions by `ffprobe` and `ffmpeg`.
//! Must not: judge how it looks or sounds.

use std::path::Path;

use serde_json::Value;
use tgferry::media::{ConvertRequest, Converted, Format, Preset};
use tgferry::model::{Failure, ProgressSender, Reason, Step};
use tokio_util::sync::CancellationToken;

use super::clips::{AAC, H264, PICTURE, TONE, assert_decodes, index_in_front, make, number, packets, probe, stream};
use super::process::users_of;
use super::{Bench, PATIENCE};

const OPUS: &[&str] = &["-c:a", "libopus", "-ac", "2"];

impl Bench {
    pub(super) fn conversion(&self, input: &Path, format: Format) -> ConvertRequest {
        let folder = self.path("converted");
        std::fs::create_dir_all(&folder).expect("a folder");
        ConvertRequest { input: input.to_owned(), folder, format, preset: None, loudness: false, picture: None }
    }

    pub(super) async fn convert(&self, request: ConvertRequest) -> Result<Converted, Failure> {
        let (progress, _watch) = ProgressSender::channel();
        let cancel = CancellationToken::new();
        tokio::time::timeout(PATIENCE, self.media.convert(request, &progress, &cancel)).await.expect("it does not hang")
    }
}

/// Container, codecs of picture and sound as `ffprobe` names them; the file decodes without a complaint.
fn described(path: &Path) -> (Value, String, Option<String>, Option<String>) {
    assert_decodes(path);
    let probed = probe(path);
    let codec = |kind: &str| stream(&probed, kind).map(|stream| stream["codec_name"].as_str().expect("a codec").to_owned());
    let format = probed["format"]["format_name"].as_str().expect("a name").to_owned();
    let (video, audio) = (codec("video"), codec("audio"));
    (probed, format, video, audio)
}

#[tokio::test]
async fn each_format_comes_out_as_it_is_called() {
    let bench = Bench::new();
    let input = bench.path("clip.mkv");
    make(&input, &[PICTURE, TONE, &["-c:v", "mpeg4", "-c:a", "flac", "-ac", "2"]]);
    let table = [
        (Format::Mp4, "mov,mp4", Some("mpeg4"), Some("aac")),
        (Format::Mkv, "matroska", Some("mpeg4"), Some("flac")),
        (Format::Webm, "webm", Some("vp9"), Some("opus")),
        (Format::Gif, "gif", Some("gif"), None),
        (Format::Animation, "mov,mp4", Some("h264"), None),
        (Format::M4a, "mov,mp4,m4a", None, Some("aac")),
        (Format::Mp3, "mp3", None, Some("mp3")),
        (Format::Opus, "ogg", None, Some("opus")),
        (Format::Voice, "ogg", None, Some("opus")),
        (Format::Round, "mov,mp4", Some("h264"), Some("aac")),
    ];
    for (format, container, video, audio) in table {
        let made = bench.convert(bench.conversion(&input, format)).await.unwrap_or_else(|failure| panic!("{format:?}: {failure}"));
        assert_eq!(made.path.extension().and_then(|ending| ending.to_str()), Some(format.extension()));
        assert_eq!(made.size_bytes, std::fs::metadata(&made.path).expect("it is there").len());
        let (probed, name, of_picture, of_sound) = described(&made.path);
        assert!(name.contains(container), "{format:?}: {name}");
        assert_eq!((of_picture.as_deref(), of_sound.as_deref()), (video, audio), "{format:?}");
        let duration_s = number(&probed["format"]["duration"]);
        assert!(
            (1.9..2.2).contains(&duration_s) && (made.duration_s - duration_s).abs() < 0.1,
            "{format:?}: {duration_s} {}",
            made.duration_s
        );
        if name.contains("mp4") {
            assert!(index_in_front(&made.path), "{format:?}");
        }
        if let (Some(picture), Some((width, height))) = (stream(&probed, "video"), made.size) {
            assert_eq!((number(&picture["width"]) as u32, number(&picture["height"]) as u32), (width, height), "{format:?}");
        }
        std::fs::remove_file(&made.path).expect("it is removed");
    }
}

#[tokio::test]
async fn what_the_container_takes_is_copied_packet_by_packet() {
    let bench = Bench::new();
    let (h264, vp9) = (bench.path("h264.mp4"), bench.path("vp9.webm"));
    make(&h264, &[PICTURE, TONE, H264, AAC]);
    make(&vp9, &[PICTURE, TONE, &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"], OPUS]);
    for (input, format) in [(&h264, Format::Mkv), (&h264, Format::Mp4), (&vp9, Format::Webm), (&vp9, Format::Mp4), (&vp9, Format::Mkv)] {
        let made = bench.convert(bench.conversion(input, format)).await.unwrap_or_else(|failure| panic!("{format:?}: {failure}"));
        assert_eq!((made.picture_encoded, made.sound_encoded), (Some(false), Some(false)), "{format:?}");
        let hashes = |path: &Path| packets(path).into_iter().map(|packet| (packet.stream, packet.hash)).collect::<Vec<_>>();
        assert_eq!(hashes(input), hashes(&made.path), "{} to {format:?}", input.display());
        described(&made.path);
    }
    let gif = bench.path("clip.gif");
    make(&gif, &[PICTURE, &["-r", "10"]]);
    let made = bench.convert(bench.conversion(&gif, Format::Gif)).await.expect("a GIF");
    assert_eq!((made.picture_encoded, packets(&gif).len()), (Some(false), packets(&made.path).len()));
    assert_eq!(described(&made.path).2.as_deref(), Some("gif"));
    let made = bench.convert(bench.conversion(&gif, Format::Animation)).await.expect("an animation");
    assert_eq!((made.picture_encoded, described(&made.path).2.as_deref()), (Some(true), Some("h264")));
    let made = bench.convert(bench.conversion(&h264, Format::Animation)).await.expect("an animation");
    assert_eq!((made.picture_encoded, made.sound_encoded), (Some(false), None));
    let made = bench.convert(bench.conversion(&vp9, Format::Opus)).await.expect("a song");
    assert_eq!((made.picture_encoded, made.sound_encoded), (None, Some(false)));
    assert_eq!(described(&made.path).3.as_deref(), Some("opus"));
}

#[tokio::test]
async fn presets_say_how_large_and_how_well() {
    let bench = Bench::new();
    let input = bench.path("clip.mp4");
    let film: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=1152x648:rate=50:duration=1,noise=alls=12:allf=t"];
    let hiss: &[&str] = &["-f", "lavfi", "-i", "anoisesrc=duration=1:sample_rate=48000"];
    make(&input, &[film, hiss, H264, &["-c:a", "aac", "-ac", "2", "-b:a", "256k"]]);
    let mut found = Vec::new();
    for preset in [Preset::Small, Preset::Balanced] {
        let made = bench.convert(ConvertRequest { preset: Some(preset), ..bench.conversion(&input, Format::Mp4) }).await.expect("a video");
        assert_eq!((made.picture_encoded, made.sound_encoded), (Some(true), Some(true)), "{preset:?}");
        let (probed, ..) = described(&made.path);
        let picture = stream(&probed, "video").expect("a picture");
        let rate = number(&stream(&probed, "audio").expect("a sound")["bit_rate"]);
        found.push((number(&picture["height"]), picture["r_frame_rate"].as_str().expect("a rate").to_owned(), made.size_bytes, rate));
    }
    assert_eq!((found[0].0, found[0].1.as_str()), (480.0, "25/1"), "small: {found:?}");
    assert_eq!((found[1].0, found[1].1.as_str()), (648.0, "50/1"), "balanced: {found:?}");
    assert!(found[0].2 < found[1].2 && found[0].3 < found[1].3, "{found:?}");
    let best =
        bench.convert(ConvertRequest { preset: Some(Preset::Best), ..bench.conversion(&input, Format::Mp4) }).await.expect("a video");
    assert_eq!((best.picture_encoded, best.sound_encoded), (Some(false), Some(false)), "nothing looks more like the source");
}

#[tokio::test]
async fn a_preset_never_takes_more_than_the_source_did() {
    let bench = Bench::new();
    // Encoded with much patience at a poor quality: whatever is made of it looks no better, and takes more.
    let frugal: &[&str] = &["-c:v", "libx264", "-preset", "veryslow", "-crf", "40", "-pix_fmt", "yuv420p"];
    let poor: &[&str] = &["-c:a", "aac", "-ac", "2", "-b:a", "24k"];
    let noise: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=4,noise=alls=30:allf=t"];
    let hum: &[&str] = &["-f", "lavfi", "-i", "anoisesrc=duration=4:sample_rate=48000:amplitude=0.1"];
    let (mp4, mkv, gif) = (bench.path("clip.mp4"), bench.path("clip.mkv"), bench.path("clip.gif"));
    make(&mp4, &[noise, hum, frugal, poor]);
    make(&mkv, &[&["-i", mp4.to_str().expect("UTF-8"), "-c", "copy"]]); // says nothing of rates
    make(&gif, &[&["-f", "lavfi", "-i", "color=red:size=64x48:rate=10:duration=1,drawbox=w=20:h=20:color=blue:t=fill"]]);
    for (input, format) in [(&mp4, Format::Mp4), (&mkv, Format::Mp4), (&mp4, Format::Mkv), (&gif, Format::Gif), (&mp4, Format::M4a)] {
        for preset in [Preset::Small, Preset::Balanced] {
            let name = format!("{} to {format:?} {preset:?}", input.display());
            let made = bench.convert(ConvertRequest { preset: Some(preset), ..bench.conversion(input, format) }).await.expect("a file");
            let source_bytes = std::fs::metadata(input).expect("it is there").len();
            let tables_bytes = if format == Format::Gif { 0 } else { 4096 };
            assert!(made.size_bytes <= source_bytes + tables_bytes, "{name}: {} of {source_bytes} bytes", made.size_bytes);
            if format != Format::Gif {
                assert_ne!(made.picture_encoded, Some(true), "{name}: it is copied, and said to be");
                assert_ne!(made.sound_encoded, Some(true), "{name}");
            }
            described(&made.path);
        }
    }
}

#[tokio::test]
async fn a_gif_keeps_colours_size_and_time() {
    let bench = Bench::new();
    let input = bench.path("clip.mp4");
    // Two colours that 4:2:0 and a fixed palette would both spoil.
    let flags: &[&str] = &["-f", "lavfi", "-i", "color=red:size=480x400:rate=25:duration=2,drawbox=x=0:y=0:w=240:h=400:color=blue:t=fill"];
    make(&input, &[flags, H264]);
    let made = bench.convert(bench.conversion(&input, Format::Gif)).await.expect("a GIF");
    assert_eq!(made.size, Some((432, 360)));
    let (probed, ..) = described(&made.path);
    let picture = stream(&probed, "video").expect("a picture");
    assert_eq!(number(&picture["nb_read_packets"]), 25.0, "12.5 frames a second");
    let bytes = std::fs::read(&made.path).expect("it reads");
    assert!(bytes.starts_with(b"GIF89a") && bytes.windows(11).any(|window| window == b"NETSCAPE2.0"), "it repeats");
    let still = bench.path("frame.rgb");
    make(&still, &[&["-i", made.path.to_str().expect("UTF-8"), "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo"]]);
    let pixels = std::fs::read(&still).expect("it reads");
    let at = |x: usize, y: usize| &pixels[(y * 432 + x) * 3..][..3];
    let (blue, red) = (at(20, 100), at(400, 100));
    assert!(blue[2] > 230 && blue[0] < 25 && red[0] > 230 && red[2] < 25, "{blue:?} {red:?}");
}

#[tokio::test]
async fn a_round_video_is_the_middle_as_a_square() {
    let bench = Bench::new();
    let input = bench.path("clip.mp4");
    // Grey outside of the middle square, white inside; taken with the phone on its side.
    let film: &[&str] =
        &["-f", "lavfi", "-i", "color=gray:size=1280x700:rate=25:duration=1,drawbox=x=290:y=0:w=700:h=700:color=white:t=fill"];
    make(&bench.path("flat.mp4"), &[film, TONE, H264, AAC, &["-shortest"]]);
    let flat = bench.path("flat.mp4");
    make(&input, &[&["-i", flat.to_str().expect("UTF-8"), "-c", "copy", "-metadata:s:v", "rotate=90"]]);
    let made = bench.convert(bench.conversion(&input, Format::Round)).await.expect("a round video");
    assert_eq!(made.size, Some((640, 640)));
    let still = bench.path("frame.gray");
    make(&still, &[&["-i", made.path.to_str().expect("UTF-8"), "-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo"]]);
    let pixels = std::fs::read(&still).expect("it reads");
    assert_eq!(pixels.len(), 640 * 640);
    for (x, y) in [(8, 8), (631, 8), (8, 631), (631, 631), (320, 320)] {
        assert!(pixels[y * 640 + x] > 225, "{x} {y}: {}", pixels[y * 640 + x]);
    }
    let again = bench.convert(ConvertRequest { input: made.path, ..bench.conversion(&input, Format::Round) }).await;
    assert_eq!(again.expect("it is one already").picture_encoded, Some(false));
}

#[tokio::test]
async fn a_voice_message_is_one_channel_of_opus() {
    let bench = Bench::new();
    let input = bench.path("song.m4a");
    let stereo: &[&str] = &["-f", "lavfi", "-i", "aevalsrc=0.4*sin(2*PI*300*t)|0.4*sin(2*PI*500*t):s=44100:d=2"];
    make(&input, &[stereo, AAC]);
    let made = bench.convert(bench.conversion(&input, Format::Voice)).await.expect("a voice message");
    let (probed, ..) = described(&made.path);
    let sound = stream(&probed, "audio").expect("a sound");
    assert_eq!((number(&sound["channels"]), number(&sound["sample_rate"])), (1.0, 48_000.0));
    assert!(made.size_bytes < 16_000, "{}: two seconds at 32 kbit/s", made.size_bytes);
    assert!(std::fs::read(&made.path).expect("it reads").starts_with(b"OggS"));
}

#[tokio::test]
async fn a_phone_held_upright_stays_upright_in_matroska() {
    let bench = Bench::new();
    let (flat, input) = (bench.path("flat.mp4"), bench.path("phone.mp4"));
    make(&flat, &[PICTURE, H264]);
    make(&input, &[&["-i", flat.to_str().expect("UTF-8"), "-c", "copy", "-metadata:s:v", "rotate=90"]]);
    let made = bench.convert(bench.conversion(&input, Format::Mkv)).await.expect("a video");
    assert_eq!((made.size, made.picture_encoded), (Some((180, 320)), Some(true)));
    let (probed, ..) = described(&made.path);
    assert_eq!(number(&stream(&probed, "video").expect("a picture")["height"]), 320.0);
}

#[tokio::test]
async fn a_conversion_that_is_cancelled_ends_at_once() {
    let bench = Bench::new();
    let input = bench.path("long.avi");
    make(&input, &[&["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=8"], &["-c:v", "mjpeg"]]);
    let cancel = CancellationToken::new();
    let (progress, mut watch) = ProgressSender::channel();
    let request = ConvertRequest { preset: Some(Preset::Best), ..bench.conversion(&input, Format::Webm) };
    let begun = async {
        watch.wait_for(|progress| progress.step == Step::Transcoding && progress.done > 0).await.expect("work begins");
        cancel.cancel();
    };
    let (result, ()) = tokio::join!(bench.media.convert(request, &progress, &cancel), begun);
    assert_eq!(result.expect_err("it was cancelled").reason, Reason::Cancelled);
    assert_eq!(users_of(&input), 0, "no process is left");
}

#[tokio::test]
async fn broken_files_are_named_as_such_by_every_format() {
    let bench = Bench::new();
    let good = bench.path("good.mp4");
    make(&good, &[PICTURE, TONE, H264, AAC]);
    let bytes = std::fs::read(&good).expect("it reads");
    let half = bench.write("half.mp4", &bytes[..bytes.len() / 2]); // its index was at the end
    let mut spoilt = bytes.clone();
    let media = spoilt.windows(4).position(|window| window == b"mdat").expect("the media") + 8;
    let end = spoilt.windows(4).position(|window| window == b"moov").expect("the index") - 4;
    spoilt[media..end].fill(0xa5);
    let spoilt = bench.write("spoilt.mp4", &spoilt);
    for input in [half, spoilt] {
        for format in [Format::Gif, Format::Webm, Format::Mp3, Format::Round] {
            let failure = bench.convert(bench.conversion(&input, format)).await.expect_err("nothing in it can be seen or heard");
            assert_eq!(failure.reason, Reason::BrokenMedia, "{} to {format:?}: {failure}", input.display());
        }
    }
}

#[tokio::test]
async fn what_is_not_in_it_can_not_come_out() {
    let bench = Bench::new();
    let (silent, song, long) = (bench.path("silent.mp4"), bench.path("song.mp3"), bench.path("long.mp4"));
    make(&silent, &[PICTURE, H264]);
    make(&song, &[TONE, &["-c:a", "libmp3lame"]]);
    make(&long, &[&["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=2:duration=70"], H264]);
    let no_media = bench.write("notes.txt", b"no media at all");
    let page = bench.write("page.mp4", b"<!DOCTYPE html><html><body>Log in</body></html>");
    let table = [
        (&silent, Format::Mp3, Reason::NoAudio),
        (&song, Format::Gif, Reason::NoPicture),
        (&long, Format::Round, Reason::TooLong { seconds: 70, limit_seconds: 60 }),
        (&no_media, Format::Mp4, Reason::BrokenMedia),
        (&page, Format::Mp4, Reason::WebPage),
    ];
    for (input, format, reason) in table {
        let failure = bench.convert(bench.conversion(input, format)).await.expect_err("it can't be");
        assert_eq!(failure.reason, reason, "{failure}");
    }
    assert_eq!(std::fs::read_dir(bench.path("converted")).expect("the folder").count(), 0, "nothing is left of it");
}
