//! Going up by one lane, and remembering where the file then is.
//!
//! In: a file that is whole or being made. Out: a stored [`Uploaded`], and the content's entry for later requests. Must not: choose the way
//! (`route`), or know how a lane works (`upload`).

use tokio_util::sync::CancellationToken;

use super::media::Making;
use super::{Next, Pipeline, Run};
use crate::model::{CarriedBy, Failure, JobId, Lane, LaneHealth, MessageId, Prepared, Reason, Stage, Step, UploadIds, Uploaded};
use crate::route;
use crate::store::{Aside, Content, Work};
use crate::telegram::pool::{Carrier, Wish};
use crate::telegram::relay::{Recipient, find_message_by_marker};
use crate::upload::bot_api;
use crate::upload::uploader::FileUpload;

/// Stands before the cause of a failure that took the account out of the choice, while another one is ready.
#[derive(Debug, thiserror::Error)]
#[error("another account takes the job")]
struct AnotherTakesIt;

/// True if the same stage should begin again at once: another account will be chosen.
pub(super) fn hands_over(failure: &Failure) -> bool {
    failure.cause.is::<AnotherTakesIt>()
}

impl Pipeline {
    /// What the lanes can take at this moment of a file of this size.
    pub(super) async fn lanes(&self, size_bytes: u64) -> Vec<LaneHealth> {
        let telegram = &self.parts.config.telegram;
        let mut lanes = vec![route::bot_api_lane(self.parts.config.route.bot_api_max_bytes, telegram.bot_api_local)];
        lanes.extend(self.parts.accounts.lanes(size_bytes));
        lanes
    }

    /// The whole file straight into the chat.
    pub(super) async fn by_bot(&self, run: &Run<'_>, prepared: &Prepared) -> Result<Uploaded, Failure> {
        let _permit = self.parts.permits.upload(run.cancel).await?;
        run.progress.report(Step::Uploading, 0, Some(prepared.size_bytes));
        self.parts.store.begin_sending_by_bot(run.job.id).await?;
        let caption = run.caption();
        let (chat, reply_to) = (run.job.chat, run.job.request_message);
        let config = &self.parts.config.upload;
        let sent = bot_api::send(&self.parts.upload_bot, chat, reply_to, prepared, Some(&caption), config, run.progress, run.cancel).await;
        self.clear_doubt(run.job.id, sent.as_ref().err(), run.cancel).await?;
        sent
    }

    /// Parts as they become ready; the message once the file is whole. It goes into a relay, or from the bot's own session straight to the
    /// person, and then it is the delivery. Says what was sent in the end, and where it is. See [`hands_over`] about its failures.
    pub(super) async fn over_mtproto(&self, run: &Run<'_>, making: Making, lane: Lane) -> Result<(Prepared, Uploaded), Failure> {
        let Making { spool, sketch, whole } = making;
        let going_up = async {
            let _permit = self.parts.permits.upload(run.cancel).await?;
            let size_bytes = spool.length().expected_bytes.unwrap_or(sketch.size_bytes);
            let carrier = self.carrier(run, lane, size_bytes).await?;
            let ids = self.numbers(run, &carrier, lane).await?;
            let upload = FileUpload { job: run.job.id, carrier: &carrier, spool: &spool, ids, progress: run.progress, cancel: run.cancel };
            match self.parts.uploader.store_parts(&upload).await {
                Ok(stored) => Ok((carrier, ids, stored)),
                Err(failure) => Err(self.ended(&carrier, size_bytes, failure).await),
            }
        };
        let (prepared, (carrier, ids, stored)) = tokio::try_join!(whole, going_up)?;
        self.parts.store.set_sending(run.job.id, true).await?;
        let upload = FileUpload { job: run.job.id, carrier: &carrier, spool: &spool, ids, progress: run.progress, cancel: run.cancel };
        let direct = carrier.relay.direct.is_some();
        let sent = self.parts.uploader.publish(&upload, &stored, &prepared, &words(run, ids, direct)).await;
        if direct {
            self.clear_doubt(run.job.id, sent.as_ref().err(), run.cancel).await?;
        }
        match sent {
            Ok(message) => Ok((prepared, Uploaded::InRelay(message))),
            Err(failure) => Err(self.ended(&carrier, prepared.size_bytes, failure).await),
        }
    }

    /// The account learns of the failure of its upload.
    async fn ended(&self, carrier: &Carrier, size_bytes: u64, failure: Failure) -> Failure {
        let is_out = self.parts.accounts.report(carrier, &failure);
        let prefer = &self.parts.config.route.prefer;
        let by_account = |lane: &LaneHealth| lane.lane != Lane::BotApi && prefer.contains(&lane.lane);
        let takes_it = |lane: &LaneHealth| by_account(lane) && lane.well && lane.limit_bytes >= size_bytes;
        if is_out && self.lanes(size_bytes).await.iter().any(takes_it) {
            return Failure::new(failure.reason, failure.cause.context(AnotherTakesIt));
        }
        failure
    }

    /// The numbers of this upload, stored before the first call. Parts and messages belong to an account, so another one draws its own.
    async fn numbers(&self, run: &Run<'_>, carrier: &Carrier, lane: Lane) -> Result<UploadIds, Failure> {
        let by = CarriedBy { lane, account: carrier.id().ok_or_else(unwell)?, direct: carrier.relay.direct.is_some() };
        let work = self.parts.store.work(run.job.id).await?;
        if let (Some(numbers), true) = (work.numbers, work.carried_by == Some(by)) {
            return Ok(numbers);
        }
        let numbers = UploadIds::draw();
        self.parts.store.set_numbers(run.job.id, numbers, by).await?;
        Ok(numbers)
    }

    async fn carrier(&self, run: &Run<'_>, lane: Lane, size_bytes: u64) -> Result<Carrier, Failure> {
        let accounts = &self.parts.accounts;
        let carrier = if lane == Lane::BotMtproto {
            accounts.bot_carrier(self.recipient(run).await?, size_bytes).await?
        } else {
            let begun = self.parts.store.work(run.job.id).await?.carried_by;
            accounts.choose(&Wish { resume_on: begun.map(|by| by.account), ..Wish::of(size_bytes) })
        };
        carrier.ok_or_else(unwell)
    }

    async fn recipient(&self, run: &Run<'_>) -> Result<Recipient, Failure> {
        let job = self.parts.store.job(run.job.id).await?;
        let after = job.and_then(|job| job.status_message.max(job.request_message));
        Ok(Recipient { chat: run.job.chat, reply_to: run.job.request_message, after })
    }

    /// The message may have been sent in an earlier run whose answer never came: looks for it before anything is sent again.
    pub(super) async fn in_doubt(&self, run: &Run<'_>, work: &Work) -> Result<Option<Uploaded>, Failure> {
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
        let found = find_message_by_marker(&carrier.account, &carrier.relay, &words(run, numbers, by.direct)).await?;
        Ok(found.map(Uploaded::InRelay))
    }

    /// An answer, even a refusal, ends the doubt; a lost connection or a cancel does not.
    pub(super) async fn clear_doubt(&self, id: JobId, failure: Option<&Failure>, cancel: &CancellationToken) -> Result<(), Failure> {
        let answered = !cancel.is_cancelled() && failure.is_some_and(|failure| failure.reason != Reason::Telegram);
        if answered { self.parts.store.set_sending(id, false).await } else { Ok(()) }
    }

    pub(super) async fn keep(&self, run: &Run<'_>, prepared: &Prepared, uploaded: Uploaded) -> Result<Next, Failure> {
        self.parts.store.set_uploaded(run.job.id, &uploaded).await?;
        // A video without the subtitles that it should have is nothing for others.
        let is_complete = run.job.subtitles.is_none() || self.parts.store.aside(run.job.id).await? != Some(Aside::Missing);
        if uploaded.can_be_sent_again() && run.job.link.local_path().is_none() && is_complete {
            let content = Content { uploaded: uploaded.clone(), prepared: prepared.clone() };
            self.parts.store.put_content(&self.content_key(run)?, content).await?;
        }
        self.uploaded(run, &uploaded).await
    }

    pub(super) async fn uploaded(&self, run: &Run<'_>, uploaded: &Uploaded) -> Result<Next, Failure> {
        let by = self.parts.store.work(run.job.id).await?.carried_by;
        match self.arrived(run, uploaded).await? {
            Some(message) => {
                self.parts.store.set_delivered(run.job.id, message).await?;
                self.delivered(run, message, Some(by.map_or(Lane::BotApi, |by| by.lane))).await
            }
            None => Ok(Next::Stage(Stage::Deliver)),
        }
    }

    /// The message in the person's chat, if what was uploaded last went straight there.
    pub(super) async fn arrived(&self, run: &Run<'_>, uploaded: &Uploaded) -> Result<Option<MessageId>, Failure> {
        let Uploaded::InRelay(relay) = uploaded else { return Ok(uploaded.in_chat()) };
        let by = self.parts.store.work(run.job.id).await?.carried_by;
        Ok(by.filter(|by| by.direct && relay.channel == run.job.chat).map(|_| relay.message))
    }
}

fn unwell() -> Failure {
    Failure::new(Reason::SessionRevoked, anyhow::anyhow!("the account became unwell after the way was planned"))
}

/// The text under the message: the person's caption in a chat, a marker in a relay.
fn words(run: &Run<'_>, numbers: UploadIds, direct: bool) -> String {
    if direct { run.caption() } else { marker(run.job.id, numbers) }
}

/// The text under the message in the relay: by it an upload is found whose answer was lost.
fn marker(job: JobId, numbers: UploadIds) -> String {
    format!("job {job} · {:016x}", numbers.random_id)
}
