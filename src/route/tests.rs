//! Every size, kind and health has its way.
//!
//! In: tables. Out: the plan for each. Must not: do I/O.

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
    let never = RouteConfig { above_limits: vec![], ..config.clone() };
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
        ("too long to be compressed", video(100, 36_000), &alone, &config, split(BotApi, 50)),
        ("too long, and too large for an album", video(451, 360_000), &alone, &config, refuse(50, true)),
        ("a song", file(MediaKind::Audio, 60 * MB, 3600), &alone, &config, split(BotApi, 50)),
        ("compression is off", video(100, 600), &alone, &never, refuse(50, true)),
        ("no video", file(MediaKind::Document, 100 * MB, 0), &ill, &config, refuse(50, true)),
        ("no video, above all", file(MediaKind::Document, 3000 * MB, 0), &both, &config, refuse(2097, false)),
        ("small, unwell", video(5, 60), &ill, &config, send(BotApi)),
        ("no lane at all", video(5, 60), &[], &config, refuse(0, false)),
    ];
    for (name, file, lanes, config, expected) in table {
        assert_eq!(plan(&file, Choice::Video, lanes, config), expected, "{name}");
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
        assert_eq!(plan(&file(MediaKind::Video, size_mb * MB, 600), Choice::Video, lanes, &config), expected, "{prefer:?} {size_mb}");
    }
}

fn config() -> RouteConfig {
    RouteConfig {
        prefer: vec![Lane::BotApi, Lane::UserAccount, Lane::BotMtproto],
        bot_api_max_bytes: 0,
        user_account_max_bytes: 0,
        above_limits: vec![AboveLimits::Compress, AboveLimits::Split],
        min_video_bit_rate: 200_000,
        max_pieces: 10,
    }
}

fn refuse(limit_mb: u64, account_missing: bool) -> UploadPlan {
    UploadPlan::Refuse { limit_bytes: limit_mb * MB, account_missing }
}

#[test]
fn whoever_wants_pieces_gets_them_where_they_are_needed() {
    use AboveLimits::{Compress, Split};
    let both = [lane(Lane::UserAccount, 2000, true), lane(Lane::BotApi, 50, true)];
    let compress = UploadPlan::Compress { lane: Lane::UserAccount, target_bytes: 2000 * MB, instead_of: None };
    let send = UploadPlan::Send { lane: Lane::UserAccount, instead_of: None };
    let table = [
        (Choice::Video, 3000, &[Compress, Split][..], compress.clone()),
        (Choice::Pieces, 3000, &[Compress, Split], split(Lane::UserAccount, 2000)),
        (Choice::Video, 3000, &[Split, Compress], split(Lane::UserAccount, 2000)),
        (Choice::Pieces, 1999, &[Compress, Split], send),
        (Choice::Pieces, 3000, &[Compress], compress.clone()),
        (Choice::Pieces, 18_001, &[Compress, Split], compress),
        (Choice::Pieces, 18_001, &[Split], refuse(2000, false)),
        (Choice::Pieces, 3000, &[], refuse(2000, false)),
    ];
    for (choice, size_mb, above_limits, expected) in table {
        let config = RouteConfig { above_limits: above_limits.to_vec(), ..config() };
        let planned = plan(&file(MediaKind::Video, size_mb * MB, 20_000), choice, &both, &config);
        assert_eq!(planned, expected, "{choice:?} {size_mb} {above_limits:?}");
    }
    let document = plan(&file(MediaKind::Document, 3000 * MB, 0), Choice::Pieces, &both, &config());
    assert_eq!(document, refuse(2000, false), "a piece of a document is of no use");
}

#[test]
fn pieces_are_offered_where_one_message_does_not_hold_it() {
    let both = [lane(Lane::UserAccount, 2000, true), lane(Lane::BotApi, 50, true)];
    let ill = [lane(Lane::UserAccount, 2000, false), lane(Lane::BotApi, 50, true)];
    let never = RouteConfig { above_limits: vec![AboveLimits::Compress], ..config() };
    let table = [
        (2000, &both, &config(), false),
        (2001, &both, &config(), true),
        (18_001, &both, &config(), false),
        (2001, &both, &never, false),
        (51, &ill, &config(), true),
        (2001, &ill, &config(), false),
    ];
    for (size_mb, lanes, config, expected) in table {
        assert_eq!(offers_pieces(size_mb * MB, lanes, config), expected, "{size_mb}");
    }
}

fn split(lane: Lane, limit_mb: u64) -> UploadPlan {
    UploadPlan::Split { lane, piece_bytes: limit_mb * MB, instead_of: None }
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
