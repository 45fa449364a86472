//! Tables for conversions. In: probes as values. Out: assertions. Must not: touch files.

use super::*;
use crate::model::AudioStream;

const WIDE: (u32, u32) = (1920, 1080);

fn picture(codec: &str) -> VideoStream {
    let profile = (codec == "h264").then_some(100);
    VideoStream {
        codec: codec.into(),
        pixel_format: "yuv420p".into(),
        width: 1920,
        height: 1080,
        frame_rate: 30.0,
        profile,
        ..VideoStream::default()
    }
}

fn clip(video: Option<VideoStream>, audio: Option<&str>) -> MediaInfo {
    let audio = audio.map(|codec| AudioStream { codec: codec.into(), channels: 2, sample_rate: 48_000, bit_rate: Some(120_000) });
    MediaInfo { format: "matroska,webm".into(), duration_s: 10.0, video, audio, ..MediaInfo::default() }
}

fn both(video: &str, audio: &str) -> MediaInfo {
    clip(Some(picture(video)), Some(audio))
}

#[test]
fn what_a_container_takes_is_copied() {
    use Change::{Copy, Encode, Leave};
    use Format::*;
    let table = [
        (both("h264", "aac"), Mp4, (Copy, Copy)),
        (both("hevc", "opus"), Mp4, (Copy, Copy)),
        (both("vp8", "flac"), Mp4, (Encode, Encode)),
        (both("vp8", "flac"), Mkv, (Copy, Copy)),
        (both("gif", "cook"), Mkv, (Encode, Encode)),
        (both("vp9", "opus"), Webm, (Copy, Copy)),
        (both("av1", "vorbis"), Webm, (Copy, Copy)),
        (both("h264", "aac"), Webm, (Encode, Encode)),
        (both("vp9", "aac"), Webm, (Copy, Encode)),
        (clip(Some(picture("vp9")), None), Webm, (Copy, Leave)),
        (both("h264", "aac"), Gif, (Encode, Leave)),
        (clip(Some(picture("gif")), None), Gif, (Copy, Leave)),
        (both("h264", "aac"), Animation, (Copy, Leave)),
        (both("hevc", "aac"), Animation, (Encode, Leave)),
        (both("h264", "aac"), M4a, (Leave, Copy)),
        (clip(None, Some("alac")), M4a, (Leave, Copy)),
        (both("h264", "mp3"), M4a, (Leave, Encode)),
        (both("h264", "mp3"), Mp3, (Leave, Copy)),
        (both("h264", "aac"), Mp3, (Leave, Encode)),
        (clip(None, Some("opus")), Opus, (Leave, Copy)),
        (clip(None, Some("vorbis")), Opus, (Leave, Encode)),
        (clip(None, Some("opus")), Voice, (Leave, Encode)), // two channels
        (both("h264", "aac"), Round, (Encode, Copy)),
    ];
    for (info, format, (video, audio)) in table {
        let treated = treat(&info, WIDE, format, None, false).map(|treated| (treated.video, treated.audio));
        assert_eq!(treated, Ok((video, audio)), "{:?} {:?} to {format:?}", info.video, info.audio);
    }
    let mut mono = clip(None, Some("opus"));
    mono.audio.as_mut().expect("a sound").channels = 1;
    assert_eq!(treat(&mono, WIDE, Voice, None, false).map(|treated| (treated.video, treated.audio)), Ok((Leave, Copy)));
    let square = both("h264", "aac");
    for (display, expected) in [((640, 640), Copy), ((642, 642), Encode), ((640, 480), Encode)] {
        assert_eq!(treat(&square, display, Round, None, false).map(|treated| treated.video), Ok(expected), "{display:?}");
    }
}

#[test]
fn matroska_can_not_say_which_side_is_up() {
    for (codec, format, expected) in
        [("h264", Format::Mp4, Change::Copy), ("h264", Format::Mkv, Change::Encode), ("vp9", Format::Webm, Change::Encode)]
    {
        let turned = clip(Some(VideoStream { rotation: 90, ..picture(codec) }), None);
        assert_eq!(treat(&turned, (1080, 1920), format, None, false).map(|treated| treated.video), Ok(expected), "{format:?}");
    }
}

#[test]
fn presets_and_loudness_ask_for_more() {
    use Change::{Copy, Encode};
    let table = [
        (None, false, (Copy, Copy)),
        (Some(Preset::Best), false, (Copy, Copy)),
        (Some(Preset::Balanced), false, (Encode, Copy)), // 120 kbit/s are no more than the preset's own
        (Some(Preset::Small), false, (Encode, Encode)),
        (None, true, (Copy, Encode)),
    ];
    for (preset, loudness, (video, audio)) in table {
        let treated = treat(&both("h264", "aac"), WIDE, Format::Mp4, preset, loudness).expect("it can be");
        assert_eq!((treated.video, treated.audio), (video, audio), "{preset:?} {loudness}");
        assert_eq!((treated.takes_video, treated.takes_audio), (true, !loudness), "what is larger than before is copied: {preset:?}");
    }
}

#[test]
fn what_can_not_be_is_refused() {
    let still = MediaInfo { format: "png_pipe".into(), ..clip(Some(picture("png")), None) };
    let long = MediaInfo { duration_s: 61.2, ..both("h264", "aac") };
    let table = [
        (clip(Some(picture("h264")), None), Format::Mp3, Reason::NoAudio),
        (clip(Some(picture("h264")), None), Format::Voice, Reason::NoAudio),
        (clip(None, Some("aac")), Format::Mp4, Reason::NoPicture),
        (clip(None, Some("aac")), Format::Round, Reason::NoPicture),
        (still, Format::Gif, Reason::NoPicture),
        (long.clone(), Format::Round, Reason::TooLong { seconds: 62, limit_seconds: 60 }),
    ];
    for (info, format, reason) in table {
        assert_eq!(treat(&info, WIDE, format, None, false), Err(reason), "{format:?}");
    }
    assert!(treat(&long, WIDE, Format::Animation, None, false).is_ok());
    let minute = MediaInfo { duration_s: 60.04, ..both("h264", "aac") };
    assert!(treat(&minute, WIDE, Format::Round, None, false).is_ok(), "the padding of an encoder is no reason");
}
