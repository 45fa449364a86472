//! What is done with a file, from what a probe says of it.
//!
//! In: [`MediaInfo`], what the first bytes and the name say, the person's choice, the size it must fit. Out: a [`Decision`].
//! Must not: do I/O. What "plays everywhere" means: iOS clients play no VP9 or AV1 in a video message; H.264 8-bit 4:2:0 with AAC in MP4 with the
//! index in front is what every Telegram client plays and streams (<https://core.telegram.org/bots/api#sendvideo>: "MPEG4 videos").

use super::sniff::{Claim, Sniffed};
use crate::model::{AudioStream, Choice, MediaInfo, Reason, VideoStream};

/// Photos go up to this size (<https://core.telegram.org/bots/api#sendphoto>).
const MAX_PHOTO_BYTES: u64 = 10_000_000;
/// Width and height of a photo together, and the ratio of its sides (same source).
const MAX_PHOTO_SIDES: u32 = 10_000;
const MAX_PHOTO_RATIO: u32 = 20;
/// H.264 level 5.1, the highest that phones decode in hardware, ends at 4096 x 2304 (ITU-T H.264, table A-1).
const MAX_SIDE: u32 = 4096;
const MAX_PIXELS: u64 = 4096 * 2304;
const MAX_FRAME_RATE: f64 = 60.5;
/// `FF_PROFILE_H264_*`: baseline, constrained baseline, main, high.
const PLAYED_PROFILES: [i32; 4] = [66, 66 | (1 << 9), 77, 100];

/// What is done with one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// There is none, or it is not wanted.
    Leave,
    /// Its packets are copied.
    Copy,
    /// It is decoded and encoded again.
    Encode,
}

/// What is done with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It plays everywhere as it is.
    PassOn,
    /// A new MP4: a remux if nothing is encoded.
    Video {
        /// What happens to the picture: [`Change::Copy`] or [`Change::Encode`].
        video: Change,
        /// What happens to the sound.
        audio: Change,
    },
    /// A new MP4 that fits into so many bytes.
    Compress {
        /// Upper bound of the result, in bytes.
        max_bytes: u64,
    },
    /// Its sound alone as M4A: copied or encoded.
    Sound(Change),
    /// Sent as a picture, as it is.
    Photo,
    /// Sent as a file, as it is.
    Document,
    /// Not sent.
    Refuse(Reason),
}

/// What is known before FFmpeg is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// What the first bytes say.
    pub(crate) sniffed: Sniffed,
    /// What name and MIME type say.
    pub(crate) claim: Claim,
    /// What the person wants.
    pub(crate) choice: Choice,
    /// Size of the file in bytes.
    pub(crate) size_bytes: u64,
    /// True if songs are brought to the usual loudness.
    pub(crate) loudness: bool,
    /// What the result has to fit into, in bytes.
    pub(crate) max_bytes: Option<u64>,
    /// What a video is given beside what it has.
    pub(crate) texts: Texts,
}

/// Subtitles that a video is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Texts {
    /// None.
    None,
    /// Tracks, from files of so many bytes.
    Tracks(u64),
    /// Part of its pictures.
    BurntIn,
}

/// Decides without a probe where the first bytes suffice.
pub(crate) fn decide_early(given: Given) -> Option<Decision> {
    match given.sniffed {
        Sniffed::Empty => Some(Decision::Refuse(Reason::Empty)),
        Sniffed::WebPage => Some(Decision::Refuse(Reason::WebPage)),
        Sniffed::NoMedia => Some(decide_unreadable(given)),
        Sniffed::Jpeg | Sniffed::Png | Sniffed::Unknown => None,
    }
}

/// Decides about a file that FFmpeg can't read: broken if it claims to be media, a document if not.
pub(crate) fn decide_unreadable(given: Given) -> Decision {
    match (given.claim, given.choice) {
        (Claim::Media, _) => Decision::Refuse(Reason::BrokenMedia),
        (Claim::Other, Choice::Audio) => Decision::Refuse(Reason::NoAudio),
        (Claim::Other, Choice::Video | Choice::Pieces) => as_it_is(Decision::Document, given),
    }
}

/// Decides about a file that FFmpeg has read.
pub(crate) fn decide(info: &MediaInfo, given: Given) -> Decision {
    if let Some(decision) = decide_early(given) {
        return decision;
    }
    let video = info.video.as_ref().filter(|video| !video.attached_picture);
    match (video, &info.audio, given.choice) {
        (None, None, _) => decide_unreadable(given),
        (Some(_), None, Choice::Audio) => Decision::Refuse(Reason::NoAudio),
        (_, Some(audio), Choice::Audio) | (None, Some(audio), Choice::Video | Choice::Pieces) => sound(audio, info, given),
        (Some(video), _, Choice::Video | Choice::Pieces) if is_picture(info, given.sniffed) => {
            let is_photo = matches!(given.sniffed, Sniffed::Jpeg | Sniffed::Png) && fits_as_photo(video, given.size_bytes);
            as_it_is(if is_photo { Decision::Photo } else { Decision::Document }, given)
        }
        (Some(video), audio, Choice::Video | Choice::Pieces) => moving(video, audio.as_ref(), info, given),
    }
}

/// True if every Telegram client plays these pictures.
pub(crate) fn video_plays(video: &VideoStream) -> bool {
    video.codec == "h264"
        && matches!(video.pixel_format.as_str(), "yuv420p" | "yuvj420p")
        && video.profile.is_none_or(|profile| PLAYED_PROFILES.contains(&profile))
        && video.width.max(video.height) <= MAX_SIDE
        && u64::from(video.width) * u64::from(video.height) <= MAX_PIXELS
        && video.frame_rate <= MAX_FRAME_RATE
        && video.hdr.is_none()
        // It plays, but players of chats show the half pictures as combs.
        && !video.interlaced
}

/// True if every Telegram client plays this sound in an MP4.
pub(crate) fn audio_plays(audio: &AudioStream) -> bool {
    audio.codec == "aac" && (1..=8).contains(&audio.channels)
}

fn moving(video: &VideoStream, audio: Option<&AudioStream>, info: &MediaInfo, given: Given) -> Decision {
    let copies = video_plays(video) && given.texts != Texts::BurntIn;
    let video_change = if copies { Change::Copy } else { Change::Encode };
    let audio_change = match audio {
        None => Change::Leave,
        Some(audio) if audio_plays(audio) => Change::Copy,
        Some(_) => Change::Encode,
    };
    if let Some(max_bytes) = given.max_bytes {
        // A remux keeps the size within a few bytes a packet; encoding again may make it larger.
        let room_bytes = if info.index_in_front && given.texts == Texts::None { max_bytes } else { max_bytes - max_bytes / 50 };
        // Lines have entries in the index, which may be longer than they are.
        let text_bytes = if let Texts::Tracks(bytes) = given.texts { bytes.saturating_mul(4) } else { 0 };
        if given.size_bytes.saturating_add(text_bytes) > room_bytes || video_change == Change::Encode {
            return Decision::Compress { max_bytes };
        }
    }
    let nothing_to_encode = video_change == Change::Copy && audio_change != Change::Encode;
    if nothing_to_encode && is_mp4(info) && info.index_in_front && given.texts == Texts::None {
        Decision::PassOn
    } else {
        Decision::Video { video: video_change, audio: audio_change }
    }
}

fn sound(audio: &AudioStream, info: &MediaInfo, given: Given) -> Decision {
    let fits = |max_bytes: u64| match audio.bit_rate {
        Some(bit_rate) if info.duration_s > 0.0 => bit_rate as f64 * info.duration_s / 8.0 < max_bytes as f64 * 0.95,
        _ => given.size_bytes <= max_bytes,
    };
    if audio_plays(audio) && !given.loudness && given.max_bytes.is_none_or(fits) {
        Decision::Sound(Change::Copy)
    } else {
        Decision::Sound(Change::Encode)
    }
}

fn is_mp4(info: &MediaInfo) -> bool {
    info.format.split(',').any(|name| name == "mp4")
}

/// A picture or an animation without sound that Telegram does not take as a video.
fn is_picture(info: &MediaInfo, sniffed: Sniffed) -> bool {
    matches!(sniffed, Sniffed::Jpeg | Sniffed::Png)
        || info.format.ends_with("_pipe")
        || matches!(info.format.as_str(), "gif" | "apng" | "image2")
}

fn fits_as_photo(picture: &VideoStream, size_bytes: u64) -> bool {
    let (long, short) = (picture.width.max(picture.height), picture.width.min(picture.height));
    size_bytes <= MAX_PHOTO_BYTES
        && short > 0
        && long.saturating_add(short) <= MAX_PHOTO_SIDES
        && long <= short.saturating_mul(MAX_PHOTO_RATIO)
}

/// What can't be made smaller has to fit.
fn as_it_is(decision: Decision, given: Given) -> Decision {
    match given.max_bytes {
        Some(limit_bytes) if given.size_bytes > limit_bytes => {
            Decision::Refuse(Reason::NoLane { size_bytes: given.size_bytes, limit_bytes, account_missing: false })
        }
        _ => decision,
    }
}

#[cfg(test)]
mod tests;
