//! `parse_mode=HTML` (<https://core.telegram.org/bots/api#html-style>).
//!
//! In: a text with tags. Out: the text without them, and marks; or what is wrong, in the words of TDLib's parser. It must not find links by itself.

use super::text::Formatted;
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
                let end = source[at..].find('>').ok_or_else(|| format!("Unclosed end tag at byte offset {at}"))?;
                let name = source[at + 2..at + end].trim().to_ascii_lowercase();
                close(&mut out, &mut open, &name, offset, at)?;
                at += end + 1;
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
    out.entities.sort_by(|a, b| a.offset.cmp(&b.offset).then(b.length.cmp(&a.length)));
    Ok(out)
}

fn close(out: &mut Formatted, open: &mut Vec<Open>, name: &str, offset: usize, at: usize) -> Result<(), String> {
    let Some(last) = open.pop() else {
        return Err(format!("Unexpected end tag at byte offset {at}"));
    };
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
            let target = last.argument.unwrap_or_else(|| out.text[last.text_at..].to_owned());
            // A link that leads nowhere is plain text.
            let Some(target) = checked_link(&target) else { return Ok(()) };
            entity.url = Some(target);
        }
        "custom_emoji" => {
            let id = last.argument.filter(|id| id.parse::<i64>().is_ok_and(|id| id != 0));
            entity.custom_emoji_id = Some(id.ok_or("Invalid custom emoji identifier specified")?);
        }
        "code" => entity.language = last.argument,
        "pre" => {
            // `<pre><code class="language-x">` is one mark with a language.
            let inner = out.entities.pop_if(|inner| inner.kind == "code" && inner.offset == entity.offset && inner.length == length);
            entity.language = inner.and_then(|inner| inner.language);
        }
        _ => {}
    }
    out.entities.push(entity);
    Ok(())
}

/// The tag, its one argument that counts, and the bytes it takes.
fn start_tag(rest: &str, at: usize) -> Result<(String, Option<String>, usize), String> {
    let unclosed = || format!("Unclosed start tag at byte offset {at}");
    let name_end = rest.find(|letter: char| letter.is_whitespace() || letter == '>').ok_or_else(unclosed)?;
    let tag = rest[1..name_end].to_ascii_lowercase();
    const TAGS: [&str; 16] =
        ["a", "b", "strong", "i", "em", "s", "strike", "del", "u", "ins", "tg-spoiler", "tg-emoji", "span", "pre", "code", "blockquote"];
    if !TAGS.contains(&tag.as_str()) {
        return Err(format!("Unsupported start tag \"{tag}\" at byte offset {at}"));
    }
    let mut argument = None;
    let mut position = name_end;
    loop {
        position += rest[position..].len() - rest[position..].trim_start().len();
        let left = &rest[position..];
        if left.starts_with('>') {
            position += 1;
            break;
        }
        let name_length = left.find(|letter: char| letter.is_whitespace() || matches!(letter, '=' | '>')).ok_or_else(unclosed)?;
        let name = left[..name_length].to_ascii_lowercase();
        if name.is_empty() {
            return Err(format!("Empty attribute name in the tag \"{tag}\" at byte offset {at}"));
        }
        position += name_length;
        let left = rest[position..].trim_start();
        let Some(value) = left.strip_prefix('=') else {
            if name == "expandable" && tag == "blockquote" {
                argument = Some(String::new());
                continue;
            }
            return Err(format!("Expected equal sign in declaration of an attribute of the tag \"{tag}\" at byte offset {at}"));
        };
        let value = value.trim_start();
        position = rest.len() - value.len();
        let (text, taken) = attribute_value(value).ok_or_else(unclosed)?;
        position += taken;
        match (tag.as_str(), name.as_str()) {
            ("a", "href") | ("tg-emoji", "emoji-id") => argument = Some(text),
            ("code", "class") => argument = text.strip_prefix("language-").map(str::to_owned),
            ("span", "class") => argument = text.strip_prefix("tg-").map(str::to_owned),
            ("blockquote", "expandable") => argument = Some(String::new()),
            _ => {}
        }
    }
    if tag == "span" && argument.as_deref() != Some("spoiler") {
        return Err(format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {at}"));
    }
    Ok((tag, argument, position))
}

fn attribute_value(value: &str) -> Option<(String, usize)> {
    let quote = value.chars().next()?;
    if quote == '"' || quote == '\'' {
        let end = value[1..].find(quote)?;
        return Some((decode_all(&value[1..=end]), end + 2));
    }
    let end = value.find(|letter: char| letter.is_whitespace() || letter == '>')?;
    Some((value[..end].to_ascii_lowercase(), end))
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

/// What stands at the beginning, which is a `&`, and its bytes. What is no entity stays as it is.
fn decode(text: &str) -> (char, usize) {
    let plain = ('&', 1);
    let Some(end) = text.char_indices().take(12).find(|(_, letter)| *letter == ';').map(|(at, _)| at) else {
        return plain;
    };
    let name = &text[1..end];
    let letter = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        _ => {
            let number = match name.strip_prefix("#x") {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => name.strip_prefix('#').and_then(|digits| digits.parse().ok()),
            };
            number.filter(|number| *number > 0).and_then(char::from_u32)
        }
    };
    letter.map_or(plain, |letter| (letter, end + 1))
}

fn checked_link(target: &str) -> Option<String> {
    let with_scheme = if target.contains("://") || target.starts_with("tg:") { target.to_owned() } else { format!("http://{target}") };
    url::Url::parse(&with_scheme)
        .ok()
        .filter(|url| url.host_str().is_some_and(|host| host.contains('.') || url.port().is_some() || url.scheme() == "tg"))
        .map(|url| url.to_string())
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
        assert_eq!(parse("a & b &nope; &#65;").expect("reads").text, "a & b &nope; A");
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
            ("<span>x</span>", "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text).expect_err(text), wanted, "{text}");
        }
    }
}
