//! What languages are called.
//!
//! In: a name of a language as files and sites write it. Out: a name for people: as its speakers call it, with the country or script as it was written. Must not: fail; what
//! is no language stays as it is.

/// The name of a language: `Deutsch`, `Português (BR)`, `English (orig)`.
pub fn language_name(tag: &str) -> String {
    let (code, rest) = tag.split_once(['-', '_']).map_or((tag, None), |(code, rest)| (code, Some(rest)));
    let code = code.to_ascii_lowercase();
    let language = if code.len() == 2 { isolang::Language::from_639_1(&code) } else { isolang::Language::from_639_3(&code) };
    let Some(language) = language else { return tag.to_owned() };
    let name = language.to_autonym().unwrap_or_else(|| language.to_name());
    let name = name.split([',', ';', '(', '/']).next().unwrap_or(name).trim();
    let mut letters = name.chars();
    let name: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    match rest {
        Some(rest) => format!("{name} ({rest})"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::language_name;

    #[test]
    fn languages_have_names() {
        let table = [
            ("en", "English"),
            ("de", "Deutsch"),
            ("deu", "Deutsch"),
            ("pt-BR", "Português (BR)"),
            ("en-orig", "English (orig)"),
            ("xx", "xx"),
            ("", ""),
        ];
        for (tag, expected) in table {
            assert_eq!(language_name(tag), expected);
        }
    }
}
