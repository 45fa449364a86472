//! What only few messages have, as JSON of the Bot API: invoices, payments, what came by inline mode.
//!
//! In: extras of messages, payments. Out: fields of `Message`, `PreCheckoutQuery`, `StarTransaction` (<https://core.telegram.org/bots/api#payments>, and the
//! `Json…` classes of telegram-bot-api's `Client.cpp`). It must not change anything.

use serde_json::{Map, Value, json};

use super::json::user;
use super::topics;
use crate::world::inline::InlineQuery;
use crate::world::stars::{Charge, Checkout};
use crate::world::{Channel, ChatRef, Extra, Invoice, Payment, Service, Shared, State};

/// The currency of Stars.
pub(super) const STARS: &str = "XTR";

/// The fields that the extras give a message.
pub(super) fn fields(state: &State, extra: &Extra) -> Map<String, Value> {
    let mut fields = Map::new();
    if let Some(invoice) = &extra.invoice {
        fields.insert("invoice".to_owned(), self::invoice(invoice));
    }
    if let Some(thread) = extra.thread {
        fields.insert("message_thread_id".to_owned(), json!(thread));
        fields.insert("is_topic_message".to_owned(), json!(true));
    }
    match &extra.shared {
        Some(Shared::Contact { phone_number, first_name, user_id }) => {
            fields.insert("contact".to_owned(), json!({"phone_number": phone_number, "first_name": first_name, "user_id": user_id}));
        }
        Some(Shared::Location { latitude, longitude }) => {
            fields.insert("location".to_owned(), json!({"latitude": latitude, "longitude": longitude}));
        }
        None => {}
    }
    if let Some(via) = &extra.via {
        fields.insert("via_bot".to_owned(), user(state, via.bot));
    }
    if let Some(service) = &extra.service {
        let body = match service {
            Service::Paid(payment) => paid(payment),
            Service::Refunded(payment) => payment_base(payment),
            Service::Joined(who) => json!([user(state, *who)]),
            Service::Left(who) => user(state, *who),
            // What is pinned needs the message itself, which `json` has.
            Service::Pinned(_) => return fields,
            Service::TopicCreated(topic) => topics::look(topic),
            Service::TopicEdited { name, icon_custom_emoji_id } => {
                let both = [("name", name), ("icon_custom_emoji_id", icon_custom_emoji_id)];
                both.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))).collect::<Map<_, _>>().into()
            }
            Service::TopicClosed | Service::TopicReopened | Service::GeneralTopicHidden | Service::GeneralTopicUnhidden => json!({}),
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

/// `InlineQuery`.
pub(super) fn inline_query(state: &State, query: &InlineQuery) -> Value {
    let chat_type = match query.chat {
        ChatRef::Private { bot, .. } if bot == query.bot => "sender",
        ChatRef::Private { .. } => "private",
        ChatRef::Channel(id) => state.channels.get(&id).map_or("channel", Channel::kind_name),
    };
    json!({"id": query.id, "from": user(state, query.user), "chat_type": chat_type, "query": query.text, "offset": query.offset})
}

/// `ChosenInlineResult`.
pub(super) fn chosen(state: &State, query: &InlineQuery, result: &str, inline_id: Option<&str>) -> Value {
    let mut object = json!({"result_id": result, "from": user(state, query.user), "query": query.text});
    if let Some(inline_id) = inline_id {
        object["inline_message_id"] = json!(inline_id);
    }
    object
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
