//! Private chats and channels, who is in them, and with what rights.
//!
//! In: joins, promotions, removals. Out: chats and their messages. It must not judge who may do what: the faces do, by the rights kept here.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::groups::is_basic;
use super::messages::Message;
use super::{State, World, now_unix};

/// Which chat a message is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChatRef {
    /// The chat of a person with a bot.
    Private {
        /// The bot's user id.
        bot: i64,
        /// The person's id.
        user: i64,
    },
    /// A channel, by internal id.
    Channel(i64),
}

impl ChatRef {
    /// The chat's id for the Bot API: the person's id, `-100` before the channel's, `-` before the group's.
    pub fn bot_api_id(self) -> i64 {
        match self {
            Self::Private { user, .. } => user,
            Self::Channel(id) => bot_api_channel_id(id),
        }
    }
}

/// The Bot API's id of a channel or group with this internal id (<https://core.telegram.org/api/bots/ids>).
pub fn bot_api_channel_id(id: i64) -> i64 {
    if is_basic(id) { -id } else { -1_000_000_000_000 - id }
}

/// The internal id behind a Bot API id, if that is a channel's or a group's.
pub fn channel_of_bot_api_id(id: i64) -> Option<i64> {
    match -1_000_000_000_000 - id {
        channel if channel > 0 => Some(channel),
        _ => Some(-id).filter(|group| *group > 0 && is_basic(*group)),
    }
}

/// The chat of a person with a bot.
#[derive(Debug, Clone, Default)]
pub struct PrivateChat {
    /// The person has written first, so that the bot may write.
    pub started: bool,
    /// The person has blocked the bot.
    pub blocked: bool,
    /// What can be seen.
    pub messages: BTreeMap<i32, Message>,
    /// What was deleted.
    pub deleted: Vec<Message>,
    /// What the bot is doing ("typing", "upload_video"), with the time it was said.
    pub action: Option<(String, i32)>,
}

/// A channel (or a supergroup).
#[derive(Debug, Clone)]
pub struct Channel {
    /// The internal id.
    pub id: i64,
    /// What MTProto clients have to name beside the id.
    pub access_hash: i64,
    /// Its name.
    pub title: String,
    /// Its description.
    pub about: String,
    /// Set for public ones.
    pub username: Option<String>,
    /// A supergroup rather than a broadcast channel.
    pub megagroup: bool,
    /// Who made it.
    pub creator: i64,
    /// Seconds since 1970.
    pub date: i32,
    /// Members, the creator and the admins among them.
    pub members: BTreeSet<i64>,
    /// Who was removed and may not come back alone.
    pub banned: BTreeSet<i64>,
    /// Admins other than the creator.
    pub admins: BTreeMap<i64, AdminRights>,
    /// What can be seen.
    pub messages: BTreeMap<i32, Message>,
    /// What was deleted.
    pub gone: Vec<Message>,
    /// The id that the next message gets.
    pub next_message_id: i32,
    /// Number of the last event, as MTProto counts them.
    pub pts: i32,
    /// When the last event was, in seconds since 1970.
    pub changed: i32,
    /// Events with the number that each brought the channel to.
    pub events: Vec<(i32, ChannelEvent)>,
    /// The whole channel is gone.
    pub deleted: bool,
    /// Members may not forward or copy from it.
    pub noforwards: bool,
    /// The supergroup that this group has become.
    pub upgraded_to: Option<i64>,
}

/// What happened in a channel or a private chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelEvent {
    /// A message came.
    Posted(i32),
    /// A message was changed.
    Edited(i32),
    /// A message went.
    Deleted(i32),
}

/// What an admin of a channel may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AdminRights {
    /// Change title, photo and the like.
    pub change_info: bool,
    /// Post.
    pub post_messages: bool,
    /// Edit others' posts.
    pub edit_messages: bool,
    /// Delete others' posts.
    pub delete_messages: bool,
    /// Remove members.
    pub ban_users: bool,
    /// Add members.
    pub invite_users: bool,
    /// Pin.
    pub pin_messages: bool,
    /// Make others admins.
    pub add_admins: bool,
    /// Make, change and close topics.
    pub manage_topics: bool,
    /// Everything that comes with being an admin at all.
    pub other: bool,
}

impl AdminRights {
    /// Every right but that of making admins.
    pub fn full() -> Self {
        Self {
            change_info: true,
            post_messages: true,
            edit_messages: true,
            delete_messages: true,
            ban_users: true,
            invite_users: true,
            pin_messages: true,
            add_admins: false,
            manage_topics: true,
            other: true,
        }
    }
}

impl Channel {
    /// The rights of this user; the creator has all, others only those they were given.
    pub fn rights_of(&self, user: i64) -> Option<AdminRights> {
        if user == self.creator {
            return Some(AdminRights { add_admins: true, ..AdminRights::full() });
        }
        self.admins.get(&user).copied()
    }

    /// Is in the channel.
    pub fn is_member(&self, user: i64) -> bool {
        !self.deleted && self.members.contains(&user)
    }

    pub(super) fn record(&mut self, event: ChannelEvent) {
        self.pts += 1;
        self.changed = now_unix();
        self.events.push((self.pts, event));
    }
}

const FIRST_CHANNEL_ID: i64 = 1_900_000_001;

impl State {
    /// Makes a channel (or a supergroup) that belongs to `creator`.
    pub fn create_channel(&mut self, creator: i64, title: &str, about: &str, megagroup: bool) -> i64 {
        let used = self.channels.keys().next_back().copied().filter(|id| !is_basic(*id));
        let id = used.map_or(FIRST_CHANNEL_ID, |last| last + 1);
        self.insert_channel(id, creator, title, about, megagroup);
        id
    }

    pub(super) fn insert_channel(&mut self, id: i64, creator: i64, title: &str, about: &str, megagroup: bool) {
        let channel = Channel {
            id,
            access_hash: rand::rng().random(),
            title: title.to_owned(),
            about: about.to_owned(),
            username: None,
            megagroup,
            creator,
            date: now_unix(),
            members: BTreeSet::from([creator]),
            banned: BTreeSet::new(),
            admins: BTreeMap::new(),
            messages: BTreeMap::new(),
            gone: Vec::new(),
            // The service message "channel created" is the first one.
            next_message_id: 2,
            pts: 1,
            changed: now_unix(),
            events: Vec::new(),
            deleted: false,
            noforwards: false,
            upgraded_to: None,
        };
        self.channels.insert(id, channel);
    }

    /// A user joins. `false` if there is no such channel or the user is in it already.
    pub fn add_member(&mut self, channel: i64, user: i64) -> bool {
        self.invite(channel, user, user)
    }

    /// Makes a user an admin (who joins by that), or with `None` a plain member. A bot is told by `my_chat_member`.
    pub fn set_admin(&mut self, channel: i64, user: i64, rights: Option<AdminRights>, by: i64) -> bool {
        let Some(found) = self.channels.get_mut(&channel).filter(|channel| !channel.deleted) else {
            return false;
        };
        let old = found.standing_of(user);
        found.banned.remove(&user);
        found.members.insert(user);
        match rights {
            Some(rights) => found.admins.insert(user, rights),
            None => found.admins.remove(&user),
        };
        let new = rights.map_or(Standing::Member, Standing::Admin);
        self.tell_standing(ChatRef::Channel(channel), user, by, old, new);
        true
    }

    /// Takes a user out of a channel; `ban` keeps it out.
    pub fn remove_member(&mut self, channel: i64, user: i64, by: i64, ban: bool) -> bool {
        let Some(found) = self.channels.get_mut(&channel) else {
            return false;
        };
        let old = found.standing_of(user);
        found.admins.remove(&user);
        let was_in = found.members.remove(&user);
        if ban {
            found.banned.insert(user);
        }
        if was_in {
            let new = if ban { Standing::Banned } else { Standing::Left };
            self.tell_standing(ChatRef::Channel(channel), user, by, old, new);
        }
        was_in
    }

    /// Ends a channel for everybody.
    pub fn delete_channel(&mut self, channel: i64) -> bool {
        match self.channels.get_mut(&channel).filter(|channel| !channel.deleted) {
            Some(found) => {
                found.deleted = true;
                found.username = None;
                true
            }
            None => false,
        }
    }

    /// The person blocks the bot or takes that back; the bot is told by `my_chat_member`.
    pub fn set_blocked(&mut self, bot: i64, user: i64, blocked: bool) {
        let chat = self.private_chats.entry((bot, user)).or_default();
        if std::mem::replace(&mut chat.blocked, blocked) == blocked {
            return;
        }
        let (old, new) = match blocked {
            true => (Standing::Member, Standing::Banned),
            false => (Standing::Banned, Standing::Member),
        };
        self.tell_standing(ChatRef::Private { bot, user }, bot, user, old, new);
    }
}

/// What a user is in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not in it.
    Left,
    /// In it, without rights.
    Member,
    /// Its owner.
    Creator,
    /// An admin.
    Admin(AdminRights),
    /// Removed for good (of a private chat: the bot is blocked).
    Banned,
}

impl Standing {
    /// Sees what is written there.
    pub fn is_in(self) -> bool {
        !matches!(self, Self::Left | Self::Banned)
    }
}

impl World {
    /// Ends a channel for everybody, as its owner or Telegram would. `false` if there is none.
    pub fn delete_channel(&self, channel: i64) -> bool {
        self.change(|state| state.delete_channel(channel))
    }

    /// Takes a bot out of a channel.
    pub fn remove_bot(&self, channel: i64, bot: i64) -> bool {
        self.change(|state| {
            let by = state.channels.get(&channel).map_or(0, |channel| channel.creator);
            state.remove_member(channel, bot, by, true)
        })
    }
}
