//! Groups and supergroups: who comes and goes, and who is told.
//!
//! In: invitations, a group that grows up. Out: service messages, `my_chat_member` and `chat_member`. Both kinds are channels of the world whose members may
//! write; what is small in a group is its number (<https://core.telegram.org/api/bots/ids>). It must not judge who may do what.

use super::chats::{Channel, ChatRef, Standing};
use super::extras::Service;
use super::post::NewMessage;
use super::updates::UpdateKind;
use super::{State, World, now_unix};

/// Groups have numbers below this, channels and supergroups above.
const FIRST_CHANNEL_NUMBER: i64 = 1_000_000_000;
const FIRST_GROUP_ID: i64 = 400_000_001;

/// It is a group of the simple kind, without a name that others could find it by.
pub fn is_basic(id: i64) -> bool {
    id < FIRST_CHANNEL_NUMBER
}

impl Channel {
    /// `group`, `supergroup` or `channel`, as the Bot API says it.
    pub fn kind_name(&self) -> &'static str {
        match self.megagroup {
            true if is_basic(self.id) => "group",
            true => "supergroup",
            false => "channel",
        }
    }

    /// What somebody is here.
    pub fn standing_of(&self, user: i64) -> Standing {
        match self.rights_of(user) {
            Some(_) if user == self.creator => Standing::Creator,
            Some(rights) => Standing::Admin(rights),
            None if self.members.contains(&user) => Standing::Member,
            None if self.banned.contains(&user) => Standing::Banned,
            None => Standing::Left,
        }
    }
}

impl State {
    /// Makes a group of the simple kind that belongs to `creator`.
    pub fn create_group(&mut self, creator: i64, title: &str) -> i64 {
        let used = self.channels.keys().copied().filter(|id| is_basic(*id)).max();
        let id = used.map_or(FIRST_GROUP_ID, |last| last + 1);
        self.insert_channel(id, creator, title, "", true);
        id
    }

    /// Puts a user into a channel or a group. `false` if there is no such place or the user is in it already.
    pub fn invite(&mut self, channel: i64, user: i64, by: i64) -> bool {
        let Some(found) = self.channels.get_mut(&channel).filter(|channel| !channel.deleted) else {
            return false;
        };
        let old = found.standing_of(user);
        found.banned.remove(&user);
        let joined = found.members.insert(user);
        if joined {
            self.tell_standing(ChatRef::Channel(channel), user, by, old, Standing::Member);
        }
        joined
    }

    /// Tells of a change of standing: `who` if it is a bot, other bots that are admins there, and everybody in a group by a service message.
    pub(super) fn tell_standing(&mut self, chat: ChatRef, who: i64, by: i64, old: Standing, new: Standing) {
        if old == new {
            return;
        }
        let update = |own: bool| UpdateKind::Standing { own, who, chat, by, old, new, date: now_unix() };
        self.queue_update(who, update(true));
        let ChatRef::Channel(id) = chat else {
            return;
        };
        let Some(channel) = self.channels.get(&id) else {
            return;
        };
        let (is_group, admins) = (channel.megagroup, channel.admins.keys().copied().filter(|admin| *admin != who).collect::<Vec<_>>());
        for bot in admins {
            self.queue_update(bot, update(false));
        }
        if !is_group {
            return;
        }
        let service = match (old.is_in(), new.is_in()) {
            (false, true) => Service::Joined(who),
            (true, false) => Service::Left(who),
            _ => return,
        };
        self.post_service(chat, by, service);
    }

    /// Puts a service message into a chat.
    pub fn post_service(&mut self, chat: ChatRef, author: i64, service: Service) {
        let new = NewMessage { author, extra: service.into(), ..NewMessage::default() };
        if let Err(error) = self.post(chat, new) {
            tracing::error!(%error, "what happened could not be told");
        }
    }
}

impl World {
    /// A group becomes a supergroup, with another number, as it does when its owner gives it a public name or topics. `None` if there is no such group.
    pub fn upgrade_group(&self, group: i64) -> Option<i64> {
        self.change(|state| {
            let old =
                state.channels.get(&group).filter(|found| is_basic(found.id) && found.upgraded_to.is_none() && !found.deleted)?.clone();
            let id = state.create_channel(old.creator, &old.title, &old.about, true);
            state.post_service(ChatRef::Channel(group), old.creator, Service::MigratedTo(id));
            if let Some(new) = state.channels.get_mut(&id) {
                new.members = old.members;
                new.admins = old.admins;
                new.banned = old.banned;
            }
            if let Some(found) = state.channels.get_mut(&group) {
                found.upgraded_to = Some(id);
            }
            state.post_service(ChatRef::Channel(id), old.creator, Service::MigratedFrom(group));
            Some(id)
        })
    }
}
