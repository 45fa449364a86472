//! Buttons under cards and status messages.
//!
//! In: a pressed button. Out: a choice or a cancel for the intake, and always an answer, or the person's app shows a waiting circle. Must not:
//! trust the data: it may be old, or invented.

use teloxide::types::CallbackQuery;

use crate::bot::desk::Desk;
use crate::intake::{CancelOutcome, Chosen};
use crate::model::{Button, Failure, UserId};
use crate::telegram::keyboards;

/// Answers a pressed button.
pub(in crate::bot) async fn pressed(desk: Desk, query: CallbackQuery) -> Result<(), Failure> {
    let user = UserId(query.from.id.0 as i64);
    let texts = desk.texts(&query.from);
    let key = match query.data.as_deref().and_then(Button::parse) {
        None => "pressed-unknown",
        Some(Button::Choose(job, choice)) => {
            let chosen = desk.intake.choose(user, job, choice).await?;
            if let (Chosen::Queued, Some(message)) = (chosen, &query.message) {
                // The job may have to wait for others, and its card must not look as if it still asked.
                desk.answers.buttons(message.chat().id, message.id(), keyboards::cancel(&texts, job)).await;
            }
            word_for_choice(chosen)
        }
        Some(Button::Cancel(job)) => word_for_cancel(desk.intake.cancel(user, job).await?),
    };
    desk.answers.pressed(query.id, texts.get(key)).await;
    Ok(())
}

fn word_for_choice(chosen: Chosen) -> &'static str {
    match chosen {
        Chosen::Queued => "pressed-queued",
        Chosen::AlreadyChosen => "pressed-already-chosen",
        Chosen::Gone => "pressed-gone",
        Chosen::NotYours => "pressed-not-yours",
    }
}

fn word_for_cancel(outcome: CancelOutcome) -> &'static str {
    match outcome {
        CancelOutcome::Cancelled => "pressed-cancelled",
        CancelOutcome::AlreadyOver => "pressed-already-over",
        CancelOutcome::Gone => "pressed-gone",
        CancelOutcome::NotYours => "pressed-not-yours",
    }
}
