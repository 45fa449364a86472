//! What a media file is, and what came out of preparing it.
//!
//! In: a probe. Out: plain values. Must not: decide (that is `media/decide.rs`).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One video stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VideoStream {
    /// FFmpeg's codec name, e.g. `h264`.
    pub codec: String,
    /// Pixel format name, e.g. `yuv420p`.
    pub pixel_format: String,
    /// Width in pixels as stored.
    pub width: u32,
    /// Height in pixels as stored.
    pub height: u32,
    /// Clockwise rotation for display in degrees: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Frames a second, 0 if unknown.
    pub frame_rate: f64,
    /// Bits a second, if known.
    pub bit_rate: Option<u64>,
    /// Codec profile as FFmpeg numbers it (`FF_PROFILE_*`), if known.
    pub profile: Option<i32>,
    /// True for a cover picture that FFmpeg shows as a stream.
    pub attached_picture: bool,
}

/// One audio stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AudioStream {
    /// FFmpeg's codec name, e.g. `aac`.
    pub codec: String,
    /// Number of channels.
    pub channels: u32,
    /// Samples a second.
    pub sample_rate: u32,
    /// Bits a second, if known.
    pub bit_rate: Option<u64>,
}

/// The answer of a probe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// FFmpeg's format name, e.g. `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format: String,
    /// Length in seconds; 0 if it has none (a picture) or it is unknown.
    pub duration_s: f64,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// Bits a second over all streams, if known.
    pub bit_rate: Option<u64>,
    /// The best video stream that is no cover.
    pub video: Option<VideoStream>,
    /// The best audio stream.
    pub audio: Option<AudioStream>,
    /// For MP4: true if the index (`moov`) stands before the media.
    pub index_in_front: bool,
    /// Title tag.
    pub title: Option<String>,
    /// Artist tag.
    pub artist: Option<String>,
}

/// As what Telegram shows a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A video message.
    Video,
    /// A song.
    Audio,
    /// A picture.
    Photo,
    /// Any other file.
    Document,
}

/// A file that is ready to go up; its bytes are in the spool that travels beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// As what it is sent.
    pub kind: MediaKind,
    /// Where it lies.
    pub path: PathBuf,
    /// Size in bytes.
    pub size_bytes: u64,
    /// File name that people see.
    pub file_name: String,
    /// MIME type.
    pub mime: String,
    /// Length in whole seconds, rounded up, 0 if it has none.
    pub duration_s: u32,
    /// Width as displayed (rotation applied), 0 if it has none.
    pub width: u32,
    /// Height as displayed.
    pub height: u32,
    /// JPEG thumbnail, at most 320 px a side and 200 kB.
    pub thumbnail: Option<PathBuf>,
    /// Title of a song.
    pub title: Option<String>,
    /// Performer of a song.
    pub performer: Option<String>,
}
