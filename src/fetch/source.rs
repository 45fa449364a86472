//! What every kind of source has in common.
//!
//! In: a link and what is known of it. Out: its card, or its bytes in a spool. Must not: know any source by name.
//!
//! A new kind of source is one file with one type that implements [`Source`], and one line in `Fetcher::new`.

use std::path::PathBuf;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::decide::Kind;
use super::http::Answer;
use crate::model::{Choice, Failure, FetchedFile, Link, ProgressSender, SourceCard};
use crate::spool::Spool;

/// What to fetch, and where to.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// The content.
    pub link: Link,
    /// What of it.
    pub choice: Choice,
    /// A folder of this job alone; bytes that an earlier attempt left there are used again.
    pub folder: PathBuf,
}

/// Which subtitles to fetch, and where to.
#[derive(Clone, Debug)]
pub struct TextRequest {
    /// The content that they belong to.
    pub link: Link,
    /// The language, as in [`crate::model::SubtitleOffer`], or without its country and script.
    pub language: String,
    /// True takes what a machine wrote, too.
    pub also_automatic: bool,
    /// The folder of the job.
    pub folder: PathBuf,
}

/// A fetch that has begun.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// What is known of the file.
    pub file: FetchedFile,
    /// Its bytes: one spool, or two where picture and sound come apart (picture first). Each has a byte at least; it may still grow, and fail
    /// later.
    pub spools: Vec<Spool>,
}

/// A link, and how its server answered if it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The link.
    pub(crate) link: Link,
    /// The head of the answer.
    pub(crate) answer: Option<Answer>,
    /// What the answer is.
    pub(crate) kind: Option<Kind>,
}

/// A way to get content.
pub(crate) trait Source: Send + Sync {
    /// A short name for the log.
    fn name(&self) -> &'static str;

    /// True if this source is the one for a link: asked first with the link alone, and if no source takes it, with the server's answer.
    fn takes(&self, link: &Link, seen: Option<&Target>) -> bool;

    /// What is known before the download. Dropping the future stops the work.
    fn inspect<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<SourceCard, Failure>>;

    /// Begins the download: comes back when each spool has its first byte. Dropping the future stops the work; after that, `cancel` does,
    /// and so does dropping every reader of a spool.
    fn fetch<'a>(
        &'a self,
        target: &'a Target,
        request: &'a FetchRequest,
        progress: &'a ProgressSender,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Fetched, Failure>>;

    /// Fetches subtitles that lie beside the content, as a file; nothing if there are none.
    fn subtitles<'a>(&'a self, _target: &'a Target, _request: &'a TextRequest) -> BoxFuture<'a, Result<Option<PathBuf>, Failure>> {
        Box::pin(async { Ok(None) })
    }
}
