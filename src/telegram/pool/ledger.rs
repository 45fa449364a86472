//! What the pool remembers of each account beyond its own life: rests and bytes sent, in memory at once and in the store soon after.
//!
//! In: stored parts, failed uploads. Out: rests and sums; writes of what is new. Must not: hold a part up for a write.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::rest::{Record, RestRules};
use super::usage::{self, Usage};
use crate::config::AccountsConfig;
use crate::model::{Failure, Reason, Rest, UserId};
use crate::store::{SentInHour, Store, now_ms};

/// Rests and bytes of all accounts.
#[derive(Debug)]
pub(super) struct Ledger {
    rules: RestRules,
    state: Mutex<State>,
    changes: Notify,
    rests: Notify,
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    records: HashMap<UserId, Record>,
    usage: HashMap<UserId, Usage>,
    unwritten_rests: HashMap<UserId, Rest>,
    unwritten_bytes: HashMap<(UserId, i64), u64>,
}

impl Ledger {
    /// Reads what was stored. A store that can't be read leaves the accounts without a past: they can carry all the same.
    pub(super) async fn open(store: &Store, config: &AccountsConfig) -> Self {
        match Self::read(store, config).await {
            Ok(ledger) => ledger,
            Err(failure) => {
                tracing::error!(%failure, "what the accounts have sent and why they rest can't be read");
                Self::new(config, State::default())
            }
        }
    }

    /// Reads what was stored.
    pub(super) async fn read(store: &Store, config: &AccountsConfig) -> Result<Self, Failure> {
        let mut state = State::default();
        for rest in store.rests().await? {
            let account = rest.account;
            state.records.entry(account).or_default().rest = Some(rest);
        }
        for sent in store.sent_since(usage::first_hour(now_ms())).await? {
            state.usage.entry(sent.account).or_default().add(sent.hour, sent.bytes);
        }
        Ok(Self::new(config, state))
    }

    fn new(config: &AccountsConfig, state: State) -> Self {
        Self {
            rules: RestRules { longest_wait_s: config.longest_wait_s, limited_rest_s: config.limited_rest_s },
            state: Mutex::new(state),
            changes: Notify::new(),
            rests: Notify::new(),
            writing: tokio::sync::Mutex::default(),
        }
    }

    /// Counts bytes of stored parts.
    pub(super) fn sent(&self, account: UserId, bytes: u64) {
        let hour = usage::hour_of(now_ms());
        let mut state = self.state();
        state.usage.entry(account).or_default().add(hour, bytes);
        *state.unwritten_bytes.entry((account, hour)).or_default() += bytes;
        drop(state);
        self.changed();
    }

    /// Takes note of a failed upload; true if the account rests from now on.
    pub(super) fn failed(&self, account: UserId, reason: &Reason) -> bool {
        let mut state = self.state();
        let record = state.records.entry(account).or_default();
        let Some(rest) = self.rules.note(record, account, reason, now_ms()) else { return false };
        tracing::warn!(account = %account, %reason, until_ms = rest.until_ms, "the account rests");
        state.unwritten_rests.insert(account, rest);
        drop(state);
        self.rests.notify_one();
        self.changed();
        true
    }

    /// The rest of an account, if it is not over.
    pub(super) fn resting(&self, account: UserId) -> Option<Rest> {
        self.state().records.get(&account).and_then(|record| record.resting(now_ms())).cloned()
    }

    /// Bytes of the last 24 hours.
    pub(super) fn sent_bytes(&self, account: UserId) -> u64 {
        self.state().usage.get(&account).map_or(0, |usage| usage.last_day(now_ms()))
    }

    /// When so many bytes of the last 24 hours will have gone by, in milliseconds since 1970: `now_ms` if that is so already.
    pub(super) fn gone_by_ms(&self, account: UserId, bytes: u64, now_ms: i64) -> i64 {
        self.state().usage.get(&account).map_or(now_ms, |usage| usage.gone_by(bytes, now_ms))
    }

    /// Something is to be written or shown anew.
    pub(super) fn changed(&self) {
        self.changes.notify_one();
    }

    /// Waits until then.
    pub(super) async fn wait_for_change(&self) {
        self.changes.notified().await;
    }

    /// Waits until an account begins to rest: that should not be forgotten by a crash, so it is written at once.
    pub(super) async fn wait_for_rest(&self) {
        self.rests.notified().await;
    }

    /// Writes what is new. What can't be written is kept for the next time.
    pub(super) async fn write(&self, store: &Store) -> Result<(), Failure> {
        let _one_at_a_time = self.writing.lock().await;
        let (rests, bytes) = {
            let mut state = self.state();
            (std::mem::take(&mut state.unwritten_rests), std::mem::take(&mut state.unwritten_bytes))
        };
        let mut outcome = Ok(());
        for (account, rest) in rests {
            if let Err(failure) = store.put_rest(&rest).await {
                self.state().unwritten_rests.entry(account).or_insert(rest);
                outcome = Err(failure);
            }
        }
        if !bytes.is_empty() {
            let sent = bytes.iter().map(|((account, hour), bytes)| SentInHour { account: *account, hour: *hour, bytes: *bytes }).collect();
            if let Err(failure) = store.add_sent(sent).await {
                let mut state = self.state();
                for (key, bytes) in bytes {
                    *state.unwritten_bytes.entry(key).or_default() += bytes;
                }
                outcome = Err(failure);
            }
        }
        outcome
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
