//! The jobs that run in this process, so that a cancel reaches them at once.
//!
//! In: a job and its token. Out: a guard that takes it off the list. Must not: be the truth about jobs; that is the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::model::JobId;

/// The list; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Running(Arc<Mutex<HashMap<JobId, CancellationToken>>>);

/// Takes its job off the list when dropped.
#[derive(Debug)]
pub struct Entry {
    list: Running,
    id: JobId,
}

impl Running {
    /// Puts a job on the list.
    pub fn enter(&self, id: JobId, cancel: CancellationToken) -> Entry {
        self.lock().insert(id, cancel);
        Entry { list: self.clone(), id }
    }

    /// Cancels a job if it runs here.
    pub fn cancel(&self, id: JobId) {
        if let Some(token) = self.lock().get(&id) {
            token.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.list.lock().remove(&self.id);
    }
}
