//! The only place that knows the order of the steps; stores after each.
//!
//! In: a leased job. Out: the job one or more stages further, ended, waiting for its person, or to be tried later; the store says which.
//! Must not: do a step's work itself.

mod carry;
mod context;
mod deliver;
mod fetch;
mod inspect;
mod media;
mod pieces;
mod settle;
mod status;
mod subtitles;
mod upload;

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::deliver::caption;
use crate::model::{Choice, Failure, Job, JobId, Lane, Piece, Prepared, ProgressSender, Reason, Stage};
use crate::queue::RunJob;
use crate::store::{Leased, Store};

pub use context::{Observer, Pipeline, PipelineParts, StepPermits};

/// One run of a job: what every step gets.
pub(crate) struct Run<'a> {
    /// The job as it was leased; only [`Run::stage`] moves.
    pub(crate) job: &'a Job,
    /// Upwards, for display.
    pub(crate) progress: &'a ProgressSender,
    /// Downwards.
    pub(crate) cancel: &'a CancellationToken,
    /// The piece of the content that this is about, if one message can't hold all of it.
    pub(crate) piece: Option<Piece>,
    stage: StageHandle,
}

/// The stage that a run is at; the steps of one run that go on side by side share it.
#[derive(Clone)]
pub(crate) struct StageHandle {
    job: JobId,
    now: Arc<Mutex<Stage>>,
}

impl Run<'_> {
    /// The stage that the job is at.
    pub(crate) fn stage(&self) -> Stage {
        *self.stage.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same run for one piece of the content.
    pub(crate) fn of_piece<'b>(&'b self, piece: Piece, progress: &'b ProgressSender) -> Run<'b> {
        Run { job: self.job, progress, cancel: self.cancel, piece: Some(piece), stage: self.stage.clone() }
    }

    /// The words under the file.
    pub(crate) fn caption(&self) -> String {
        caption::for_job(self.job, self.piece)
    }

    /// What the person wants.
    pub(crate) fn choice(&self) -> Result<Choice, Failure> {
        self.job.choice.ok_or_else(|| Failure::internal(anyhow::anyhow!("a job without a choice is past its card")))
    }

    /// Something that moves the job to another stage from a task of its own.
    pub(crate) fn stage_handle(&self) -> StageHandle {
        self.stage.clone()
    }

    /// Stores that the job is at this stage now.
    pub(crate) async fn begin(&self, store: &Store, stage: Stage) -> Result<(), Failure> {
        self.stage.begin(store, stage).await
    }
}

impl StageHandle {
    /// Stores that the job is at this stage now.
    pub(crate) async fn begin(&self, store: &Store, stage: Stage) -> Result<(), Failure> {
        if *self.now.lock().unwrap_or_else(PoisonError::into_inner) != stage {
            store.advance(self.job, stage).await?;
            *self.now.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        }
        Ok(())
    }
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
        let stage = StageHandle { job: job.id, now: Arc::new(Mutex::new(job.stage)) };
        let run = Run { job, progress, cancel, piece: None, stage };
        loop {
            if cancel.is_cancelled() {
                return Err((run.stage(), Failure::cancelled()));
            }
            let step = tokio::select! {
                // A step stops by itself when it is cancelled and cleans up after itself; this catches those that only wait.
                biased;
                step = self.step(&run) => step,
                () = cancelled_for_long(cancel) => Err(Failure::cancelled()),
            };
            match step.map_err(|failure| (run.stage(), failure))? {
                Next::Stage(next) => run.begin(&self.parts.store, next).await.map_err(|failure| (run.stage(), failure))?,
                end => return Ok(end),
            }
        }
    }

    async fn step(&self, run: &Run<'_>) -> Result<Next, Failure> {
        // On the heap, each: a thread's stack has room for one such future, not for all of them.
        match run.stage() {
            Stage::Inspect => Box::pin(self.inspect(run)).await,
            Stage::Choose => Ok(Next::Wait),
            Stage::Fetch | Stage::Media | Stage::Upload => match Box::pin(self.carry(run)).await {
                Err(failure) if upload::hands_over(&failure) => {
                    tracing::info!(job = %run.job.id, %failure, "the job is handed over");
                    Ok(Next::Stage(run.stage()))
                }
                outcome => outcome,
            },
            Stage::Deliver => Box::pin(self.deliver(run)).await,
            Stage::Done | Stage::Failed | Stage::Cancelled => Err(Failure::internal(anyhow::anyhow!("a finished job was leased"))),
        }
    }
}

/// True if the file is there as it was stored: after a crash or a sweep it may not be.
fn is_whole(prepared: &Prepared) -> bool {
    std::fs::metadata(&prepared.path).is_ok_and(|metadata| metadata.len() == prepared.size_bytes)
}

async fn cancelled_for_long(cancel: &CancellationToken) {
    cancel.cancelled().await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
}
