//! What an earlier attempt of the same job left in its folder.
//!
//! In: the folder, and what the bytes are of. Out: how many good bytes lie there, of which version. Must not: trust bytes whose version can't be
//! checked, or a file's length once bytes were written out of order.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::fs;
use tokio::sync::Mutex;

use super::answer::Validator;
use crate::fetch::workspace::disk_failure;
use crate::model::Failure;

/// A file that is being fetched, and the note beside it that says of which version it is. Their names never come from outside.
#[derive(Clone, Debug)]
pub(super) struct Place {
    body: PathBuf,
    note: PathBuf,
}

/// The beginning of a file that was fetched before.
#[derive(Debug)]
pub(super) struct Partial {
    /// Bytes that lie in the file without a gap.
    pub(super) ready_bytes: u64,
    /// Of which version.
    pub(super) validator: Validator,
}

/// The note of a download under way.
#[derive(Debug)]
pub(super) struct Record {
    place: Place,
    content: String,
    validator: Validator,
    appended_bytes: Mutex<Option<u64>>,
}

#[derive(Serialize, Deserialize)]
struct Note {
    /// What the bytes are of, the same in every attempt: a link, or a stream of it.
    content: String,
    validator: Validator,
    /// Good bytes from the start on, if the file has holes behind them; otherwise all of its length is good.
    appended_bytes: Option<u64>,
}

impl Place {
    /// The files in `folder` that begin with `stem`.
    pub(super) fn new(folder: &Path, stem: &str) -> Self {
        Self { body: folder.join(format!("{stem}.bin")), note: folder.join(format!("{stem}.json")) }
    }

    /// Where the bytes go.
    pub(super) fn body(&self) -> &Path {
        &self.body
    }

    /// What is there of this content and can be checked against the server's present version.
    pub(super) async fn find(&self, content: &str) -> Option<Partial> {
        let note: Note = serde_json::from_slice(&fs::read(&self.note).await.ok()?).ok()?;
        let length = fs::metadata(&self.body).await.ok()?.len();
        let ready_bytes = note.appended_bytes.map_or(length, |appended_bytes| appended_bytes.min(length));
        (note.content == content && ready_bytes > 0 && note.validator.if_range().is_some())
            .then_some(Partial { ready_bytes, validator: note.validator })
    }

    /// Writes down which version the bytes are of, before the first of them.
    pub(super) async fn begin(self, content: &str, validator: &Validator) -> Result<Record, Failure> {
        let record = Record { place: self, content: content.to_owned(), validator: validator.clone(), appended_bytes: Mutex::new(None) };
        record.write(None).await?;
        Ok(record)
    }
}

impl Record {
    /// From now on bytes come out of order; `appended_bytes` are good from the start on.
    pub(super) async fn holes_begin(&self, appended_bytes: u64) -> Result<(), Failure> {
        let mut noted = self.appended_bytes.lock().await;
        if noted.is_none() {
            self.write(Some(appended_bytes)).await?;
            *noted = Some(appended_bytes);
        }
        Ok(())
    }

    /// So many bytes are good now from the start on. Written down only where the file's length does not say it, and every `step_bytes`.
    pub(super) async fn appended(&self, appended_bytes: u64, step_bytes: u64) -> Result<(), Failure> {
        let mut noted = self.appended_bytes.lock().await;
        if noted.is_some_and(|noted_bytes| appended_bytes >= noted_bytes + step_bytes) {
            self.write(Some(appended_bytes)).await?;
            *noted = Some(appended_bytes);
        }
        Ok(())
    }

    /// The file has no holes any more.
    pub(super) async fn whole(&self) -> Result<(), Failure> {
        let mut noted = self.appended_bytes.lock().await;
        if noted.take().is_some() {
            self.write(None).await?;
        }
        Ok(())
    }

    /// At no moment is there half a note.
    async fn write(&self, appended_bytes: Option<u64>) -> Result<(), Failure> {
        let note = Note { content: self.content.clone(), validator: self.validator.clone(), appended_bytes };
        let bytes = serde_json::to_vec(&note).map_err(Failure::internal)?;
        let fresh = self.place.note.with_extension("json.new");
        let written = async {
            fs::write(&fresh, bytes).await?;
            fs::rename(&fresh, &self.place.note).await
        };
        written.await.map_err(|error| disk_failure(error, "write the note of the download"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_bytes_of_this_content_with_a_strong_validator_count() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path(), "download");
        let strong = Validator { etag: Some("\"1\"".into()), last_modified: None };
        assert!(place.find("a").await.is_none());
        place.clone().begin("a", &strong).await.unwrap();
        assert!(place.find("a").await.is_none(), "no bytes yet");
        fs::write(place.body(), b"12345").await.unwrap();
        let partial = place.find("a").await.unwrap();
        assert_eq!((partial.ready_bytes, partial.validator), (5, strong));
        assert!(place.find("b").await.is_none(), "other content");
        place.clone().begin("a", &Validator { etag: Some("W/\"1\"".into()), last_modified: None }).await.unwrap();
        assert!(place.find("a").await.is_none(), "a weak validator");
        fs::write(&place.note, b"{").await.unwrap();
        assert!(place.find("a").await.is_none(), "a damaged note");
    }

    #[tokio::test]
    async fn holes_are_not_taken_for_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path(), "download");
        let validator = Validator { etag: Some("\"1\"".into()), last_modified: None };
        let record = place.clone().begin("a", &validator).await.unwrap();
        fs::write(place.body(), vec![0; 100]).await.unwrap();
        let ready = async || place.find("a").await.unwrap().ready_bytes;
        record.appended(20, 1).await.unwrap();
        assert_eq!(ready().await, 100, "without holes the length says it");
        record.holes_begin(30).await.unwrap();
        record.holes_begin(99).await.unwrap();
        assert_eq!(ready().await, 30);
        record.appended(39, 10).await.unwrap();
        assert_eq!(ready().await, 30, "not worth a note yet");
        record.appended(40, 10).await.unwrap();
        assert_eq!(ready().await, 40);
        record.whole().await.unwrap();
        assert_eq!(ready().await, 100);
    }
}
