//! Tables for the decisions. In: probes as values. Out: assertions. Must not: touch files.

use super::*;
use crate::model::Hdr;

const MP4: &str = "mov,mp4,m4a,3gp,3g2,mj2";

fn given(choice: Choice) -> Given {
    Given {
        sniffed: Sniffed::Unknown,
        claim: Claim::Media,
        choice,
        size_bytes: 1_000_000,
        loudness: false,
        max_bytes: None,
        texts: Texts::None,
    }
}

fn h264() -> VideoStream {
    VideoStream {
        codec: "h264".into(),
        pixel_format: "yuv420p".into(),
        width: 1920,
        height: 1080,
        frame_rate: 30.0,
        profile: Some(100),
        ..VideoStream::default()
    }
}

fn other(codec: &str, pixel_format: &str) -> VideoStream {
    VideoStream { codec: codec.into(), pixel_format: pixel_format.into(), profile: None, ..h264() }
}

fn sound_of(codec: &str) -> AudioStream {
    AudioStream { codec: codec.into(), channels: 2, sample_rate: 48_000, bit_rate: Some(128_000) }
}

fn info(format: &str, video: Option<VideoStream>, audio: Option<&str>, index_in_front: bool) -> MediaInfo {
    MediaInfo { format: format.into(), duration_s: 10.0, video, audio: audio.map(sound_of), index_in_front, ..MediaInfo::default() }
}

#[test]
fn videos_change_as_little_as_they_must() {
    use Change::{Copy, Encode, Leave};
    let to = |video, audio| Decision::Video { video, audio };
    let table = [
        ("good", info(MP4, Some(h264()), Some("aac"), true), Decision::PassOn),
        ("silent", info(MP4, Some(h264()), None, true), Decision::PassOn),
        ("index at the end", info(MP4, Some(h264()), Some("aac"), false), to(Copy, Copy)),
        ("matroska", info("matroska,webm", Some(h264()), Some("aac"), false), to(Copy, Copy)),
        ("ts, silent", info("mpegts", Some(h264()), None, false), to(Copy, Leave)),
        ("mp3 in mp4", info(MP4, Some(h264()), Some("mp3"), true), to(Copy, Encode)),
        ("opus in mp4", info(MP4, Some(h264()), Some("opus"), true), to(Copy, Encode)),
        ("vp9 with opus", info("matroska,webm", Some(other("vp9", "yuv420p")), Some("opus"), false), to(Encode, Encode)),
        ("av1 with aac", info(MP4, Some(other("av1", "yuv420p")), Some("aac"), true), to(Encode, Copy)),
        ("hevc", info(MP4, Some(other("hevc", "yuv420p10le")), Some("aac"), true), to(Encode, Copy)),
        ("10 bit", info(MP4, Some(VideoStream { profile: Some(110), ..other("h264", "yuv420p10le") }), None, true), to(Encode, Leave)),
        ("4:4:4", info(MP4, Some(VideoStream { profile: Some(244), ..other("h264", "yuv444p") }), None, true), to(Encode, Leave)),
        ("HDR in 8 bit", info(MP4, Some(VideoStream { hdr: Some(Hdr::Pq), ..h264() }), Some("aac"), true), to(Encode, Copy)),
        ("interlaced", info(MP4, Some(VideoStream { interlaced: true, ..h264() }), Some("aac"), true), to(Encode, Copy)),
        ("upright by a note", info(MP4, Some(VideoStream { rotation: 90, ..h264() }), Some("aac"), true), Decision::PassOn),
        ("odd sizes", info(MP4, Some(VideoStream { width: 853, height: 479, ..h264() }), Some("aac"), true), Decision::PassOn),
        ("a rate that varies", info(MP4, Some(VideoStream { variable_rate: true, ..h264() }), Some("aac"), true), Decision::PassOn),
        ("a cover alone", info(MP4, Some(VideoStream { attached_picture: true, ..h264() }), Some("aac"), true), Decision::Sound(Copy)),
        (
            "5.1",
            MediaInfo { audio: Some(AudioStream { channels: 6, ..sound_of("ac3") }), ..info(MP4, Some(h264()), None, true) },
            to(Copy, Encode),
        ),
        ("8K", info(MP4, Some(VideoStream { width: 7680, height: 4320, ..h264() }), None, true), to(Encode, Leave)),
        ("120 fps", info(MP4, Some(VideoStream { frame_rate: 120.0, ..h264() }), None, true), to(Encode, Leave)),
        ("mpeg2", info("mpeg", Some(other("mpeg2video", "yuv420p")), Some("mp2"), false), to(Encode, Encode)),
        ("gif", info("gif", Some(other("gif", "bgra")), None, false), Decision::Document),
        ("webp", info("webp_pipe", Some(other("webp", "yuv420p")), None, false), Decision::Document),
        ("sound alone", info("mp3", None, Some("mp3"), false), Decision::Sound(Encode)),
        ("sound alone, aac", info(MP4, None, Some("aac"), false), Decision::Sound(Copy)),
        ("no streams", info("srt", None, None, false), Decision::Refuse(Reason::BrokenMedia)),
    ];
    for (name, info, expected) in table {
        assert_eq!(decide(&info, given(Choice::Video)), expected, "{name}");
    }
}

#[test]
fn sound_is_taken_where_there_is_some() {
    let table = [
        ("aac", info(MP4, Some(h264()), Some("aac"), true), Decision::Sound(Change::Copy)),
        ("opus", info("matroska,webm", Some(h264()), Some("opus"), false), Decision::Sound(Change::Encode)),
        ("none", info(MP4, Some(h264()), None, true), Decision::Refuse(Reason::NoAudio)),
    ];
    for (name, info, expected) in table {
        assert_eq!(decide(&info, given(Choice::Audio)), expected, "{name}");
    }
    let louder = Given { loudness: true, ..given(Choice::Audio) };
    let aac = info(MP4, Some(h264()), Some("aac"), true);
    assert_eq!(decide(&aac, louder), Decision::Sound(Change::Encode), "a copy can't be made louder");
    assert_eq!(decide(&aac, Given { choice: Choice::Video, ..louder }), Decision::PassOn, "videos are left as they are");
}

#[test]
fn what_must_fit_is_made_to_fit_or_refused() {
    let room = |max_bytes, size_bytes| Given { max_bytes: Some(max_bytes), size_bytes, ..given(Choice::Video) };
    let good = info(MP4, Some(h264()), Some("aac"), true);
    let late = info("matroska,webm", Some(h264()), Some("aac"), false);
    let vp9 = info("matroska,webm", Some(other("vp9", "yuv420p")), None, false);
    let compress = Decision::Compress { max_bytes: 1000 };
    let remux = Decision::Video { video: Change::Copy, audio: Change::Copy };
    let table = [
        ("fits", decide(&good, room(1000, 1000)), Decision::PassOn),
        ("too large", decide(&good, room(1000, 1001)), compress.clone()),
        ("a remux with room", decide(&late, room(1000, 980)), remux),
        ("a remux without room", decide(&late, room(1000, 990)), compress.clone()),
        ("encoded anyway", decide(&vp9, room(1000, 500)), compress),
        (
            "a document",
            decide_unreadable(Given { claim: Claim::Other, ..room(1000, 1001) }),
            Decision::Refuse(Reason::NoLane { size_bytes: 1001, limit_bytes: 1000, account_missing: false }),
        ),
    ];
    for (name, decision, expected) in table {
        assert_eq!(decision, expected, "{name}");
    }
}

#[test]
fn pictures_go_as_photos_within_telegrams_bounds() {
    let picture = |width, height| info("jpeg_pipe", Some(VideoStream { width, height, ..other("mjpeg", "yuvj420p") }), None, false);
    let jpeg = |size_bytes| Given { sniffed: Sniffed::Jpeg, claim: Claim::Other, size_bytes, ..given(Choice::Video) };
    let table = [
        ("usual", picture(4000, 3000), 3_000_000, Decision::Photo),
        ("too heavy", picture(4000, 3000), 10_000_001, Decision::Document),
        ("too wide", picture(9000, 3000), 3_000_000, Decision::Document),
        ("a strip", picture(2100, 100), 3_000, Decision::Document),
        ("no size", picture(0, 0), 3_000, Decision::Document),
    ];
    for (name, info, size_bytes, expected) in table {
        assert_eq!(decide(&info, jpeg(size_bytes)), expected, "{name}");
    }
}

#[test]
fn what_is_no_media_is_named() {
    let unreadable = |sniffed, claim, choice| {
        let given = Given { sniffed, claim, ..given(choice) };
        decide_early(given).unwrap_or_else(|| decide_unreadable(given))
    };
    let table = [
        (Sniffed::Empty, Claim::Media, Choice::Video, Decision::Refuse(Reason::Empty)),
        (Sniffed::WebPage, Claim::Media, Choice::Video, Decision::Refuse(Reason::WebPage)),
        (Sniffed::WebPage, Claim::Other, Choice::Audio, Decision::Refuse(Reason::WebPage)),
        (Sniffed::NoMedia, Claim::Other, Choice::Video, Decision::Document),
        (Sniffed::NoMedia, Claim::Media, Choice::Video, Decision::Refuse(Reason::BrokenMedia)),
        (Sniffed::NoMedia, Claim::Other, Choice::Audio, Decision::Refuse(Reason::NoAudio)),
        (Sniffed::Unknown, Claim::Media, Choice::Video, Decision::Refuse(Reason::BrokenMedia)),
        (Sniffed::Unknown, Claim::Other, Choice::Video, Decision::Document),
    ];
    for (sniffed, claim, choice, expected) in table {
        assert_eq!(unreadable(sniffed, claim, choice), expected, "{sniffed:?} {claim:?} {choice:?}");
    }
}

#[test]
fn subtitles_need_another_file() {
    use Change::{Copy, Encode};
    let film = info(MP4, Some(h264()), Some("aac"), true);
    let with = |texts, max_bytes| decide(&film, Given { texts, max_bytes, ..given(Choice::Video) });
    let to = |video| Decision::Video { video, audio: Copy };
    let table = [
        (Texts::None, None, Decision::PassOn),
        (Texts::Tracks(1000), None, to(Copy)),
        (Texts::BurntIn, None, to(Encode)),
        (Texts::None, Some(1_010_000), Decision::PassOn),
        (Texts::Tracks(1000), Some(1_010_000), Decision::Compress { max_bytes: 1_010_000 }),
        (Texts::Tracks(1000), Some(1_100_000), to(Copy)),
        (Texts::Tracks(30_000), Some(1_100_000), Decision::Compress { max_bytes: 1_100_000 }),
        (Texts::BurntIn, Some(9_000_000), Decision::Compress { max_bytes: 9_000_000 }),
    ];
    for (texts, max_bytes, expected) in table {
        assert_eq!(with(texts, max_bytes), expected, "{texts:?} {max_bytes:?}");
    }
    let song = info("mp3", None, Some("mp3"), false);
    assert_eq!(decide(&song, Given { texts: Texts::BurntIn, ..given(Choice::Audio) }), Decision::Sound(Encode));
}
