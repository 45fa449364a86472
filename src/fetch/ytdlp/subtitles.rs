//! Subtitles of a video: which there are, and one of them as a file.
//!
//! In: yt-dlp's metadata; a language. Out: a file of bounded size. Must not: look into it; media does, where damaged text can do no harm.
//!
//! The metadata has a list of files for each language (`subtitles`: people wrote them; `automatic_captions`: machines did); what else stands there, such as a
//! chat that was written beside a stream, is no text of the video.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::args::{self, Hands};
use super::info::Info;
use super::tracks::{WebFile, headers, is_absent};
use super::{YtDlpSource, pipes, timed_out};
use crate::fetch::small::{self, Small};
use crate::fetch::source::TextRequest;
use crate::fetch::workspace::disk_failure;
use crate::model::{Failure, Reason, SubtitleOffer, find_offer, is_language};

/// Kinds of files that are read, the best first: what has colours and places before what has not.
const KINDS: [&str; 4] = ["ass", "ssa", "srt", "vtt"];
/// What sites list beside subtitles.
const NO_SUBTITLES: [&str; 5] = ["live_chat", "rechat", "danmaku", "comments", "none"];
/// Most languages that are remembered.
const MOST_LANGUAGES: usize = 400;
/// Largest file, in bytes: the text of a long film is a tenth of a megabyte, that of a machine which notes each word several.
const MAX_BYTES: u64 = 10 << 20;
/// Longest time that is spent on them.
const TIMEOUT: Duration = Duration::from_secs(120);
/// How all files begin that are made here.
const STEM: &str = "subtitles";

/// Subtitles in one language.
#[derive(Clone, Debug)]
pub(super) struct Subtitles {
    pub(super) offer: SubtitleOffer,
    /// What the file is.
    kind: &'static str,
    /// A file that a web server has.
    file: Option<WebFile>,
    /// The entry of the metadata.
    entry: String,
}

/// All subtitles of a video, one entry a language; what people wrote stands first.
pub(super) fn of(video: &Value) -> Vec<Subtitles> {
    let mut found: Vec<Subtitles> = Vec::new();
    for (key, automatic) in [("subtitles", false), ("automatic_captions", true)] {
        for (language, files) in video[key].as_object().into_iter().flatten() {
            let known = found.iter().any(|known| known.offer.language == *language);
            if !known && is_language(language) && !NO_SUBTITLES.contains(&language.as_str()) && found.len() < MOST_LANGUAGES {
                let offer = SubtitleOffer { language: language.clone(), automatic };
                found.extend(best(video, files).map(|(kind, file, entry)| Subtitles { offer, kind, file, entry: entry.to_string() }));
            }
        }
    }
    found
}

fn best<'a>(video: &Value, files: &'a Value) -> Option<(&'static str, Option<WebFile>, &'a Value)> {
    let of_kind = |kind: &&'static str| files.as_array().into_iter().flatten().find(|file| file["ext"] == **kind).map(|file| (*kind, file));
    let (kind, file) = KINDS.iter().find_map(of_kind)?;
    let url = file["url"].as_str().and_then(|url| Url::parse(url).ok()).filter(|url| matches!(url.scheme(), "http" | "https"));
    let plain = matches!(file["protocol"].as_str(), None | Some("http" | "https"))
        && ["fragments", "request_data", "impersonate", "hls_aes", "data"].iter().all(|key| is_absent(&file[*key]));
    let web_file = |url: Url| {
        let headers = headers(&[&video["http_headers"], &file["http_headers"]], &file["cookies"], &url);
        WebFile { url, headers, chunk_bytes: None }
    };
    Some((kind, url.filter(|_| plain).map(web_file), file))
}

impl YtDlpSource {
    /// Fetches what there is in a language; nothing if there is none. A file that an earlier run left is taken as it is.
    pub(super) async fn fetch_subtitles(&self, info: &Info, request: &TextRequest) -> Result<Option<PathBuf>, Failure> {
        let offers: Vec<SubtitleOffer> = info.subtitles.iter().map(|subtitles| subtitles.offer.clone()).collect();
        let found = find_offer(&offers, &request.language).filter(|offer| request.also_automatic || !offer.automatic);
        let Some(subtitles) = found.and_then(|found| info.subtitles.iter().find(|subtitles| subtitles.offer == *found)) else {
            return Ok(None);
        };
        let path = request.folder.join(format!("{STEM}-{}.{}", subtitles.offer.language, subtitles.kind));
        if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
            let fetched = tokio::time::timeout(TIMEOUT, self.bring(info, subtitles, &request.folder)).await;
            let fetched = fetched.map_err(|_| timed_out(TIMEOUT))??;
            tokio::fs::rename(fetched, &path).await.map_err(|error| disk_failure(error, "keep the subtitles"))?;
        }
        Ok(Some(path))
    }

    async fn bring(&self, info: &Info, subtitles: &Subtitles, folder: &Path) -> Result<PathBuf, Failure> {
        if let Some(file) = subtitles.file.as_ref().filter(|_| args::hands(&self.config.yt_dlp_args) == Hands::Ours) {
            let path = folder.join(format!("{STEM}.part"));
            let bounds = Small { what: "subtitles", max_bytes: MAX_BYTES, kinds: &["text/", "application/"] };
            match small::fetch(&self.requester.with_headers(file.headers.clone()), &file.url, &path, bounds).await {
                Ok(()) => return Ok(path),
                Err(failure) if matches!(failure.reason, Reason::HttpStatus { status: 400..=499 } | Reason::Unsupported) => {
                    tracing::debug!(host = file.url.host_str(), %failure, "subtitles that we are refused are left to yt-dlp");
                }
                Err(failure) => return Err(failure),
            }
        }
        self.bring_by_process(info, subtitles, folder).await
    }

    /// By a process, which knows playlists and sites that tell programs apart.
    async fn bring_by_process(&self, info: &Info, subtitles: &Subtitles, folder: &Path) -> Result<PathBuf, Failure> {
        let folder = tokio::fs::canonicalize(folder).await.map_err(|error| disk_failure(error, "open the job's folder"))?;
        let entry: Value = serde_json::from_str(&subtitles.entry).map_err(Failure::internal)?;
        if let Some(url) = entry["url"].as_str().and_then(|url| Url::parse(url).ok()) {
            self.guard.check_resolved(&url).await?;
        }
        let mut video: Value = serde_json::from_str(&info.json).map_err(Failure::internal)?;
        video["subtitles"] = json!({ subtitles.offer.language.as_str(): [entry] });
        let info_path = folder.join(format!("{STEM}-info.json"));
        tokio::fs::write(&info_path, video.to_string()).await.map_err(|error| disk_failure(error, "write the metadata"))?;
        let arguments = args::subtitles(&self.config, &info_path, &folder, STEM, &subtitles.offer.language);
        let mut group = self.start(&arguments, &folder)?;
        let (_stdout, stderr) = pipes(&mut group)?;
        let stderr = stderr.await?;
        let succeeded = group.end().await?.success();
        let path = folder.join(format!("{STEM}.{}.{}", subtitles.offer.language, subtitles.kind));
        match tokio::fs::metadata(&path).await {
            Ok(metadata) if succeeded && metadata.len() <= MAX_BYTES => Ok(path),
            Ok(metadata) if succeeded => Err(Failure::from(Reason::TooLarge { size_bytes: Some(metadata.len()), limit_bytes: MAX_BYTES })),
            _ => Err(self.failure(&stderr)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_a_language_and_people_before_machines() {
        let file = |ext: &str| json!({ "ext": ext, "url": format!("https://a.org/{ext}") });
        let video = json!({
            "subtitles": {
                "en": [file("json3"), file("vtt"), file("srt")],
                "live_chat": [{ "ext": "json", "url": "https://a.org/chat", "protocol": "youtube_live_chat" }],
                "de": [{ "ext": "vtt", "url": "https://a.org/list.m3u8", "protocol": "m3u8_native" }],
                "fr": [file("ttml")],
                "../x": [file("vtt")],
                "es": [{ "ext": "srt", "data": "1\n" }],
            },
            "automatic_captions": { "en": [file("vtt")], "en-orig": [file("vtt")], "it": [] },
        });
        let mut found: Vec<_> = of(&video)
            .into_iter()
            .map(|one| (one.offer.language, one.offer.automatic, one.kind, one.file.map(|file| file.url.to_string())))
            .collect();
        found.sort();
        let expected = [
            ("de", false, "vtt", None),
            ("en", false, "srt", Some("https://a.org/srt")),
            ("en-orig", true, "vtt", Some("https://a.org/vtt")),
            ("es", false, "srt", None),
        ];
        assert_eq!(found, expected.map(|(language, automatic, kind, url)| (language.to_owned(), automatic, kind, url.map(str::to_owned))));
        assert!(of(&json!({ "subtitles": null })).is_empty());
        assert!(of(&json!({ "subtitles": { "en": "x", "de": [null, 5] } })).is_empty());
    }
}
