//! The only place that knows the order of the steps; stores after each.
//!
//! In: a leased job. Out: the job one or more stages further, ended, waiting for its person, or to be tried later; the store says which.
//! Must not: do a step's work itself.

mod context;
mod deliver;
mod fetch;
mod inspect;
mod media;
mod settle;
mod status;
mod upload;

use tokio_util::sync::CancellationToken;

use crate::model::{Failure, Job, Lane, ProgressSender, Reason, Stage};
use crate::queue::RunJob;
use crate::store::Leased;

pub use context::{Observer, Pipeline, PipelineParts, StepPermits};

/// One run of a job: what every step gets.
pub(crate) struct Run<'a> {
    /// The job as it was leased; only [`Run::stage`] moves.
    pub(crate) job: &'a Job,
    /// Upwards, for display.
    pub(crate) progress: &'a ProgressSender,
    /// Downwards.
    pub(crate) cancel: &'a CancellationToken,
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// To this stage, now.
    Stage(Stage),
    /// The person has to choose.
    Wait,
    /// The job is over and well; the lane that carried it, `None` if it was at Telegram already.
    Done(Option<Lane>),
}

impl RunJob for Pipeline {
    async fn run(&self, leased: Leased, cancel: CancellationToken) {
        let job = leased.job;
        let (progress, receiver) = ProgressSender::channel();
        let status = self.begin_status(&job, receiver).await;
        let outcome = tokio::select! {
            outcome = self.stages(&job, &progress, &cancel) => outcome,
            // Nobody will see the rest. The stage does not matter: this is not tried again.
            () = status.unreachable() => Err((job.stage, Failure::from(Reason::ChatUnreachable))),
        };
        self.settle(&job, outcome, status, &cancel).await;
    }
}

impl Pipeline {
    /// Runs stage after stage. A failure carries the stage in which it happened.
    async fn stages(&self, job: &Job, progress: &ProgressSender, cancel: &CancellationToken) -> Result<Next, (Stage, Failure)> {
        let run = Run { job, progress, cancel };
        let mut stage = job.stage;
        loop {
            if cancel.is_cancelled() {
                return Err((stage, Failure::cancelled()));
            }
            let step = tokio::select! {
                // A step stops by itself when it is cancelled and cleans up after itself; this catches those that only wait.
                biased;
                step = self.step(stage, &run) => step,
                () = cancelled_for_long(cancel) => Err(Failure::cancelled()),
            };
            match step.map_err(|failure| (stage, failure))? {
                Next::Stage(next) => {
                    self.parts.store.advance(job.id, next).await.map_err(|failure| (stage, failure))?;
                    stage = next;
                }
                end => return Ok(end),
            }
        }
    }

    async fn step(&self, stage: Stage, run: &Run<'_>) -> Result<Next, Failure> {
        match stage {
            Stage::Inspect => self.inspect(run).await,
            Stage::Choose => Ok(Next::Wait),
            Stage::Fetch => self.fetch(run).await,
            Stage::Media => self.media(run).await,
            Stage::Upload => self.upload(run).await,
            Stage::Deliver => self.deliver(run).await,
            Stage::Done | Stage::Failed | Stage::Cancelled => Err(Failure::internal(anyhow::anyhow!("a finished job was leased"))),
        }
    }
}

async fn cancelled_for_long(cancel: &CancellationToken) {
    cancel.cancelled().await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
}
