//! Going up by one lane, and remembering where the file then is.
//!
//! In: a file that is whole or being made. Out: a stored [`Uploaded`], and the content's entry for later requests. Must not: choose the way
//! (`route`), or know how a lane works (`upload`).

use tokio_util::sync::CancellationToken;

use super::media::Making;
use super::{Next, Pipeline, Run};
use crate::deliver::caption;
use crate::model::{Failure, JobId, Lane, LaneHealth, Prepared, Reason, Stage, Step, UploadIds, Uploaded};
use crate::route;
use crate::store::{Content, Work};
use crate::telegram::pool::Carrier;
use crate::telegram::relay::find_message_by_marker;
use crate::upload::bot_api;
use crate::upload::uploader::FileUpload;

impl Pipeline {
    /// What the lanes can take at this moment.
    pub(super) async fn lanes(&self) -> Vec<LaneHealth> {
        let telegram = &self.parts.config.telegram;
        let mut lanes = vec![route::bot_api_lane(self.parts.config.route.bot_api_max_bytes, telegram.bot_api_local)];
        lanes.push(self.parts.accounts.lane_health());
        lanes
    }

    /// The whole file straight into the chat.
    pub(super) async fn by_bot(&self, run: &Run<'_>, prepared: &Prepared) -> Result<Next, Failure> {
        let _permit = self.parts.permits.upload(run.cancel).await?;
        run.progress.report(Step::Uploading, 0, Some(prepared.size_bytes));
        self.parts.store.begin_sending_by_bot(run.job.id).await?;
        let caption = caption::for_job(run.job);
        let (chat, reply_to) = (run.job.chat, run.job.request_message);
        let config = &self.parts.config.upload;
        let sent = bot_api::send(&self.parts.upload_bot, chat, reply_to, prepared, Some(&caption), config, run.progress, run.cancel).await;
        self.clear_doubt(run.job.id, sent.as_ref().err(), run.cancel).await?;
        self.keep(run, prepared, sent?).await
    }

    /// Parts into the relay as they become ready; the message once the file is whole.
    pub(super) async fn by_account(&self, run: &Run<'_>, making: Making) -> Result<Next, Failure> {
        let Making { spool, sketch, whole } = making;
        let going_up = async {
            let _permit = self.parts.permits.upload(run.cancel).await?;
            let carrier = self.account_for(run.job.id, spool.length().expected_bytes.unwrap_or(sketch.size_bytes)).await?;
            let ids = self.numbers(run).await?;
            let upload =
                FileUpload { job: run.job.id, account: &carrier.account, spool: &spool, ids, progress: run.progress, cancel: run.cancel };
            let stored =
                self.parts.uploader.store_parts(&upload).await.inspect_err(|failure| self.parts.accounts.report(&carrier, failure))?;
            Ok((carrier, ids, stored))
        };
        let (prepared, (carrier, ids, stored)) = tokio::try_join!(whole, going_up)?;
        self.parts.store.set_sending(run.job.id, true).await?;
        let upload =
            FileUpload { job: run.job.id, account: &carrier.account, spool: &spool, ids, progress: run.progress, cancel: run.cancel };
        let sent = self.parts.uploader.publish(&upload, &stored, &carrier.relay, &prepared, &marker(run.job.id, ids)).await;
        let message = sent.inspect_err(|failure| self.parts.accounts.report(&carrier, failure))?;
        self.keep(run, &prepared, Uploaded::InRelay(message)).await
    }

    /// The numbers of this upload, stored before the first call.
    async fn numbers(&self, run: &Run<'_>) -> Result<UploadIds, Failure> {
        if let Some(numbers) = self.parts.store.work(run.job.id).await?.numbers {
            return Ok(numbers);
        }
        let numbers = UploadIds::draw();
        self.parts.store.set_numbers(run.job.id, numbers).await?;
        Ok(numbers)
    }

    /// The account that has stored parts of this job before, if it is well: only there they are of use.
    async fn account_for(&self, job: JobId, size_bytes: u64) -> Result<Carrier, Failure> {
        let begun = self.parts.store.upload_of(job).await?;
        let before = begun.and_then(|begun| self.parts.accounts.named(&begun.target.session, size_bytes));
        let carrier = before.or_else(|| self.parts.accounts.choose(size_bytes));
        carrier.ok_or_else(|| Failure::new(Reason::SessionRevoked, anyhow::anyhow!("the account became unwell after the way was planned")))
    }

    /// The message may have been sent in an earlier run whose answer never came: looks for it before anything is sent again.
    pub(super) async fn in_doubt(&self, run: &Run<'_>, work: &Work) -> Result<Option<Uploaded>, Failure> {
        if !work.sending {
            return Ok(None);
        }
        if let Some(numbers) = work.numbers {
            let size_bytes = work.prepared.as_ref().map_or(0, |prepared| prepared.size_bytes);
            let Ok(carrier) = self.account_for(run.job.id, size_bytes).await else { return Ok(None) };
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

    pub(super) async fn keep(&self, run: &Run<'_>, prepared: &Prepared, uploaded: Uploaded) -> Result<Next, Failure> {
        self.parts.store.set_uploaded(run.job.id, &uploaded).await?;
        let can_be_sent_again = !matches!(&uploaded, Uploaded::InChat { file_id, .. } if file_id.is_empty());
        if can_be_sent_again && run.job.link.local_path().is_none() {
            let content = Content { uploaded: uploaded.clone(), prepared: prepared.clone() };
            self.parts.store.put_content(&self.content_key(run)?, content).await?;
        }
        self.uploaded(run, &uploaded).await
    }

    pub(super) async fn uploaded(&self, run: &Run<'_>, uploaded: &Uploaded) -> Result<Next, Failure> {
        match uploaded {
            Uploaded::InChat { message, .. } => {
                self.parts.store.set_delivered(run.job.id, *message).await?;
                Ok(Next::Done(Some(Lane::BotApi)))
            }
            Uploaded::InRelay(_) => Ok(Next::Stage(Stage::Deliver)),
        }
    }
}

/// The text under the message in the relay: by it an upload is found whose answer was lost.
fn marker(job: JobId, numbers: UploadIds) -> String {
    format!("job {job} · {:016x}", numbers.random_id)
}
