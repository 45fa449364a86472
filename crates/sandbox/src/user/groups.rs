//! Being the user in groups: making them, coming, going, bringing the bot; and links that start it.
//!
//! In: what a person does. Out: the same person in the group, who writes, presses and sees there. It must not judge rights (a person here owns the groups that
//! they change).

use anyhow::{Context, bail};

use super::TestUser;
use crate::world::AdminRights;
use crate::world::topics::ICON_COLORS;

/// <https://core.telegram.org/bots/features#deep-linking>
const MAX_PAYLOAD: usize = 64;

impl TestUser {
    /// Makes a group of the simple kind and goes there. The bot is not in it.
    pub fn creates_group(&self, title: &str) -> Self {
        let group = self.world.change(|state| state.create_group(self.user, title));
        self.in_chat(group)
    }

    /// Makes a supergroup and goes there. The bot is not in it.
    pub fn creates_supergroup(&self, title: &str) -> Self {
        let group = self.world.change(|state| state.create_channel(self.user, title, "", true));
        self.in_chat(group)
    }

    /// Joins the group that somebody else is in, and goes there.
    pub fn joins(&self, other: &Self) -> Self {
        if let Some(group) = other.group {
            self.world.change(|state| state.add_member(group, self.user));
        }
        Self { group: other.group, topic: other.topic, ..self.clone() }
    }

    /// Leaves the group.
    pub fn leaves(&self) {
        if let Some(group) = self.group {
            self.world.change(|state| state.remove_member(group, self.user, self.user, false));
        }
    }

    /// Adds the bot to the group. Error: the bot cannot be added to groups, or this is no group.
    pub fn adds_bot(&self) -> anyhow::Result<()> {
        let group = self.group.context("this is no group")?;
        self.world.change(|state| {
            if !state.settings_of(self.bot).can_join_groups {
                bail!("BOT_GROUPS_BLOCKED");
            }
            state.invite(group, self.bot, self.user);
            Ok(())
        })
    }

    /// Takes the bot out of the group, for good.
    pub fn removes_bot(&self) {
        if let Some(group) = self.group {
            self.world.change(|state| state.remove_member(group, self.bot, self.user, true));
        }
    }

    /// Makes the bot an admin of the group, or with `None` a plain member.
    pub fn promotes_bot(&self, rights: Option<AdminRights>) {
        if let Some(group) = self.group {
            self.world.change(|state| state.set_admin(group, self.bot, rights, self.user));
        }
    }

    /// Makes the group a supergroup and goes there. Error: it is none of the simple kind.
    pub fn upgrades_group(&self) -> anyhow::Result<Self> {
        let upgraded = self.group.and_then(|group| self.world.upgrade_group(group));
        Ok(self.in_chat(upgraded.context("this is no group of the simple kind")?))
    }

    /// Opens a link that starts the bot: `https://t.me/<bot>?start=<payload>` in the chat with it, `?startgroup=<payload>` in a group, which the bot is added to.
    /// Returns the message's number. Errors: the link is not for this bot, its payload is none, the bot cannot be added.
    pub async fn opens(&self, link: &str) -> anyhow::Result<i32> {
        let url = url::Url::parse(link).context("no link")?;
        let name = self.bot_name();
        anyhow::ensure!(url.path().trim_start_matches('/').eq_ignore_ascii_case(&name), "the link is not for {name}");
        let (key, payload) = url.query_pairs().next().context("a link without a payload")?;
        let right_letters = payload.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
        anyhow::ensure!(right_letters && (1..=MAX_PAYLOAD).contains(&payload.len()), "START_PARAM_INVALID");
        match (key.as_ref(), self.group) {
            ("start", None) => Ok(self.sends(&format!("/start {payload}")).await),
            ("startgroup", Some(_)) => {
                self.adds_bot()?;
                Ok(self.sends(&format!("/start@{name} {payload}")).await)
            }
            _ => bail!("\"{key}\" does nothing here"),
        }
    }

    /// Makes the supergroup a forum. `false` if it is none.
    pub fn makes_forum(&self) -> bool {
        self.group.is_some_and(|group| self.world.make_forum(group))
    }

    /// Makes a topic of the forum and goes there. Error: this is no forum.
    pub fn creates_topic(&self, name: &str) -> anyhow::Result<Self> {
        let group = self.group.context("this is no group")?;
        let topic = self.world.change(|state| state.create_topic(group, self.user, name, ICON_COLORS[0], None));
        Ok(self.in_topic(topic.context("this is no forum")?.id))
    }

    /// Goes to a topic, by its `message_thread_id`.
    pub fn in_topic(&self, topic: i32) -> Self {
        Self { topic: Some(topic), ..self.clone() }
    }

    /// The topic's `message_thread_id`.
    pub fn topic_id(&self) -> Option<i32> {
        self.topic
    }

    /// The chat's id for the bot.
    pub fn chat_id(&self) -> i64 {
        self.chat().bot_api_id()
    }

    /// The same person in a group that there is, by internal id.
    pub(crate) fn in_chat(&self, group: i64) -> Self {
        Self { group: Some(group), topic: None, ..self.clone() }
    }

    fn bot_name(&self) -> String {
        self.world.user_by_id(self.bot).and_then(|bot| bot.username).unwrap_or_default()
    }
}
