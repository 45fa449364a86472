//! A file whose sending was never answered: is it in the chat?
//!
//! In: the chat, the message after which it would stand, the messages that are known to be something else, its caption. Out: the message, if
//! it is there. Must not: change anything, or send.
//!
//! The Bot API has no way to ask for a message. But an edit of a caption to what it is already is refused with "message is not modified",
//! only where a message of this bot with that very caption stands; elsewhere it says that there is no such message, or no caption.

use teloxide::payloads::EditMessageCaptionSetters;
use teloxide::requests::Requester;
use teloxide::types::ParseMode;
use teloxide::{ApiError, Bot, RequestError};

use crate::model::{ChatId, Failure, MessageId};
use crate::telegram::bot::failure_from;

/// How many numbers behind the given message are looked at. In private chats the numbers of a bot's messages are shared by all of them, so
/// the gap to the file can be wider than what happened in this chat; what is missed here is sent again.
const SPAN: i32 = 40;

/// Looks for it.
pub async fn find_in_doubt(
    bot: &Bot,
    chat: ChatId,
    after: MessageId,
    known: &[MessageId],
    caption: &str,
) -> Result<Option<MessageId>, Failure> {
    let candidates = (after.0 + 1..=after.0.saturating_add(SPAN)).map(MessageId).filter(|message| !known.contains(message));
    for message in candidates {
        let (chat, id) = (teloxide::types::ChatId(chat.0), teloxide::types::MessageId(message.0));
        let mut call = bot.edit_message_caption(chat, id).parse_mode(ParseMode::Html);
        call.caption = Some(caption.to_owned());
        match call.await {
            Err(RequestError::Api(ApiError::MessageNotModified)) => return Ok(Some(message)),
            Err(RequestError::Api(ApiError::Unknown(text))) if text.contains("message is not modified") => return Ok(Some(message)),
            Err(RequestError::Api(ApiError::BotBlocked)) => return Err(failure_from(RequestError::Api(ApiError::BotBlocked))),
            Err(RequestError::Api(_)) => {}
            Ok(_) => tracing::warn!(chat = %chat, message = id.0, "a message that was not known had another caption"),
            Err(error) => return Err(failure_from(error)),
        }
    }
    Ok(None)
}
