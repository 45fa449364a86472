//! Getting the bytes behind a link.
//!
//! In: a link. Out: a card with what is known of it; then spools that fill with its bytes, one, or two where picture and sound come apart.
//! Must not: look into media, or know Telegram.
//!
//! [`Fetcher`] asks each `Source` whether a link is its own: by the link alone, then by what the link's server answers.

mod address;
mod client;
mod decide;
#[cfg(fuzzing)]
pub mod fuzzing;
mod http;
pub mod names;
mod recent;
mod sizes;
mod small;
mod source;
#[cfg(test)]
mod tests;
mod together;
pub mod workspace;
mod ytdlp;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use url::Url;

use self::client::Guard;
use self::http::{HttpSource, Requester};
use self::recent::Recent;
pub use self::source::{FetchRequest, Fetched, TextRequest};
use self::source::{Source, Target};
use self::ytdlp::YtDlpSource;
pub use self::ytdlp::YtDlpVersion;
use crate::config::FetchConfig;
use crate::model::{Failure, Link, ProgressSender, Reason, SourceCard, Step};

/// Fetches. Cheap to clone; the clones share connections and what was asked lately.
#[derive(Clone)]
pub struct Fetcher(Arc<Inner>);

struct Inner {
    requester: Requester,
    ytdlp: Arc<YtDlpSource>,
    sources: Vec<Arc<dyn Source>>,
    probed: Recent<Target>,
}

impl Fetcher {
    /// A fetcher with these settings. Fails if no HTTP client can be made of them.
    pub fn new(config: FetchConfig) -> Result<Self, Failure> {
        let guard = Guard::new(&config);
        let requester = Requester::new(client::build(&config, guard)?, guard, Duration::from_secs(config.stall_timeout_s));
        let http = Arc::new(HttpSource::new(requester.clone(), &config));
        let ytdlp = Arc::new(YtDlpSource::new(config, guard, requester.clone()));
        Ok(Self(Arc::new(Inner { requester, sources: vec![ytdlp.clone(), http], ytdlp, probed: Recent::new() })))
    }

    /// What is known of the content before the download. A fetch within a few minutes does not ask again.
    pub async fn inspect(&self, link: &Link, cancel: &CancellationToken) -> Result<SourceCard, Failure> {
        until_cancelled(cancel, async {
            let (source, target) = self.choose(link).await?;
            tracing::debug!(host = link.host(), source = source.name(), "inspecting");
            source.inspect(&target).await
        })
        .await
    }

    /// Begins to fetch: comes back as soon as each spool has a name and a first byte. The download goes on by itself; its failure goes into
    /// every spool. It stops, with every process that it started, when `cancel` is cancelled, when this future is dropped before it is
    /// done, or when one of its unfinished spools has no reader left. What is on disk by then is used again by the next fetch into the same folder.
    ///
    /// A reader that waits far from where the bytes come says so by [`crate::spool::Spool::wish`]; a web server's file can be asked for it.
    pub async fn fetch(&self, request: FetchRequest, progress: &ProgressSender, cancel: &CancellationToken) -> Result<Fetched, Failure> {
        progress.report(Step::Fetching, 0, None);
        until_cancelled(cancel, async {
            let (source, target) = self.choose(&request.link).await?;
            tracing::debug!(host = request.link.host(), source = source.name(), "fetching");
            let fetched = source.fetch(&target, &request, progress, cancel).await;
            if fetched.is_err() {
                self.0.probed.forget(&request.link);
            }
            fetched
        })
        .await
    }

    /// Fetches the subtitles of a content, as a file in the job's folder (SRT, WebVTT or ASS, as far as its source says), at most 10 MB. Nothing if its source has
    /// none in this language.
    pub async fn subtitles(&self, request: TextRequest, cancel: &CancellationToken) -> Result<Option<PathBuf>, Failure> {
        until_cancelled(cancel, async {
            let (source, target) = self.choose(&request.link).await?;
            tracing::debug!(host = request.link.host(), source = source.name(), language = request.language, "fetching subtitles");
            source.subtitles(&target, &request).await
        })
        .await
    }

    /// Fetches the picture of a source (an http(s) address, as in [`SourceCard::picture`]) into the file `to`, at most 10 MB.
    pub async fn download_picture(&self, url: &str, to: &Path, cancel: &CancellationToken) -> Result<(), Failure> {
        let url = Url::parse(url).map_err(|error| Failure::new(Reason::Unsupported, error))?;
        until_cancelled(cancel, small::picture(&self.0.requester, &url, to)).await
    }

    /// What the yt-dlp program says of itself. Fails if it can't be started.
    pub async fn yt_dlp_version(&self) -> Result<YtDlpVersion, Failure> {
        self.0.ytdlp.version().await
    }

    async fn choose(&self, link: &Link) -> Result<(&dyn Source, Target), Failure> {
        let sources = &self.0.sources;
        if let Some(source) = sources.iter().find(|source| source.takes(link, None)) {
            return Ok((source.as_ref(), Target { link: link.clone(), answer: None, kind: None }));
        }
        let target = match self.0.probed.get(link) {
            Some(target) => target,
            None => self.probe(link).await?,
        };
        let source = sources.iter().find(|source| source.takes(link, Some(&target))).ok_or(Reason::Unsupported)?;
        Ok((source.as_ref(), target))
    }

    /// Asks the link's server what it has there.
    async fn probe(&self, link: &Link) -> Result<Target, Failure> {
        let requester = &self.0.requester;
        let mut opened = requester.open(link.url()).await?.accepted()?;
        let mut beginning = Vec::new();
        while decide::is_open_question(&opened.answer) && beginning.len() < decide::SNIFF_BYTES {
            // Headers may say enough; a body that breaks here is met again, and handled, by the download.
            match tokio::time::timeout(requester.stall_timeout(), opened.response.chunk()).await {
                Ok(Ok(Some(piece))) => beginning.extend_from_slice(&piece),
                _ => break,
            }
        }
        let kind = decide::kind(&opened.answer, &beginning);
        let target = Target { link: link.clone(), answer: Some(opened.answer), kind: Some(kind) };
        self.0.probed.put(link, target.clone());
        Ok(target)
    }
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.0.sources.iter().map(|source| source.name()).collect();
        formatter.debug_tuple("Fetcher").field(&names).finish()
    }
}

async fn until_cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    cancel.run_until_cancelled(work).await.unwrap_or_else(|| Err(Failure::cancelled()))
}
