//! Users and channels as TL objects, as a certain user sees them.
//!
//! In: the world's state and who looks. Out: TL objects. Who is not in a private channel gets `channelForbidden`. It must not change anything.

use std::collections::BTreeSet;

use grammers_tl_types as tl;

use super::tl_blank;
use crate::world::{AdminRights, Channel, ChatRef, Forward, Message, Service, State};

/// A user; `None` if there is none.
pub(crate) fn user(state: &State, viewer: i64, id: i64) -> Option<tl::enums::User> {
    let user = state.users.get(id)?;
    Some(tl::enums::User::User(tl::types::User {
        is_self: viewer == id,
        bot: user.is_bot,
        bot_info_version: user.is_bot.then_some(1),
        premium: user.premium,
        id,
        access_hash: Some(user.access_hash),
        first_name: Some(user.first_name.clone()),
        username: user.username.clone(),
        // Clients get it without the plus.
        phone: user.phone.as_ref().filter(|_| viewer == id).map(|phone| phone.replace('+', "")),
        ..tl_blank::user()
    }))
}

/// A channel.
pub(crate) fn channel(state: &State, channel: &Channel, viewer: i64) -> tl::enums::Chat {
    let is_member = channel.is_member(viewer);
    if !is_member && (channel.username.is_none() || channel.banned.contains(&viewer)) {
        return tl::enums::Chat::ChannelForbidden(tl::types::ChannelForbidden {
            broadcast: !channel.megagroup,
            megagroup: channel.megagroup,
            monoforum: false,
            id: channel.id,
            access_hash: channel.access_hash,
            title: channel.title.clone(),
            until_date: None,
        });
    }
    tl::enums::Chat::Channel(tl::types::Channel {
        creator: channel.creator == viewer,
        left: !is_member,
        broadcast: !channel.megagroup,
        megagroup: channel.megagroup,
        noforwards: channel.noforwards,
        forum: state.topics.contains_key(&channel.id),
        id: channel.id,
        access_hash: Some(channel.access_hash),
        title: channel.title.clone(),
        username: channel.username.clone(),
        date: channel.date,
        admin_rights: channel.rights_of(viewer).map(admin_rights),
        participants_count: i32::try_from(channel.members.len()).ok(),
        ..tl_blank::channel()
    })
}

/// An admin's rights.
pub(crate) fn admin_rights(rights: AdminRights) -> tl::enums::ChatAdminRights {
    tl::enums::ChatAdminRights::Rights(tl::types::ChatAdminRights {
        change_info: rights.change_info,
        post_messages: rights.post_messages,
        edit_messages: rights.edit_messages,
        delete_messages: rights.delete_messages,
        ban_users: rights.ban_users,
        invite_users: rights.invite_users,
        pin_messages: rights.pin_messages,
        add_admins: rights.add_admins,
        manage_topics: rights.manage_topics,
        other: rights.other,
        ..tl_blank::admin_rights()
    })
}

/// The rights that a client asks for.
pub(crate) fn read_rights(rights: &tl::enums::ChatAdminRights) -> AdminRights {
    let tl::enums::ChatAdminRights::Rights(rights) = rights;
    AdminRights {
        change_info: rights.change_info,
        post_messages: rights.post_messages,
        edit_messages: rights.edit_messages,
        delete_messages: rights.delete_messages,
        ban_users: rights.ban_users,
        invite_users: rights.invite_users,
        pin_messages: rights.pin_messages,
        add_admins: rights.add_admins,
        manage_topics: rights.manage_topics,
        other: rights.other,
    }
}

/// The chat of a message, as a peer for `viewer`.
pub(crate) fn peer(chat: ChatRef, viewer: i64) -> tl::enums::Peer {
    match chat {
        ChatRef::Channel(channel_id) => tl::enums::Peer::Channel(tl::types::PeerChannel { channel_id }),
        ChatRef::Private { bot, user } => user_peer(if viewer == bot { user } else { bot }),
    }
}

/// A user as a peer.
pub(crate) fn user_peer(user_id: i64) -> tl::enums::Peer {
    tl::enums::Peer::User(tl::types::PeerUser { user_id })
}

/// The users and chats that messages mention, without repetition: answers carry them beside the messages.
#[derive(Debug, Default)]
pub(crate) struct Mentioned {
    users: BTreeSet<i64>,
    channels: BTreeSet<i64>,
}

impl Mentioned {
    /// Notes whom a message mentions.
    pub(crate) fn message(&mut self, message: &Message) -> &mut Self {
        match message.forward.as_ref() {
            Some(Forward { chat: ChatRef::Channel(id), author, .. }) => {
                self.channel(*id).user(*author);
            }
            Some(forward) => {
                self.user(forward.author);
            }
            None => {}
        }
        if let Some(Service::Joined(id) | Service::Left(id)) = message.extra.service {
            self.user(id);
        }
        match message.chat {
            ChatRef::Channel(id) => {
                self.channel(id).user(message.author);
            }
            ChatRef::Private { bot, user } => {
                self.user(bot).user(user);
            }
        }
        self
    }

    /// Notes a user.
    pub(crate) fn user(&mut self, id: i64) -> &mut Self {
        self.users.insert(id);
        self
    }

    /// Notes a channel.
    pub(crate) fn channel(&mut self, id: i64) -> &mut Self {
        self.channels.insert(id);
        self
    }

    /// The users noted.
    pub(crate) fn users(&self, state: &State, viewer: i64) -> Vec<tl::enums::User> {
        self.users.iter().filter_map(|id| user(state, viewer, *id)).collect()
    }

    /// The channels noted.
    pub(crate) fn chats(&self, state: &State, viewer: i64) -> Vec<tl::enums::Chat> {
        let found = self.channels.iter().filter_map(|id| state.channels.get(id));
        found.map(|found| channel(state, found, viewer)).collect()
    }
}

/// `updates` with what they mention.
pub(crate) fn updates(state: &State, viewer: i64, updates: Vec<tl::enums::Update>, mentioned: &Mentioned) -> tl::enums::Updates {
    tl::enums::Updates::Updates(tl::types::Updates {
        updates,
        users: mentioned.users(state, viewer),
        chats: mentioned.chats(state, viewer),
        date: crate::world::now_unix(),
        seq: 0,
    })
}
