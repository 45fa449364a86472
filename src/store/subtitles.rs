//! What becomes of subtitles that a person wanted and that are no part of the file.
//!
//! In: a job, what happened. Out: the same after a restart. Must not: know where they lie.

use rusqlite::{OptionalExtension, params};

use super::Store;
use crate::model::{Failure, JobId, MessageId};

/// How far it is with what goes aside of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    /// The subtitles could not be had, and the person does not know yet.
    Missing,
    /// Their file may have been sent, answer or not.
    Sending,
    /// Nothing is left to do.
    Done,
}

impl Aside {
    fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Sending => "sending",
            Self::Done => "done",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Missing, Self::Sending, Self::Done].into_iter().find(|aside| aside.as_str() == text)
    }
}

impl Store {
    /// What was stored last.
    pub async fn aside(&self, id: JobId) -> Result<Option<Aside>, Failure> {
        self.call(move |connection| {
            let text: Option<Option<String>> =
                connection.query_row("SELECT subtitles FROM work WHERE job = ?1", [id.0], |row| row.get(0)).optional()?;
            Ok(text.flatten().as_deref().and_then(Aside::parse))
        })
        .await
    }

    /// Stores it.
    pub async fn set_aside(&self, id: JobId, aside: Option<Aside>) -> Result<(), Failure> {
        self.call(move |connection| {
            connection.execute("UPDATE work SET subtitles = ?2 WHERE job = ?1", params![id.0, aside.map(Aside::as_str)])
        })
        .await
        .map(drop)
    }

    /// Stores the message with their file, and that nothing is left to do.
    pub async fn set_aside_sent(&self, id: JobId, message: MessageId) -> Result<(), Failure> {
        self.call(move |connection| {
            connection.execute(
                "UPDATE work SET subtitles = ?2, subtitles_message = ?3 WHERE job = ?1",
                params![id.0, Aside::Done.as_str(), message.0],
            )
        })
        .await
        .map(drop)
    }
}
