//! What the fuzz targets reach of this step.
//!
//! In: bytes as a web server or yt-dlp may send them. Out: nothing; panics if a promise is broken. Must not: be part of an ordinary build (`cfg(fuzzing)`,
//! set by cargo-fuzz).

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{http, names, ytdlp};

/// A server's answer: the first byte chooses the status, each line is the value of a header, in turns.
pub fn answer(data: &[u8]) {
    const NAMES: [HeaderName; 6] = [
        header::CONTENT_DISPOSITION,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::ETAG,
        header::LAST_MODIFIED,
    ];
    let (status, lines) = data.split_first().unwrap_or((&0, &[]));
    let values = lines.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    let headers: HeaderMap = NAMES.into_iter().zip(values).collect();
    let url = Url::parse("https://example.org/a/%2e%2e/film.mp4?x=1").expect("it is one");
    let answer = http::Answer::read(&url, 200 + u16::from(*status), &headers);
    is_clean(&answer.file_name());
    let _ = answer.refusal();
}

/// What yt-dlp prints: its metadata, lines of progress, its version, cookies.
pub fn yt_dlp(data: &[u8]) {
    ytdlp::fuzz(data);
}

/// A name that a stranger chose.
pub fn name(raw: &str) {
    let clean = names::clean(raw);
    is_clean(&clean);
    assert_eq!(names::clean(&clean), clean, "what is clean stays as it is");
    is_clean(&names::from_path(raw));
    let (title, extension) = raw.split_once('\n').unwrap_or((raw, "mp4"));
    is_clean(&names::from_title(title, extension));
}

fn is_clean(name: &str) {
    let bad = |character: char| character.is_control() || matches!(character, '/' | '\\' | ':' | '"' | '<' | '>' | '|' | '?' | '*');
    assert!(!name.is_empty() && name.len() <= names::MAX_NAME_BYTES && !name.contains(bad) && name != "." && name != "..", "{name:?}");
}
