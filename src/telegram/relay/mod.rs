//! The relay: a private channel of the user account, with the bot as administrator, that large files go through.
//!
//! In: a logged-in account, the bot's name. Out: the channel, made, taken over, checked or mended. Must not: upload, or copy messages on.

mod address;
mod channel;
mod messages;

use super::account::UserAccount;
use super::bot::BotIdentity;
use super::session::StoredRelay;
use crate::model::{ChatId, Failure, Reason};

pub use address::RelayAddress;
pub use messages::{delete_message, find_message_by_marker};

use channel::Standing;

/// The relay channel as an account addresses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayRef {
    /// As the Bot API numbers it, `-100…`.
    pub channel: ChatId,
    /// Bare number.
    pub id: i64,
    /// Proof that the account has met it.
    pub access_hash: i64,
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

impl From<&StoredRelay> for RelayRef {
    fn from(stored: &StoredRelay) -> Self {
        Self { channel: bot_api_id(stored.id), id: stored.id, access_hash: stored.access_hash }
    }
}

impl RelayRef {
    pub(crate) fn input_peer(&self) -> grammers_tl_types::enums::InputPeer {
        grammers_tl_types::types::InputPeerChannel { channel_id: self.id, access_hash: self.access_hash }.into()
    }

    fn input_channel(&self) -> grammers_tl_types::enums::InputChannel {
        grammers_tl_types::types::InputChannel { channel_id: self.id, access_hash: self.access_hash }.into()
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
