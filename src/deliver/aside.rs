//! What belongs beside a delivered file: its subtitles as a file of their own, or a word that they are missing.
//!
//! In: a job, the message with its file. Out: a message that answers it. Must not: repeat the sending of a file by itself (its answer may be lost, its effect not).

use std::path::Path;

use teloxide::Bot;
use teloxide::payloads::SendDocumentSetters;
use teloxide::requests::Requester;
use teloxide::types::{ChatId, InputFile, ParseMode};

use super::card::{reply_to, send_reply};
use super::render::title_of;
use crate::i18n::format::{cut, escape};
use crate::i18n::{Texts, language_name};
use crate::model::{Failure, Job, MessageId};
use crate::telegram::bot::failure_from;

/// Longest title in a caption, in UTF-16 units.
const TITLE_UNITS: usize = 200;

/// The words under the file.
pub fn caption(job: &Job, language: &str) -> String {
    let title = title_of(job);
    let arguments = [("language", language_name(language).into()), ("title", cut(&title, TITLE_UNITS).into_owned().into())];
    Texts::new(&job.language).with("subtitles-file", &arguments)
}

/// Sends the file.
pub async fn send_file(bot: &Bot, job: &Job, answers: MessageId, path: &Path, name: &str, caption: &str) -> Result<MessageId, Failure> {
    let file = InputFile::file(path).file_name(name.to_owned());
    let mut call = bot.send_document(ChatId(job.chat.0), file).caption(caption).parse_mode(ParseMode::Html);
    call.reply_parameters = reply_to(Some(answers));
    // A file of text is no video to Telegram, whatever it makes of others.
    call = call.disable_content_type_detection(true);
    let message = call.await.map_err(failure_from)?;
    Ok(MessageId(message.id.0))
}

/// Says that there are none.
pub async fn say_missing(bot: &Bot, job: &Job, answers: MessageId, language: &str) -> Result<(), Failure> {
    let html = Texts::new(&job.language).with("subtitles-missing", &[("language", escape(&language_name(language)).into_owned().into())]);
    send_reply(bot, job, Some(answers), &html, None).await.map_err(failure_from).map(drop)
}
