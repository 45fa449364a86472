//! What a session is told unasked: the events of its user's chats that it does not know yet.
//!
//! In: the world whenever it changed, and what the session did itself (the answer to its call says that already). Out: updates to push. It begins with the
//! first call of somebody who is logged in and is not wrapped in `invokeWithoutUpdates` (<https://core.telegram.org/api/invoking>), and goes on from
//! connection to connection. It must not send anything.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use grammers_tl_types as tl;

use super::tl_update::Told;
use super::tl_view;
use crate::world::{ChatRef, State, World};

/// One session's place in the events of its user.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    place: Mutex<Option<Place>>,
    /// Numbers of events that the session brought about, by channel; `None` is the box of private chats. With a lock of its own, since it is written
    /// while the world is locked.
    own: Mutex<HashSet<(Option<i64>, i32)>>,
}

#[derive(Debug)]
struct Place {
    user: i64,
    box_pts: i32,
    /// By channel. One that is not here is younger than the feed.
    channels: BTreeMap<i64, i32>,
}

impl Feed {
    /// Begins to follow what `user` sees, unless it does already.
    pub(crate) fn follow(&self, world: &World, user: i64) {
        let mut place = lock(&self.place);
        if place.as_ref().is_some_and(|place| place.user == user) {
            return;
        }
        lock(&self.own).clear();
        let now = |state: &State| Place {
            user,
            box_pts: state.box_pts(user),
            channels: state.channels.iter().map(|(id, channel)| (*id, channel.pts)).collect(),
        };
        *place = Some(world.read(now));
    }

    /// The session brought this event about, and is told of it by the answer to its call.
    pub(crate) fn knows(&self, chat: ChatRef, pts: i32) {
        let channel = match chat {
            ChatRef::Channel(id) => Some(id),
            ChatRef::Private { .. } => None,
        };
        lock(&self.own).insert((channel, pts));
    }

    /// What happened since the last time, if anything. `user` is who is logged in now.
    pub(crate) fn news(&self, world: &World, user: i64) -> Option<tl::enums::Updates> {
        let mut place = lock(&self.place);
        let place = place.as_mut().filter(|place| place.user == user)?;
        world.read(|state| {
            let mut told = Told::default();
            let mut own = lock(&self.own);
            if let Some(found) = state.boxes.get(&user) {
                for event in found.events.iter().rev().take_while(|(pts, _, _)| *pts > place.box_pts).collect::<Vec<_>>().into_iter().rev()
                {
                    if !own.remove(&(None, event.0)) {
                        told.event(state, user, *event);
                    }
                }
                place.box_pts = found.pts;
            }
            for (id, channel) in &state.channels {
                let seen = place.channels.insert(*id, channel.pts).unwrap_or(1);
                let since: Vec<_> = channel.events.iter().rev().take_while(|(pts, _)| *pts > seen).collect();
                for (pts, event) in since.into_iter().rev() {
                    if !own.remove(&(Some(*id), *pts)) && channel.is_member(user) {
                        told.event(state, user, (*pts, ChatRef::Channel(*id), *event));
                    }
                }
            }
            let (updates, mentioned) = told.into_updates();
            (!updates.is_empty()).then(|| tl_view::updates(state, user, updates, &mentioned))
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
