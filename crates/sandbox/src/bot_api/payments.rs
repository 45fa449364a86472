//! Payments in Telegram Stars.
//!
//! In: invoices, answers to those who want to pay, refunds. Out: messages with invoices, links, charges. Limits and order:
//! <https://core.telegram.org/bots/api#payments>, <https://core.telegram.org/bots/payments-stars>; wording: telegram-bot-api's `Client.cpp`
//! (`get_input_message_invoice`), TDLib's `LabeledPricePart.cpp`, and for what only Telegram's servers check the names listed at
//! <https://core.telegram.org/method/messages.sendMedia> and <https://core.telegram.org/method/payments.refundStarsCharge>.
//! Other currencies need a payment provider, which does not exist here. It must not move Stars (`world::stars` does).

use serde_json::{Value, json};

use super::params::Params;
use super::reply::{Answer, ApiError};
use super::{Call, fields, json_extra};
use crate::world::{Button, ButtonAction, Extra, Invoice, NewMessage};

/// The only period that a subscription may have, in seconds (<https://core.telegram.org/bots/api#createinvoicelink>: 30 days).
const PERIOD_S: i32 = 2_592_000;
/// The most Stars that a subscription may cost (the same place).
const MAX_SUBSCRIPTION_STARS: i64 = 10_000;
/// The largest amount of any currency (TDLib, `check_currency_amount`).
const MAX_AMOUNT: i64 = 9_999_999_999_999;

/// What people know to have no effect on payments in Stars (<https://core.telegram.org/bots/api#sendinvoice>: "ignored").
const FOR_OTHER_CURRENCIES: [&str; 14] = [
    "provider_token",
    "provider_data",
    "photo_url",
    "photo_size",
    "photo_width",
    "photo_height",
    "need_name",
    "need_phone_number",
    "need_email",
    "need_shipping_address",
    "send_phone_number_to_provider",
    "send_email_to_provider",
    "max_tip_amount",
    "suggested_tip_amounts",
];

/// `sendInvoice`.
pub(super) fn send(call: &Call) -> Answer {
    let chat = call.chat_to_write()?;
    let invoice = invoice(call, &call.params)?;
    let mut new = call.new_message(chat)?;
    let pays = |button: &Button| button.action == ButtonAction::Pay;
    if new.buttons.is_empty() {
        new.buttons = vec![vec![Button { text: format!("Pay ⭐️{}", invoice.amount), action: ButtonAction::Pay }]];
    } else if !new.buttons[0].first().is_some_and(pays) {
        return Err(ApiError::bad_request("REPLY_MARKUP_BUY_EMPTY"));
    }
    call.deliver(chat, NewMessage { extra: Extra { invoice: Some(invoice), ..new.extra }, ..new })
}

/// `createInvoiceLink`.
pub(super) fn create_link(call: &Call) -> Answer {
    let mut invoice = invoice(call, &call.params)?;
    call.params.ignore(&["business_connection_id"]);
    if let Some(period_s) = call.params.number::<i32>("subscription_period").filter(|period_s| *period_s != 0) {
        if period_s != PERIOD_S {
            return Err(ApiError::bad_request("SUBSCRIPTION_PERIOD_INVALID"));
        }
        if invoice.amount > MAX_SUBSCRIPTION_STARS {
            return Err(ApiError::bad_request("STARS_INVOICE_INVALID"));
        }
        invoice.subscription_period_s = Some(period_s);
    }
    let slug = call.world().change(|state| state.add_invoice_link(invoice));
    Ok(json!(format!("https://t.me/{slug}")))
}

/// `answerPreCheckoutQuery`: within ten seconds, once.
pub(super) fn answer_pre_checkout(call: &Call) -> Answer {
    let id = call.params.text("pre_checkout_query_id").unwrap_or_default().to_owned();
    let answer = if call.params.flag("ok") {
        call.params.ignore(&["error_message"]);
        Ok(())
    } else {
        Err(call.params.required("error_message")?.to_owned())
    };
    let within = call.world().limits().pre_checkout;
    match call.world().change(|state| state.end_checkout(call.bot, &id, answer, within)) {
        true => Ok(Value::Bool(true)),
        false => Err(ApiError::query_too_old()),
    }
}

/// `refundStarPayment`.
pub(super) fn refund(call: &Call) -> Answer {
    let user = user_id(call)?;
    let charge = call.params.required("telegram_payment_charge_id")?.to_owned();
    call.world().change(|state| state.refund(call.bot, user, &charge)).map_err(ApiError::bad_request)?;
    Ok(Value::Bool(true))
}

/// `editUserStarSubscription`: the bot ends a subscription at the end of its period, or lets the person take it up again.
pub(super) fn edit_subscription(call: &Call) -> Answer {
    let user = user_id(call)?;
    let charge = call.params.text("telegram_payment_charge_id").unwrap_or_default().to_owned();
    let ended = call.params.flag("is_canceled");
    call.world().change(|state| {
        let found = state.stars.charge_mut(&charge).filter(|found| found.invoice.bot == call.bot && found.user == user);
        let found = found.ok_or_else(|| ApiError::bad_request("CHARGE_NOT_FOUND"))?;
        if found.paid_until.is_none() {
            return Err(ApiError::bad_request("SUBSCRIPTION_ID_INVALID"));
        }
        found.ended_by_bot = ended;
        Ok(Value::Bool(true))
    })
}

/// `getMyStarBalance`.
pub(super) fn balance(call: &Call) -> Answer {
    Ok(json!({"amount": call.world().read(|state| state.stars_of(call.bot))}))
}

/// `getStarTransactions`: payments and refunds, oldest first.
pub(super) fn transactions(call: &Call) -> Answer {
    let offset = call.params.number::<usize>("offset").unwrap_or(0);
    let limit = call.params.number::<usize>("limit").unwrap_or(100).clamp(1, 100);
    call.world().read(|state| {
        let mine = state.stars.charges.iter().filter(|charge| charge.invoice.bot == call.bot);
        let mut all: Vec<(i32, Value)> = mine.flat_map(|charge| json_extra::transactions(state, charge)).collect();
        all.sort_by_key(|(date, _)| *date);
        let page: Vec<Value> = all.into_iter().map(|(_, transaction)| transaction).skip(offset).take(limit).collect();
        Ok(json!({"transactions": page}))
    })
}

/// The invoice that a call, or an object in it, describes.
pub(super) fn invoice(call: &Call, params: &Params) -> Result<Invoice, ApiError> {
    let title = params.required("title")?;
    let description = params.required("description")?;
    let payload = params.required("payload")?;
    let currency = params.required("currency")?;
    params.required("prices")?;
    let prices: Value = params.json("prices").map_err(|_| ApiError::bad_request("can't parse prices JSON object"))?.unwrap_or_default();
    let amounts = amounts(&prices)?;
    params.ignore(&FOR_OTHER_CURRENCIES);
    if title.chars().count() > 32 || description.chars().count() > 255 {
        return Err(ApiError::bad_request("STARS_INVOICE_INVALID"));
    }
    if payload.len() > 128 {
        return Err(ApiError::bad_request("INVOICE_PAYLOAD_INVALID"));
    }
    if currency != json_extra::STARS {
        call.world().refuse(format!("an invoice in {currency}: only Stars are served"));
        return Err(ApiError::bad_request("PAYMENT_PROVIDER_INVALID"));
    }
    // "The price must consist of exactly one item for payments in Telegram Stars".
    let [amount] = amounts[..] else {
        return Err(ApiError::bad_request("STARS_INVOICE_INVALID"));
    };
    Ok(Invoice {
        bot: call.bot,
        title: title.to_owned(),
        description: description.to_owned(),
        payload: payload.to_owned(),
        start_parameter: params.text("start_parameter").unwrap_or_default().to_owned(),
        amount,
        subscription_period_s: None,
    })
}

fn amounts(prices: &Value) -> Result<Vec<i64>, ApiError> {
    let prices = prices.as_array().ok_or_else(|| ApiError::bad_request("expected an Array of labeled prices"))?;
    let amounts = prices.iter().map(amount).collect::<Result<Vec<i64>, _>>();
    let amounts = amounts.map_err(|why| ApiError::bad_request(format!("can't parse labeled price: {why}")))?;
    if amounts.is_empty() {
        return Err(ApiError::bad_request("there must be at least one price"));
    }
    if amounts.iter().any(|amount| amount.abs() > MAX_AMOUNT) {
        return Err(ApiError::bad_request("too big amount of the currency specified"));
    }
    if amounts.iter().sum::<i64>() <= 0 {
        return Err(ApiError::bad_request("total price must be positive"));
    }
    Ok(amounts)
}

fn amount(price: &Value) -> Result<i64, String> {
    let price = price.as_object().ok_or("LabeledPrice must be an Object")?;
    if fields::text(price, "label")?.is_empty() {
        return Err("LabeledPrice label must be non-empty".to_owned());
    }
    fields::number(price, "amount")
}

fn user_id(call: &Call) -> Result<i64, ApiError> {
    let id: i64 = call.params.number("user_id").filter(|id| *id > 0).ok_or_else(|| ApiError::bad_request("invalid user_id specified"))?;
    match call.world().user_by_id(id) {
        Some(_) => Ok(id),
        None => Err(ApiError::bad_request("USER_ID_INVALID")),
    }
}
