//! The network between clients and the MTProto face: how fast, how far away, how reliable.
//!
//! In: a [`NetworkShape`] from a test, the control API or the command line, at any time. Out: readers that read no faster than that, and the delay
//! that writers keep. It holds for connections that are open already. Must not: look into what is sent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

mod bucket;
mod metered;
#[cfg(test)]
mod tests;

use bucket::{Bucket, Turn};
pub(crate) use metered::Metered;

/// What the network is like. The default is the machine's own loopback.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkShape {
    /// Bytes a second that a client may send over one connection; 0 lets nothing through.
    pub connection_bytes_per_s: Option<u64>,
    /// Bytes a second over all connections together that are logged in as the same user; 0 lets nothing through.
    pub account_bytes_per_s: Option<u64>,
    /// Added to the time that any answer takes, whatever else is on the way (as JSON: `delay_ms`).
    #[serde(rename = "delay_ms", with = "crate::faults::millis")]
    pub delay: Duration,
    /// Each connection is cut once it has sent so many bytes.
    pub cut_after_bytes: Option<u64>,
}

/// A handle on the network; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Network {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    shape: watch::Sender<NetworkShape>,
    /// By user.
    accounts: Mutex<HashMap<i64, Bucket>>,
    /// Bytes until one connection is cut.
    cut_next: Mutex<Option<u64>>,
}

/// Whose connection it is, once that is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owner(Arc<AtomicI64>);

impl Network {
    /// From now on the network is like this, for open connections too.
    pub fn set(&self, shape: NetworkShape) {
        self.inner.shape.send_replace(shape);
    }

    /// What it is like.
    pub fn shape(&self) -> NetworkShape {
        *self.inner.shape.borrow()
    }

    /// Cuts, once, the connection that brings the `bytes`-th byte from now on, counted over all connections.
    pub fn cut_after(&self, bytes: u64) {
        *self.cut_next() = Some(bytes.max(1));
    }

    /// A reader of a new connection.
    pub(crate) fn meter<R>(&self, read: R) -> Metered<R> {
        Metered::new(read, self.clone())
    }

    /// Waits until an answer that was ready at this instant may reach the client.
    pub(crate) async fn delayed(&self, ready: Instant) {
        let mut shapes = self.watch();
        loop {
            let delay = shapes.borrow_and_update().delay;
            if delay.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(ready + delay) => return,
                // The sender lives in `self`.
                _ = shapes.changed() => {}
            }
        }
    }

    fn watch(&self) -> watch::Receiver<NetworkShape> {
        self.inner.shape.subscribe()
    }

    /// Charges the user's bucket; gives the turn of the connection that does.
    fn pass(&self, user: i64, now: Instant, bytes: usize, bytes_per_s: Option<u64>) -> Turn {
        let mut accounts = self.inner.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = accounts.entry(user).or_default();
        bucket.pass(now, bytes, bytes_per_s);
        bucket.turn(now, bytes_per_s)
    }

    fn cut_next(&self) -> MutexGuard<'_, Option<u64>> {
        self.inner.cut_next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts towards the cut; tells whether it falls on the connection that brought these bytes.
    fn is_cut_by(&self, bytes: usize) -> bool {
        let mut cut_next = self.cut_next();
        let left = cut_next.map(|left| left.saturating_sub(bytes as u64));
        *cut_next = left.filter(|left| *left > 0);
        left == Some(0)
    }
}

impl Owner {
    /// The connection is this user's.
    pub(crate) fn set(&self, user: i64) {
        self.0.store(user, Ordering::Relaxed);
    }

    fn get(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|user| *user != 0)
    }
}
