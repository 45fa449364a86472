//! A file straight into a chat by the bot: multipart from disk, or once more by its `file_id`.
//!
//! In: a bot, a chat, a file. Out: the message and the `file_id` for later. Must not: hold the file in memory, or retry.
//! The answer comes when Telegram has the file; bytes counted here were handed to the connection, which is close to it but not the same.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use teloxide::payloads::{SendAudioSetters, SendDocumentSetters, SendPhotoSetters, SendVideoSetters};
use teloxide::prelude::*;
use teloxide::types::{FileId, InputFile, Message, ParseMode, ReplyParameters};
use teloxide::{ApiError, RequestError};
use tokio::fs::File;
use tokio::io::{AsyncRead, BufReader, ReadBuf};
use tokio_util::sync::CancellationToken;

use crate::config::UploadConfig;
use crate::model::{ChatId, Failure, MediaKind, MessageId, Prepared, ProgressSender, Reason, Step, Uploaded};
use crate::telegram::bot;

/// Time that a request may take beside its bytes: connecting, and Telegram's own work on the file.
const BASE_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes read from disk at once.
const READ_BYTES: usize = 256 * 1024;

/// Uploads a file into a chat. `caption` is HTML. `bot` must have no total time-out of its own; the one here grows with the size.
/// The `file_id` is empty if Telegram does not say it; there is nothing to keep for later then.
/// Errors: `Cancelled`, `FloodWait`, `ChatUnreachable`, `Telegram`, `Internal` if the file can't be read.
#[allow(clippy::too_many_arguments)]
pub async fn send(
    bot: &Bot,
    chat: ChatId,
    reply_to: Option<MessageId>,
    file: &Prepared,
    caption: Option<&str>,
    config: &UploadConfig,
    progress: &ProgressSender,
    cancel: &CancellationToken,
) -> Result<Uploaded, Failure> {
    let source = File::open(&file.path).await.map_err(Failure::internal)?;
    progress.report(Step::Uploading, 0, Some(file.size_bytes));
    let counting = Counting {
        source: BufReader::with_capacity(READ_BYTES, source),
        handed_over_bytes: 0,
        size_bytes: file.size_bytes,
        progress: progress.clone(),
    };
    let input = InputFile::read(counting).file_name(file.file_name.clone());
    let request = send_message(bot, chat, reply_to, file.kind, input, caption, Some(file));
    let limit = time_limit(file.size_bytes, config.min_bytes_per_second);
    let answer = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Failure::cancelled()),
        answer = tokio::time::timeout(limit, request) => answer,
    };
    let timed_out = |_| Failure::new(Reason::Telegram, anyhow::anyhow!("the upload took longer than {} s", limit.as_secs()));
    Ok(uploaded(&answer.map_err(timed_out)?.map_err(bot::failure_from)?))
}

/// Sends a file that the bot has sent before. `caption` is HTML.
/// Errors: `FloodWait`, `ChatUnreachable`, `Telegram`; `RelayMessageGone` if the `file_id` is not good any more: the file has to be uploaded again.
pub async fn send_by_file_id(
    bot: &Bot,
    chat: ChatId,
    reply_to: Option<MessageId>,
    kind: MediaKind,
    file_id: &str,
    caption: Option<&str>,
) -> Result<Uploaded, Failure> {
    let input = InputFile::file_id(FileId(file_id.to_owned()));
    let sent = send_message(bot, chat, reply_to, kind, input, caption, None).await;
    let failure = |error| {
        let gone = is_not_taken_any_more(&error);
        let failure = bot::failure_from(error);
        if gone { Failure { reason: Reason::RelayMessageGone, ..failure } } else { failure }
    };
    Ok(uploaded(&sent.map_err(failure)?))
}

/// True if it is the `file_id` that Telegram does not take: the bot was made anew, or the file is gone.
fn is_not_taken_any_more(error: &RequestError) -> bool {
    match error {
        RequestError::Api(ApiError::WrongFileId | ApiError::WrongFileIdOrUrl) => true,
        // The words of the Bot API's own server (telegram-bot-api, Client.cpp) that teloxide has no name for, and the errors of MTProto that it passes on.
        RequestError::Api(ApiError::Unknown(text)) => {
            let text = text.to_lowercase();
            ["wrong remote file identifier", "wrong file_id", "file_reference_", "file_id_invalid"].iter().any(|part| text.contains(part))
        }
        _ => false,
    }
}

/// `file` says how it is to be shown; a `file_id` knows that already.
async fn send_message(
    bot: &Bot,
    chat: ChatId,
    reply_to: Option<MessageId>,
    kind: MediaKind,
    input: InputFile,
    caption: Option<&str>,
    file: Option<&Prepared>,
) -> Result<Message, RequestError> {
    let chat = teloxide::types::ChatId(chat.0);
    let thumbnail = file.and_then(|file| file.thumbnail.clone()).map(InputFile::file);
    // The message with the link may be gone by now; that is no reason not to deliver.
    let reply = reply_to.map(|id| ReplyParameters::new(teloxide::types::MessageId(id.0)).allow_sending_without_reply());
    macro_rules! dressed {
        ($request:expr) => {{
            let mut request = $request;
            if let Some(caption) = caption {
                request = request.caption(caption).parse_mode(ParseMode::Html);
            }
            if let Some(reply) = reply {
                request = request.reply_parameters(reply);
            }
            request
        }};
    }
    match kind {
        MediaKind::Video => {
            let mut request = dressed!(bot.send_video(chat, input)).supports_streaming(true);
            if let Some(file) = file {
                request = request.duration(file.duration_s).width(file.width).height(file.height);
            }
            if let Some(thumbnail) = thumbnail {
                request = request.thumbnail(thumbnail);
            }
            request.await
        }
        MediaKind::Audio => {
            let mut request = dressed!(bot.send_audio(chat, input));
            if let Some(file) = file {
                request = request.duration(file.duration_s);
                if let Some(title) = &file.title {
                    request = request.title(title);
                }
                if let Some(performer) = &file.performer {
                    request = request.performer(performer);
                }
            }
            if let Some(thumbnail) = thumbnail {
                request = request.thumbnail(thumbnail);
            }
            request.await
        }
        MediaKind::Photo => dressed!(bot.send_photo(chat, input)).await,
        MediaKind::Document => {
            let mut request = dressed!(bot.send_document(chat, input));
            if let Some(thumbnail) = thumbnail {
                request = request.thumbnail(thumbnail);
            }
            request.await
        }
    }
}

/// Where the file is. The message is in the chat whatever the answer says, so an answer without a file is no failure: a repeat would send
/// the file twice. (teloxide 0.17 sees no video in an answer whose `mime_type` is missing, which the Bot API allows.)
fn uploaded(message: &Message) -> Uploaded {
    let file_id = message
        .video()
        .map(|video| &video.file.id)
        .or_else(|| message.audio().map(|audio| &audio.file.id))
        .or_else(|| message.animation().map(|animation| &animation.file.id))
        .or_else(|| message.document().map(|document| &document.file.id))
        .or_else(|| message.photo().and_then(|sizes| sizes.last()).map(|size| &size.file.id));
    if file_id.is_none() {
        tracing::warn!(message = message.id.0, "the Bot API did not say the file_id of what was sent");
    }
    Uploaded::InChat { message: MessageId(message.id.0), file_id: file_id.map(|id| id.0.clone()).unwrap_or_default() }
}

fn time_limit(size_bytes: u64, min_bytes_per_second: u64) -> Duration {
    BASE_TIMEOUT + Duration::from_secs(size_bytes / min_bytes_per_second.max(1))
}

/// Counts what goes by.
struct Counting {
    source: BufReader<File>,
    handed_over_bytes: u64,
    size_bytes: u64,
    progress: ProgressSender,
}

impl AsyncRead for Counting {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.source).poll_read(context, buffer);
        let read_bytes = (buffer.filled().len() - before) as u64;
        if read_bytes > 0 {
            self.handed_over_bytes += read_bytes;
            self.progress.report(Step::Uploading, self.handed_over_bytes, Some(self.size_bytes));
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_limit_grows_with_the_size() {
        for (size_bytes, per_second, expected_s) in [(0, 65_536, 60), (50 * 1024 * 1024, 65_536, 860), (2_000_000_000, 0, 2_000_000_060)] {
            assert_eq!(time_limit(size_bytes, per_second).as_secs(), expected_s);
        }
    }

    #[test]
    fn a_file_id_that_is_not_taken_is_told_from_other_refusals() {
        let unknown = |text: &str| ApiError::Unknown(text.to_owned());
        for (error, expected) in [
            (ApiError::WrongFileIdOrUrl, true),
            (unknown("Bad Request: wrong remote file identifier specified: Wrong string length"), true),
            (unknown("Bad Request: FILE_REFERENCE_EXPIRED"), true),
            (unknown("Bad Request: VIDEO_CONTENT_TYPE_INVALID"), false),
            (ApiError::BotBlocked, false),
        ] {
            let text = error.to_string();
            assert_eq!(is_not_taken_any_more(&RequestError::Api(error)), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn bytes_are_counted_as_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        tokio::fs::write(&path, vec![7; 1000]).await.unwrap();
        let (progress, seen) = ProgressSender::channel();
        let source = BufReader::with_capacity(READ_BYTES, File::open(&path).await.unwrap());
        let mut counting = Counting { source, handed_over_bytes: 0, size_bytes: 1000, progress };
        let mut bytes = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut counting, &mut bytes).await.unwrap();
        assert_eq!((bytes.len(), seen.borrow().done, seen.borrow().total), (1000, 1000, Some(1000)));
    }
}
