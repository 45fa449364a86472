//! A caption in the Bot API's HTML as MTProto wants it: the text, and marks with their places in it.
//!
//! In: `<b>`, `<i>`, `<code>`, `<a href="…">` and escaped signs, as our captions have them. Out: text and entities, places in UTF-16 units
//! (<https://core.telegram.org/api/entities>). Must not: guess at tags that it does not know: they stay as they are written.

use grammers_tl_types::enums::MessageEntity;
use grammers_tl_types::types;

/// A mark that is not closed yet: its tag, where it began, the address of a link.
struct Open<'a> {
    tag: &'a str,
    offset: i32,
    url: Option<String>,
}

/// Reads a caption.
pub(super) fn read(html: &str) -> (String, Vec<MessageEntity>) {
    let (mut text, mut entities, mut open) = (String::new(), Vec::new(), Vec::<Open<'_>>::new());
    let mut rest = html;
    while let Some(begin) = rest.find('<') {
        text.push_str(&unescape(&rest[..begin]));
        let tag = rest[begin + 1..].split_once('>').filter(|(tag, _)| is_known(tag.trim_start_matches('/')));
        let Some((tag, behind)) = tag else {
            text.push('<');
            rest = &rest[begin + 1..];
            continue;
        };
        match tag.strip_prefix('/') {
            Some(closed) => {
                if let Some(place) = open.iter().rposition(|mark| mark.tag == closed) {
                    let mark = open.remove(place);
                    entities.extend(entity(mark, units(&text)));
                }
            }
            None => {
                let name = tag.split(' ').next().unwrap_or_default();
                let url = tag.split_once("href=\"").and_then(|(_, url)| url.strip_suffix('"')).map(unescape);
                open.push(Open { tag: name, offset: units(&text), url });
            }
        }
        rest = behind;
    }
    text.push_str(&unescape(rest));
    (text, entities)
}

fn entity(mark: Open<'_>, end: i32) -> Option<MessageEntity> {
    let (offset, length) = (mark.offset, end - mark.offset);
    if length == 0 {
        return None;
    }
    Some(match (mark.tag, mark.url) {
        ("b", _) => types::MessageEntityBold { offset, length }.into(),
        ("i", _) => types::MessageEntityItalic { offset, length }.into(),
        ("code", _) => types::MessageEntityCode { offset, length }.into(),
        (_, Some(url)) => types::MessageEntityTextUrl { offset, length, url }.into(),
        _ => return None,
    })
}

fn is_known(tag: &str) -> bool {
    matches!(tag, "b" | "i" | "code" | "a") || (tag.starts_with("a href=\"") && tag.ends_with('"'))
}

/// The four escapes of the Bot API: <https://core.telegram.org/bots/api#html-style>.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn units(text: &str) -> i32 {
    text.encode_utf16().count() as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::i18n::format::escape;

    proptest! {
        #[test]
        fn what_was_escaped_comes_back(text in "[ -~🦀üж]{0,40}|[<>&\"/ab =;]{0,30}") {
            let (bold, entities) = read(&format!("<b>{}</b>", escape(&text)));
            prop_assert_eq!(&bold, &text);
            prop_assert_eq!(entities.len(), usize::from(!text.is_empty()));
        }

        #[test]
        fn nothing_breaks_it_and_marks_lie_in_the_text(html in "(<b>|</b>|<a href=\"|\">|</a>|<i>|</i>|&amp;|&|<|>|🦀|x){0,12}") {
            let (text, entities) = read(&html);
            let units = text.encode_utf16().count() as i32;
            for entity in entities {
                prop_assert!(entity.offset() >= 0 && entity.length() > 0 && entity.offset() + entity.length() <= units);
            }
        }
    }

    #[test]
    fn marks_stand_where_they_stood() {
        let (text, entities) = read("<b>Tom &amp; &lt;🦀&gt;</b>\n<a href=\"https://a.org/?a=1&amp;b=2\">a.org</a>");
        assert_eq!(text, "Tom & <🦀>\na.org");
        let bold = types::MessageEntityBold { offset: 0, length: 10 };
        let link = types::MessageEntityTextUrl { offset: 11, length: 5, url: "https://a.org/?a=1&b=2".to_owned() };
        assert_eq!(entities, [bold.into(), link.into()]);
    }

    #[test]
    fn what_is_no_mark_stays() {
        for (html, expected) in
            [("", ""), ("a < b", "a < b"), ("<u>x</u>", "<u>x</u>"), ("<b></b>", ""), ("</b>x", "x"), ("&amp;lt;", "&lt;")]
        {
            let (text, entities) = read(html);
            assert_eq!((text.as_str(), entities.len()), (expected, 0), "{html}");
        }
    }
}
