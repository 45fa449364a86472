//! Which kind of content a link leads to.
//!
//! In: a host, or the head and first bytes of an answer. Out: who can fetch it. Must not: do I/O.

use super::http::Answer;

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The content itself.
    File,
    /// A web page that may show content.
    Page,
    /// A list of the pieces of a stream (HLS or DASH).
    Manifest,
}

/// Sites whose links yt-dlp knows by themselves; asking them for the page first would only wake their robot checks.
const PLATFORMS: [&str; 49] = [
    "youtube.com",
    "youtu.be",
    "youtube-nocookie.com",
    "tiktok.com",
    "instagram.com",
    "facebook.com",
    "fb.watch",
    "twitter.com",
    "x.com",
    "reddit.com",
    "redd.it",
    "twitch.tv",
    "vimeo.com",
    "soundcloud.com",
    "dailymotion.com",
    "dai.ly",
    "bandcamp.com",
    "mixcloud.com",
    "bilibili.com",
    "b23.tv",
    "rumble.com",
    "odysee.com",
    "bitchute.com",
    "vk.com",
    "vk.ru",
    "vkvideo.ru",
    "ok.ru",
    "rutube.ru",
    "nicovideo.jp",
    "pinterest.com",
    "pin.it",
    "tumblr.com",
    "streamable.com",
    "threads.net",
    "threads.com",
    "linkedin.com",
    "bsky.app",
    "9gag.com",
    "imgur.com",
    "kick.com",
    "ted.com",
    "arte.tv",
    "ardmediathek.de",
    "zdf.de",
    "snapchat.com",
    "weibo.com",
    "xiaohongshu.com",
    "douyin.com",
    "loom.com",
];

/// Hosts below a platform that serve bare files.
const FILE_HOSTS: [&str; 5] = ["i.redd.it", "preview.redd.it", "i.imgur.com", "media.tumblr.com", "bcbits.com"];

/// Bytes of the beginning that are looked at.
pub(crate) const SNIFF_BYTES: usize = 1024;

/// True if yt-dlp knows the site by its name.
pub(crate) fn is_platform(host: &str) -> bool {
    let within = |domains: &[&str]| {
        domains.iter().any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    };
    within(&PLATFORMS) && !within(&FILE_HOSTS)
}

/// True if the first bytes may say more than the head does.
pub(crate) fn is_open_question(answer: &Answer) -> bool {
    let mime = answer.mime.as_deref().unwrap_or_default();
    !(mime.starts_with("video/") || mime.starts_with("image/") || is_manifest_type(mime))
}

/// What an answer is, by its type, its address and its first bytes.
pub(crate) fn kind(answer: &Answer, beginning: &[u8]) -> Kind {
    let mime = answer.mime.as_deref().unwrap_or_default();
    let path = answer.url.path().to_ascii_lowercase();
    let beginning = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning).trim_ascii_start();
    if is_manifest_type(mime) || beginning.starts_with(b"#EXTM3U") || is_dash(beginning) {
        return Kind::Manifest;
    }
    match mime {
        "text/html" | "application/xhtml+xml" => Kind::Page,
        _ if path.ends_with(".m3u8") || path.ends_with(".mpd") => Kind::Manifest,
        // Servers that know no better call a page one of these; a film is never one.
        "" | "text/plain" | "application/octet-stream" | "binary/octet-stream" if is_html(beginning) => Kind::Page,
        _ => Kind::File,
    }
}

/// <https://www.iana.org/assignments/media-types> and the older names that servers still use.
fn is_manifest_type(mime: &str) -> bool {
    matches!(
        mime,
        "application/vnd.apple.mpegurl"
            | "application/x-mpegurl"
            | "audio/mpegurl"
            | "audio/x-mpegurl"
            | "video/mpegurl"
            | "application/dash+xml"
    )
}

fn is_dash(beginning: &[u8]) -> bool {
    let is_xml = beginning.starts_with(b"<?xml") || beginning.starts_with(b"<MPD");
    is_xml && beginning.windows(5).any(|window| window == b"<MPD " || window == b"<MPD\n" || window == b"<MPD\r")
}

fn is_html(beginning: &[u8]) -> bool {
    [&b"<!doctype html"[..], b"<html"].iter().any(|tag| beginning.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
    use url::Url;

    use super::*;

    #[test]
    fn platforms_are_known_by_their_domain() {
        let table = [
            ("youtube.com", true),
            ("m.youtube.com", true),
            ("music.youtube.com", true),
            ("youtu.be", true),
            ("notyoutube.com", false),
            ("youtube.com.evil.org", false),
            ("x.com", true),
            ("netflix.com", false),
            ("vm.tiktok.com", true),
            ("old.reddit.com", true),
            ("v.redd.it", true),
            ("i.redd.it", false),
            ("video.twimg.com", false),
            ("example.org", false),
            ("", false),
        ];
        for (host, expected) in table {
            assert_eq!(is_platform(host), expected, "{host}");
        }
    }

    #[test]
    fn answers_are_told_apart() {
        let table: [(&str, &str, &[u8], Kind); 17] = [
            ("video/mp4", "/a.mp4", b"\0\0\0\x20ftypisom", Kind::File),
            ("application/octet-stream", "/a", b"\x1a\x45\xdf\xa3", Kind::File),
            ("", "/a.mp4", b"", Kind::File),
            ("text/html", "/", b"", Kind::Page),
            ("text/html", "/a.mp4", b"<html>", Kind::Page),
            ("application/xhtml+xml", "/", b"", Kind::Page),
            ("text/plain", "/", b" <!DOCTYPE HTML><p>", Kind::Page),
            ("", "/", b"\xef\xbb\xbf<html lang=en>", Kind::Page),
            ("text/plain", "/notes.txt", b"hello", Kind::File),
            ("application/vnd.apple.mpegurl", "/x", b"", Kind::Manifest),
            ("application/x-mpegurl", "/x", b"", Kind::Manifest),
            ("application/dash+xml", "/x", b"", Kind::Manifest),
            ("application/octet-stream", "/live/a.m3u8", b"", Kind::Manifest),
            ("", "/a.MPD", b"", Kind::Manifest),
            ("text/plain", "/playlist", b"#EXTM3U\n#EXT-X-VERSION:3", Kind::Manifest),
            ("text/html", "/playlist", b"#EXTM3U\n", Kind::Manifest),
            ("application/xml", "/x", b"<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn\">", Kind::Manifest),
        ];
        for (mime, path, beginning, expected) in table {
            let url = Url::parse("http://a.org").unwrap().join(path).unwrap();
            let mut headers = HeaderMap::new();
            if !mime.is_empty() {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(mime));
            }
            assert_eq!(kind(&Answer::read(&url, 200, &headers), beginning), expected, "{mime} {path}");
        }
    }
}
