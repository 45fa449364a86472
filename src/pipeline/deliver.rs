//! The deliver stage: what is at Telegram is brought into the person's chat, once.
//!
//! In: a stored [`Uploaded`]. Out: a message in the chat, stored. Must not: upload.

use super::{Next, Pipeline, Run};
use crate::deliver::{caption, hand_over};
use crate::model::{Failure, Lane, MessageId, Prepared, Reason, Stage, Step, Uploaded};
use crate::upload::bot_api;

impl Pipeline {
    pub(super) async fn deliver(&self, run: &Run<'_>) -> Result<Next, Failure> {
        let work = self.parts.store.work(run.job.id).await?;
        let (Some(uploaded), Some(prepared)) = (work.uploaded, work.prepared) else {
            return Ok(Next::Stage(Stage::Fetch));
        };
        let lane = match uploaded {
            Uploaded::InRelay(_) => Some(work.carried_by.map_or(Lane::UserAccount, |by| by.lane)),
            Uploaded::InChat { .. } => None,
        };
        if work.delivered.is_some() {
            return Ok(Next::Done(lane));
        }
        if work.sending
            && let Some(message) = self.delivered_in_doubt(run).await?
        {
            self.parts.store.set_delivered(run.job.id, message).await?;
            return Ok(Next::Done(lane));
        }
        run.progress.report(Step::Delivering, 0, None);
        self.parts.store.set_sending(run.job.id, true).await?;
        let sent = self.bring(run, &uploaded, &prepared).await;
        self.clear_doubt(run.job.id, sent.as_ref().err(), run.cancel).await?;
        match sent {
            Ok(message) => {
                self.parts.store.set_delivered(run.job.id, message).await?;
                Ok(Next::Done(lane))
            }
            Err(failure) if matches!(failure.reason, Reason::RelayMessageGone | Reason::RelayGone) => {
                tracing::warn!(job = %run.job.id, %failure, "what was at Telegram is gone; doing the work again");
                self.parts.store.drop_content(&self.content_key(run)?).await?;
                self.parts.store.forget_work(run.job.id).await?;
                if let (Reason::RelayGone, Uploaded::InRelay(relay)) = (&failure.reason, &uploaded) {
                    self.parts.accounts.report_relay_gone(relay.channel); // it is looked at, and mended if that is possible
                }
                Ok(Next::Stage(Stage::Fetch))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn bring(&self, run: &Run<'_>, uploaded: &Uploaded, prepared: &Prepared) -> Result<MessageId, Failure> {
        let caption = caption::for_job(run.job);
        let (chat, reply_to) = (run.job.chat, run.job.request_message);
        match uploaded {
            Uploaded::InRelay(relay) => hand_over::copy_from_relay(&self.parts.bot, chat, reply_to, *relay, Some(&caption)).await,
            Uploaded::InChat { file_id, .. } => {
                let sent = bot_api::send_by_file_id(&self.parts.bot, chat, reply_to, prepared.kind, file_id, Some(&caption)).await?;
                match sent {
                    Uploaded::InChat { message, .. } => Ok(message),
                    Uploaded::InRelay(_) => Err(Failure::internal(anyhow::anyhow!("a file sent by its file_id is in the relay"))),
                }
            }
        }
    }

    /// Looks in the chat for a file whose sending was never answered.
    pub(super) async fn delivered_in_doubt(&self, run: &Run<'_>) -> Result<Option<MessageId>, Failure> {
        let job = self.parts.store.job(run.job.id).await?;
        let Some(after) = job.and_then(|job| job.status_message.max(job.request_message)) else { return Ok(None) };
        let known = self.parts.store.known_messages(run.job.chat).await?;
        let caption = caption::for_job(run.job);
        hand_over::find_in_doubt(&self.parts.bot, run.job.chat, after, &known, &caption).await
    }
}
