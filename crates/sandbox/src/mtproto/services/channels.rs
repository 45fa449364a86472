//! `channels.*` about channels as such: make, show, end.
//!
//! In: calls of accounts. Out: channels. Who is in one and with what rights is in `members`. It must not touch messages.

use grammers_tl_types as tl;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::tl_view::{self, Mentioned};
use crate::mtproto::{peers, tl_blank};

/// <https://core.telegram.org/api/config#channels-limit-default> and its neighbours do not bound these two; the server does.
const MAX_TITLE: usize = 128;
const MAX_ABOUT: usize = 255;

/// `channels.createChannel`
pub(super) async fn create_channel(caller: &Caller, call: tl::functions::channels::CreateChannel) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    if call.title.trim().is_empty() {
        return Err(RpcError::bad("CHAT_TITLE_EMPTY"));
    }
    if call.title.chars().count() > MAX_TITLE || call.about.chars().count() > MAX_ABOUT {
        return Err(RpcError::bad("CHAT_ABOUT_TOO_LONG"));
    }
    caller.world().change(|state| {
        if state.bots.contains_key(&me) {
            return Err(RpcError::bad("BOT_METHOD_INVALID"));
        }
        let channel_id = state.create_channel(me, call.title.trim(), &call.about, call.megagroup);
        let update = tl::enums::Update::Channel(tl::types::UpdateChannel { channel_id });
        let mut mentioned = Mentioned::default();
        mentioned.channel(channel_id).user(me);
        Ok(tl_view::updates(state, me, vec![update], &mentioned))
    })
}

/// `channels.deleteChannel`
pub(super) async fn delete_channel(caller: &Caller, call: tl::functions::channels::DeleteChannel) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    caller.world().change(|state| {
        let channel = peers::channel(state, me, &call.channel)?;
        if channel.creator != me {
            return Err(RpcError::bad("CHAT_ADMIN_REQUIRED"));
        }
        let channel_id = channel.id;
        state.delete_channel(channel_id);
        let update = tl::enums::Update::Channel(tl::types::UpdateChannel { channel_id });
        Ok(tl_view::updates(state, me, vec![update], Mentioned::default().channel(channel_id)))
    })
}

/// `channels.getChannels`
pub(super) async fn get_channels(
    caller: &Caller,
    call: tl::functions::channels::GetChannels,
) -> Result<tl::enums::messages::Chats, RpcError> {
    let me = caller.user()?;
    caller.world().read(|state| {
        let found = call.id.iter().map(|input| peers::channel(state, me, input));
        let chats = found.map(|found| found.map(|channel| tl_view::channel(state, channel, me)));
        let chats = chats.collect::<Result<_, _>>()?;
        Ok(tl::enums::messages::Chats::Chats(tl::types::messages::Chats { chats }))
    })
}

/// `channels.getFullChannel`
pub(super) async fn get_full_channel(
    caller: &Caller,
    call: tl::functions::channels::GetFullChannel,
) -> Result<tl::enums::messages::ChatFull, RpcError> {
    let me = caller.user()?;
    caller.world().read(|state| {
        let channel = peers::channel(state, me, &call.channel)?;
        let last = channel.messages.keys().next_back().copied();
        let full = tl::types::ChannelFull {
            can_view_participants: channel.rights_of(me).is_some(),
            can_delete_channel: channel.creator == me,
            id: channel.id,
            about: channel.about.clone(),
            participants_count: i32::try_from(channel.members.len()).ok(),
            admins_count: i32::try_from(channel.admins.len() + 1).ok(),
            read_inbox_max_id: last.unwrap_or_default(),
            read_outbox_max_id: last.unwrap_or_default(),
            pts: channel.pts,
            ..tl_blank::channel_full()
        };
        let mut mentioned = Mentioned::default();
        mentioned.channel(channel.id);
        for admin in channel.admins.keys().chain([&channel.creator]) {
            mentioned.user(*admin);
        }
        Ok(tl::enums::messages::ChatFull::Full(tl::types::messages::ChatFull {
            full_chat: tl::enums::ChatFull::ChannelFull(full),
            chats: mentioned.chats(state, me),
            users: mentioned.users(state, me),
        }))
    })
}
