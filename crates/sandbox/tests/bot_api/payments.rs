//! Payments in Stars, from the invoice to the refund.

use std::time::Duration;

use serde_json::{Value, json};
use tgferry_sandbox::{Limits, Receipt};

use crate::rig::Rig;

const TOO_OLD: &str = "Bad Request: query is too old and response timeout expired or query id is invalid";

fn invoice(rig: &Rig) -> Value {
    json!({
        "chat_id": rig.ann.id(), "title": "A month", "description": "Big files", "payload": "month-1", "currency": "XTR",
        "prices": [{"label": "A month", "amount": 70}],
    })
}

/// `invoice` with one field changed.
fn with(mut params: Value, name: &str, value: Value) -> Value {
    params[name] = value;
    params
}

/// The next update after `offset` of a kind.
async fn update(rig: &Rig, kind: &str) -> Value {
    let mut offset = 0;
    loop {
        let updates = rig.ok("getUpdates", json!({"offset": offset, "timeout": 5})).await;
        for update in updates.as_array().expect("a list") {
            offset = update["update_id"].as_i64().expect("an id") + 1;
            if !update[kind].is_null() {
                rig.ok("getUpdates", json!({"offset": offset})).await;
                return update[kind].clone();
            }
        }
        assert_ne!(updates, json!([]), "no {kind} came");
    }
}

/// The person pays the link or the newest invoice; the bot answers.
async fn pays(rig: &Rig, link: Option<String>, answer: Value) -> (Value, anyhow::Result<Receipt>) {
    let ann = rig.ann.clone();
    let paying = tokio::spawn(async move {
        match link {
            Some(link) => ann.pays_link(&link).await,
            None => ann.pays("A month").await,
        }
    });
    let query = update(rig, "pre_checkout_query").await;
    let mut params = answer;
    params["pre_checkout_query_id"] = query["id"].clone();
    rig.ok("answerPreCheckoutQuery", params).await;
    (query, paying.await.expect("runs"))
}

#[tokio::test]
async fn an_invoice_is_paid_and_given_back() {
    let rig = Rig::new().await;
    rig.ann.has_stars(100);
    let sent = rig.ok("sendInvoice", invoice(&rig)).await;
    assert_eq!(
        sent["invoice"],
        json!({"title": "A month", "description": "Big files", "start_parameter": "", "currency": "XTR", "total_amount": 70})
    );
    assert_eq!(sent["reply_markup"]["inline_keyboard"][0][0]["pay"], true);
    assert_eq!(sent["text"], Value::Null);

    let (query, receipt) = pays(&rig, None, json!({"ok": true})).await;
    let receipt = receipt.expect("paid");
    assert_eq!(query["from"]["username"], "ann");
    assert_eq!((&query["currency"], &query["total_amount"], &query["invoice_payload"]), (&json!("XTR"), &json!(70), &json!("month-1")));
    let again = rig.refused("answerPreCheckoutQuery", json!({"pre_checkout_query_id": query["id"], "ok": true})).await;
    assert_eq!(again, (400, TOO_OLD.to_owned()));

    let paid = update(&rig, "message").await;
    assert_eq!(paid["from"]["username"], "ann");
    assert_eq!(
        paid["successful_payment"],
        json!({
            "currency": "XTR", "total_amount": 70, "invoice_payload": "month-1",
            "telegram_payment_charge_id": receipt.charge_id, "provider_payment_charge_id": "",
        })
    );
    assert_eq!((rig.ann.stars(), rig.ok("getMyStarBalance", json!({})).await), (30, json!({"amount": 70})));

    let refund = json!({"user_id": rig.ann.id(), "telegram_payment_charge_id": receipt.charge_id});
    rig.ok("refundStarPayment", refund.clone()).await;
    assert_eq!((rig.ann.stars(), rig.ok("getMyStarBalance", json!({})).await), (100, json!({"amount": 0})));
    assert_eq!(update(&rig, "message").await["refunded_payment"]["telegram_payment_charge_id"], receipt.charge_id);
    assert_eq!(rig.refused("refundStarPayment", refund).await, (400, "Bad Request: CHARGE_ALREADY_REFUNDED".to_owned()));
    let other = json!({"user_id": rig.ann.id(), "telegram_payment_charge_id": "stx"});
    assert_eq!(rig.refused("refundStarPayment", other).await.1, "Bad Request: CHARGE_NOT_FOUND");

    let all = rig.ok("getStarTransactions", json!({})).await["transactions"].clone();
    assert_eq!(all[0]["source"]["invoice_payload"], "month-1");
    assert_eq!((&all[0]["id"], &all[1]["id"]), (&json!(receipt.charge_id), &json!(receipt.charge_id)));
    assert_eq!(all[1]["receiver"]["user"]["username"], "ann");
    assert_eq!(rig.ok("getStarTransactions", json!({"offset": 1, "limit": 1})).await["transactions"], json!([all[1]]));
    rig.nothing_refused();
}

#[tokio::test]
async fn what_the_bot_says_against_it_is_what_the_person_reads() {
    let rig = Rig::new().await;
    rig.ok("sendInvoice", invoice(&rig)).await;
    let (_, outcome) = pays(&rig, None, json!({"ok": false, "error_message": "Sold out"})).await;
    assert_eq!(outcome.expect_err("not paid").to_string(), "Sold out");
    rig.ann.has_stars(69);
    assert_eq!(rig.ann.pays("A month").await.expect_err("not paid").to_string(), "BALANCE_TOO_LOW");
    assert_eq!(rig.ann.stars(), 69);
    let silent = rig.refused("answerPreCheckoutQuery", json!({"pre_checkout_query_id": "1", "ok": false})).await;
    assert_eq!(silent.1, "Bad Request: parameter \"error_message\" is required");
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_refused_and_nothing_is_paid() {
    let rig = Rig::with(Limits { pre_checkout: Duration::from_millis(50), ..Limits::default() }).await;
    rig.ok("sendInvoice", invoice(&rig)).await;
    assert_eq!(rig.ann.pays("A month").await.expect_err("not paid").to_string(), "BOT_PRECHECKOUT_TIMEOUT");
    let query = update(&rig, "pre_checkout_query").await;
    let late = rig.refused("answerPreCheckoutQuery", json!({"pre_checkout_query_id": query["id"], "ok": true})).await;
    assert_eq!(late, (400, TOO_OLD.to_owned()));
    assert_eq!((rig.ann.stars(), rig.ok("getMyStarBalance", json!({})).await), (1000, json!({"amount": 0})));
}

#[tokio::test]
async fn bad_invoices_are_refused_in_telegrams_words() {
    let rig = Rig::new().await;
    let price = |label: &str, amount: i64| json!({"label": label, "amount": amount});
    let cases = [
        (with(invoice(&rig), "title", json!("")), "parameter \"title\" is required"),
        (with(invoice(&rig), "payload", Value::Null), "parameter \"payload\" is required"),
        (with(invoice(&rig), "payload", json!("x".repeat(129))), "INVOICE_PAYLOAD_INVALID"),
        (with(invoice(&rig), "title", json!("x".repeat(33))), "STARS_INVOICE_INVALID"),
        (with(invoice(&rig), "prices", json!([])), "there must be at least one price"),
        (with(invoice(&rig), "prices", json!([price("x", 0)])), "total price must be positive"),
        (with(invoice(&rig), "prices", json!([price("", 1)])), "can't parse labeled price: LabeledPrice label must be non-empty"),
        (with(invoice(&rig), "prices", json!([{"label": "x"}])), "can't parse labeled price: Can't find field \"amount\""),
        (with(invoice(&rig), "prices", json!([price("x", 1), price("y", 1)])), "STARS_INVOICE_INVALID"),
        (with(invoice(&rig), "currency", json!("EUR")), "PAYMENT_PROVIDER_INVALID"),
        (
            with(invoice(&rig), "reply_markup", json!({"inline_keyboard": [[{"text": "x", "callback_data": "x"}]]})),
            "REPLY_MARKUP_BUY_EMPTY",
        ),
    ];
    for (params, wanted) in cases {
        assert_eq!(rig.refused("sendInvoice", params.clone()).await, (400, format!("Bad Request: {wanted}")), "{params}");
    }
    assert_eq!(rig.forgiven(), ["an invoice in EUR: only Stars are served"]);
    let week = with(invoice(&rig), "subscription_period", json!(604_800));
    assert_eq!(rig.refused("createInvoiceLink", week).await.1, "Bad Request: SUBSCRIPTION_PERIOD_INVALID");
}

#[tokio::test]
async fn a_subscription_goes_on_until_somebody_ends_it() {
    let rig = Rig::new().await;
    let mut params = with(invoice(&rig), "subscription_period", json!(2_592_000));
    params.as_object_mut().expect("an object").remove("chat_id");
    let link = rig.ok("createInvoiceLink", params).await.as_str().expect("a link").to_owned();
    assert!(link.starts_with("https://t.me/$"), "{link}");
    let (_, receipt) = pays(&rig, Some(link), json!({"ok": true})).await;
    let receipt = receipt.expect("paid");
    let paid = update(&rig, "message").await["successful_payment"].clone();
    assert_eq!((&paid["is_recurring"], &paid["is_first_recurring"]), (&json!(true), &json!(true)));
    assert_eq!(paid["subscription_expiration_date"].as_i64(), receipt.paid_until.map(i64::from));

    let world = rig.sandbox.world();
    let renewed = world.renew_subscription(&receipt.charge_id).expect("renewed");
    let again = update(&rig, "message").await["successful_payment"].clone();
    assert_eq!((&again["telegram_payment_charge_id"], &again["is_first_recurring"]), (&json!(renewed), &Value::Null));
    assert_eq!(rig.ann.stars(), 1000 - 2 * 70);
    let transactions = rig.ok("getStarTransactions", json!({})).await["transactions"].clone();
    assert_eq!(transactions[0]["source"]["subscription_period"], 2_592_000);

    let mut end = json!({"user_id": rig.ann.id(), "telegram_payment_charge_id": receipt.charge_id, "is_canceled": true});
    rig.ok("editUserStarSubscription", end.clone()).await;
    assert!(world.renew_subscription(&receipt.charge_id).is_err());
    assert!(!rig.ann.ends_subscription(&receipt.charge_id, false), "only the bot takes back what the bot has ended");
    end["is_canceled"] = json!(false);
    rig.ok("editUserStarSubscription", end).await;
    assert!(rig.ann.ends_subscription(&receipt.charge_id, true));
    assert!(world.renew_subscription(&receipt.charge_id).is_err());
    rig.nothing_refused();
}

#[tokio::test]
async fn an_invoice_is_forwarded_but_never_copied_nor_edited() {
    let rig = Rig::new().await;
    let sent = rig.ok("sendInvoice", invoice(&rig)).await;
    let this = json!({"chat_id": rig.ann.id(), "from_chat_id": rig.ann.id(), "message_id": sent["message_id"], "text": "x"});
    assert_eq!(rig.refused("copyMessage", this.clone()).await.1, "Bad Request: message can't be copied");
    assert_eq!(rig.refused("editMessageText", this.clone()).await.1, "Bad Request: there is no text in the message to edit");
    let several = json!({"chat_id": rig.ann.id(), "from_chat_id": rig.ann.id(), "message_ids": [sent["message_id"]]});
    assert_eq!(rig.refused("copyMessages", several.clone()).await.1, "Bad Request: there are no messages to copy");
    rig.ok("forwardMessages", several).await;
    let forwarded =
        rig.ok("forwardMessage", json!({"chat_id": rig.ann.id(), "from_chat_id": rig.ann.id(), "message_id": sent["message_id"]})).await;
    assert_eq!((&forwarded["invoice"], &forwarded["reply_markup"]), (&sent["invoice"], &sent["reply_markup"]));
    let (_, receipt) = pays(&rig, None, json!({"ok": true})).await;
    receipt.expect("the forwarded one is paid");
    let service = rig.ann.messages().pop().expect("a message");
    let payment = json!({"chat_id": rig.ann.id(), "from_chat_id": rig.ann.id(), "message_id": service.message_id});
    assert_eq!(rig.refused("forwardMessage", payment).await.1, "Bad Request: message can't be forwarded");
}

#[tokio::test]
async fn the_control_api_pays_too() {
    let rig = Rig::new().await;
    rig.ok("sendInvoice", invoice(&rig)).await;
    let control = rig.sandbox.control_url();
    let post = |path: &str, body: Value| rig.http.post(format!("{control}/{path}")).json(&body).send();
    post("stars", json!({"user": "ann", "stars": 71})).await.expect("answered");
    let paying = tokio::spawn(post("pay", json!({"user": "ann", "title": "month"})));
    let query = update(&rig, "pre_checkout_query").await;
    rig.ok("answerPreCheckoutQuery", json!({"pre_checkout_query_id": query["id"], "ok": true})).await;
    let receipt: Value = paying.await.expect("runs").expect("answered").json().await.expect("JSON");
    assert_eq!(receipt["amount"], 70);
    let balance: Value = rig.http.get(format!("{control}/stars?user=ann")).send().await.expect("answered").json().await.expect("JSON");
    assert_eq!(balance, json!({"stars": 1}));
    let none: Value = post("pay", json!({"user": "ann", "title": "month"})).await.expect("answered").json().await.expect("JSON");
    assert_eq!(none, json!({"error": "BALANCE_TOO_LOW"}));
    let transcript = rig.ann.transcript();
    assert!(transcript.contains("[invoice A month, 70 Stars]") && transcript.contains("[successful_payment]"), "{transcript}");
}
