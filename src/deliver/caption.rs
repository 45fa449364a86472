//! The words under a delivered file.
//!
//! In: a title and the link it came from. Out: Telegram HTML. Must not: grow beyond what a bot may send.

use crate::i18n::format::{cut, escape};
use crate::model::{Job, Link, Piece};

/// UTF-16 units that a caption of a bot may have after its markup is read: <https://core.telegram.org/bots/api#copymessage>.
const MAX_UNITS: usize = 1024;
/// A longer address is left out: it would be nothing but parameters, and Telegram bounds the markup as well.
const MAX_ADDRESS_BYTES: usize = 2048;

/// The caption of a job's file, or of a piece of it.
pub fn for_job(job: &Job, piece: Option<Piece>) -> String {
    caption(job.title.as_deref(), piece, &job.link)
}

/// The title in bold, which piece it is, and where it came from. Empty if there is none of these.
fn caption(title: Option<&str>, piece: Option<Piece>, link: &Link) -> String {
    let host = cut(link.host(), 100);
    let source = anchor(link, &host);
    let number = piece.map(|piece| format!("{}/{}", piece.number, piece.of));
    let behind = number.as_ref().map_or(0, |number| number.len() + 3) + source.as_ref().map_or(0, |_| host.encode_utf16().count() + 1);
    let title = title.map(str::trim).filter(|title| !title.is_empty());
    let title = title.map(|title| format!("<b>{}</b>", escape(&cut(title, MAX_UNITS - behind))));
    let first_line = [title, number].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    [Some(first_line).filter(|line| !line.is_empty()), source].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// A link with a label as HTML. A file of this machine has no address that means something to others.
pub(super) fn anchor(link: &Link, label: &str) -> Option<String> {
    let usable = matches!(link.url().scheme(), "http" | "https") && link.as_str().len() <= MAX_ADDRESS_BYTES && !label.is_empty();
    usable.then(|| format!("<a href=\"{}\">{}</a>", escape(link.as_str()), escape(label)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(text: &str) -> Link {
        Link::parse(text).unwrap()
    }

    #[test]
    fn titles_are_escaped_and_the_source_is_named() {
        assert_eq!(
            caption(Some("Tom & <Jerry>"), None, &link("https://www.example.org/v?a=1&b=2")),
            "<b>Tom &amp; &lt;Jerry&gt;</b>\n<a href=\"https://www.example.org/v?a=1&amp;b=2\">example.org</a>"
        );
        assert_eq!(caption(Some("  "), None, &link("https://a.org/")), "<a href=\"https://a.org/\">a.org</a>");
        let file = Link::local_file(std::path::Path::new("/tmp/a.mp4")).unwrap();
        assert_eq!(caption(Some("a"), None, &file), "<b>a</b>");
        assert_eq!(caption(None, None, &file), "");
    }

    #[test]
    fn pieces_are_numbered() {
        let piece = Some(Piece { number: 2, of: 10 });
        assert_eq!(caption(Some("a"), piece, &link("https://a.org/")), "<b>a</b> · 2/10\n<a href=\"https://a.org/\">a.org</a>");
        let file = Link::local_file(std::path::Path::new("/tmp/a.mp4")).unwrap();
        assert_eq!(caption(None, piece, &file), "2/10");
        let units = caption(Some(&"x".repeat(2000)), piece, &file).replace("<b>", "").replace("</b>", "").encode_utf16().count();
        assert_eq!(units, 1024);
    }

    #[test]
    fn a_long_title_is_cut_to_what_fits() {
        let text = caption(Some(&"🦀".repeat(2000)), None, &link("https://a.org/"));
        let shown = text.replace("<b>", "").replace("</b>", "").replace("<a href=\"https://a.org/\">", "").replace("</a>", "");
        let units = shown.encode_utf16().count();
        assert!((1020..=1024).contains(&units), "{units}");
        assert!(shown.ends_with("…\na.org"));
        let far = link(&format!("https://a.org/{}", "x".repeat(4000)));
        assert_eq!(caption(Some("t"), None, &far), "<b>t</b>");
    }
}
