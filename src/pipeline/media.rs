//! From what is fetched to what goes up: a spool that may still be growing, and the promise of the whole.
//!
//! In: a source. Out: [`Making`]. Must not: decide about codecs or sizes.

use futures::FutureExt;
use futures::future::BoxFuture;

use super::fetch::{Source, is_there, open};
use super::{Pipeline, Run};
use crate::media::{GivenSubtitles, PrepareRequest};
use crate::model::{Failure, FetchedFile, Prepared, ProgressSender, Stage, Step};
use crate::spool::Spool;

/// What goes up.
pub(super) struct Making {
    /// Its bytes.
    pub(super) spool: Spool,
    /// What is known of it now.
    pub(super) sketch: Prepared,
    /// Ends when it is whole and stored. Dropping it stops the download and the work on it.
    pub(super) whole: BoxFuture<'static, Result<Prepared, Failure>>,
}

impl Making {
    /// A file that is ready and stored already.
    pub(super) async fn ready(prepared: Prepared) -> Result<Self, Failure> {
        let spool = Spool::whole(&prepared.path).await.map_err(Failure::internal)?;
        Ok(Self { spool, sketch: prepared.clone(), whole: async { Ok(prepared) }.boxed() })
    }
}

impl Pipeline {
    /// Begins to make what goes up. `progress` is that of download and work.
    pub(super) async fn making(&self, run: &Run<'_>, source: Source, progress: &ProgressSender) -> Result<Making, Failure> {
        let subtitles = self.given_subtitles(run, &source.spools).await?;
        let paths = source.spools.iter().map(|spool| spool.path().to_owned()).collect();
        let request = self.request(run, &source.file, paths, subtitles, None).await?;
        let (permits, cancel) = (self.parts.permits.clone(), run.cancel.clone());
        let turn = async move { permits.media(&cancel).await }.boxed();
        let preparing = self.parts.media.begin(request, source.spools, turn, progress, run.cancel).await?;
        let (store, id, stage) = (self.parts.store.clone(), run.job.id, run.stage_handle());
        let whole = async move {
            // The download's outcome first: a failed one is the cause of whatever media says.
            source.whole.await.map_err(Failure::internal)??;
            let prepared = preparing.done.await?;
            store.set_prepared(id, &prepared).await?;
            stage.begin(&store, Stage::Upload).await?;
            Ok(prepared)
        };
        Ok(Making { spool: preparing.spool, sketch: preparing.sketch, whole: whole.boxed() })
    }

    /// Makes the file again, at most `max_bytes` big; nothing if what it is made from is gone.
    pub(super) async fn smaller(&self, run: &Run<'_>, max_bytes: u64) -> Result<Option<Prepared>, Failure> {
        let Some(fetched) = self.parts.store.work(run.job.id).await?.fetched.filter(is_there) else { return Ok(None) };
        let _permit = self.parts.permits.media(run.cancel).await?;
        run.progress.report(Step::Compressing, 0, None);
        // From what was fetched, not from what was made of it: one generation less to lose quality in.
        let subtitles = self.given_subtitles(run, &open(&fetched).await?).await?;
        let inputs = fetched.tracks.iter().map(|track| track.path.clone()).collect();
        let request = self.request(run, &fetched.file, inputs, subtitles, Some(max_bytes)).await?;
        let prepared = self.parts.media.prepare(request, run.progress, run.cancel).await?;
        self.parts.store.forget_upload(run.job.id).await?;
        self.parts.store.set_prepared(run.job.id, &prepared).await?;
        Ok(Some(prepared))
    }

    async fn request(
        &self,
        run: &Run<'_>,
        file: &FetchedFile,
        inputs: Vec<std::path::PathBuf>,
        subtitles: GivenSubtitles,
        max_bytes: Option<u64>,
    ) -> Result<PrepareRequest, Failure> {
        Ok(PrepareRequest {
            inputs,
            folder: self.parts.workspace.folder(run.job.id).await?,
            choice: run.choice()?,
            file_name: file.file_name.clone(),
            mime: file.mime.clone(),
            title: file.title.clone(), // a card's title may be a file name, which is no title of a song
            performer: file.author.clone(),
            duration_s: file.duration_s,
            picture: file.picture.clone(),
            own_thumbnail: None,
            subtitles,
            max_bytes,
            min_video_bit_rate: self.parts.config.route.min_video_bit_rate,
        })
    }
}
