//! `updates.*`: where an account and a channel stand, and what was missed in a channel.
//!
//! In: the numbers that a client has. Out: the difference (<https://core.telegram.org/api/updates>). Private chats keep no numbers here: their
//! difference is always empty. It must not change anything.

use grammers_tl_types as tl;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::tl_view::Mentioned;
use crate::mtproto::{peers, tl_message};
use crate::world::{Channel, ChannelEvent, State, now_unix};

/// The most events that one channel difference carries.
const MAX_EVENTS: usize = 1000;

/// `updates.getState`
pub(super) async fn get_state(caller: &Caller, _: tl::functions::updates::GetState) -> Result<tl::enums::updates::State, RpcError> {
    caller.user()?;
    Ok(tl::enums::updates::State::State(tl::types::updates::State { pts: 1, qts: 0, date: now_unix(), seq: 1, unread_count: 0 }))
}

/// `updates.getDifference`
pub(super) async fn get_difference(
    caller: &Caller,
    _: tl::functions::updates::GetDifference,
) -> Result<tl::enums::updates::Difference, RpcError> {
    caller.user()?;
    let empty = tl::types::updates::DifferenceEmpty { date: now_unix(), seq: 1 };
    Ok(tl::enums::updates::Difference::Empty(empty))
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
        Ok(difference(state, me, channel, call.pts))
    })
}

fn difference(state: &State, me: i64, channel: &Channel, pts: i32) -> tl::enums::updates::ChannelDifference {
    let missed = channel.events.iter().filter(|(at, _)| *at > pts);
    let events: Vec<_> = missed.take(MAX_EVENTS).copied().collect();
    let Some((reached, _)) = events.last().copied() else {
        return tl::enums::updates::ChannelDifference::Empty(tl::types::updates::ChannelDifferenceEmpty {
            r#final: true,
            pts: channel.pts,
            timeout: None,
        });
    };
    let mut mentioned = Mentioned::default();
    mentioned.channel(channel.id);
    let (mut new_messages, mut other_updates) = (Vec::new(), Vec::new());
    for (pts, event) in events {
        let (ChannelEvent::Posted(id) | ChannelEvent::Edited(id) | ChannelEvent::Deleted(id)) = event;
        let message = channel.messages.get(&id).map(|message| {
            mentioned.message(message);
            tl_message::message(state, me, message)
        });
        match (event, message) {
            (ChannelEvent::Posted(_), Some(message)) => new_messages.push(message),
            (ChannelEvent::Edited(_), Some(message)) => {
                let edit = tl::types::UpdateEditChannelMessage { message, pts, pts_count: 1 };
                other_updates.push(tl::enums::Update::EditChannelMessage(edit));
            }
            (ChannelEvent::Deleted(id), _) => {
                other_updates.push(tl::enums::Update::DeleteChannelMessages(tl::types::UpdateDeleteChannelMessages {
                    channel_id: channel.id,
                    messages: vec![id],
                    pts,
                    pts_count: 1,
                }));
            }
            // It was deleted since; its deletion is among the events.
            (ChannelEvent::Posted(_) | ChannelEvent::Edited(_), None) => {}
        }
    }
    tl::enums::updates::ChannelDifference::Difference(tl::types::updates::ChannelDifference {
        r#final: reached == channel.pts,
        pts: reached,
        timeout: None,
        new_messages,
        other_updates,
        chats: mentioned.chats(state, me),
        users: mentioned.users(state, me),
    })
}
