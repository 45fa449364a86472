//! Workers: lease a job, run it, renew the lease meanwhile.
//!
//! In: the queue, a [`RunJob`], the shutdown token. Out: returns when the shutdown is asked for and every running job has stopped.
//! Must not: decide what becomes of a job; whoever runs it stores that.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Queue;
use crate::config::QueueConfig;
use crate::model::{Failure, JobId};
use crate::store::{Kind, Leased};

/// Workers for cards, beside those for long work: a card is quick, and nobody should wait for one behind a download.
const QUICK_WORKERS: usize = 4;
/// The store is asked at least so often, in case another process put a job into it.
const IDLE_POLL: Duration = Duration::from_secs(2);

/// Runs one leased job to where it ends, waits for a person, or must be tried later; stores which.
pub trait RunJob: Send + Sync + 'static {
    /// Runs it. Cancelled means: stop within a second; the store says whether the person wished it or the process ends.
    fn run(&self, leased: Leased, cancel: CancellationToken) -> impl Future<Output = ()> + Send;
}

/// Runs jobs until `shutdown`. `owner` names this process in the store.
pub async fn run<R: RunJob>(queue: Queue, runner: Arc<R>, config: &QueueConfig, owner: &str, shutdown: CancellationToken) {
    let lease_ms = config.lease_s as i64 * 1000;
    tokio::join!(
        work_on(&queue, Kind::Quick, QUICK_WORKERS, &runner, lease_ms, owner, &shutdown),
        work_on(&queue, Kind::Long, config.workers, &runner, lease_ms, owner, &shutdown),
    );
}

/// Leases one job by number and runs it here, for the command line; false if somebody else has it.
pub async fn lease_and_run<R: RunJob>(
    queue: &Queue,
    runner: &Arc<R>,
    id: JobId,
    lease_s: u64,
    owner: &str,
    cancel: CancellationToken,
) -> Result<bool, Failure> {
    let lease_ms = lease_s as i64 * 1000;
    let Some(job) = queue.store.lease_this(owner, id, lease_ms).await? else { return Ok(false) };
    run_leased(queue, runner, Leased { job, cancel_wanted: false }, lease_ms, owner, cancel).await;
    Ok(true)
}

async fn work_on<R: RunJob>(
    queue: &Queue,
    kind: Kind,
    workers: usize,
    runner: &Arc<R>,
    lease_ms: i64,
    owner: &str,
    shutdown: &CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(workers));
    let tasks = TaskTracker::new();
    let mut wake = queue.wake.subscribe();
    loop {
        let permit = tokio::select! {
            () = shutdown.cancelled() => break,
            permit = permits.clone().acquire_owned() => permit.expect("the semaphore is never closed"),
        };
        wake.mark_unchanged(); // before the look, so that what comes during it is seen at the next wait
        match queue.store.lease(owner, kind, lease_ms).await {
            Ok(Some(leased)) => {
                let (queue, runner, owner, cancel) = (queue.clone(), runner.clone(), owner.to_owned(), shutdown.child_token());
                tasks.spawn(async move {
                    run_leased(&queue, &runner, leased, lease_ms, &owner, cancel).await;
                    drop(permit);
                    queue.wake(); // others may wait for the same content
                });
            }
            Ok(None) => {
                drop(permit);
                wait_for_work(queue, &mut wake, shutdown).await;
            }
            Err(error) => {
                tracing::error!(%error, "the queue can't be read; trying again");
                drop(permit);
                wait_for_work(queue, &mut wake, shutdown).await;
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

async fn wait_for_work(queue: &Queue, wake: &mut tokio::sync::watch::Receiver<u64>, shutdown: &CancellationToken) {
    let due = match queue.store.next_due_ms().await {
        Ok(Some(due_ms)) => Duration::from_millis(due_ms.max(1) as u64).min(IDLE_POLL),
        _ => IDLE_POLL,
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        _ = wake.changed() => {}
        () = tokio::time::sleep(due) => {}
    }
}

async fn run_leased<R: RunJob>(queue: &Queue, runner: &Arc<R>, leased: Leased, lease_ms: i64, owner: &str, cancel: CancellationToken) {
    let id = leased.job.id;
    let _entry = queue.running.enter(id, cancel.clone());
    if leased.cancel_wanted || queue.store.cancel_wanted(id).await.unwrap_or(false) {
        cancel.cancel(); // wished between the lease and the entry into the list
    }
    let renewing = renew_until_lost(queue, id, lease_ms, owner);
    tokio::select! {
        () = runner.run(leased, cancel.clone()) => {}
        () = renewing => tracing::warn!(job = %id, "another process took this job over; stopping here"),
    }
}

async fn renew_until_lost(queue: &Queue, id: JobId, lease_ms: i64, owner: &str) {
    let mut ticker = tokio::time::interval(Duration::from_millis((lease_ms / 3).max(1) as u64));
    ticker.tick().await;
    loop {
        ticker.tick().await;
        match queue.store.renew(owner, id, lease_ms).await {
            Ok(true) => {}
            Ok(false) => match queue.store.job(id).await {
                // Its own runner gave it back or ended it just now: it is about to return.
                Ok(Some(_)) if !queue.store.leased_by_other(owner, id).await.unwrap_or(false) => {}
                _ => return,
            },
            Err(error) => tracing::warn!(job = %id, %error, "a lease could not be renewed; trying again"),
        }
    }
}
