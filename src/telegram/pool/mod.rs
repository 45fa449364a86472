//! All user accounts of this daemon: which are well, and which one carries the next file.
//!
//! In: the sessions folder, reports of failed uploads. Out: a [`Carrier`], the health of the lane, a table for people.
//! Must not: upload. An account whose session has ended is let go of, so that `tgferry login` can take its file.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::account::{Health, UserAccount};
use super::bot::BotIdentity;
use super::limits::PartLimits;
use super::relay::{self, RelayRef, RelayState};
use super::session::{FileSession, SelfUser, session_names};
use crate::config::Config;
use crate::model::{Failure, Lane, LaneHealth, Reason};

/// A start is not held up longer than this by a Telegram that does not answer; the checks go on behind.
const FIRST_CHECK: Duration = Duration::from_secs(20);

/// Accounts that are well are looked at in one of so many rounds.
const ROUNDS_BETWEEN_CHECKS_OF_THE_WELL: u64 = 10;

/// All user accounts; cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts(Arc<Inner>);

/// A well account with its relay.
#[derive(Clone, Debug)]
pub struct Carrier {
    /// The account.
    pub account: UserAccount,
    /// Its relay channel.
    pub relay: RelayRef,
}

/// One account, for showing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// Name of the session.
    pub name: String,
    /// Who is or was logged in.
    pub user: Option<SelfUser>,
    /// The relay channel's name.
    pub relay_title: Option<String>,
    /// How the relay is, if that could be asked.
    pub relay: Option<RelayState>,
    /// Largest file in bytes.
    pub limit_bytes: u64,
    /// How the account is.
    pub health: Health,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    bot: BotIdentity,
    entries: RwLock<Vec<Entry>>,
    turn: AtomicUsize,
    check_now: Notify,
    checking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Entry {
    state: AccountState,
    carrier: Option<Carrier>,
    account: Option<UserAccount>,
}

impl Accounts {
    /// Opens every session of the configured folder and looks how each is. Without `telegram.api_id` there are none.
    pub async fn open(config: &Config, bot: BotIdentity) -> Self {
        let accounts = Self(Arc::new(Inner {
            config: config.clone(),
            bot,
            entries: RwLock::default(),
            turn: AtomicUsize::new(0),
            check_now: Notify::new(),
            checking: tokio::sync::Mutex::new(()),
        }));
        if tokio::time::timeout(FIRST_CHECK, accounts.check(true)).await.is_err() {
            tracing::warn!("Telegram does not answer the user accounts; they are tried again in the background");
        }
        accounts
    }

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

    /// Chooses an account for a file of this size, in turn where there are several.
    pub fn choose(&self, size_bytes: u64) -> Option<Carrier> {
        let fit: Vec<Carrier> = self.read(|entries| {
            let carriers = entries.iter().filter_map(|entry| entry.carrier.clone());
            carriers.filter(|carrier| carrier.account.is_well() && carrier.account.max_bytes() >= size_bytes).collect()
        });
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        (!fit.is_empty()).then(|| fit[turn % fit.len()].clone())
    }

    /// How the lane is, for the router. Without a well account the limit is what one could take.
    pub fn lane_health(&self) -> LaneHealth {
        let (well, all): (Vec<u64>, Vec<u64>) = self.read(|entries| {
            let well = entries.iter().filter_map(|entry| entry.carrier.as_ref()).filter(|carrier| carrier.account.is_well());
            let well = well.map(|carrier| carrier.account.max_bytes()).collect();
            (well, entries.iter().map(|entry| entry.state.limit_bytes).collect())
        });
        let configured_bytes = self.0.config.route.user_account_max_bytes;
        let possible_bytes = all.into_iter().max().unwrap_or_else(|| PartLimits::default().max_bytes(false, configured_bytes));
        LaneHealth { lane: Lane::UserAccount, limit_bytes: well.iter().copied().max().unwrap_or(possible_bytes), well: !well.is_empty() }
    }

    /// Takes note of a failed upload. A lost session or relay makes the account unwell at once and has it looked at.
    pub fn report(&self, carrier: &Carrier, failure: &Failure) {
        carrier.account.report(&failure.reason);
        if !carrier.account.is_well() {
            self.0.check_now.notify_one();
        }
    }

    /// Every account, for showing.
    pub fn states(&self) -> Vec<AccountState> {
        self.read(|entries| {
            let state = |entry: &Entry| {
                let live = entry.account.as_ref().map(UserAccount::health);
                AccountState { health: live.unwrap_or_else(|| entry.state.health.clone()), ..entry.state.clone() }
            };
            entries.iter().map(state).collect()
        })
    }

    /// Ends all connections.
    pub async fn close(&self) {
        let entries = std::mem::take(&mut *self.0.entries.write().unwrap_or_else(PoisonError::into_inner));
        for account in entries.into_iter().filter_map(|entry| entry.account) {
            account.disconnect().await;
        }
    }

    /// Looks at every account that is unwell or new, and at the well ones too if `all`.
    async fn check(&self, all: bool) {
        let _one_at_a_time = self.0.checking.lock().await;
        let Ok((api_id, _)) = self.0.config.require_application() else { return };
        let names = match session_names(&self.0.config.storage.sessions_dir) {
            Ok(names) => names,
            Err(error) => {
                tracing::warn!(%error, "the sessions folder can't be read");
                return;
            }
        };
        for name in &names {
            let known = self.read(|entries| entries.iter().find(|entry| entry.state.name == *name).cloned());
            let well = known.as_ref().is_some_and(|entry| entry.account.as_ref().is_some_and(UserAccount::is_well));
            if all || !well {
                let entry = self.look(name, known.and_then(|entry| entry.account), api_id).await;
                self.replace(entry);
            }
        }
        let mut entries = self.0.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| names.contains(&entry.state.name));
    }

    async fn look(&self, name: &str, account: Option<UserAccount>, api_id: i32) -> Entry {
        let account = match account.map_or_else(|| self.connect(name, api_id), Ok) {
            Ok(account) => account,
            Err(failure) => {
                tracing::warn!(session = name, %failure, "the session can't be opened");
                return unopened(name, failure.reason);
            }
        };
        let outcome = self.look_at(&account).await;
        let stored = account.session().relay().ok().flatten();
        let health = match &outcome {
            Ok(_) => Health::Well,
            Err(failure) => Health::Unwell(failure.reason.clone()),
        };
        if let Err(failure) = &outcome {
            tracing::debug!(session = name, %failure, "the account is not well");
        }
        account.set_health(health.clone());
        let state = AccountState {
            name: name.to_owned(),
            user: account.me(),
            relay_title: stored.map(|relay| relay.title),
            relay: outcome.is_ok().then_some(RelayState::Ready),
            limit_bytes: account.max_bytes(),
            health,
        };
        match outcome {
            Ok(relay) => Entry { state, carrier: Some(Carrier { account: account.clone(), relay }), account: Some(account) },
            Err(failure) if failure.reason == Reason::SessionRevoked => {
                account.disconnect().await;
                Entry { state, carrier: None, account: None }
            }
            Err(_) => Entry { state, carrier: None, account: Some(account) },
        }
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
        match entries.iter_mut().find(|entry| entry.state.name == new.state.name) {
            Some(entry) => *entry = new,
            None => entries.push(new),
        }
    }

    fn read<T>(&self, look: impl FnOnce(&[Entry]) -> T) -> T {
        look(&self.0.entries.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn unopened(name: &str, reason: Reason) -> Entry {
    let state = AccountState {
        name: name.to_owned(),
        user: None,
        relay_title: None,
        relay: None,
        limit_bytes: PartLimits::default().max_bytes(false, 0),
        health: Health::Unwell(reason),
    };
    Entry { state, carrier: None, account: None }
}
