//! What yt-dlp knows of a video.
//!
//! In: the JSON of `--dump-single-json`. Out: the few fields that are used, and the JSON of one video to load again.
//! Must not: ask yt-dlp.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use url::Url;

use super::subtitles::{self, Subtitles};
use crate::fetch::sizes;
use crate::model::{Failure, Link, Reason, SourceCard};

/// Sites by the beginning of yt-dlp's extractor name, as they write themselves.
const SITES: [(&str, &str); 16] = [
    ("youtube", "YouTube"),
    ("tiktok", "TikTok"),
    ("instagram", "Instagram"),
    ("facebook", "Facebook"),
    ("twitter", "X"),
    ("reddit", "Reddit"),
    ("twitch", "Twitch"),
    ("vimeo", "Vimeo"),
    ("soundcloud", "SoundCloud"),
    ("dailymotion", "Dailymotion"),
    ("bandcamp", "Bandcamp"),
    ("bilibili", "Bilibili"),
    ("rumble", "Rumble"),
    ("vk", "VK"),
    ("odnoklassniki", "OK"),
    ("pinterest", "Pinterest"),
];

/// Parts of the metadata that can be most of a megabyte and are of no use here.
const BULK: [&str; 5] = ["automatic_captions", "subtitles", "comments", "heatmap", "requested_downloads"];

/// Metadata of one video.
#[derive(Clone, Debug)]
pub(super) struct Info {
    /// The JSON object of this video, for `--load-info-json`.
    pub(super) json: Arc<str>,
    /// Title, or nothing.
    pub(super) title: Option<String>,
    /// Artist, uploader or channel.
    pub(super) author: Option<String>,
    /// Length in seconds.
    pub(super) duration_s: Option<f64>,
    /// Picture.
    pub(super) picture: Option<Url>,
    /// Size of what would be taken, exact or estimated, in bytes.
    pub(super) size_bytes: Option<u64>,
    /// Name of the site for people.
    site: Option<String>,
    /// One address for each host that the video's bytes may come from.
    pub(super) media: Vec<Url>,
    /// Subtitles beside it.
    pub(super) subtitles: Arc<[Subtitles]>,
}

impl Info {
    /// Reads the answer; what has not ended, or has nothing to download, is refused.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let mut value: Value = serde_json::from_slice(bytes).map_err(|error| Failure::new(Reason::Downloader, error))?;
        let mut depth = 0;
        while value["_type"] == "playlist" || value["_type"] == "multi_video" {
            let first =
                value["entries"].as_array_mut().and_then(|entries| entries.iter_mut().find(|entry| entry.is_object())).map(Value::take);
            value = first.filter(|_| depth < 4).ok_or(Reason::Unsupported)?;
            depth += 1;
        }
        if !value.is_object() {
            return Err(Failure::new(Reason::Downloader, anyhow::anyhow!("yt-dlp printed no object")));
        }
        if value["is_live"] == true || matches!(value["live_status"].as_str(), Some("is_live" | "is_upcoming")) {
            return Err(Failure::from(Reason::Live));
        }
        let subtitles = subtitles::of(&value).into();
        for bulk in BULK {
            value.as_object_mut().map(|object| object.remove(bulk));
        }
        Ok(Self { subtitles, ..Self::of(&value) })
    }

    fn of(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            json: value.to_string().into(),
            title: text("title"),
            author: ["artist", "uploader", "channel", "creator", "uploader_id"].into_iter().find_map(text),
            duration_s: value["duration"].as_f64().filter(|seconds| *seconds > 0.0),
            picture: picture(value),
            size_bytes: size_bytes(value),
            site: site(value),
            media: media(value),
            subtitles: Arc::default(),
        }
    }

    /// The card of the video.
    pub(super) fn card(&self, link: &Link) -> SourceCard {
        SourceCard {
            title: self.title.clone().unwrap_or_else(|| link.host().to_owned()),
            author: self.author.clone(),
            duration_s: self.duration_s,
            source: self.site.clone().unwrap_or_else(|| link.host().to_owned()),
            picture: self.picture.as_ref().map(Url::to_string),
            size_bytes: self.size_bytes,
            subtitles: self.subtitles.iter().map(|subtitles| subtitles.offer.clone()).collect(),
        }
    }
}

/// The site, unless it was a page of no site that yt-dlp knows.
fn site(value: &Value) -> Option<String> {
    let extractor = value["extractor"].as_str()?.to_ascii_lowercase();
    if extractor.starts_with("generic") || extractor.starts_with("html5") {
        return None;
    }
    let known = SITES.iter().find(|(prefix, _)| extractor.starts_with(prefix)).map(|(_, name)| (*name).to_owned());
    known.or_else(|| value["extractor_key"].as_str().map(str::to_owned))
}

/// A page may name its picture relative to itself.
fn picture(value: &Value) -> Option<Url> {
    let picture = value["thumbnail"].as_str()?;
    let url = match Url::parse(picture) {
        Ok(url) => url,
        Err(_) => Url::parse(value["webpage_url"].as_str()?).ok()?.join(picture).ok()?,
    };
    matches!(url.scheme(), "http" | "https").then_some(url)
}

fn size_bytes(value: &Value) -> Option<u64> {
    let of = |stream: &Value| stream["filesize"].as_f64().or_else(|| stream["filesize_approx"].as_f64()).map(sizes::bytes);
    match value["requested_formats"].as_array() {
        Some(streams) if !streams.is_empty() => sizes::known_total(streams.iter().map(of)),
        _ => of(value),
    }
}

fn media(value: &Value) -> Vec<Url> {
    let formats = value["formats"].as_array().into_iter().flatten();
    let mut hosts = BTreeSet::new();
    std::iter::once(value)
        .chain(formats)
        .flat_map(|format| [&format["url"], &format["manifest_url"]])
        .filter_map(|address| Url::parse(address.as_str()?).ok())
        .filter(|url| url.host_str().is_some_and(|host| hosts.insert(host.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::SubtitleOffer;

    fn parse(value: &Value) -> Result<Info, Reason> {
        Info::parse(value.to_string().as_bytes()).map_err(|failure| failure.reason)
    }

    #[test]
    fn the_card_of_a_video_on_a_known_site() {
        let value = json!({
            "_type": "video", "id": "a", "title": " A film ", "channel": "Someone", "duration": 61.5, "extractor": "youtube", "extractor_key": "Youtube",
            "automatic_captions": {"en": [{"ext": "vtt", "url": "https://s.example.org/en"}]},
            "thumbnail": "https://i.example.org/a.jpg", "was_live": true, "live_status": "was_live",
            "requested_formats": [{"filesize": 100}, {"filesize_approx": 20.9}], "filesize_approx": 7,
            "formats": [{"url": "https://cdn.example.org/1"}, {"url": "https://cdn.example.org/2"}, {"manifest_url": "https://m.example.org/"}],
        });
        let info = parse(&value).unwrap();
        let expected = SourceCard {
            title: "A film".into(),
            author: Some("Someone".into()),
            duration_s: Some(61.5),
            source: "YouTube".into(),
            picture: Some("https://i.example.org/a.jpg".into()),
            size_bytes: Some(120),
            subtitles: vec![SubtitleOffer { language: "en".into(), automatic: true }],
        };
        assert_eq!(info.card(&Link::parse("https://youtu.be/a").unwrap()), expected);
        assert_eq!(info.media.iter().map(Url::as_str).collect::<Vec<_>>(), ["https://cdn.example.org/1", "https://m.example.org/"]);
    }

    #[test]
    fn the_card_of_a_page() {
        let value = json!({"title": "My page (1)", "extractor": "html5", "extractor_key": "HTML5MediaEmbed", "thumbnail": "/pic.jpg",
            "webpage_url": "http://a.org/x/page.html", "url": "http://a.org/clip.mp4", "duration": null});
        let info = parse(&value).unwrap();
        let card = info.card(&Link::parse("http://www.a.org/x/page.html").unwrap());
        assert_eq!((card.source.as_str(), card.picture.as_deref(), card.duration_s), ("a.org", Some("http://a.org/pic.jpg"), None));
    }

    #[test]
    fn the_first_video_of_a_list_is_taken() {
        let info =
            parse(&json!({"_type": "playlist", "title": "List", "entries": [null, {"_type": "video", "title": "One"}, {"title": "Two"}]}))
                .unwrap();
        assert_eq!(info.title.as_deref(), Some("One"));
        let again: Value = serde_json::from_str(&info.json).unwrap();
        assert_eq!(again["title"], "One");
    }

    #[test]
    fn what_can_not_be_downloaded_is_refused() {
        let table = [
            (json!({"title": "a", "is_live": true}), Reason::Live),
            (json!({"title": "a", "live_status": "is_upcoming"}), Reason::Live),
            (json!({"_type": "playlist", "entries": [{"live_status": "is_live"}]}), Reason::Live),
            (json!({"_type": "playlist", "entries": []}), Reason::Unsupported),
            (json!({"_type": "playlist", "entries": [null]}), Reason::Unsupported),
            (json!(null), Reason::Downloader),
        ];
        for (value, expected) in table {
            assert_eq!(parse(&value).unwrap_err(), expected, "{value}");
        }
        assert_eq!(Info::parse(b"{").unwrap_err().reason, Reason::Downloader);
    }
}
