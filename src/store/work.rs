//! What the steps of a job have made so far, so that a restart goes on from there.
//!
//! In: results of steps. Out: the same. Must not: check that the files still exist (the pipeline does).

use rusqlite::params;

use super::{Store, from_json, to_json};
use crate::model::{CarriedBy, Failure, FetchedWhole, JobId, MessageId, Prepared, UploadIds, Uploaded, UserId};

/// The results that a job has stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// What was fetched, whole.
    pub fetched: Option<FetchedWhole>,
    /// What was prepared.
    pub prepared: Option<Prepared>,
    /// Where it was uploaded.
    pub uploaded: Option<Uploaded>,
    /// Numbers of the upload by a user account.
    pub numbers: Option<UploadIds>,
    /// Who carries the upload with these numbers.
    pub carried_by: Option<CarriedBy>,
    /// True once the message that carries the file may have been sent, answer or not.
    pub sending: bool,
    /// The message with the file in the person's chat.
    pub delivered: Option<MessageId>,
}

impl Store {
    /// What a job has stored.
    pub async fn work(&self, id: JobId) -> Result<Work, Failure> {
        self.call(move |connection| {
            connection.query_row(
                "SELECT fetched, prepared, uploaded, file_id, random_id, sending, delivered_message, lane, account, direct
                 FROM work WHERE job = ?1",
                [id.0],
                |row| {
                    let text = |index| row.get::<_, Option<String>>(index);
                    let numbers = match (row.get(3)?, row.get(4)?) {
                        (Some(file_id), Some(random_id)) => Some(UploadIds { file_id, random_id }),
                        _ => None,
                    };
                    let carried_by = match (text(7)?, row.get(8)?, &numbers) {
                        (Some(lane), Some(account), Some(_)) => {
                            Some(CarriedBy { lane: from_json(&lane)?, account: UserId(account), direct: row.get(9)? })
                        }
                        _ => None,
                    };
                    Ok(Work {
                        fetched: text(0)?.map(|text| from_json(&text)).transpose()?,
                        prepared: text(1)?.map(|text| from_json(&text)).transpose()?,
                        uploaded: text(2)?.map(|text| from_json(&text)).transpose()?,
                        numbers,
                        carried_by,
                        sending: row.get(5)?,
                        delivered: row.get::<_, Option<i32>>(6)?.map(MessageId),
                    })
                },
            )
        })
        .await
    }

    /// Stores what was fetched. An upload that runs beside the download keeps its numbers.
    pub async fn set_fetched(&self, id: JobId, fetched: &FetchedWhole) -> Result<(), Failure> {
        let fetched = fetched.clone();
        self.call(move |connection| connection.execute("UPDATE work SET fetched = ?2 WHERE job = ?1", params![id.0, to_json(&fetched)?]))
            .await
            .map(drop)
    }

    /// Stores what was prepared. An upload that runs beside keeps its numbers; see [`Store::forget_upload`].
    pub async fn set_prepared(&self, id: JobId, prepared: &Prepared) -> Result<(), Failure> {
        let prepared = prepared.clone();
        self.call(move |connection| connection.execute("UPDATE work SET prepared = ?2 WHERE job = ?1", params![id.0, to_json(&prepared)?]))
            .await
            .map(drop)
    }

    /// Stores where it was uploaded.
    pub async fn set_uploaded(&self, id: JobId, uploaded: &Uploaded) -> Result<(), Failure> {
        let uploaded = uploaded.clone();
        self.call(move |connection| {
            connection.execute("UPDATE work SET uploaded = ?2, sending = 0 WHERE job = ?1", params![id.0, to_json(&uploaded)?])
        })
        .await
        .map(drop)
    }

    /// Stores the numbers of an upload and who carries it: parts and messages belong to an account.
    pub async fn set_numbers(&self, id: JobId, numbers: UploadIds, by: CarriedBy) -> Result<(), Failure> {
        self.call(move |connection| {
            connection.execute(
                "UPDATE work SET file_id = ?2, random_id = ?3, lane = ?4, account = ?5, direct = ?6 WHERE job = ?1",
                params![id.0, numbers.file_id, numbers.random_id, to_json(&by.lane)?, by.account.0, by.direct],
            )
        })
        .await
        .map(drop)
    }

    /// Forgets an upload that was begun: something else goes up, or from another account.
    pub async fn forget_upload(&self, id: JobId) -> Result<(), Failure> {
        self.call(move |connection| {
            connection.execute(
                "UPDATE work SET uploaded = NULL, file_id = NULL, random_id = NULL, sending = 0,
                 subtitles = NULL WHERE job = ?1",
                [id.0],
            )
        })
        .await
        .map(drop)
    }

    /// Notes that the bot itself may send the file from now on; numbers of an earlier try by another way are forgotten, so that a doubt is
    /// looked into where the file would be.
    pub async fn begin_sending_by_bot(&self, id: JobId) -> Result<(), Failure> {
        self.call(move |connection| {
            connection.execute("UPDATE work SET sending = 1, file_id = NULL, random_id = NULL WHERE job = ?1", [id.0])
        })
        .await
        .map(drop)
    }

    /// Notes that the message may be sent from now on, or that it surely was not.
    pub async fn set_sending(&self, id: JobId, sending: bool) -> Result<(), Failure> {
        self.call(move |connection| connection.execute("UPDATE work SET sending = ?2 WHERE job = ?1", params![id.0, sending]))
            .await
            .map(drop)
    }

    /// Stores the message that brought the file to the person.
    pub async fn set_delivered(&self, id: JobId, message: MessageId) -> Result<(), Failure> {
        self.call(move |connection| {
            connection.execute("UPDATE work SET delivered_message = ?2, sending = 0 WHERE job = ?1", params![id.0, message.0])
        })
        .await
        .map(drop)
    }

    /// Forgets all results of a job: it begins at the fetch again.
    pub async fn forget_work(&self, id: JobId) -> Result<(), Failure> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "UPDATE work SET fetched = NULL, prepared = NULL, uploaded = NULL, file_id = NULL, random_id = NULL, sending = 0 WHERE job = ?1",
                [id.0],
            )?;
            transaction.execute("DELETE FROM pieces WHERE job = ?1", [id.0])?;
            transaction.commit()
        })
        .await
    }

    /// Messages in a chat that are known to be ours and are no in-doubt delivery: status messages and delivered files.
    pub async fn known_messages(&self, chat: crate::model::ChatId) -> Result<Vec<MessageId>, Failure> {
        self.call(move |connection| {
            connection
                .prepare(
                    "SELECT status_message FROM jobs WHERE chat = ?1 AND status_message IS NOT NULL
                     UNION SELECT delivered_message FROM jobs JOIN work ON work.job = jobs.id
                     WHERE chat = ?1 AND delivered_message IS NOT NULL
                     UNION SELECT subtitles_message FROM jobs JOIN work ON work.job = jobs.id
                     WHERE chat = ?1 AND subtitles_message IS NOT NULL
                     UNION SELECT message FROM delivered_pieces JOIN jobs ON jobs.id = delivered_pieces.job WHERE chat = ?1",
                )?
                .query_map([chat.0], |row| row.get(0).map(MessageId))?
                .collect()
        })
        .await
    }
}
