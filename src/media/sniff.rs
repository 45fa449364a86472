//! What the first bytes of a file say it is, before FFmpeg is asked.
//!
//! In: the first bytes, the name and MIME type that came with them. Out: [`Sniffed`], [`Claim`]. Must not: open files, or trust the name
//! more than the bytes.

/// How many bytes [`sniff`] wants to see.
pub(crate) const SNIFF_BYTES: usize = 4096;

/// What a file begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// There are no bytes.
    Empty,
    /// A web page.
    WebPage,
    /// A JPEG picture.
    Jpeg,
    /// A PNG picture that does not move.
    Png,
    /// Something that is no media for sure: an archive, a PDF, a program.
    NoMedia,
    /// Anything else; FFmpeg may know.
    Unknown,
}

/// What a file's name and MIME type say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A video or a sound.
    Media,
    /// Something else, or nothing said.
    Other,
}

/// Looks at the first bytes of a file; give [`SNIFF_BYTES`] of them if there are so many.
pub(crate) fn sniff(start: &[u8]) -> Sniffed {
    const NO_MEDIA: [&[u8]; 10] = [
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"%PDF-",
        b"\x1f\x8b",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07",
        b"\x7fELF",
        b"\xfd7zXZ\0",
        b"BZh",
        b"\x28\xb5\x2f\xfd",
    ];
    if start.is_empty() {
        Sniffed::Empty
    } else if start.starts_with(b"\xff\xd8\xff") {
        Sniffed::Jpeg
    } else if start.starts_with(b"\x89PNG\r\n\x1a\n") {
        // APNG says so in a chunk before the picture: https://www.w3.org/TR/png-3/#acTL-chunk
        let animated = start.windows(4).any(|window| window == b"acTL");
        if animated { Sniffed::Unknown } else { Sniffed::Png }
    } else if NO_MEDIA.iter().any(|magic| start.starts_with(magic)) {
        Sniffed::NoMedia
    } else if is_web_page(start) {
        Sniffed::WebPage
    } else {
        Sniffed::Unknown
    }
}

/// What the name and the MIME type promise. A MIME type that says nothing (`application/octet-stream`) leaves it to the name.
pub(crate) fn claim(file_name: &str, mime: Option<&str>) -> Claim {
    let is_media = |mime: &str| {
        let mime = mime.trim().to_ascii_lowercase();
        mime.starts_with("video/") || mime.starts_with("audio/")
    };
    if mime.is_some_and(is_media) || mime_guess::from_path(file_name).iter_raw().any(is_media) { Claim::Media } else { Claim::Other }
}

/// The signatures of <https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type>, as far as they mean HTML.
fn is_web_page(start: &[u8]) -> bool {
    const TAGS: [&str; 16] = [
        "<!doctype html",
        "<html",
        "<head",
        "<script",
        "<iframe",
        "<h1",
        "<div",
        "<font",
        "<table",
        "<a",
        "<style",
        "<title",
        "<body",
        "<br",
        "<p",
        "<meta",
    ];
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = String::from_utf8_lossy(&start[..start.len().min(SNIFF_BYTES)]).to_ascii_lowercase();
    let mut rest = text.trim_start();
    loop {
        // Comments and an XML declaration may stand before the first tag.
        let skipped = if rest.starts_with("<!--") {
            rest.find("-->").map(|end| end + 3)
        } else if rest.starts_with("<?xml") {
            rest.find("?>").map(|end| end + 2)
        } else {
            None
        };
        match skipped {
            Some(end) => rest = rest[end..].trim_start(),
            None => break,
        }
    }
    TAGS.iter()
        .any(|tag| rest.strip_prefix(tag).is_some_and(|after| after.is_empty() || after.starts_with([' ', '>', '\n', '\r', '\t', '/'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_say_what_a_file_is() {
        let table: [(&[u8], Sniffed); 13] = [
            (b"", Sniffed::Empty),
            (b"<!DOCTYPE html><html>", Sniffed::WebPage),
            (b"\xef\xbb\xbf \r\n<HTML lang=en>", Sniffed::WebPage),
            (b"<!-- log in --> <body>", Sniffed::WebPage),
            (b"<?xml version='1.0'?><!doctype html>", Sniffed::WebPage),
            (b"<svg xmlns='x'></svg>", Sniffed::Unknown),
            (b"<parameter>", Sniffed::Unknown),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Sniffed::Jpeg),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Sniffed::Png),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDRxxxxacTL", Sniffed::Unknown),
            (b"PK\x03\x04rest", Sniffed::NoMedia),
            (b"%PDF-1.7", Sniffed::NoMedia),
            (b"\0\0\0\x20ftypisom", Sniffed::Unknown),
        ];
        for (bytes, expected) in table {
            assert_eq!(sniff(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn names_and_types_make_claims() {
        let table = [
            ("a.mp4", None, Claim::Media),
            ("a.mp4", Some("application/octet-stream"), Claim::Media),
            ("a", Some("Video/MP4"), Claim::Media),
            ("a.flac", None, Claim::Media),
            ("a.zip", Some("application/zip"), Claim::Other),
            ("a", None, Claim::Other),
            ("a.jpg", None, Claim::Other),
        ];
        for (name, mime, expected) in table {
            assert_eq!(claim(name, mime), expected, "{name} {mime:?}");
        }
    }
}
