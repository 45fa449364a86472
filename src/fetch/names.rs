//! Clean file names from names that strangers chose.
//!
//! In: a title, a header's or an address's idea of a name. Out: a name that is safe on disk, in a message and on any system.
//! Must not: touch the disk; be given a path of ours.

/// Longest name in bytes: short enough for every file system (255) with room for suffixes of ours, and readable in a chat.
pub(crate) const MAX_NAME_BYTES: usize = 120;

/// Longest ending that is kept as an extension when a name is cut, in bytes.
const MAX_EXTENSION_BYTES: usize = 16;

/// What a name is when nothing of it is left.
const FALLBACK: &str = "file";

/// Names that Windows keeps for devices, with or without an extension.
/// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions>
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2", "lpt3", "lpt4",
    "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// A clean name from something that may be a path (`../../a.mp4`, `C:\a.mp4`): only its last part counts.
pub(crate) fn from_path(raw: &str) -> String {
    clean(raw.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default())
}

/// A clean name from a title (`AC/DC live`) and an extension without its dot.
pub(crate) fn from_title(title: &str, extension: &str) -> String {
    let extension: String = extension.chars().filter(char::is_ascii_alphanumeric).take(MAX_EXTENSION_BYTES).collect();
    let stem = clean_characters(title);
    let stem = if stem.is_empty() { FALLBACK } else { &stem };
    if extension.is_empty() { finish(stem) } else { finish(&format!("{stem}.{extension}")) }
}

/// A clean name: no separators, control or direction characters, nothing reserved, at most 120 bytes, never empty.
pub fn clean(raw: &str) -> String {
    finish(&clean_characters(raw))
}

/// The extension of a clean name, without its dot and in lower case, if it looks like one.
pub(crate) fn extension(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    let fits = !stem.is_empty()
        && (1..=MAX_EXTENSION_BYTES).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then(|| extension.to_ascii_lowercase())
}

fn clean_characters(raw: &str) -> String {
    let replaced = raw.chars().filter(|&character| !is_invisible(character)).map(|character| match character {
        '/' | '\\' | '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
        character if character.is_whitespace() => ' ',
        character => character,
    });
    let mut name = String::with_capacity(raw.len());
    for character in replaced {
        if character != ' ' || !name.ends_with(' ') {
            name.push(character);
        }
    }
    name.trim_matches([' ', '.']).to_owned()
}

fn finish(name: &str) -> String {
    let stem = name.split('.').next().unwrap_or_default().trim().to_ascii_lowercase();
    match name {
        "" => FALLBACK.to_owned(),
        name if RESERVED.contains(&stem.as_str()) => cut(&format!("_{name}")),
        name => cut(name),
    }
}

/// Cuts a name at a character boundary; the extension stays.
fn cut(name: &str) -> String {
    if name.len() <= MAX_NAME_BYTES {
        return name.to_owned();
    }
    let ending = extension(name).map_or(0, |extension| extension.len() + 1);
    let (stem, ending) = name.split_at(name.len() - ending);
    let mut end = (MAX_NAME_BYTES - ending.len()).min(stem.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", stem[..end].trim_end_matches([' ', '.']))
}

/// Control characters, and those that change how the text around them is shown: a name `cod.<U+202E>4pm.exe` reads as a film.
/// <https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing>
fn is_invisible(character: char) -> bool {
    (character.is_control() && !matches!(character, '\t' | '\n' | '\r'))
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_be_paths() {
        let table = [
            ("clip.mp4", "clip.mp4"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("C:\\films\\a.mkv", "a.mkv"),
            ("/a/b/", "b"),
            ("..", "file"),
            ("/", "file"),
            ("", "file"),
            ("   ", "file"),
            (".bashrc", "bashrc"),
            ("...hidden...", "hidden"),
            ("a\0b\u{1}\u{7f}.mp4", "ab.mp4"),
            ("a\r\nb.mp4", "a b.mp4"),
            ("clip\u{202e}4pm.exe", "clip4pm.exe"),
            ("\u{2066}x\u{2069}.mp3", "x.mp3"),
            ("zero\u{200b}width.mp3", "zerowidth.mp3"),
            ("what? is: \"this\"|<*>.mp4", "what_ is_ _this_____.mp4"),
            ("con", "_con"),
            ("NUL.mp4", "_NUL.mp4"),
            ("console.mp4", "console.mp4"),
            ("trailing. . .", "trailing"),
            ("Привет мир.mp4", "Привет мир.mp4"),
            ("日本語.webm", "日本語.webm"),
            ("a  \t b.mp4", "a b.mp4"),
        ];
        for (raw, expected) in table {
            assert_eq!(from_path(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn names_from_titles() {
        let table = [
            ("AC/DC live", "mp4", "AC_DC live.mp4"),
            ("", "mp4", "file.mp4"),
            ("../..", "mp4", "_.mp4"),
            ("Vol. 2 ...", "m4a", "Vol. 2.m4a"),
            ("t", "m/../p4", "t.mp4"),
            ("t", "", "t"),
            ("aux", "mp3", "_aux.mp3"),
        ];
        for (title, extension, expected) in table {
            assert_eq!(from_title(title, extension), expected, "{title:?}");
        }
    }

    #[test]
    fn long_names_are_cut_at_a_character_and_keep_their_extension() {
        let table = [
            (format!("{}.mp4", "a".repeat(500)), ".mp4"),
            (format!("{}.webm", "я".repeat(200)), ".webm"),
            (format!("{}.mkv", "🎬".repeat(90)), ".mkv"),
            ("b".repeat(300), "b"),
            (format!("a.{}", "c".repeat(300)), "c"),
            (format!("{}.mp4", "x. ".repeat(100)), "x.mp4"),
            (format!("lpt9.{}", "d".repeat(300)), "d"),
            (format!("lpt9.{}", "e".repeat(MAX_NAME_BYTES - 5)), "e"),
        ];
        for (raw, ending) in table {
            let name = clean(&raw);
            assert!(name.len() <= MAX_NAME_BYTES, "{name} has {} bytes", name.len());
            assert!(name.len() > MAX_NAME_BYTES - 8, "{name} was cut too far: {} bytes", name.len());
            assert!(name.ends_with(ending), "{name}");
            assert_eq!(clean(&name), name);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_name_is_always_safe_and_cleaning_twice_changes_nothing(raw in "\\PC*|(\\.|/|\\\\|[a-z]|\u{202e}|\0){0,200}") {
            let name = from_path(&raw);
            proptest::prop_assert!(!name.is_empty() && name.len() <= MAX_NAME_BYTES);
            let harmless = !name.contains(['/', '\\', '\0', '\u{202e}']) && name != "." && name != "..";
            proptest::prop_assert!(harmless);
            proptest::prop_assert_eq!(clean(&name), name);
        }
    }
}
