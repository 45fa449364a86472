//! TL objects with only their required fields, to be filled by struct update.
//!
//! In: nothing, or what a type cannot be without. Out: the object with every optional field absent and every flag off. The generated types have
//! no `Default` and up to sixty fields; a zero flags word says the same in one line. It must not know the world.

use grammers_tl_types::{self as tl, Cursor, Deserializable, Serializable};

/// Reads a bare type from the serialization of its required fields.
fn from_required<T: Deserializable>(required: &[u8]) -> T {
    // Every caller below is run by the tests, with constants only.
    T::deserialize(&mut Cursor::from_slice(required)).expect("the required fields of the type, in order")
}

/// `config` with every number zero.
pub(crate) fn config() -> tl::types::Config {
    let mut required = Vec::new();
    for number in [0_i32, 0, 0] {
        number.serialize(&mut required);
    }
    false.serialize(&mut required);
    0_i32.serialize(&mut required);
    Vec::<tl::enums::DcOption>::new().serialize(&mut required);
    String::new().serialize(&mut required);
    for _ in 0..17 {
        0_i32.serialize(&mut required);
    }
    for _ in 0..4 {
        0_i32.serialize(&mut required);
    }
    String::new().serialize(&mut required);
    for _ in 0..3 {
        0_i32.serialize(&mut required);
    }
    from_required(&required)
}

/// `user` with number 0.
pub(crate) fn user() -> tl::types::User {
    from_required(&[0; 16])
}

/// `channel` with number 0 and no title.
pub(crate) fn channel() -> tl::types::Channel {
    let mut required = vec![0; 16];
    String::new().serialize(&mut required);
    tl::enums::ChatPhoto::Empty.serialize(&mut required);
    0_i32.serialize(&mut required);
    from_required(&required)
}

/// `channelFull` with number 0.
pub(crate) fn channel_full() -> tl::types::ChannelFull {
    let mut required = vec![0; 16];
    String::new().serialize(&mut required);
    for _ in 0..3 {
        0_i32.serialize(&mut required);
    }
    tl::enums::Photo::Empty(tl::types::PhotoEmpty { id: 0 }).serialize(&mut required);
    notify_settings().serialize(&mut required);
    Vec::<tl::enums::BotInfo>::new().serialize(&mut required);
    0_i32.serialize(&mut required);
    from_required(&required)
}

/// `userFull` with number 0.
pub(crate) fn user_full() -> tl::types::UserFull {
    let mut required = vec![0; 16];
    tl::enums::PeerSettings::Settings(from_required(&[0; 4])).serialize(&mut required);
    notify_settings().serialize(&mut required);
    0_i32.serialize(&mut required);
    from_required(&required)
}

/// `message` with number 0 in `peer`.
pub(crate) fn message(peer: &tl::enums::Peer) -> tl::types::Message {
    let mut required = vec![0; 12];
    peer.serialize(&mut required);
    0_i32.serialize(&mut required);
    String::new().serialize(&mut required);
    from_required(&required)
}

/// `authorization` (a device in the list of sessions) with every text empty.
pub(crate) fn device() -> tl::types::Authorization {
    let mut required = vec![0; 12];
    for _ in 0..3 {
        String::new().serialize(&mut required);
    }
    0_i32.serialize(&mut required);
    for _ in 0..2 {
        String::new().serialize(&mut required);
    }
    0_i64.serialize(&mut required);
    for _ in 0..3 {
        String::new().serialize(&mut required);
    }
    from_required(&required)
}

/// `messageReplyHeader` that says nothing.
pub(crate) fn reply_header() -> tl::types::MessageReplyHeader {
    from_required(&[0; 4])
}

/// `messageFwdHeader` that says nothing.
pub(crate) fn forward_header() -> tl::types::MessageFwdHeader {
    from_required(&[0; 8])
}

/// `chatAdminRights` with none of them.
pub(crate) fn admin_rights() -> tl::types::ChatAdminRights {
    from_required(&[0; 4])
}

/// `chatBannedRights` that takes nothing away.
pub(crate) fn banned_rights() -> tl::types::ChatBannedRights {
    from_required(&[0; 8])
}

/// `peerNotifySettings` that says nothing.
pub(crate) fn notify_settings() -> tl::enums::PeerNotifySettings {
    tl::enums::PeerNotifySettings::Settings(from_required(&[0; 4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_blank_can_be_made_and_read_back() {
        let peer = tl::enums::Peer::Channel(tl::types::PeerChannel { channel_id: 5 });
        let message = tl::enums::Message::Message(message(&peer));
        let again = tl::enums::Message::from_bytes(&message.to_bytes()).expect("a message");
        assert_eq!(again.to_bytes(), message.to_bytes());
        assert_eq!(config().dc_options.len(), 0);
        assert_eq!((user().id, channel().id, user_full().id), (0, 0, 0));
        assert_eq!((device().hash, user().id), (0, 0));
        assert_eq!(channel_full().about, "");
        assert_eq!((reply_header().reply_to_msg_id, forward_header().date), (None, 0));
        assert!(!admin_rights().post_messages && !banned_rights().view_messages);
    }
}
