//! Coming, going and being sent away: `channels.joinChannel`, `leaveChannel`, `editBanned`, and the names by which public channels are found.
//!
//! In: calls of members, admins and strangers. Out: `updates` with the channel as it then is. Pages of these methods under
//! <https://core.telegram.org/methods#working-with-channels-supergroups-geogroups>. It must not touch messages.

use grammers_tl_types as tl;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::peers;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::tl_view::{self, Mentioned};
use crate::world::State;

/// Lengths of usernames (<https://core.telegram.org/method/channels.updateUsername>).
const USERNAME_LEN: std::ops::RangeInclusive<usize> = 5..=32;

/// `channels.joinChannel`: public ones; private ones are joined by invitation.
pub(super) async fn join_channel(
    caller: &Caller,
    call: tl::functions::channels::JoinChannel,
) -> Result<tl::enums::messages::ChatInviteJoinResult, RpcError> {
    let me = caller.user()?;
    caller.world().change(|state| {
        let id = peers::channel(state, me, &call.channel)?.id;
        if !state.add_member(id, me) {
            return Err(RpcError::bad("USER_ALREADY_PARTICIPANT"));
        }
        let updates = changed(state, me, id, me);
        Ok(tl::enums::messages::ChatInviteJoinResult::Ok(tl::types::messages::ChatInviteJoinResultOk { updates }))
    })
}

/// `channels.leaveChannel`
pub(super) async fn leave_channel(caller: &Caller, call: tl::functions::channels::LeaveChannel) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    caller.world().change(|state| {
        let channel = peers::channel(state, me, &call.channel)?;
        let (id, creator) = (channel.id, channel.creator);
        if creator == me {
            return Err(RpcError::bad("USER_CREATOR"));
        }
        if !state.remove_member(id, me, me, false) {
            return Err(RpcError::bad("USER_NOT_PARTICIPANT"));
        }
        Ok(changed(state, me, id, me))
    })
}

/// `channels.editBanned`: out (`view_messages`), silent (`send_messages`), or neither, which takes both back.
pub(super) async fn edit_banned(caller: &Caller, call: tl::functions::channels::EditBanned) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    let tl::enums::ChatBannedRights::Rights(taken) = &call.banned_rights;
    let parts = [taken.send_media, taken.send_photos, taken.send_videos, taken.send_docs, taken.send_plain, taken.embed_links];
    if !taken.view_messages && !taken.send_messages && parts.contains(&true) {
        caller.world().refuse("channels.editBanned for some kinds of messages only");
        return Err(RpcError::new(406, "BANNED_RIGHTS_INVALID"));
    }
    if taken.until_date != 0 && taken.until_date != i32::MAX {
        caller.world().refuse("channels.editBanned until a date");
    }
    caller.world().change(|state| {
        let channel = peers::channel(state, me, &call.channel)?;
        let id = channel.id;
        if !channel.rights_of(me).is_some_and(|rights| rights.ban_users) {
            return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
        }
        let user = peers::user_of_peer(state, me, &call.participant)?;
        if user == channel.creator || (channel.rights_of(user).is_some() && channel.creator != me) {
            return Err(RpcError::bad("USER_ADMIN_INVALID"));
        }
        if taken.view_messages {
            state.remove_member(id, user, me, true);
        } else {
            state.silence(id, user, taken.send_messages);
        }
        Ok(changed(state, me, id, user))
    })
}

/// `channels.checkUsername`
pub(super) async fn check_username(caller: &Caller, call: tl::functions::channels::CheckUsername) -> Result<bool, RpcError> {
    caller.user()?;
    check(&call.username)?;
    Ok(caller.world().read(|state| state.resolve_username(&call.username).is_none()))
}

/// `channels.updateUsername`: makes a channel public, or private again with an empty name.
pub(super) async fn update_username(caller: &Caller, call: tl::functions::channels::UpdateUsername) -> Result<bool, RpcError> {
    let me = caller.user()?;
    if !call.username.is_empty() {
        check(&call.username)?;
    }
    caller.world().change(|state| {
        let channel = peers::channel(state, me, &call.channel)?;
        let (id, old) = (channel.id, channel.username.clone().unwrap_or_default());
        if channel.creator != me {
            return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
        }
        if old == call.username {
            return Err(RpcError::bad("USERNAME_NOT_MODIFIED"));
        }
        let is_same = old.eq_ignore_ascii_case(&call.username);
        if !call.username.is_empty() && !is_same && state.resolve_username(&call.username).is_some() {
            return Err(RpcError::bad("USERNAME_OCCUPIED"));
        }
        if let Some(channel) = state.channels.get_mut(&id) {
            channel.username = Some(call.username).filter(|name| !name.is_empty());
        }
        Ok(true)
    })
}

fn check(username: &str) -> Result<(), RpcError> {
    let starts = username.starts_with(|sign: char| sign.is_ascii_alphabetic());
    let valid = username.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_');
    if !USERNAME_LEN.contains(&username.len()) || !starts || !valid {
        return Err(RpcError::bad("USERNAME_INVALID"));
    }
    Ok(())
}

fn changed(state: &State, me: i64, channel_id: i64, user: i64) -> tl::enums::Updates {
    let update = tl::enums::Update::Channel(tl::types::UpdateChannel { channel_id });
    tl_view::updates(state, me, vec![update], Mentioned::default().channel(channel_id).user(user))
}
