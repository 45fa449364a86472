//! Being the user who pays: with Stars, by an invoice in the chat or by a link.
//!
//! In: which invoice. Out: the receipt, or why it was not paid, once the bot has answered or its time is over. It must not move Stars (`world::stars` does).

use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::time::Instant;

use super::{PRESS_WITHIN, TestUser};
use crate::world::{ChatRef, Invoice};

/// What a person has who has paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// `telegram_payment_charge_id`.
    pub charge_id: String,
    /// Stars.
    pub amount: i64,
    /// Until when a subscription is paid (seconds since 1970).
    pub paid_until: Option<i32>,
}

impl TestUser {
    /// Pays the newest invoice whose title contains `title`; waits up to 10 s for it to come and as long again for the bot. Errors: no such invoice; why it
    /// was not paid: `BALANCE_TOO_LOW`, `BOT_PRECHECKOUT_TIMEOUT`, or what the bot said.
    pub async fn pays(&self, title: &str) -> anyhow::Result<Receipt> {
        let named = |message: &crate::MessageView| message.invoice.as_ref().is_some_and(|invoice| invoice.title.contains(title));
        let message = self.sees(&format!("an invoice \"{title}\""), PRESS_WITHIN, named).await?;
        self.pays_message(message.message_id).await
    }

    /// Pays the invoice in this message, as [`Self::pays`].
    pub async fn pays_message(&self, message_id: i32) -> anyhow::Result<Receipt> {
        let find = |state: &crate::world::State| state.message(self.chat(), message_id)?.extra.invoice.clone();
        let invoice = self.world.read(find).with_context(|| format!("no invoice in message {message_id}"))?;
        self.checks_out(invoice, Some((self.chat(), message_id))).await
    }

    /// Pays the invoice behind a link of `createInvoiceLink`, as [`Self::pays`].
    pub async fn pays_link(&self, link: &str) -> anyhow::Result<Receipt> {
        let slug = link.rsplit('/').next().unwrap_or_default();
        let invoice = self.world.read(|state| state.stars.links.get(slug).cloned());
        self.checks_out(invoice.with_context(|| format!("no invoice behind {link}"))?, None).await
    }

    /// The Stars that the person has; 1000 to begin with.
    pub fn stars(&self) -> i64 {
        self.world.read(|state| state.stars_of(self.user))
    }

    /// The person has so many Stars from now on.
    pub fn has_stars(&self, stars: i64) {
        self.world.change(|state| state.set_stars(self.user, stars));
    }

    /// Ends a subscription at the end of what is paid, or takes it up again. `false` if there is none, or the bot has ended it.
    pub fn ends_subscription(&self, charge_id: &str, ended: bool) -> bool {
        self.world.change(|state| {
            let found = state.stars.charge_mut(charge_id).filter(|charge| charge.user == self.user);
            let found = found.filter(|charge| charge.paid_until.is_some() && !charge.ended_by_bot);
            found.map(|charge| charge.ended_by_user = ended).is_some()
        })
    }

    async fn checks_out(&self, invoice: Invoice, message: Option<(ChatRef, i32)>) -> anyhow::Result<Receipt> {
        let query = self.world.change(|state| state.begin_checkout(self.user, invoice, message)).map_err(anyhow::Error::msg)?;
        // The bot may answer in the last moment; after that nobody may.
        let until = Instant::now() + self.world.limits().pre_checkout + Duration::from_millis(10);
        loop {
            let seen = self.world.version();
            let outcome = self.world.read(|state| state.stars.checkouts.get(&query).and_then(|checkout| checkout.outcome.clone()));
            if let Some(outcome) = outcome {
                return self.receipt(&outcome.map_err(anyhow::Error::msg)?);
            }
            if tokio::time::timeout_at(until, self.world.changed_after(seen)).await.is_err() {
                bail!("BOT_PRECHECKOUT_TIMEOUT");
            }
        }
    }

    fn receipt(&self, charge: &str) -> anyhow::Result<Receipt> {
        self.world.read(|state| {
            let found = state.stars.charge(charge).context("the charge is gone")?;
            Ok(Receipt { charge_id: found.id.clone(), amount: found.invoice.amount, paid_until: found.paid_until })
        })
    }
}
