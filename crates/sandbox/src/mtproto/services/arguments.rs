//! The arguments of a call, read as the real server reads them: a peer is taken where a user or a channel is asked for.
//!
//! In: a call's body behind its constructor. Out: the call. Pyrogram and its forks send `inputPeerChannel` for `inputChannel` everywhere (`resolve_peer` in
//! `pyrogram/methods/advanced/resolve_peer.py` gives nothing else), and Telegram serves them. It must not take anything else for anything else.

use std::borrow::Cow;

use grammers_tl_types::{self as tl, Cursor, Deserializable, Identifiable};

/// What is said, and what is meant. The fields are the same in both.
const SAME: [(u32, u32); 4] = [
    (tl::types::InputPeerUser::CONSTRUCTOR_ID, tl::types::InputUser::CONSTRUCTOR_ID),
    (tl::types::InputPeerSelf::CONSTRUCTOR_ID, tl::types::InputUserSelf::CONSTRUCTOR_ID),
    (tl::types::InputPeerChannel::CONSTRUCTOR_ID, tl::types::InputChannel::CONSTRUCTOR_ID),
    (tl::types::InputPeerEmpty::CONSTRUCTOR_ID, tl::types::InputUserEmpty::CONSTRUCTOR_ID),
];

/// Reads a call.
pub(super) fn read<T: Deserializable>(body: &[u8]) -> Result<T, tl::deserialize::Error> {
    let mut body = Cow::Borrowed(body);
    loop {
        let mut cursor = Cursor::from_slice(&body);
        let failed = match T::deserialize(&mut cursor) {
            Ok(call) => return Ok(call),
            Err(failed) => failed,
        };
        let at = cursor.pos().checked_sub(4);
        let (Some(at), tl::deserialize::Error::UnexpectedConstructor { id }) = (at, &failed) else {
            return Err(failed);
        };
        let Some((_, meant)) = SAME.iter().find(|(said, _)| said == id) else {
            return Err(failed);
        };
        // What was read right before the failure; each turn puts one right, and none is put right twice.
        body.to_mut()[at..at + 4].copy_from_slice(&meant.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grammers_tl_types::Serializable;

    #[test]
    fn peers_are_taken_for_users_and_channels_and_for_nothing_else() {
        let peer = |user_id| tl::enums::InputPeer::User(tl::types::InputPeerUser { user_id, access_hash: 7 });
        let channel = tl::enums::InputPeer::Channel(tl::types::InputPeerChannel { channel_id: 5, access_hash: 6 });
        let mut body = channel.to_bytes();
        vec![peer(1), tl::enums::InputPeer::PeerSelf].serialize(&mut body);
        let call = read::<tl::functions::channels::InviteToChannel>(&body).expect("understood");
        let channel = tl::enums::InputChannel::Channel(tl::types::InputChannel { channel_id: 5, access_hash: 6 });
        assert_eq!(call.channel, channel);
        let user = tl::enums::InputUser::User(tl::types::InputUser { user_id: 1, access_hash: 7 });
        assert_eq!(call.users, [user, tl::enums::InputUser::UserSelf]);
        let refused = read::<tl::functions::channels::InviteToChannel>(&peer(1).to_bytes());
        assert!(refused.is_err(), "a user is no channel");
    }
}
