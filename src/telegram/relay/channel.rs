//! The calls that make, look at and mend the relay channel.
//!
//! In: an account and a channel. Out: what stands there. Must not: store anything but the bot's access hash.

use grammers_session::Session;
use grammers_session::types::{PeerAuth, PeerId, PeerInfo};
use grammers_tl_types as tl;

use super::RelayRef;
use crate::model::{Failure, Reason};
use crate::telegram::account::UserAccount;
use crate::telegram::bot::BotIdentity;
use crate::telegram::errors;
use crate::telegram::session::StoredRelay;

/// What the account is in the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Gone,
    Reader,
    Writer,
}

pub(super) async fn create(account: &UserAccount, title: &str) -> Result<StoredRelay, Failure> {
    let request = tl::functions::channels::CreateChannel {
        broadcast: true,
        megagroup: false,
        for_import: false,
        forum: false,
        title: title.to_owned(),
        about: "Files on their way from tgferry. Deleting messages here makes it fetch and upload them again.".to_owned(),
        geo_point: None,
        address: None,
        ttl_period: None,
    };
    // Not repeated on a lost answer: that would leave a second channel behind.
    let updates = account.call_once(&request).await.map_err(errors::failure)?;
    let created = chats_of(&updates).iter().find_map(stored_relay);
    created.ok_or_else(|| Failure::new(Reason::Telegram, anyhow::anyhow!("Telegram created no channel")))
}

pub(super) async fn standing(account: &UserAccount, relay: &RelayRef) -> Result<Standing, Failure> {
    let request = tl::functions::channels::GetChannels { id: vec![relay.input_channel()] };
    let chats = match account.call(&request).await {
        Ok(tl::enums::messages::Chats::Chats(answer)) => answer.chats,
        Ok(tl::enums::messages::Chats::Slice(answer)) => answer.chats,
        Err(error) => {
            let failure = errors::failure(error);
            return if failure.reason == Reason::RelayGone { Ok(Standing::Gone) } else { Err(failure) };
        }
    };
    Ok(chats.iter().find_map(|chat| standing_in(chat, relay.id)).unwrap_or(Standing::Gone))
}

/// The channel with this bare number, if the bot whose session it is may post there. Bots name channels that they are in without the access
/// hash, and learn it in the answer.
pub(super) async fn open_to_bot(account: &UserAccount, id: i64) -> Result<Option<StoredRelay>, Failure> {
    let request = tl::functions::channels::GetChannels { id: vec![tl::types::InputChannel { channel_id: id, access_hash: 0 }.into()] };
    let chats = match account.call(&request).await {
        Ok(tl::enums::messages::Chats::Chats(answer)) => answer.chats,
        Ok(tl::enums::messages::Chats::Slice(answer)) => answer.chats,
        Err(error) => {
            let failure = errors::failure(error);
            return if failure.reason == Reason::RelayGone { Ok(None) } else { Err(failure) };
        }
    };
    let open = |chat: &&tl::enums::Chat| standing_in(chat, id) == Some(Standing::Writer);
    Ok(chats.iter().find(open).and_then(stored_relay))
}

pub(super) async fn bot_is_admin(account: &UserAccount, relay: &RelayRef, bot: &BotIdentity) -> Result<bool, Failure> {
    let access_hash = bot_access_hash(account, bot).await?;
    let participant = tl::types::InputPeerUser { user_id: bot.id, access_hash }.into();
    let request = tl::functions::channels::GetParticipant { channel: relay.input_channel(), participant };
    match account.call(&request).await {
        Ok(tl::enums::channels::ChannelParticipant::Participant(answer)) => Ok(match &answer.participant {
            tl::enums::ChannelParticipant::Admin(admin) => {
                let tl::enums::ChatAdminRights::Rights(rights) = &admin.admin_rights;
                rights.post_messages
            }
            _ => false,
        }),
        Err(error) if error.is("USER_NOT_PARTICIPANT") => Ok(false),
        Err(error) => Err(errors::failure(error)),
    }
}

/// Bots come into a broadcast channel by being made administrators: <https://core.telegram.org/method/channels.editAdmin>.
pub(super) async fn promote(account: &UserAccount, relay: &RelayRef, bot: &BotIdentity) -> Result<(), Failure> {
    let access_hash = bot_access_hash(account, bot).await?;
    let request = tl::functions::channels::EditAdmin {
        channel: relay.input_channel(),
        user_id: tl::types::InputUser { user_id: bot.id, access_hash }.into(),
        admin_rights: bot_rights(),
        rank: None,
    };
    account.call(&request).await.map_err(|error| {
        let failure = errors::failure(error);
        Failure {
            cause: failure.cause.context(format!("@{} can't be made an administrator of {}", bot.username, relay.channel)),
            ..failure
        }
    })?;
    Ok(())
}

/// The channel in an answer, if this account can address it.
pub(super) fn stored_relay(chat: &tl::enums::Chat) -> Option<StoredRelay> {
    match chat {
        tl::enums::Chat::Channel(channel) => {
            Some(StoredRelay { id: channel.id, access_hash: channel.access_hash?, title: channel.title.clone() })
        }
        _ => None,
    }
}

fn standing_in(chat: &tl::enums::Chat, id: i64) -> Option<Standing> {
    match chat {
        tl::enums::Chat::Channel(channel) if channel.id == id => {
            let may_post = channel.admin_rights.as_ref().is_some_and(|tl::enums::ChatAdminRights::Rights(rights)| rights.post_messages);
            Some(match (channel.left, channel.creator || may_post) {
                (true, _) => Standing::Gone,
                (false, true) => Standing::Writer,
                (false, false) => Standing::Reader,
            })
        }
        _ => None,
    }
}

/// Looking a name up is a call that Telegram limits sharply, so its result is kept in the session.
async fn bot_access_hash(account: &UserAccount, bot: &BotIdentity) -> Result<i64, Failure> {
    let known = account.session().peer(PeerId::user_unchecked(bot.id)).await.map_err(Failure::internal)?;
    if let Some(auth) = known.and_then(|peer| peer.auth()) {
        return Ok(auth.hash());
    }
    let request = tl::functions::contacts::ResolveUsername { username: bot.username.clone(), referer: None };
    let tl::enums::contacts::ResolvedPeer::Peer(resolved) = account.call(&request).await.map_err(errors::failure)?;
    let access_hash = resolved.users.iter().find_map(|user| match user {
        tl::enums::User::User(user) if user.id == bot.id => user.access_hash,
        _ => None,
    });
    let Some(access_hash) = access_hash else {
        return Err(Failure::new(Reason::Telegram, anyhow::anyhow!("the user account can't find the bot @{}", bot.username)));
    };
    let peer = PeerInfo::User { id: bot.id, auth: Some(PeerAuth::from_hash(access_hash)), bot: Some(true), is_self: Some(false) };
    account.session().cache_peer(peer).await.map_err(Failure::internal)?;
    Ok(access_hash)
}

fn bot_rights() -> tl::enums::ChatAdminRights {
    tl::types::ChatAdminRights {
        change_info: false,
        post_messages: true,
        edit_messages: true,
        delete_messages: true,
        ban_users: false,
        invite_users: false,
        pin_messages: false,
        add_admins: false,
        anonymous: false,
        manage_call: false,
        other: false,
        manage_topics: false,
        post_stories: false,
        edit_stories: false,
        delete_stories: false,
        manage_direct_messages: false,
        manage_ranks: false,
        manage_linked_peers: false,
        manage_welcome_messages: false,
    }
    .into()
}

fn chats_of(updates: &tl::enums::Updates) -> &[tl::enums::Chat] {
    match updates {
        tl::enums::Updates::Updates(updates) => &updates.chats,
        tl::enums::Updates::Combined(updates) => &updates.chats,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_channel_is_no_relay() {
        let forbidden = tl::enums::Chat::Forbidden(tl::types::ChatForbidden { id: 5, title: "relay".into() });
        assert_eq!((stored_relay(&forbidden), standing_in(&forbidden, 5)), (None, None));
    }
}
