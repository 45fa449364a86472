//! Buttons under cards and status messages.
//!
//! In: a pressed button. Out: a choice or a cancel for the intake, and always an answer, or the person's app shows a waiting circle. Must not:
//! trust the data: it may be old, or invented.

use teloxide::types::{CallbackQuery, InlineKeyboardMarkup};

use crate::bot::desk::Desk;
use crate::i18n::Texts;
use crate::intake::{CancelOutcome, Chosen};
use crate::model::{Button, Choice, Failure, JobId, Place, SubtitleChoice, SubtitleOffer, UserId};
use crate::telegram::keyboards;

/// Answers a pressed button.
pub(in crate::bot) async fn pressed(desk: Desk, query: CallbackQuery) -> Result<(), Failure> {
    let texts = desk.texts(&query.from);
    let key = match query.data.as_deref().and_then(Button::parse) {
        None => "pressed-unknown",
        Some(Button::Choose(job, choice)) => choose(&desk, &query, &texts, (job, choice, None)).await?,
        Some(Button::ChooseSubtitles(job, subtitles)) => choose(&desk, &query, &texts, (job, Choice::Video, Some(&subtitles))).await?,
        Some(Button::Languages(place, page)) => {
            let keyboard = |offers: &[SubtitleOffer]| keyboards::languages(&texts, place, offers, page);
            ask(&desk, &query, place, keyboard, "pressed-languages").await?
        }
        Some(Button::Ways(place, language)) => {
            ask(&desk, &query, place, |_| keyboards::ways(&texts, place, &language), "pressed-ways").await?
        }
        Some(Button::Back(place)) => {
            ask(&desk, &query, place, |offers| keyboards::card(&texts, place, !offers.is_empty()), "pressed-back").await?
        }
        Some(Button::Cancel(job)) => word_for_cancel(desk.intake.cancel(person(&query), job).await?),
    };
    desk.answers.pressed(query.id, texts.get(key)).await;
    Ok(())
}

async fn choose(
    desk: &Desk,
    query: &CallbackQuery,
    texts: &Texts,
    (job, choice, subtitles): (JobId, Choice, Option<&SubtitleChoice>),
) -> Result<&'static str, Failure> {
    let chosen = desk.intake.choose(person(query), job, choice, subtitles).await?;
    if let (Chosen::Queued, Some(message)) = (chosen, &query.message) {
        // The job may have to wait for others, and its card must not look as if it still asked.
        desk.answers.buttons(message.chat().id, message.id(), keyboards::cancel(texts, job)).await;
    }
    Ok(word_for_choice(chosen))
}

/// Another question under the same card, while there is something to choose. The keyboard is made of the subtitles that there are.
async fn ask(
    desk: &Desk,
    query: &CallbackQuery,
    place: Place,
    keyboard: impl FnOnce(&[SubtitleOffer]) -> InlineKeyboardMarkup,
    word: &'static str,
) -> Result<&'static str, Failure> {
    let language = query.from.language_code.as_deref();
    match desk.intake.subtitles(person(query), place.job, language).await? {
        Ok(offers) => {
            if let Some(message) = &query.message {
                desk.answers.question(message.chat().id, message.id(), keyboard(&offers)).await;
            }
            Ok(word)
        }
        Err(chosen) => Ok(word_for_choice(chosen)),
    }
}

fn person(query: &CallbackQuery) -> UserId {
    UserId(query.from.id.0 as i64)
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
