//! Files straight from a web server.
//!
//! In: a link that a server answered with a file. Out: its bytes in a spool that grows while they come.
//! Must not: read pages or manifests; ytdlp does.

mod answer;
mod disposition;
mod partial;
mod request;
mod side;
mod track;
mod transfer;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

pub(crate) use self::answer::Answer;
pub(crate) use self::request::Requester;
pub(crate) use self::track::Wanted;
pub(crate) use self::transfer::Limits;
use super::decide::Kind;
use super::source::{FetchRequest, Fetched, Source, Target};
use super::together::Together;
use crate::config::FetchConfig;
use crate::model::{Failure, FetchedFile, Link, ProgressSender, Reason, SourceCard};

/// What a file is called on disk while it is fetched.
const STEM: &str = "download";

/// Direct downloads.
pub(crate) struct HttpSource {
    requester: Requester,
    max_bytes: u64,
    limits: Limits,
}

impl HttpSource {
    /// A source with the limits of the settings.
    pub(crate) fn new(requester: Requester, config: &FetchConfig) -> Self {
        let FetchConfig { max_bytes, keep_free_bytes, resume_attempts, .. } = *config;
        Self { requester, max_bytes, limits: Limits { keep_free_bytes, resume_attempts, chunk_bytes: None, may_expire: false } }
    }

    async fn begin(&self, request: &FetchRequest, progress: &ProgressSender, cancel: &CancellationToken) -> Result<Fetched, Failure> {
        let wanted = Wanted {
            requester: self.requester.clone(),
            url: request.link.url().clone(),
            folder: request.folder.clone(),
            stem: STEM,
            content: request.link.as_str().to_owned(),
            limits: self.limits,
            together: Together::new(1, self.max_bytes, progress, cancel),
            track: 0,
        };
        let (answer, spool) = wanted.begin().await?;
        let file = FetchedFile { file_name: answer.file_name(), mime: answer.mime, ..FetchedFile::default() };
        Ok(Fetched { file, spools: vec![spool] })
    }
}

impl Source for HttpSource {
    fn name(&self) -> &'static str {
        "http"
    }

    fn takes(&self, _link: &Link, seen: Option<&Target>) -> bool {
        seen.is_some_and(|target| target.kind == Some(Kind::File))
    }

    fn inspect<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<SourceCard, Failure>> {
        Box::pin(async move {
            let answer = target.answer.as_ref().ok_or(Reason::Unsupported)?;
            track::refuse(answer)?;
            if let Some(size_bytes) = answer.total_bytes().filter(|size_bytes| *size_bytes > self.max_bytes) {
                return Err(Failure::from(Reason::TooLarge { size_bytes: Some(size_bytes), limit_bytes: self.max_bytes }));
            }
            Ok(SourceCard {
                title: answer.file_name(),
                source: target.link.host().to_owned(),
                size_bytes: answer.total_bytes(),
                ..SourceCard::default()
            })
        })
    }

    fn fetch<'a>(
        &'a self,
        _target: &'a Target,
        request: &'a FetchRequest,
        progress: &'a ProgressSender,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Fetched, Failure>> {
        Box::pin(self.begin(request, progress, cancel))
    }
}
