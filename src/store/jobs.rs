//! The jobs table: accept, read, choose, cancel, end.
//!
//! In: [`NewJob`] and wishes of people. Out: [`Job`]. Must not: lease (see `lease.rs`).

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::{Store, bad_column, from_json, now_ms, to_json};
use crate::model::{ChatId, Choice, Failure, Job, JobId, Link, MessageId, NewJob, Reason, SourceCard, Stage, SubtitleChoice, UserId};

pub(super) const COLUMNS: &str =
    "id, user, chat, request_message, status_message, link, choice, language, stage, title, attempts, subtitles";

/// Progress as another process sees it: the step's name, and thousandths if the whole is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProgress {
    /// Name of the step in lower case, e.g. `fetching`.
    pub step: String,
    /// 0 to 1000.
    pub permille: Option<u32>,
}

impl Store {
    /// Accepts jobs, all or none. What was accepted before (the same link in the same message) is not accepted again.
    /// A job whose choice is known goes straight to the fetch.
    pub async fn accept(&self, jobs: Vec<NewJob>) -> Result<Vec<JobId>, Failure> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            let mut accepted = Vec::new();
            for job in jobs {
                let stage = if job.choice.is_some() { Stage::Fetch } else { Stage::Inspect };
                let id = transaction
                    .query_row(
                        "INSERT INTO jobs (user, chat, request_message, link, choice, language, stage, created_ms, updated_ms, subtitles)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9) ON CONFLICT DO NOTHING RETURNING id",
                        params![
                            job.user.0,
                            job.chat.0,
                            job.request_message.map(|message| message.0),
                            job.link.as_str(),
                            job.choice.map(Choice::as_str),
                            job.language,
                            stage.as_str(),
                            now_ms(),
                            job.subtitles.as_ref().map(SubtitleChoice::to_string)
                        ],
                        |row| row.get(0),
                    )
                    .optional()?;
                if let Some(id) = id {
                    transaction.execute("INSERT INTO work (job) VALUES (?1)", [id])?;
                    accepted.push(JobId(id));
                }
            }
            transaction.commit()?;
            Ok(accepted)
        })
        .await
    }

    /// One job.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, Failure> {
        self.call(move |connection| connection.query_row(&format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1"), [id.0], read_job).optional())
            .await
    }

    /// The unfinished jobs of a person, oldest first.
    pub async fn unfinished(&self, user: UserId) -> Result<Vec<Job>, Failure> {
        self.call(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM jobs WHERE user = ?1 AND stage NOT IN ('done', 'failed', 'cancelled') ORDER BY id");
            connection.prepare_cached(&sql)?.query_map([user.0], read_job)?.collect()
        })
        .await
    }

    /// The ids of all unfinished jobs: whose folders must be kept.
    pub async fn unfinished_ids(&self) -> Result<Vec<JobId>, Failure> {
        self.call(|connection| {
            connection
                .prepare("SELECT id FROM jobs WHERE stage NOT IN ('done', 'failed', 'cancelled')")?
                .query_map([], |row| row.get(0).map(JobId))?
                .collect()
        })
        .await
    }

    /// Stores the choice if there is none yet; says whether it did. A press may come before the card's own message is stored: the choice
    /// then waits for [`Store::card_sent`].
    pub async fn choose(&self, id: JobId, choice: Choice, subtitles: Option<&SubtitleChoice>) -> Result<bool, Failure> {
        let subtitles = subtitles.map(SubtitleChoice::to_string);
        self.call(move |connection| {
            let changed = connection.execute(
                "UPDATE jobs SET choice = ?2, subtitles = ?4, stage = CASE stage WHEN 'choose' THEN 'fetch' ELSE stage END,
                 attempts = 0, not_before_ms = 0, updated_ms = ?3
                 WHERE id = ?1 AND choice IS NULL AND stage IN ('inspect', 'choose')",
                params![id.0, choice.as_str(), now_ms(), subtitles],
            )?;
            Ok(changed == 1)
        })
        .await
    }

    /// Stores the card's message; the job then waits for its choice, or goes on if that was made already.
    pub async fn card_sent(&self, id: JobId, message: MessageId) -> Result<(), Failure> {
        self.call(move |connection| {
            connection.execute(
                "UPDATE jobs SET status_message = ?2, stage = CASE WHEN choice IS NULL THEN 'choose' ELSE 'fetch' END,
                 attempts = 0, not_before_ms = 0, updated_ms = ?3 WHERE id = ?1",
                params![id.0, message.0, now_ms()],
            )
        })
        .await
        .map(drop)
    }

    /// Notes the wish to cancel; says whether the job was still unfinished.
    pub async fn want_cancel(&self, id: JobId) -> Result<bool, Failure> {
        self.call(move |connection| {
            let changed = connection.execute(
                "UPDATE jobs SET cancel_wanted = 1, not_before_ms = 0, updated_ms = ?2
                 WHERE id = ?1 AND stage NOT IN ('done', 'failed', 'cancelled')",
                params![id.0, now_ms()],
            )?;
            Ok(changed == 1)
        })
        .await
    }

    /// True if the person wants it cancelled.
    pub async fn cancel_wanted(&self, id: JobId) -> Result<bool, Failure> {
        self.call(move |connection| {
            connection.query_row("SELECT cancel_wanted FROM jobs WHERE id = ?1", [id.0], |row| row.get(0)).optional()
        })
        .await
        .map(|wanted| wanted.unwrap_or(false))
    }

    /// Stores the message that is edited until there is a card.
    pub async fn set_status_message(&self, id: JobId, message: MessageId) -> Result<(), Failure> {
        self.call(move |connection| connection.execute("UPDATE jobs SET status_message = ?2 WHERE id = ?1", params![id.0, message.0]))
            .await
            .map(drop)
    }

    /// Stores the title for people.
    pub async fn set_title(&self, id: JobId, title: String) -> Result<(), Failure> {
        self.call(move |connection| connection.execute("UPDATE jobs SET title = ?2 WHERE id = ?1", params![id.0, title])).await.map(drop)
    }

    /// Stores how far a job is, for other processes to show.
    pub async fn set_progress(&self, id: JobId, progress: JobProgress) -> Result<(), Failure> {
        self.call(move |connection| connection.execute("UPDATE jobs SET progress = ?2 WHERE id = ?1", params![id.0, to_json(&progress)?]))
            .await
            .map(drop)
    }

    /// What [`Store::set_progress`] stored last.
    pub async fn progress(&self, id: JobId) -> Result<Option<JobProgress>, Failure> {
        self.call(move |connection| {
            let text: Option<Option<String>> =
                connection.query_row("SELECT progress FROM jobs WHERE id = ?1", [id.0], |row| row.get(0)).optional()?;
            text.flatten().map(|text| from_json(&text)).transpose()
        })
        .await
    }

    /// Why a job failed.
    pub async fn failure(&self, id: JobId) -> Result<Option<Reason>, Failure> {
        self.call(move |connection| {
            let text: Option<Option<String>> =
                connection.query_row("SELECT failure FROM jobs WHERE id = ?1", [id.0], |row| row.get(0)).optional()?;
            text.flatten().map(|text| from_json(&text)).transpose()
        })
        .await
    }

    /// Ends the jobs whose cards were not answered since `before_ms`; says which.
    pub async fn expire_cards(&self, before_ms: i64) -> Result<Vec<JobId>, Failure> {
        self.call(move |connection| {
            connection
                .prepare("UPDATE jobs SET stage = 'cancelled', updated_ms = ?2 WHERE stage = 'choose' AND updated_ms < ?1 RETURNING id")?
                .query_map(params![before_ms, now_ms()], |row| row.get(0).map(JobId))?
                .collect()
        })
        .await
    }

    /// Keeps a card for later requests of the same link.
    pub async fn put_card(&self, link: &Link, card: SourceCard) -> Result<(), Failure> {
        let link = link.as_str().to_owned();
        self.call(move |connection| {
            connection.execute(
                "INSERT INTO cards (link, card, created_ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT (link) DO UPDATE SET card = excluded.card, created_ms = excluded.created_ms",
                params![link, to_json(&card)?, now_ms()],
            )
        })
        .await
        .map(drop)
    }

    /// The card of a link, as it was sent last.
    pub async fn card(&self, link: &Link) -> Result<Option<SourceCard>, Failure> {
        let link = link.as_str().to_owned();
        self.call(move |connection| {
            let text: Option<String> =
                connection.query_row("SELECT card FROM cards WHERE link = ?1", [link], |row| row.get(0)).optional()?;
            text.map(|text| from_json(&text)).transpose()
        })
        .await
    }

    /// The card of a link whose content is at Telegram already, so that nothing needs to be fetched to show it.
    pub async fn card_of_content(&self, link: &Link) -> Result<Option<SourceCard>, Failure> {
        let link = link.as_str().to_owned();
        self.call(move |connection| {
            let text: Option<String> = connection
                .query_row(
                    "SELECT card FROM cards WHERE link = ?1 AND EXISTS (SELECT 1 FROM contents WHERE contents.link = cards.link)",
                    [link],
                    |row| row.get(0),
                )
                .optional()?;
            text.map(|text| from_json(&text)).transpose()
        })
        .await
    }
}

pub(super) fn read_job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let link: String = row.get(5)?;
    let choice: Option<String> = row.get(6)?;
    let stage: String = row.get(8)?;
    Ok(Job {
        id: JobId(row.get(0)?),
        user: UserId(row.get(1)?),
        chat: ChatId(row.get(2)?),
        request_message: row.get::<_, Option<i32>>(3)?.map(MessageId),
        status_message: row.get::<_, Option<i32>>(4)?.map(MessageId),
        link: Link::from_stored(&link).map_err(bad_column)?,
        choice: choice.as_deref().and_then(Choice::parse),
        language: row.get(7)?,
        stage: Stage::parse(&stage).ok_or_else(|| bad_column(std::fmt::Error))?,
        title: row.get(9)?,
        attempts: row.get(10)?,
        subtitles: row.get::<_, Option<String>>(11)?.as_deref().and_then(SubtitleChoice::parse),
    })
}
