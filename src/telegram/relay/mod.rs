//! The relay: a private channel of the user account, with the bot as administrator, that large files go through. Where the bot sends by
//! itself and there is none, the person's chat stands in its place.
//!
//! In: a logged-in account, the bot's name. Out: the channel, made, taken over, checked or mended. Must not: upload, or copy messages on.

mod address;
mod album;
mod channel;
mod messages;
mod person;
mod words;

use grammers_tl_types as tl;

use super::account::UserAccount;
use super::bot::BotIdentity;
use super::session::StoredRelay;
use crate::model::{ChatId, Failure, MessageId, Reason};

pub use address::RelayAddress;
pub use album::{RelayFile, files_of, find_album};
pub use messages::{delete_message, find_message_by_marker};
pub use person::{Recipient, person};

use channel::Standing;

/// Where an account sends files to: the relay channel, or the chat of a person with the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayRef {
    /// As the Bot API numbers it: `-100…`, or the person's number.
    pub channel: ChatId,
    /// Bare number.
    pub id: i64,
    /// Proof that the account has met it.
    pub access_hash: i64,
    /// Set for a person's chat.
    pub direct: Option<Direct>,
}

/// How a file is sent straight to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direct {
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// An older message of the chat: a lost answer is looked for behind it.
    pub after: Option<MessageId>,
}

/// How the relay of an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayState {
    /// The account may post in it and the bot is an administrator.
    Ready,
    /// None was made yet.
    Missing,
    /// It was deleted, or the account was removed from it.
    Gone,
    /// The account may not post in it.
    NotWritable,
    /// The bot is not an administrator of it.
    BotNotAdmin,
}

/// What [`ensure`] and [`adopt`] had to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// A channel was created.
    pub created: bool,
    /// The bot was made an administrator.
    pub promoted: bool,
}

/// The channel that this account uses, if it has one.
pub fn stored(account: &UserAccount) -> Result<Option<RelayRef>, Failure> {
    Ok(account.session().relay().map_err(Failure::internal)?.map(|relay| RelayRef::from(&relay)))
}

/// Looks how the relay is, and changes nothing.
pub async fn check(account: &UserAccount, bot: &BotIdentity) -> Result<RelayState, Failure> {
    let Some(relay) = stored(account)? else { return Ok(RelayState::Missing) };
    Ok(match channel::standing(account, &relay).await? {
        Standing::Gone => RelayState::Gone,
        Standing::Reader => RelayState::NotWritable,
        Standing::Writer if channel::bot_is_admin(account, &relay, bot).await? => RelayState::Ready,
        Standing::Writer => RelayState::BotNotAdmin,
    })
}

/// Makes the relay ready: creates the channel if there is none that can be used, and makes the bot an administrator if it is not.
pub async fn ensure(account: &UserAccount, bot: &BotIdentity, title: &str) -> Result<(RelayRef, Mended), Failure> {
    let mut mended = Mended::default();
    let relay = match (check(account, bot).await?, stored(account)?) {
        (RelayState::Ready, Some(relay)) => return Ok((relay, mended)),
        (RelayState::BotNotAdmin, Some(relay)) => relay,
        _ => {
            mended.created = true;
            let created = channel::create(account, title).await?;
            account.session().set_relay(Some(&created)).map_err(Failure::internal)?;
            RelayRef::from(&created)
        }
    };
    channel::promote(account, &relay, bot).await?;
    mended.promoted = true;
    Ok((relay, mended))
}

/// Takes an existing channel as the relay and mends what is missing. The account must be its owner or may post in it.
pub async fn adopt(account: &UserAccount, bot: &BotIdentity, address: &RelayAddress) -> Result<(RelayRef, Mended), Failure> {
    let found = address::find(account, address).await?;
    let relay = RelayRef::from(&found);
    if channel::standing(account, &relay).await? != Standing::Writer {
        let cause = anyhow::anyhow!("the account may not post in the channel {:?}; make it an administrator first", found.title);
        return Err(Failure::new(Reason::RelayGone, cause));
    }
    let mut mended = Mended::default();
    if !channel::bot_is_admin(account, &relay, bot).await? {
        channel::promote(account, &relay, bot).await?;
        mended.promoted = true;
    }
    account.session().set_relay(Some(&found)).map_err(Failure::internal)?;
    Ok((relay, mended))
}

/// The channel with this bare number as a relay for the bot's own session, if the bot may post there; remembered in the session.
pub async fn open_to_bot(account: &UserAccount, id: i64) -> Result<Option<RelayRef>, Failure> {
    let Some(found) = channel::open_to_bot(account, id).await? else { return Ok(None) };
    account.session().set_relay(Some(&found)).map_err(Failure::internal)?;
    Ok(Some(RelayRef::from(&found)))
}

impl From<&StoredRelay> for RelayRef {
    fn from(stored: &StoredRelay) -> Self {
        Self { channel: bot_api_id(stored.id), id: stored.id, access_hash: stored.access_hash, direct: None }
    }
}

impl RelayRef {
    /// The message that brings a file there. `words` is the marker for a channel, and the caption in HTML for a person.
    pub(crate) fn send_media(&self, media: tl::enums::InputMedia, random_id: i64, words: &str) -> tl::functions::messages::SendMedia {
        let (message, entities) = self.words(words);
        let reply_to = self.direct.and_then(|direct| direct.reply_to).map(|message| {
            let reply = tl::types::InputReplyToMessage {
                reply_to_msg_id: message.0,
                top_msg_id: None,
                reply_to_peer_id: None,
                quote_text: None,
                quote_entities: None,
                quote_offset: None,
                monoforum_peer_id: None,
                todo_item_id: None,
                poll_option: None,
            };
            reply.into()
        });
        tl::functions::messages::SendMedia {
            silent: self.direct.is_none(),
            background: false,
            clear_draft: false,
            noforwards: false,
            update_stickersets_order: false,
            invert_media: false,
            allow_paid_floodskip: false,
            peer: self.input_peer(),
            reply_to,
            media,
            message,
            random_id,
            reply_markup: None,
            entities: (!entities.is_empty()).then_some(entities),
            schedule_date: None,
            schedule_repeat_period: None,
            send_as: None,
            quick_reply_shortcut: None,
            effect: None,
            allow_paid_stars: None,
            suggested_post: None,
        }
    }

    /// A marker as it is; a caption read from HTML.
    fn words(&self, words: &str) -> (String, Vec<tl::enums::MessageEntity>) {
        if self.direct.is_some() { words::read(words) } else { (words.to_owned(), Vec::new()) }
    }

    fn input_peer(&self) -> tl::enums::InputPeer {
        match self.direct {
            Some(_) => tl::types::InputPeerUser { user_id: self.id, access_hash: self.access_hash }.into(),
            None => tl::types::InputPeerChannel { channel_id: self.id, access_hash: self.access_hash }.into(),
        }
    }

    fn input_channel(&self) -> tl::enums::InputChannel {
        tl::types::InputChannel { channel_id: self.id, access_hash: self.access_hash }.into()
    }
}

impl RelayState {
    /// What it means, in words for the command line.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Missing => "not created yet",
            Self::Gone => "the channel is gone",
            Self::NotWritable => "the account may not post in it",
            Self::BotNotAdmin => "the bot is not an administrator",
        }
    }
}

/// `-100` in front of the bare number, in decimal: <https://core.telegram.org/api/bots/ids>.
fn bot_api_id(bare: i64) -> ChatId {
    ChatId(-1_000_000_000_000 - bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bot_api_numbers_channels_in_its_own_way() {
        assert_eq!(bot_api_id(1_234_567_890), ChatId(-1_001_234_567_890));
        assert_eq!(bot_api_id(5), ChatId(-1_000_000_000_005));
    }
}
