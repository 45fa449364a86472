//! What only few messages have, as JSON of the Bot API: invoices, payments.
//!
//! In: extras of messages, payments. Out: fields of `Message`, `PreCheckoutQuery`, `StarTransaction` (<https://core.telegram.org/bots/api#payments>, and the
//! `Json…` classes of telegram-bot-api's `Client.cpp`). It must not change anything.

use serde_json::{Map, Value, json};

use super::json::user;
use crate::world::stars::{Charge, Checkout};
use crate::world::{ChatRef, Extra, Invoice, Payment, Service, State};

/// The currency of Stars.
pub(super) const STARS: &str = "XTR";

/// The fields that the extras give a message.
pub(super) fn fields(state: &State, extra: &Extra) -> Map<String, Value> {
    let mut fields = Map::new();
    if let Some(invoice) = &extra.invoice {
        fields.insert("invoice".to_owned(), self::invoice(invoice));
    }
    if let Some(service) = &extra.service {
        let body = match service {
            Service::Paid(payment) => paid(payment),
            Service::Refunded(payment) => payment_base(payment),
            Service::Joined(who) => json!([user(state, *who)]),
            Service::Left(who) => user(state, *who),
            Service::MigratedTo(id) | Service::MigratedFrom(id) => json!(ChatRef::Channel(*id).bot_api_id()),
        };
        fields.insert(service.name().to_owned(), body);
    }
    fields
}

fn invoice(invoice: &Invoice) -> Value {
    json!({
        "title": invoice.title,
        "description": invoice.description,
        "start_parameter": invoice.start_parameter,
        "currency": STARS,
        "total_amount": invoice.amount,
    })
}

fn payment_base(payment: &Payment) -> Value {
    json!({
        "currency": STARS,
        "total_amount": payment.amount,
        "invoice_payload": payment.payload,
        "telegram_payment_charge_id": payment.charge,
    })
}

fn paid(payment: &Payment) -> Value {
    let mut object = payment_base(payment);
    // Stars have no provider.
    object["provider_payment_charge_id"] = json!("");
    if let Some(until) = payment.paid_until {
        object["is_recurring"] = json!(true);
        object["subscription_expiration_date"] = json!(until);
        if payment.first {
            object["is_first_recurring"] = json!(true);
        }
    }
    object
}

/// `PreCheckoutQuery`.
pub(super) fn pre_checkout(state: &State, checkout: &Checkout) -> Value {
    json!({
        "id": checkout.id,
        "from": user(state, checkout.user),
        "currency": STARS,
        "total_amount": checkout.invoice.amount,
        "invoice_payload": checkout.invoice.payload,
    })
}

/// The `StarTransaction`s of a charge, with their dates: the payment, and the refund, which has the same id.
pub(super) fn transactions(state: &State, charge: &Charge) -> Vec<(i32, Value)> {
    let mut partner = json!({
        "type": "user",
        "transaction_type": "invoice_payment",
        "user": user(state, charge.user),
        "invoice_payload": charge.invoice.payload,
    });
    if let Some(period_s) = charge.invoice.subscription_period_s {
        partner["subscription_period"] = json!(period_s);
    }
    let transaction =
        |date: i32, side: &str| (date, json!({"id": charge.id, "amount": charge.invoice.amount, "date": date, side: partner.clone()}));
    let mut all = vec![transaction(charge.date, "source")];
    all.extend(charge.refunded.map(|date| transaction(date, "receiver")));
    all
}
