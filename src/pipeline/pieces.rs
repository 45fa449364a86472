//! A content that no message can hold: cut into pieces, each brought to Telegram like a file of its own, then put together as an album.
//!
//! In: a whole file that is above every limit, or pieces that an earlier run has cut. Out: a stored [`Uploaded`]. Must not: choose to cut (`route`), or deliver.

use std::path::Path;

use super::media::Making;
use super::{Next, Pipeline, Run, is_whole};
use crate::media::SplitRequest;
use crate::model::{Failure, Lane, Piece, Prepared, Reason, RelayMessage, Stage, Step, UploadPlan, Uploaded};
use crate::route;
use crate::store::StoredPiece;
use crate::telegram::pool::Carrier;
use crate::telegram::relay::delete_message;
use crate::upload::album::send_album;

impl Pipeline {
    /// Cuts it and goes on with the pieces. The whole is not needed any more then, and the disk may be small.
    pub(super) async fn split(&self, run: &Run<'_>, whole: &Prepared, piece_bytes: u64) -> Result<Next, Failure> {
        let folder = self.parts.workspace.folder(run.job.id).await?;
        let pieces = {
            let _permit = self.parts.permits.media(run.cancel).await?;
            self.parts.workspace.check_free(whole.size_bytes).await?;
            let max_pieces = self.parts.config.route.max_pieces;
            let request = SplitRequest { whole: whole.clone(), folder: folder.clone(), max_bytes: piece_bytes, max_pieces };
            self.parts.media.split(request, run.progress, run.cancel).await?
        };
        self.parts.store.set_pieces(run.job.id, &pieces).await?;
        let fetched = self.parts.store.work(run.job.id).await?.fetched.unwrap_or_default();
        for path in fetched.tracks.iter().map(|track| &track.path).chain([&whole.path]).filter(|path| path.starts_with(&folder)) {
            remove(path).await;
        }
        let pieces = self.parts.store.pieces(run.job.id).await?;
        Box::pin(self.in_pieces(run, pieces)).await
    }

    /// Brings up the pieces that are not at Telegram yet, one after the other.
    pub(super) async fn in_pieces(&self, run: &Run<'_>, mut pieces: Vec<StoredPiece>) -> Result<Next, Failure> {
        run.begin(&self.parts.store, Stage::Upload).await?;
        for stored in pieces.iter_mut().filter(|stored| stored.uploaded.is_none()) {
            let progress = run.progress.of_piece(stored.piece);
            let run = run.of_piece(stored.piece, &progress);
            let Some(uploaded) = self.piece(&run, &stored.prepared).await? else {
                return self.anew(&run).await; // a sweep took the file
            };
            let delivered = self.arrived(&run, &uploaded).await?;
            self.parts.store.set_piece_uploaded(run.job.id, stored.piece, &uploaded, delivered).await?;
            stored.uploaded = Some(uploaded);
            remove(&stored.prepared.path).await;
        }
        let Some(first) = pieces.first().map(|stored| stored.prepared.clone()) else { return self.anew(run).await };
        let uploaded: Vec<Uploaded> = pieces.into_iter().filter_map(|stored| stored.uploaded).collect();
        let Some((carrier, messages)) = self.in_one_relay(run, &uploaded) else {
            return self.keep(run, &first, Uploaded::InPieces { pieces: uploaded }).await;
        };
        run.progress.report(Step::Delivering, 0, None);
        let of = messages.len() as u32;
        let words: Vec<String> = (1..=of).map(|number| run.of_piece(Piece { number, of }, run.progress).caption()).collect();
        let album = match send_album(&carrier, &messages, &words).await {
            Ok(album) => album,
            Err(failure) if failure.reason == Reason::RelayMessageGone => return self.anew(run).await,
            Err(failure) => {
                self.parts.accounts.report(&carrier, &failure);
                return Err(failure);
            }
        };
        let next = self.keep(run, &first, Uploaded::InAlbum { messages: album }).await?;
        for message in messages {
            if let Err(failure) = delete_message(&carrier.account, &carrier.relay, message.message).await {
                tracing::debug!(job = %run.job.id, %failure, "a piece stays in the relay beside its album");
            }
        }
        Ok(next)
    }

    /// One piece; nothing if its file is gone.
    async fn piece(&self, run: &Run<'_>, piece: &Prepared) -> Result<Option<Uploaded>, Failure> {
        let work = self.parts.store.work(run.job.id).await?;
        if let Some(uploaded) = self.in_doubt(run, &work).await? {
            return Ok(Some(uploaded));
        }
        if !is_whole(piece) {
            return Ok(None);
        }
        let lane = self.lane_of_piece(run, piece).await?;
        tracing::info!(job = %run.job.id, ?lane, piece = ?run.piece, size_bytes = piece.size_bytes, "a piece goes up");
        Ok(Some(match lane {
            Lane::BotApi => self.by_bot(run, piece).await?,
            Lane::UserAccount | Lane::BotMtproto => self.over_mtproto(run, Making::ready(piece.clone()).await?, lane).await?.1,
        }))
    }

    /// All pieces go the way of the largest, or they could not come together as an album.
    async fn lane_of_piece(&self, run: &Run<'_>, piece: &Prepared) -> Result<Lane, Failure> {
        let pieces = self.parts.store.pieces(run.job.id).await?;
        let size_bytes = pieces.iter().map(|stored| stored.prepared.size_bytes).max().unwrap_or(piece.size_bytes);
        let largest = Prepared { size_bytes, ..piece.clone() };
        match route::plan(&largest, run.choice()?, &self.lanes(size_bytes).await, &self.parts.config.route) {
            UploadPlan::Send { lane, .. } => Ok(lane),
            UploadPlan::Compress { .. } | UploadPlan::Split { .. } | UploadPlan::Refuse { .. } => {
                self.better_later(size_bytes, None)?;
                Err(Failure::new(Reason::SessionRevoked, anyhow::anyhow!("what was to carry the pieces is unwell")))
            }
        }
    }

    /// The messages of all pieces and who can make an album of them, if they lie in one relay.
    fn in_one_relay(&self, run: &Run<'_>, uploaded: &[Uploaded]) -> Option<(Carrier, Vec<RelayMessage>)> {
        let in_relay = |uploaded: &Uploaded| match uploaded {
            Uploaded::InRelay(message) if message.channel != run.job.chat => Some(*message),
            _ => None,
        };
        let messages: Vec<RelayMessage> = uploaded.iter().map(in_relay).collect::<Option<_>>()?;
        let channel = messages.first()?.channel;
        let together = messages.len() > 1 && messages.iter().all(|message| message.channel == channel);
        Some((self.parts.accounts.carrier_into(channel).filter(|_| together)?, messages))
    }

    async fn anew(&self, run: &Run<'_>) -> Result<Next, Failure> {
        tracing::warn!(job = %run.job.id, "a piece is gone; the work is done again");
        self.parts.store.forget_work(run.job.id).await?;
        Ok(Next::Stage(Stage::Fetch))
    }
}

/// What can't be removed goes with the job's folder.
async fn remove(path: &Path) {
    if let Err(error) = tokio::fs::remove_file(path).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file that is not needed any more could not be removed");
    }
}
