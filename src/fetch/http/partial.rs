//! What an earlier attempt of the same job left in its folder.
//!
//! In: the folder and the link. Out: how many good bytes lie there, of which version. Must not: trust bytes whose version can't be checked.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::fs;

use super::answer::Validator;
use crate::fetch::workspace::disk_failure;
use crate::model::{Failure, Link};

/// The file with the bytes. Its name never comes from outside.
const BODY: &str = "download.bin";

/// The note beside it that says of which version they are.
const NOTE: &str = "download.json";

/// The beginning of a file that was fetched before.
#[derive(Debug)]
pub(super) struct Partial {
    /// Bytes that lie in the file.
    pub(super) ready_bytes: u64,
    /// Of which version.
    pub(super) validator: Validator,
}

#[derive(Serialize, Deserialize)]
struct Note {
    link: Link,
    validator: Validator,
}

/// Where the bytes go.
pub(super) fn body_path(folder: &Path) -> PathBuf {
    folder.join(BODY)
}

/// What is there of this link and can be checked against the server's present version.
pub(super) async fn find(folder: &Path, link: &Link) -> Option<Partial> {
    let note: Note = serde_json::from_slice(&fs::read(folder.join(NOTE)).await.ok()?).ok()?;
    let ready_bytes = fs::metadata(body_path(folder)).await.ok()?.len();
    (note.link == *link && ready_bytes > 0 && note.validator.if_range().is_some())
        .then_some(Partial { ready_bytes, validator: note.validator })
}

/// Writes down which version the bytes are of, before the first of them.
pub(super) async fn note(folder: &Path, link: &Link, validator: &Validator) -> Result<(), Failure> {
    let note = Note { link: link.clone(), validator: validator.clone() };
    let bytes = serde_json::to_vec(&note).map_err(Failure::internal)?;
    fs::write(folder.join(NOTE), bytes).await.map_err(|error| disk_failure(error, "write the note of the download"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_bytes_of_this_link_with_a_strong_validator_count() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let link = Link::parse("http://a.org/a").unwrap();
        let strong = Validator { etag: Some("\"1\"".into()), last_modified: None };
        assert!(find(folder, &link).await.is_none());
        note(folder, &link, &strong).await.unwrap();
        assert!(find(folder, &link).await.is_none(), "no bytes yet");
        fs::write(body_path(folder), b"12345").await.unwrap();
        let partial = find(folder, &link).await.unwrap();
        assert_eq!((partial.ready_bytes, partial.validator), (5, strong));
        assert!(find(folder, &Link::parse("http://a.org/b").unwrap()).await.is_none(), "another link");
        note(folder, &link, &Validator { etag: Some("W/\"1\"".into()), last_modified: None }).await.unwrap();
        assert!(find(folder, &link).await.is_none(), "a weak validator");
        fs::write(folder.join(NOTE), b"{").await.unwrap();
        assert!(find(folder, &link).await.is_none(), "a damaged note");
    }
}
