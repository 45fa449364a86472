//! Leave to have a part on its way: first come, first served, in a number that changes.
//!
//! In: how many there may be. Out: permits, in the order in which they were asked for. Must not: know what they are for.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// As many permits as were last wanted.
#[derive(Debug)]
pub(super) struct Permits {
    semaphore: Arc<Semaphore>,
    count: Mutex<Count>,
}

#[derive(Debug)]
struct Count {
    wanted: usize,
    /// Given out or to be had.
    there: usize,
}

/// Given back when it is dropped.
#[derive(Debug)]
pub(in crate::upload) struct Permit {
    permits: Arc<Permits>,
    inner: Option<OwnedSemaphorePermit>,
}

impl Permits {
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { semaphore: Arc::new(Semaphore::new(count)), count: Mutex::new(Count { wanted: count, there: count }) })
    }

    /// Waits for a permit.
    pub(super) async fn take(self: Arc<Self>) -> Permit {
        let inner = Arc::clone(&self.semaphore).acquire_owned().await.ok(); // it is never closed
        Permit { permits: self, inner }
    }

    /// From now on there are so many; those that are too many end as they are given back.
    pub(super) fn resize(&self, wanted: usize) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        count.wanted = wanted;
        if wanted > count.there {
            self.semaphore.add_permits(wanted - count.there);
            count.there = wanted;
        } else {
            count.there -= self.semaphore.forget_permits(count.there - wanted);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut count = self.permits.count.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = self.inner.take()
            && count.there > count.wanted
        {
            count.there -= 1;
            inner.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn their_number_follows_what_is_wanted() {
        let permits = Permits::new(2);
        let (first, second) = (permits.clone().take().await, permits.clone().take().await);
        let mut third = pin!(permits.clone().take());
        assert!(poll!(&mut third).is_pending());
        permits.resize(3);
        let third = third.await;
        permits.resize(1);
        drop((first, second));
        let mut fourth = pin!(permits.clone().take());
        assert!(poll!(&mut fourth).is_pending(), "the third is the one that is left");
        drop(third);
        let fourth = fourth.await;
        permits.resize(2);
        permits.resize(1);
        let mut fifth = pin!(permits.clone().take());
        assert!(poll!(&mut fifth).is_pending());
        drop(fourth);
        fifth.await;
    }

    #[tokio::test]
    async fn whoever_asked_first_is_first() {
        let permits = Permits::new(1);
        let held = permits.clone().take().await;
        let (mut one, mut other) = (pin!(permits.clone().take()), pin!(permits.clone().take()));
        assert!(poll!(&mut one).is_pending() && poll!(&mut other).is_pending());
        drop(held);
        assert!(poll!(&mut other).is_pending());
        drop(one.await);
        other.await;
    }
}
