//! Texts for people, by key and language.
//!
//! In: a language, a key, arguments. Out: a text in Telegram HTML (or plain, for buttons), in English where a translation is missing.
//! Must not: know what the texts are about. A new language is one more folder in `config/locales/`, embedded at build time.

pub mod format;
mod language;
mod reason;

pub use language::language_name;

use std::borrow::Cow;
use std::collections::HashMap;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader, langid};

fluent_templates::static_loader! {
    static LOCALES = {
        locales: "./config/locales",
        fallback_language: "en",
        // Telegram's clients show the isolating marks as boxes in places.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

const ENGLISH: LanguageIdentifier = langid!("en");

/// The texts of one language.
#[derive(Clone, Debug)]
pub struct Texts {
    language: LanguageIdentifier,
}

/// An argument of a text.
#[derive(Clone, Debug)]
pub enum Arg {
    /// Anything from outside; it is escaped.
    Text(String),
    /// Made by us, with markup.
    Html(String),
    /// A count; plural forms go by it.
    Number(i64),
}

impl Texts {
    /// The texts of a language, a BCP 47 tag such as `en` or `pt-BR`; English if it can't be read.
    pub fn new(language: &str) -> Self {
        Self { language: language.parse().unwrap_or(ENGLISH) }
    }

    /// The text of a key that needs no arguments.
    pub fn get(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// The text of a key with its arguments; texts among them are escaped.
    pub fn with(&self, key: &str, args: &[(&'static str, Arg)]) -> String {
        let args: HashMap<Cow<'static, str>, FluentValue<'_>> = args.iter().map(|(name, arg)| (Cow::Borrowed(*name), value(arg))).collect();
        LOCALES.try_lookup_with_args(&self.language, key, &args).unwrap_or_else(|| {
            tracing::error!(key, "a text is missing");
            key.to_owned()
        })
    }
}

/// The language to speak with somebody whose app is set to `code`: theirs if there is a translation, else the default.
pub fn pick(code: Option<&str>, default: &str) -> String {
    let known = |tag: &str| {
        let wanted: LanguageIdentifier = tag.parse().ok()?;
        LOCALES.locales().find(|have| **have == wanted).or_else(|| LOCALES.locales().find(|have| have.language == wanted.language))
    };
    code.and_then(known).or_else(|| known(default)).unwrap_or(&ENGLISH).to_string()
}

/// All languages there are, as BCP 47 tags.
pub fn languages() -> Vec<String> {
    let mut all: Vec<_> = LOCALES.locales().map(ToString::to_string).collect();
    all.sort();
    all
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Arg {
    fn from(count: usize) -> Self {
        Self::Number(count as i64)
    }
}

fn value(arg: &Arg) -> FluentValue<'_> {
    match arg {
        Arg::Text(text) => FluentValue::String(format::escape(text)),
        Arg::Html(html) => FluentValue::from(html.as_str()),
        Arg::Number(number) => FluentValue::from(*number),
    }
}

#[cfg(test)]
mod tests;
