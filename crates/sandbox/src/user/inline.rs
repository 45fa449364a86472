//! Being the user who asks a bot from any chat, by its name, and sends what it offers; and who presses the keys under the place where one writes.
//!
//! In: what is typed, chosen, pressed. Out: results, messages. It must not make up results.

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::time::Instant;

use super::TestUser;
use crate::bot_api::by_address;
use crate::world::inline::{InlineAnswer, InlineButton};
use crate::world::keyboards::Keyboard;
use crate::world::{Extra, NewMessage, Shared};

/// Where people are who do not say it: degrees north and east.
const GREENWICH: (f64, f64) = (51.4779, -0.0015);

/// What a bot offers to a query.
#[derive(Debug, Clone, Serialize)]
pub struct InlineResults {
    /// Names the query.
    pub query_id: String,
    /// In the bot's order.
    pub results: Vec<InlineOffer>,
    /// To be asked for more; empty if there is no more.
    pub next_offset: String,
    /// Above the results.
    pub button: Option<InlineButton>,
}

/// One result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InlineOffer {
    /// The bot's name for it.
    pub id: String,
    /// As the Bot API names it (`article`, `video`, …).
    pub kind: String,
    /// Shown in the list.
    pub title: String,
    /// Shown below.
    pub description: String,
}

impl TestUser {
    /// Types the bot's name and `text` in this chat, and waits for results. Errors: `BOT_INLINE_DISABLED`, `BOT_RESPONSE_TIMEOUT`.
    pub async fn queries_inline(&self, text: &str) -> anyhow::Result<InlineResults> {
        self.queries_inline_from(text, "").await
    }

    /// The same, for the results from an offset on that the bot gave.
    pub async fn queries_inline_from(&self, text: &str, offset: &str) -> anyhow::Result<InlineResults> {
        let id = self.world.change(|state| state.ask_inline(self.bot, self.user, self.chat(), text, offset)).map_err(anyhow::Error::msg)?;
        let until = Instant::now() + self.world.limits().inline_query;
        loop {
            let seen = self.world.version();
            let answer = self.world.read(|state| state.inline.queries.get(&id).and_then(|query| query.answer.clone()));
            if let Some(answer) = answer {
                return Ok(results(id, answer));
            }
            if tokio::time::timeout_at(until, self.world.changed_after(seen)).await.is_err() {
                bail!("BOT_RESPONSE_TIMEOUT");
            }
        }
    }

    /// Sends the first result whose title or id contains `what` to this chat; returns the message's number. Errors: there is none; its file lies at an address
    /// where there is none (`WEBPAGE_CURL_FAILED`, `WEBPAGE_MEDIA_EMPTY`).
    pub async fn chooses(&self, results: &InlineResults, what: &str) -> anyhow::Result<i32> {
        let found = results.results.iter().find(|result| result.title.contains(what) || result.id.contains(what));
        self.chooses_result(&results.query_id, &found.with_context(|| format!("no result \"{what}\""))?.id).await
    }

    pub(crate) async fn chooses_result(&self, query_id: &str, result_id: &str) -> anyhow::Result<i32> {
        let none = || format!("no result {result_id} of query {query_id}");
        let remote = self.world.read(|state| Some(state.offered(self.user, query_id, result_id)?.1.remote.clone())).with_context(none)?;
        let fetched = match remote {
            Some(remote) => Some(by_address::fetch_result(&self.world, &remote).await.map_err(anyhow::Error::msg)?),
            None => None,
        };
        self.may_write()?;
        let message = self.world.change(|state| state.choose_inline(self.user, query_id, result_id, self.topic, fetched));
        Ok(message.with_context(none)?.id)
    }

    /// The keyboard that the bot shows under the place where one writes.
    pub fn keyboard(&self) -> Option<Keyboard> {
        self.world.read(|state| state.keyboard_of(self.chat(), self.user).map(|(_, keyboard)| keyboard.clone()))
    }

    /// Presses the key that contains `label`, which sends what is written on it, or what it asks for: the person's contact, or where they are
    /// (in Greenwich, unless [`Self::shares_location`] is used instead). In a group the bot's message is answered, so that it hears of it whatever it may hear.
    /// Returns the message's number. Error: no such key.
    pub async fn taps(&self, label: &str) -> anyhow::Result<i32> {
        let shown = self.world.read(|state| state.keyboard_of(self.chat(), self.user).map(|(id, keyboard)| (id, keyboard.clone())));
        let Some((brought_by, Keyboard::Shown { rows, .. })) = shown else {
            bail!("no keyboard is shown; the chat:\n{}", self.transcript());
        };
        let key = rows.into_iter().flatten().find(|key| key.text.contains(label)).with_context(|| format!("no key \"{label}\""))?;
        match (key.asks_for, self.group) {
            (Some("contact"), _) => self.shares_contact(),
            (Some(_), _) => self.shares_location(GREENWICH.0, GREENWICH.1),
            (None, Some(_)) => self.writes(&key.text, Some(brought_by)),
            (None, None) => self.writes(&key.text, None),
        }
    }

    /// Sends the person's own contact; returns the message's number. Error: the person may not write here.
    pub fn shares_contact(&self) -> anyhow::Result<i32> {
        let contact = self.world.read(|state| state.contact_of(self.user)).context("the person is gone")?;
        self.shares(contact)
    }

    /// Sends a place, in degrees north and east; returns the message's number. Error: the person may not write here.
    pub fn shares_location(&self, latitude: f64, longitude: f64) -> anyhow::Result<i32> {
        self.shares(Shared::Location { latitude, longitude })
    }

    fn shares(&self, shared: Shared) -> anyhow::Result<i32> {
        self.may_write()?;
        let extra = Extra { shared: Some(shared), ..Extra::default() };
        Ok(self.posts(NewMessage { extra, ..NewMessage::text(self.user, "") }))
    }
}

fn results(query_id: String, answer: InlineAnswer) -> InlineResults {
    let offer = |result: crate::world::inline::InlineResult| InlineOffer {
        id: result.id,
        kind: result.kind,
        title: result.title,
        description: result.description,
    };
    let results = answer.results.into_iter().map(offer).collect();
    InlineResults { query_id, results, next_offset: answer.next_offset, button: answer.button }
}
