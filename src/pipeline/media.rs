//! The media stage: what was fetched becomes what plays everywhere.
//!
//! In: the stored result of the fetch. Out: a [`Prepared`], stored. Must not: decide about codecs or sizes.

use super::{Next, Pipeline, Run};
use crate::media::PrepareRequest;
use crate::model::{Failure, FetchedFile, Prepared, Stage, Step};

impl Pipeline {
    pub(super) async fn media(&self, run: &Run<'_>) -> Result<Next, Failure> {
        let Some(fetched) = self.fetched_and_there(run).await? else {
            return Ok(Next::Stage(Stage::Fetch));
        };
        let _permit = self.parts.permits.media(run.cancel).await?;
        let prepared = self.prepare(run, &fetched.0, fetched.1.clone(), None).await?;
        self.parts.store.set_prepared(run.job.id, &prepared).await?;
        Ok(Next::Stage(Stage::Upload))
    }

    /// Prepares a file, at most `max_bytes` big if given.
    pub(super) async fn prepare(
        &self,
        run: &Run<'_>,
        file: &FetchedFile,
        input: std::path::PathBuf,
        max_bytes: Option<u64>,
    ) -> Result<Prepared, Failure> {
        run.progress.report(if max_bytes.is_some() { Step::Compressing } else { Step::Remuxing }, 0, None);
        let key = self.content_key(run)?;
        let request = PrepareRequest {
            input,
            folder: self.parts.workspace.folder(run.job.id).await?,
            choice: key.choice,
            file_name: file.file_name.clone(),
            mime: file.mime.clone(),
            title: file.title.clone(), // a card's title may be a file name, which is no title of a song
            performer: file.author.clone(),
            picture: file.picture.clone(),
            max_bytes,
            min_video_bit_rate: self.parts.config.route.min_video_bit_rate,
        };
        self.parts.media.prepare(request, run.progress, run.cancel).await
    }

    /// What was fetched, if its file is still there and whole: after a crash it may not be.
    pub(super) async fn fetched_and_there(&self, run: &Run<'_>) -> Result<Option<(FetchedFile, std::path::PathBuf, u64)>, Failure> {
        let fetched = self.parts.store.work(run.job.id).await?.fetched;
        let Some(fetched) = fetched else { return Ok(None) };
        let there = tokio::fs::metadata(&fetched.1).await.is_ok_and(|metadata| metadata.len() == fetched.2);
        Ok(there.then_some(fetched))
    }
}
