//! What a server says of a file before its bytes.
//!
//! In: status and headers. Out: [`Answer`], plain values. Must not: read the body.

use reqwest::header::{self, HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};
use url::Url;

use super::disposition;
use crate::fetch::names;
use crate::model::Reason;

/// The head of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Where the redirects ended.
    pub(crate) url: Url,
    /// HTTP status.
    pub(crate) status: u16,
    /// MIME type in lower case without parameters, if said.
    pub(crate) mime: Option<String>,
    /// `Content-Length`: bytes of this body.
    pub(crate) body_bytes: Option<u64>,
    /// `Content-Range`, if it is there and makes sense.
    pub(crate) range: Option<ContentRange>,
    /// What tells this content from a later one.
    pub(crate) validator: Validator,
    /// Name by `Content-Disposition`, not cleaned.
    pub(crate) suggested_name: Option<String>,
    /// True if the body is packed although that was not asked for.
    pub(crate) packed: bool,
}

/// `Content-Range: bytes 3-9/10`, or `bytes */10` with no start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// Offset of the first byte of the body.
    pub(crate) start: Option<u64>,
    /// Size of the whole, if the server knows.
    pub(crate) total: Option<u64>,
}

/// What a server calls this version of the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validator {
    /// `ETag`, as sent.
    pub(crate) etag: Option<String>,
    /// `Last-Modified`, as sent.
    pub(crate) last_modified: Option<String>,
}

impl Answer {
    /// Reads the head of an answer that came from `url`.
    pub(crate) fn read(url: &Url, status: u16, headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let mime = text(header::CONTENT_TYPE).map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        Self {
            url: url.clone(),
            status,
            mime: mime.filter(|mime| mime.contains('/')),
            body_bytes: text(header::CONTENT_LENGTH).and_then(|value| value.parse().ok()),
            range: text(header::CONTENT_RANGE).and_then(ContentRange::parse),
            validator: Validator {
                etag: text(header::ETAG).map(str::to_owned),
                last_modified: text(header::LAST_MODIFIED).map(str::to_owned),
            },
            suggested_name: headers.get(header::CONTENT_DISPOSITION).and_then(|value| disposition::file_name(value.as_bytes())),
            packed: text(header::CONTENT_ENCODING).is_some_and(|value| !value.is_empty() && !value.eq_ignore_ascii_case("identity")),
        }
    }

    /// Offset of the first byte of the body in the whole.
    pub(crate) fn start(&self) -> u64 {
        match self.status {
            206 => self.range.and_then(|range| range.start).unwrap_or(0),
            _ => 0,
        }
    }

    /// Size of the whole, if it is said.
    pub(crate) fn total_bytes(&self) -> Option<u64> {
        match self.status {
            206 => self.range.and_then(|range| range.total).or_else(|| Some(self.start() + self.body_bytes?)),
            _ => self.body_bytes,
        }
    }

    /// A clean file name with an extension: by header, else by address, else by type.
    pub(crate) fn file_name(&self) -> String {
        let of_address = || {
            let part = self.url.path_segments()?.rfind(|part| !part.is_empty())?;
            Some(percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned())
        };
        let name = names::from_path(&self.suggested_name.clone().or_else(of_address).unwrap_or_default());
        match (names::extension(&name), self.mime.as_deref().and_then(extension_of_mime)) {
            (None, Some(extension)) => names::from_title(&name, extension),
            _ => name,
        }
    }

    /// Why nothing can be fetched, if the status says so.
    pub(crate) fn refusal(&self) -> Option<Reason> {
        match self.status {
            200..=299 => None,
            300..=399 => Some(Reason::Unsupported), // a redirect that is not followed: to another scheme, or to nowhere
            404 | 410 => Some(Reason::NotFound),
            451 => Some(Reason::GeoBlocked), // unavailable for legal reasons, which are a country's
            status => Some(Reason::HttpStatus { status }),
        }
    }
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes")?.trim().split_once('/')?;
        let start = range.split_once('-').and_then(|(start, _)| start.trim().parse().ok());
        (start.is_some() || range.trim() == "*").then(|| Self { start, total: total.trim().parse().ok() })
    }
}

impl Validator {
    /// What to send as `If-Range`: a strong ETag, else the date; a weak ETag is not allowed there
    /// (<https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5>).
    pub(crate) fn if_range(&self) -> Option<&str> {
        self.strong_etag().or(self.last_modified.as_deref())
    }

    /// The ETag if it vouches for every byte.
    pub(crate) fn strong_etag(&self) -> Option<&str> {
        self.etag.as_deref().filter(|etag| !etag.starts_with("W/"))
    }

    /// True unless the two name different versions.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        agree(&self.etag, &other.etag) && agree(&self.last_modified, &other.last_modified)
    }
}

/// The usual extension of a type; `mime_guess` sorts its lists by letter and would call an MP4 `m4v`, a JPEG `jfif`.
fn extension_of_mime(mime: &str) -> Option<&'static str> {
    Some(match mime {
        "video/mp4" => "mp4",
        "video/quicktime" => "mov",
        "video/x-matroska" => "mkv",
        "video/mpeg" => "mpg",
        "video/mp2t" => "ts",
        "audio/mpeg" => "mp3",
        "audio/mp4" | "audio/x-m4a" => "m4a",
        "audio/ogg" => "ogg",
        "image/jpeg" => "jpg",
        "text/plain" => "txt",
        "application/octet-stream" | "binary/octet-stream" => return None,
        mime => mime_guess::get_mime_extensions_str(mime)?.first()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers = &'static [(&'static str, &'static str)];

    fn answer(address: &str, status: u16, headers: Headers) -> Answer {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
        Answer::read(&Url::parse(address).unwrap(), status, &headers)
    }

    #[test]
    fn sizes_and_offsets() {
        let table: [(u16, Headers, u64, Option<u64>); 8] = [
            (200, &[("content-length", "10")], 0, Some(10)),
            (200, &[], 0, None),
            (206, &[("content-range", "bytes 0-9/10"), ("content-length", "10")], 0, Some(10)),
            (206, &[("content-range", "bytes 4-9/10"), ("content-length", "6")], 4, Some(10)),
            (206, &[("content-range", "bytes 4-9/*"), ("content-length", "6")], 4, Some(10)),
            (206, &[("content-range", "nonsense")], 0, None),
            (416, &[("content-range", "bytes */10")], 0, None),
            (200, &[("content-length", "-3")], 0, None),
        ];
        for (status, headers, start, total) in table {
            let answer = answer("http://a.org/", status, headers);
            assert_eq!((answer.start(), answer.total_bytes()), (start, total), "{status} {headers:?}");
        }
        assert_eq!(ContentRange::parse("bytes */7"), Some(ContentRange { start: None, total: Some(7) }));
    }

    #[test]
    fn names_come_from_header_address_or_type() {
        let table: [(&str, Headers, &str); 8] = [
            ("http://a.org/v/clip.mp4?x=1", &[], "clip.mp4"),
            ("http://a.org/dl?id=3", &[("content-disposition", "attachment; filename=\"../my clip.mkv\"")], "my clip.mkv"),
            ("http://a.org/my%20film%2Fa.mp4", &[], "a.mp4"),
            ("http://a.org/watch", &[("content-type", "video/mp4")], "watch.mp4"),
            ("http://a.org/", &[("content-type", "audio/mpeg; charset=x")], "file.mp3"),
            ("http://a.org/photo", &[("content-type", "image/jpeg")], "photo.jpg"),
            ("http://a.org/blob", &[("content-type", "application/octet-stream")], "blob"),
            ("http://a.org/%D0%BA%D0%B8%D0%BD%D0%BE.mp4", &[], "кино.mp4"),
        ];
        for (address, headers, expected) in table {
            assert_eq!(answer(address, 200, headers).file_name(), expected, "{address}");
        }
    }

    #[test]
    fn statuses_have_reasons() {
        let table = [
            (200, None),
            (206, None),
            (404, Some(Reason::NotFound)),
            (410, Some(Reason::NotFound)),
            (401, Some(Reason::HttpStatus { status: 401 })),
            (403, Some(Reason::HttpStatus { status: 403 })),
            (451, Some(Reason::GeoBlocked)),
            (503, Some(Reason::HttpStatus { status: 503 })),
            (302, Some(Reason::Unsupported)),
        ];
        for (status, expected) in table {
            assert_eq!(answer("http://a.org/", status, &[]).refusal(), expected, "{status}");
        }
    }

    #[test]
    fn only_strong_validators_are_sent() {
        let validator =
            |etag: Option<&str>, date: Option<&str>| Validator { etag: etag.map(Into::into), last_modified: date.map(Into::into) };
        assert_eq!(validator(Some("\"a\""), Some("d")).if_range(), Some("\"a\""));
        assert_eq!(validator(Some("W/\"a\""), Some("d")).if_range(), Some("d"));
        assert_eq!(validator(Some("W/\"a\""), None).if_range(), None);
        assert!(validator(Some("\"a\""), None).agrees_with(&validator(None, Some("d"))));
        assert!(!validator(Some("\"a\""), Some("d")).agrees_with(&validator(Some("\"b\""), Some("d"))));
    }
}
