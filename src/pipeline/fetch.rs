//! Where the bytes come from: what is on disk already, or the source, whose spools may still be growing.
//!
//! In: a job with a choice. Out: spools, and the promise that they were stored as whole. Must not: look into the files.

use std::path::PathBuf;

use tokio_util::task::AbortOnDropHandle;

use super::{Pipeline, Run};
use crate::fetch::FetchRequest;
use crate::model::{Failure, FetchedFile, FetchedWhole, ProgressSender, Stage, Step, SubtitleChoice, TrackFile};
use crate::spool::Spool;
use crate::store::{ContentKey, Work};

/// What media works on.
pub(super) struct Source {
    /// What it is.
    pub(super) file: FetchedFile,
    /// Its bytes.
    pub(super) spools: Vec<Spool>,
    /// Ends when all of it is on disk and stored as fetched. Aborted when dropped.
    pub(super) whole: AbortOnDropHandle<Result<(), Failure>>,
}

impl Pipeline {
    /// True if this content is at Telegram already; what is needed to deliver it is stored then.
    pub(super) async fn at_telegram_already(&self, run: &Run<'_>) -> Result<bool, Failure> {
        let Some(content) = self.parts.store.content(&self.content_key(run)?).await? else { return Ok(false) };
        tracing::info!(job = %run.job.id, "this content is at Telegram already");
        self.parts.store.forget_work(run.job.id).await?;
        self.parts.store.set_prepared(run.job.id, &content.prepared).await?;
        self.parts.store.set_uploaded(run.job.id, &content.uploaded).await?;
        Ok(true)
    }

    /// Opens what was fetched before, or begins to fetch. `progress` is the download's own.
    pub(super) async fn source(&self, run: &Run<'_>, work: &Work, progress: &ProgressSender) -> Result<Source, Failure> {
        if let Some(fetched) = work.fetched.clone().filter(is_there) {
            let spools = open(&fetched).await?;
            return Ok(Source { file: fetched.file, spools, whole: spawn(async { Ok(()) }) });
        }
        run.begin(&self.parts.store, Stage::Fetch).await?; // a crash or a sweep took the files
        let permit = self.parts.permits.fetch(run.cancel).await?;
        let (file, spools) = match run.job.link.local_path() {
            Some(path) => local(path).await?,
            None => self.fetch_link(run, progress).await?,
        };
        let (store, id, stage, untitled) = (self.parts.store.clone(), run.job.id, run.stage_handle(), run.job.title.is_none());
        let (of_file, growing) = (file.clone(), spools.clone());
        let whole = spawn(async move {
            let mut tracks = Vec::new();
            for spool in growing {
                let size_bytes = spool.finished().await?;
                tracks.push(TrackFile { path: spool.path().to_owned(), size_bytes });
            }
            drop(permit);
            if let Some(title) = of_file.title.clone().filter(|_| untitled) {
                store.set_title(id, title).await?;
            }
            store.set_fetched(id, &FetchedWhole { file: of_file, tracks }).await?;
            stage.begin(&store, Stage::Media).await
        });
        Ok(Source { file, spools, whole })
    }

    async fn fetch_link(&self, run: &Run<'_>, progress: &ProgressSender) -> Result<(FetchedFile, Vec<Spool>), Failure> {
        let choice = run.choice()?;
        let folder = self.parts.workspace.folder(run.job.id).await?;
        self.parts.workspace.check_free(0).await?;
        progress.report(Step::Fetching, 0, None);
        let request = FetchRequest { link: run.job.link.clone(), choice, folder };
        let fetched = self.parts.fetcher.fetch(request, progress, run.cancel).await?;
        let missing = |spool: &Spool| {
            let length = spool.length();
            length.expected_bytes.map_or(0, |expected_bytes| expected_bytes.saturating_sub(length.ready_anywhere_bytes()))
        };
        self.parts.workspace.check_free(fetched.spools.iter().map(missing).sum()).await?;
        Ok((fetched.file, fetched.spools))
    }

    pub(super) fn content_key(&self, run: &Run<'_>) -> Result<ContentKey, Failure> {
        let subtitles = run.job.subtitles.clone().filter(SubtitleChoice::changes_the_video);
        Ok(ContentKey { link: run.job.link.clone(), choice: run.choice()?, subtitles, bot: self.parts.bot_id })
    }
}

/// True if the files are still there and whole: after a crash they may not be.
pub(super) fn is_there(fetched: &FetchedWhole) -> bool {
    let whole = |track: &TrackFile| std::fs::metadata(&track.path).is_ok_and(|metadata| metadata.len() == track.size_bytes);
    !fetched.tracks.is_empty() && fetched.tracks.iter().all(whole)
}

/// Spools over files that are whole.
pub(super) async fn open(fetched: &FetchedWhole) -> Result<Vec<Spool>, Failure> {
    let mut spools = Vec::new();
    for track in &fetched.tracks {
        spools.push(Spool::whole(&track.path).await.map_err(Failure::internal)?);
    }
    Ok(spools)
}

/// A file of this machine, which the command line was given.
async fn local(path: PathBuf) -> Result<(FetchedFile, Vec<Spool>), Failure> {
    let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let file = FetchedFile { file_name: crate::fetch::names::clean(&file_name), ..FetchedFile::default() };
    Ok((file, vec![Spool::whole(&path).await.map_err(Failure::internal)?]))
}

fn spawn(work: impl Future<Output = Result<(), Failure>> + Send + 'static) -> AbortOnDropHandle<Result<(), Failure>> {
    AbortOnDropHandle::new(tokio::spawn(work))
}
