//! `updates.*`: where an account and a channel stand, and what was missed in a channel.
//!
//! In: the numbers that a client has. Out: the difference (<https://core.telegram.org/api/updates>): of private chats together, and of one channel.
//! It must not change anything.

use grammers_tl_types as tl;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::peers;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::tl_update::Told;
use crate::mtproto::tl_view::Mentioned;
use crate::world::{Channel, ChatRef, State, now_unix};

/// The most events that one difference carries.
const MAX_EVENTS: usize = 1000;
/// Nothing here is numbered by `seq`.
const SEQ: i32 = 1;

/// `updates.getState`
pub(super) async fn get_state(caller: &Caller, _: tl::functions::updates::GetState) -> Result<tl::enums::updates::State, RpcError> {
    let me = caller.user()?;
    Ok(standing(caller.world().read(|state| state.box_pts(me))))
}

/// `updates.getDifference`
pub(super) async fn get_difference(
    caller: &Caller,
    call: tl::functions::updates::GetDifference,
) -> Result<tl::enums::updates::Difference, RpcError> {
    let me = caller.user()?;
    if call.pts < 0 {
        return Err(RpcError::bad("PERSISTENT_TIMESTAMP_INVALID"));
    }
    Ok(caller.world().read(|state| {
        let missed = state.boxes.get(&me).into_iter().flat_map(|found| &found.events);
        let mut missed = missed.filter(|(pts, _, _)| *pts > call.pts);
        let events: Vec<_> = missed.by_ref().take(MAX_EVENTS).copied().collect();
        let more = missed.next().is_some();
        let mut told = Told::default();
        let too_long = if more { Vec::new() } else { changed_channels(state, me, call.date, &mut told.mentioned) };
        if events.is_empty() && too_long.is_empty() {
            let empty = tl::types::updates::DifferenceEmpty { date: now_unix(), seq: SEQ };
            return tl::enums::updates::Difference::Empty(empty);
        }
        let reached = events.last().map_or(call.pts, |(reached, _, _)| *reached);
        for event in events {
            told.event(state, me, event);
        }
        let (chats, users) = (told.mentioned.chats(state, me), told.mentioned.users(state, me));
        let new_messages = told.new.into_iter().map(|(_, _, message)| message).collect();
        let other_updates = told.other.into_iter().map(|(_, update)| update).chain(too_long).collect();
        let new_encrypted_messages = Vec::new();
        if more {
            let intermediate_state = standing(reached);
            let slice = tl::types::updates::DifferenceSlice {
                new_messages,
                new_encrypted_messages,
                other_updates,
                chats,
                users,
                intermediate_state,
            };
            return tl::enums::updates::Difference::Slice(slice);
        }
        let state = standing(reached);
        let whole = tl::types::updates::Difference { new_messages, new_encrypted_messages, other_updates, chats, users, state };
        tl::enums::updates::Difference::Difference(whole)
    }))
}

/// `updateChannelTooLong` for each channel of the account in which something has happened since, to be asked for by `getChannelDifference`. By the second:
/// one that the client knows all about may be among them.
fn changed_channels(state: &State, me: i64, date: i32, mentioned: &mut Mentioned) -> Vec<tl::enums::Update> {
    let changed = state.channels.values().filter(|channel| channel.is_member(me) && !channel.events.is_empty() && channel.changed >= date);
    let too_long = |channel: &Channel| {
        mentioned.channel(channel.id);
        tl::enums::Update::ChannelTooLong(tl::types::UpdateChannelTooLong { channel_id: channel.id, pts: Some(channel.pts) })
    };
    changed.map(too_long).collect()
}

fn standing(pts: i32) -> tl::enums::updates::State {
    tl::enums::updates::State::State(tl::types::updates::State { pts, qts: 0, date: now_unix(), seq: SEQ, unread_count: 0 })
}

/// `updates.getChannelDifference`
pub(super) async fn get_channel_difference(
    caller: &Caller,
    call: tl::functions::updates::GetChannelDifference,
) -> Result<tl::enums::updates::ChannelDifference, RpcError> {
    let me = caller.user()?;
    if call.pts < 1 {
        return Err(RpcError::bad("PERSISTENT_TIMESTAMP_EMPTY"));
    }
    caller.world().read(|state| {
        let channel = peers::channel(state, me, &call.channel)?;
        Ok(difference(state, me, channel, call.pts, usize::try_from(call.limit).unwrap_or_default()))
    })
}

fn difference(state: &State, me: i64, channel: &Channel, pts: i32, limit: usize) -> tl::enums::updates::ChannelDifference {
    let missed = channel.events.iter().filter(|(at, _)| *at > pts);
    let events: Vec<_> = missed.take(limit.clamp(1, MAX_EVENTS)).copied().collect();
    let Some((reached, _)) = events.last().copied() else {
        return tl::enums::updates::ChannelDifference::Empty(tl::types::updates::ChannelDifferenceEmpty {
            r#final: true,
            pts: channel.pts,
            timeout: None,
        });
    };
    let mut told = Told::default();
    for (pts, event) in events {
        told.event(state, me, (pts, ChatRef::Channel(channel.id), event));
    }
    tl::enums::updates::ChannelDifference::Difference(tl::types::updates::ChannelDifference {
        r#final: reached == channel.pts,
        pts: reached,
        timeout: None,
        chats: told.mentioned.chats(state, me),
        users: told.mentioned.users(state, me),
        new_messages: told.new.into_iter().map(|(_, _, message)| message).collect(),
        other_updates: told.other.into_iter().map(|(_, update)| update).collect(),
    })
}
