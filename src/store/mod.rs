//! SQLite: the only place with SQL.
//!
//! In: plain values of the model. Out: the same, after a restart too. Must not: hold a transaction open during work, or know the steps.

mod accounts;
mod contents;
mod jobs;
mod lease;
mod parts;
mod pieces;
mod subtitles;
mod work;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite_migration::{M, Migrations};
use tokio_rusqlite::Connection;

use crate::model::Failure;

pub use accounts::SentInHour;
pub use contents::{Content, ContentKey};
pub use jobs::JobProgress;
pub use lease::{Kind, Leased};
pub use parts::{BegunUpload, StoredPart, UploadTarget};
pub use pieces::StoredPiece;
pub use subtitles::Aside;
pub use work::Work;

const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001_jobs.sql")),
    M::up(include_str!("migrations/0002_tracks.sql")),
    M::up(include_str!("migrations/0003_parts.sql")),
    M::up(include_str!("migrations/0004_accounts.sql")),
    M::up(include_str!("migrations/0005_pieces.sql")),
    M::up(include_str!("migrations/0006_subtitles.sql")),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// The database. Cheap to clone; all calls go through one thread of its own.
#[derive(Clone, Debug)]
pub struct Store {
    connection: Connection,
}

impl Store {
    /// Opens the database file, makes it and its folder if they are missing, and brings it to the newest schema.
    pub async fn open(path: &Path) -> anyhow::Result<Self> {
        use anyhow::Context;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        }
        let connection = Connection::open(path).await.with_context(|| format!("opening the database {}", path.display()))?;
        let store = Self { connection };
        store
            .connection
            .call(|connection| {
                connection.busy_timeout(std::time::Duration::from_secs(10))?;
                connection.pragma_update(None, "journal_mode", "WAL")?;
                connection.pragma_update(None, "synchronous", "FULL")?; // "Accepted" must survive a power cut.
                connection.pragma_update(None, "foreign_keys", true)?;
                MIGRATIONS.to_latest(connection).map_err(anyhow::Error::from)
            })
            .await
            .map_err(|error| anyhow::anyhow!("preparing the database {}: {error}", path.display()))?;
        Ok(store)
    }

    async fn call<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.connection.call(work).await.map_err(|error| Failure::internal(anyhow::Error::new(error).context("database")))
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as i64)
}

fn to_json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(bad_column)
}

fn bad_column(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
}

#[cfg(test)]
mod tests;
