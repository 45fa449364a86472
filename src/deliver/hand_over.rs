//! From the relay channel into the chat of whoever asked.
//!
//! In: a message in the relay. Out: its copy in the chat; or, if an answer was lost, the file that is there already. Must not: send bytes,
//! repeat a copy by itself (its answer may be lost, its effect not), or touch the cache.

use teloxide::payloads::{CopyMessageSetters, EditMessageCaptionSetters};
use teloxide::requests::Requester;
use teloxide::types::{ChatAction, ParseMode};
use teloxide::{ApiError, Bot, RequestError};

use super::card::reply_to;
use crate::model::{ChatId, Failure, MessageId, Reason, RelayMessage};
use crate::telegram::bot::failure_from;
use crate::telegram::patience::{Patience, patiently};

/// How many message numbers behind the last known one are looked at. In private chats all chats of a bot share one count, so that others'
/// messages lie between.
const LOOK_AHEAD: i32 = 40;

/// Copies a message of the relay into a chat, with `caption` as HTML in place of the one it has there.
/// Fails with [`Reason::RelayMessageGone`] or [`Reason::RelayGone`] if the copy must be uploaded again, [`Reason::ChatUnreachable`] if the
/// person can't be reached, [`Reason::FloodWait`] with the pause that Telegram asks for.
pub async fn copy_from_relay(
    bot: &Bot,
    chat: ChatId,
    reply: Option<MessageId>,
    relay: RelayMessage,
    caption: Option<&str>,
) -> Result<MessageId, Failure> {
    let (to, from) = (teloxide::types::ChatId(chat.0), teloxide::types::ChatId(relay.channel.0));
    let mut call = bot.copy_message(to, from, teloxide::types::MessageId(relay.message.0)).parse_mode(ParseMode::Html);
    call.caption = caption.map(str::to_owned);
    call.reply_parameters = reply_to(reply);
    match call.await {
        Ok(message) => Ok(MessageId(message.0)),
        Err(error) => Err(failed_copy(bot, to, error).await),
    }
}

/// Copies an album of the relay, whose messages are all in one channel and have their captions already; says the copies in the same order. An album
/// can't answer a message. Fails as [`copy_from_relay`] does; if a part of it is gone, nothing of it stays in the chat.
pub async fn copy_album(bot: &Bot, chat: ChatId, album: &[RelayMessage]) -> Result<Vec<MessageId>, Failure> {
    let Some(first) = album.first() else { return Ok(Vec::new()) };
    let (to, from) = (teloxide::types::ChatId(chat.0), teloxide::types::ChatId(first.channel.0));
    let numbers = album.iter().map(|message| teloxide::types::MessageId(message.message.0));
    let copies = match bot.copy_messages(to, from, numbers).await {
        Ok(copies) => copies,
        Err(error) => return Err(failed_copy(bot, to, error).await),
    };
    if copies.len() == album.len() {
        return Ok(copies.into_iter().map(|copy| MessageId(copy.0)).collect());
    }
    // Messages that are not found are left out without a word: https://core.telegram.org/bots/api#copymessages
    let cause = anyhow::anyhow!("only {} of {} messages of the album are left", copies.len(), album.len());
    patiently(Patience::LONG, || bot.delete_messages(to, copies.clone()).into_future()).await.map_err(failure_from)?;
    Err(Failure::new(Reason::RelayMessageGone, cause))
}

async fn failed_copy(bot: &Bot, to: teloxide::types::ChatId, error: RequestError) -> Failure {
    match blame(&error) {
        Blame::Known(reason) => Failure::new(reason, error),
        // The error does not say which of the two chats it means, so the person's is asked for by a call that leaves no trace.
        Blame::OneOfThem => match bot.send_chat_action(to, ChatAction::UploadVideo).await {
            Ok(_) => Failure::new(Reason::RelayGone, error),
            Err(asked) => {
                let closed = failure_from(asked).reason == Reason::ChatUnreachable;
                Failure::new(if closed { Reason::ChatUnreachable } else { Reason::Telegram }, error)
            }
        },
        Blame::Other => failure_from(error),
    }
}

/// Looks behind `after` for a file that was sent with this very caption, though the answer never came. A bot can't read a chat, but an edit of
/// a caption to what it is already is refused with "message is not modified", and only where the file is. `known` are messages that are
/// something else. `None` without a caption, as there is nothing to know the file by.
pub async fn find_in_doubt(
    bot: &Bot,
    chat: ChatId,
    after: MessageId,
    known: &[MessageId],
    caption: &str,
) -> Result<Option<MessageId>, Failure> {
    if caption.is_empty() {
        return Ok(None);
    }
    let candidates = (1..=LOOK_AHEAD).map(|step| MessageId(after.0.saturating_add(step))).filter(|message| !known.contains(message));
    for message in candidates {
        let (chat, number) = (teloxide::types::ChatId(chat.0), teloxide::types::MessageId(message.0));
        let edited =
            patiently(Patience::LONG, || bot.edit_message_caption(chat, number).caption(caption).parse_mode(ParseMode::Html).into_future())
                .await;
        match read_trace(edited.map(drop))? {
            Trace::Here => return Ok(Some(message)),
            Trace::Elsewhere => {}
        }
    }
    Ok(None)
}

/// What an edit that should change nothing says about a message.
#[derive(Debug, PartialEq, Eq)]
enum Trace {
    Here,
    Elsewhere,
}

fn read_trace(edited: Result<(), RequestError>) -> Result<Trace, Failure> {
    let error = match edited {
        Ok(()) => {
            tracing::warn!("a caption was changed while looking for a lost answer: a file of ours that the store does not know");
            return Ok(Trace::Elsewhere);
        }
        Err(error) => error,
    };
    match &error {
        RequestError::Api(ApiError::MessageNotModified) => Ok(Trace::Here),
        RequestError::Api(ApiError::Unknown(text)) if text.contains("message is not modified") => Ok(Trace::Here),
        RequestError::Api(ApiError::MessageToEditNotFound | ApiError::MessageCantBeEdited | ApiError::MessageIdInvalid) => {
            Ok(Trace::Elsewhere)
        }
        // Not found, somebody else's, a text: each has words of its own, and all mean that the file is not here.
        RequestError::Api(ApiError::Unknown(text)) if text.starts_with("Bad Request: ") && text.contains("message") => Ok(Trace::Elsewhere),
        _ => Err(failure_from(error)),
    }
}

/// Whose fault a failed copy is.
#[derive(Debug, PartialEq, Eq)]
enum Blame {
    Known(Reason),
    OneOfThem,
    Other,
}

fn blame(error: &RequestError) -> Blame {
    let RequestError::Api(error) = error else { return Blame::Other };
    match error {
        ApiError::MessageToCopyNotFound | ApiError::MessageIdInvalid => Blame::Known(Reason::RelayMessageGone),
        ApiError::ChatNotFound | ApiError::BotKickedFromChannel | ApiError::BotKicked => Blame::OneOfThem,
        ApiError::Unknown(text) if ["CHANNEL_PRIVATE", "CHANNEL_INVALID"].iter().any(|word| text.contains(word)) => {
            Blame::Known(Reason::RelayGone)
        }
        ApiError::Unknown(text)
            if text.contains("message to copy not found")
                || text.contains("there are no messages to copy")
                || text.contains("MESSAGE_ID_INVALID") =>
        {
            Blame::Known(Reason::RelayMessageGone)
        }
        ApiError::Unknown(text) if text.contains("not a member of the channel") || text.contains("need administrator rights") => {
            Blame::OneOfThem
        }
        _ => Blame::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_edit_that_would_change_nothing_is_a_trace() {
        let unknown = |text: &str| Err(RequestError::Api(ApiError::Unknown(text.into())));
        assert_eq!(read_trace(Err(RequestError::Api(ApiError::MessageNotModified))).unwrap(), Trace::Here);
        for elsewhere in [
            Ok(()),
            Err(RequestError::Api(ApiError::MessageToEditNotFound)),
            unknown("Bad Request: there is no caption in the message to edit"),
            unknown("Bad Request: message can't be edited"),
        ] {
            assert_eq!(read_trace(elsewhere).unwrap(), Trace::Elsewhere);
        }
        assert_eq!(read_trace(Err(RequestError::Api(ApiError::BotBlocked))).unwrap_err().reason, Reason::ChatUnreachable);
        assert_eq!(read_trace(unknown("Bad Gateway")).unwrap_err().reason, Reason::Telegram);
    }

    #[test]
    fn the_relay_and_the_person_are_told_apart() {
        let unknown = |text: &str| RequestError::Api(ApiError::Unknown(text.into()));
        for (error, expected) in [
            (RequestError::Api(ApiError::MessageToCopyNotFound), Blame::Known(Reason::RelayMessageGone)),
            (unknown("Bad Request: MESSAGE_ID_INVALID in channel"), Blame::Known(Reason::RelayMessageGone)),
            (unknown("Bad Request: CHANNEL_PRIVATE"), Blame::Known(Reason::RelayGone)),
            (RequestError::Api(ApiError::ChatNotFound), Blame::OneOfThem),
            (unknown("Forbidden: bot is not a member of the channel chat"), Blame::OneOfThem),
            (RequestError::Api(ApiError::BotBlocked), Blame::Other),
            (RequestError::RetryAfter(teloxide::types::Seconds::from_seconds(3)), Blame::Other),
        ] {
            assert_eq!(blame(&error), expected, "{error}");
        }
    }
}
