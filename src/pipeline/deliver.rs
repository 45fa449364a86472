//! The deliver stage: what is at Telegram is brought into the person's chat, once.
//!
//! In: a stored [`Uploaded`]. Out: a message in the chat, an album, or several messages, stored. Must not: upload.

use super::{Next, Pipeline, Run};
use crate::deliver::hand_over;
use crate::model::{Failure, Lane, MessageId, Piece, Prepared, Reason, RelayMessage, Stage, Step, Uploaded};
use crate::upload::bot_api;

impl Pipeline {
    pub(super) async fn deliver(&self, run: &Run<'_>) -> Result<Next, Failure> {
        let work = self.parts.store.work(run.job.id).await?;
        let (Some(uploaded), Some(prepared)) = (work.uploaded, work.prepared) else {
            return Ok(Next::Stage(Stage::Fetch));
        };
        let lane = match uploaded {
            Uploaded::InRelay(_) | Uploaded::InAlbum { .. } => Some(work.carried_by.map_or(Lane::UserAccount, |by| by.lane)),
            Uploaded::InChat { .. } | Uploaded::InPieces { .. } => None,
        };
        if let Some(message) = work.delivered {
            return self.delivered(run, message, lane).await;
        }
        let brought = match &uploaded {
            Uploaded::InAlbum { messages } => self.bring_album(run, messages, work.sending).await,
            Uploaded::InPieces { pieces } => self.bring_pieces(run, pieces, &prepared, work.sending).await,
            Uploaded::InChat { .. } | Uploaded::InRelay(_) => self.bring_once(run, &uploaded, &prepared, work.sending).await,
        };
        match brought {
            Ok(message) => {
                self.parts.store.set_delivered(run.job.id, message).await?;
                self.delivered(run, message, lane).await
            }
            Err(failure) if matches!(failure.reason, Reason::RelayMessageGone | Reason::RelayGone) => {
                tracing::warn!(job = %run.job.id, %failure, "what was at Telegram is gone; doing the work again");
                self.parts.store.drop_content(&self.content_key(run)?).await?;
                self.parts.store.forget_work(run.job.id).await?;
                if let (Reason::RelayGone, Some(relay)) = (&failure.reason, uploaded.relay()) {
                    self.parts.accounts.report_relay_gone(relay.channel); // it is looked at, and mended if that is possible
                }
                Ok(Next::Stage(Stage::Fetch))
            }
            Err(failure) => Err(failure),
        }
    }

    /// One message.
    async fn bring_once(&self, run: &Run<'_>, uploaded: &Uploaded, prepared: &Prepared, in_doubt: bool) -> Result<MessageId, Failure> {
        if in_doubt && let Some(message) = self.delivered_in_doubt(run).await? {
            return Ok(message);
        }
        run.progress.report(Step::Delivering, 0, None);
        self.parts.store.set_sending(run.job.id, true).await?;
        let sent = self.bring(run, uploaded, prepared).await;
        self.clear_doubt(run.job.id, sent.as_ref().err(), run.cancel).await?;
        sent
    }

    /// One album: all of it or nothing. Says its first message.
    async fn bring_album(&self, run: &Run<'_>, messages: &[RelayMessage], in_doubt: bool) -> Result<MessageId, Failure> {
        let pieces = pieces_of(messages.len());
        if let Some(first) = pieces.first()
            && let Some(message) = self.parts.store.piece_delivered(run.job.id, *first).await?
        {
            return Ok(message);
        }
        if in_doubt && let Some(first) = self.album_in_doubt(run, &pieces).await? {
            return Ok(first);
        }
        run.progress.report(Step::Delivering, 0, None);
        self.parts.store.set_sending(run.job.id, true).await?;
        let sent = hand_over::copy_album(&self.parts.bot, run.job.chat, messages).await;
        self.clear_doubt(run.job.id, sent.as_ref().err(), run.cancel).await?;
        let sent = sent?;
        self.parts.store.set_pieces_delivered(run.job.id, pieces.into_iter().zip(sent.iter().copied()).collect()).await?;
        sent.first().copied().ok_or_else(|| Failure::internal(anyhow::anyhow!("an album of no messages")))
    }

    async fn album_in_doubt(&self, run: &Run<'_>, pieces: &[Piece]) -> Result<Option<MessageId>, Failure> {
        let mut found: Vec<(Piece, MessageId)> = Vec::new();
        for piece in pieces {
            // They came in this order. One that was found must not be looked at again: a look for another piece would change its words.
            let before = found.last().map(|(_, message)| *message);
            let Some(message) = self.delivered_behind(&run.of_piece(*piece, run.progress), before).await? else { break };
            found.push((*piece, message));
        }
        let Some((_, first)) = found.first().copied() else { return Ok(None) };
        self.parts.store.set_pieces_delivered(run.job.id, found).await?;
        Ok(Some(first))
    }

    /// One message after the other. Says the first one.
    async fn bring_pieces(
        &self,
        run: &Run<'_>,
        uploaded: &[Uploaded],
        prepared: &Prepared,
        mut in_doubt: bool,
    ) -> Result<MessageId, Failure> {
        let mut first = None;
        for (piece, uploaded) in pieces_of(uploaded.len()).into_iter().zip(uploaded) {
            let message = match self.parts.store.piece_delivered(run.job.id, piece).await? {
                Some(message) => message,
                None => {
                    let message = self.bring_once(&run.of_piece(piece, run.progress), uploaded, prepared, in_doubt).await?;
                    self.parts.store.set_pieces_delivered(run.job.id, vec![(piece, message)]).await?;
                    in_doubt = false; // that was about the first one that was not stored
                    message
                }
            };
            first = first.or(Some(message));
        }
        first.ok_or_else(|| Failure::internal(anyhow::anyhow!("a content of no pieces")))
    }

    async fn bring(&self, run: &Run<'_>, uploaded: &Uploaded, prepared: &Prepared) -> Result<MessageId, Failure> {
        let caption = run.caption();
        let (chat, reply_to) = (run.job.chat, run.job.request_message);
        match uploaded {
            Uploaded::InRelay(relay) => hand_over::copy_from_relay(&self.parts.bot, chat, reply_to, *relay, Some(&caption)).await,
            Uploaded::InChat { file_id, .. } => {
                let sent = bot_api::send_by_file_id(&self.parts.bot, chat, reply_to, prepared.kind, file_id, Some(&caption)).await?;
                sent.in_chat().ok_or_else(|| Failure::internal(anyhow::anyhow!("a file sent by its file_id is not in the chat")))
            }
            Uploaded::InAlbum { .. } | Uploaded::InPieces { .. } => Err(Failure::internal(anyhow::anyhow!("several messages are not one"))),
        }
    }

    /// Looks in the chat for a file whose sending was never answered.
    pub(super) async fn delivered_in_doubt(&self, run: &Run<'_>) -> Result<Option<MessageId>, Failure> {
        self.delivered_behind(run, None).await
    }

    async fn delivered_behind(&self, run: &Run<'_>, before: Option<MessageId>) -> Result<Option<MessageId>, Failure> {
        let job = self.parts.store.job(run.job.id).await?;
        let ours = job.and_then(|job| job.status_message.max(job.request_message));
        let Some(after) = ours.max(before) else { return Ok(None) };
        let known = self.parts.store.known_messages(run.job.chat).await?;
        hand_over::find_in_doubt(&self.parts.bot, run.job.chat, after, &known, &run.caption()).await
    }
}

fn pieces_of(count: usize) -> Vec<Piece> {
    let of = count as u32;
    (1..=of).map(|number| Piece { number, of }).collect()
}
