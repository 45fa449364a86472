//! The control API's calls about Stars.
//!
//! In: who pays what. Out: receipts and balances. It must not move Stars by itself.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::chat::Who;
use super::{Control, Failed};
use crate::user::Receipt;

#[derive(Deserialize)]
pub(super) struct Pay {
    #[serde(flatten)]
    who: Who,
    title: Option<String>,
    message_id: Option<i32>,
    link: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Balance {
    #[serde(flatten)]
    who: Who,
    stars: i64,
}

#[derive(Deserialize)]
pub(super) struct Renew {
    charge_id: String,
}

pub(super) async fn pay(State(control): State<Control>, Json(body): Json<Pay>) -> Result<Json<Receipt>, Failed> {
    let user = control.person(&body.who)?;
    let receipt = match (body.title, body.message_id, body.link) {
        (Some(title), None, None) => user.pays(&title).await,
        (None, Some(message_id), None) => user.pays_message(message_id).await,
        (None, None, Some(link)) => user.pays_link(&link).await,
        _ => return Err(Failed::bad("give one of title, message_id and link")),
    };
    receipt.map(Json).map_err(Failed::bad)
}

pub(super) async fn set_balance(State(control): State<Control>, Json(body): Json<Balance>) -> Result<Json<Value>, Failed> {
    control.person(&body.who)?.has_stars(body.stars);
    Ok(Json(json!({"stars": body.stars})))
}

pub(super) async fn balance(State(control): State<Control>, Query(who): Query<Who>) -> Result<Json<Value>, Failed> {
    Ok(Json(json!({"stars": control.person(&who)?.stars()})))
}

pub(super) async fn renew(State(control): State<Control>, Json(body): Json<Renew>) -> Result<Json<Value>, Failed> {
    let charge = control.world.renew_subscription(&body.charge_id).map_err(Failed::bad)?;
    Ok(Json(json!({"charge_id": charge})))
}
