//! `parse_mode=MarkdownV2` (<https://core.telegram.org/bots/api#markdownv2-style>).
//!
//! In: a text with marks. Out: the text without them, and entities; or what is wrong, in the words of TDLib's parser. Block quotes and custom emoji
//! are not read. It must not find links by itself.

use super::text::Formatted;
use crate::world::Entity;

struct Open {
    mark: &'static str,
    offset: usize,
    byte: usize,
}

/// Longer marks first.
const MARKS: [(&str, &str); 8] = [
    ("```", "pre"),
    ("||", "spoiler"),
    ("__", "underline"),
    ("*", "bold"),
    ("_", "italic"),
    ("~", "strikethrough"),
    ("`", "code"),
    ("[", "text_link"),
];
const RESERVED: &str = "_*[]()~`>#+-=|{}.!";

/// Reads a text. Offsets in errors are bytes, as at Telegram.
pub(super) fn parse(source: &str) -> Result<Formatted, String> {
    let mut out = Formatted::default();
    let mut open: Vec<Open> = Vec::new();
    let mut offset = 0;
    let mut at = 0;
    while let Some(letter) = source[at..].chars().next() {
        let rest = &source[at..];
        if letter == '\\' {
            let escaped = rest[1..].chars().next().filter(|next| (1..=126).contains(&u32::from(*next)));
            let shown = escaped.unwrap_or('\\');
            offset += shown.len_utf16();
            out.text.push(shown);
            at += 1 + escaped.map_or(0, char::len_utf8);
            continue;
        }
        let inside = open.last().map(|open| open.mark);
        if let Some(mark @ ("`" | "```")) = inside {
            // Nothing else is read in code.
            if rest.starts_with(mark) {
                close(&mut out, &mut open, offset, None);
                at += mark.len();
            } else {
                offset += letter.len_utf16();
                out.text.push(letter);
                at += letter.len_utf8();
            }
            continue;
        }
        if letter == ']' && inside == Some("[") {
            let (target, length) = link_target(&rest[1..]).ok_or_else(|| format!("Can't find end of a URL at byte offset {at}"))?;
            close(&mut out, &mut open, offset, Some(target));
            at += 1 + length;
            continue;
        }
        if let Some((mark, kind)) = MARKS.iter().find(|(mark, _)| rest.starts_with(mark)) {
            if inside == Some(mark) {
                close(&mut out, &mut open, offset, None);
            } else {
                open.push(Open { mark, offset, byte: at });
            }
            at += mark.len();
            if *kind == "pre" && inside != Some(mark) {
                at += source[at..].starts_with('\n') as usize;
            }
            continue;
        }
        if RESERVED.contains(letter) {
            return Err(format!("Character '{letter}' is reserved and must be escaped with the preceding '\\'"));
        }
        offset += letter.len_utf16();
        out.text.push(letter);
        at += letter.len_utf8();
    }
    if let Some(left) = open.last() {
        let kind = MARKS.iter().find(|(mark, _)| *mark == left.mark).map_or("", |(_, kind)| kind);
        return Err(format!("Can't find end of {} entity at byte offset {}", capital(kind), left.byte));
    }
    out.entities.sort_by(|a, b| a.offset.cmp(&b.offset).then(b.length.cmp(&a.length)));
    Ok(out)
}

fn close(out: &mut Formatted, open: &mut Vec<Open>, offset: usize, target: Option<String>) {
    let Some(last) = open.pop() else {
        return;
    };
    let kind = MARKS.iter().find(|(mark, _)| *mark == last.mark).map_or("", |(_, kind)| kind);
    if offset > last.offset {
        let mut entity = Entity::new(kind, last.offset, offset - last.offset);
        entity.url = target;
        out.entities.push(entity);
    }
}

/// `(target)`, and the bytes it takes.
fn link_target(rest: &str) -> Option<(String, usize)> {
    let inner = rest.strip_prefix('(')?;
    let mut target = String::new();
    let mut escaped = false;
    for (at, letter) in inner.char_indices() {
        match letter {
            '\\' if !escaped => escaped = true,
            ')' if !escaped => return url::Url::parse(&target).ok().map(|url| (url.to_string(), at + 2)),
            letter => {
                escaped = false;
                target.push(letter);
            }
        }
    }
    None
}

fn capital(kind: &str) -> String {
    let mut letters = kind.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_entities() {
        let parsed = parse("*bold _both_* a\\.b `c*d` [l](http://a.example/x\\)y) __u__ ||s||").expect("reads");
        assert_eq!(parsed.text, "bold both a.b c*d l u s");
        let link = Entity { url: Some("http://a.example/x)y".to_owned()), ..Entity::new("text_link", 18, 1) };
        let wanted = [
            Entity::new("bold", 0, 9),
            Entity::new("italic", 5, 4),
            Entity::new("code", 14, 3),
            link,
            Entity::new("underline", 20, 1),
            Entity::new("spoiler", 22, 1),
        ];
        assert_eq!(parsed.entities, wanted);
    }

    #[test]
    fn bad_markup_is_refused_in_telegrams_words() {
        let cases = [
            ("a.b", "Character '.' is reserved and must be escaped with the preceding '\\'"),
            ("*a", "Can't find end of Bold entity at byte offset 0"),
            ("x `a", "Can't find end of Code entity at byte offset 2"),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text).expect_err(text), wanted, "{text}");
        }
    }
}
