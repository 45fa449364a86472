//! Names and MIME types of what comes out.
//!
//! In: the file name that came with the content. Out: the name people see. Must not: make paths of it.

use super::sniff::Sniffed;
use crate::model::Piece;

/// Longest file name, in bytes.
const MAX_BYTES: usize = 120;

/// The name with another extension: `clip.webm` becomes `clip.mp4`.
pub(crate) fn with_extension(file_name: &str, extension: &str) -> String {
    with_end(stem(file_name), &format!(".{extension}"))
}

/// The name of a piece: `film.mp4` becomes `film (2 of 3).mp4`.
pub(crate) fn of_piece(file_name: &str, piece: Piece) -> String {
    let stem = stem(file_name);
    let extension = file_name.strip_prefix(stem).unwrap_or_default().trim_start();
    with_end(stem, &format!(" ({} of {}){extension}", piece.number, piece.of))
}

/// The stem, cut to what is allowed, with what has to stand behind it.
fn with_end(mut stem: &str, end: &str) -> String {
    let longest = MAX_BYTES - end.len();
    if stem.len() > longest {
        let cut = (0..=longest).rev().find(|index| stem.is_char_boundary(*index)).unwrap_or(0);
        stem = stem[..cut].trim_end();
    }
    format!("{}{end}", if stem.is_empty() { "file" } else { stem })
}

/// The name without what looks like an extension.
pub(crate) fn stem(file_name: &str) -> &str {
    match file_name.rsplit_once('.') {
        Some((stem, extension)) if (1..=5).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            stem.trim_end()
        }
        _ => file_name.trim(),
    }
}

/// Name and MIME type of a picture by what it is, whatever it was called.
pub(crate) fn picture(file_name: &str, sniffed: Sniffed) -> (String, &'static str) {
    match sniffed {
        Sniffed::Png => (with_extension(file_name, "png"), "image/png"),
        _ => (with_extension(file_name, "jpg"), "image/jpeg"),
    }
}

/// MIME type of a file that is sent as it is.
pub(crate) fn document_mime(file_name: &str, said: Option<&str>) -> String {
    match said {
        Some(mime) if mime.contains('/') => mime.split(';').next().unwrap_or_default().trim().to_owned(),
        _ => mime_guess::from_path(file_name).first_or_octet_stream().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_exchanged() {
        let table = [
            ("clip.webm", "clip.mp4"),
            ("clip", "clip.mp4"),
            ("a.b.c.mkv", "a.b.c.mp4"),
            ("Ep. 5 - the end", "Ep. 5 - the end.mp4"),
            (".mkv", "file.mp4"),
            ("", "file.mp4"),
            ("песня.opus", "песня.mp4"),
        ];
        for (name, expected) in table {
            assert_eq!(with_extension(name, "mp4"), expected, "{name}");
        }
        let long = with_extension(&"ж".repeat(200), "mp4");
        assert!(long.len() <= MAX_BYTES && long.ends_with("ж.mp4"), "{long}");
    }

    #[test]
    fn pieces_are_numbered() {
        let piece = |name: &str| of_piece(name, Piece { number: 2, of: 10 });
        for (name, expected) in [("film.mp4", "film (2 of 10).mp4"), ("Ep. 5", "Ep. 5 (2 of 10)"), (".mp4", "file (2 of 10).mp4")] {
            assert_eq!(piece(name), expected, "{name}");
        }
        let long = piece(&format!("{}.mp4", "ж".repeat(200)));
        assert!(long.len() <= MAX_BYTES && long.ends_with("ж (2 of 10).mp4"), "{long}");
    }

    #[test]
    fn types_follow_the_content() {
        assert_eq!(picture("a.jpg", Sniffed::Png), ("a.png".to_owned(), "image/png"));
        assert_eq!(document_mime("a.zip", None), "application/zip");
        assert_eq!(document_mime("a", Some("text/plain; charset=utf-8")), "text/plain");
        assert_eq!(document_mime("a", Some("nonsense")), "application/octet-stream");
    }
}
