//! Long polling that confirms an update only after it is handled.
//!
//! In: `getUpdates` and a handler. Out: every update handled, each chat's in order, chats side by side. Must not: ask with the next offset
//! before that: Telegram then forgets the updates, and a crash between would lose them. (teloxide's own polling confirms first.)

use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use teloxide::types::Update;
use teloxide::{ApiError, RequestError};
use tokio_util::sync::CancellationToken;

use super::inbox::{Inbox, Verdict};
use crate::model::{Failure, Reason};
use crate::telegram::patience::backoff;

/// Chats handled at once.
const CHATS_AT_ONCE: usize = 16;
/// At the end, the last confirmation gets this long.
const LAST_CONFIRMATION: Duration = Duration::from_secs(2);

/// The calls that polling makes.
pub(super) trait Source {
    /// The updates from `offset` on; waits for one unless `at_once`.
    fn updates(&self, offset: Option<i32>, at_once: bool) -> impl Future<Output = Result<Vec<Update>, RequestError>> + Send;
    /// Ends a webhook that was set before and keeps the updates that wait.
    fn drop_webhook(&self) -> impl Future<Output = Result<(), RequestError>> + Send;
    /// Handles one update.
    fn handle(&self, update: Update) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Says sorry for an update that is given up.
    fn apologise(&self, update: Update) -> impl Future<Output = ()> + Send;
}

/// Polls until `shutdown`. Fails only if Telegram does not know the token.
pub(super) async fn poll(source: &impl Source, shutdown: &CancellationToken) -> Result<(), Failure> {
    let mut inbox = Inbox::default();
    let mut trouble = 0;
    loop {
        let asked = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            asked = source.updates(inbox.offset(), false) => asked,
        };
        let well = match asked {
            Ok(batch) => work_on(source, &mut inbox, batch).await,
            Err(RequestError::Api(error @ ApiError::InvalidToken)) => return Err(Failure::new(Reason::Telegram, error)),
            Err(error) => {
                explain(source, &error, trouble).await;
                if let RequestError::RetryAfter(pause) = error {
                    pause_or_stop(pause.duration(), shutdown).await;
                }
                false
            }
        };
        trouble = if well { 0 } else { trouble + 1 };
        if !well {
            pause_or_stop(backoff(trouble), shutdown).await;
        }
    }
    confirm(source, &inbox).await;
    Ok(())
}

/// Handles a batch; true if all of it could be.
async fn work_on(source: &impl Source, inbox: &mut Inbox, batch: Vec<Update>) -> bool {
    let numbers: Vec<u32> = batch.iter().map(|update| update.id.0).collect();
    let chats = inbox.take(batch);
    let mut ends = futures::stream::iter(chats.into_iter().map(|updates| handle_chat(source, updates))).buffer_unordered(CHATS_AT_ONCE);
    while let Some((handled, failed)) = ends.next().await {
        handled.into_iter().for_each(|id| inbox.done(id));
        let Some((update, error)) = failed else { continue };
        match inbox.failed(update.id.0) {
            Verdict::Again => tracing::warn!(update = update.id.0, %error, "an update could not be handled; it comes again"),
            Verdict::GiveUp => {
                tracing::error!(update = update.id.0, %error, "an update could not be handled, though it was tried often; it is given up");
                source.apologise(update).await;
            }
        }
    }
    drop(ends);
    inbox.settle(&numbers)
}

/// The updates of one chat, in order, up to the first that fails.
async fn handle_chat(source: &impl Source, updates: Vec<Update>) -> (Vec<u32>, Option<(Update, Failure)>) {
    let mut handled = Vec::new();
    for update in updates {
        match source.handle(update.clone()).await {
            Ok(()) => handled.push(update.id.0),
            Err(error) => return (handled, Some((update, error))),
        }
    }
    (handled, None)
}

async fn explain(source: &impl Source, error: &RequestError, trouble: u32) {
    match error {
        RequestError::Api(ApiError::TerminatedByOtherGetUpdates) => {
            tracing::error!("another program polls with the same bot token, and each takes updates from the other; stop one of them");
        }
        RequestError::Api(error) if is_webhook_active(error) => {
            tracing::warn!("a webhook is set for this bot, and updates are to be polled; the webhook is removed");
            if let Err(error) = source.drop_webhook().await {
                tracing::warn!(%error, "the webhook could not be removed");
            }
        }
        // One broken long poll is everyday life.
        error if trouble == 0 => tracing::debug!(%error, "updates could not be read; trying again"),
        error => tracing::warn!(%error, "updates could not be read; trying again"),
    }
}

fn is_webhook_active(error: &ApiError) -> bool {
    match error {
        ApiError::CantGetUpdates => true,
        ApiError::Unknown(text) => text.contains("webhook is active"),
        _ => false,
    }
}

async fn pause_or_stop(pause: Duration, shutdown: &CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(pause) => {}
    }
}

/// Tells Telegram what is handled, so that the next start does not see it again.
async fn confirm(source: &impl Source, inbox: &Inbox) {
    if inbox.offset().is_some() {
        match tokio::time::timeout(LAST_CONFIRMATION, source.updates(inbox.offset(), true)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the last updates could not be confirmed; they come once more"),
            Err(_) => tracing::debug!("Telegram took too long to confirm the last updates; they come once more"),
        }
    }
}

#[cfg(test)]
mod tests;
