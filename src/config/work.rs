//! Settings of the steps: fetch, media, route, upload, and of the queue.
//!
//! In: values of the configuration. Out: plain structs. Must not: decide anything.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::Lane;

/// Getting bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchConfig {
    /// Largest file that is fetched, in bytes.
    pub max_bytes: u64,
    /// Bytes that must stay free on the disk of the work folder.
    pub keep_free_bytes: u64,
    /// The yt-dlp program: a name on the PATH or a path.
    pub yt_dlp: PathBuf,
    /// More arguments for yt-dlp, put after ours.
    pub yt_dlp_args: Vec<String>,
    /// Tallest video that is asked for, in pixels.
    pub max_height: u32,
    /// Languages of subtitles that a video is given as tracks without being asked for them.
    pub subtitles: Vec<String>,
    /// Seconds to wait for a connection.
    pub connect_timeout_s: u64,
    /// Seconds without a byte after which a connection counts as broken.
    pub stall_timeout_s: u64,
    /// How often one download is taken up again after a break, from where it stopped.
    pub resume_attempts: u32,
    /// What is sent as `User-Agent` for direct links.
    pub user_agent: String,
    /// True lets links reach private and loopback addresses; leave it off on a server that strangers may use.
    pub allow_private_addresses: bool,
}

/// Making bytes playable.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaConfig {
    /// libx264 preset for transcoding.
    pub preset: String,
    /// libx264 quality (CRF) when no size is asked for; lower is better.
    pub crf: u8,
    /// Bits a second of transcoded sound.
    pub audio_bit_rate: u64,
    /// Encoder of the graphics hardware for transcoding, where there is one.
    pub hardware: Hardware,
    /// True brings songs to -14 LUFS (EBU R 128); each is encoded then.
    pub loudness: bool,
    /// Memory that one media process may use, in bytes.
    pub max_memory_bytes: u64,
    /// Longest time of one media process, in seconds.
    pub max_time_s: u64,
    /// Threads of one encoder; 0 lets FFmpeg choose.
    pub threads: u32,
    /// Niceness of media processes, 0 to 19.
    pub niceness: i32,
}

/// An encoder of the machine's graphics hardware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hardware {
    /// None: libx264 encodes.
    #[default]
    Off,
    /// The first that works.
    Auto,
    /// NVIDIA's.
    Nvenc,
    /// Intel's Quick Sync Video.
    Qsv,
    /// By VA-API, which AMD and Intel have on Linux.
    Vaapi,
}

/// Choosing the way up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// The ways up in the order in which they are tried; one that is left out is never taken.
    pub prefer: Vec<Lane>,
    /// Largest file by the Bot API, in bytes; 0 takes the server's own limit (50 MB, or 2000 MB for a local server).
    pub bot_api_max_bytes: u64,
    /// Largest file by a user account, in bytes; 0 takes Telegram's live limit.
    pub user_account_max_bytes: u64,
    /// What is done with what no lane can take as it is, in the order in which it is tried; empty refuses it.
    pub above_limits: Vec<AboveLimits>,
    /// Lowest video bit rate that compression may go down to, in bits a second.
    pub min_video_bit_rate: u64,
    /// Most pieces that a file is cut into, 2 to 10: <https://core.telegram.org/bots/api#sendmediagroup>.
    pub max_pieces: u32,
}

/// What can be done with a file that no lane takes as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AboveLimits {
    /// Make it smaller.
    Compress,
    /// Cut it into pieces that each play.
    Split,
}

/// Going up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadConfig {
    /// True lets an upload run beside the download; false waits until a file is whole.
    pub overlap: bool,
    /// Parts on their way at once, of all uploads together, at most; each takes half a megabyte of memory. How many it is follows the network.
    pub max_parts_in_flight: usize,
    /// Connections of one account at most. How many it is follows the network.
    pub connections: usize,
    /// Tries of one part on network errors before the step fails.
    pub part_attempts: u32,
    /// Slowest upload by the Bot API that is waited for, in bytes a second; the time-out of a request grows with the size by it.
    pub min_bytes_per_second: u64,
}

/// Jobs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// Jobs that are worked on at once.
    pub workers: usize,
    /// Of these, downloads at once.
    pub fetch_at_once: usize,
    /// Of these, media processes at once.
    pub media_at_once: usize,
    /// Of these, uploads at once.
    pub upload_at_once: usize,
    /// Tries of one step when the cause may pass.
    pub attempts: u32,
    /// First delay before a step is tried again, in milliseconds; it doubles each time.
    pub retry_delay_ms: u64,
    /// Longest such delay, in milliseconds.
    pub max_retry_delay_ms: u64,
    /// Seconds after which a job of a process that vanished is taken over.
    pub lease_s: u64,
    /// Hours that a card waits for its choice.
    pub card_hours: u64,
}
