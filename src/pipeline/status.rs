//! The status message of one run of a job: shown while it runs, and its end.
//!
//! In: the job, its progress. Out: a message that follows the progress; afterwards [`Ended`], which says the last words or goes away.
//! Must not: fail a job, except that a chat that takes no messages ends it early.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Pipeline, PipelineParts};
use crate::deliver::{StatusMessage, card, render};
use crate::model::{Job, Progress, Reason, Stage};
use crate::store::{JobProgress, Store};

/// How often the progress is written down for other processes.
const MIRROR: Duration = Duration::from_secs(1);
/// A pause shorter than this is not worth an edit.
const WORTH_TELLING_MS: u64 = 4000;

/// While the job runs.
pub(super) struct Shown {
    message: Option<StatusMessage>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// After the run.
pub(super) struct Ended {
    message: Option<StatusMessage>,
}

impl Pipeline {
    pub(super) async fn begin_status(&self, job: &Job, progress: watch::Receiver<Progress>) -> Shown {
        if let Some(observer) = &self.parts.observer {
            observer(job.id, progress.clone());
        }
        let stop = CancellationToken::new();
        let mut tasks = vec![tokio::spawn(mirror(self.parts.store.clone(), job.clone(), progress.clone(), stop.clone()))];
        let interval = Duration::from_millis(self.parts.config.bot.status_interval_ms);
        let message = job.status_message.map(|message| StatusMessage::new(self.parts.bot.clone(), job.clone(), message, interval));
        // Until the choice the message is the card, which stays as it is.
        if let Some(message) = message.clone().filter(|_| !matches!(job.stage, Stage::Inspect | Stage::Choose)) {
            tasks.push(tokio::spawn(message.watch(progress, stop.clone())));
        }
        Shown { message, stop, tasks }
    }
}

impl Shown {
    /// Resolves when the chat turned out to take no messages; never otherwise.
    pub(super) async fn unreachable(&self) {
        match &self.message {
            Some(message) => message.unreachable().cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Ends the edits; the last one has arrived or never will.
    pub(super) async fn stop(self) -> Ended {
        self.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the status message failed");
            }
        }
        Ended { message: self.message }
    }
}

impl Ended {
    /// The file is there and says more than any status.
    pub(super) async fn remove(self, parts: &PipelineParts, job: &Job) {
        let message = self.current(parts, job).await;
        if let Some(message) = message {
            message.finish_delete().await;
        }
    }

    /// The last words: why there is no file.
    pub(super) async fn say(self, parts: &PipelineParts, job: &Job, reason: &Reason) {
        let html = render::failed(job, reason);
        let said = match self.current(parts, job).await {
            Some(message) => message.finish_text(&html).await,
            None if job.request_message.is_some() => card::say(&parts.bot, job, &html).await.map(drop),
            None => Ok(()), // asked for from the command line, which is told there
        };
        if let Err(failure) = said {
            tracing::debug!(job = %job.id, %failure, "the person could not be told how it ended");
        }
    }

    /// A pause before the next try, if it is long enough that somebody would wonder.
    pub(super) async fn say_later(self, parts: &PipelineParts, job: &Job, reason: &Reason, delay_ms: i64) {
        let delay_ms = delay_ms.max(0) as u64;
        if delay_ms < WORTH_TELLING_MS {
            return;
        }
        match self.message {
            Some(message) => message.show_later(reason, delay_ms).await,
            None if job.request_message.is_some() => {
                // Before the card there is no message yet; this one gives way to the card.
                let sent = StatusMessage::send_later(&parts.bot, job, reason, delay_ms).await;
                let stored = match sent {
                    Ok(message) => parts.store.set_status_message(job.id, message).await,
                    Err(failure) => Err(failure),
                };
                if let Err(failure) = stored {
                    tracing::debug!(job = %job.id, %failure, "the person could not be told of the pause");
                }
            }
            None => {}
        }
    }

    /// The message as the store knows it now: a card may have been sent in this very run.
    async fn current(self, parts: &PipelineParts, job: &Job) -> Option<StatusMessage> {
        if self.message.is_some() {
            return self.message;
        }
        let now = parts.store.job(job.id).await.ok().flatten()?;
        let message = now.status_message?;
        Some(StatusMessage::new(parts.bot.clone(), now, message, Duration::ZERO))
    }
}

/// Writes the progress down for `tgferry send`, which may watch from another process. Only jobs of the command line are watched so.
async fn mirror(store: Store, job: Job, progress: watch::Receiver<Progress>, stop: CancellationToken) {
    if job.request_message.is_some() {
        return;
    }
    let mut last = None;
    loop {
        let seen = progress.borrow().clone();
        let now =
            JobProgress { step: format!("{:?}", seen.step).to_lowercase(), permille: seen.fraction().map(|share| (share * 1000.0) as u32) };
        if last.as_ref() != Some(&now) {
            if let Err(failure) = store.set_progress(job.id, now.clone()).await {
                tracing::debug!(job = %job.id, %failure, "the progress could not be written down");
            }
            last = Some(now);
        }
        tokio::select! {
            () = tokio::time::sleep(MIRROR) => {}
            () = stop.cancelled() => return,
        }
    }
}
