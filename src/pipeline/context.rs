//! What the pipeline is built of, and the permits that limit steps of one kind.
//!
//! In: the parts that the composition root made. Out: a [`Pipeline`]. Must not: build clients.

use std::sync::Arc;

use teloxide::Bot;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, QueueConfig};
use crate::fetch::Fetcher;
use crate::fetch::workspace::Workspace;
use crate::media::Media;
use crate::model::{Failure, JobId, Progress};
use crate::store::Store;
use crate::telegram::pool::Accounts;
use crate::upload::uploader::Uploader;

/// Sees the progress of every run, beside the status message: the command line's bars.
pub type Observer = Arc<dyn Fn(JobId, watch::Receiver<Progress>) + Send + Sync>;

/// Everything that the steps need.
#[derive(Clone)]
pub struct PipelineParts {
    /// The settings.
    pub config: Arc<Config>,
    /// The truth about jobs.
    pub store: Store,
    /// The bot, for calls that carry no file.
    pub bot: Bot,
    /// The bot, for uploads: without a time-out for the whole request.
    pub upload_bot: Bot,
    /// The bot's own number.
    pub bot_id: i64,
    /// Folders of the jobs.
    pub workspace: Workspace,
    /// The fetch step.
    pub fetcher: Fetcher,
    /// The media step.
    pub media: Media,
    /// The user accounts.
    pub accounts: Accounts,
    /// The upload step by accounts.
    pub uploader: Uploader,
    /// Limits of steps at once.
    pub permits: StepPermits,
    /// Another watcher of the progress, if there is one.
    pub observer: Option<Observer>,
}

/// Runs jobs through the steps.
#[derive(Clone)]
pub struct Pipeline {
    pub(super) parts: Arc<PipelineParts>,
}

impl Pipeline {
    /// A pipeline of these parts.
    pub fn new(parts: PipelineParts) -> Self {
        Self { parts: Arc::new(parts) }
    }
}

/// How many steps of one kind may run at once.
#[derive(Clone, Debug)]
pub struct StepPermits {
    fetch: Arc<Semaphore>,
    media: Arc<Semaphore>,
    upload: Arc<Semaphore>,
}

impl StepPermits {
    /// As the settings say.
    pub fn new(config: &QueueConfig) -> Self {
        let permits = |at_once| Arc::new(Semaphore::new(at_once));
        Self { fetch: permits(config.fetch_at_once), media: permits(config.media_at_once), upload: permits(config.upload_at_once) }
    }

    pub(super) async fn fetch(&self, cancel: &CancellationToken) -> Result<OwnedSemaphorePermit, Failure> {
        take(&self.fetch, cancel).await
    }

    pub(super) async fn media(&self, cancel: &CancellationToken) -> Result<OwnedSemaphorePermit, Failure> {
        take(&self.media, cancel).await
    }

    pub(super) async fn upload(&self, cancel: &CancellationToken) -> Result<OwnedSemaphorePermit, Failure> {
        take(&self.upload, cancel).await
    }
}

async fn take(semaphore: &Arc<Semaphore>, cancel: &CancellationToken) -> Result<OwnedSemaphorePermit, Failure> {
    tokio::select! {
        permit = semaphore.clone().acquire_owned() => permit.map_err(Failure::internal),
        () = cancel.cancelled() => Err(Failure::cancelled()),
    }
}
