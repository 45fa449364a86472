//! Being the user: send, press, see.
//!
//! In: what a person does in the chat with a bot. Out: what they see, waited for without polling. It must not look behind the chat.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::Instant;

mod groups;
mod inline;
mod marks;
mod pays;

pub use inline::{InlineOffer, InlineResults};
pub use pays::Receipt;

use crate::detect;
use crate::world::transcript::transcript;
use crate::world::{CallbackAnswer, ChatRef, MessageView, NewMessage, World};

/// How long a button or an answer is waited for.
const PRESS_WITHIN: Duration = Duration::from_secs(10);

/// A person in the chat with a bot, or in a group; cheap to clone.
#[derive(Clone)]
pub struct TestUser {
    world: World,
    bot: i64,
    user: i64,
    /// A group, by internal id, if it is not the chat with the bot.
    group: Option<i64>,
    /// A topic of that group.
    topic: Option<i32>,
}

impl TestUser {
    pub(crate) fn new(world: World, bot: i64, user: i64) -> Self {
        Self { world, bot, user, group: None, topic: None }
    }

    /// The person's id, which is that of their chat with the bot.
    pub fn id(&self) -> i64 {
        self.user
    }

    /// The chat.
    pub fn chat(&self) -> ChatRef {
        self.group.map_or(ChatRef::Private { bot: self.bot, user: self.user }, ChatRef::Channel)
    }

    /// Writes to the bot. Links and commands are marked as a client's server does. Returns the message's number.
    pub async fn sends(&self, text: &str) -> i32 {
        self.posts(NewMessage { entities: detect::entities(text), ..NewMessage::text(self.user, text) })
    }

    /// Answers a message.
    pub async fn replies(&self, message_id: i32, text: &str) -> i32 {
        self.posts(NewMessage { entities: detect::entities(text), reply_to: Some(message_id), ..NewMessage::text(self.user, text) })
    }

    /// Presses the button whose text contains `label` under the newest message that has one; waits up to 10 s for it to come and as long again for the
    /// bot's answer. Errors: no such button, a button that only opens a link, no answer.
    pub async fn presses(&self, label: &str) -> anyhow::Result<CallbackAnswer> {
        let message = self.sees(&format!("a button with \"{label}\""), PRESS_WITHIN, |message| message.button(label).is_some()).await?;
        let data = message
            .button(label)
            .and_then(|button| button.data.clone())
            .with_context(|| format!("\"{label}\" sends nothing to the bot"))?;
        self.presses_data(message.message_id, &data).await
    }

    /// Presses a button that may be stale or may never have been; waits up to 10 s for the bot's answer.
    pub async fn presses_data(&self, message_id: i32, data: &str) -> anyhow::Result<CallbackAnswer> {
        self.presses_within(message_id, data, PRESS_WITHIN).await
    }

    pub(crate) async fn presses_within(&self, message_id: i32, data: &str, within: Duration) -> anyhow::Result<CallbackAnswer> {
        let query = self.world.change(|state| state.press(self.bot, self.user, self.chat(), message_id, data));
        let until = Instant::now() + within;
        loop {
            let seen = self.world.version();
            let answer = self.world.read(|state| state.callbacks.get(&query).and_then(|query| query.answer.clone()));
            if let Some(answer) = answer {
                return Ok(answer);
            }
            if tokio::time::timeout_at(until, self.world.changed_after(seen)).await.is_err() {
                bail!("the bot did not answer the press of {data:?} within {within:?}; the chat:\n{}", self.transcript());
            }
        }
    }

    /// Waits until a message of the bot is as wanted and returns the newest such. The error shows the chat.
    pub async fn sees(&self, what: &str, within: Duration, predicate: impl Fn(&MessageView) -> bool) -> anyhow::Result<MessageView> {
        let until = Instant::now() + within;
        loop {
            let seen = self.world.version();
            let me = self.clone();
            // It may hash a large file.
            let messages = tokio::task::spawn_blocking(move || me.messages()).await.context("looking at the chat")?;
            if let Some(found) = messages.into_iter().rev().find(|message| message.from_bot && predicate(message)) {
                return Ok(found);
            }
            if tokio::time::timeout_at(until, self.world.changed_after(seen)).await.is_err() {
                bail!("did not see {what} within {within:?}; the chat:\n{}", self.transcript());
            }
        }
    }

    /// Waits until no message of the bot is as described. The error shows the chat.
    pub async fn sees_no(&self, what: &str, within: Duration, predicate: impl Fn(&MessageView) -> bool) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        loop {
            let seen = self.world.version();
            let me = self.clone();
            let messages = tokio::task::spawn_blocking(move || me.messages()).await.context("looking at the chat")?;
            if !messages.iter().any(|message| message.from_bot && predicate(message)) {
                return Ok(());
            }
            if tokio::time::timeout_at(until, self.world.changed_after(seen)).await.is_err() {
                bail!("still saw {what} after {within:?}; the chat:\n{}", self.transcript());
            }
        }
    }

    /// All messages that are there (of a topic, if it is one), oldest first.
    pub fn messages(&self) -> Vec<MessageView> {
        let mut messages = self.world.views(self.chat());
        messages.retain(|message| self.topic.is_none() || message.thread == self.topic);
        messages
    }

    /// All messages that were deleted, in the order of deletion.
    pub fn deleted(&self) -> Vec<MessageView> {
        self.world.deleted_views(self.bot, self.user)
    }

    /// The chat as text: what waits in vain shows it, and a test can keep it as a snapshot, since nothing in it is drawn by chance.
    pub fn transcript(&self) -> String {
        transcript(&self.messages())
    }

    /// Blocks the bot.
    pub fn blocks_bot(&self) {
        self.world.change(|state| state.set_blocked(self.bot, self.user, true));
    }

    /// Takes that back.
    pub fn unblocks_bot(&self) {
        self.world.change(|state| state.set_blocked(self.bot, self.user, false));
    }

    /// Deletes the message for both.
    pub fn deletes(&self, message_id: i32) -> bool {
        self.world.delete_message(self.chat(), message_id)
    }

    /// Writes, or says why the person may not: not in the group, no right to post, a closed topic, an answer to nothing. Returns the message's number.
    pub(crate) fn writes(&self, text: &str, reply_to: Option<i32>) -> anyhow::Result<i32> {
        self.may_write()?;
        if let Some(id) = reply_to {
            self.world.read(|state| state.message(self.chat(), id).map(|_| ())).context("the message that is answered is not there")?;
        }
        Ok(self.posts(NewMessage { entities: detect::entities(text), reply_to, ..NewMessage::text(self.user, text) }))
    }

    fn may_write(&self) -> anyhow::Result<()> {
        let Some(group) = self.group else {
            return Ok(());
        };
        let may = self.world.read(|state| {
            let may = |channel| state.may_post(channel, self.user) && state.may_post_in(channel, self.topic, self.user);
            state.channels.get(&group).is_some_and(may)
        });
        anyhow::ensure!(may, "this person may not write there");
        Ok(())
    }

    fn posts(&self, mut message: NewMessage) -> i32 {
        // A person's app would not let them.
        self.may_write().expect("who writes may");
        message.extra.thread = self.topic;
        self.world.change(|state| {
            if self.group.is_none() {
                state.private_chats.entry((self.bot, self.user)).or_default().started = true;
            }
            // The chat is there now, and the bot as long as it is not taken away, which nothing can.
            state.post(self.chat(), message).map_or(0, |message| message.id)
        })
    }
}
