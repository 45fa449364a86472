//! Looking after the accounts: new session files, ended sessions, lost relays.
//!
//! In: the sessions folder, Telegram's answers. Out: entries of the pool. Must not: upload.

use std::sync::PoisonError;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::past::unseen;
use super::{Accounts, Entry};
use crate::model::{AccountReport, Failure, Health, Reason, UserId};
use crate::telegram::account::UserAccount;
use crate::telegram::relay::{self, RelayRef, RelayState};
use crate::telegram::session::{FileSession, session_names};

/// Accounts that are well are looked at in one of so many rounds.
const ROUNDS_BETWEEN_CHECKS_OF_THE_WELL: u64 = 10;

impl Accounts {
    /// Looks after the accounts until cancelled: the unwell in each round, the well now and then, new session files as they appear.
    pub async fn keep_well(self, cancel: CancellationToken) {
        let interval = Duration::from_secs(self.0.config.relay.check_interval_s.max(1));
        let mut round: u64 = 0;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(interval) => round += 1,
                () = self.0.check_now.notified() => {}
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.check(round.is_multiple_of(ROUNDS_BETWEEN_CHECKS_OF_THE_WELL)) => {}
            }
        }
    }

    /// Looks at every account that is unwell or new, and at the well ones too if `all`.
    pub(super) async fn check(&self, all: bool) {
        let _one_at_a_time = self.0.checking.lock().await;
        let Ok((api_id, api_hash)) = self.0.config.require_application() else { return };
        match session_names(&self.0.config.storage.sessions_dir) {
            Ok(names) => self.check_users(&names, api_id, all).await,
            Err(error) => tracing::warn!(%error, "the sessions folder can't be read"),
        }
        // After the user accounts: their relays are the bot's, too.
        self.check_bot(api_id, api_hash, all).await;
        self.0.ledger.changed();
    }

    async fn check_users(&self, names: &[String], api_id: i32, all: bool) {
        for name in names {
            let known = self.read(|entries| entries.iter().find(|entry| entry.seen.name == *name).cloned());
            if all || !known.as_ref().is_some_and(Entry::is_well) {
                let entry = self.look(name, known.and_then(|entry| entry.account), api_id).await;
                self.replace(entry);
            }
        }
        let mut entries = self.0.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| names.contains(&entry.seen.name));
    }

    async fn look(&self, name: &str, account: Option<UserAccount>, api_id: i32) -> Entry {
        let account = match account.map_or_else(|| self.connect(name, api_id), Ok) {
            Ok(account) => account,
            Err(failure) => {
                tracing::warn!(session = name, %failure, "the session can't be opened");
                let seen = AccountReport { health: Health::Unwell(failure.reason), ..unseen(name) };
                return Entry { seen, account: None, relay: None, relay_id: None };
            }
        };
        let outcome = self.look_at(&account).await;
        if let Err(failure) = &outcome {
            tracing::debug!(session = name, %failure, "the account is not well");
        }
        let entry = entry_of(&account, outcome.as_ref().ok().copied(), outcome.as_ref().err());
        if outcome.is_err_and(|failure| failure.reason == Reason::SessionRevoked) {
            account.disconnect().await;
            return Entry { account: None, ..entry };
        }
        entry
    }

    fn connect(&self, name: &str, api_id: i32) -> Result<UserAccount, Failure> {
        let session = FileSession::open(&self.0.config.storage.sessions_dir, name, &self.0.config.telegram);
        UserAccount::connect(session.map_err(Failure::internal)?, api_id, &self.0.config)
    }

    /// Is it logged in, and is its relay ready? A relay that was deleted is made anew: what was cached in the old one is gone either way.
    async fn look_at(&self, account: &UserAccount) -> Result<RelayRef, Failure> {
        if account.me().is_none() {
            return Err(Failure::new(Reason::SessionRevoked, anyhow::anyhow!("nobody has logged in with this session yet")));
        }
        account.refresh().await?;
        if let Err(failure) = account.refresh_limits().await {
            tracing::debug!(%failure, "the live limits can't be had; the documented ones hold");
        }
        let (relay, mended) = relay::ensure(account, &self.0.bot, &self.0.config.relay.title).await?;
        if mended != relay::Mended::default() {
            tracing::info!(session = account.name(), ?mended, "the relay channel was mended");
        }
        Ok(relay)
    }

    fn replace(&self, new: Entry) {
        let mut entries = self.0.entries.write().unwrap_or_else(PoisonError::into_inner);
        new.set_health();
        match entries.iter_mut().find(|entry| entry.seen.name == new.seen.name) {
            Some(entry) => *entry = new,
            None => entries.push(new),
        }
    }
}

impl Entry {
    /// Gives the account the health that was seen. Done while the entry takes its place: an account that is called well must not be found with
    /// the relay that it has lost.
    pub(super) fn set_health(&self) {
        if let Some(account) = &self.account {
            account.set_health(self.seen.health.clone());
        }
    }
}

/// What a check found.
pub(super) fn entry_of(account: &UserAccount, relay: Option<RelayRef>, failure: Option<&Failure>) -> Entry {
    let health = failure.map_or(Health::Well, |failure| Health::Unwell(failure.reason.clone()));
    let stored = account.session().relay().ok().flatten();
    let me = account.me();
    let seen = AccountReport {
        id: me.as_ref().map(|me| UserId(me.id)),
        bot: account.is_bot(),
        user: me.as_ref().map(|me| me.describe()),
        premium: me.as_ref().is_some_and(|me| me.premium),
        limit_bytes: Some(account.max_bytes()),
        relay_title: stored.as_ref().map(|relay| relay.title.clone()),
        relay: relay.map(|_| RelayState::Ready.describe().to_owned()),
        health,
        ..unseen(account.name())
    };
    Entry { seen, account: Some(account.clone()), relay, relay_id: stored.map(|relay| relay.id) }
}
