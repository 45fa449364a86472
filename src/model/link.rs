//! A link that somebody sent, checked and normalised.
//!
//! In: text. Out: [`Link`], an absolute http(s) address without tracking parameters. Must not: open it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

/// Longest address that is accepted, in bytes. Browsers and CDNs agree on about 8 kB; a Telegram message holds 4096 characters.
const MAX_BYTES: usize = 8192;

/// Query parameters that name a campaign or the sharer and never the content.
const TRACKING: [&str; 12] =
    ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "fbclid", "gclid", "igsh", "igshid", "si", "feature"];

/// An absolute `http` or `https` address of something to fetch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Link(Url);

/// Why a text is no link that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It can't be read as an address at all.
    #[error("not an address")]
    Malformed,
    /// The scheme is something else than http or https.
    #[error("only http and https links can be fetched")]
    Scheme,
    /// There is no host in it.
    #[error("the link names no host")]
    NoHost,
    /// Longer than 8192 bytes.
    #[error("the link is too long")]
    TooLong,
}

impl Link {
    /// Reads a link. A missing scheme (`example.org/a.mp4`) is taken as https; tracking parameters and passwords in the address go.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.len() > MAX_BYTES {
            return Err(LinkError::TooLong);
        }
        let mut url = match Url::parse(text) {
            Ok(url) => url,
            Err(url::ParseError::RelativeUrlWithoutBase) => Url::parse(&format!("https://{text}")).map_err(|_| LinkError::Malformed)?,
            Err(url::ParseError::EmptyHost) => return Err(LinkError::NoHost),
            Err(_) => return Err(LinkError::Malformed),
        };
        // `example.org:8080/a` parses as scheme "example.org"; a dot in a scheme is legal but never meant.
        if url.scheme().contains('.') || url.scheme() == "localhost" {
            url = Url::parse(&format!("https://{text}")).map_err(|_| LinkError::Malformed)?;
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(LinkError::Scheme);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(LinkError::NoHost);
        }
        strip_tracking(&mut url);
        url.set_fragment(None);
        // Who has a host can have no name refused.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        Ok(Self(url))
    }

    /// A file on this machine, as the command line sends it. People at Telegram can't make one: [`Link::parse`] refuses the scheme.
    pub fn local_file(path: &Path) -> Result<Self, LinkError> {
        Url::from_file_path(path).map(Self).map_err(|()| LinkError::Malformed)
    }

    /// The file that [`Link::local_file`] named.
    pub fn local_path(&self) -> Option<PathBuf> {
        if self.0.scheme() == "file" { self.0.to_file_path().ok() } else { None }
    }

    /// Reads back what [`Link::as_str`] gave to the store; it was checked when it came in.
    pub fn from_stored(text: &str) -> Result<Self, LinkError> {
        Url::parse(text).map(Self).map_err(|_| LinkError::Malformed)
    }

    /// The address as a text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The parsed address.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The host without `www.`, for showing where something comes from.
    pub fn host(&self) -> &str {
        let host = self.0.host_str().unwrap_or_default();
        host.strip_prefix("www.").filter(|rest| !rest.is_empty()).unwrap_or(host)
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl TryFrom<String> for Link {
    type Error = LinkError;
    fn try_from(text: String) -> Result<Self, LinkError> {
        Self::parse(&text)
    }
}

impl From<Link> for String {
    fn from(link: Link) -> Self {
        link.0.into()
    }
}

fn strip_tracking(url: &mut Url) {
    if !url.query_pairs().any(|(key, _)| TRACKING.contains(&key.as_ref())) {
        return; // Re-encoding could change a signed address, so an address without them is left to the letter.
    }
    let kept: Vec<(String, String)> =
        url.query_pairs().filter(|(key, _)| !TRACKING.contains(&key.as_ref())).map(|(key, value)| (key.into(), value.into())).collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_as_people_write_them() {
        let table = [
            ("https://example.org/a.mp4", Ok("https://example.org/a.mp4")),
            ("  HTTP://Example.org/a b.mp4 ", Ok("http://example.org/a%20b.mp4")),
            ("example.org/clip.mp4", Ok("https://example.org/clip.mp4")),
            ("example.org:8080/clip.mp4", Ok("https://example.org:8080/clip.mp4")),
            ("https://youtu.be/abc?si=xyz&t=4", Ok("https://youtu.be/abc?t=4")),
            ("https://a.org/?sig=a%2Fb", Ok("https://a.org/?sig=a%2Fb")),
            ("https://a.org/v?utm_source=x#top", Ok("https://a.org/v")),
            ("https://me:secret@example.org/a", Ok("https://example.org/a")),
            ("ftp://example.org/a", Err(LinkError::Scheme)),
            ("javascript:alert(1)", Err(LinkError::Scheme)),
            ("https://", Err(LinkError::NoHost)),
            ("https://exa mple.org/", Err(LinkError::Malformed)),
        ];
        for (text, expected) in table {
            assert_eq!(Link::parse(text).as_ref().map(Link::as_str), expected.as_ref().copied(), "{text}");
        }
        for (text, host) in [("https://www.a.org/", "a.org"), ("https://www./", "www.")] {
            assert_eq!(Link::parse(text).unwrap().host(), host);
        }
        assert_eq!(Link::parse(&format!("https://a.org/{}", "x".repeat(9000))), Err(LinkError::TooLong));
    }
}
