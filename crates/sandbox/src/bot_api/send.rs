//! `sendMessage`, and what all sending methods share.
//!
//! In: calls. Out: messages in the world, and their JSON. It must not take files.

use serde_json::Value;

use super::params::Params;
use super::reply::{Answer, ApiError};
use super::{Call, json, markup};
use crate::world::{ChatRef, Extra, NewMessage, Refused};

/// `sendMessage`.
pub(super) fn message(call: &Call) -> Answer {
    let chat = call.chat_to_write()?;
    let text = call.message_text("message is too long")?;
    let new = NewMessage { text: text.text, entities: text.entities, ..call.new_message(chat)? };
    call.deliver(chat, new)
}

impl Call {
    /// A message with everything that does not depend on its kind.
    pub(super) fn new_message(&self, chat: ChatRef) -> Result<NewMessage, ApiError> {
        let params = &self.params;
        // Understood, without an effect that anybody could see here.
        params.ignore(&["message_effect_id", "allow_paid_broadcast", "business_connection_id", "parse_mode"]);
        let preview: Option<Value> = params.json("link_preview_options")?;
        let no_preview = preview.is_some_and(|options| options["is_disabled"] == true) || params.flag("disable_web_page_preview");
        let (buttons, keyboard) = match self.is_broadcast(chat) {
            true => (markup::buttons(params)?, None),
            false => markup::read(params, matches!(chat, ChatRef::Private { .. }))?,
        };
        Ok(NewMessage {
            author: self.bot,
            buttons,
            reply_to: self.reply_to(chat)?,
            silent: params.flag("disable_notification"),
            protected: params.flag("protect_content"),
            caption_above: params.flag("show_caption_above_media"),
            spoiler: params.flag("has_spoiler"),
            no_preview,
            extra: Extra { keyboard, thread: self.thread(chat)?, ..Extra::default() },
            ..NewMessage::default()
        })
    }

    /// Puts a message into a chat, if the rate allows, and gives its JSON.
    pub(super) fn deliver(&self, chat: ChatRef, new: NewMessage) -> Answer {
        self.take_rate(chat)?;
        self.world().change(|state| {
            let message = state.post(chat, new).map_err(not_done)?;
            Ok(json::message(state, self.bot, &message))
        })
    }

    /// A channel in which readers do not write.
    fn is_broadcast(&self, chat: ChatRef) -> bool {
        match chat {
            ChatRef::Private { .. } => false,
            ChatRef::Channel(id) => self.world().read(|state| state.channels.get(&id).is_some_and(|channel| !channel.megagroup)),
        }
    }

    fn reply_to(&self, chat: ChatRef) -> Result<Option<i32>, ApiError> {
        let (id, may_be_gone) = match self.params.json::<Value>("reply_parameters")? {
            Some(reply) => {
                if reply.get("chat_id").is_some_and(|other| other.as_i64() != Some(chat.bot_api_id())) {
                    return Err(ApiError::bad_request("replies to another chat are not served by this loopback Telegram"));
                }
                (reply["message_id"].as_i64(), reply["allow_sending_without_reply"] == true)
            }
            None => (self.params.number::<i64>("reply_to_message_id"), self.params.flag("allow_sending_without_reply")),
        };
        let Some(id) = id.filter(|id| *id != 0).map(|id| i32::try_from(id).unwrap_or(-1)) else {
            return Ok(None);
        };
        match self.world().read(|state| state.message(chat, id).is_some()) {
            true => Ok(Some(id)),
            false if may_be_gone => Ok(None),
            false => Err(ApiError::bad_request("message to be replied not found")),
        }
    }
}

impl Params {
    /// The message that the call is about.
    pub(super) fn message_id(&self) -> Result<i32, ApiError> {
        self.number("message_id").filter(|id| *id > 0).ok_or_else(|| ApiError::bad_request("message identifier is not specified"))
    }
}

/// What the world does not do, in the words of the Bot API.
pub(super) fn not_done(refused: Refused) -> ApiError {
    match refused {
        Refused::NoChat => ApiError::bad_request("chat not found"),
        Refused::NoMessage => ApiError::bad_request("message to edit not found"),
        Refused::NotModified => ApiError::bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup \
             of the message",
        ),
    }
}
