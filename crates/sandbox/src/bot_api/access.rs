//! Which chat a call means, and whether the bot may do there what it wants.
//!
//! In: `chat_id` and the world. Out: the chat, or the refusal that real Telegram gives. It must not change the world.

use tokio::time::Instant;

use super::Call;
use super::reply::ApiError;
use crate::world::chats::channel_of_bot_api_id;
use crate::world::{AdminRights, Channel, ChatRef, Peer, State};

impl Call {
    /// The chat that `name` (usually `chat_id`) means, if the bot may know of it.
    pub(super) fn chat(&self, name: &str) -> Result<ChatRef, ApiError> {
        let text = self.params.text(name).ok_or_else(|| ApiError::bad_request(format!("{name} is empty")))?;
        self.chat_named(text)
    }

    /// The chat of this id or name, if the bot may know of it.
    pub(super) fn chat_named(&self, text: &str) -> Result<ChatRef, ApiError> {
        self.world().read(|state| find(state, self.bot, text.trim()))
    }

    /// The chat that `chat_id` means, if the bot may write there, and not too fast.
    pub(super) fn chat_to_write(&self) -> Result<ChatRef, ApiError> {
        let chat = self.chat("chat_id")?;
        self.world().read(|state| may_write(state, self.bot, chat))?;
        Ok(chat)
    }

    /// Counts a message or an edit in a chat; refuses who is too fast.
    pub(super) fn take_rate(&self, chat: ChatRef) -> Result<(), ApiError> {
        let is_group = match chat {
            ChatRef::Private { .. } => false,
            ChatRef::Channel(id) => self.world().read(|state| state.channels.get(&id).is_some_and(|channel| channel.megagroup)),
        };
        self.face.rates.take(self.bot, chat, is_group, Instant::now()).map_err(ApiError::too_many_requests)
    }
}

fn find(state: &State, bot: i64, text: &str) -> Result<ChatRef, ApiError> {
    let not_found = || ApiError::bad_request("chat not found");
    if text.starts_with('@') {
        return match state.resolve_username(text) {
            Some(Peer::Channel(id)) => Ok(ChatRef::Channel(id)),
            // People cannot be written to by name.
            _ => Err(not_found()),
        };
    }
    let id: i64 = text.parse().map_err(|_| not_found())?;
    if let Some(channel) = channel_of_bot_api_id(id) {
        let found = state.channels.get(&channel).filter(|found| !found.deleted).ok_or_else(not_found)?;
        if let Some(upgraded) = found.upgraded_to {
            return Err(ApiError::upgraded(ChatRef::Channel(upgraded).bot_api_id()));
        }
        if found.banned.contains(&bot) {
            return Err(ApiError::forbidden(format!("bot was kicked from the {} chat", found.kind_name())));
        }
        if !found.members.contains(&bot) && found.username.is_none() {
            // A private channel that the bot never saw does not exist for it.
            return Err(not_found());
        }
        return Ok(ChatRef::Channel(channel));
    }
    state.users.get(id).map(|user| ChatRef::Private { bot, user: user.id }).ok_or_else(not_found)
}

/// May the bot send to, or edit in, this chat?
pub(super) fn may_write(state: &State, bot: i64, chat: ChatRef) -> Result<(), ApiError> {
    match chat {
        ChatRef::Private { user, .. } => {
            if state.users.get(user).is_some_and(|user| user.is_bot) {
                return Err(ApiError::forbidden("bots can't send messages to bots"));
            }
            let known = state.private_chats.get(&(bot, user));
            if known.is_some_and(|chat| chat.blocked) {
                return Err(ApiError::forbidden("bot was blocked by the user"));
            }
            if !known.is_some_and(|chat| chat.started) {
                return Err(ApiError::forbidden("bot can't initiate conversation with a user"));
            }
            Ok(())
        }
        ChatRef::Channel(id) => {
            let channel = state.channels.get(&id).ok_or_else(|| ApiError::bad_request("chat not found"))?;
            if !channel.is_member(bot) {
                return Err(not_a_member(state, id));
            }
            if !channel.megagroup && !channel.rights_of(bot).is_some_and(|rights| rights.post_messages) {
                return Err(ApiError::bad_request("need administrator rights in the channel chat"));
            }
            Ok(())
        }
    }
}

/// May the bot read this chat?
pub(super) fn may_read(state: &State, bot: i64, chat: ChatRef) -> Result<(), ApiError> {
    match chat {
        ChatRef::Private { .. } => Ok(()),
        ChatRef::Channel(id) => match state.channels.get(&id) {
            Some(channel) if channel.is_member(bot) || channel.username.is_some() => Ok(()),
            Some(_) => Err(not_a_member(state, id)),
            None => Err(ApiError::bad_request("chat not found")),
        },
    }
}

/// The bot's rights in a channel or a group; none if it is no admin there.
pub(super) fn rights_in(state: &State, channel: i64, bot: i64) -> AdminRights {
    state.channels.get(&channel).and_then(|channel| channel.rights_of(bot)).unwrap_or_default()
}

pub(super) fn not_a_member(state: &State, channel: i64) -> ApiError {
    let kind = state.channels.get(&channel).map_or("channel", Channel::kind_name);
    ApiError::forbidden(format!("bot is not a member of the {kind} chat"))
}
