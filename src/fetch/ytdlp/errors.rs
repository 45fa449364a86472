//! What yt-dlp's messages mean.
//!
//! In: the text of its standard error. Out: a [`Reason`]. Must not: do I/O; show the text to people.
//!
//! yt-dlp has no codes for its errors; it prints `ERROR: [site] id: sentence`. The sentences are those of the sites and of yt-dlp's extractors
//! (<https://github.com/yt-dlp/yt-dlp/tree/master/yt_dlp/extractor>). The first row that fits decides, so what is more exact stands first.

use crate::model::Reason;

/// Parts of messages in lower case with a straight apostrophe, and what they mean.
const MEANINGS: &[(Meaning, &[&str])] = &[
    (Meaning::DiskFull, &["no space left on device", "disk quota exceeded", "[errno 28]", "[errno 122]"]),
    (Meaning::TooLarge, &["larger than max-filesize"]),
    (
        Meaning::Drm,
        &["drm protected", "drm protection", "is protected by drm", "drm-protected", "uses drm", "use drm", "protected with drm"],
    ),
    (
        Meaning::BotCheck,
        &[
            "not a bot",
            "not a robot",
            "captcha",
            "anti-bot",
            "verify you are human",
            "tls fingerprint",
            "unusual traffic",
            "your ip is likely being blocked",
            "all player responses are invalid",
            "unable to access the reddit api",
            "your ip address is blocked from accessing",
            "the page needs to be reloaded",
            "fresh cookies",
        ],
    ),
    (
        Meaning::LoginNeeded,
        &[
            "confirm your age",
            "age-restricted",
            "age restricted",
            "age restriction",
            "inappropriate for some users",
            "members-only",
            "members only",
            "join this channel",
            "requires payment",
            "for premium members",
            "premium members only",
            "video is paid",
            "supporter-only",
            "purchase",
            "requires authentication",
            "authentication is required",
            "authentication may be needed",
            "only available for registered users",
            "available for registered users",
            "login required",
            "requires login",
            "requires a login",
            "need to log in",
            "need to login",
            "must be logged in",
            "must log in",
            "you must be logged into an account",
            "only works when logged-in",
            "log in for access",
            "not comfortable for some audiences",
            "may not be comfortable",
            "log into an account that has access",
            "redirected to the login page",
            "without being logged-in",
            "protected by a password",
            "wrong video password",
            "password-protected",
            "for the authentication",
            "to provide account credentials",
            "accessing posts anonymously",
            "subscribers only",
            "only available to subscribers",
        ],
    ),
    (
        Meaning::GeoBlocked,
        &[
            "geo restrict",
            "geo-restrict",
            "georestrict",
            "geo block",
            "geo-block",
            "in your country",
            "from your country",
            "in your region",
            "in your location",
            "from your location",
            "in your territory",
            "your geographic",
            "not available in your area",
            "vpn or a proxy server",
        ],
    ),
    (
        Meaning::Private,
        &[
            "private video",
            "video is private",
            "is private",
            "private subreddit",
            "protected tweet",
            "private account",
            "not authorized to view",
            "do not have permission",
            "privacy settings",
            "only available for registered users who follow",
            "set to private",
            "private playlist",
            "status code 10216",
            "status code 10222",
        ],
    ),
    (
        Meaning::Live,
        &[
            "premieres in",
            "premiere will begin",
            "live event will begin",
            "live event is scheduled",
            "live broadcast has not yet started",
            "live stream has not started",
            "not started yet",
            "has not yet begun",
            "not currently live",
            "is not live",
            "channel is offline",
            "user is offline",
            "not yet available",
            "is upcoming",
            "will begin in",
            "video is processing",
            "not downloadable yet",
        ],
    ),
    (
        Meaning::Removed,
        &[
            "has been removed",
            "was removed",
            "been deleted",
            "was deleted",
            "may be deleted",
            "no longer available",
            "no longer exists",
            "does not exist",
            "doesn't exist",
            "has been terminated",
            "account associated with this video",
            "video unavailable",
            "video is unavailable",
            "video is not available",
            "video not available",
            "tweet is unavailable",
            "is not available on this app",
            "recording is not available",
            "content is not available",
            "content isn't available",
            "content is unreachable",
            "has been suspended",
            "livestream has ended",
            "replay is disabled",
            "clip not found",
            "space not found",
            "copyright",
            "post is unavailable",
            "event video is unavailable",
        ],
    ),
    (Meaning::Empty, &["downloaded file is empty", "did not get any data blocks"]),
    (Meaning::RateLimited, &["rate-limit", "rate limit", "too many requests", "please wait and try later"]),
    (
        Meaning::Unsupported,
        &[
            "unsupported url",
            "is not a valid url",
            "no video formats found",
            "no media found",
            "no video could be found",
            "no video in this post",
            "requested format is not available",
            "there is no video",
            "no valid video url found",
            "is not a video",
            "no suitable extractor",
            "playlist is empty",
            "no embedded media",
            "only images are available",
            "does not have any videos",
        ],
    ),
    (
        Meaning::Network,
        &[
            "timed out",
            "timeout",
            "connection refused",
            "connection reset",
            "connection aborted",
            "connection broken",
            "network is unreachable",
            "no route to host",
            "name resolution",
            "failed to resolve",
            "name or service not known",
            "remote end closed",
            "incompleteread",
            "incomplete read",
            "more expected",
            "ssl:",
            "unexpected_eof",
            "eof occurred",
            "broken pipe",
            "urlopen error",
            "transporterror",
            "unable to connect",
            "remotedisconnected",
            "content too short",
        ],
    ),
];

#[derive(Clone, Copy)]
enum Meaning {
    DiskFull,
    TooLarge,
    Drm,
    BotCheck,
    LoginNeeded,
    GeoBlocked,
    Private,
    Live,
    Removed,
    Empty,
    RateLimited,
    Unsupported,
    Network,
}

/// The reason in what yt-dlp printed; `limit_bytes` is the largest file that was allowed.
pub(super) fn reason(stderr: &str, limit_bytes: u64) -> Reason {
    let errors: Vec<String> = stderr.lines().filter(|line| line.starts_with("ERROR:")).map(simplify).collect();
    let text = if errors.is_empty() { simplify(stderr) } else { errors.join("\n") };
    // "Video unavailable. This video is private": the row's order, not the sentence's, says which is more exact.
    let meaning = MEANINGS.iter().find(|(_, parts)| parts.iter().any(|part| text.contains(part))).map(|(meaning, _)| *meaning);
    let status = http_status(&text);
    match (meaning, status) {
        (Some(Meaning::DiskFull), _) => Reason::DiskFull,
        (Some(Meaning::TooLarge), _) => Reason::TooLarge { size_bytes: None, limit_bytes },
        (Some(Meaning::Drm), _) => Reason::Drm,
        (Some(Meaning::BotCheck), _) => Reason::BotCheck,
        (Some(Meaning::LoginNeeded), _) => Reason::LoginNeeded,
        (Some(Meaning::GeoBlocked), _) | (None | Some(Meaning::Network), Some(451)) => Reason::GeoBlocked,
        (Some(Meaning::Private), _) => Reason::Private,
        (Some(Meaning::Live), _) => Reason::Live,
        (_, Some(404 | 410)) => Reason::NotFound,
        (Some(Meaning::Removed), _) => Reason::Removed,
        (Some(Meaning::Empty), None) => Reason::Empty,
        (_, Some(status)) => Reason::HttpStatus { status },
        (Some(Meaning::RateLimited), None) => Reason::HttpStatus { status: 429 },
        (Some(Meaning::Unsupported), None) => Reason::Unsupported,
        (Some(Meaning::Network), None) => Reason::Network,
        (None, None) => Reason::Downloader,
    }
}

/// Lower case, straight apostrophes, and no addresses, whose words (`/private/`, `/captcha/`) would mislead.
fn simplify(text: &str) -> String {
    let lower = text.to_lowercase().replace(['\u{2019}', '\u{2018}', '`'], "'");
    let words = lower.split(' ').filter(|word| !word.contains("://"));
    words.collect::<Vec<_>>().join(" ")
}

/// The status in `HTTP Error 403: Forbidden` or `status code 403`.
fn http_status(text: &str) -> Option<u16> {
    let after = text.split("http error ").nth(1)?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|status| (400..600).contains(status))
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
