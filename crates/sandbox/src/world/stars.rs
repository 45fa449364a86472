//! Telegram Stars: what people and bots have, what was paid and given back (<https://core.telegram.org/bots/payments-stars>).
//!
//! In: invoices, payments, refunds. Out: balances, charges, service messages, what bots are told. A payment waits for the bot's word; the Stars move in
//! the moment in which it comes. It must not know how the bot is asked, nor check an invoice's wording (`bot_api::payments` does).

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use rand::distr::Alphanumeric;
use tokio::time::Instant;

use super::chats::ChatRef;
use super::extras::Service;
use super::updates::UpdateKind;
use super::{State, World, now_unix};

/// What every person has to begin with.
const FIRST_BALANCE: i64 = 1000;

/// What can be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Who gets the Stars.
    pub bot: i64,
    /// Its name.
    pub title: String,
    /// What one gets.
    pub description: String,
    /// The bot's own note, which the payer does not see.
    pub payload: String,
    /// Of the link that a forwarded invoice shows.
    pub start_parameter: String,
    /// Stars.
    pub amount: i64,
    /// Seconds after which it is paid again, and so on.
    pub subscription_period_s: Option<i32>,
}

/// A payment as its service messages tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// `telegram_payment_charge_id`.
    pub charge: String,
    /// Stars.
    pub amount: i64,
    /// The invoice's.
    pub payload: String,
    /// Until when a subscription is paid (seconds since 1970).
    pub paid_until: Option<i32>,
    /// The first payment of a subscription.
    pub first: bool,
}

/// Stars that were paid.
#[derive(Debug, Clone)]
pub struct Charge {
    /// Names it.
    pub id: String,
    /// Who paid.
    pub user: i64,
    /// For what.
    pub invoice: Invoice,
    /// The message that it was paid from, unless that was a link, or it was paid again by itself.
    pub message: Option<(ChatRef, i32)>,
    /// When, in seconds since 1970.
    pub date: i32,
    /// When they were given back.
    pub refunded: Option<i32>,
    /// Until when the subscription is paid.
    pub paid_until: Option<i32>,
    /// The bot ended the subscription.
    pub ended_by_bot: bool,
    /// The person ended it.
    pub ended_by_user: bool,
}

/// A payment that waits for the bot.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// Names it in `answerPreCheckoutQuery`.
    pub id: String,
    /// Who pays.
    pub user: i64,
    /// For what.
    pub invoice: Invoice,
    /// The message that it is paid from, unless that is a link.
    pub message: Option<(ChatRef, i32)>,
    /// When the bot was asked.
    pub asked: Instant,
    /// How it ended: the charge, or what the bot said against it.
    pub outcome: Option<Result<String, String>>,
}

/// All Stars.
#[derive(Debug, Default)]
pub struct Stars {
    balances: BTreeMap<i64, i64>,
    /// Payments in the order in which they were made.
    pub charges: Vec<Charge>,
    /// Invoices by the last part of their links.
    pub links: BTreeMap<String, Invoice>,
    /// Payments on their way, by query id.
    pub checkouts: BTreeMap<String, Checkout>,
}

impl Stars {
    /// The charge of this name.
    pub fn charge(&self, id: &str) -> Option<&Charge> {
        self.charges.iter().find(|charge| charge.id == id)
    }

    /// The payment of a person from an invoice's message, unless it was given back.
    pub fn paid_from(&self, message: (ChatRef, i32), user: i64) -> Option<&Charge> {
        let mut newest = self.charges.iter().rev();
        newest.find(|charge| charge.message == Some(message) && charge.user == user && charge.refunded.is_none())
    }

    /// The charge of this name, to change.
    pub fn charge_mut(&mut self, id: &str) -> Option<&mut Charge> {
        self.charges.iter_mut().find(|charge| charge.id == id)
    }
}

impl State {
    /// The Stars of a person or a bot.
    pub fn stars_of(&self, user: i64) -> i64 {
        let first = if self.bots.contains_key(&user) { 0 } else { FIRST_BALANCE };
        self.stars.balances.get(&user).copied().unwrap_or(first)
    }

    /// Says how many Stars somebody has.
    pub fn set_stars(&mut self, user: i64, stars: i64) {
        self.stars.balances.insert(user, stars);
    }

    /// Makes a link to an invoice and gives its last part.
    pub fn add_invoice_link(&mut self, invoice: Invoice) -> String {
        let slug = format!("${}", random_name(16));
        self.stars.links.insert(slug.clone(), invoice);
        slug
    }

    /// A person wants to pay, so the bot is asked. Error, as Telegram's servers name it: too few Stars.
    pub fn begin_checkout(&mut self, user: i64, invoice: Invoice, message: Option<(ChatRef, i32)>) -> Result<String, &'static str> {
        if self.stars_of(user) < invoice.amount {
            return Err("BALANCE_TOO_LOW");
        }
        let id = rand::rng().random_range(1_u64 << 60..u64::MAX).to_string();
        let bot = invoice.bot;
        let checkout = Checkout { id: id.clone(), user, invoice, message, asked: Instant::now(), outcome: None };
        self.stars.checkouts.insert(id.clone(), checkout);
        self.queue_update(bot, UpdateKind::PreCheckoutQuery(id.clone()));
        Ok(id)
    }

    /// The bot says yes, and is paid, or says what is against it. `false` if it is too late (`within`) or was said already.
    pub fn end_checkout(&mut self, bot: i64, id: &str, answer: Result<(), String>, within: Duration) -> bool {
        let open = |checkout: &&Checkout| checkout.invoice.bot == bot && checkout.outcome.is_none() && checkout.asked.elapsed() <= within;
        let Some(checkout) = self.stars.checkouts.get(id).filter(open).cloned() else {
            return false;
        };
        let outcome = answer.and_then(|()| self.charge(checkout.user, &checkout.invoice, checkout.message, true).map_err(str::to_owned));
        if let Some(checkout) = self.stars.checkouts.get_mut(id) {
            checkout.outcome = Some(outcome);
        }
        true
    }

    /// Moves the Stars and tells both sides.
    fn charge(&mut self, user: i64, invoice: &Invoice, message: Option<(ChatRef, i32)>, first: bool) -> Result<String, &'static str> {
        if self.stars_of(user) < invoice.amount {
            return Err("BALANCE_TOO_LOW");
        }
        self.move_stars(user, invoice.bot, invoice.amount);
        let (id, date) = (format!("stx{}", random_name(40)), now_unix());
        let paid_until = invoice.subscription_period_s.map(|period_s| date + period_s);
        self.stars.charges.push(Charge {
            id: id.clone(),
            user,
            invoice: invoice.clone(),
            message,
            date,
            refunded: None,
            paid_until,
            ended_by_bot: false,
            ended_by_user: false,
        });
        let payment = Payment { charge: id.clone(), amount: invoice.amount, payload: invoice.payload.clone(), paid_until, first };
        self.tell_payment(invoice.bot, user, Service::Paid(payment));
        Ok(id)
    }

    /// Gives the Stars of a charge back. Errors, as Telegram's servers name them.
    pub fn refund(&mut self, bot: i64, user: i64, charge: &str) -> Result<(), &'static str> {
        let found = self.stars.charge_mut(charge).filter(|found| found.invoice.bot == bot && found.user == user);
        let found = found.ok_or("CHARGE_NOT_FOUND")?;
        if found.refunded.is_some() {
            return Err("CHARGE_ALREADY_REFUNDED");
        }
        found.refunded = Some(now_unix());
        let (amount, payload) = (found.invoice.amount, found.invoice.payload.clone());
        self.move_stars(bot, user, amount);
        let payment = Payment { charge: charge.to_owned(), amount, payload, paid_until: None, first: false };
        self.tell_payment(bot, user, Service::Refunded(payment));
        Ok(())
    }

    fn move_stars(&mut self, from: i64, to: i64, amount: i64) {
        self.set_stars(from, self.stars_of(from) - amount);
        self.set_stars(to, self.stars_of(to) + amount);
    }

    fn tell_payment(&mut self, bot: i64, user: i64, service: Service) {
        // Who pays by a link need not have pressed "Start".
        self.private_chats.entry((bot, user)).or_default().started = true;
        self.post_service(ChatRef::Private { bot, user }, user, service);
    }
}

impl World {
    /// The period of a subscription is over: it is paid again, by a charge of its own, and the bot is told. Errors: there is no such subscription, it was
    /// ended by the bot or the person, or the person has too few Stars.
    pub fn renew_subscription(&self, charge: &str) -> anyhow::Result<String> {
        self.change(|state| {
            let found = state.stars.charge(charge).filter(|found| found.paid_until.is_some());
            let found = found.ok_or_else(|| anyhow::anyhow!("no subscription {charge}"))?;
            anyhow::ensure!(!found.ended_by_bot && !found.ended_by_user && found.refunded.is_none(), "the subscription was ended");
            let (user, invoice) = (found.user, found.invoice.clone());
            state.charge(user, &invoice, None, false).map_err(anyhow::Error::msg)
        })
    }
}

fn random_name(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}
