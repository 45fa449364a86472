//! The control API's calls about bots that are asked from any chat, and keys under the place where one writes.
//!
//! In: what is typed, chosen, pressed. Out: results and messages. It must not make up results.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::chat::Who;
use super::{Control, Failed};
use crate::user::InlineResults;

#[derive(Deserialize)]
pub(super) struct Ask {
    #[serde(flatten)]
    who: Who,
    query: String,
    #[serde(default)]
    offset: String,
}

#[derive(Deserialize)]
pub(super) struct Choose {
    #[serde(flatten)]
    who: Who,
    query_id: String,
    result_id: String,
}

#[derive(Deserialize)]
pub(super) struct Tap {
    #[serde(flatten)]
    who: Who,
    label: String,
}

pub(super) async fn ask(State(control): State<Control>, Json(body): Json<Ask>) -> Result<Json<InlineResults>, Failed> {
    let user = control.person(&body.who)?;
    user.queries_inline_from(&body.query, &body.offset).await.map(Json).map_err(Failed::bad)
}

pub(super) async fn choose(State(control): State<Control>, Json(body): Json<Choose>) -> Result<Json<Value>, Failed> {
    let message_id = control.person(&body.who)?.chooses_result(&body.query_id, &body.result_id).await.map_err(Failed::bad)?;
    Ok(Json(json!({"message_id": message_id})))
}

pub(super) async fn tap(State(control): State<Control>, Json(body): Json<Tap>) -> Result<Json<Value>, Failed> {
    let message_id = control.person(&body.who)?.taps(&body.label).await.map_err(Failed::bad)?;
    Ok(Json(json!({"message_id": message_id})))
}
