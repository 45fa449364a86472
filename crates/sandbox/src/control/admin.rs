//! The control API's calls about the world: counters, faults, accounts, channels.
//!
//! In: JSON. Out: numbers and effects. It must not write messages.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::{Path, Query, State};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Control, Failed};
use crate::faults::{Fault, When};
use crate::mtproto;
use crate::network::NetworkShape;
use crate::world::{ChatRef, Counters};

#[derive(Deserialize)]
pub(super) struct Phone {
    phone: String,
}

#[derive(Deserialize)]
pub(super) struct NewUser {
    username: String,
}

#[derive(Deserialize)]
pub(super) struct NewFault {
    method: String,
    when: When,
    fault: Fault,
}

#[derive(Deserialize)]
pub(super) struct CutAfter {
    after_bytes: u64,
}

#[derive(Deserialize)]
pub(super) struct Scan {
    token: String,
    phone: String,
}

/// Who is there: people and bots, without tokens; and the key by which MTProto clients know the data centre.
pub(super) async fn who(State(control): State<Control>) -> Json<Value> {
    let (people, bots) = control.world.read(|state| {
        let (bots, people): (Vec<_>, Vec<_>) = state.users.all().cloned().partition(|user| user.is_bot);
        (people, bots)
    });
    let (dc_id, rsa) = (mtproto::DC_ID, mtproto::public_key());
    Json(json!({"users": people, "bots": bots, "version": control.world.version(), "dc_id": dc_id, "rsa": rsa}))
}

pub(super) async fn add_user(State(control): State<Control>, Json(body): Json<NewUser>) -> Result<Json<Value>, Failed> {
    if body.username.is_empty() || control.world.read(|state| state.resolve_username(&body.username).is_some()) {
        return Err(Failed::bad("that name is taken or empty"));
    }
    Ok(Json(json!(control.world.add_person_named(&body.username))))
}

pub(super) async fn counters(State(control): State<Control>) -> Json<Counters> {
    Json(control.world.read(|state| state.counters.clone()))
}

pub(super) async fn reset_counters(State(control): State<Control>) -> Json<Value> {
    control.world.count(|counters| *counters = Counters::default());
    Json(json!({}))
}

pub(super) async fn refusals(State(control): State<Control>) -> Json<Vec<String>> {
    Json(control.world.read(|state| state.refusals.clone()))
}

pub(super) async fn warnings(State(control): State<Control>) -> Json<Vec<String>> {
    Json(control.world.read(|state| state.warnings.clone()))
}

pub(super) async fn code(State(control): State<Control>, Query(query): Query<Phone>) -> Json<Value> {
    Json(json!({"code": control.world.login_code(&query.phone)}))
}

pub(super) async fn auth_key(State(control): State<Control>) -> Json<Value> {
    Json(json!({"auth_key_hex": hex(&control.world.new_auth_key())}))
}

pub(super) async fn add_fault(State(control): State<Control>, Json(body): Json<NewFault>) -> Json<Value> {
    control.faults.on(&body.method, body.when).gives(body.fault);
    Json(json!({}))
}

pub(super) async fn unconsumed(State(control): State<Control>) -> Json<Vec<String>> {
    Json(control.faults.unconsumed())
}

pub(super) async fn clear_faults(State(control): State<Control>) -> Json<Value> {
    control.faults.clear();
    Json(json!({}))
}

pub(super) async fn set_network(State(control): State<Control>, Json(shape): Json<NetworkShape>) -> Json<NetworkShape> {
    control.network.set(shape);
    Json(shape)
}

pub(super) async fn network(State(control): State<Control>) -> Json<NetworkShape> {
    Json(control.network.shape())
}

pub(super) async fn cut_network(State(control): State<Control>, Json(body): Json<CutAfter>) -> Json<Value> {
    control.network.cut_after(body.after_bytes);
    Json(json!({}))
}

pub(super) async fn accept_qr(State(control): State<Control>, Json(body): Json<Scan>) -> Result<Json<Value>, Failed> {
    let token = body.token.trim().trim_start_matches("tg://login?token=").trim_end_matches('=');
    let token = URL_SAFE_NO_PAD.decode(token).map_err(Failed::bad)?;
    control.world.accept_login_token(&token, &body.phone).map_err(Failed::bad)?;
    Ok(Json(json!({"accepted": true})))
}

pub(super) async fn revoke(State(control): State<Control>, Json(body): Json<Phone>) -> Json<Value> {
    Json(json!({"revoked": control.world.revoke_account(&body.phone)}))
}

pub(super) async fn channels(State(control): State<Control>) -> Json<Value> {
    Json(control.world.read(|state| {
        let channels = state.channels.values().map(|channel| {
            json!({
                "id": channel.id,
                "chat": ChatRef::Channel(channel.id).bot_api_id().to_string(),
                "title": channel.title,
                "username": channel.username,
                "creator": channel.creator,
                "members": channel.members,
                "admins": channel.admins.keys().collect::<Vec<_>>(),
                "messages": channel.messages.keys().collect::<Vec<_>>(),
                "deleted": channel.deleted,
            })
        });
        Value::Array(channels.collect())
    }))
}

pub(super) async fn delete_channel(State(control): State<Control>, Path(id): Path<i64>) -> Result<Json<Value>, Failed> {
    match control.world.delete_channel(id) {
        true => Ok(Json(json!({"deleted": true}))),
        false => Err(Failed::missing(format!("no channel {id}"))),
    }
}

pub(super) async fn delete_post(State(control): State<Control>, Path((id, message)): Path<(i64, i32)>) -> Result<Json<Value>, Failed> {
    match control.world.delete_message(ChatRef::Channel(id), message) {
        true => Ok(Json(json!({"deleted": true}))),
        false => Err(Failed::missing(format!("no message {message} in channel {id}"))),
    }
}

/// Bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
