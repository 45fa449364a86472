//! Buttons under messages of ours.
//!
//! In: texts and a job. Out: keyboards for teloxide. Must not: send anything.

use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};

use crate::i18n::{Arg, Texts, language_name};
use crate::model::{Button, Choice, JobId, Place, SubtitleChoice, SubtitleOffer, SubtitleWay};

/// Languages on one page.
const LANGUAGES: usize = 8;

/// Under a card: video, audio, a video in pieces and subtitles if they are to be offered, cancel.
pub fn card(texts: &Texts, place: Place, offers_subtitles: bool) -> InlineKeyboardMarkup {
    let Place { job, offers_pieces } = place;
    let choices = vec![
        button(texts.get("button-video"), Button::Choose(job, Choice::Video)),
        button(texts.get("button-audio"), Button::Choose(job, Choice::Audio)),
    ];
    let mut rows = vec![choices];
    if offers_pieces {
        rows.push(vec![button(texts.get("button-pieces"), Button::Choose(job, Choice::Pieces))]);
    }
    if offers_subtitles {
        rows.push(vec![button(texts.get("button-subtitles"), Button::Languages(place, 0))]);
    }
    rows.push(vec![button(texts.get("button-cancel"), Button::Cancel(job))]);
    InlineKeyboardMarkup::new(rows)
}

/// Which subtitles: a page of languages.
pub fn languages(texts: &Texts, place: Place, offers: &[SubtitleOffer], page: u16) -> InlineKeyboardMarkup {
    let pages = offers.len().div_ceil(LANGUAGES).max(1);
    let page = usize::from(page).min(pages - 1);
    let language = |offer: &SubtitleOffer| {
        let name = language_name(&offer.language);
        let name = if offer.automatic { texts.with("button-automatic", &[("language", Arg::Html(name))]) } else { name };
        button(name, Button::Ways(place, offer.language.clone()))
    };
    let shown: Vec<InlineKeyboardButton> = offers.iter().skip(page * LANGUAGES).take(LANGUAGES).map(language).collect();
    let mut rows: Vec<Vec<InlineKeyboardButton>> = shown.chunks(2).map(<[_]>::to_vec).collect();
    let other = |to: usize, key: &str| button(texts.get(key), Button::Languages(place, u16::try_from(to).unwrap_or(u16::MAX)));
    let mut turns = Vec::new();
    if page > 0 {
        turns.push(other(page - 1, "button-page-before"));
    }
    if page + 1 < pages {
        turns.push(other(page + 1, "button-page-after"));
    }
    rows.extend([turns, vec![button(texts.get("button-back"), Button::Back(place))]].into_iter().filter(|row| !row.is_empty()));
    InlineKeyboardMarkup::new(rows)
}

/// How somebody wants the subtitles in a language.
pub fn ways(texts: &Texts, place: Place, language: &str) -> InlineKeyboardMarkup {
    let way = |key: &str, way| {
        let subtitles = SubtitleChoice { language: language.to_owned(), way };
        vec![button(texts.get(key), Button::ChooseSubtitles(place.job, subtitles))]
    };
    InlineKeyboardMarkup::new([
        way("button-way-track", SubtitleWay::Track),
        way("button-way-burn", SubtitleWay::BurntIn),
        way("button-way-file", SubtitleWay::File),
        vec![button(texts.get("button-back"), Button::Languages(place, 0))],
    ])
}

/// Under a status message: cancel alone.
pub fn cancel(texts: &Texts, job: JobId) -> InlineKeyboardMarkup {
    InlineKeyboardMarkup::new([[button(texts.get("button-cancel"), Button::Cancel(job))]])
}

fn button(text: String, button: Button) -> InlineKeyboardButton {
    InlineKeyboardButton::callback(text, button.data())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(keyboard: &InlineKeyboardMarkup) -> Vec<Vec<&str>> {
        keyboard.inline_keyboard.iter().map(|row| row.iter().map(|button| button.text.as_str()).collect()).collect()
    }

    #[test]
    fn languages_come_in_pages() {
        let (texts, place) = (Texts::new("en"), Place { job: JobId(7), offers_pieces: false });
        let offers: Vec<SubtitleOffer> = ["de", "en", "fr", "es", "it", "pt-BR", "nl", "sv", "fi"]
            .map(|language| SubtitleOffer { language: language.into(), automatic: language == "fi" })
            .to_vec();
        let first = languages(&texts, place, &offers, 0);
        assert_eq!(labels(&first)[0], ["Deutsch", "English"]);
        assert_eq!((labels(&first).len(), labels(&first)[4].len()), (6, 1), "four rows, the next page, and back");
        let last = languages(&texts, place, &offers, 1);
        assert_eq!(labels(&last)[0], ["Suomi (automatic)"]);
        assert_eq!(languages(&texts, place, &offers, 99), last, "there may be fewer by now");
        assert_eq!(labels(&languages(&texts, place, &[], 0)).len(), 1);
    }

    #[test]
    fn what_is_not_there_is_not_offered() {
        let (texts, place) = (Texts::new("en"), Place { job: JobId(7), offers_pieces: true });
        assert_eq!(labels(&card(&texts, place, true)).len(), 4);
        assert_eq!(labels(&card(&texts, Place { offers_pieces: false, ..place }, false)).len(), 2);
    }
}
