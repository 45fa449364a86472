//! The upload stage: plan the way, compress if the plan says so, go up, remember where the file is.
//!
//! In: a stored [`Prepared`]. Out: a stored [`Uploaded`], and the content's entry for later requests. Must not: choose the way itself
//! (`route`), or know how a lane works (`upload`).

use tokio_util::sync::CancellationToken;

use super::{Next, Pipeline, Run};
use crate::deliver::caption;
use crate::model::{Failure, JobId, Lane, LaneHealth, Prepared, Reason, RelayMessage, Stage, Step, UploadIds, UploadPlan, Uploaded};
use crate::route;
use crate::spool::Spool;
use crate::store::{Content, Work};
use crate::telegram::pool::Carrier;
use crate::telegram::relay::find_message_by_marker;
use crate::upload::{bot_api, mtproto};

impl Pipeline {
    pub(super) async fn upload(&self, run: &Run<'_>) -> Result<Next, Failure> {
        let work = self.parts.store.work(run.job.id).await?;
        if let Some(uploaded) = &work.uploaded {
            return self.uploaded(run, uploaded).await; // a crash came between storing it and the next stage
        }
        let Some(prepared) = work.prepared.clone().filter(is_whole) else {
            return Ok(Next::Stage(Stage::Media)); // a crash may have left half of another one in its place
        };
        if let Some(uploaded) = self.in_doubt(run, &work).await? {
            return self.keep(run, &prepared, uploaded).await;
        }
        let Some((prepared, lane)) = self.fit(run, prepared).await? else {
            return Ok(Next::Stage(Stage::Fetch));
        };
        let _permit = self.parts.permits.upload(run.cancel).await?;
        run.progress.report(Step::Uploading, 0, Some(prepared.size_bytes));
        let uploaded = match lane {
            Lane::BotApi => self.send_by_bot(run, &prepared).await?,
            Lane::UserAccount => Uploaded::InRelay(self.send_by_account(run, &prepared, &work).await?),
        };
        self.keep(run, &prepared, uploaded).await
    }

    /// What the lanes can take at this moment.
    pub(super) async fn lanes(&self) -> Vec<LaneHealth> {
        let telegram = &self.parts.config.telegram;
        let mut lanes = vec![route::bot_api_lane(self.parts.config.route.bot_api_max_bytes, telegram.bot_api_local)];
        lanes.push(self.parts.accounts.lane_health());
        lanes
    }

    /// The file as the plan wants it, and the lane; nothing if what it is made from is gone.
    async fn fit(&self, run: &Run<'_>, prepared: Prepared) -> Result<Option<(Prepared, Lane)>, Failure> {
        let lanes = self.lanes().await;
        match route::plan(&prepared, &lanes, &self.parts.config.route) {
            UploadPlan::Send { lane, instead_of } => {
                tracing::info!(job = %run.job.id, ?lane, ?instead_of, size_bytes = prepared.size_bytes, "planned");
                Ok(Some((prepared, lane)))
            }
            UploadPlan::Compress { lane, target_bytes, instead_of } => {
                tracing::info!(job = %run.job.id, ?lane, ?instead_of, target_bytes, size_bytes = prepared.size_bytes, "planned with compression");
                // From what was fetched, not from what was made of it: one generation less to lose quality in.
                let Some((file, path, _)) = self.fetched_and_there(run).await? else { return Ok(None) };
                let _permit = self.parts.permits.media(run.cancel).await?;
                let smaller = self.prepare(run, &file, path, Some(target_bytes)).await?;
                self.parts.store.set_prepared(run.job.id, &smaller).await?;
                Ok(Some((smaller, lane)))
            }
            UploadPlan::Refuse { limit_bytes, account_missing } => {
                Err(Failure::from(Reason::NoLane { size_bytes: prepared.size_bytes, limit_bytes, account_missing }))
            }
        }
    }

    async fn send_by_bot(&self, run: &Run<'_>, prepared: &Prepared) -> Result<Uploaded, Failure> {
        self.parts.store.begin_sending_by_bot(run.job.id).await?;
        let caption = caption::for_job(run.job);
        let (chat, reply_to) = (run.job.chat, run.job.request_message);
        let config = &self.parts.config.upload;
        let sent = bot_api::send(&self.parts.upload_bot, chat, reply_to, prepared, Some(&caption), config, run.progress, run.cancel).await;
        self.clear_doubt(run.job.id, sent.as_ref().err(), run.cancel).await?;
        sent
    }

    async fn send_by_account(&self, run: &Run<'_>, prepared: &Prepared, work: &Work) -> Result<RelayMessage, Failure> {
        let carrier = self.account_for(prepared)?;
        let numbers = match work.numbers {
            Some(numbers) => numbers,
            None => {
                let numbers = UploadIds::draw();
                self.parts.store.set_numbers(run.job.id, numbers).await?;
                numbers
            }
        };
        let spool = Spool::whole(&prepared.path).await.map_err(Failure::internal)?;
        self.parts.store.set_sending(run.job.id, true).await?;
        let config = &self.parts.config.upload;
        let marker = marker(run.job.id, numbers);
        let sent = mtproto::upload_to_relay(
            &carrier.account,
            &carrier.relay,
            &spool,
            prepared,
            numbers,
            &marker,
            config,
            run.progress,
            run.cancel,
        )
        .await;
        if let Err(failure) = &sent {
            self.parts.accounts.report(&carrier, failure);
        }
        sent
    }

    fn account_for(&self, prepared: &Prepared) -> Result<Carrier, Failure> {
        let carrier = self.parts.accounts.choose(prepared.size_bytes);
        carrier.ok_or_else(|| Failure::new(Reason::SessionRevoked, anyhow::anyhow!("the account became unwell after the way was planned")))
    }

    /// The message may have been sent in an earlier run whose answer never came: looks for it before anything is sent again.
    async fn in_doubt(&self, run: &Run<'_>, work: &Work) -> Result<Option<Uploaded>, Failure> {
        if !work.sending {
            return Ok(None);
        }
        if let Some(numbers) = work.numbers {
            let size_bytes = work.prepared.as_ref().map_or(0, |prepared| prepared.size_bytes);
            let Some(carrier) = self.parts.accounts.choose(size_bytes) else { return Ok(None) };
            let found = find_message_by_marker(&carrier.account, &carrier.relay, &marker(run.job.id, numbers)).await?;
            return Ok(found.map(Uploaded::InRelay));
        }
        self.delivered_in_doubt(run).await.map(|message| message.map(|message| Uploaded::InChat { message, file_id: String::new() }))
    }

    /// An answer, even a refusal, ends the doubt; a lost connection or a cancel does not.
    pub(super) async fn clear_doubt(&self, id: JobId, failure: Option<&Failure>, cancel: &CancellationToken) -> Result<(), Failure> {
        let answered = !cancel.is_cancelled() && failure.is_some_and(|failure| failure.reason != Reason::Telegram);
        if answered { self.parts.store.set_sending(id, false).await } else { Ok(()) }
    }

    async fn keep(&self, run: &Run<'_>, prepared: &Prepared, uploaded: Uploaded) -> Result<Next, Failure> {
        self.parts.store.set_uploaded(run.job.id, &uploaded).await?;
        let can_be_sent_again = !matches!(&uploaded, Uploaded::InChat { file_id, .. } if file_id.is_empty());
        if can_be_sent_again && run.job.link.local_path().is_none() {
            let content = Content { uploaded: uploaded.clone(), prepared: prepared.clone() };
            self.parts.store.put_content(&self.content_key(run)?, content).await?;
        }
        self.uploaded(run, &uploaded).await
    }

    async fn uploaded(&self, run: &Run<'_>, uploaded: &Uploaded) -> Result<Next, Failure> {
        match uploaded {
            Uploaded::InChat { message, .. } => {
                self.parts.store.set_delivered(run.job.id, *message).await?;
                Ok(Next::Done(Some(Lane::BotApi)))
            }
            Uploaded::InRelay(_) => Ok(Next::Stage(Stage::Deliver)),
        }
    }
}

fn is_whole(prepared: &Prepared) -> bool {
    std::fs::metadata(&prepared.path).is_ok_and(|metadata| metadata.len() == prepared.size_bytes)
}

/// The text under the message in the relay: by it an upload is found whose answer was lost.
fn marker(job: JobId, numbers: UploadIds) -> String {
    format!("job {job} · {:016x}", numbers.random_id)
}
