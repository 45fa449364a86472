//! The fetch stage: from what is at Telegram already, or from the source.
//!
//! In: a job with a choice. Out: the whole file in the job's folder, stored; or a jump to the delivery. Must not: look into the file.

use super::{Next, Pipeline, Run};
use crate::fetch::FetchRequest;
use crate::model::{Choice, Failure, FetchedFile, Stage, Step};
use crate::store::ContentKey;

impl Pipeline {
    pub(super) async fn fetch(&self, run: &Run<'_>) -> Result<Next, Failure> {
        let key = self.content_key(run)?;
        if let Some(content) = self.parts.store.content(&key).await? {
            tracing::info!(job = %run.job.id, "this content is at Telegram already");
            self.parts.store.forget_work(run.job.id).await?;
            self.parts.store.set_prepared(run.job.id, &content.prepared).await?;
            self.parts.store.set_uploaded(run.job.id, &content.uploaded).await?;
            return Ok(Next::Stage(Stage::Deliver));
        }
        let _permit = self.parts.permits.fetch(run.cancel).await?;
        let fetched = match run.job.link.local_path() {
            Some(path) => {
                let size_bytes = tokio::fs::metadata(&path).await.map_err(Failure::internal)?.len();
                let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let file = FetchedFile { file_name: crate::fetch::names::clean(&file_name), ..FetchedFile::default() };
                (file, path, size_bytes)
            }
            None => self.fetch_link(run, key.choice).await?,
        };
        self.parts.store.set_fetched(run.job.id, &fetched).await?;
        if let Some(title) = fetched.0.title.clone().filter(|_| run.job.title.is_none()) {
            self.parts.store.set_title(run.job.id, title).await?;
        }
        Ok(Next::Stage(Stage::Media))
    }

    async fn fetch_link(&self, run: &Run<'_>, choice: Choice) -> Result<(FetchedFile, std::path::PathBuf, u64), Failure> {
        let folder = self.parts.workspace.folder(run.job.id).await?;
        self.parts.workspace.check_free(0).await?;
        run.progress.report(Step::Fetching, 0, None);
        let request = FetchRequest { link: run.job.link.clone(), choice, folder };
        let fetched = self.parts.fetcher.fetch(request, run.progress, run.cancel).await?;
        if let Some(expected_bytes) = fetched.spool.length().expected_bytes {
            self.parts.workspace.check_free(expected_bytes.saturating_sub(fetched.spool.length().ready_bytes)).await?;
        }
        // Media looks at whole files, so the line waits here; readers that need only the beginning can begin before.
        let size_bytes = tokio::select! {
            size_bytes = fetched.spool.finished() => size_bytes?,
            () = run.cancel.cancelled() => return Err(Failure::cancelled()),
        };
        Ok((fetched.file, fetched.spool.path().to_owned(), size_bytes))
    }

    pub(super) fn content_key(&self, run: &Run<'_>) -> Result<ContentKey, Failure> {
        let choice = run.job.choice.ok_or_else(|| Failure::internal(anyhow::anyhow!("a job without a choice is past its card")))?;
        Ok(ContentKey { link: run.job.link.clone(), choice, bot: self.parts.bot_id })
    }
}
