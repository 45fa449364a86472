//! People and bots, and who a username belongs to.
//!
//! In: names. Out: ids, tokens, look-ups. It must not know of phones and logins (`accounts`) nor of chats.

use std::collections::{BTreeMap, VecDeque};

use rand::RngExt;
use serde::Serialize;
use tokio::time::Instant;

use super::bot_father::BotSettings;
use super::profile::Profile;
use super::updates::{Update, Webhook};
use super::{State, World};

/// A person or a bot, as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// The id; private chats have the id of the person.
    pub id: i64,
    /// What MTProto clients have to name beside the id.
    #[serde(skip)]
    pub access_hash: i64,
    /// First name, or the name of the bot.
    pub first_name: String,
    /// Without the `@`.
    pub username: Option<String>,
    /// IETF tag that the Bot API passes on.
    pub language_code: Option<String>,
    /// Has Telegram Premium.
    pub premium: bool,
    /// Is a bot.
    pub is_bot: bool,
    /// Set for accounts that can log in.
    pub phone: Option<String>,
}

/// What belongs to a bot beside its user.
#[derive(Debug, Clone)]
pub struct Bot {
    /// The user id.
    pub id: i64,
    /// `<id>:<secret>`.
    pub token: String,
    /// Updates that were not confirmed yet, oldest first.
    pub queue: VecDeque<Update>,
    /// The id that the next update gets.
    pub next_update_id: i32,
    /// The id that the next message in any private chat of this bot gets.
    pub next_message_id: i32,
    /// Kinds of updates that are wanted; `None` is the default set.
    pub allowed_updates: Option<Vec<String>>,
    /// Where updates are pushed to, if anywhere.
    pub webhook: Option<Webhook>,
    /// Grows with every `getUpdates` and every change of the webhook, so that an older poll knows that it was replaced.
    pub poll_epoch: u64,
    /// Until when it cannot use this server, because it has logged out.
    pub logged_out_until: Option<Instant>,
    /// What its owner has settled.
    pub settings: BotSettings,
    /// What it says of itself.
    pub profile: Profile,
}

/// Who a username or an id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A person or a bot, by id.
    User(i64),
    /// A channel, by internal id.
    Channel(i64),
}

/// People and bots by id.
#[derive(Debug, Default)]
pub struct Users {
    by_id: BTreeMap<i64, User>,
}

/// Above 2^32, so that a client that cuts ids to 32 bits shows.
const FIRST_PERSON_ID: i64 = 5_000_000_001;
const FIRST_BOT_ID: i64 = 7_000_000_001;

impl Users {
    /// The user with this id.
    pub fn get(&self, id: i64) -> Option<&User> {
        self.by_id.get(&id)
    }

    /// The same, to change.
    pub fn get_mut(&mut self, id: i64) -> Option<&mut User> {
        self.by_id.get_mut(&id)
    }

    /// The user with this username (any case, with or without `@`).
    pub fn named(&self, username: &str) -> Option<&User> {
        let wanted = username.trim_start_matches('@');
        self.by_id.values().find(|user| user.username.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(wanted)))
    }

    /// All of them, by id.
    pub fn all(&self) -> impl Iterator<Item = &User> {
        self.by_id.values()
    }
}

impl State {
    /// Adds a person. `username` may be empty for none.
    pub fn add_person(&mut self, first_name: &str, username: &str, premium: bool, phone: Option<&str>) -> User {
        let id = self.free_id(FIRST_PERSON_ID, false);
        self.insert(User {
            id,
            access_hash: rand::rng().random(),
            first_name: first_name.to_owned(),
            username: (!username.is_empty()).then(|| username.to_owned()),
            language_code: Some("en".to_owned()),
            premium,
            is_bot: false,
            phone: phone.map(str::to_owned),
        })
    }

    /// Adds a bot and mints its token.
    pub fn add_bot(&mut self, username: &str) -> Bot {
        let id = self.free_id(FIRST_BOT_ID, true);
        let secret: String = rand::rng().sample_iter(rand::distr::Alphanumeric).take(35).map(char::from).collect();
        self.insert(User {
            id,
            access_hash: rand::rng().random(),
            first_name: username.to_owned(),
            username: Some(username.to_owned()),
            language_code: None,
            premium: false,
            is_bot: true,
            phone: None,
        });
        let bot = Bot {
            id,
            token: format!("{id}:{secret}"),
            queue: VecDeque::new(),
            // Real ones start anywhere.
            next_update_id: 100_000_001,
            next_message_id: 1,
            allowed_updates: None,
            webhook: None,
            poll_epoch: 0,
            logged_out_until: None,
            settings: BotSettings::default(),
            profile: Profile::default(),
        };
        self.bots.insert(id, bot.clone());
        bot
    }

    /// The bot that a token belongs to.
    pub fn bot_by_token(&self, token: &str) -> Option<&Bot> {
        let id: i64 = token.split_once(':')?.0.parse().ok()?;
        self.bots.get(&id).filter(|bot| bot.token == token)
    }

    /// Who a username belongs to: a person, a bot, or a public channel.
    pub fn resolve_username(&self, username: &str) -> Option<Peer> {
        let wanted = username.trim_start_matches('@');
        if let Some(user) = self.users.named(wanted) {
            return Some(Peer::User(user.id));
        }
        self.channels
            .values()
            .find(|channel| channel.username.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(wanted)))
            .map(|channel| Peer::Channel(channel.id))
    }

    fn free_id(&self, first: i64, bots: bool) -> i64 {
        let taken = self.users.all().filter(|user| user.is_bot == bots).map(|user| user.id + 1);
        taken.max().unwrap_or(first)
    }

    fn insert(&mut self, user: User) -> User {
        self.users.by_id.insert(user.id, user.clone());
        user
    }
}

impl World {
    /// Adds a person whose first name is the username with a capital.
    pub fn add_person_named(&self, username: &str) -> User {
        let mut letters = username.chars();
        let first_name: String = letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
        self.change(|state| state.add_person(&first_name, username, false, None))
    }

    /// The user with this id.
    pub fn user_by_id(&self, id: i64) -> Option<User> {
        self.read(|state| state.users.get(id).cloned())
    }
}
