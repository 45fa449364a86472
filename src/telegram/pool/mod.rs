//! All accounts of this daemon as a pool: which are well, which one carries the next file, and the bot's own session beside them.
//!
//! In: the sessions folder, the store, reports of failed uploads. Out: a [`Carrier`], the health of the lanes, a table for people.
//! Must not: upload. An account whose session has ended is let go of, so that `tgferry login` can take its file.

mod booking;
mod bot;
mod check;
mod choose;
mod ledger;
pub mod past;
mod rest;
mod usage;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::account::UserAccount;
use super::bot::BotIdentity;
use super::limits::PartLimits;
use super::relay::RelayRef;
use crate::config::Config;
use crate::model::{AccountReport, ChatId, Failure, Health, Lane, LaneHealth, Reason, UserId};
use crate::store::{Store, now_ms};

pub use booking::Carrier;
pub use choose::Wish;

use booking::Bookings;
use choose::Candidate;
use ledger::Ledger;

/// A start is not held up longer than this by a Telegram that does not answer; the checks go on behind.
const FIRST_CHECK: Duration = Duration::from_secs(20);

/// What was sent is written at most once in this time; a crash forgets no more. Rests do not wait.
const WRITE_EVERY: Duration = Duration::from_secs(2);

/// All accounts; cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    bot: BotIdentity,
    store: Store,
    ledger: Arc<Ledger>,
    bookings: Bookings,
    entries: RwLock<Vec<Entry>>,
    bot_entry: RwLock<Option<Entry>>,
    turn: AtomicUsize,
    check_now: Notify,
    checking: tokio::sync::Mutex<()>,
    _writer: DropGuard,
}

#[derive(Clone, Debug)]
struct Entry {
    /// What was seen at the last check; live values go over it.
    seen: AccountReport,
    account: Option<UserAccount>,
    /// Where it sends to, once that is ready.
    relay: Option<RelayRef>,
    /// Bare number of the relay that its session names, ready or not.
    relay_id: Option<i64>,
}

impl Accounts {
    /// Opens every session of the configured folder and looks how each is; logs the bot in, if it may go this way. Without
    /// `telegram.api_id` there are none.
    pub async fn open(config: &Config, bot: BotIdentity, store: Store) -> Self {
        let ledger = Arc::new(Ledger::open(&store, &config.accounts).await);
        let cancel = CancellationToken::new();
        let stop_writing = cancel.clone();
        let inner = Arc::new(Inner {
            config: config.clone(),
            bot,
            store,
            ledger: Arc::clone(&ledger),
            bookings: Bookings::default(),
            entries: RwLock::default(),
            bot_entry: RwLock::default(),
            turn: AtomicUsize::new(0),
            check_now: Notify::new(),
            checking: tokio::sync::Mutex::new(()),
            _writer: cancel.drop_guard(),
        });
        tokio::spawn(keep_written(Arc::downgrade(&inner), ledger, stop_writing));
        let accounts = Self(inner);
        if tokio::time::timeout(FIRST_CHECK, accounts.check(true)).await.is_err() {
            tracing::warn!("Telegram does not answer the user accounts; they are tried again in the background");
        }
        accounts
    }

    /// Chooses a user account and books the upload on it: the least loaded of those that are well, do not rest, and may take the size by
    /// their limit and their daily budget. The booking ends when the last clone of the carrier is dropped.
    pub fn choose(&self, wish: &Wish) -> Option<Carrier> {
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        let able = self.able();
        let candidates: Vec<Candidate> = able.iter().map(|(candidate, ..)| *candidate).collect();
        let place = choose::pick(&candidates, wish, turn)?;
        let (candidate, account, relay) = able.into_iter().nth(place)?;
        Some(self.0.bookings.book(account, candidate.id, relay, wish.size_bytes, &self.0.ledger))
    }

    /// A user account for a look into its relay, whatever its load, budget or rest. It is not booked.
    pub fn carrier_of(&self, account: UserId) -> Option<Carrier> {
        self.read(|entries| {
            let found = entries.iter().find(|entry| entry.id() == Some(account) && entry.is_well())?;
            Some(Carrier::unbooked(found.account.clone()?, found.relay?))
        })
    }

    /// An account or the bot's own session that is well and has this channel as its relay, for a call that carries no bytes. It is not booked.
    pub fn carrier_into(&self, channel: ChatId) -> Option<Carrier> {
        let into = |entry: &Entry| entry.carrier().filter(|carrier| entry.is_well() && carrier.relay.channel == channel);
        self.read(|entries| entries.iter().find_map(into)).or_else(|| self.read_bot(|entry| entry.and_then(into)))
    }

    /// How the user accounts are as a lane for a file of this size, for the router. Without one that is well the limit is what one could take.
    pub fn lane_health(&self, size_bytes: u64) -> LaneHealth {
        let daily_bytes = self.daily_bytes();
        let able = self.able();
        let limit = |one: &Candidate| one.max_bytes.min(daily_bytes);
        let with_room = able.iter().map(|(one, ..)| one).filter(|one| one.room_bytes >= size_bytes.clamp(1, limit(one).max(1)));
        let well = with_room.map(limit).max();
        let configured_bytes = self.0.config.route.user_account_max_bytes;
        let possible = self.read(|entries| entries.iter().filter_map(|entry| entry.seen.limit_bytes).max());
        let possible_bytes = possible.unwrap_or_else(|| PartLimits::default().max_bytes(false, configured_bytes)).min(daily_bytes);
        LaneHealth { lane: Lane::UserAccount, limit_bytes: well.unwrap_or(possible_bytes), well: well.is_some() }
    }

    /// Every lane over MTProto for a file of this size.
    pub fn lanes(&self, size_bytes: u64) -> Vec<LaneHealth> {
        std::iter::once(self.lane_health(size_bytes)).chain(self.bot_lane_health()).collect()
    }

    /// Seconds until the first user account that is only resting or over its budget could take a file of this size; `None` if none could.
    pub fn free_in_s(&self, size_bytes: u64) -> Option<u64> {
        let now_ms = now_ms();
        let free_ms = self.read(|entries| {
            let could = entries.iter().filter(|entry| entry.is_well() && entry.relay.is_some());
            let could = could.filter(|entry| entry.account.as_ref().is_some_and(|account| account.max_bytes() >= size_bytes));
            could.filter_map(|entry| self.free_at_ms(entry.id()?, size_bytes, now_ms)).min()
        });
        free_ms.map(|free_ms| u64::try_from(free_ms - now_ms).unwrap_or(0).div_ceil(1000))
    }

    /// Takes note of a failed upload. A lost session or relay makes the account unwell at once and has it looked at; a limit makes it rest.
    ///
    /// True if the account is out of the choice for this reason, so that another one may do the same upload at once (with numbers of its own:
    /// parts and messages belong to an account).
    pub fn report(&self, carrier: &Carrier, failure: &Failure) -> bool {
        carrier.account.report(&failure.reason);
        if let Some(id) = carrier.id() {
            self.0.ledger.failed(id, &failure.reason);
        }
        if carrier.account.is_bot() && failure.reason == Reason::RelayGone {
            self.forget_bot_relay();
        }
        if !carrier.account.is_well() || failure.reason == Reason::RelayGone {
            self.0.ledger.changed();
            self.0.check_now.notify_one();
        }
        rest::is_the_accounts(&failure.reason) && !self.may_be_chosen(carrier)
    }

    /// Takes note that the bot could not read this channel: whoever has it as a relay is looked at, and it is mended if that is possible.
    pub fn report_relay_gone(&self, channel: ChatId) {
        let failure = Failure::from(Reason::RelayGone);
        let mut carriers = self.read(|entries| entries.iter().filter_map(Entry::carrier).collect::<Vec<_>>());
        carriers.extend(self.read_bot(|entry| entry.and_then(Entry::carrier)));
        for carrier in carriers.iter().filter(|carrier| carrier.relay.channel == channel) {
            self.report(carrier, &failure);
        }
    }

    /// Every account, for showing; the bot's own session last.
    pub fn states(&self) -> Vec<AccountReport> {
        let mut states: Vec<AccountReport> = self.read(|entries| entries.iter().map(|entry| self.state(entry)).collect());
        states.extend(self.read_bot(|entry| entry.map(|entry| self.state(entry))));
        states
    }

    /// Ends all connections, and stores what is not stored yet.
    pub async fn close(&self) {
        write(&self.0).await;
        let mut entries = std::mem::take(&mut *self.0.entries.write().unwrap_or_else(PoisonError::into_inner));
        entries.extend(self.0.bot_entry.write().unwrap_or_else(PoisonError::into_inner).take());
        for account in entries.into_iter().filter_map(|entry| entry.account) {
            account.disconnect().await;
        }
    }

    fn may_be_chosen(&self, carrier: &Carrier) -> bool {
        if carrier.account.is_bot() {
            return self.able_bot().is_some();
        }
        self.able().iter().any(|(candidate, ..)| Some(candidate.id) == carrier.id())
    }

    /// User accounts that are well, do not rest, and have a relay.
    fn able(&self) -> Vec<(Candidate, UserAccount, RelayRef)> {
        let daily_bytes = self.daily_bytes();
        self.read(|entries| {
            let able = entries.iter().filter(|entry| entry.is_well()).filter_map(|entry| {
                let (account, relay, me) = (entry.account.clone()?, entry.relay?, entry.account.as_ref()?.me()?);
                let id = UserId(me.id);
                if self.0.ledger.resting(id).is_some() {
                    return None;
                }
                let (uploads, left_bytes) = self.0.bookings.load(id);
                let used_bytes = self.0.ledger.sent_bytes(id).saturating_add(left_bytes);
                let room_bytes = if daily_bytes == u64::MAX { u64::MAX } else { daily_bytes.saturating_sub(used_bytes) };
                let candidate = Candidate { id, premium: me.premium, max_bytes: account.max_bytes(), room_bytes, left_bytes, uploads };
                Some((candidate, account, relay))
            });
            able.collect()
        })
    }

    fn free_at_ms(&self, id: UserId, size_bytes: u64, now_ms: i64) -> Option<i64> {
        let daily_bytes = self.daily_bytes();
        if size_bytes > daily_bytes {
            return None;
        }
        let used_bytes = self.0.ledger.sent_bytes(id).saturating_add(self.0.bookings.load(id).1);
        let over_bytes = used_bytes.saturating_add(size_bytes).saturating_sub(daily_bytes);
        let rested_ms = self.0.ledger.resting(id).map_or(now_ms, |rest| rest.until_ms);
        Some(rested_ms.max(self.0.ledger.gone_by_ms(id, over_bytes, now_ms)))
    }

    /// The daily budget; no limit is the largest number.
    fn daily_bytes(&self) -> u64 {
        match self.0.config.accounts.daily_bytes {
            0 => u64::MAX,
            bytes => bytes,
        }
    }

    fn state(&self, entry: &Entry) -> AccountReport {
        let live = entry.account.as_ref().map_or_else(|| entry.seen.health.clone(), UserAccount::health);
        let id = entry.id();
        let resting = id.and_then(|id| self.0.ledger.resting(id)).filter(|_| live == Health::Well);
        let (uploads, left_bytes) = id.map_or((0, 0), |id| self.0.bookings.load(id));
        AccountReport {
            id,
            health: resting.map_or(live, |rest| Health::Resting { until_ms: rest.until_ms, reason: rest.reason }),
            uploads,
            left_bytes,
            sent_bytes: id.map_or(0, |id| self.0.ledger.sent_bytes(id)),
            daily_bytes: if entry.seen.bot { 0 } else { self.0.config.accounts.daily_bytes },
            ..entry.seen.clone()
        }
    }

    fn read<T>(&self, look: impl FnOnce(&[Entry]) -> T) -> T {
        look(&self.0.entries.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn read_bot<T>(&self, look: impl FnOnce(Option<&Entry>) -> T) -> T {
        look(self.0.bot_entry.read().unwrap_or_else(PoisonError::into_inner).as_ref())
    }
}

impl Entry {
    fn id(&self) -> Option<UserId> {
        self.account.as_ref().and_then(UserAccount::me).map(|me| UserId(me.id)).or(self.seen.id)
    }

    fn is_well(&self) -> bool {
        self.account.as_ref().is_some_and(UserAccount::is_well)
    }

    fn carrier(&self) -> Option<Carrier> {
        Some(Carrier::unbooked(self.account.clone()?, self.relay?))
    }
}

/// Stores what is new while there is a pool, soon after it happened.
async fn keep_written(accounts: Weak<Inner>, ledger: Arc<Ledger>, cancel: CancellationToken) {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = ledger.wait_for_change() => {}
        }
        let Some(inner) = accounts.upgrade() else { return };
        write(&inner).await;
        drop(inner);
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(WRITE_EVERY) => {}
            () = ledger.wait_for_rest() => {}
        }
    }
}

async fn write(inner: &Arc<Inner>) {
    let states = Accounts(Arc::clone(inner)).states();
    let written = async {
        inner.ledger.write(&inner.store).await?;
        inner.store.put_account_reports(states).await
    };
    if let Err(failure) = written.await {
        tracing::warn!(%failure, "what the accounts have sent can't be stored; it is tried again");
    }
}
