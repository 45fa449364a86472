//! From what a client names to what it means: chats, channels, users, with access checked.
//!
//! In: TL inputs with their access hashes, and who asks. Out: ids of the world, or Telegram's error. It must not look at rights inside a channel.

use grammers_tl_types as tl;

use super::rpc_error::RpcError;
use crate::world::{Channel, ChatRef, State};

/// The chat that a peer is for `caller`.
pub(crate) fn chat(state: &State, caller: i64, peer: &tl::enums::InputPeer) -> Result<ChatRef, RpcError> {
    match peer {
        tl::enums::InputPeer::Channel(peer) => {
            let channel = by_hash(state, caller, peer.channel_id, peer.access_hash)?;
            Ok(ChatRef::Channel(channel.id))
        }
        tl::enums::InputPeer::User(peer) => private(state, caller, peer.user_id, peer.access_hash),
        _ => Err(invalid_peer()),
    }
}

/// The channel that is meant, if the caller is in it or could be.
pub(crate) fn channel<'a>(state: &'a State, caller: i64, input: &tl::enums::InputChannel) -> Result<&'a Channel, RpcError> {
    match input {
        tl::enums::InputChannel::Channel(input) => by_hash(state, caller, input.channel_id, input.access_hash),
        _ => Err(RpcError::bad("CHANNEL_INVALID")),
    }
}

/// The user that is meant.
pub(crate) fn user(state: &State, caller: i64, input: &tl::enums::InputUser) -> Result<i64, RpcError> {
    match input {
        tl::enums::InputUser::UserSelf => Ok(caller),
        tl::enums::InputUser::User(input) => {
            known(state, caller, input.user_id, input.access_hash).ok_or_else(|| RpcError::bad("USER_ID_INVALID"))
        }
        _ => Err(RpcError::bad("USER_ID_INVALID")),
    }
}

/// The user that a peer is.
pub(crate) fn user_of_peer(state: &State, caller: i64, peer: &tl::enums::InputPeer) -> Result<i64, RpcError> {
    match peer {
        tl::enums::InputPeer::PeerSelf => Ok(caller),
        tl::enums::InputPeer::User(peer) => {
            known(state, caller, peer.user_id, peer.access_hash).ok_or_else(|| RpcError::bad("PARTICIPANT_ID_INVALID"))
        }
        _ => Err(RpcError::bad("PARTICIPANT_ID_INVALID")),
    }
}

/// A channel that is gone or that one is not in: 406, <https://core.telegram.org/api/errors>.
pub(crate) fn channel_private() -> RpcError {
    RpcError::new(406, "CHANNEL_PRIVATE")
}

fn by_hash(state: &State, caller: i64, id: i64, access_hash: i64) -> Result<&Channel, RpcError> {
    let channel = state.channels.get(&id);
    let channel = channel.ok_or_else(|| RpcError::bad("CHANNEL_INVALID"))?;
    if channel.access_hash != access_hash && !may_omit_hash(state, caller, access_hash, channel.is_member(caller)) {
        return Err(RpcError::bad("CHANNEL_INVALID"));
    }
    let is_open = channel.username.is_some() && !channel.banned.contains(&caller);
    if !channel.is_member(caller) && !is_open {
        return Err(channel_private());
    }
    Ok(channel)
}

fn private(state: &State, caller: i64, other: i64, access_hash: i64) -> Result<ChatRef, RpcError> {
    let other = known(state, caller, other, access_hash).ok_or_else(invalid_peer)?;
    let is_bot = |id| state.bots.contains_key(&id);
    if is_bot(caller) {
        Ok(ChatRef::Private { bot: caller, user: other })
    } else if is_bot(other) {
        Ok(ChatRef::Private { bot: other, user: caller })
    } else {
        // Chats between two people are not part of this world.
        Err(invalid_peer())
    }
}

fn known(state: &State, caller: i64, id: i64, access_hash: i64) -> Option<i64> {
    let user = state.users.get(id)?;
    let has_met = state.private_chats.get(&(caller, id)).is_some_and(|chat| chat.started);
    let good = id == caller || user.access_hash == access_hash || may_omit_hash(state, caller, access_hash, has_met);
    good.then_some(id)
}

/// Bots may send 0 for peers that they know (people who wrote to them, channels that they are in): <https://core.telegram.org/api/peers#access-hash>.
fn may_omit_hash(state: &State, caller: i64, access_hash: i64, has_met: bool) -> bool {
    access_hash == 0 && has_met && state.bots.contains_key(&caller)
}

fn invalid_peer() -> RpcError {
    RpcError::bad("PEER_ID_INVALID")
}
