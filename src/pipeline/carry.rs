//! Down and up: fetch, media and upload joined by spools, so that the way up runs while the way down does.
//!
//! In: a job with a choice, at whatever of the three stages it was left. Out: the file at Telegram, stored. What each step has made is
//! stored when it is whole, so a restart goes on from there; until then the stage stays the one of the step that is not whole yet.
//! Must not: deliver, or do a step's work.

use super::media::Making;
use super::{Next, Pipeline, Run, is_whole};
use crate::config::AboveLimits;
use crate::media::must_start_over;
use crate::model::{Failure, Lane, LaneHealth, Prepared, ProgressSender, Reason, Stage, UploadPlan};
use crate::route;
use crate::spool::Spool;
use crate::store::Work;
use crate::upload::outgrew;

/// How a file goes up.
enum Way {
    /// While it is being fetched and made.
    Live(Lane),
    /// Once it is whole: it is small, needs another size, or nobody can tell yet.
    Whole,
}

impl Pipeline {
    pub(super) async fn carry(&self, run: &Run<'_>) -> Result<Next, Failure> {
        let work = self.parts.store.work(run.job.id).await?;
        if let Some(uploaded) = &work.uploaded {
            return self.uploaded(run, uploaded).await; // a crash came between storing it and the next stage
        }
        let pieces = self.parts.store.pieces(run.job.id).await?;
        if !pieces.is_empty() {
            return Box::pin(self.in_pieces(run, pieces)).await;
        }
        if let Some(uploaded) = self.in_doubt(run, &work).await?
            && let Some(prepared) = &work.prepared
        {
            return self.keep(run, prepared, uploaded).await;
        }
        if run.stage() == Stage::Fetch && self.at_telegram_already(run).await? {
            return Ok(Next::Stage(Stage::Deliver));
        }
        match self.live(run, &work).await {
            Ok(Some(next)) => return Ok(next),
            Ok(None) => {}
            Err(failure) if outgrew(&failure) || must_start_over(&failure) => {
                tracing::info!(job = %run.job.id, %failure, "it can't go up while it comes; it goes on once it is whole");
                self.parts.store.forget_upload(run.job.id).await?;
            }
            Err(failure) => return Err(failure),
        }
        let work = self.parts.store.work(run.job.id).await?;
        let prepared = self.begin(run, &work, run.progress).await?.whole.await?;
        self.whole(run, prepared).await
    }

    /// Goes up while it comes down. Nothing if it has to be whole first; it is then, and stored.
    async fn live(&self, run: &Run<'_>, work: &Work) -> Result<Option<Next>, Failure> {
        let (progress, mute) = run.progress.mutable();
        let making = self.begin(run, work, &progress).await?;
        let Way::Live(lane) = self.way(run, &making.spool, &making.sketch).await? else {
            making.whole.await?;
            return Ok(None);
        };
        tracing::info!(job = %run.job.id, ?lane, expected_bytes = making.spool.length().expected_bytes, "going up while it comes down");
        mute.mute(); // the upload is what a person waits for
        let (prepared, uploaded) = self.over_mtproto(run, making, lane).await?;
        self.keep(run, &prepared, uploaded).await.map(Some)
    }

    /// Begins at the first step whose result is missing.
    async fn begin(&self, run: &Run<'_>, work: &Work, progress: &ProgressSender) -> Result<Making, Failure> {
        if let Some(prepared) = work.prepared.clone().filter(is_whole) {
            return Making::ready(prepared).await;
        }
        let source = self.source(run, work, progress).await?;
        self.making(run, source, progress).await
    }

    /// Chooses as soon as it can be told: when a length is promised, or when more is there than the small way takes.
    async fn way(&self, run: &Run<'_>, spool: &Spool, sketch: &Prepared) -> Result<Way, Failure> {
        if !self.parts.config.upload.overlap {
            return Ok(Way::Whole);
        }
        let promised_bytes = spool.length().expected_bytes.unwrap_or(sketch.size_bytes);
        let lanes = self.lanes(promised_bytes).await;
        let small_bytes = lanes.iter().filter(|lane| lane.lane == Lane::BotApi).map(|lane| lane.limit_bytes).max().unwrap_or(0);
        let known = spool.wait(|length| {
            let size_bytes = length.expected_bytes.unwrap_or(0).max(length.ready_anywhere_bytes());
            let can_be_told = length.expected_bytes.is_some() || size_bytes > small_bytes;
            if length.finished { Some(None) } else { can_be_told.then_some(Some(size_bytes)) }
        });
        let Some(size_bytes) = known.await? else { return Ok(Way::Whole) };
        let sketch = Prepared { size_bytes, ..sketch.clone() };
        Ok(match route::plan(&sketch, run.choice()?, &lanes, &self.parts.config.route) {
            UploadPlan::Send { lane, .. } if lane != Lane::BotApi => Way::Live(lane),
            _ => Way::Whole,
        })
    }

    /// Goes up once it is whole, compressed or cut if it has to be.
    async fn whole(&self, run: &Run<'_>, prepared: Prepared) -> Result<Next, Failure> {
        let lanes = self.lanes(prepared.size_bytes).await;
        let (prepared, lane) = match route::plan(&prepared, run.choice()?, &lanes, &self.parts.config.route) {
            UploadPlan::Send { lane, instead_of } => {
                tracing::info!(job = %run.job.id, ?lane, ?instead_of, size_bytes = prepared.size_bytes, "planned");
                (prepared, lane)
            }
            UploadPlan::Compress { lane, target_bytes, instead_of } => {
                self.better_later(prepared.size_bytes, Some(self.parts.config.accounts.longest_wait_s))?;
                tracing::info!(job = %run.job.id, ?lane, ?instead_of, target_bytes, size_bytes = prepared.size_bytes, "planned with compression");
                let smaller = match self.smaller(run, target_bytes).await {
                    Err(failure) if matches!(failure.reason, Reason::SlideShow { .. }) => {
                        return Box::pin(self.rather_in_pieces(run, &prepared, &lanes, failure)).await;
                    }
                    smaller => smaller?,
                };
                let Some(smaller) = smaller else { return Ok(Next::Stage(Stage::Fetch)) };
                (smaller, lane)
            }
            UploadPlan::Split { lane, piece_bytes, instead_of } => {
                self.better_later(prepared.size_bytes, Some(self.parts.config.accounts.longest_wait_s))?;
                tracing::info!(job = %run.job.id, ?lane, ?instead_of, piece_bytes, size_bytes = prepared.size_bytes, "planned in pieces");
                return Box::pin(self.split(run, &prepared, piece_bytes)).await;
            }
            UploadPlan::Refuse { limit_bytes, account_missing } => {
                self.better_later(prepared.size_bytes, None)?;
                return Err(Failure::from(Reason::NoLane { size_bytes: prepared.size_bytes, limit_bytes, account_missing }));
            }
        };
        let (prepared, uploaded) = match lane {
            Lane::BotApi => {
                let uploaded = self.by_bot(run, &prepared).await?;
                (prepared, uploaded)
            }
            Lane::UserAccount | Lane::BotMtproto => self.over_mtproto(run, Making::ready(prepared).await?, lane).await?,
        };
        self.keep(run, &prepared, uploaded).await
    }
}

impl Pipeline {
    /// It would look too bad if it were made that small: cut, if the settings allow it, else the failure.
    async fn rather_in_pieces(&self, run: &Run<'_>, whole: &Prepared, lanes: &[LaneHealth], failure: Failure) -> Result<Next, Failure> {
        let mut config = self.parts.config.route.clone();
        config.above_limits.retain(|way| *way == AboveLimits::Split);
        match route::plan(whole, run.choice()?, lanes, &config) {
            UploadPlan::Split { piece_bytes, .. } => {
                tracing::info!(job = %run.job.id, %failure, "planned in pieces");
                self.split(run, whole, piece_bytes).await
            }
            UploadPlan::Send { .. } | UploadPlan::Compress { .. } | UploadPlan::Refuse { .. } => Err(failure),
        }
    }

    /// Fails with the time to wait if an account that only rests, or has sent enough for today, will take the file as it is soon enough.
    pub(super) fn better_later(&self, size_bytes: u64, at_most_s: Option<u32>) -> Result<(), Failure> {
        if !self.parts.config.route.prefer.contains(&Lane::UserAccount) {
            return Ok(());
        }
        let free_in_s = self.parts.accounts.free_in_s(size_bytes).and_then(|seconds| u32::try_from(seconds).ok());
        match free_in_s.filter(|seconds| *seconds > 0 && at_most_s.is_none_or(|at_most_s| *seconds <= at_most_s)) {
            Some(seconds) => {
                Err(Failure::new(Reason::FloodWait { seconds }, anyhow::anyhow!("every account that can take the file rests")))
            }
            None => Ok(()),
        }
    }
}
