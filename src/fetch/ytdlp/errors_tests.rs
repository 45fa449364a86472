//! Real messages of yt-dlp, as its users report them, and what each has to mean.
//!
//! In: standard error as printed. Out: assertions. Must not: be shortened to what the table of errors.rs happens to hold.

use super::reason;
use crate::model::Reason;

const LIMIT_BYTES: u64 = 1000;

#[test]
fn real_messages_have_the_right_reason() {
    let forbidden = Reason::HttpStatus { status: 403 };
    let limited = Reason::HttpStatus { status: 429 };
    let table: &[(Reason, &[&str])] = &[
        (
            Reason::Private,
            &[
                "ERROR: [youtube] dQw4w9WgXcQ: Private video. Sign in if you've been granted access to this video",
                "ERROR: [youtube] abc: Video unavailable. This video is private",
                "ERROR: [twitter] 1: You are not authorized to view this protected tweet",
                "ERROR: [Reddit] x: Private subreddit; an account that has been approved is required",
                "ERROR: [vimeo] 1: Because of its privacy settings, this video cannot be played here.",
                "ERROR: [TikTok] 7: Video not available, status code 10216",
            ],
        ),
        (
            Reason::Removed,
            &[
                "ERROR: [youtube] abc: Video unavailable. This video has been removed by the uploader",
                "ERROR: [youtube] abc: Video unavailable",
                "ERROR: [youtube] abc: Video unavailable. This video is no longer available because the YouTube account associated with this video has been terminated.",
                "ERROR: [youtube] abc: This video has been removed for violating YouTube's Community Guidelines",
                "ERROR: [youtube] abc: Video unavailable. This video is no longer available due to a copyright claim by Somebody",
                "ERROR: [youtube] abc: This live stream recording is not available.",
                "ERROR: [TikTok] 7: Video not available, status code 10204",
                "ERROR: [twitter] 1: Requested tweet is unavailable. Suspended",
                "ERROR: [twitch:clips] x: This clip is no longer available",
                "ERROR: [odnoklassniki] 1: Video has been removed from public access due to rightholder complaint.",
            ],
        ),
        (
            Reason::GeoBlocked,
            &[
                "ERROR: [youtube] abc: The uploader has not made this video available in your country",
                "ERROR: [youtube] abc: Video unavailable. This video contains content from SME, who has blocked it in your country on copyright grounds",
                "ERROR: [zdf] x: This video is not available from your location due to geo restriction",
                "ERROR: [BBC] x: This video is not available from your location due to geo restriction. You might want to use a VPN or a proxy server (with --proxy) to workaround.",
                "ERROR: [dailymotion] x: Geo-restricted by owner",
                "ERROR: [generic] x: Unable to download webpage: HTTP Error 451: Unavailable For Legal Reasons",
            ],
        ),
        (
            Reason::LoginNeeded,
            &[
                "ERROR: [youtube] abc: Sign in to confirm your age. This video may be inappropriate for some users. Use --cookies-from-browser or --cookies for the authentication.",
                "ERROR: [youtube] abc: Join this channel to get access to members-only content like this video, and other exclusive perks.",
                "ERROR: [youtube] abc: This video requires payment to watch.",
                "ERROR: [Instagram] C1: Requested content is not available, rate-limit reached or login required. Use --cookies, --cookies-from-browser, --username and --password, --netrc-cmd, or --netrc (instagram) to provide account credentials",
                "ERROR: [Instagram] C1: Instagram sent an empty media response. Check if this post is accessible in your browser without being logged-in. If it is not, then use --cookies-from-browser or --cookies for the authentication.",
                "ERROR: [facebook] 1: This video is only available for registered users. Use --cookies",
                "ERROR: [twitter] 1: NSFW tweet requires authentication. Use --cookies",
                "ERROR: [TikTok] 7: This post may not be comfortable for some audiences. Log in for access. Use --cookies",
                "ERROR: [TikTok] 7: You do not have permission to view this post. Log into an account that has access. Use --cookies",
                "ERROR: [Reddit] x: Account authentication is required. Use --cookies",
                "ERROR: [vimeo] 1: This video is protected by a password, use the --video-password option",
                "ERROR: [vimeo] 1: The web client only works when logged-in. Use --cookies",
                "ERROR: [vk] 1: You need to log in to access this content",
            ],
        ),
        (
            Reason::BotCheck,
            &[
                "ERROR: [youtube] abc: Sign in to confirm you\u{2019}re not a bot. Use --cookies-from-browser or --cookies for the authentication. See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies.",
                "ERROR: [youtube] abc: Sign in to confirm you're not a bot.",
                "ERROR: [generic] Got HTTP Error 403 caused by Cloudflare anti-bot challenge; try again with  --extractor-args \"generic:impersonate\"",
                "ERROR: [youtube] abc: All player responses are invalid. Your IP is likely being blocked by Youtube",
                "ERROR: [Reddit] x: Your IP address is unable to access the Reddit API",
                "ERROR: [TikTok] 7: Your IP address is blocked from accessing this post",
                "ERROR: [BiliBili] x: This request has been blocked due to its TLS fingerprint. Install a",
            ],
        ),
        (
            Reason::Unsupported,
            &[
                "ERROR: Unsupported URL: https://example.org/login",
                "ERROR: Unsupported URL: https://example.org/private/captcha/removed",
                "ERROR: [twitter] 1: No video could be found in this tweet",
                "ERROR: [Instagram] C1: There is no video in this post",
                "ERROR: [generic] x: No video formats found!; please report this issue on  https://github.com/yt-dlp/yt-dlp/issues?q= , filling out the appropriate issue template.",
                "ERROR: [generic] x: Requested format is not available. Use --list-formats for a list of available formats",
                "ERROR: [generic] 'abc' is not a valid URL. Set --default-search \"ytsearch\" (or run  yt-dlp \"ytsearch:abc\" ) to search YouTube",
            ],
        ),
        (
            Reason::Drm,
            &[
                "ERROR: [generic] x: This video is DRM protected",
                "ERROR: [DRM] The requested site is known to use DRM protection. It will NOT be supported.\n       Please DO NOT open an issue, unless you have evidence that the video is not DRM protected",
                "ERROR: [vimeo] 1: This video is DRM protected and no formats are available",
            ],
        ),
        (
            Reason::Live,
            &[
                "ERROR: [youtube] abc: Premieres in 3 hours",
                "ERROR: [youtube] abc: This live event will begin in 46 minutes.",
                "ERROR: [youtube] abc: This live event will begin in a few moments.",
                "ERROR: [youtube:tab] @x: The channel is not currently live",
                "ERROR: [twitch:stream] x: The channel is not currently live",
                "ERROR: [vimeo:event] 1: This live event is scheduled for 2026-12-01",
                "ERROR: [twitter:spaces] 1: Twitter Space not started yet",
            ],
        ),
        (
            Reason::Network,
            &[
                "ERROR: [generic] Unable to download webpage: <urlopen error [Errno -2] Name or service not known> (caused by URLError(gaierror(-2, 'Name or service not known')))",
                "ERROR: [youtube] abc: Unable to download API page: ('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
                "ERROR: [generic] x: Unable to download webpage: HTTPConnection(host='127.0.0.1', port=1): Failed to establish a new connection: [Errno 111] Connection refused (caused by TransportError)",
                "ERROR: [youtube] abc: Unable to download webpage: The read operation timed out (caused by TransportError('The read operation timed out'))",
                "ERROR: unable to download video data: [SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:2427)",
                "ERROR: [download] Got error: 1024 bytes read, 4096 more expected. Giving up after 10 retries",
                "ERROR: [generic] Unable to download webpage: Failed to resolve 'nowhere.example' ([Errno -3] Temporary failure in name resolution)",
            ],
        ),
        (
            Reason::NotFound,
            &[
                "ERROR: [generic] nope: Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404: Not Found>)",
                "ERROR: [generic] nope: Unable to download webpage: HTTP Error 410: Gone (caused by <HTTPError 410: Gone>)",
            ],
        ),
        (
            forbidden,
            &[
                "ERROR: unable to download video data: HTTP Error 403: Forbidden",
                "ERROR: [generic] x: Unable to download webpage: HTTP Error 403: Forbidden (caused by <HTTPError 403: Forbidden>)",
            ],
        ),
        (
            limited,
            &[
                "ERROR: [youtube] abc: Unable to download API page: HTTP Error 429: Too Many Requests (caused by <HTTPError 429: Too Many Requests>)",
                "ERROR: [x] You have exceeded the rate limit. Try again later",
            ],
        ),
        (Reason::HttpStatus { status: 503 }, &["ERROR: [generic] x: Unable to download webpage: HTTP Error 503: Service Unavailable"]),
        (
            Reason::TooLarge { size_bytes: None, limit_bytes: LIMIT_BYTES },
            &["ERROR: [download] File is larger than max-filesize (600062 bytes > 1000 bytes). Aborting."],
        ),
        (
            Reason::DiskFull,
            &[
                "ERROR: unable to write data: [Errno 28] No space left on device",
                "ERROR: unable to write data: [Errno 122] Disk quota exceeded",
            ],
        ),
        (Reason::Empty, &["ERROR: The downloaded file is empty", "ERROR: Did not get any data blocks"]),
        (
            Reason::Downloader,
            &[
                "ERROR: Postprocessing: Conversion failed!",
                "ERROR: [facebook] 1: Cannot parse data; please report this issue on  https://github.com/yt-dlp/yt-dlp/issues",
                "Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'formats'",
                "",
            ],
        ),
    ];
    for (expected, messages) in table {
        for message in *messages {
            assert_eq!(reason(message, LIMIT_BYTES), *expected, "{message}");
        }
    }
}

#[test]
fn warnings_beside_an_error_do_not_decide() {
    let text = "WARNING: [youtube] Private video seen before\nERROR: [generic] x: Unable to download webpage: HTTP Error 404: Not Found\n";
    assert_eq!(reason(text, LIMIT_BYTES), Reason::NotFound);
}
