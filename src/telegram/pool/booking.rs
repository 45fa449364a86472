//! An account that was chosen for an upload, and what the upload still has to send.
//!
//! In: an account with where it sends to; stored parts. Out: the load of each account. Must not: choose.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::ledger::Ledger;
use crate::model::UserId;
use crate::telegram::account::UserAccount;
use crate::telegram::relay::RelayRef;

/// An account that carries one upload. Its load counts until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Carrier {
    /// The account: a person's, or the bot's own session.
    pub account: UserAccount,
    /// Where it sends to.
    pub relay: RelayRef,
    booking: Option<Arc<Booking>>,
}

/// One upload's share of an account.
#[derive(Debug)]
struct Booking {
    account: UserId,
    stored_bytes: AtomicU64,
    expected_bytes: u64,
    ledger: Arc<Ledger>,
}

/// The uploads that run, by account.
#[derive(Debug, Default)]
pub(super) struct Bookings(Mutex<HashMap<UserId, Vec<Weak<Booking>>>>);

impl Carrier {
    /// One that is not counted: for a look into the relay, or outside a pool.
    pub fn unbooked(account: UserAccount, relay: RelayRef) -> Self {
        Self { account, relay, booking: None }
    }

    /// Number of the account at Telegram, once it is known.
    pub fn id(&self) -> Option<UserId> {
        self.account.me().map(|me| UserId(me.id))
    }

    /// Telegram has stored so many bytes more: the load shrinks, the budget is used up.
    pub fn stored(&self, bytes: u64) {
        if let Some(booking) = &self.booking {
            booking.stored_bytes.fetch_add(bytes, Ordering::Relaxed);
            booking.ledger.sent(booking.account, bytes);
        }
    }

    /// So many bytes were there already: the load shrinks, the budget does not.
    pub fn need_not_send(&self, bytes: u64) {
        if let Some(booking) = &self.booking {
            booking.stored_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

impl Booking {
    fn left_bytes(&self) -> u64 {
        self.expected_bytes.saturating_sub(self.stored_bytes.load(Ordering::Relaxed))
    }
}

impl Drop for Booking {
    fn drop(&mut self) {
        self.ledger.changed();
    }
}

impl Bookings {
    /// Books an upload of this size.
    pub(super) fn book(&self, account: UserAccount, id: UserId, relay: RelayRef, size_bytes: u64, ledger: &Arc<Ledger>) -> Carrier {
        let booking =
            Arc::new(Booking { account: id, stored_bytes: AtomicU64::new(0), expected_bytes: size_bytes, ledger: Arc::clone(ledger) });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_account = all.entry(id).or_default();
        of_account.retain(|booking| booking.strong_count() > 0);
        of_account.push(Arc::downgrade(&booking));
        ledger.changed();
        Carrier { account, relay, booking: Some(booking) }
    }

    /// Uploads of an account, and what they still have to send in bytes.
    pub(super) fn load(&self, account: UserId) -> (u32, u64) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let running = all.get(&account).into_iter().flatten().filter_map(Weak::upgrade);
        // The locks of the ledger are not taken here: a booking that ends now is dropped after this sum.
        let running: Vec<_> = running.collect();
        drop(all);
        (running.len() as u32, running.iter().map(|booking| booking.left_bytes()).sum())
    }
}
