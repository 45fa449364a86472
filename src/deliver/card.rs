//! The card before the work: what is behind a link, with the choices.
//!
//! In: a job, what its source says, a picture in a local file. Out: the message, which is edited from then on. Must not: fetch the picture,
//! or store the message.

use std::path::Path;

use teloxide::payloads::{SendMessageSetters, SendPhotoSetters};
use teloxide::requests::Requester;
use teloxide::types::{InlineKeyboardMarkup, InputFile, ParseMode, ReplyParameters};
use teloxide::{ApiError, Bot, RequestError};

use super::render;
use crate::i18n::Texts;
use crate::model::{Failure, Job, MessageId, Place, SourceCard};
use crate::telegram::bot::failure_from;
use crate::telegram::edit::no_preview;
use crate::telegram::keyboards;
use crate::telegram::patience::{Patience, patiently};

/// <https://core.telegram.org/bots/api#sendphoto>
const MAX_PHOTO_BYTES: u64 = 10 * 1024 * 1024;

/// Sends the card as a reply to the request: a photo with a caption if there is a picture that Telegram takes, else a text.
/// The same message is edited into the status message later ([`super::StatusMessage`] finds out which of the two it is), so that a chat
/// shows one message a job from the first to the last. `offers_pieces` adds the choice for what no message can hold.
pub async fn send_card(bot: &Bot, job: &Job, card: &SourceCard, picture: Option<&Path>, offers_pieces: bool) -> Result<MessageId, Failure> {
    let texts = Texts::new(&job.language);
    let html = render::card(&texts, job, card, offers_pieces);
    let keyboard = keyboards::card(&texts, Place { job: job.id, offers_pieces }, !card.subtitles.is_empty());
    if let Some(picture) = picture.filter(|picture| can_be_sent(picture)) {
        match send_photo(bot, job, picture, &html, &keyboard).await {
            Ok(message) => return Ok(message),
            Err(error) if is_about_the_picture(&error) => tracing::debug!(job = %job.id, %error, "the card goes without its picture"),
            Err(error) => return Err(failure_from(error)),
        }
    }
    send_text(bot, job, &html, Some(keyboard)).await.map_err(failure_from)
}

/// Says something about a job that has no message yet, as a reply to the request. `html` is Telegram HTML.
pub async fn say(bot: &Bot, job: &Job, html: &str) -> Result<MessageId, Failure> {
    send_text(bot, job, html, None).await.map_err(failure_from)
}

/// Sends a text as a reply to the request.
pub(super) async fn send_text(bot: &Bot, job: &Job, html: &str, keyboard: Option<InlineKeyboardMarkup>) -> Result<MessageId, RequestError> {
    send_reply(bot, job, job.request_message, html, keyboard).await
}

/// Sends a text as a reply to a message.
pub(super) async fn send_reply(
    bot: &Bot,
    job: &Job,
    answers: Option<MessageId>,
    html: &str,
    keyboard: Option<InlineKeyboardMarkup>,
) -> Result<MessageId, RequestError> {
    let message = patiently(Patience::SHORT, || {
        let mut call = bot.send_message(chat(job), html).parse_mode(ParseMode::Html).link_preview_options(no_preview());
        call.reply_parameters = reply_to(answers);
        call.reply_markup = keyboard.clone().map(Into::into);
        call.into_future()
    })
    .await?;
    Ok(MessageId(message.id.0))
}

/// A reply that is sent even if the request was deleted meanwhile.
pub(super) fn reply_to(message: Option<MessageId>) -> Option<ReplyParameters> {
    message.map(|message| ReplyParameters::new(teloxide::types::MessageId(message.0)).allow_sending_without_reply())
}

async fn send_photo(bot: &Bot, job: &Job, picture: &Path, html: &str, keyboard: &InlineKeyboardMarkup) -> Result<MessageId, RequestError> {
    let message = patiently(Patience::SHORT, || {
        let photo = InputFile::file(picture);
        let mut call = bot.send_photo(chat(job), photo).caption(html).parse_mode(ParseMode::Html).reply_markup(keyboard.clone());
        call.reply_parameters = reply_to(job.request_message);
        call.into_future()
    })
    .await?;
    Ok(MessageId(message.id.0))
}

/// Looked at before, as a file that can't be read looks like a broken connection once it is on its way.
fn can_be_sent(picture: &Path) -> bool {
    std::fs::File::open(picture)
        .and_then(|file| file.metadata())
        .is_ok_and(|about| about.is_file() && (1..=MAX_PHOTO_BYTES).contains(&about.len()))
}

/// True if Telegram would take the card without the picture: it is no picture, too big, of odd proportions, or can't be read here.
fn is_about_the_picture(error: &RequestError) -> bool {
    match error {
        RequestError::Io(_) | RequestError::Api(ApiError::ImageProcessFailed | ApiError::WrongFileId | ApiError::WrongFileIdOrUrl) => true,
        RequestError::Api(ApiError::RequestEntityTooLarge) => true,
        RequestError::Api(ApiError::Unknown(text)) => {
            let text = text.to_ascii_uppercase();
            ["PHOTO", "IMAGE", "FILE MUST BE NON-EMPTY", "TOO BIG", "TOO LARGE"].iter().any(|word| text.contains(word))
        }
        _ => false,
    }
}

fn chat(job: &Job) -> teloxide::types::ChatId {
    teloxide::types::ChatId(job.chat.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trouble_with_the_picture_is_worth_going_without_it() {
        let unknown = |text: &str| RequestError::Api(ApiError::Unknown(text.into()));
        for (error, expected) in [
            (unknown("Bad Request: PHOTO_INVALID_DIMENSIONS"), true),
            (unknown("Bad Request: file is too big"), true),
            (RequestError::Api(ApiError::ImageProcessFailed), true),
            (RequestError::Io(std::sync::Arc::new(std::io::ErrorKind::NotFound.into())), true),
            (RequestError::Api(ApiError::BotBlocked), false),
            (unknown("Bad Request: chat not found"), false),
        ] {
            assert_eq!(is_about_the_picture(&error), expected, "{error}");
        }
    }
}
