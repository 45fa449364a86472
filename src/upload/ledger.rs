//! Stored parts on their way into the database, several at a time.
//!
//! In: parts as Telegram stores them. Out: the same in the store, at most 100 ms later. Must not: hold the upload up; if the store fails, the
//! parts are only sent again after a restart.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::model::JobId;
use crate::store::{Store, StoredPart};

/// A batch is written when it has so many parts, or so much time after its first.
const BATCH_PARTS: usize = 16;
const BATCH_TIME: Duration = Duration::from_millis(100);

/// Of parts that came while a batch was written, so many go into the next at most.
const LARGEST_BATCH: usize = 512;

/// Notes the stored parts of one upload. Dropped, it still writes what it has.
pub(super) struct Ledger {
    parts: mpsc::UnboundedSender<StoredPart>,
    writer: JoinHandle<()>,
}

impl Ledger {
    /// For the upload of a job with this number at Telegram.
    pub(super) fn open(store: Store, job: JobId, file_id: i64) -> Self {
        let (parts, queue) = mpsc::unbounded_channel();
        Self { parts, writer: tokio::spawn(write(store, job, file_id, queue)) }
    }

    pub(super) fn note(&self, part: StoredPart) {
        // Nobody listens if the writer panicked; that is in the log, and costs no more than parts sent twice.
        let _ = self.parts.send(part);
    }

    /// Waits until everything is written.
    pub(super) async fn close(self) {
        drop(self.parts);
        let _ = self.writer.await;
    }
}

async fn write(store: Store, job: JobId, file_id: i64, mut queue: mpsc::UnboundedReceiver<StoredPart>) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, LARGEST_BATCH).await > 0 {
        let gather = async { while batch.len() < BATCH_PARTS && queue.recv_many(&mut batch, LARGEST_BATCH).await > 0 {} };
        let _ = timeout(BATCH_TIME, gather).await;
        if let Err(failure) = store.add_stored_parts(job, file_id, std::mem::take(&mut batch)).await {
            tracing::warn!(%job, %failure, "stored parts could not be noted; after a restart they would be sent again");
        }
    }
}
