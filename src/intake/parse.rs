//! Finding links in a message.
//!
//! In: the text, and the links that Telegram has marked in it. Out: [`Found`]. Must not: open a link, or know teloxide.

use linkify::{LinkFinder, LinkKind};

use crate::model::{Link, LinkError};

/// What is in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The links, each once, in order: those that Telegram marked first, then others in the text.
    pub links: Vec<Link>,
    /// What looks like a link and can't be used, with why.
    pub rejected: Vec<(String, LinkError)>,
    /// Links beyond the limit, left out.
    pub over_limit: usize,
}

/// Finds the links of a message: `marked` are the addresses of Telegram's `url` and `text_link` entities. Only a marked link may come
/// without a scheme (`example.org/a.mp4`); in bare text that would turn every `etc.` and `file.txt` into a link.
pub fn find(text: &str, marked: &[String], max_links: usize) -> Found {
    let mut found = Found::default();
    for candidate in marked.iter().map(String::as_str).chain(bare(text)) {
        match Link::parse(candidate) {
            Ok(link) if found.links.contains(&link) => {}
            Ok(link) => found.links.push(link),
            Err(error) if found.rejected.iter().any(|(text, _)| text == candidate) => {
                tracing::trace!(%error, "the same broken link again");
            }
            Err(error) => found.rejected.push((candidate.to_owned(), error)),
        }
    }
    found.over_limit = found.links.len().saturating_sub(max_links);
    found.links.truncate(max_links);
    found
}

/// Addresses with a scheme in a text, in order, and words that begin like one and are none.
fn bare(text: &str) -> Vec<&str> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]).url_must_have_scheme(true);
    let mut spans: Vec<(usize, usize)> = finder.links(text).map(|link| (link.start(), link.end())).collect();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word =
            word.trim_matches(|c: char| matches!(c, '(' | ')' | '[' | ']' | '<' | '>' | '"' | '\'' | ',' | ';' | '!' | '*' | '_' | '`'));
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let end = start + word.len();
        let begins_like_one =
            ["http:", "https:"].iter().any(|scheme| word.get(..scheme.len()).is_some_and(|w| w.eq_ignore_ascii_case(scheme)));
        if begins_like_one && !spans.iter().any(|span| span.0 < end && start < span.1) {
            spans.push((start, end));
        }
    }
    spans.sort_unstable();
    spans.into_iter().map(|(start, end)| &text[start..end]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(found: &Found) -> Vec<&str> {
        found.links.iter().map(Link::as_str).collect()
    }

    #[test]
    fn links_are_found_as_people_send_them() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("", &[], &[]),
            ("hello, how are you? etc. file.txt example.org", &[], &[]),
            ("https://a.org/v.mp4", &[], &["https://a.org/v.mp4"]),
            ("look: https://a.org/v.mp4.", &[], &["https://a.org/v.mp4"]),
            ("(see https://a.org/v.mp4), and http://b.org!", &[], &["https://a.org/v.mp4", "http://b.org/"]),
            ("[film](https://a.org/v.mp4)", &[], &["https://a.org/v.mp4"]),
            ("https://en.wikipedia.org/wiki/Film_(disambiguation)", &[], &["https://en.wikipedia.org/wiki/Film_(disambiguation)"]),
            ("<https://a.org/v?x=1&y=2>", &[], &["https://a.org/v?x=1&y=2"]),
            ("**https://a.org/v**", &[], &["https://a.org/v"]),
            ("one https://a.org/1\ntwo https://a.org/2\none https://a.org/1", &[], &["https://a.org/1", "https://a.org/2"]),
            ("example.org/clip.mp4", &["example.org/clip.mp4"], &["https://example.org/clip.mp4"]),
            ("this film", &["https://a.org/hidden"], &["https://a.org/hidden"]),
            ("https://a.org/1 and that", &["https://a.org/1", "https://a.org/2"], &["https://a.org/1", "https://a.org/2"]),
            ("HTTPS://A.org/V", &["HTTPS://A.org/V"], &["https://a.org/V"]),
            ("https://a.org/v\u{7}x\u{0}y", &[], &["https://a.org/v"]),
            ("\u{202e}https://a.org/v", &[], &["https://a.org/v"]),
            ("смотри https://пример.рф/видео", &[], &["https://xn--e1afmkfd.xn--p1ai/%D0%B2%D0%B8%D0%B4%D0%B5%D0%BE"]),
            ("mail me: ann@example.org", &[], &[]),
        ];
        for (text, marked, expected) in table {
            let marked: Vec<String> = marked.iter().map(|link| (*link).to_owned()).collect();
            let found = find(text, &marked, 10);
            assert_eq!(links(&found), *expected, "{text:?}");
            assert_eq!((found.rejected.len(), found.over_limit), (0, 0), "{text:?} {found:?}");
        }
    }

    #[test]
    fn what_looks_like_a_link_and_is_none_is_named() {
        for (text, marked, expected) in [
            ("https://", "", LinkError::NoHost),
            ("see https:// now", "", LinkError::NoHost),
            ("http://a.org:99999/", "", LinkError::Malformed),
            ("ftp://a.org/x", "", LinkError::Scheme),
            ("ftp://a.org/x", "ftp://a.org/x", LinkError::Scheme),
            ("click", "tg://resolve?domain=x", LinkError::Scheme),
            ("https://[::1/", "", LinkError::Malformed),
        ] {
            let marked: Vec<String> = Some(marked.to_owned()).filter(|marked| !marked.is_empty()).into_iter().collect();
            let found = find(text, &marked, 10);
            assert!(found.links.is_empty(), "{text}: {found:?}");
            assert_eq!(found.rejected.iter().map(|(_, error)| *error).collect::<Vec<_>>(), [expected], "{text}");
        }
    }

    #[test]
    fn long_messages_and_many_links() {
        let long = "word ".repeat(819) + "https://a.org/end";
        assert_eq!(links(&find(&long, &[], 10)), ["https://a.org/end"]);
        let longest = format!("https://a.org/{}", "x".repeat(4082));
        assert_eq!(longest.len(), 4096);
        assert_eq!(find(&longest, &[], 10).links.len(), 1);
        assert_eq!(find(&"a".repeat(4096), &[], 10), Found::default());

        let fifty: String = (0..50).map(|number| format!("https://a.org/{number} ")).collect();
        let found = find(&fifty, &[], 10);
        assert_eq!((found.links.len(), found.over_limit), (10, 40));
        assert_eq!(found.links[9].as_str(), "https://a.org/9");
        let repeated = "https://a.org/1 ".repeat(50);
        assert_eq!((find(&repeated, &[], 10).links.len(), find(&repeated, &[], 10).over_limit), (1, 0));
    }
}
