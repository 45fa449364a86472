//! Which way a file goes up: one pure decision.
//!
//! In: what the file is, what each lane can take now, the settings. Out: an [`UploadPlan`]. Must not: do I/O, or know how a lane works.

use crate::config::{AboveLimits, RouteConfig};
use crate::model::{Choice, Lane, LaneHealth, MediaKind, Prepared, UploadPlan};

/// What the cloud Bot API takes by multipart, in bytes. "50 MB" of <https://core.telegram.org/bots/api#sending-files> is 50 MiB at the
/// server; a file that fits 50 million bytes is under either reading, so this is what is planned with.
pub const BOT_API_CLOUD_BYTES: u64 = 50_000_000;

/// What a self-hosted Bot API server takes: 2000 MB, <https://core.telegram.org/bots/api#using-a-local-bot-api-server>.
pub const BOT_API_LOCAL_BYTES: u64 = 2_000_000_000;

/// Bits a second that sound and container take of a compressed video; what is left is the picture's.
const SOUND_BIT_RATE: u64 = 128_000;

/// Part of a lane's limit that pieces fill on average: each begins with a key frame, so it can't be as large as one likes.
const FILLED: f64 = 0.9;

/// Chooses the way: the first in the order of the settings that can take the file, else what is done above every limit (for
/// [`Choice::Pieces`] splitting before all else), else a refusal.
pub fn plan(file: &Prepared, choice: Choice, lanes: &[LaneHealth], config: &RouteConfig) -> UploadPlan {
    let takes = |lane: &&LaneHealth| lane.limit_bytes >= file.size_bytes;
    let place = |lane: Lane| config.prefer.iter().position(|preferred| *preferred == lane);
    let mut in_order: Vec<&LaneHealth> = lanes.iter().filter(|lane| place(lane.lane).is_some()).collect();
    in_order.sort_by_key(|lane| place(lane.lane));

    let unwell = in_order.iter().copied().filter(|lane| !lane.well).find(takes).map(|lane| lane.lane);
    let instead_of = |chosen: Lane| unwell.filter(|lane| place(*lane) < place(chosen));
    if let Some(chosen) = in_order.iter().copied().filter(|lane| lane.well).find(takes) {
        return UploadPlan::Send { lane: chosen.lane, instead_of: instead_of(chosen.lane) };
    }

    // Of equally wide ones the first: `max_by_key` would take the last.
    let widest = in_order.iter().copied().filter(|lane| lane.well).rev().max_by_key(|lane| lane.limit_bytes);
    let Some(widest) = widest else {
        return UploadPlan::Refuse { limit_bytes: 0, account_missing: unwell.is_some() };
    };
    let (lane, limit_bytes) = (widest.lane, widest.limit_bytes);
    for way in above_limits(choice, config) {
        match way {
            AboveLimits::Compress if can_be_compressed(file, limit_bytes, config.min_video_bit_rate) => {
                return UploadPlan::Compress { lane, target_bytes: limit_bytes, instead_of: unwell };
            }
            AboveLimits::Split if can_be_split(file, limit_bytes, config.max_pieces) => {
                return UploadPlan::Split { lane, piece_bytes: limit_bytes, instead_of: unwell };
            }
            AboveLimits::Compress | AboveLimits::Split => {}
        }
    }
    UploadPlan::Refuse { limit_bytes: widest.limit_bytes, account_missing: widest.lane == Lane::BotApi }
}

/// True if a person should be asked whether a content of this size is to be split: no lane takes it whole, and the settings allow it.
pub fn offers_pieces(size_bytes: u64, lanes: &[LaneHealth], config: &RouteConfig) -> bool {
    let usable = lanes.iter().filter(|lane| lane.well && config.prefer.contains(&lane.lane));
    let widest_bytes = usable.map(|lane| lane.limit_bytes).max().unwrap_or(0);
    size_bytes > widest_bytes && config.above_limits.contains(&AboveLimits::Split) && in_pieces(size_bytes, widest_bytes, config.max_pieces)
}

/// The Bot API lane with the limit that the settings and the kind of server give.
pub fn bot_api_lane(configured_bytes: u64, local_server: bool) -> LaneHealth {
    let server = if local_server { BOT_API_LOCAL_BYTES } else { BOT_API_CLOUD_BYTES };
    let limit_bytes = if configured_bytes == 0 { server } else { configured_bytes.min(server) };
    LaneHealth { lane: Lane::BotApi, limit_bytes, well: true }
}

/// In the order in which they are tried.
fn above_limits(choice: Choice, config: &RouteConfig) -> Vec<AboveLimits> {
    let mut ways = config.above_limits.clone();
    ways.sort_by_key(|way| choice == Choice::Pieces && *way != AboveLimits::Split);
    ways
}

fn can_be_split(file: &Prepared, piece_bytes: u64, max_pieces: u32) -> bool {
    matches!(file.kind, MediaKind::Video | MediaKind::Audio) && file.duration_s > 0 && in_pieces(file.size_bytes, piece_bytes, max_pieces)
}

fn in_pieces(size_bytes: u64, piece_bytes: u64, max_pieces: u32) -> bool {
    size_bytes as f64 <= piece_bytes as f64 * FILLED * f64::from(max_pieces)
}

fn can_be_compressed(file: &Prepared, target_bytes: u64, min_video_bit_rate: u64) -> bool {
    file.kind == MediaKind::Video
        && file.duration_s > 0
        && target_bytes.saturating_mul(8) / u64::from(file.duration_s) >= min_video_bit_rate + SOUND_BIT_RATE
}

#[cfg(test)]
mod tests;
