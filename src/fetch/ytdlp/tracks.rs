//! Which streams of a video are taken, and how each of them is fetched.
//!
//! In: yt-dlp's metadata and the choice. Out: one track, or two where picture and sound come apart (picture first). Must not: fetch anything.

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use super::cookies;
use crate::fetch::sizes;
use crate::model::Choice;

/// Keys of the metadata that would lead yt-dlp to other streams than the one that is asked for: it falls back to the page if the stream fails.
const LEADS_AWAY: [&str; 5] = ["formats", "requested_formats", "requested_downloads", "webpage_url", "original_url"];

/// Protocols whose files yt-dlp only ever appends to.
const APPENDED: [&str; 5] = ["m3u8_native", "m3u8", "http_dash_segments", "http", "https"];

/// Headers that the client sets by itself.
const OURS: [HeaderName; 8] = [
    header::ACCEPT_ENCODING,
    header::HOST,
    header::RANGE,
    header::IF_RANGE,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::COOKIE,
];

/// One stream of a video.
#[derive(Debug)]
pub(super) struct Track {
    /// yt-dlp's name for it.
    pub(super) format_id: String,
    /// What its file would be called.
    pub(super) extension: String,
    /// Its size in bytes, exact or estimated.
    pub(super) size_bytes: Option<u64>,
    /// A file that a web server has.
    pub(super) file: Option<WebFile>,
    /// The address of the HLS playlist, if it is one.
    pub(super) playlist: Option<WebFile>,
    /// True if yt-dlp only ever appends to the file.
    pub(super) grows: bool,
    /// Metadata with this stream alone, for `--load-info-json`.
    pub(super) json: String,
}

/// Where a web server has something, and how to ask for it.
#[derive(Clone, Debug)]
pub(super) struct WebFile {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Most that may be asked for at once without being slowed down.
    pub(super) chunk_bytes: Option<u64>,
}

/// The tracks to fetch; nothing where only yt-dlp itself can tell.
pub(super) fn choose(json: &str, choice: Choice) -> Option<Vec<Track>> {
    let video: Value = serde_json::from_str(json).ok()?;
    let formats: Vec<&Value> = match choice {
        Choice::Video | Choice::Pieces => of_video(&video)?,
        Choice::Audio => vec![of_audio(&video)?],
    };
    formats.into_iter().map(|format| track(&video, format)).collect()
}

fn of_video(video: &Value) -> Option<Vec<&Value>> {
    match video["requested_formats"].as_array().map(Vec::as_slice) {
        None | Some([]) => Some(vec![single(video)]),
        Some([only]) => Some(vec![only]),
        Some([picture, sound]) if picture["vcodec"] != "none" && sound["vcodec"] == "none" => Some(vec![picture, sound]),
        Some([sound, picture]) if picture["vcodec"] != "none" && sound["vcodec"] == "none" => Some(vec![picture, sound]),
        Some(_) => None,
    }
}

/// `ba[ext=m4a]/ba/b` as yt-dlp reads it (args.rs asks for it): its list of formats goes from the worst to the best. Where there is no sound by
/// itself, the choice of a video fell to `b` too.
fn of_audio(video: &Value) -> Option<&Value> {
    let formats = video["formats"].as_array().into_iter().flatten();
    let sounds: Vec<&Value> =
        formats.filter(|format| format["vcodec"] == "none" && format["acodec"] != "none" && format["has_drm"] != true).collect();
    let best = sounds.iter().rfind(|format| format["ext"] == "m4a").or(sounds.last()).copied();
    best.or_else(|| (video["requested_formats"].is_null() && video["acodec"] != "none").then(|| single(video)))
}

/// The format that the video itself was taken for; a video without a list is its own format.
fn single(video: &Value) -> &Value {
    let formats = video["formats"].as_array().into_iter().flatten();
    formats.filter(|format| format["format_id"].is_string()).find(|format| format["format_id"] == video["format_id"]).unwrap_or(video)
}

fn track(video: &Value, format: &Value) -> Option<Track> {
    let protocol = format["protocol"].as_str()?;
    let web_file = || {
        let url = Url::parse(format["url"].as_str()?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let headers = headers(&[&video["http_headers"], &format["http_headers"]], &format["cookies"], &url);
        Some(WebFile { url, headers, chunk_bytes: format["downloader_options"]["http_chunk_size"].as_u64().filter(|bytes| *bytes > 0) })
    };
    let plain = matches!(protocol, "http" | "https")
        && ["fragments", "request_data", "impersonate", "hls_aes"].iter().all(|key| is_absent(&format[*key]));
    let playlist = protocol.starts_with("m3u8") && is_absent(&video["hls_aes"]) && is_absent(&format["hls_aes"]);
    Some(Track {
        format_id: format["format_id"].as_str().unwrap_or_default().to_owned(),
        extension: format["ext"].as_str().unwrap_or_default().to_owned(),
        size_bytes: format["filesize"].as_f64().or_else(|| format["filesize_approx"].as_f64()).map(sizes::bytes),
        file: if plain { web_file() } else { None },
        playlist: if playlist { web_file() } else { None },
        grows: APPENDED.contains(&protocol),
        json: alone(video, format).to_string(),
    })
}

/// The metadata with one format alone.
fn alone(video: &Value, format: &Value) -> Value {
    let mut alone = video.clone();
    if let Some(object) = alone.as_object_mut() {
        for key in LEADS_AWAY {
            object.remove(key);
        }
        if !std::ptr::eq(video, format) {
            object.insert("formats".into(), Value::Array(vec![format.clone()]));
        }
    }
    alone
}

pub(super) fn is_absent(value: &Value) -> bool {
    value.is_null() || value == false || value.as_array().is_some_and(Vec::is_empty)
}

/// What yt-dlp would send, the later object over the earlier one.
pub(super) fn headers(objects: &[&Value], cookies: &Value, url: &Url) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in objects.iter().filter_map(|object| object.as_object()).flatten() {
        let name = HeaderName::try_from(name.as_str()).ok().filter(|name| !OURS.contains(name));
        if let (Some(name), Some(Ok(value))) = (name, value.as_str().map(HeaderValue::try_from)) {
            headers.insert(name, value);
        }
    }
    let cookie = cookies.as_str().and_then(|cookies| HeaderValue::try_from(cookies::for_url(cookies, url)?).ok());
    if let Some(mut cookie) = cookie {
        cookie.set_sensitive(true);
        headers.insert(header::COOKIE, cookie);
    }
    headers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chosen(video: &Value, choice: Choice) -> Option<Vec<String>> {
        Some(choose(&video.to_string(), choice)?.into_iter().map(|track| track.format_id).collect())
    }

    fn film() -> Value {
        let sound = |id: &str, extension: &str| json!({"format_id": id, "ext": extension, "vcodec": "none", "acodec": "x", "protocol": "https", "url": "https://a.org/s"});
        let picture = json!({"format_id": "137", "ext": "mp4", "vcodec": "avc1", "acodec": "none", "protocol": "https", "url": "https://a.org/p",
            "filesize_approx": 10.5, "downloader_options": {"http_chunk_size": 10_485_760},
            "http_headers": {"User-Agent": "x", "Range": "bytes=1-2", "Cookie": "no=1"}, "cookies": "a=1; Domain=.a.org; Path=/"});
        json!({"format_id": "137+140", "ext": "mp4", "webpage_url": "https://a.org/watch", "http_headers": {"User-Agent": "y", "X-A": "z"},
            "formats": [sound("139", "m4a"), sound("140", "m4a"), sound("251", "webm"), picture], "requested_formats": [picture, sound("140", "m4a")]})
    }

    #[test]
    fn picture_and_sound_by_themselves() {
        let film = film();
        assert_eq!(chosen(&film, Choice::Video), Some(vec!["137".into(), "140".into()]));
        assert_eq!(chosen(&film, Choice::Audio), Some(vec!["140".into()]), "the best m4a, not the best of all");
        let tracks = choose(&film.to_string(), Choice::Video).unwrap();
        let file = tracks[0].file.as_ref().unwrap();
        assert_eq!((file.url.as_str(), file.chunk_bytes, tracks[0].size_bytes), ("https://a.org/p", Some(10_485_760), Some(10)));
        let sent: Vec<_> = file.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(sent, [("user-agent", "x"), ("x-a", "z"), ("cookie", "a=1")]);
        let alone: Value = serde_json::from_str(&tracks[1].json).unwrap();
        assert_eq!((alone["formats"].as_array().unwrap().len(), &alone["webpage_url"]), (1, &Value::Null));
    }

    #[test]
    fn other_shapes_of_a_video() {
        let one = json!({"format_id": "0", "ext": "mp4", "protocol": "m3u8_native", "url": "https://a.org/m.m3u8"});
        let table = [
            (one.clone(), Choice::Video, Some(vec!["0".to_owned()])),
            (one.clone(), Choice::Audio, Some(vec!["0".to_owned()])),
            (json!({"format_id": "0", "protocol": "https", "acodec": "none"}), Choice::Audio, None),
            (json!({"title": "nothing"}), Choice::Video, None),
            (json!({"requested_formats": [one, one, one]}), Choice::Video, None),
            (json!({"requested_formats": [one, one]}), Choice::Video, None),
        ];
        for (video, choice, expected) in table {
            assert_eq!(chosen(&video, choice), expected, "{video} {choice:?}");
        }
    }

    #[test]
    fn how_a_stream_is_fetched() {
        let of = |protocol: &str, more: Value| {
            let mut format = json!({"format_id": "0", "ext": "mp4", "protocol": protocol, "url": "https://a.org/x"});
            format.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let track = choose(&format.to_string(), Choice::Video).unwrap().remove(0);
            (track.file.is_some(), track.playlist.is_some(), track.grows)
        };
        let table = [
            (of("https", json!({})), (true, false, true)),
            (of("https", json!({"request_data": "x"})), (false, false, true)),
            (of("https", json!({"impersonate": true})), (false, false, true)),
            (of("m3u8_native", json!({})), (false, true, true)),
            (of("m3u8_native", json!({"hls_aes": {"key": "1"}})), (false, false, true)),
            (of("http_dash_segments", json!({"fragments": [{"url": "a"}]})), (false, false, true)),
            (of("ism", json!({})), (false, false, false)),
            (of("rtmp", json!({})), (false, false, false)),
        ];
        for (number, (found, expected)) in table.into_iter().enumerate() {
            assert_eq!(found, expected, "row {number}");
        }
    }
}
