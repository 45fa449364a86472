//! Intent -> accepted job: the wishes of people, stored before they are answered.
//!
//! In: links, choices and cancels of a person. Out: jobs in the store, and what to answer. Must not: do the work of a job, or build texts.

pub mod parse;

use crate::model::{ChatId, Choice, Failure, Job, JobId, Link, MessageId, NewJob, SubtitleChoice, SubtitleOffer, UserId, sort_offers};
use crate::queue::Queue;
use crate::store::Store;

/// Takes wishes in; cheap to clone.
#[derive(Clone, Debug)]
pub struct Intake {
    store: Store,
    queue: Queue,
    max_jobs_per_user: usize,
}

/// Links that somebody sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who sent them.
    pub user: UserId,
    /// Where the results go.
    pub chat: ChatId,
    /// The message that held them.
    pub message: MessageId,
    /// Language of the person.
    pub language: String,
    /// The links, in order.
    pub links: Vec<Link>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// These jobs are stored; fewer than links if some were accepted before.
    Jobs(Vec<JobId>),
    /// Nothing was accepted: the person would have too many unfinished jobs.
    TooManyJobs {
        /// How many one may have.
        limit: usize,
        /// How many there are.
        unfinished: usize,
    },
}

/// What became of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The job goes on.
    Queued,
    /// A choice was made before.
    AlreadyChosen,
    /// The job is over or was never there.
    Gone,
    /// The job is somebody else's.
    NotYours,
}

/// What became of a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It stops within a second.
    Cancelled,
    /// It was over already.
    AlreadyOver,
    /// There is no such job.
    Gone,
    /// The job is somebody else's.
    NotYours,
}

impl Intake {
    /// An intake over the store and the queue.
    pub fn new(store: Store, queue: Queue, max_jobs_per_user: usize) -> Self {
        Self { store, queue, max_jobs_per_user }
    }

    /// Stores jobs for links, all or none; the same update delivered twice is accepted once.
    pub async fn accept(&self, request: Request) -> Result<Accepted, Failure> {
        let unfinished = self.store.unfinished(request.user).await?;
        let seen_before = unfinished.iter().any(|job| job.chat == request.chat && job.request_message == Some(request.message));
        if !seen_before && unfinished.len() + request.links.len() > self.max_jobs_per_user {
            return Ok(Accepted::TooManyJobs { limit: self.max_jobs_per_user, unfinished: unfinished.len() });
        }
        let jobs = request
            .links
            .into_iter()
            .map(|link| NewJob {
                user: request.user,
                chat: request.chat,
                request_message: Some(request.message),
                link,
                choice: None,
                subtitles: None,
                language: request.language.clone(),
            })
            .collect();
        let accepted = self.store.accept(jobs).await?;
        self.queue.wake();
        Ok(Accepted::Jobs(accepted))
    }

    /// Stores what a person chose on a card.
    pub async fn choose(&self, user: UserId, id: JobId, choice: Choice, subtitles: Option<&SubtitleChoice>) -> Result<Chosen, Failure> {
        let Some(job) = self.store.job(id).await? else { return Ok(Chosen::Gone) };
        if job.user != user {
            return Ok(Chosen::NotYours);
        }
        if self.store.choose(id, choice, subtitles).await? {
            self.queue.wake();
            return Ok(Chosen::Queued);
        }
        Ok(if job.stage.is_final() { Chosen::Gone } else { Chosen::AlreadyChosen })
    }

    /// The subtitles that a person can choose from, those in her language first; or why there is nothing to choose any more.
    pub async fn subtitles(&self, user: UserId, id: JobId, language: Option<&str>) -> Result<Result<Vec<SubtitleOffer>, Chosen>, Failure> {
        let Some(job) = self.store.job(id).await? else { return Ok(Err(Chosen::Gone)) };
        Ok(match job {
            job if job.user != user => Err(Chosen::NotYours),
            job if job.stage.is_final() => Err(Chosen::Gone),
            job if job.choice.is_some() => Err(Chosen::AlreadyChosen),
            job => {
                let mut offers = self.store.card(&job.link).await?.unwrap_or_default().subtitles;
                sort_offers(&mut offers, &[language.unwrap_or(&job.language)]);
                Ok(offers)
            }
        })
    }

    /// Cancels a job of a person.
    pub async fn cancel(&self, user: UserId, id: JobId) -> Result<CancelOutcome, Failure> {
        let Some(job) = self.store.job(id).await? else { return Ok(CancelOutcome::Gone) };
        if job.user != user {
            return Ok(CancelOutcome::NotYours);
        }
        Ok(if self.queue.cancel(id).await? { CancelOutcome::Cancelled } else { CancelOutcome::AlreadyOver })
    }

    /// Cancels all unfinished jobs of a person; says how many.
    pub async fn cancel_all(&self, user: UserId) -> Result<usize, Failure> {
        let mut cancelled = 0;
        for job in self.store.unfinished(user).await? {
            cancelled += usize::from(self.queue.cancel(job.id).await?);
        }
        Ok(cancelled)
    }

    /// The unfinished jobs of a person, oldest first.
    pub async fn unfinished(&self, user: UserId) -> Result<Vec<Job>, Failure> {
        self.store.unfinished(user).await
    }
}
