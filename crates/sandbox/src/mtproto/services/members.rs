//! Who is in a channel, and with what rights.
//!
//! In: invitations, promotions, questions. Out: participants. As at Telegram, a bot cannot be a plain member of a broadcast channel: inviting it there
//! is `USER_BOT`, and `channels.editAdmin` puts it in as an administrator at once (<https://core.telegram.org/method/channels.inviteToChannel>).

use grammers_tl_types as tl;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::tl_view::{self, Mentioned};
use crate::mtproto::{peers, tl_blank};
use crate::world::{AdminRights, Channel, State};

/// `channels.getParticipant`
pub(super) async fn get_participant(
    caller: &Caller,
    call: tl::functions::channels::GetParticipant,
) -> Result<tl::enums::channels::ChannelParticipant, RpcError> {
    let me = caller.user()?;
    caller.world().read(|state| {
        let channel = peers::channel(state, me, &call.channel)?;
        let user = peers::user_of_peer(state, me, &call.participant)?;
        if user != me {
            sees_members(channel, me)?;
        }
        if !channel.is_member(user) && !channel.banned.contains(&user) {
            return Err(RpcError::bad("USER_NOT_PARTICIPANT"));
        }
        let found = tl::types::channels::ChannelParticipant {
            participant: participant(channel, me, user),
            chats: vec![tl_view::channel(state, channel, me)],
            users: Mentioned::default().user(user).user(channel.creator).users(state, me),
        };
        Ok(tl::enums::channels::ChannelParticipant::Participant(found))
    })
}

/// `channels.getParticipants`
pub(super) async fn get_participants(
    caller: &Caller,
    call: tl::functions::channels::GetParticipants,
) -> Result<tl::enums::channels::ChannelParticipants, RpcError> {
    use tl::enums::ChannelParticipantsFilter as Filter;
    let me = caller.user()?;
    caller.world().read(|state| {
        let channel = peers::channel(state, me, &call.channel)?;
        sees_members(channel, me)?;
        let wanted = |user: &i64| match &call.filter {
            Filter::ChannelParticipantsRecent => true,
            Filter::ChannelParticipantsAdmins => channel.rights_of(*user).is_some(),
            Filter::ChannelParticipantsBots => state.bots.contains_key(user),
            Filter::ChannelParticipantsSearch(search) => is_named(state, *user, &search.q),
            _ => false,
        };
        let among = |user: &i64| channel.members.contains(user);
        let all: Vec<i64> = match &call.filter {
            Filter::ChannelParticipantsKicked(search) => {
                channel.banned.iter().copied().filter(|user| !among(user) && is_named(state, *user, &search.q)).collect()
            }
            Filter::ChannelParticipantsBanned(search) => {
                channel.banned.iter().copied().filter(|user| among(user) && is_named(state, *user, &search.q)).collect()
            }
            _ => channel.members.iter().copied().filter(wanted).collect(),
        };
        let skip = usize::try_from(call.offset).unwrap_or_default();
        let take = usize::try_from(call.limit).unwrap_or_default().min(200);
        let page: Vec<i64> = all.iter().copied().skip(skip).take(take).collect();
        let mut mentioned = Mentioned::default();
        // Who promoted the others, and sent them away.
        mentioned.user(channel.creator);
        for user in &page {
            mentioned.user(*user);
        }
        let found = tl::types::channels::ChannelParticipants {
            count: i32::try_from(all.len()).unwrap_or(i32::MAX),
            participants: page.iter().map(|user| participant(channel, me, *user)).collect(),
            chats: vec![tl_view::channel(state, channel, me)],
            users: mentioned.users(state, me),
        };
        Ok(tl::enums::channels::ChannelParticipants::Participants(found))
    })
}

/// `channels.inviteToChannel`
pub(super) async fn invite_to_channel(
    caller: &Caller,
    call: tl::functions::channels::InviteToChannel,
) -> Result<tl::enums::messages::InvitedUsers, RpcError> {
    let me = caller.user()?;
    caller.world().change(|state| {
        let channel = peers::channel(state, me, &call.channel)?;
        let (id, broadcast) = (channel.id, !channel.megagroup);
        if broadcast && !channel.rights_of(me).is_some_and(|rights| rights.invite_users) {
            return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
        }
        let users = call.users.iter().map(|user| peers::user(state, me, user));
        let users = users.collect::<Result<Vec<_>, _>>()?;
        if broadcast && users.iter().any(|user| state.bots.contains_key(user)) {
            return Err(RpcError::bad("USER_BOT"));
        }
        if channel.members.contains(users.first().unwrap_or(&0)) && users.len() == 1 {
            return Err(RpcError::bad("USER_ALREADY_PARTICIPANT"));
        }
        let mut mentioned = Mentioned::default();
        mentioned.channel(id);
        for user in users {
            state.add_member(id, user);
            mentioned.user(user);
        }
        let update = tl::enums::Update::Channel(tl::types::UpdateChannel { channel_id: id });
        Ok(tl::enums::messages::InvitedUsers::Users(tl::types::messages::InvitedUsers {
            updates: tl_view::updates(state, me, vec![update], &mentioned),
            missing_invitees: Vec::new(),
        }))
    })
}

/// `channels.editAdmin`
pub(super) async fn edit_admin(caller: &Caller, call: tl::functions::channels::EditAdmin) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    let rights = tl_view::read_rights(&call.admin_rights);
    caller.world().change(|state| {
        let channel = peers::channel(state, me, &call.channel)?;
        let (id, broadcast) = (channel.id, !channel.megagroup);
        let mine = channel.rights_of(me).filter(|mine| mine.add_admins);
        let mine = mine.ok_or_else(|| RpcError::bad("CHAT_ADMIN_REQUIRED"))?;
        let user = peers::user(state, me, &call.user_id)?;
        if user == channel.creator {
            return Err(RpcError::bad("USER_CREATOR"));
        }
        if !covers(mine, rights) {
            return Err(RpcError::new(403, "RIGHT_FORBIDDEN"));
        }
        let is_bot = state.bots.contains_key(&user);
        if rights != AdminRights::default() {
            state.set_admin(id, user, Some(rights), me);
        } else if is_bot && broadcast {
            // A bot is in a broadcast channel as an administrator or not at all.
            state.remove_member(id, user, me, false);
        } else {
            state.set_admin(id, user, None, me);
        }
        let update = tl::enums::Update::Channel(tl::types::UpdateChannel { channel_id: id });
        Ok(tl_view::updates(state, me, vec![update], Mentioned::default().channel(id).user(user)))
    })
}

fn sees_members(channel: &Channel, me: i64) -> Result<(), RpcError> {
    if channel.megagroup || channel.rights_of(me).is_some() {
        return Ok(());
    }
    Err(RpcError::bad("CHAT_ADMIN_REQUIRED"))
}

/// Whether an administrator with `mine` may give `wanted` away.
fn covers(mine: AdminRights, wanted: AdminRights) -> bool {
    let pairs = [
        (mine.change_info, wanted.change_info),
        (mine.post_messages, wanted.post_messages),
        (mine.edit_messages, wanted.edit_messages),
        (mine.delete_messages, wanted.delete_messages),
        (mine.ban_users, wanted.ban_users),
        (mine.invite_users, wanted.invite_users),
        (mine.pin_messages, wanted.pin_messages),
        (mine.add_admins, wanted.add_admins),
    ];
    pairs.iter().all(|(mine, wanted)| *mine || !*wanted)
}

fn is_named(state: &State, user: i64, query: &str) -> bool {
    let query = query.trim_start_matches('@').to_lowercase();
    state.users.get(user).is_some_and(|user| {
        let username = user.username.clone().unwrap_or_default();
        user.first_name.to_lowercase().contains(&query) || username.to_lowercase().contains(&query)
    })
}

fn participant(channel: &Channel, me: i64, user_id: i64) -> tl::enums::ChannelParticipant {
    use tl::enums::ChannelParticipant as Participant;
    let date = channel.date;
    if channel.banned.contains(&user_id) {
        let left = !channel.is_member(user_id);
        let rights = tl::types::ChatBannedRights { view_messages: left, send_messages: true, ..tl_blank::banned_rights() };
        return Participant::Banned(tl::types::ChannelParticipantBanned {
            left,
            peer: tl_view::user_peer(user_id),
            kicked_by: channel.creator,
            date,
            banned_rights: tl::enums::ChatBannedRights::Rights(rights),
            rank: None,
        });
    }
    if let (true, Some(rights)) = (user_id == channel.creator, channel.rights_of(user_id)) {
        return Participant::Creator(tl::types::ChannelParticipantCreator {
            user_id,
            admin_rights: tl_view::admin_rights(rights),
            rank: None,
        });
    }
    if let Some(rights) = channel.rights_of(user_id) {
        return Participant::Admin(tl::types::ChannelParticipantAdmin {
            can_edit: channel.creator == me,
            is_self: user_id == me,
            user_id,
            inviter_id: (user_id == me).then_some(channel.creator),
            promoted_by: channel.creator,
            date,
            admin_rights: tl_view::admin_rights(rights),
            rank: None,
        });
    }
    if user_id == me {
        return Participant::ParticipantSelf(tl::types::ChannelParticipantSelf {
            via_request: false,
            user_id,
            inviter_id: channel.creator,
            date,
            subscription_until_date: None,
            rank: None,
        });
    }
    Participant::Participant(tl::types::ChannelParticipant { user_id, date, subscription_until_date: None, rank: None })
}
