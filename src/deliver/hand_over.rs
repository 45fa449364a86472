//! From the relay channel into the chat of whoever asked.
//!
//! In: a message in the relay. Out: its copy in the chat. Must not: send bytes, repeat the call (its answer may be lost, its effect not),
//! or touch the cache.

use teloxide::payloads::CopyMessageSetters;
use teloxide::requests::Requester;
use teloxide::types::{ChatAction, ParseMode};
use teloxide::{ApiError, Bot, RequestError};

use super::card::reply_to;
use crate::model::{ChatId, Failure, MessageId, Reason, RelayMessage};
use crate::telegram::bot::failure_from;

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
        Err(error) => Err(match blame(&error) {
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
        }),
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
        ApiError::Unknown(text) if text.contains("message to copy not found") || text.contains("MESSAGE_ID_INVALID") => {
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
