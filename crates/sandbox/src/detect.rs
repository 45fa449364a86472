//! Marks that Telegram finds by itself: links, commands, mentions, hashtags.
//!
//! In: a text. Out: marks in UTF-16 units. A simple form of what Telegram does: words between white space. It must not judge markup.

use crate::world::Entity;

/// All marks of a text, in order.
pub(crate) fn entities(text: &str) -> Vec<Entity> {
    let mut found = Vec::new();
    let mut offset = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let length = word.encode_utf16().count();
        // What a sentence puts around a link is not part of it.
        let lead: usize = word.chars().take_while(|letter| matches!(letter, '(' | '<' | '"' | '\'' | '[')).count();
        let inner = word[lead..].trim_end().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '>', '"', '\'', ']']);
        if let Some(kind) = kind_of(inner) {
            found.push(Entity::new(kind, offset + lead, inner.encode_utf16().count()));
        }
        offset += length;
    }
    found
}

fn kind_of(word: &str) -> Option<&'static str> {
    let name_like = |name: &str| !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    if let Some(command) = word.strip_prefix('/') {
        let (name, bot) = command.split_once('@').unwrap_or((command, "bot"));
        return (name_like(name) && name.len() <= 64 && name_like(bot)).then_some("bot_command");
    }
    if let Some(name) = word.strip_prefix('@') {
        return (name.len() >= 3 && name_like(name)).then_some("mention");
    }
    if let Some(tag) = word.strip_prefix('#') {
        return name_like(tag).then_some("hashtag");
    }
    is_link(word).then_some("url")
}

fn is_link(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let (scheme, rest) = match lower.split_once("://") {
        Some((scheme @ ("http" | "https" | "ftp"), rest)) => (scheme, rest),
        Some(_) => return false,
        None => ("", lower.as_str()),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    if host.is_empty() {
        return false;
    }
    if !scheme.is_empty() {
        return true;
    }
    // Without a scheme only what ends in a usual domain; Telegram has the full list.
    const DOMAINS: [&str; 10] = ["com", "org", "net", "io", "me", "tv", "be", "de", "ru", "example"];
    host.rsplit_once('.').is_some_and(|(name, domain)| !name.is_empty() && !rest.contains('@') && DOMAINS.contains(&domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Mark = (&'static str, usize, usize);

    #[test]
    fn marks_are_found() {
        let cases: [(&str, &[Mark]); 8] = [
            ("/start now", &[("bot_command", 0, 6)]),
            ("/start@ferry_bot", &[("bot_command", 0, 16)]),
            ("see https://a.example/x?y=1.", &[("url", 4, 23)]),
            ("😀 http://127.0.0.1:8000/v.mp4", &[("url", 3, 27)]),
            ("(youtu.be/abc)", &[("url", 1, 12)]),
            ("@ann #tag", &[("mention", 0, 4), ("hashtag", 5, 4)]),
            ("no marks, e.g. none/at all", &[]),
            ("line\nhttp://x.example\n", &[("url", 5, 16)]),
        ];
        for (text, wanted) in cases {
            let found = entities(text);
            let found: Vec<_> = found.iter().map(|mark| (mark.kind.as_str(), mark.offset, mark.length)).collect();
            assert_eq!(found, wanted, "{text}");
        }
    }
}
