//! Pieces of a content that one message can't hold: what was cut, what is at Telegram, what is with the person.
//!
//! In: results of steps. Out: the same. Must not: check that the files still exist (the pipeline does).

use rusqlite::params;

use super::{Store, from_json, to_json};
use crate::model::{Failure, JobId, MessageId, Piece, Prepared, Uploaded};

/// A piece of a job's content.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPiece {
    /// Which.
    pub piece: Piece,
    /// What it is; its file is gone once it is uploaded.
    pub prepared: Prepared,
    /// Where it is, once it is at Telegram.
    pub uploaded: Option<Uploaded>,
}

impl Store {
    /// Stores what a content was cut into, in place of what was there; an upload of the whole that was begun is forgotten.
    pub async fn set_pieces(&self, job: JobId, pieces: &[Prepared]) -> Result<(), Failure> {
        let pieces = pieces.iter().map(to_json).collect::<Result<Vec<_>, _>>().map_err(Failure::internal)?;
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM pieces WHERE job = ?1", [job.0])?;
            for (number, prepared) in (1_u32..).zip(&pieces) {
                transaction.execute("INSERT INTO pieces (job, number, prepared) VALUES (?1, ?2, ?3)", params![job.0, number, prepared])?;
            }
            forget_numbers(&transaction, job)?;
            transaction.commit()
        })
        .await
    }

    /// The pieces of a job, in order; none if its content was not cut.
    pub async fn pieces(&self, job: JobId) -> Result<Vec<StoredPiece>, Failure> {
        let pieces = self.call(move |connection| {
            let mut statement = connection.prepare("SELECT number, prepared, uploaded FROM pieces WHERE job = ?1 ORDER BY number")?;
            let rows = statement.query_map([job.0], |row| {
                let (prepared, uploaded): (String, Option<String>) = (row.get(1)?, row.get(2)?);
                Ok(StoredPiece {
                    piece: Piece { number: row.get(0)?, of: 0 },
                    prepared: from_json(&prepared)?,
                    uploaded: uploaded.map(|uploaded| from_json(&uploaded)).transpose()?,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        });
        let mut pieces = pieces.await?;
        let of = pieces.len() as u32;
        pieces.iter_mut().for_each(|stored| stored.piece.of = of);
        Ok(pieces)
    }

    /// Stores where a piece is, and the message with it if the upload was the delivery; the numbers of its upload are forgotten, for the next one
    /// draws its own.
    pub async fn set_piece_uploaded(
        &self,
        job: JobId,
        piece: Piece,
        uploaded: &Uploaded,
        delivered: Option<MessageId>,
    ) -> Result<(), Failure> {
        let uploaded = to_json(uploaded).map_err(Failure::internal)?;
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction
                .execute("UPDATE pieces SET uploaded = ?3 WHERE job = ?1 AND number = ?2", params![job.0, piece.number, uploaded])?;
            if let Some(message) = delivered {
                note_delivered(&transaction, job, piece, message)?;
            }
            forget_numbers(&transaction, job)?;
            transaction.commit()
        })
        .await
    }

    /// Stores that these pieces are with the person, all at once; there is no doubt about them any more.
    pub async fn set_pieces_delivered(&self, job: JobId, delivered: Vec<(Piece, MessageId)>) -> Result<(), Failure> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            for (piece, message) in delivered {
                note_delivered(&transaction, job, piece, message)?;
            }
            transaction.execute("UPDATE work SET sending = 0 WHERE job = ?1", [job.0])?;
            transaction.commit()
        })
        .await
    }

    /// The message that brought a piece to the person, if one did. Pieces of another cut of the same content are others.
    pub async fn piece_delivered(&self, job: JobId, piece: Piece) -> Result<Option<MessageId>, Failure> {
        self.call(move |connection| {
            let mut statement = connection.prepare("SELECT message FROM delivered_pieces WHERE job = ?1 AND number = ?2 AND count = ?3")?;
            let mut rows = statement.query_map(params![job.0, piece.number, piece.of], |row| row.get(0).map(MessageId))?;
            rows.next().transpose()
        })
        .await
    }
}

fn note_delivered(connection: &rusqlite::Connection, job: JobId, piece: Piece, message: MessageId) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO delivered_pieces (job, number, count, message) VALUES (?1, ?2, ?3, ?4)";
    connection.execute(sql, params![job.0, piece.number, piece.of, message.0]).map(drop)
}

fn forget_numbers(connection: &rusqlite::Connection, job: JobId) -> rusqlite::Result<()> {
    connection.execute("UPDATE work SET file_id = NULL, random_id = NULL, sending = 0 WHERE job = ?1", [job.0]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CarriedBy, ChatId, Choice, Lane, Link, MediaKind, NewJob, RelayMessage, UploadIds, UserId};

    fn prepared(name: &str) -> Prepared {
        Prepared {
            kind: MediaKind::Video,
            path: name.into(),
            size_bytes: 5,
            file_name: name.into(),
            mime: "video/mp4".into(),
            duration_s: 1,
            width: 2,
            height: 2,
            thumbnail: None,
            title: None,
            performer: None,
        }
    }

    #[tokio::test]
    async fn pieces_go_up_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("t.db")).await.unwrap();
        let new = NewJob {
            user: UserId(1),
            chat: ChatId(1),
            request_message: None,
            link: Link::parse("https://a.org/x").unwrap(),
            choice: Some(Choice::Pieces),
            subtitles: None,
            language: "en".into(),
        };
        let job = store.accept(vec![new]).await.unwrap()[0];
        assert_eq!(store.pieces(job).await.unwrap(), []);
        store.set_pieces(job, &[prepared("a"), prepared("b")]).await.unwrap();
        let by = CarriedBy { lane: Lane::UserAccount, account: UserId(5), direct: false };
        store.set_numbers(job, UploadIds { file_id: 7, random_id: 8 }, by).await.unwrap();
        store.set_sending(job, true).await.unwrap();

        let (first, second) = (Piece { number: 1, of: 2 }, Piece { number: 2, of: 2 });
        let relay = Uploaded::InRelay(RelayMessage { channel: ChatId(-100), message: MessageId(3) });
        store.set_piece_uploaded(job, first, &relay, None).await.unwrap();
        let work = store.work(job).await.unwrap();
        assert!(work.numbers.is_none() && !work.sending, "the next piece draws numbers of its own");
        let pieces = store.pieces(job).await.unwrap();
        assert_eq!(pieces.iter().map(|stored| stored.piece).collect::<Vec<_>>(), [first, second]);
        assert_eq!((pieces[0].uploaded.clone(), &pieces[1].uploaded), (Some(relay), &None));

        let in_chat = Uploaded::InChat { message: MessageId(11), file_id: "f".into() };
        store.set_piece_uploaded(job, second, &in_chat, Some(MessageId(11))).await.unwrap();
        store.set_pieces_delivered(job, vec![(first, MessageId(12))]).await.unwrap();
        assert_eq!(store.piece_delivered(job, first).await.unwrap(), Some(MessageId(12)));
        assert_eq!(store.piece_delivered(job, Piece { number: 1, of: 3 }).await.unwrap(), None, "another cut");
        let mut known = store.known_messages(ChatId(1)).await.unwrap();
        known.sort();
        assert_eq!(known, [MessageId(11), MessageId(12)]);

        store.forget_work(job).await.unwrap();
        assert_eq!(store.pieces(job).await.unwrap(), []);
        assert_eq!(store.piece_delivered(job, second).await.unwrap(), Some(MessageId(11)), "what a person has is not forgotten");
    }
}
