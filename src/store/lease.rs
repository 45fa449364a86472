//! Leases: who works on which job, until when.
//!
//! In: an owner's name and the time. Out: a job that nobody else works on, or nothing. A lease that is not renewed runs out, so a job of a
//! process that vanished is taken over. Must not: do the work.

use rusqlite::{OptionalExtension, params};

use super::jobs::{COLUMNS, read_job};
use super::{Store, now_ms, to_json};
use crate::model::{Failure, Job, JobId, Reason, Stage};

/// Kinds of work with workers of their own, so that a card never waits behind a big download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reading metadata and sending the card; cancelling what nobody works on.
    Quick,
    /// Everything after the choice.
    Long,
}

/// A job that was leased.
#[derive(Clone, Debug)]
pub struct Leased {
    /// The job.
    pub job: Job,
    /// True if the person wants it cancelled.
    pub cancel_wanted: bool,
}

impl Store {
    /// Leases the next job of a kind. Fair: of the people who wait, the one with the fewest running jobs comes first, then the oldest job.
    /// While one job works on a link with a choice, another for the same waits: it will be answered from what the first one sends. Subtitles in a file of their own
    /// make no other content.
    pub async fn lease(&self, owner: &str, kind: Kind, lease_ms: i64) -> Result<Option<Leased>, Failure> {
        let owner = owner.to_owned();
        let condition = match kind {
            Kind::Quick => "(stage = 'inspect' OR (stage = 'choose' AND cancel_wanted))",
            Kind::Long => {
                "stage IN ('fetch', 'media', 'upload', 'deliver') AND (cancel_wanted OR NOT EXISTS (
                    SELECT 1 FROM jobs AS other WHERE other.link = jobs.link AND other.choice = jobs.choice AND other.id <> jobs.id
                    AND (CASE WHEN other.subtitles LIKE '%:file' THEN NULL ELSE other.subtitles END)
                        IS (CASE WHEN jobs.subtitles LIKE '%:file' THEN NULL ELSE jobs.subtitles END)
                    AND other.lease_until_ms > ?1 AND other.stage IN ('fetch', 'media', 'upload')))"
            }
        };
        let sql = format!(
            "UPDATE jobs SET lease_owner = ?2, lease_until_ms = ?1 + ?3 WHERE id = (
                SELECT id FROM jobs WHERE {condition} AND not_before_ms <= ?1 AND lease_until_ms <= ?1
                ORDER BY cancel_wanted DESC,
                    (SELECT COUNT(*) FROM jobs AS running WHERE running.user = jobs.user AND running.lease_until_ms > ?1), id
                LIMIT 1)
             RETURNING {COLUMNS}, cancel_wanted"
        );
        self.call(move |connection| {
            connection
                .prepare_cached(&sql)?
                .query_row(params![now_ms(), owner, lease_ms], |row| Ok(Leased { job: read_job(row)?, cancel_wanted: row.get(12)? }))
                .optional()
        })
        .await
    }

    /// Leases one job by its number, for the command line that has just made it.
    pub async fn lease_this(&self, owner: &str, id: JobId, lease_ms: i64) -> Result<Option<Job>, Failure> {
        let owner = owner.to_owned();
        self.call(move |connection| {
            connection
                .query_row(
                    &format!(
                        "UPDATE jobs SET lease_owner = ?2, lease_until_ms = ?3 + ?4 WHERE id = ?1 AND lease_until_ms <= ?3
                         RETURNING {COLUMNS}"
                    ),
                    params![id.0, owner, now_ms(), lease_ms],
                    read_job,
                )
                .optional()
        })
        .await
    }

    /// Says that the owner still works on it; false if the lease was lost.
    pub async fn renew(&self, owner: &str, id: JobId, lease_ms: i64) -> Result<bool, Failure> {
        let owner = owner.to_owned();
        self.call(move |connection| {
            let changed = connection.execute(
                "UPDATE jobs SET lease_until_ms = ?3 + ?4 WHERE id = ?1 AND lease_owner = ?2",
                params![id.0, owner, now_ms(), lease_ms],
            )?;
            Ok(changed == 1)
        })
        .await
    }

    /// True if somebody else holds the lease.
    pub async fn leased_by_other(&self, owner: &str, id: JobId) -> Result<bool, Failure> {
        let owner = owner.to_owned();
        self.call(move |connection| {
            connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM jobs WHERE id = ?1 AND lease_owner <> ?2 AND lease_until_ms > ?3)",
                params![id.0, owner, now_ms()],
                |row| row.get(0),
            )
        })
        .await
    }

    /// Stores that a stage begins. Tries start anew.
    pub async fn advance(&self, id: JobId, stage: Stage) -> Result<(), Failure> {
        self.call(move |connection| {
            connection.execute(
                "UPDATE jobs SET stage = ?2, attempts = 0, not_before_ms = 0, updated_ms = ?3 WHERE id = ?1",
                params![id.0, stage.as_str(), now_ms()],
            )
        })
        .await
        .map(drop)
    }

    /// Gives the job back to be tried again not before `delay_ms` from now.
    pub async fn try_later(&self, id: JobId, delay_ms: i64, count_attempt: bool) -> Result<(), Failure> {
        self.call(move |connection| {
            connection.execute(
                "UPDATE jobs SET lease_owner = NULL, lease_until_ms = 0, not_before_ms = ?2, attempts = attempts + ?3, updated_ms = ?4
                 WHERE id = ?1",
                params![id.0, now_ms() + delay_ms, i64::from(count_attempt), now_ms()],
            )
        })
        .await
        .map(drop)
    }

    /// Gives the job back as it is (the process ends, or it now waits for the person).
    pub async fn release(&self, id: JobId) -> Result<(), Failure> {
        self.call(move |connection| connection.execute("UPDATE jobs SET lease_owner = NULL, lease_until_ms = 0 WHERE id = ?1", [id.0]))
            .await
            .map(drop)
    }

    /// Ends a job.
    pub async fn end(&self, id: JobId, stage: Stage, failure: Option<Reason>) -> Result<(), Failure> {
        self.call(move |connection| {
            let failure = failure.map(|failure| to_json(&failure)).transpose()?;
            connection.execute(
                "UPDATE jobs SET stage = ?2, failure = ?3, lease_owner = NULL, lease_until_ms = 0, progress = NULL, updated_ms = ?4
                 WHERE id = ?1",
                params![id.0, stage.as_str(), failure, now_ms()],
            )
        })
        .await
        .map(drop)
    }

    /// Frees the jobs of an earlier run whose owner names begin so; only for who holds the lock that makes it the one daemon.
    pub async fn free_leases(&self, owner_prefix: &str) -> Result<usize, Failure> {
        let pattern = format!("{owner_prefix}%");
        self.call(move |connection| {
            connection.execute(
                "UPDATE jobs SET lease_owner = NULL, lease_until_ms = 0 WHERE lease_owner LIKE ?1 AND lease_until_ms > 0",
                [pattern],
            )
        })
        .await
    }

    /// Milliseconds until the next job that waits for its time, if there is one.
    pub async fn next_due_ms(&self) -> Result<Option<i64>, Failure> {
        self.call(|connection| {
            let now = now_ms();
            let due: Option<i64> = connection.query_row(
                "SELECT MIN(MAX(not_before_ms, lease_until_ms)) FROM jobs
                 WHERE stage NOT IN ('choose', 'done', 'failed', 'cancelled') AND MAX(not_before_ms, lease_until_ms) > ?1",
                [now],
                |row| row.get(0),
            )?;
            Ok(due.map(|due| due - now))
        })
        .await
    }
}
