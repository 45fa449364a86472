//! Buttons under messages of ours.
//!
//! In: texts and a job. Out: keyboards for teloxide. Must not: send anything.

use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};

use crate::i18n::Texts;
use crate::model::{Button, Choice, JobId};

/// Under a card: video, audio, a video in pieces if that is to be offered, cancel.
pub fn card(texts: &Texts, job: JobId, offers_pieces: bool) -> InlineKeyboardMarkup {
    let choices = vec![
        button(texts.get("button-video"), Button::Choose(job, Choice::Video)),
        button(texts.get("button-audio"), Button::Choose(job, Choice::Audio)),
    ];
    let mut rows = vec![choices];
    if offers_pieces {
        rows.push(vec![button(texts.get("button-pieces"), Button::Choose(job, Choice::Pieces))]);
    }
    rows.push(vec![button(texts.get("button-cancel"), Button::Cancel(job))]);
    InlineKeyboardMarkup::new(rows)
}

/// Under a status message: cancel alone.
pub fn cancel(texts: &Texts, job: JobId) -> InlineKeyboardMarkup {
    InlineKeyboardMarkup::new([[button(texts.get("button-cancel"), Button::Cancel(job))]])
}

fn button(text: String, button: Button) -> InlineKeyboardButton {
    InlineKeyboardButton::callback(text, button.data())
}
