//! The one world that both faces show: users, bots, chats, messages, files and updates.
//!
//! In: changes made by the faces, by tests and by the control API, each under one short lock. Out: plain data, and a version that grows with every
//! change, for those who wait. It must not do network I/O, nor hold its lock across an await; bytes of files live on disk, never here.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::limits::Limits;

pub(crate) mod accounts;
mod bans;
pub mod bot_father;
pub mod boxes;
pub mod chats;
pub(crate) mod clock;
pub mod counters;
pub mod extras;
pub mod files;
pub mod groups;
pub mod inline;
pub mod keyboards;
pub mod messages;
mod notices;
pub(crate) mod part_rules;
pub mod pins;
pub mod post;
mod privacy;
pub mod profile;
pub mod shared;
pub mod shown;
mod srp;
pub mod stars;
mod topic_changes;
pub mod topics;
pub mod transcript;
pub mod updates;
pub(crate) mod uploads;
pub mod users;
pub mod views;

pub use bot_father::BotSettings;
pub use boxes::MessageBox;
pub use chats::{AdminRights, Channel, ChannelEvent, ChatRef, PrivateChat};
pub use counters::Counters;
pub use extras::{Extra, Service};
pub use files::{FileKind, Lane, NewFile, StoredFile};
pub use messages::{Button, ButtonAction, Entity, Forward, Message};
pub use notices::Notice;
pub use post::{Edit, NewMessage, Refused};
pub use shared::Shared;
pub use shown::{LastMessage, ShownChat, ShownMessage, ShownTopic};
pub use stars::{Invoice, Payment};
pub use updates::{CallbackAnswer, CallbackQuery, Update, UpdateKind};
pub use users::{Bot, Peer, User};
pub use views::{ButtonView, MediaView, MessageView, ThumbView};

/// A handle on the world; cheap to clone.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    version: watch::Sender<u64>,
    accounts: accounts::Accounts,
    uploads: uploads::Uploads,
    limits: Limits,
    data: PathBuf,
}

/// Everything that is remembered, as plain data.
#[derive(Debug, Default)]
pub struct State {
    /// People and bots by id.
    pub users: users::Users,
    /// Bots by user id, with their queues of updates.
    pub bots: std::collections::BTreeMap<i64, Bot>,
    /// Private chats of a person with a bot, by (bot id, user id).
    pub private_chats: std::collections::BTreeMap<(i64, i64), PrivateChat>,
    /// Channels by internal id.
    pub channels: std::collections::BTreeMap<i64, Channel>,
    /// Numbered events of private chats, by user id.
    pub boxes: std::collections::BTreeMap<i64, MessageBox>,
    /// What was uploaded.
    pub files: files::Files,
    /// Presses of buttons, by query id.
    pub callbacks: std::collections::BTreeMap<String, CallbackQuery>,
    /// Pinned messages, the newest pin last.
    pub pins: std::collections::BTreeMap<ChatRef, Vec<i32>>,
    /// Topics of forums, by internal id of the supergroup.
    pub topics: std::collections::BTreeMap<i64, std::collections::BTreeMap<i32, topics::Topic>>,
    /// The general topics of forums that are not as they were made.
    pub general_topics: std::collections::BTreeMap<i64, topics::GeneralTopic>,
    /// Questions to bots from any chat.
    pub inline: inline::Inline,
    /// Stars, and what was paid with them.
    pub stars: stars::Stars,
    /// How often what was called, and how much was moved.
    pub counters: Counters,
    /// Calls that were not understood: methods not served, arguments not read.
    pub refusals: Vec<String>,
    /// What real Telegram would have ignored without a word (a thumbnail that is too large, a video that is no MP4).
    pub warnings: Vec<String>,
}

impl World {
    /// An empty world that keeps its files under `data`.
    pub fn new(data: &Path, limits: Limits) -> Self {
        let (version, _) = watch::channel(0);
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(State::default()),
                version,
                accounts: accounts::Accounts::default(),
                uploads: uploads::Uploads::new(data.join("parts"), limits.part_lifetime),
                limits,
                data: data.to_owned(),
            }),
        }
    }

    /// Looks at the state. Keep it short: the whole world waits.
    pub fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.lock())
    }

    /// Changes the state and wakes everybody who waits for a change.
    pub fn change<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let result = act(&mut self.lock());
        self.inner.version.send_modify(|version| *version += 1);
        result
    }

    /// Counts something without waking anybody.
    pub fn count(&self, act: impl FnOnce(&mut Counters)) {
        act(&mut self.lock().counters);
    }

    /// The number of changes so far.
    pub fn version(&self) -> u64 {
        *self.inner.version.borrow()
    }

    /// Waits until the version is above `seen` and returns it.
    pub async fn changed_after(&self, seen: u64) -> u64 {
        let mut versions = self.inner.version.subscribe();
        match versions.wait_for(|version| *version > seen).await {
            Ok(version) => *version,
            // The sender lives in `self`.
            Err(_) => seen,
        }
    }

    /// Records a call that is not served or could not be read.
    pub fn refuse(&self, what: impl Into<String>) {
        let what = what.into();
        tracing::warn!(%what, "refused");
        self.lock().refusals.push(what);
    }

    /// The calls that were not understood so far, which are forgotten by that: for a test that makes such a call on purpose.
    pub fn take_refusals(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().refusals)
    }

    /// Records what real Telegram would have ignored silently.
    pub fn warn(&self, what: impl Into<String>) {
        let what = what.into();
        tracing::info!(%what, "ignored, as Telegram does");
        self.lock().warnings.push(what);
    }

    /// Phone accounts and logins (the MTProto face's own state).
    pub(crate) fn accounts(&self) -> &accounts::Accounts {
        &self.inner.accounts
    }

    /// Parts of files that are being uploaded over MTProto.
    pub(crate) fn uploads(&self) -> &uploads::Uploads {
        &self.inner.uploads
    }

    /// The limits that both faces keep.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// The folder for files of any kind.
    pub fn data(&self) -> &Path {
        &self.inner.data
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a reader leaves plain data that is still worth showing.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since 1970, as Telegram's dates are.
pub fn now_unix() -> i32 {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i32::try_from(seconds).unwrap_or(i32::MAX)
}
