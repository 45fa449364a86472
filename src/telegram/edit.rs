//! Editing a message of ours, whether its text stands alone or under a picture.
//!
//! In: a message, HTML, a keyboard. Out: what became of the edit. Must not: wait or repeat.
//!
//! A card with a picture is a photo with a caption, and the Bot API edits captions by another method than texts. Which of the two a
//! stored message is need not be stored as well: Telegram says so when the wrong method is used, and it is asked once a message.

use teloxide::payloads::{EditMessageCaptionSetters, EditMessageTextSetters};
use teloxide::requests::Requester;
use teloxide::types::{InlineKeyboardMarkup, LinkPreviewOptions, ParseMode};
use teloxide::{ApiError, Bot, RequestError};

use crate::model::{ChatId, MessageId};

/// Where the words of a message stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// A text message.
    #[default]
    Text,
    /// Under a picture.
    Caption,
}

/// What became of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited {
    /// The message shows the words now, or did already.
    Shown,
    /// The message is gone or can't be edited any more.
    Gone,
}

/// No preview of the first link in a text: the card has its own picture.
pub fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions { is_disabled: true, url: None, prefer_small_media: false, prefer_large_media: false, show_above_text: false }
}

/// Edits a message. `body` is a guess on the way in and known on the way out. Without a keyboard the message loses the one it has.
pub async fn edit(
    bot: &Bot,
    (chat, message): (ChatId, MessageId),
    body: &mut Body,
    html: &str,
    keyboard: Option<InlineKeyboardMarkup>,
) -> Result<Edited, RequestError> {
    let first = edit_as(bot, (chat, message), *body, html, keyboard.clone()).await;
    let Some(other) = first.as_ref().err().and_then(other_body) else { return judge(first) };
    *body = other;
    judge(edit_as(bot, (chat, message), other, html, keyboard).await)
}

async fn edit_as(
    bot: &Bot,
    (chat, message): (ChatId, MessageId),
    body: Body,
    html: &str,
    keyboard: Option<InlineKeyboardMarkup>,
) -> Result<(), RequestError> {
    let (chat, message) = (teloxide::types::ChatId(chat.0), teloxide::types::MessageId(message.0));
    match body {
        Body::Text => {
            let mut call = bot.edit_message_text(chat, message, html).parse_mode(ParseMode::Html).link_preview_options(no_preview());
            call.reply_markup = keyboard;
            call.await.map(drop)
        }
        Body::Caption => {
            let mut call = bot.edit_message_caption(chat, message).caption(html).parse_mode(ParseMode::Html);
            call.reply_markup = keyboard;
            call.await.map(drop)
        }
    }
}

/// The other kind of message, if that is what the error says.
fn other_body(error: &RequestError) -> Option<Body> {
    let RequestError::Api(ApiError::Unknown(text)) = error else { return None };
    match text {
        text if text.contains("there is no text in the message to edit") => Some(Body::Caption),
        text if text.contains("there is no caption in the message to edit") => Some(Body::Text),
        _ => None,
    }
}

fn judge(answer: Result<(), RequestError>) -> Result<Edited, RequestError> {
    match answer {
        Ok(()) | Err(RequestError::Api(ApiError::MessageNotModified)) => Ok(Edited::Shown),
        Err(RequestError::Api(ApiError::MessageToEditNotFound | ApiError::MessageIdInvalid | ApiError::MessageCantBeEdited)) => {
            Ok(Edited::Gone)
        }
        // The exact words of these two have varied between versions of the server.
        Err(RequestError::Api(ApiError::Unknown(text))) if text.contains("message is not modified") => Ok(Edited::Shown),
        Err(RequestError::Api(ApiError::Unknown(text))) if text.contains("message to edit not found") => Ok(Edited::Gone),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(text: &str) -> RequestError {
        RequestError::Api(ApiError::Unknown(text.into()))
    }

    #[test]
    fn telegram_says_which_kind_a_message_is() {
        assert_eq!(other_body(&unknown("Bad Request: there is no text in the message to edit")), Some(Body::Caption));
        assert_eq!(other_body(&unknown("Bad Request: there is no caption in the message to edit")), Some(Body::Text));
        assert_eq!(other_body(&RequestError::Api(ApiError::MessageNotModified)), None);
    }

    #[test]
    fn the_same_text_is_success_and_a_lost_message_is_no_error() {
        assert_eq!(judge(Ok(())).unwrap(), Edited::Shown);
        assert_eq!(judge(Err(RequestError::Api(ApiError::MessageNotModified))).unwrap(), Edited::Shown);
        assert_eq!(judge(Err(unknown("Bad Request: message is not modified"))).unwrap(), Edited::Shown);
        assert_eq!(judge(Err(RequestError::Api(ApiError::MessageToEditNotFound))).unwrap(), Edited::Gone);
        assert!(judge(Err(RequestError::Api(ApiError::BotBlocked))).is_err());
    }
}
