//! Who is who: `users.*` and `contacts.resolveUsername`.
//!
//! In: users as clients name them. Out: users and public channels. It must not change anything.

use grammers_tl_types as tl;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::tl_view::{self, Mentioned};
use crate::mtproto::{peers, tl_blank};
use crate::world::Peer;

/// `users.getUsers`: users that are not known are left out.
pub(super) async fn get_users(caller: &Caller, call: tl::functions::users::GetUsers) -> Result<Vec<tl::enums::User>, RpcError> {
    let me = caller.user()?;
    Ok(caller.world().read(|state| {
        let ids = call.id.iter().filter_map(|input| peers::user(state, me, input).ok());
        ids.filter_map(|id| tl_view::user(state, me, id)).collect()
    }))
}

/// `users.getFullUser`
pub(super) async fn get_full_user(
    caller: &Caller,
    call: tl::functions::users::GetFullUser,
) -> Result<tl::enums::users::UserFull, RpcError> {
    let me = caller.user()?;
    caller.world().read(|state| {
        let id = peers::user(state, me, &call.id)?;
        let full_user = tl::types::UserFull { id, ..tl_blank::user_full() };
        Ok(tl::enums::users::UserFull::Full(tl::types::users::UserFull {
            full_user: tl::enums::UserFull::Full(full_user),
            chats: Vec::new(),
            users: Mentioned::default().user(id).users(state, me),
        }))
    })
}

/// `contacts.resolveUsername`
pub(super) async fn resolve_username(
    caller: &Caller,
    call: tl::functions::contacts::ResolveUsername,
) -> Result<tl::enums::contacts::ResolvedPeer, RpcError> {
    let me = caller.user()?;
    let valid = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    if call.username.is_empty() || call.username.len() > 32 || !call.username.chars().all(valid) {
        return Err(RpcError::bad("USERNAME_INVALID"));
    }
    caller.world().read(|state| {
        let found = state.resolve_username(&call.username);
        let found = found.ok_or_else(|| RpcError::bad("USERNAME_NOT_OCCUPIED"))?;
        let mut mentioned = Mentioned::default();
        let peer = match found {
            Peer::User(id) => {
                mentioned.user(id);
                tl_view::user_peer(id)
            }
            Peer::Channel(channel_id) => {
                mentioned.channel(channel_id);
                tl::enums::Peer::Channel(tl::types::PeerChannel { channel_id })
            }
        };
        Ok(tl::enums::contacts::ResolvedPeer::Peer(tl::types::contacts::ResolvedPeer {
            peer,
            chats: mentioned.chats(state, me),
            users: mentioned.users(state, me),
        }))
    })
}
