//! What becomes of a job after a run: ended, to be tried later, given back.
//!
//! In: the outcome of the steps. Out: the store's truth, the last text of the status message, no files left of what is over.
//! The truth and the files come first: what is said may have to wait for Telegram. Must not: run a step.

use tokio_util::sync::CancellationToken;

use super::status::Shown;
use super::{Next, Pipeline};
use crate::model::{Failure, Job, Reason, Stage};
use crate::queue::{Verdict, verdict};

impl Pipeline {
    pub(super) async fn settle(&self, job: &Job, outcome: Result<Next, (Stage, Failure)>, status: Shown, cancel: &CancellationToken) {
        let stored = match outcome {
            Ok(Next::Done(lane)) => {
                tracing::info!(job = %job.id, ?lane, "delivered");
                let stored = self.parts.store.end(job.id, Stage::Done, None).await;
                self.clean_up(job).await;
                status.stop().await.remove(&self.parts, job).await;
                stored
            }
            Ok(_) => {
                status.stop().await;
                self.parts.store.release(job.id).await
            }
            Err((stage, failure)) if cancel.is_cancelled() => self.settle_cancelled(job, stage, failure, status).await,
            Err((stage, failure)) => self.settle_failed(job, stage, failure, status).await,
        };
        if let Err(error) = stored {
            tracing::error!(job = %job.id, %error, "the outcome of a job could not be stored; its lease will run out and it is tried again");
        }
    }

    async fn settle_cancelled(&self, job: &Job, stage: Stage, failure: Failure, status: Shown) -> Result<(), Failure> {
        if !self.parts.store.cancel_wanted(job.id).await? {
            tracing::info!(job = %job.id, stage = stage.as_str(), "the process ends; the job goes on at the next start");
            status.stop().await;
            return self.parts.store.release(job.id).await;
        }
        tracing::info!(job = %job.id, stage = stage.as_str(), %failure, "cancelled");
        self.clean_up(job).await;
        self.parts.store.end(job.id, Stage::Cancelled, None).await?;
        status.stop().await.say(&self.parts, job, &Reason::Cancelled).await;
        Ok(())
    }

    async fn settle_failed(&self, job: &Job, stage: Stage, failure: Failure, status: Shown) -> Result<(), Failure> {
        // Tries are counted for the stage that the job is in now, not for one that it left in this run.
        let attempts = if stage == job.stage { job.attempts } else { 0 };
        let cause = format!("{:#}", failure.cause);
        match verdict(&failure.reason, attempts, &self.parts.config.queue) {
            Verdict::Later { delay_ms, counts } => {
                tracing::warn!(job = %job.id, stage = stage.as_str(), attempts, delay_ms, reason = %failure.reason, cause, "trying again later");
                // Given back last: the next try must not find this one's message still being edited.
                status.stop().await.say_later(&self.parts, job, &failure.reason, delay_ms).await;
                self.parts.store.try_later(job.id, delay_ms, counts).await
            }
            Verdict::GiveUp => {
                tracing::warn!(job = %job.id, stage = stage.as_str(), attempts, reason = %failure.reason, cause, "given up");
                self.clean_up(job).await;
                self.parts.store.end(job.id, Stage::Failed, Some(failure.reason.clone())).await?;
                status.stop().await.say(&self.parts, job, &failure.reason).await;
                Ok(())
            }
        }
    }

    async fn clean_up(&self, job: &Job) {
        if let Err(error) = self.parts.workspace.remove(job.id).await {
            tracing::error!(job = %job.id, %error, "the temporary files of a job could not be removed; the next start tries again");
        }
    }
}
