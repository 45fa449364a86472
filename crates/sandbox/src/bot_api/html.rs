//! `parse_mode=HTML` (<https://core.telegram.org/bots/api#html-style>).
//!
//! In: a text with tags. Out: the text without them, and marks; or what is wrong, in the words of TDLib's `MessageEntity.cpp` (`parse_html`), whose rules these
//! are; `tg-time` is not among them. It must not find links by itself.

use super::text::{Formatted, checked_link};
use crate::world::Entity;

struct Open {
    tag: String,
    argument: Option<String>,
    offset: usize,
    text_at: usize,
}

/// Reads a text. Offsets in errors are bytes, as at Telegram.
pub(super) fn parse(source: &str) -> Result<Formatted, String> {
    let mut out = Formatted::default();
    let mut open: Vec<Open> = Vec::new();
    let mut offset = 0;
    let mut at = 0;
    while let Some(letter) = source[at..].chars().next() {
        match letter {
            '&' => {
                let (decoded, length) = decode(&source[at..]);
                offset += decoded.len_utf16();
                out.text.push(decoded);
                at += length;
            }
            '<' if source[at..].starts_with("</") => {
                let inner = &source[at + 2..];
                let (name, behind) =
                    inner.split_at(inner.find(|letter: char| letter.is_ascii_whitespace() || letter == '>').unwrap_or(inner.len()));
                let behind = behind.trim_ascii_start().strip_prefix('>');
                close(&mut out, &mut open, (&name.to_ascii_lowercase(), behind.is_some()), offset, at)?;
                at = source.len() - behind.map_or(0, str::len);
            }
            '<' => {
                let (tag, argument, length) = start_tag(&source[at..], at)?;
                open.push(Open { tag, argument, offset, text_at: out.text.len() });
                at += length;
            }
            letter => {
                offset += letter.len_utf16();
                out.text.push(letter);
                at += letter.len_utf8();
            }
        }
    }
    if let Some(left) = open.last() {
        return Err(format!("Can't find end tag corresponding to start tag \"{}\"", left.tag));
    }
    // A language is that of a block; one of plain code is only there until it is known whether it stands in one.
    for entity in out.entities.iter_mut().filter(|entity| entity.kind == "code") {
        entity.language = None;
    }
    out.entities.sort_by(|a, b| a.offset.cmp(&b.offset).then(b.length.cmp(&a.length)));
    Ok(out)
}

fn close(out: &mut Formatted, open: &mut Vec<Open>, (name, is_closed): (&str, bool), offset: usize, at: usize) -> Result<(), String> {
    let Some(last) = open.pop() else {
        return Err(format!("Unexpected end tag at byte offset {at}"));
    };
    if !is_closed {
        return Err(format!("Unclosed end tag at byte offset {at}"));
    }
    if !name.is_empty() && name != last.tag {
        return Err(format!("Unmatched end tag at byte offset {at}, expected \"</{}>\", found \"</{name}>\"", last.tag));
    }
    let length = offset - last.offset;
    if length == 0 {
        return Ok(());
    }
    let kind = match last.tag.as_str() {
        "b" | "strong" => "bold",
        "i" | "em" => "italic",
        "u" | "ins" => "underline",
        "s" | "strike" | "del" => "strikethrough",
        "span" | "tg-spoiler" => "spoiler",
        "a" => "text_link",
        "tg-emoji" => "custom_emoji",
        "blockquote" if last.argument.is_some() => "expandable_blockquote",
        other => other,
    };
    let mut entity = Entity::new(kind, last.offset, length);
    match kind {
        "text_link" => {
            let target = last.argument.filter(|target| !target.is_empty()).unwrap_or_else(|| out.text[last.text_at..].to_owned());
            // A link that leads nowhere is plain text.
            let Some(target) = checked_link(&target) else { return Ok(()) };
            entity.url = Some(target);
        }
        "custom_emoji" => {
            let id = last.argument.filter(|id| id.parse::<i64>().is_ok_and(|id| id != 0));
            entity.custom_emoji_id = Some(id.ok_or("Invalid custom emoji identifier specified")?);
        }
        // `<pre><code class="language-x">` is one mark with a language, whichever stands inside.
        "code" | "pre" => {
            let other = if kind == "code" { "pre" } else { "code" };
            entity.language = last.argument;
            let says_language = |inner: &Entity| entity.language.is_some() || inner.language.is_some();
            let inner = out
                .entities
                .pop_if(|inner| inner.kind == other && (inner.offset, inner.length) == (entity.offset, length) && says_language(inner));
            if let Some(inner) = inner {
                entity = Entity { language: entity.language.or(inner.language), ..Entity::new("pre", inner.offset, length) };
            }
        }
        _ => {}
    }
    out.entities.push(entity);
    Ok(())
}

/// The tag, its one argument that counts, and the bytes it takes.
fn start_tag(rest: &str, at: usize) -> Result<(String, Option<String>, usize), String> {
    let unclosed = || format!("Unclosed start tag at byte offset {at}");
    let name_end = rest.find(|letter: char| letter.is_ascii_whitespace() || letter == '>').ok_or_else(unclosed)?;
    let tag = rest[1..name_end].to_ascii_lowercase();
    const TAGS: [&str; 16] =
        ["a", "b", "strong", "i", "em", "s", "strike", "del", "u", "ins", "tg-spoiler", "tg-emoji", "span", "pre", "code", "blockquote"];
    if !TAGS.contains(&tag.as_str()) {
        return Err(format!("Unsupported start tag \"{tag}\" at byte offset {at}"));
    }
    let unclosed_tag = || format!("Unclosed start tag \"{tag}\" at byte offset {at}");
    let mut argument = None;
    let mut left = &rest[name_end..];
    loop {
        left = left.trim_ascii_start();
        if let Some(behind) = left.strip_prefix('>') {
            left = behind;
            break;
        }
        let ends_name = |letter: char| letter.is_ascii_whitespace() || matches!(letter, '=' | '>' | '/' | '"' | '\'');
        let (name, behind) = left.split_at(left.find(ends_name).unwrap_or(left.len()));
        if name.is_empty() {
            return Err(format!("Empty attribute name in the tag \"{tag}\" at byte offset {at}"));
        }
        let behind = behind.trim_ascii_start();
        let Some(value) = behind.strip_prefix('=') else {
            if behind.is_empty() {
                return Err(unclosed_tag());
            }
            if name == "expandable" && tag == "blockquote" {
                argument = Some(String::new());
            }
            // What has no value says nothing, and is passed over.
            left = behind;
            continue;
        };
        let value = value.trim_ascii_start();
        if value.is_empty() {
            return Err(unclosed_tag());
        }
        let value_at = at + rest.len() - value.len();
        let (text, behind) = attribute_value(value, value_at)?;
        if behind.is_empty() {
            return Err(unclosed());
        }
        left = behind;
        match (tag.as_str(), name) {
            ("a", "href") | ("tg-emoji", "emoji-id") => argument = Some(text),
            ("code", "class") => argument = text.strip_prefix("language-").map(str::to_owned).or(argument),
            ("span", "class") => argument = text.strip_prefix("tg-").map(str::to_owned).or(argument),
            ("blockquote", "expandable") => argument = Some(String::new()),
            _ => {}
        }
    }
    if tag == "span" && argument.as_deref() != Some("spoiler") {
        return Err(format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {at}"));
    }
    Ok((tag, argument, rest.len() - left.len()))
}

/// The value at the beginning of a text that stands at `at`, and what is behind it. Only letters, digits, points and hyphens need no quotes.
fn attribute_value(value: &str, at: usize) -> Result<(String, &str), String> {
    if let Some(quote @ ('"' | '\'')) = value.chars().next() {
        let inner = &value[1..];
        return Ok(match inner.split_once(quote) {
            Some((text, behind)) => (decode_all(text), behind),
            None => (decode_all(inner), ""),
        });
    }
    let token_ends = |letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '.' | '-');
    let (token, behind) = value.split_at(value.find(token_ends).unwrap_or(value.len()));
    match behind.starts_with(|letter: char| letter.is_ascii_whitespace() || letter == '>') {
        true => Ok((token.to_ascii_lowercase(), behind)),
        false => Err(format!("Unexpected end of name token at byte offset {at}")),
    }
}

fn decode_all(text: &str) -> String {
    let mut decoded = String::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let (letter, length) = if letter == '&' { decode(&text[at..]) } else { (letter, letter.len_utf8()) };
        decoded.push(letter);
        at += length;
    }
    decoded
}

/// What stands at the beginning, which is a `&`, and its bytes; the semicolon may be missing. What is no entity stays as it is.
fn decode(text: &str) -> (char, usize) {
    let plain = ('&', 1);
    let (number, digits_at) = match (text.strip_prefix("&#x"), text.strip_prefix("&#")) {
        (Some(hex), _) => (Some((hex, 16)), 3),
        (None, Some(digits)) => (Some((digits, 10)), 2),
        (None, None) => (None, 1),
    };
    let (letter, end) = match number {
        Some((digits, radix)) => {
            let length = digits.find(|digit: char| !digit.is_digit(radix)).unwrap_or(digits.len());
            let end = digits_at + length;
            let number = u32::from_str_radix(&digits[..length], radix).ok().filter(|number| *number > 0 && end < 10);
            (number.and_then(char::from_u32), end)
        }
        None => {
            let length = text[1..].find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(text.len() - 1);
            let letter = match &text[1..=length] {
                "lt" => Some('<'),
                "gt" => Some('>'),
                "amp" => Some('&'),
                "quot" => Some('"'),
                _ => None,
            };
            (letter, 1 + length)
        }
    };
    let end = end + usize::from(text[end..].starts_with(';'));
    letter.map_or(plain, |letter| (letter, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_marks() {
        let parsed =
            parse("<b>Tom &amp; <i>J</i></b> 😀<a href=\"http://a.example/?x=1&amp;y=2\">l</a> <code>x&lt;y</code>").expect("reads");
        assert_eq!(parsed.text, "Tom & J 😀l x<y");
        let link = Entity { url: Some("http://a.example/?x=1&y=2".to_owned()), ..Entity::new("text_link", 10, 1) };
        assert_eq!(parsed.entities, [Entity::new("bold", 0, 7), Entity::new("italic", 6, 1), link, Entity::new("code", 12, 3)]);
        let parsed = parse("<pre><code class=\"language-rust\">let</code></pre>").expect("reads");
        assert_eq!(parsed.entities, [Entity { language: Some("rust".to_owned()), ..Entity::new("pre", 0, 3) }]);
        let parsed = parse("<blockquote expandable>q</blockquote><span class='tg-spoiler'>s</span>").expect("reads");
        assert_eq!(parsed.entities, [Entity::new("expandable_blockquote", 0, 1), Entity::new("spoiler", 1, 1)]);
        assert_eq!(parse("a & b &nope; &#65; &lt3 &#x42").expect("reads").text, "a & b &nope; A <3 B");
        let parsed = parse("<code class='language-rust'><pre>let</pre></code> <code class='language-c'>x</code>").expect("reads");
        let rust = Entity { language: Some("rust".to_owned()), ..Entity::new("pre", 0, 3) };
        assert_eq!(parsed.entities, [rust, Entity::new("code", 4, 1)], "plain code has no language");
        let parsed = parse("<b hidden class=x>b</b >").expect("what says nothing is passed over");
        assert_eq!((parsed.text.as_str(), parsed.entities.as_slice()), ("b", [Entity::new("bold", 0, 1)].as_slice()));
    }

    #[test]
    fn bad_markup_is_refused_in_telegrams_words() {
        let cases = [
            ("<b>x", "Can't find end tag corresponding to start tag \"b\""),
            ("x</b>", "Unexpected end tag at byte offset 1"),
            ("<b>x</i>", "Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\""),
            ("a <3 b>", "Unsupported start tag \"3\" at byte offset 2"),
            ("a <br>", "Unsupported start tag \"br\" at byte offset 2"),
            ("a <b", "Unclosed start tag at byte offset 2"),
            ("<b>x</b", "Unclosed end tag at byte offset 4"),
            ("<b/>", "Unsupported start tag \"b/\" at byte offset 0"),
            ("<a href=http://a.example>x</a>", "Unexpected end of name token at byte offset 8"),
            ("<a href='x'/>y</a>", "Empty attribute name in the tag \"a\" at byte offset 0"),
            ("<a href='x", "Unclosed start tag at byte offset 0"),
            ("<a href=", "Unclosed start tag \"a\" at byte offset 0"),
            ("<span>x</span>", "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text).expect_err(text), wanted, "{text}");
        }
    }
}
