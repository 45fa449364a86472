//! Durable jobs: leased from the store, run by workers, cancelled through a registry.
//!
//! In: a store with jobs, something that runs one. Out: every job run, in order and fairly, by as many workers as set. Must not: know the
//! steps of a job.

mod retry;
mod running;
mod worker;

use std::sync::Arc;

use tokio::sync::watch;

use crate::model::{Failure, JobId};
use crate::store::Store;

pub use retry::{Verdict, verdict};
pub use running::Running;
pub use worker::{RunJob, lease_and_run, run};

/// The queue: shared by the intake, which wakes and cancels, and the workers.
#[derive(Clone, Debug)]
pub struct Queue {
    store: Store,
    running: Running,
    wake: Arc<watch::Sender<u64>>,
}

impl Queue {
    /// A queue over the store.
    pub fn new(store: Store) -> Self {
        Self { store, running: Running::default(), wake: Arc::new(watch::channel(0).0) }
    }

    /// Says that there may be something to do.
    pub fn wake(&self) {
        self.wake.send_modify(|version| *version += 1);
    }

    /// Cancels a job wherever it is; says whether it was unfinished.
    pub async fn cancel(&self, id: JobId) -> Result<bool, Failure> {
        let unfinished = self.store.want_cancel(id).await?;
        self.running.cancel(id);
        self.wake();
        Ok(unfinished)
    }
}
