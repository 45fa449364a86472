//! Being the user who asks a bot from any chat, by its name, and sends what it offers; and who presses the keys under the place where one writes.
//!
//! In: what is typed, chosen, pressed. Out: results, messages. It must not make up results.

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::time::Instant;

use super::TestUser;
use crate::world::inline::{InlineAnswer, InlineButton};
use crate::world::keyboards::Keyboard;

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

    /// Sends the first result whose title or id contains `what` to this chat; returns the message's number. Error: there is none.
    pub fn chooses(&self, results: &InlineResults, what: &str) -> anyhow::Result<i32> {
        let found = results.results.iter().find(|result| result.title.contains(what) || result.id.contains(what));
        self.chooses_result(&results.query_id, &found.with_context(|| format!("no result \"{what}\""))?.id)
    }

    pub(crate) fn chooses_result(&self, query_id: &str, result_id: &str) -> anyhow::Result<i32> {
        let message = self.world.change(|state| state.choose_inline(self.user, query_id, result_id));
        Ok(message.with_context(|| format!("no result {result_id} of query {query_id}"))?.id)
    }

    /// The keyboard that the bot shows under the place where one writes.
    pub fn keyboard(&self) -> Option<Keyboard> {
        self.world.read(|state| state.keyboard_of(self.chat(), self.user).map(|(_, keyboard)| keyboard.clone()))
    }

    /// Presses the key that contains `label`, which sends what is written on it; returns the message's number. Errors: no such key; a key that asks for
    /// contact or location, which are not served.
    pub async fn taps(&self, label: &str) -> anyhow::Result<i32> {
        let Some(Keyboard::Shown { rows, .. }) = self.keyboard() else {
            bail!("no keyboard is shown; the chat:\n{}", self.transcript());
        };
        let key = rows.into_iter().flatten().find(|key| key.text.contains(label)).with_context(|| format!("no key \"{label}\""))?;
        anyhow::ensure!(key.asks_for.is_none(), "\"{label}\" asks for more than a text, which is not served");
        Ok(self.sends(&key.text).await)
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
