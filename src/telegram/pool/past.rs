//! What the store knows of accounts, for who looks at them without a pool.
//!
//! In: reports of sessions that were looked at. Out: the same with rests and bytes sent. Must not: ask Telegram.

use super::ledger::Ledger;
use crate::config::AccountsConfig;
use crate::model::{AccountReport, Failure, Health};
use crate::store::Store;
use crate::telegram::limits::PartLimits;

/// Adds what is stored: a rest that is not over, the bytes of the last 24 hours, the budget.
pub async fn complete(reports: &mut [AccountReport], store: &Store, config: &AccountsConfig) -> Result<(), Failure> {
    let ledger = Ledger::read(store, config).await?;
    for report in reports {
        if let Some(id) = report.id {
            report.sent_bytes = report.sent_bytes.max(ledger.sent_bytes(id));
            if let (Health::Well, Some(rest)) = (&report.health, ledger.resting(id)) {
                report.health = Health::Resting { until_ms: rest.until_ms, reason: rest.reason };
            }
        }
        report.daily_bytes = if report.bot { 0 } else { config.daily_bytes };
    }
    Ok(())
}

/// A session that nothing is known of yet.
pub fn unseen(name: &str) -> AccountReport {
    AccountReport {
        name: name.to_owned(),
        id: None,
        bot: false,
        user: None,
        premium: false,
        limit_bytes: Some(PartLimits::default().max_bytes(false, 0)),
        relay_title: None,
        relay: None,
        health: Health::Well,
        uploads: 0,
        left_bytes: 0,
        sent_bytes: 0,
        daily_bytes: 0,
    }
}
