//! The control API's changes behind everybody's back: a wrong clock, a move to another data centre, parts forgotten, a bot removed.
//!
//! In: what happens. Out: how much of it there was. Misfortunes on a certain call are faults, in `admin`. It must not do anything that `World` cannot.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Control, Failed};

#[derive(Deserialize)]
pub(super) struct Skew {
    skew_s: i64,
}

#[derive(Deserialize)]
pub(super) struct Home {
    user: String,
    dc_id: i32,
}

#[derive(Deserialize)]
pub(super) struct Bot {
    bot: String,
}

pub(super) async fn clock(State(control): State<Control>, Json(body): Json<Skew>) -> Json<Value> {
    control.world.skew_clock(body.skew_s);
    Json(json!({}))
}

pub(super) async fn set_home(State(control): State<Control>, Json(body): Json<Home>) -> Result<Json<Value>, Failed> {
    let found =
        control.world.read(|state| state.users.named(&body.user).or_else(|| state.users.get(body.user.parse().ok()?)).map(|user| user.id));
    let user = found.ok_or_else(|| Failed::missing(format!("no user {}", body.user)))?;
    control.world.set_home(user, body.dc_id);
    Ok(Json(json!({})))
}

pub(super) async fn expire_parts(State(control): State<Control>) -> Json<Value> {
    Json(json!({"expired": control.world.expire_all_parts()}))
}

pub(super) async fn remove_bot(State(control): State<Control>, Path(id): Path<i64>, Json(body): Json<Bot>) -> Result<Json<Value>, Failed> {
    let bot = control.world.read(|state| state.users.named(&body.bot).filter(|bot| bot.is_bot).map(|bot| bot.id));
    match bot.is_some_and(|bot| control.world.remove_bot(id, bot)) {
        true => Ok(Json(json!({"removed": true}))),
        false => Err(Failed::missing(format!("{} is not in channel {id}", body.bot))),
    }
}
