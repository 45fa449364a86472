//! Files straight from a web server.
//!
//! In: a link that a server answered with a file. Out: its bytes in a spool that grows while they come.
//! Must not: read pages or manifests; ytdlp does.

mod answer;
mod disposition;
mod partial;
mod request;
mod transfer;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

pub(crate) use self::answer::Answer;
use self::partial::Partial;
pub(crate) use self::request::{Opened, Requester};
use self::transfer::{Limits, Transfer};
use super::decide::{self, Kind};
use super::source::{FetchRequest, Fetched, Source, Target};
use super::workspace::{check_room, disk_failure};
use crate::config::FetchConfig;
use crate::model::{Failure, FetchedFile, Link, ProgressSender, Reason, SourceCard};
use crate::spool::{Spool, SpoolWriter};

/// Direct downloads.
pub(crate) struct HttpSource {
    requester: Requester,
    limits: Limits,
}

impl HttpSource {
    /// A source with the limits of the settings.
    pub(crate) fn new(requester: Requester, config: &FetchConfig) -> Self {
        let FetchConfig { max_bytes, keep_free_bytes, resume_attempts, .. } = *config;
        Self { requester, limits: Limits { max_bytes, keep_free_bytes, resume_attempts } }
    }

    async fn begin(&self, request: &FetchRequest, progress: &ProgressSender, cancel: &CancellationToken) -> Result<Fetched, Failure> {
        let (opened, start) = self.open(request).await?;
        let answer = opened.answer.clone();
        self.refuse(&answer)?;
        check_room(&request.folder, answer.total_bytes().unwrap_or(0).saturating_sub(start), self.limits.keep_free_bytes)?;

        let path = partial::body_path(&request.folder);
        let made = if start > 0 { SpoolWriter::resume(&path, start).await } else { SpoolWriter::create(&path).await };
        let (writer, spool) = made.map_err(|error| disk_failure(error, "make the file of the download"))?;
        partial::note(&request.folder, &request.link, &answer.validator).await?;
        writer.expect(answer.total_bytes());
        let transfer = Transfer {
            requester: self.requester.clone(),
            url: request.link.url().clone(),
            folder: request.folder.clone(),
            limits: self.limits,
            writer,
            progress: progress.clone(),
            validator: answer.validator.clone(),
            total_bytes: answer.total_bytes(),
        };
        tokio::spawn(transfer.run(opened, cancel.clone()));
        spool.started().await?;
        Ok(Fetched { file: describe(&answer), spools: vec![spool] })
    }

    /// The open body, and the offset where it begins: behind the bytes of an earlier attempt if the version is still the same.
    async fn open(&self, request: &FetchRequest) -> Result<(Opened, u64), Failure> {
        let url = request.link.url();
        if let Some(Partial { ready_bytes, validator }) = partial::find(&request.folder, &request.link).await {
            let start = ready_bytes - 1; // one byte again, so that a whole file is answered with 206 and its version too
            let opened = self.requester.open_at(url, start, &validator).await?.accepted();
            if let Ok(opened) = opened
                && opened.answer.status == 206
                && opened.answer.start() == start
                && opened.answer.validator.agrees_with(&validator)
            {
                return Ok((opened, start));
            }
        }
        let opened = self.requester.open(url).await?.accepted()?;
        match opened.answer.start() {
            0 => Ok((opened, 0)),
            start => Err(Failure::new(Reason::Network, anyhow::anyhow!("asked for the whole file, the server sent it from byte {start}"))),
        }
    }

    fn refuse(&self, answer: &Answer) -> Result<(), Failure> {
        let limit_bytes = self.limits.max_bytes;
        if decide::kind(answer, &[]) == Kind::Page {
            return Err(Failure::from(Reason::WebPage));
        }
        if answer.packed {
            return Err(Failure::new(Reason::Unsupported, anyhow::anyhow!("the server packs the file although it was asked not to")));
        }
        match answer.total_bytes() {
            Some(0) => Err(Failure::from(Reason::Empty)),
            Some(size_bytes) if size_bytes > limit_bytes => {
                Err(Failure::from(Reason::TooLarge { size_bytes: Some(size_bytes), limit_bytes }))
            }
            _ => Ok(()),
        }
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
            self.refuse(answer)?;
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

fn describe(answer: &Answer) -> FetchedFile {
    FetchedFile { file_name: answer.file_name(), mime: answer.mime.clone(), ..FetchedFile::default() }
}

/// Only whole spools are handed out by sources that can't say which bytes of a growing file are final.
pub(crate) async fn whole(path: &std::path::Path) -> Result<Spool, Failure> {
    Spool::whole(path).await.map_err(|error| disk_failure(error, "open the fetched file"))
}
