//! The upload stage: plan the way, compress if the plan says so, go up, remember where the file is.
//!
//! In: a stored [`Prepared`]. Out: a stored [`Uploaded`], and the content's entry for later requests. Must not: choose the way itself
//! (`route`), or know how a lane works (`upload`).

use tokio_util::sync::CancellationToken;

use super::{Next, Pipeline, Run};
use crate::deliver::caption;
use crate::model::{
    CarriedBy, Failure, JobId, Lane, LaneHealth, Prepared, Reason, RelayMessage, Stage, Step, UploadIds, UploadPlan, Uploaded,
};
use crate::route;
use crate::spool::Spool;
use crate::store::{Content, Work};
use crate::telegram::pool::{Carrier, Wish};
use crate::telegram::relay::{Recipient, find_message_by_marker};
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
            Lane::BotMtproto => Uploaded::InRelay(self.send_by_bot_session(run, &prepared, &work).await?),
        };
        self.keep(run, &prepared, uploaded).await
    }

    /// What the lanes can take at this moment of a file of this size.
    pub(super) async fn lanes(&self, size_bytes: u64) -> Vec<LaneHealth> {
        let telegram = &self.parts.config.telegram;
        let mut lanes = vec![route::bot_api_lane(self.parts.config.route.bot_api_max_bytes, telegram.bot_api_local)];
        lanes.extend(self.parts.accounts.lanes(size_bytes));
        lanes
    }

    /// The file as the plan wants it, and the lane; nothing if what it is made from is gone.
    async fn fit(&self, run: &Run<'_>, prepared: Prepared) -> Result<Option<(Prepared, Lane)>, Failure> {
        let lanes = self.lanes(prepared.size_bytes).await;
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
        let wish = Wish { resume_on: work.carried_by.map(|by| by.account), ..Wish::of(prepared.size_bytes) };
        let carrier = self.parts.accounts.choose(&wish).ok_or_else(unwell)?;
        self.send_over_mtproto(run, prepared, work, &carrier, Lane::UserAccount).await
    }

    async fn send_by_bot_session(&self, run: &Run<'_>, prepared: &Prepared, work: &Work) -> Result<RelayMessage, Failure> {
        let to = self.recipient(run).await?;
        let carrier = self.parts.accounts.bot_carrier(to, prepared.size_bytes).await?.ok_or_else(unwell)?;
        self.send_over_mtproto(run, prepared, work, &carrier, Lane::BotMtproto).await
    }

    async fn send_over_mtproto(
        &self,
        run: &Run<'_>,
        prepared: &Prepared,
        work: &Work,
        carrier: &Carrier,
        lane: Lane,
    ) -> Result<RelayMessage, Failure> {
        let direct = carrier.relay.direct.is_some();
        let account = carrier.id().ok_or_else(unwell)?;
        let numbers = match work.numbers {
            Some(numbers) => numbers,
            None => {
                let numbers = UploadIds::draw();
                self.parts.store.set_numbers(run.job.id, numbers).await?;
                numbers
            }
        };
        self.parts.store.set_carried_by(run.job.id, CarriedBy { lane, account, direct }).await?;
        let spool = Spool::whole(&prepared.path).await.map_err(Failure::internal)?;
        self.parts.store.set_sending(run.job.id, true).await?;
        let config = &self.parts.config.upload;
        let words = if direct { caption::for_job(run.job) } else { marker(run.job.id, numbers) };
        let sent = mtproto::upload_to_relay(carrier, &spool, prepared, numbers, &words, config, run.progress, run.cancel).await;
        if let Err(failure) = &sent {
            self.parts.accounts.report(carrier, failure);
        }
        if direct {
            self.clear_doubt(run.job.id, sent.as_ref().err(), run.cancel).await?;
        }
        sent
    }

    async fn recipient(&self, run: &Run<'_>) -> Result<Recipient, Failure> {
        let job = self.parts.store.job(run.job.id).await?;
        let after = job.and_then(|job| job.status_message.max(job.request_message));
        Ok(Recipient { chat: run.job.chat, reply_to: run.job.request_message, after })
    }

    /// The message may have been sent in an earlier run whose answer never came: looks for it before anything is sent again.
    async fn in_doubt(&self, run: &Run<'_>, work: &Work) -> Result<Option<Uploaded>, Failure> {
        if !work.sending {
            return Ok(None);
        }
        let (Some(numbers), Some(by)) = (work.numbers, work.carried_by) else {
            let sent = self.delivered_in_doubt(run).await?;
            return Ok(sent.map(|message| Uploaded::InChat { message, file_id: String::new() }));
        };
        let carrier = match by.lane {
            Lane::BotMtproto => self.parts.accounts.bot_looks(self.recipient(run).await?, !by.direct).await?,
            Lane::BotApi | Lane::UserAccount => self.parts.accounts.carrier_of(by.account),
        };
        let Some(carrier) = carrier else {
            // A second message in a relay is seen by nobody; one in a chat is.
            return if by.direct { Err(unwell()) } else { Ok(None) };
        };
        let words = if by.direct { caption::for_job(run.job) } else { marker(run.job.id, numbers) };
        let found = find_message_by_marker(&carrier.account, &carrier.relay, &words).await?;
        Ok(found.map(Uploaded::InRelay))
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
            Uploaded::InRelay(relay) => {
                let by = self.parts.store.work(run.job.id).await?.carried_by;
                if by.is_some_and(|by| by.direct) && relay.channel == run.job.chat {
                    self.parts.store.set_delivered(run.job.id, relay.message).await?;
                    return Ok(Next::Done(by.map(|by| by.lane)));
                }
                Ok(Next::Stage(Stage::Deliver))
            }
        }
    }
}

fn is_whole(prepared: &Prepared) -> bool {
    std::fs::metadata(&prepared.path).is_ok_and(|metadata| metadata.len() == prepared.size_bytes)
}

fn unwell() -> Failure {
    Failure::new(Reason::SessionRevoked, anyhow::anyhow!("the account became unwell after the way was planned"))
}

/// The text under the message in the relay: by it an upload is found whose answer was lost.
fn marker(job: JobId, numbers: UploadIds) -> String {
    format!("job {job} · {:016x}", numbers.random_id)
}
