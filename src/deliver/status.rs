//! The one message that shows how far a job is.
//!
//! In: a message to edit, progress. Out: edits, paced to what Telegram allows; at the end it is deleted or says the last words. Must not: slow
//! the work down (progress is looked at, never waited for by the sender), or fail a job.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use teloxide::requests::Requester;
use teloxide::{ApiError, Bot, RequestError};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::card::send_text;
use super::render;
use super::speed::SpeedMeter;
use super::throttle::{Next, Outcome, Throttle};
use crate::i18n::Texts;
use crate::model::{Failure, Job, MessageId, Progress, Reason};
use crate::telegram::bot::failure_from;
use crate::telegram::edit::{Body, Edited, edit};
use crate::telegram::keyboards;
use crate::telegram::patience::{Patience, patiently};

/// An edit that is on its way when the work ends gets this long, so that it does not arrive after the last words.
const LAST_EDIT: Duration = Duration::from_secs(1);
/// Speed and time left are looked at again so often even without news, or a stall would show the speed before it.
const REFRESH: Duration = Duration::from_secs(10);

/// The status message of one job; cheap to clone.
#[derive(Clone, Debug)]
pub struct StatusMessage {
    bot: Bot,
    job: Arc<Job>,
    message: MessageId,
    interval: Duration,
    body: Arc<Mutex<Body>>,
    unreachable: CancellationToken,
}

impl StatusMessage {
    /// The status message of `job`: `message` is its card, or what [`StatusMessage::send_later`] gave. At most one edit an `interval`.
    pub fn new(bot: Bot, job: Job, message: MessageId, interval: Duration) -> Self {
        let (body, unreachable) = (Arc::default(), CancellationToken::new());
        Self { bot, job: Arc::new(job), message, interval, body, unreachable }
    }

    /// Edits the message as `progress` changes, until `stop`, the end of the sender, or the loss of the message. Spawn it beside the work,
    /// and await it before [`StatusMessage::finish_text`] or [`StatusMessage::finish_delete`].
    pub async fn watch(self, progress: watch::Receiver<Progress>, stop: CancellationToken) {
        let texts = Texts::new(&self.job.language);
        let title = render::title_of(&self.job);
        let render = |progress: &Progress, speed| render::status(&texts, &title, progress, speed);
        follow(Throttle::new(self.interval), progress, stop, render, |text| self.show(&texts, text)).await;
    }

    /// The same as [`StatusMessage::show_later`] for a job that has no message yet.
    pub async fn send_later(bot: &Bot, job: &Job, reason: &Reason, delay_ms: u64) -> Result<MessageId, Failure> {
        let texts = Texts::new(&job.language);
        let keyboard = keyboards::cancel(&texts, job.id);
        send_text(bot, job, &render::later(job, reason, delay_ms), Some(keyboard)).await.map_err(failure_from)
    }

    /// Says that the job waits for another try of its step, `delay_ms` from now, and keeps the button to stop it. Tries once: the pause may be
    /// over before a second try.
    pub async fn show_later(&self, reason: &Reason, delay_ms: u64) {
        let texts = Texts::new(&self.job.language);
        self.show(&texts, render::later(&self.job, reason, delay_ms)).await;
    }

    /// Cancelled once Telegram has said that the person blocked the bot or the chat is gone.
    pub fn unreachable(&self) -> &CancellationToken {
        &self.unreachable
    }

    /// Deletes the message: the file is in the chat and says more. A message that can't be deleted (older than 48 hours) stays.
    pub async fn finish_delete(&self) {
        let (chat, message) = self.address();
        match patiently(Patience::LONG, || self.bot.delete_message(chat, message).into_future()).await {
            Ok(_) => {}
            Err(error) => tracing::debug!(job = %self.job.id, %error, "the status message stays"),
        }
    }

    /// The last words, without a button, e.g. [`render::failed`]. It waits as long as Telegram asks for; if the message is gone, a new one is
    /// sent. Fails with [`Reason::ChatUnreachable`] and the like, for the log.
    pub async fn finish_text(&self, html: &str) -> Result<(), Failure> {
        let edited = patiently(Patience::LONG, || self.edit(html.to_owned(), None)).await.map_err(failure_from)?;
        if edited == Edited::Gone {
            send_text(&self.bot, &self.job, html, None).await.map_err(failure_from)?;
        }
        Ok(())
    }

    async fn show(&self, texts: &Texts, text: String) -> Outcome {
        match self.edit(text, Some(keyboards::cancel(texts, self.job.id))).await {
            Ok(Edited::Shown) => Outcome::Shown,
            Ok(Edited::Gone) => Outcome::Gone,
            Err(RequestError::RetryAfter(pause)) => {
                tracing::debug!(job = %self.job.id, pause_s = pause.seconds(), "Telegram asks the status message to pause");
                Outcome::Flood(pause.duration())
            }
            Err(error @ RequestError::Api(ApiError::BotBlocked)) => self.lost(error),
            Err(error) => {
                let failure = failure_from(error);
                if failure.reason == Reason::ChatUnreachable {
                    return self.lost(failure);
                }
                tracing::debug!(job = %self.job.id, error = %failure, "the status message could not be edited");
                Outcome::Failed
            }
        }
    }

    fn lost(&self, error: impl std::fmt::Display) -> Outcome {
        tracing::debug!(job = %self.job.id, %error, "the chat takes no messages any more");
        self.unreachable.cancel();
        Outcome::Gone
    }

    async fn edit(&self, html: String, keyboard: Option<teloxide::types::InlineKeyboardMarkup>) -> Result<Edited, RequestError> {
        let mut body = *self.body.lock().unwrap_or_else(PoisonError::into_inner);
        let edited = edit(&self.bot, (self.job.chat, self.message), &mut body, &html, keyboard).await;
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = body;
        edited
    }

    fn address(&self) -> (teloxide::types::ChatId, teloxide::types::MessageId) {
        (teloxide::types::ChatId(self.job.chat.0), teloxide::types::MessageId(self.message.0))
    }
}

/// Shows what there is to show whenever the throttle allows it.
async fn follow<S, A>(
    mut throttle: Throttle,
    mut progress: watch::Receiver<Progress>,
    stop: CancellationToken,
    render: impl Fn(&Progress, Option<f64>) -> String,
    mut show: S,
) where
    S: FnMut(String) -> A,
    A: Future<Output = Outcome>,
{
    let mut meter = SpeedMeter::default();
    let mut open = true;
    while !stop.is_cancelled() {
        let seen = progress.borrow_and_update().clone();
        let now = Instant::now();
        meter.note(now, &seen);
        let text = render(&seen, meter.per_second(now));
        match throttle.next(now, &text) {
            Next::Stop => return,
            Next::Edit => {
                let Some(outcome) = show_or_stop(show(text.clone()), &stop).await else { return };
                throttle.note(Instant::now(), text, outcome);
            }
            Next::Wait(until) => tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(until) => {}
            },
            Next::Same if !open => return,
            Next::Same => tokio::select! {
                () = stop.cancelled() => return,
                changed = progress.changed() => open = changed.is_ok(),
                () = tokio::time::sleep(REFRESH) => {}
            },
        }
    }
}

/// The outcome, or `None` if the end came first and the edit has had its time.
async fn show_or_stop(showing: impl Future<Output = Outcome>, stop: &CancellationToken) -> Option<Outcome> {
    tokio::pin!(showing);
    tokio::select! {
        outcome = &mut showing => Some(outcome),
        () = stop.cancelled() => {
            tokio::time::timeout(LAST_EDIT, showing).await.ok();
            None
        }
    }
}

#[cfg(test)]
mod tests;
