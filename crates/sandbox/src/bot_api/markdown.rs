//! `parse_mode=MarkdownV2` (<https://core.telegram.org/bots/api#markdownv2-style>).
//!
//! In: a text with marks. Out: the text without them, and entities; or what is wrong, in the words of TDLib's `MessageEntity.cpp` (`parse_markdown_v2`), whose
//! rules these are. Custom emoji lose their mark, as they do for bots that may not send them. It must not find links by itself.

use super::text::{Formatted, checked_link};
use crate::world::Entity;

/// What has to be escaped outside of code.
const RESERVED: &str = "_*[]()~`>#+-=|{}.!\n";

/// Reads a text. Offsets in errors are bytes, as at Telegram.
pub(super) fn parse(source: &str) -> Result<Formatted, String> {
    let mut reader = Reader { source, line_begins: true, ..Reader::default() };
    while let Some(letter) = reader.rest().chars().next() {
        reader.step(letter)?;
    }
    reader.finish()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bold,
    Italic,
    Underline,
    Strikethrough,
    Spoiler,
    Code,
    Pre,
    TextUrl,
    CustomEmoji,
    BlockQuote,
}

impl Kind {
    /// As the Bot API names it.
    fn entity(self) -> &'static str {
        match self {
            Self::Bold => "bold",
            Self::Italic => "italic",
            Self::Underline => "underline",
            Self::Strikethrough => "strikethrough",
            Self::Spoiler => "spoiler",
            Self::Code => "code",
            Self::Pre => "pre",
            Self::TextUrl => "text_link",
            Self::CustomEmoji => "custom_emoji",
            Self::BlockQuote => "blockquote",
        }
    }
}

/// A mark whose end is still to come.
struct Open {
    kind: Kind,
    language: Option<String>,
    /// Where it begins in the shown text, in UTF-16 units and in bytes.
    offset: usize,
    shown_at: usize,
    /// Where it begins in the source, in bytes.
    source_at: usize,
}

impl Open {
    fn unended(&self) -> String {
        let kind = if self.language.is_some() { "PreCode".to_owned() } else { format!("{:?}", self.kind) };
        format!("Can't find end of {kind} entity at byte offset {}", self.source_at)
    }
}

#[derive(Default)]
struct Reader<'a> {
    source: &'a str,
    at: usize,
    out: Formatted,
    /// Of the shown text, in UTF-16 units.
    offset: usize,
    open: Vec<Open>,
    in_quote: bool,
    /// A block quote may begin here.
    line_begins: bool,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn step(&mut self, letter: char) -> Result<(), String> {
        if letter == '\\'
            && let Some(escaped) = self.rest()[1..].chars().next().filter(|next| (1..=126).contains(&u32::from(*next)))
        {
            self.at += 1;
            self.show(escaped);
            return Ok(());
        }
        let in_code = self.open.last().is_some_and(|open| matches!(open.kind, Kind::Code | Kind::Pre));
        let is_reserved = if in_code { letter == '`' } else { RESERVED.contains(letter) };
        match () {
            () if !is_reserved => self.show(letter),
            () if self.ends_here(letter) => return self.end(letter),
            () => return self.begin(letter),
        }
        Ok(())
    }

    fn show(&mut self, letter: char) {
        self.out.text.push(letter);
        self.offset += letter.len_utf16();
        self.at += letter.len_utf8();
        if letter != '\r' {
            self.line_begins = letter == '\n';
        }
    }

    fn ends_here(&self, letter: char) -> bool {
        let Some(last) = self.open.last() else {
            return false;
        };
        let rest = self.rest();
        if self.in_quote && letter == '\n' && !rest[1..].starts_with('>') {
            return true;
        }
        match last.kind {
            Kind::Bold => letter == '*',
            Kind::Italic => letter == '_' && !rest.starts_with("__"),
            Kind::Underline => rest.starts_with("__"),
            Kind::Strikethrough => letter == '~',
            Kind::Spoiler => rest.starts_with("||"),
            Kind::Code => letter == '`',
            Kind::Pre => rest.starts_with("```"),
            Kind::TextUrl | Kind::CustomEmoji => letter == ']',
            Kind::BlockQuote => false,
        }
    }

    fn begin(&mut self, letter: char) -> Result<(), String> {
        let rest = self.rest();
        let source_at = self.at;
        let mut language = None;
        let (kind, length) = match letter {
            '\n' => {
                self.show(letter);
                return Ok(());
            }
            '>' if self.line_begins && self.in_quote => {
                self.at += 1;
                return Ok(());
            }
            '>' if self.line_begins => {
                self.in_quote = true;
                (Kind::BlockQuote, 1)
            }
            '*' => (Kind::Bold, 1),
            '_' if rest.starts_with("__") => (Kind::Underline, 2),
            '_' => (Kind::Italic, 1),
            '~' => (Kind::Strikethrough, 1),
            '|' if rest.starts_with("||") => (Kind::Spoiler, 2),
            '[' => (Kind::TextUrl, 1),
            '!' if rest.starts_with("![") => (Kind::CustomEmoji, 2),
            '`' if rest.starts_with("```") => {
                let code = &rest[3..];
                let word = code.find(|letter: char| letter.is_ascii_whitespace() || letter == '`').filter(|end| *end > 0);
                let word = word.filter(|end| !code[*end..].starts_with('`')).unwrap_or(0);
                language = Some(code[..word].to_owned()).filter(|word| !word.is_empty());
                // One line break before the code is not part of it.
                let line_break = ["\r\n", "\n\r", "\n", "\r"].into_iter().find(|end| code[word..].starts_with(end));
                (Kind::Pre, 3 + word + line_break.map_or(0, str::len))
            }
            '`' => (Kind::Code, 1),
            _ => return Err(format!("Character '{letter}' is reserved and must be escaped with the preceding '\\'")),
        };
        self.at += length;
        self.open.push(Open { kind, language, offset: self.offset, shown_at: self.out.text.len(), source_at });
        Ok(())
    }

    fn end(&mut self, letter: char) -> Result<(), String> {
        let Some(mut last) = self.open.pop() else {
            return Ok(());
        };
        let mut folds = false;
        if letter == '\n' && last.kind != Kind::BlockQuote {
            // A spoiler that begins right before the end of a quote says that this can be folded.
            let line_end = if self.out.text.ends_with('\r') { 3 } else { 2 };
            let below = self.open.pop();
            last = match (last, below) {
                (spoiler, Some(quote))
                    if spoiler.kind == Kind::Spoiler && spoiler.source_at + line_end == self.at && quote.kind == Kind::BlockQuote =>
                {
                    quote
                }
                (spoiler, Some(other)) if spoiler.kind == Kind::Spoiler && spoiler.source_at + line_end == self.at => {
                    return Err(other.unended());
                }
                (other, _) => return Err(other.unended()),
            };
            folds = true;
        }
        let mut is_empty = self.offset == last.offset;
        let mut url = None;
        match last.kind {
            Kind::Bold | Kind::Italic | Kind::Strikethrough | Kind::Code => self.at += 1,
            Kind::Underline | Kind::Spoiler => self.at += 2,
            Kind::Pre => self.at += 3,
            Kind::TextUrl => {
                let written = match self.rest()[1..].starts_with('(') {
                    true => self.target()?,
                    false => {
                        self.at += 1;
                        self.out.text[last.shown_at..].to_owned()
                    }
                };
                url = checked_link(&written);
                is_empty |= url.is_none();
            }
            Kind::CustomEmoji => {
                if !self.rest()[1..].starts_with('(') {
                    return Err("The entity must contain a tg://emoji or tg://time URL".to_owned());
                }
                let id = self.target()?.strip_prefix("tg://emoji?id=").and_then(|id| id.parse::<i64>().ok());
                id.filter(|id| *id != 0).ok_or("Invalid tg://emoji or tg://time URL specified")?;
                is_empty = true;
            }
            Kind::BlockQuote => {
                self.in_quote = false;
                self.show(letter);
                is_empty = false;
            }
        }
        if !is_empty {
            self.mark(&last, folds, url);
        }
        Ok(())
    }

    /// `](target)`.
    fn target(&mut self) -> Result<String, String> {
        self.at += 2;
        let (begins, mut target) = (self.at, String::new());
        while let Some(letter) = self.rest().chars().next() {
            self.at += letter.len_utf8();
            match letter {
                ')' => return Ok(target),
                '\\' => match self.rest().chars().next().filter(|next| (1..=126).contains(&u32::from(*next))) {
                    Some(escaped) => {
                        self.at += 1;
                        target.push(escaped);
                    }
                    None => target.push(letter),
                },
                letter => target.push(letter),
            }
        }
        Err(format!("Can't find end of a URL at byte offset {begins}"))
    }

    fn mark(&mut self, open: &Open, folds: bool, url: Option<String>) {
        let kind = if folds { "expandable_blockquote" } else { open.kind.entity() };
        let entity = Entity::new(kind, open.offset, self.offset - open.offset);
        self.out.entities.push(Entity { url, language: open.language.clone(), ..entity });
    }

    fn finish(mut self) -> Result<Formatted, String> {
        if self.in_quote {
            let folds = self.open.last().is_some_and(|open| open.kind == Kind::Spoiler && open.source_at + 2 == self.source.len());
            if folds {
                self.open.pop();
            }
            if let Some(quote) = self.open.pop_if(|open| open.kind == Kind::BlockQuote)
                && quote.offset < self.offset
            {
                self.mark(&quote, folds, None);
            }
        }
        if let Some(left) = self.open.last() {
            return Err(left.unended());
        }
        self.out.entities.sort_by(|a, b| a.offset.cmp(&b.offset).then(b.length.cmp(&a.length)));
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text, and its marks as (kind, offset, length, argument).
    fn read(source: &str) -> (String, Vec<(String, usize, usize, String)>) {
        let parsed = parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        let argument = |entity: &Entity| entity.url.clone().or_else(|| entity.language.clone()).unwrap_or_default();
        let marks = parsed.entities.iter().map(|entity| (entity.kind.clone(), entity.offset, entity.length, argument(entity)));
        (parsed.text, marks.collect())
    }

    #[test]
    fn marks_become_entities() {
        type Marks<'a> = &'a [(&'a str, usize, usize, &'a str)];
        let cases: &[(&str, &str, Marks)] = &[
            ("*bold _both_* a\\.b", "bold both a.b", &[("bold", 0, 9, ""), ("italic", 5, 4, "")]),
            (
                "`c*d` __u__ ||s|| ~x~",
                "c*d u s x",
                &[("code", 0, 3, ""), ("underline", 4, 1, ""), ("spoiler", 6, 1, ""), ("strikethrough", 8, 1, "")],
            ),
            ("[l](http://a.example/x\\)y)", "l", &[("text_link", 0, 1, "http://a.example/x)y")]),
            ("[a\\.example]", "a.example", &[("text_link", 0, 9, "http://a.example/")]),
            ("[no link](http://)", "no link", &[]),
            ("```rust\nlet x;\n```", "let x;\n", &[("pre", 0, 7, "rust")]),
            ("```\nlet x;```", "let x;", &[("pre", 0, 6, "")]),
            ("```word```", "word", &[("pre", 0, 4, "")]),
            ("**>one\n>two\nafter", "one\ntwo\nafter", &[("blockquote", 0, 8, "")]),
            (">*b*\n**>next||", "b\nnext", &[("blockquote", 0, 2, ""), ("bold", 0, 1, ""), ("expandable_blockquote", 2, 4, "")]),
            (">fold||\nafter", "fold\nafter", &[("expandable_blockquote", 0, 5, "")]),
            ("![👍](tg://emoji?id=5368324170671202286)😀*b*", "👍😀b", &[("bold", 4, 1, "")]),
            ("**", "", &[]),
        ];
        for (source, text, marks) in cases {
            let marks: Vec<_> = marks.iter().map(|(kind, at, length, of)| ((*kind).to_owned(), *at, *length, (*of).to_owned())).collect();
            assert_eq!(read(source), ((*text).to_owned(), marks), "{source}");
        }
    }

    #[test]
    fn bad_markup_is_refused_in_telegrams_words() {
        let cases = [
            ("a.b", "Character '.' is reserved and must be escaped with the preceding '\\'"),
            ("a > b", "Character '>' is reserved and must be escaped with the preceding '\\'"),
            ("a | b", "Character '|' is reserved and must be escaped with the preceding '\\'"),
            ("*a", "Can't find end of Bold entity at byte offset 0"),
            ("x `a", "Can't find end of Code entity at byte offset 2"),
            ("é [a", "Can't find end of TextUrl entity at byte offset 3"),
            ("```c\nx", "Can't find end of PreCode entity at byte offset 0"),
            (">*a\nb*", "Can't find end of Bold entity at byte offset 1"),
            ("[a](b", "Can't find end of a URL at byte offset 4"),
            ("![a]", "The entity must contain a tg://emoji or tg://time URL"),
            ("![a](http://b)", "Invalid tg://emoji or tg://time URL specified"),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text).expect_err(text), wanted, "{text}");
        }
    }
}
