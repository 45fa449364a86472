//! Languages as people and files write them.
//!
//! In: `en`, `eng`, `de-AT`, `ger`. Out: one code for each language. Must not: do I/O.
//! Source: ISO 639-1 to 639-3 (by the crate `isolang`); the bibliographic codes of ISO 639-2: <https://www.loc.gov/standards/iso639-2/>.

/// Codes of libraries, which Matroska has, and those that other containers have for the same language.
const BIBLIOGRAPHIC: [(&str, &str); 20] = [
    ("alb", "sqi"),
    ("arm", "hye"),
    ("baq", "eus"),
    ("bur", "mya"),
    ("chi", "zho"),
    ("cze", "ces"),
    ("dut", "nld"),
    ("fre", "fra"),
    ("geo", "kat"),
    ("ger", "deu"),
    ("gre", "ell"),
    ("ice", "isl"),
    ("mac", "mkd"),
    ("mao", "mri"),
    ("may", "msa"),
    ("per", "fas"),
    ("rum", "ron"),
    ("slo", "slk"),
    ("tib", "bod"),
    ("wel", "cym"),
];

/// A language, as a code of three letters (ISO 639-3, which for single languages is ISO 639-2/T).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Language(&'static str);

impl Language {
    /// Reads a code of two or three letters; what stands behind a hyphen (a country, a script) is left out. Nothing if it is no language.
    pub fn parse(text: &str) -> Option<Self> {
        let code = text.split(['-', '_']).next().unwrap_or_default().trim().to_ascii_lowercase();
        let code = BIBLIOGRAPHIC.iter().find(|(library, _)| *library == code).map_or(code.as_str(), |(_, code)| code);
        let language = if code.len() == 2 { isolang::Language::from_639_1(code) } else { isolang::Language::from_639_3(code) };
        language.map(|language| Self(language.to_639_3())).filter(|language| language.0 != "und")
    }

    /// The code of three letters.
    pub fn code(&self) -> &'static str {
        self.0
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn all_ways_of_writing_a_language_are_one() {
        let table = [
            ("en", Some("eng")),
            ("ENG", Some("eng")),
            ("en-US", Some("eng")),
            ("de", Some("deu")),
            ("ger", Some("deu")),
            ("deu", Some("deu")),
            ("fre", Some("fra")),
            ("zh_Hant", Some("zho")),
            ("und", None),
            ("", None),
            ("english", None),
            ("xx", None),
        ];
        for (text, expected) in table {
            assert_eq!(Language::parse(text).map(|language| language.code()), expected, "{text}");
        }
    }
}
