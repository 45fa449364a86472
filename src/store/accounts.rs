//! What is remembered of accounts: rests, bytes sent by hour, and how a running daemon sees them.
//!
//! In: observations of the pool. Out: the same after a restart, or in another process. Must not: judge them.

use rusqlite::params;

use super::{Store, from_json, now_ms, to_json};
use crate::model::{AccountReport, Failure, Rest, UserId};

/// Older hours are dropped when new ones are written; the budget looks back one day.
const KEEP_HOURS: i64 = 48;

/// Bytes that an account sent in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentInHour {
    /// Who.
    pub account: UserId,
    /// Hours since 1970.
    pub hour: i64,
    /// How much.
    pub bytes: u64,
}

impl Store {
    /// All rests, those that are over among them: their number in a row counts for the next.
    pub async fn rests(&self) -> Result<Vec<Rest>, Failure> {
        self.call(|connection| {
            connection
                .prepare("SELECT account, until_ms, reason, in_a_row FROM account_rests")?
                .query_map([], |row| {
                    let reason: String = row.get(2)?;
                    Ok(Rest { account: UserId(row.get(0)?), until_ms: row.get(1)?, reason: from_json(&reason)?, in_a_row: row.get(3)? })
                })?
                .collect()
        })
        .await
    }

    /// Stores the rest of an account in place of its last one.
    pub async fn put_rest(&self, rest: &Rest) -> Result<(), Failure> {
        let rest = rest.clone();
        self.call(move |connection| {
            connection.execute(
                "INSERT OR REPLACE INTO account_rests (account, until_ms, reason, in_a_row) VALUES (?1, ?2, ?3, ?4)",
                params![rest.account.0, rest.until_ms, to_json(&rest.reason)?, rest.in_a_row],
            )
        })
        .await
        .map(drop)
    }

    /// What was sent in this hour and those after it.
    pub async fn sent_since(&self, hour: i64) -> Result<Vec<SentInHour>, Failure> {
        self.call(move |connection| {
            connection
                .prepare("SELECT account, hour, bytes FROM account_sent WHERE hour >= ?1")?
                .query_map([hour], |row| {
                    Ok(SentInHour { account: UserId(row.get(0)?), hour: row.get(1)?, bytes: row.get::<_, i64>(2)? as u64 })
                })?
                .collect()
        })
        .await
    }

    /// Adds to what was sent.
    pub async fn add_sent(&self, sent: Vec<SentInHour>) -> Result<(), Failure> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            for one in &sent {
                transaction.execute(
                    "INSERT INTO account_sent (account, hour, bytes) VALUES (?1, ?2, ?3)
                     ON CONFLICT (account, hour) DO UPDATE SET bytes = bytes + excluded.bytes",
                    params![one.account.0, one.hour, one.bytes as i64],
                )?;
            }
            if let Some(newest) = sent.iter().map(|one| one.hour).max() {
                transaction.execute("DELETE FROM account_sent WHERE hour < ?1", [newest - KEEP_HOURS])?;
            }
            transaction.commit()
        })
        .await
    }

    /// Stores how the daemon sees its accounts, in place of what it saw before.
    pub async fn put_account_reports(&self, reports: Vec<AccountReport>) -> Result<(), Failure> {
        self.call(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM account_reports", [])?;
            for report in &reports {
                transaction.execute(
                    "INSERT OR REPLACE INTO account_reports (name, report, updated_ms) VALUES (?1, ?2, ?3)",
                    params![report.name, to_json(report)?, now_ms()],
                )?;
            }
            transaction.commit()
        })
        .await
    }

    /// How the daemon saw its accounts last; only worth something while it runs.
    pub async fn account_reports(&self) -> Result<Vec<AccountReport>, Failure> {
        self.call(|connection| {
            connection
                .prepare("SELECT report FROM account_reports ORDER BY name")?
                .query_map([], |row| from_json(&row.get::<_, String>(0)?))?
                .collect()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Health, Reason};

    #[tokio::test]
    async fn rests_and_bytes_are_there_after_a_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let rest = |until_ms| Rest { account: UserId(7), until_ms, reason: Reason::FloodWait { seconds: 1000 }, in_a_row: 2 };
        let sent = |hour, bytes| SentInHour { account: UserId(7), hour, bytes };
        {
            let store = Store::open(&path).await.unwrap();
            store.put_rest(&rest(1)).await.unwrap();
            store.put_rest(&rest(2)).await.unwrap();
            store.add_sent(vec![sent(10, 5), sent(100, 1)]).await.unwrap();
            store.add_sent(vec![sent(100, 2)]).await.unwrap();
        }
        let store = Store::open(&path).await.unwrap();
        assert_eq!(store.rests().await.unwrap(), [rest(2)]);
        assert_eq!(store.sent_since(0).await.unwrap(), [sent(100, 3)], "what no budget looks back to is dropped");
        assert_eq!(store.sent_since(101).await.unwrap(), []);
    }

    #[tokio::test]
    async fn reports_replace_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("t.db")).await.unwrap();
        let report = |name: &str, health| AccountReport {
            name: name.to_owned(),
            id: Some(UserId(7)),
            bot: false,
            user: Some("Ann".to_owned()),
            premium: false,
            limit_bytes: Some(5),
            relay_title: None,
            relay: None,
            health,
            uploads: 1,
            left_bytes: 2,
            sent_bytes: 3,
            daily_bytes: 4,
        };
        store.put_account_reports(vec![report("main", Health::Well), report("gone", Health::Well)]).await.unwrap();
        let resting = report("main", Health::Resting { until_ms: 9, reason: Reason::AccountLimited });
        store.put_account_reports(vec![resting.clone()]).await.unwrap();
        assert_eq!(store.account_reports().await.unwrap(), [resting]);
    }
}
