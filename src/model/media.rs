//! What a media file is, and what came out of preparing it.
//!
//! In: a probe. Out: plain values. Must not: decide (that is `media/decide.rs`).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// As what a picture can be encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    /// What every client plays.
    #[default]
    H264,
    /// Smaller; phones of the last years and most computers play it.
    Hevc,
    /// As small as HEVC; browsers play it, in WebM.
    Vp9,
    /// Smaller still; few phones play it.
    Av1,
}

/// Brightness beyond what a screen of old can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hdr {
    /// By the perceptual quantizer (HDR10, HDR10+, Dolby Vision).
    Pq,
    /// By the hybrid log-gamma curve of broadcasters.
    Hlg,
}

/// How a compressed video looks, from the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Appearance {
    /// Blocks that change now and then.
    SlideShow,
    /// Blurred and blocky where it moves.
    Poor,
    /// Softer than the source.
    Fair,
    /// One has to look twice.
    Good,
    /// Nobody sees a difference.
    LikeTheSource,
}

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
    /// The curve of brightness, if it goes beyond what a screen of old can show.
    pub hdr: Option<Hdr>,
    /// True if each picture is said to be two half pictures.
    pub interlaced: bool,
    /// True if pictures do not come at a steady rate, as far as the container tells.
    pub variable_rate: bool,
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

/// One track of a file, whatever it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// `video`, `audio`, `subtitle`, `data` or `attachment`.
    pub kind: String,
    /// FFmpeg's codec name.
    pub codec: String,
    /// Language as the file has it, mostly three letters (ISO 639-2).
    pub language: Option<String>,
    /// Title of the track.
    pub title: Option<String>,
    /// True if it is what a player shows without being asked.
    pub is_default: bool,
}

/// A part of a file with a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// Where it begins, in seconds.
    pub start_s: f64,
    /// Where it ends, in seconds.
    pub end_s: f64,
    /// Its name.
    pub title: Option<String>,
}

/// The answer of a probe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// FFmpeg's format name, e.g. `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format: String,
    /// Length in seconds, measured where the header lies; 0 if it has none (a picture) or it is unknown.
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
    /// Album tag.
    pub album: Option<String>,
    /// All tracks in the order of the file.
    pub tracks: Vec<Track>,
    /// Chapters.
    pub chapters: Vec<Chapter>,
    /// True if there is a cover picture.
    pub artwork: bool,
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
