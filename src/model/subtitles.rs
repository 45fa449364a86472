//! Subtitles that a source offers, and what a person wants of them.
//!
//! In: names of languages as sources write them. Out: offers in the order in which a person looks for them, and a choice that can be stored and put on a button.
//! Must not: know how subtitles are fetched or shown.

use serde::{Deserialize, Serialize};

/// Longest name of a language that is taken, in bytes: it has to fit on a button beside the rest.
const MAX_LANGUAGE_BYTES: usize = 30;

/// Subtitles in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitleOffer {
    /// The language as the source writes it, mostly a BCP 47 tag: letters, digits, `-` and `_`.
    pub language: String,
    /// True if a machine wrote or translated them.
    pub automatic: bool,
}

/// How a person gets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubtitleWay {
    /// A track of the video that players show when asked.
    Track,
    /// Part of the picture.
    BurntIn,
    /// A file that answers the video.
    File,
}

/// What a person wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubtitleChoice {
    /// The language, as in [`SubtitleOffer::language`].
    pub language: String,
    /// How.
    pub way: SubtitleWay,
}

impl SubtitleWay {
    /// The stable name used in the store, in callback data and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::BurntIn => "burn",
            Self::File => "file",
        }
    }

    /// Reads [`SubtitleWay::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Track, Self::BurntIn, Self::File].into_iter().find(|way| way.as_str() == text)
    }
}

impl SubtitleChoice {
    /// Reads `en:burn`, or `en`, which is a track.
    pub fn parse(text: &str) -> Option<Self> {
        let (language, way) = text.split_once(':').unwrap_or((text, SubtitleWay::Track.as_str()));
        Some(Self { language: Some(language).filter(|language| is_language(language))?.to_owned(), way: SubtitleWay::parse(way)? })
    }

    /// True if the video itself is another with them than without.
    pub fn changes_the_video(&self) -> bool {
        self.way != SubtitleWay::File
    }
}

/// As [`SubtitleChoice::parse`] reads it.
impl std::fmt::Display for SubtitleChoice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.language, self.way.as_str())
    }
}

/// True if it can be the name of a language: nothing of it means something to a path, a button or a program.
pub fn is_language(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_LANGUAGE_BYTES).contains(&text.len()) && text.bytes().all(is_plain) && text.as_bytes()[0].is_ascii_alphanumeric()
}

/// Puts the languages of `preferred` in front, in that order; of one language what people wrote before what machines did. The rest stays in order.
pub fn sort_offers<T: AsRef<str>>(offers: &mut [SubtitleOffer], preferred: &[T]) {
    let rank = |offer: &SubtitleOffer| {
        preferred.iter().position(|language| is_same(&offer.language, language.as_ref())).unwrap_or(preferred.len())
    };
    offers.sort_by_key(|offer| {
        let rank = rank(offer);
        (rank, rank < preferred.len() && offer.automatic)
    });
}

/// The offer for a language: the very same, else one for a country or script of it; what people wrote before what machines did.
pub fn find_offer<'a>(offers: &'a [SubtitleOffer], language: &str) -> Option<&'a SubtitleOffer> {
    let exact = offers.iter().find(|offer| offer.language.eq_ignore_ascii_case(language));
    let like = || offers.iter().filter(|offer| is_same(&offer.language, language)).min_by_key(|offer| offer.automatic);
    exact.or_else(like)
}

/// True for the same language, whatever the country or script.
fn is_same(one: &str, other: &str) -> bool {
    let language = |text: &str| text.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    language(one) == language(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(texts: &[&str]) -> Vec<SubtitleOffer> {
        let offer = |text: &&str| SubtitleOffer { language: text.trim_end_matches('*').to_owned(), automatic: text.ends_with('*') };
        texts.iter().map(offer).collect()
    }

    #[test]
    fn choices_are_read_back() {
        for text in ["en:track", "pt-BR:burn", "zh_Hans:file"] {
            assert_eq!(SubtitleChoice::parse(text).map(|choice| choice.to_string()).as_deref(), Some(text));
        }
        assert_eq!(SubtitleChoice::parse("de").map(|choice| choice.to_string()).as_deref(), Some("de:track"));
        for text in ["", ":track", "en:", "en:gif", "../x:file", "-en:file", "e n", "é", &"x".repeat(31)] {
            assert_eq!(SubtitleChoice::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_person_finds_her_languages_first() {
        let mut all = offers(&["ar", "de-AT*", "de", "en", "fr*"]);
        sort_offers(&mut all, &["de", "fr"]);
        assert_eq!(all, offers(&["de", "de-AT*", "fr*", "ar", "en"]));
        sort_offers(&mut all, &["en-GB"]);
        assert_eq!(all, offers(&["en", "de", "de-AT*", "fr*", "ar"]));
    }

    #[test]
    fn an_offer_is_found_by_its_language() {
        let all = offers(&["en-orig*", "en-GB", "pt-BR", "pt-PT"]);
        for (language, expected) in
            [("en", Some("en-GB")), ("en-orig", Some("en-orig")), ("PT-pt", Some("pt-PT")), ("pt", Some("pt-BR")), ("de", None)]
        {
            assert_eq!(find_offer(&all, language).map(|offer| offer.language.as_str()), expected, "{language}");
        }
    }
}
