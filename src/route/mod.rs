//! Which way a file goes up: one pure decision.
//!
//! In: what the file is, what each lane can take now, the settings. Out: an [`UploadPlan`]. Must not: do I/O, or know how a lane works.

use crate::config::RouteConfig;
use crate::model::{Lane, LaneHealth, MediaKind, Prepared, UploadPlan};

/// What the cloud Bot API takes by multipart, in bytes. "50 MB" of <https://core.telegram.org/bots/api#sending-files> is 50 MiB at the
/// server; a file that fits 50 million bytes is under either reading, so this is what is planned with.
pub const BOT_API_CLOUD_BYTES: u64 = 50_000_000;

/// What a self-hosted Bot API server takes: 2000 MB, <https://core.telegram.org/bots/api#using-a-local-bot-api-server>.
pub const BOT_API_LOCAL_BYTES: u64 = 2_000_000_000;

/// Bits a second that sound and container take of a compressed video; what is left is the picture's.
const SOUND_BIT_RATE: u64 = 128_000;

/// Chooses the way: the first in the order of the settings that can take the file, else compression to what fits, else a refusal.
pub fn plan(file: &Prepared, lanes: &[LaneHealth], config: &RouteConfig) -> UploadPlan {
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
    if config.compress && can_be_compressed(file, widest.limit_bytes, config.min_video_bit_rate) {
        return UploadPlan::Compress { lane: widest.lane, target_bytes: widest.limit_bytes, instead_of: unwell };
    }
    UploadPlan::Refuse { limit_bytes: widest.limit_bytes, account_missing: widest.lane == Lane::BotApi }
}

/// The Bot API lane with the limit that the settings and the kind of server give.
pub fn bot_api_lane(configured_bytes: u64, local_server: bool) -> LaneHealth {
    let server = if local_server { BOT_API_LOCAL_BYTES } else { BOT_API_CLOUD_BYTES };
    let limit_bytes = if configured_bytes == 0 { server } else { configured_bytes.min(server) };
    LaneHealth { lane: Lane::BotApi, limit_bytes, well: true }
}

fn can_be_compressed(file: &Prepared, target_bytes: u64, min_video_bit_rate: u64) -> bool {
    file.kind == MediaKind::Video
        && file.duration_s > 0
        && target_bytes.saturating_mul(8) / u64::from(file.duration_s) >= min_video_bit_rate + SOUND_BIT_RATE
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    fn file(kind: MediaKind, size_bytes: u64, duration_s: u32) -> Prepared {
        Prepared {
            kind,
            path: "f".into(),
            size_bytes,
            file_name: "f".into(),
            mime: String::new(),
            duration_s,
            width: 0,
            height: 0,
            thumbnail: None,
            title: None,
            performer: None,
        }
    }

    fn lane(lane: Lane, limit_mb: u64, well: bool) -> LaneHealth {
        LaneHealth { lane, limit_bytes: limit_mb * MB, well }
    }

    #[test]
    fn every_size_has_its_way() {
        use Lane::{BotApi, UserAccount};
        let config = config();
        let never = RouteConfig { compress: false, ..config.clone() };
        let both = [lane(UserAccount, 2097, true), lane(BotApi, 50, true)];
        let ill = [lane(BotApi, 50, true), lane(UserAccount, 2097, false)];
        let alone = [lane(BotApi, 50, true)];
        let send = |lane| UploadPlan::Send { lane, instead_of: None };
        let video = |mb, duration_s| file(MediaKind::Video, mb * MB, duration_s);
        let table = [
            ("small", video(5, 60), &both[..], &config, send(BotApi)),
            ("at the limit", video(50, 60), &both, &config, send(BotApi)),
            ("above it", file(MediaKind::Video, 50 * MB + 1, 60), &both, &config, send(UserAccount)),
            ("at the account's limit", video(2097, 60), &both, &config, send(UserAccount)),
            (
                "above all limits",
                video(3000, 3600),
                &both,
                &config,
                UploadPlan::Compress { lane: UserAccount, target_bytes: 2097 * MB, instead_of: None },
            ),
            (
                "the account is unwell",
                video(100, 600),
                &ill,
                &config,
                UploadPlan::Compress { lane: BotApi, target_bytes: 50 * MB, instead_of: Some(UserAccount) },
            ),
            (
                "no account, compression",
                video(100, 600),
                &alone,
                &config,
                UploadPlan::Compress { lane: BotApi, target_bytes: 50 * MB, instead_of: None },
            ),
            ("too long to be compressed", video(100, 36_000), &alone, &config, refuse(50, true)),
            ("compression is off", video(100, 600), &alone, &never, refuse(50, true)),
            ("no video", file(MediaKind::Document, 100 * MB, 0), &ill, &config, refuse(50, true)),
            ("no video, above all", file(MediaKind::Document, 3000 * MB, 0), &both, &config, refuse(2097, false)),
            ("small, unwell", video(5, 60), &ill, &config, send(BotApi)),
            ("no lane at all", video(5, 60), &[], &config, refuse(0, false)),
        ];
        for (name, file, lanes, config, expected) in table {
            assert_eq!(plan(&file, lanes, config), expected, "{name}");
        }
    }

    #[test]
    fn the_settings_order_the_ways() {
        use Lane::{BotApi, BotMtproto, UserAccount};
        let all = [lane(BotMtproto, 2097, true), lane(UserAccount, 2097, true), lane(BotApi, 50, true)];
        let ill = [lane(BotMtproto, 2097, true), lane(UserAccount, 2097, false), lane(BotApi, 50, true)];
        let send = |lane, instead_of| UploadPlan::Send { lane, instead_of };
        let default = [BotApi, UserAccount, BotMtproto];
        let table = [
            (&default[..], &all, 5, send(BotApi, None)),
            (&default, &all, 100, send(UserAccount, None)),
            (&default, &ill, 100, send(BotMtproto, Some(UserAccount))),
            (&default, &all, 3000, UploadPlan::Compress { lane: UserAccount, target_bytes: 2097 * MB, instead_of: None }),
            (&[BotMtproto, UserAccount, BotApi], &all, 5, send(BotMtproto, None)),
            (&[BotApi, BotMtproto, UserAccount], &all, 100, send(BotMtproto, None)),
            (&[BotApi, BotMtproto], &ill, 100, send(BotMtproto, None)),
            (&[BotApi], &all, 100, UploadPlan::Compress { lane: BotApi, target_bytes: 50 * MB, instead_of: None }),
        ];
        for (prefer, lanes, size_mb, expected) in table {
            let config = RouteConfig { prefer: prefer.to_vec(), ..config() };
            assert_eq!(plan(&file(MediaKind::Video, size_mb * MB, 600), lanes, &config), expected, "{prefer:?} {size_mb}");
        }
    }

    fn config() -> RouteConfig {
        RouteConfig {
            prefer: vec![Lane::BotApi, Lane::UserAccount, Lane::BotMtproto],
            bot_api_max_bytes: 0,
            user_account_max_bytes: 0,
            compress: true,
            min_video_bit_rate: 200_000,
        }
    }

    fn refuse(limit_mb: u64, account_missing: bool) -> UploadPlan {
        UploadPlan::Refuse { limit_bytes: limit_mb * MB, account_missing }
    }

    #[test]
    fn a_setting_can_lower_a_limit_and_never_raise_it() {
        for (configured, local, expected) in [
            (0, false, BOT_API_CLOUD_BYTES),
            (0, true, BOT_API_LOCAL_BYTES),
            (7, false, 7),
            (60 * MB, false, BOT_API_CLOUD_BYTES),
            (60 * MB, true, 60 * MB),
        ] {
            assert_eq!(bot_api_lane(configured, local).limit_bytes, expected);
        }
    }
}
