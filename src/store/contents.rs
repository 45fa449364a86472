//! What is already at Telegram: the same link with the same choice is answered from here.
//!
//! In: where a file was uploaded. Out: the same for later requests. Must not: trust that it is still there; who delivers finds out and
//! drops the entry.

use rusqlite::{OptionalExtension, params};

use super::{Store, from_json, now_ms, to_json};
use crate::model::{Choice, Failure, Link, Prepared, SubtitleChoice, Uploaded};

/// The identity of a content, as far as this bot can serve it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentKey {
    /// The link, normalised.
    pub link: Link,
    /// What was chosen of it.
    pub choice: Choice,
    /// Subtitles that are part of it.
    pub subtitles: Option<SubtitleChoice>,
    /// The bot: a `file_id` is good for one bot alone, and a relay channel has one bot.
    pub bot: i64,
}

impl ContentKey {
    /// The choice with all that makes it another content.
    fn choice(&self) -> String {
        match &self.subtitles {
            None => self.choice.as_str().to_owned(),
            Some(subtitles) => format!("{} {subtitles}", self.choice.as_str()),
        }
    }
}

/// A stored content.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// Where it is.
    pub uploaded: Uploaded,
    /// What it is; its paths are gone.
    pub prepared: Prepared,
}

impl Store {
    /// What is stored for a key.
    pub async fn content(&self, key: &ContentKey) -> Result<Option<Content>, Failure> {
        let key = key.clone();
        self.call(move |connection| {
            connection
                .query_row(
                    "SELECT uploaded, prepared FROM contents WHERE link = ?1 AND choice = ?2 AND bot = ?3",
                    params![key.link.as_str(), key.choice(), key.bot],
                    |row| {
                        let (uploaded, prepared): (String, String) = (row.get(0)?, row.get(1)?);
                        Ok(Content { uploaded: from_json(&uploaded)?, prepared: from_json(&prepared)? })
                    },
                )
                .optional()
        })
        .await
    }

    /// Stores a content, in place of what was there.
    pub async fn put_content(&self, key: &ContentKey, content: Content) -> Result<(), Failure> {
        let key = key.clone();
        self.call(move |connection| {
            connection.execute(
                "INSERT INTO contents (link, choice, bot, uploaded, prepared, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (link, choice, bot) DO UPDATE SET uploaded = excluded.uploaded, prepared = excluded.prepared,
                 created_ms = excluded.created_ms",
                params![key.link.as_str(), key.choice(), key.bot, to_json(&content.uploaded)?, to_json(&content.prepared)?, now_ms()],
            )
        })
        .await
        .map(drop)
    }

    /// Drops a content that turned out to be gone.
    pub async fn drop_content(&self, key: &ContentKey) -> Result<(), Failure> {
        let key = key.clone();
        self.call(move |connection| {
            connection.execute(
                "DELETE FROM contents WHERE link = ?1 AND choice = ?2 AND bot = ?3",
                params![key.link.as_str(), key.choice(), key.bot],
            )
        })
        .await
        .map(drop)
    }
}
