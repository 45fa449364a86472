//! Which parts of an upload lie at Telegram, so that a restart sends only those that are missing.
//!
//! In: parts as Telegram stores them, in batches. Out: the parts of an upload that goes on. Must not: know what a part holds, or trust that
//! Telegram still has it. Rows go when the job ends or its upload is forgotten; triggers of the migration see to that.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};

use super::{Store, now_ms};
use crate::model::{Failure, JobId};

/// Where parts go. Parts of another account, data centre, size or way can't be used together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadTarget {
    /// The job.
    pub job: JobId,
    /// Name of the account's session.
    pub session: String,
    /// Number of the data centre that the parts lie in.
    pub dc_id: i32,
    /// Size of every part but the last, in bytes.
    pub part_bytes: u64,
    /// True for `upload.saveBigFilePart`.
    pub big: bool,
}

/// An upload that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunUpload {
    /// Where its parts lie.
    pub target: UploadTarget,
    /// Number of the file at Telegram.
    pub file_id: i64,
    /// When it began, in milliseconds since 1970.
    pub begun_ms: i64,
    /// When a part of it was last stored, in milliseconds since 1970.
    pub touched_ms: i64,
}

/// A part that Telegram has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// Its number, from 0.
    pub part: u64,
    /// Hash of its bytes (XXH3, 64 bits): it is good for the same bytes only.
    pub hash: u64,
}

impl Store {
    /// The upload that a job has begun, if it has.
    pub async fn upload_of(&self, job: JobId) -> Result<Option<BegunUpload>, Failure> {
        self.call(move |connection| begun(connection, job)).await
    }

    /// Goes on with an upload, if what is stored of the job goes to the same target: says its number and its stored parts with their hashes.
    /// Otherwise what is stored is forgotten and one begins: with `file_id` if it is the job's first, else with a new number.
    pub async fn begin_upload(&self, target: &UploadTarget, file_id: i64) -> Result<(i64, HashMap<u64, u64>), Failure> {
        let target = target.clone();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let before = begun(&transaction, target.job)?;
            if let Some(before) = before.as_ref().filter(|before| before.target == target) {
                let parts = stored_parts(&transaction, target.job)?;
                return Ok((before.file_id, parts));
            }
            let file_id = if before.is_some() { rand::random() } else { file_id };
            transaction.execute("DELETE FROM uploads WHERE job = ?1", [target.job.0])?;
            insert(&transaction, &target, file_id)?;
            transaction.commit()?;
            Ok((file_id, HashMap::new()))
        })
        .await
    }

    /// Begins an upload with a new number, whatever was stored before; says the number.
    pub async fn begin_upload_anew(&self, target: &UploadTarget) -> Result<i64, Failure> {
        let target = target.clone();
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let file_id = rand::random();
            transaction.execute("DELETE FROM uploads WHERE job = ?1", [target.job.0])?;
            insert(&transaction, &target, file_id)?;
            transaction.commit()?;
            Ok(file_id)
        })
        .await
    }

    /// Notes stored parts of the upload with this number, in one transaction; nothing happens if that upload is no more.
    pub async fn add_stored_parts(&self, job: JobId, file_id: i64, parts: Vec<StoredPart>) -> Result<(), Failure> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let now_ms = now_ms();
            let touched = transaction
                .execute("UPDATE uploads SET touched_ms = ?3 WHERE job = ?1 AND file_id = ?2", params![job.0, file_id, now_ms])?;
            if touched > 0 {
                let sql = "INSERT OR REPLACE INTO stored_parts (job, part, hash, stored_ms) VALUES (?1, ?2, ?3, ?4)";
                let mut statement = transaction.prepare_cached(sql)?;
                for stored in &parts {
                    statement.execute(params![job.0, stored.part as i64, stored.hash.cast_signed(), now_ms])?;
                }
            }
            transaction.commit()
        })
        .await
    }
}

fn begun(connection: &rusqlite::Connection, job: JobId) -> rusqlite::Result<Option<BegunUpload>> {
    let sql = "SELECT session, dc, part_bytes, big, file_id, begun_ms, touched_ms FROM uploads WHERE job = ?1";
    let row = connection.query_row(sql, [job.0], |row| {
        let part_bytes = row.get::<_, i64>(2)?.cast_unsigned();
        let target = UploadTarget { job, session: row.get(0)?, dc_id: row.get(1)?, part_bytes, big: row.get(3)? };
        Ok(BegunUpload { target, file_id: row.get(4)?, begun_ms: row.get(5)?, touched_ms: row.get(6)? })
    });
    row.optional()
}

fn stored_parts(connection: &rusqlite::Connection, job: JobId) -> rusqlite::Result<HashMap<u64, u64>> {
    let mut statement = connection.prepare("SELECT part, hash FROM stored_parts WHERE job = ?1")?;
    let number = |row: &rusqlite::Row<'_>, index| row.get::<_, i64>(index).map(i64::cast_unsigned);
    statement.query_map([job.0], |row| Ok((number(row, 0)?, number(row, 1)?)))?.collect()
}

fn insert(connection: &rusqlite::Connection, target: &UploadTarget, file_id: i64) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO uploads (job, session, dc, file_id, part_bytes, big, begun_ms, touched_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        params![target.job.0, target.session, target.dc_id, file_id, target.part_bytes.cast_signed(), target.big, now_ms()],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CarriedBy, ChatId, Choice, Lane, Link, NewJob, Stage, UploadIds, UserId};

    async fn store() -> (Store, JobId, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("t.db")).await.unwrap();
        let job = NewJob {
            user: UserId(1),
            chat: ChatId(1),
            request_message: None,
            link: Link::parse("https://a.org/x").unwrap(),
            choice: Some(Choice::Video),
            subtitles: None,
            language: "en".into(),
        };
        let job = store.accept(vec![job]).await.unwrap()[0];
        (store, job, folder)
    }

    fn target(job: JobId) -> UploadTarget {
        UploadTarget { job, session: "main".into(), dc_id: 2, part_bytes: 512 * 1024, big: true }
    }

    fn parts(numbers: &[u64]) -> Vec<StoredPart> {
        numbers.iter().map(|&part| StoredPart { part, hash: u64::MAX - part }).collect()
    }

    #[tokio::test]
    async fn an_upload_to_the_same_place_goes_on() {
        let (store, job, _folder) = store().await;
        assert_eq!(store.upload_of(job).await.unwrap(), None);
        assert_eq!(store.begin_upload(&target(job), 7).await.unwrap(), (7, HashMap::new()));
        store.add_stored_parts(job, 7, parts(&[0, 5])).await.unwrap();
        store.add_stored_parts(job, 7, parts(&[5, 6])).await.unwrap();
        store.add_stored_parts(job, 8, parts(&[9])).await.unwrap();
        let stored: HashMap<u64, u64> = [0, 5, 6].map(|part| (part, u64::MAX - part)).into();
        assert_eq!(store.begin_upload(&target(job), 99).await.unwrap(), (7, stored));
        let begun = store.upload_of(job).await.unwrap().unwrap();
        assert_eq!((begun.file_id, &begun.target), (7, &target(job)));
        assert!(begun.touched_ms >= begun.begun_ms);
    }

    #[tokio::test]
    async fn another_account_data_centre_or_way_begins_with_a_new_number() {
        let (store, job, _folder) = store().await;
        let others = [
            UploadTarget { session: "other".into(), ..target(job) },
            UploadTarget { dc_id: 4, ..target(job) },
            UploadTarget { big: false, ..target(job) },
            UploadTarget { part_bytes: 1024, ..target(job) },
        ];
        let mut before = store.begin_upload(&target(job), 7).await.unwrap().0;
        for other in others {
            store.add_stored_parts(job, before, parts(&[1])).await.unwrap();
            let (file_id, parts) = store.begin_upload(&other, 7).await.unwrap();
            assert!(file_id != before && parts.is_empty(), "{other:?}");
            before = file_id;
        }
        let last = store.upload_of(job).await.unwrap().unwrap().target;
        let anew = store.begin_upload_anew(&last).await.unwrap();
        assert_ne!(anew, before);
        assert_eq!(store.begin_upload(&last, 7).await.unwrap(), (anew, HashMap::new()));
    }

    #[tokio::test]
    async fn parts_are_forgotten_with_their_upload_and_their_job() {
        let (store, job, _folder) = store().await;
        let has_parts = || async { store.upload_of(job).await.unwrap().is_some() };
        for way in 0..4 {
            let by = CarriedBy { lane: Lane::UserAccount, account: UserId(5), direct: false };
            store.set_numbers(job, UploadIds { file_id: 7, random_id: 8 }, by).await.unwrap();
            store.begin_upload(&target(job), 7).await.unwrap();
            store.add_stored_parts(job, 7, parts(&[1])).await.unwrap();
            store.advance(job, Stage::Upload).await.unwrap();
            assert!(has_parts().await);
            match way {
                0 => store.forget_upload(job).await.unwrap(),
                1 => store.forget_work(job).await.unwrap(),
                2 => store.begin_sending_by_bot(job).await.unwrap(),
                _ => store.end(job, Stage::Done, None).await.unwrap(),
            }
            assert!(!has_parts().await, "{way}");
        }
        store.add_stored_parts(job, 7, parts(&[2])).await.unwrap();
        assert!(!has_parts().await, "a batch that comes late");
    }
}
