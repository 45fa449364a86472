//! Plain data that travels through the line: `Update -> Intent -> Job -> Fetched -> Prepared -> UploadPlan -> Uploaded -> Delivered`.
//!
//! In and out: values only. Must not: do I/O, or import anything else of this crate (the spool is the one thing that flows by handle
//! and therefore travels beside these types, not inside them).

mod account;
mod button;
mod failure;
mod ids;
mod job;
mod link;
mod media;
mod plan;
mod progress;
mod source;
mod subtitles;

pub use account::{AccountReport, Health, Rest};
pub use button::{Button, Place};
pub use failure::{Failure, Reason, Retry};
pub use ids::{ChatId, JobId, MessageId, UserId};
pub use job::{Choice, Job, NewJob, Stage};
pub use link::{Link, LinkError};
pub use media::{Appearance, AudioStream, Chapter, Hdr, MediaInfo, MediaKind, Prepared, Track, VideoCodec, VideoStream};
pub use plan::{CarriedBy, Delivered, Lane, LaneHealth, Piece, RelayMessage, UploadIds, UploadPlan, Uploaded};
pub use progress::{Mute, Progress, ProgressSender, Step};
pub use source::{FetchedFile, FetchedWhole, SourceCard, TrackFile};
pub use subtitles::{SubtitleChoice, SubtitleOffer, SubtitleWay, find_offer, is_language, sort_offers};
