//! Numbers and strange texts for showing.
//!
//! In: bytes, seconds, texts from outside. Out: short texts for people. Must not: read anything else. Units are those of Telegram's own
//! apps: 1 MB is 1024 × 1024 bytes there, and its limits (50 MB, 2000 MB) are meant so.

use std::borrow::Cow;

/// Makes a text safe inside Telegram HTML: <https://core.telegram.org/bots/api#html-style>. Control characters become spaces, and marks that
/// turn the direction of writing are left out, as they could make a title swallow what follows it.
pub fn escape(text: &str) -> Cow<'_, str> {
    let plain = |c: char| !matches!(c, '<' | '>' | '&' | '"') && !c.is_control() && !turns_direction(c);
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\n' => safe.push('\n'),
            c if turns_direction(c) => {}
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// A size: `512 B`, `41.2 MB`, `1.95 GB`.
pub fn bytes(count: u64) -> String {
    const STEP: f64 = 1024.0;
    let mut value = count as f64;
    let mut unit = "B";
    for next in ["KB", "MB", "GB", "TB"] {
        if value < 999.5 {
            break;
        }
        value /= STEP;
        unit = next;
    }
    match unit {
        "B" => format!("{count} B"),
        "GB" | "TB" if value < 10.0 => format!("{} {unit}", without_zeros(format!("{value:.2}"))),
        _ if value < 100.0 => format!("{} {unit}", without_zeros(format!("{value:.1}"))),
        _ => format!("{value:.0} {unit}"),
    }
}

/// A length as players show it: `0:07`, `3:25`, `1:02:03`.
pub fn length(seconds: f64) -> String {
    let all = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A time to wait, rounded so that it does not flicker: `7 s`, `25 s`, `3 min`, `1 h 10 min`.
pub fn wait(seconds: u64) -> String {
    match seconds {
        0..10 => format!("{} s", seconds.max(1)),
        10..60 => format!("{} s", seconds.div_ceil(5) * 5),
        60..3570 => format!("{} min", (seconds + 30) / 60),
        _ => {
            let minutes = (seconds + 30) / 60;
            if minutes.is_multiple_of(60) { format!("{} h", minutes / 60) } else { format!("{} h {:02} min", minutes / 60, minutes % 60) }
        }
    }
}

/// Cuts a text to at most `units` UTF-16 units, which is how Telegram counts, with `…` for what is left out.
pub fn cut(text: &str, units: usize) -> Cow<'_, str> {
    if text.encode_utf16().count() <= units {
        return Cow::Borrowed(text);
    }
    let mut left = units.saturating_sub(1);
    let kept: String = text
        .chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect();
    Cow::Owned(format!("{}…", kept.trim_end()))
}

fn without_zeros(number: String) -> String {
    number.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_do_not_get_through() {
        for (text, expected) in [
            ("plain – ünï ✓", "plain – ünï ✓"),
            ("<b>x</b> & \"y\"", "&lt;b&gt;x&lt;/b&gt; &amp; &quot;y&quot;"),
            ("&lt;", "&amp;lt;"),
            ("a\u{0}b\tc\r\nd\u{1b}[31m", "a b c \nd [31m"),
            ("evil\u{202e}4pm.exe", "evil4pm.exe"),
        ] {
            assert_eq!(escape(text), expected, "{text:?}");
        }
    }

    #[test]
    fn sizes_read_as_in_telegram() {
        for (count, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 KB"),
            (1536, "1.5 KB"),
            (50 * 1024 * 1024, "50 MB"),
            (43_200_000, "41.2 MB"),
            (1_048_000_000, "999 MB"),
            (2_097_152_000, "1.95 GB"),
            (4_194_304_000, "3.91 GB"),
            (4_294_967_296, "4 GB"),
            (u64::MAX, "16777216 TB"),
        ] {
            assert_eq!(bytes(count), expected, "{count}");
        }
    }

    #[test]
    fn lengths_and_waits() {
        for (seconds, expected) in [(0.0, "0:00"), (6.6, "0:07"), (205.0, "3:25"), (3723.0, "1:02:03"), (-1.0, "0:00")] {
            assert_eq!(length(seconds), expected);
        }
        for (seconds, expected) in [
            (0, "1 s"),
            (7, "7 s"),
            (11, "15 s"),
            (59, "60 s"),
            (60, "1 min"),
            (100, "2 min"),
            (3569, "59 min"),
            (3600, "1 h"),
            (4200, "1 h 10 min"),
            (86_400, "24 h"),
        ] {
            assert_eq!(wait(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn cutting_counts_as_telegram_does_and_never_splits_a_character() {
        for (text, units, expected) in [
            ("short", 5, "short"),
            ("longer text", 8, "longer…"),
            ("🦀🦀🦀", 6, "🦀🦀🦀"),
            ("🦀🦀🦀", 5, "🦀🦀…"),
            ("🦀🦀🦀", 4, "🦀…"),
            ("xy", 1, "…"),
        ] {
            let shorter = cut(text, units);
            assert_eq!(shorter, expected, "{text} {units}");
            assert!(shorter.encode_utf16().count() <= units);
        }
    }
}
