//! The inspect stage: what is behind the link, shown as a card to choose from.
//!
//! In: a job without a choice. Out: a card in the chat, stored as the job's status message. Must not: download the content.

use std::time::Duration;

use super::{Next, Pipeline, Run};
use crate::deliver::{StatusMessage, card};
use crate::model::{Failure, SourceCard, Step, sort_offers};
use crate::route;

impl Pipeline {
    pub(super) async fn inspect(&self, run: &Run<'_>) -> Result<Next, Failure> {
        run.progress.report(Step::Inspecting, 0, None);
        let source = match self.parts.store.card_of_content(&run.job.link).await? {
            Some(source) => source, // it is at Telegram: nothing needs to be fetched, not even to show it
            None => {
                let mut source = self.parts.fetcher.inspect(&run.job.link, run.cancel).await?;
                sort_offers(&mut source.subtitles, &self.parts.config.fetch.subtitles);
                self.parts.store.put_card(&run.job.link, source.clone()).await?;
                source
            }
        };
        self.parts.store.set_title(run.job.id, source.title.clone()).await?;
        let picture = self.picture(run, &source).await;
        let offers_pieces = self.offers_pieces(&source).await;
        let message = card::send_card(&self.parts.bot, run.job, &source, picture.as_deref(), offers_pieces).await?;
        self.parts.store.card_sent(run.job.id, message).await?;
        if let Some(pause) = run.job.status_message {
            // It said that the link is tried again; the card says more.
            StatusMessage::new(self.parts.bot.clone(), run.job.clone(), pause, Duration::ZERO).finish_delete().await;
        }
        Ok(Next::Wait)
    }

    /// True if it is a video or a song, as far as anybody can tell, that no message can hold.
    async fn offers_pieces(&self, source: &SourceCard) -> bool {
        let Some(size_bytes) = source.size_bytes else { return false };
        let is_media = |name: &str| mime_guess::from_path(name).iter().any(|mime| matches!(mime.type_().as_str(), "video" | "audio"));
        (source.duration_s.is_some() || is_media(&source.title))
            && route::offers_pieces(size_bytes, &self.lanes(size_bytes).await, &self.parts.config.route)
    }

    /// The picture for the card; a card without one is no failure.
    async fn picture(&self, run: &Run<'_>, source: &SourceCard) -> Option<std::path::PathBuf> {
        let address = source.picture.as_deref()?;
        let folder = self.parts.workspace.folder(run.job.id).await.ok()?;
        let path = folder.join("card");
        match self.parts.fetcher.download_picture(address, &path, run.cancel).await {
            Ok(()) => Some(path),
            Err(failure) => {
                tracing::debug!(job = %run.job.id, %failure, "no picture for the card");
                None
            }
        }
    }
}
