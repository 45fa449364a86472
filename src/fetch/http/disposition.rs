//! The file name in a `Content-Disposition` header.
//!
//! In: the header's bytes. Out: the name as the server meant it. Must not: clean it (names.rs does).

use percent_encoding::percent_decode_str;

/// The name that a header suggests; `filename*` goes before `filename` (<https://www.rfc-editor.org/rfc/rfc6266#section-4.3>).
pub(super) fn file_name(header: &[u8]) -> Option<String> {
    let text = match std::str::from_utf8(header) {
        Ok(text) => text.to_owned(),
        Err(_) => header.iter().map(|&byte| char::from(byte)).collect(), // ISO 8859-1, as HTTP once said
    };
    let parameters = parameters(&text);
    let find = |wanted: &str| parameters.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str());
    let extended = find("filename*").and_then(decode_extended);
    extended.or_else(|| find("filename").map(decode_plain)).filter(|name| !name.trim().is_empty())
}

/// The `key=value` pairs after the first `;`. Quoted values may hold `;` and `\"`.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', '\t', ';']).to_ascii_lowercase();
        let after = after.trim_start();
        let (value, remaining) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let (value, remaining) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), remaining)
            }
        };
        pairs.push((key, value));
        rest = remaining;
    }
    pairs
}

/// Reads up to the closing quote; says what stands behind it.
fn unquote(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            // A backslash hides a quote or itself; before anything else it is a Windows path of a careless server.
            '\\' if quoted[at + 1..].starts_with(['"', '\\']) => value.extend(characters.next().map(|(_, hidden)| hidden)),
            character => value.push(character),
        }
    }
    (value, "")
}

/// `UTF-8''na%C3%AFve.mp4` (<https://www.rfc-editor.org/rfc/rfc8187>).
fn decode_extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    let bytes: Vec<u8> = percent_decode_str(encoded).collect();
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

/// Many servers percent-encode the plain form too, and browsers decode it.
fn decode_plain(value: &str) -> String {
    percent_decode_str(value).decode_utf8().map_or_else(|_| value.to_owned(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_servers_write_them() {
        let table: [(&[u8], Option<&str>); 16] = [
            (b"attachment; filename=\"clip.mp4\"", Some("clip.mp4")),
            (b"attachment; filename=clip.mp4", Some("clip.mp4")),
            (b"attachment;FileName = clip.mp4 ;size=3", Some("clip.mp4")),
            (b"inline; filename=\"a;b=c.mp4\"; x=y", Some("a;b=c.mp4")),
            (b"attachment; filename=\"say \\\"hi\\\".mp4\"", Some("say \"hi\".mp4")),
            (b"attachment; filename=\"C:\\films\\a.mp4\"", Some("C:\\films\\a.mp4")),
            (b"attachment; filename=\"fallback.mp4\"; filename*=UTF-8''na%C3%AFve%20clip.mp4", Some("na\u{ef}ve clip.mp4")),
            (b"attachment; filename*=iso-8859-1'en'%A3.mp4; filename=x", Some("\u{a3}.mp4")),
            (b"attachment; filename*=utf-16''x; filename=plain.mp4", Some("plain.mp4")),
            (b"attachment; filename*=UTF-8''%FF%FE; filename=plain.mp4", Some("plain.mp4")),
            (b"attachment; filename=my%20clip.mp4", Some("my clip.mp4")),
            (b"attachment; filename=\"caf\xe9.mp4\"", Some("caf\u{e9}.mp4")),
            ("attachment; filename=\"кино.mp4\"".as_bytes(), Some("кино.mp4")),
            (b"attachment; filename=\"unclosed.mp4", Some("unclosed.mp4")),
            (b"attachment; filename=\"\"", None),
            (b"attachment", None),
        ];
        for (header, expected) in table {
            assert_eq!(file_name(header).as_deref(), expected, "{}", String::from_utf8_lossy(header));
        }
    }

    #[test]
    fn nonsense_is_survived() {
        for header in [&b""[..], b";", b";=", b"; filename*='", b"; filename=\"\\", b"; filename*=UTF-8'", b"\xff\xfe;\xff=\xff"] {
            file_name(header);
        }
    }
}
