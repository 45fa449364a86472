//! The Bot API face: HTTP calls of real bot libraries, from requests to acts on the world.
//!
//! In: `/bot<token>/<method>` with parameters in the query, as JSON, urlencoded or multipart, and `/file/bot<token>/<path>`. Out: answers as
//! <https://core.telegram.org/bots/api> describes them, with the real error texts. It must not keep a state of its own but for rates and webhook tasks.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cut::Cut;
use crate::faults::{Fault, Faults};
use crate::world::World;

mod access;
mod albums;
pub(crate) mod by_address;
mod callbacks;
mod chats;
mod commands;
mod copy;
mod download;
mod edit;
mod fetch;
mod fields;
mod file_id;
mod general_topic;
mod html;
mod incoming;
mod inline;
mod json;
mod json_extra;
mod json_media;
mod markdown;
mod markup;
mod me;
mod media;
mod methods;
mod multipart;
mod params;
mod payments;
pub(crate) mod picture;
mod pins;
mod polling;
mod profile;
mod rate;
mod reply;
mod reply_keyboard;
mod send;
mod stickers;
mod text;
mod topics;
mod webhook;
mod webhook_push;

use params::Params;
use reply::{Answer, ApiError};

/// What all calls share; cheap to clone.
#[derive(Clone)]
pub(crate) struct Face {
    pub(crate) world: World,
    pub(crate) faults: Faults,
    pub(crate) cancel: CancellationToken,
    pub(crate) tasks: TaskTracker,
    rates: Arc<rate::Rates>,
    http: reqwest::Client,
}

impl Face {
    /// A face of this world that ends with `cancel`; what it starts runs in `tasks`.
    pub(crate) fn new(world: World, faults: Faults, cancel: CancellationToken, tasks: TaskTracker) -> Self {
        let rates = Arc::new(rate::Rates::new(world.limits()));
        Self { world, faults, cancel, tasks, rates, http: by_address::client() }
    }

    /// The routes of the face.
    pub(crate) fn router(self) -> Router {
        Router::new().route("/file/{*rest}", any(download::serve)).fallback(serve).layer(DefaultBodyLimit::disable()).with_state(self)
    }
}

/// One call of a bot.
pub(crate) struct Call {
    face: Face,
    bot: i64,
    params: Params,
}

impl Call {
    fn world(&self) -> &World {
        &self.face.world
    }
}

async fn serve(State(face): State<Face>, ConnectInfo(cut): ConnectInfo<Cut>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let Some((token, method)) = path.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) else {
        return ApiError::new(404, "Not Found").into_response();
    };
    let Some((bot, logged_out_until)) = face.world.read(|state| state.bot_by_token(token).map(|bot| (bot.id, bot.logged_out_until))) else {
        return ApiError::new(401, "Unauthorized").into_response();
    };
    if logged_out_until.is_some_and(|until| until > Instant::now()) {
        return ApiError::new(400, "Logged out").into_response();
    }
    let Some(method) = methods::canonical(method) else {
        face.world.refuse(format!("bot api method {method}"));
        return ApiError::new(404, format!("Not Found: method {method} is not served by this loopback Telegram")).into_response();
    };
    face.world.count(|counters| counters.bot_api_called(method));
    let fault = face.faults.strike(method, &face.world, None);
    if fault == Some(Fault::CutConnection) {
        return cut_now(&cut);
    }
    // Read to the end whatever comes of it: a client that is still writing would not see the answer.
    let params = Params::read(&face.world, request).await;
    let mut lost = false;
    match fault {
        None | Some(Fault::CutConnection) => {}
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::LoseAnswer) => lost = true,
        Some(fault) => return refusal(fault).into_response(),
    }
    let answer = tokio::select! {
        () = face.cancel.cancelled() => return cut_now(&cut),
        answer = answer(&face, bot, method, params) => answer,
    };
    if lost { cut_now(&cut) } else { reply::respond(answer) }
}

/// The answer that a scripted refusal gives.
fn refusal(fault: Fault) -> ApiError {
    match fault {
        Fault::HttpStatus { code, description, retry_after } => ApiError { retry_after, ..ApiError::new(code, description) },
        Fault::RpcError { code, message } => ApiError::new(u16::try_from(code).unwrap_or(500), message),
        Fault::FloodWait { seconds } | Fault::FloodPremiumWait { seconds } => ApiError::too_many_requests(seconds),
        Fault::CutConnection | Fault::LoseAnswer | Fault::Delay(_) | Fault::Happens(_) => ApiError::new(500, "Internal Server Error"),
    }
}

async fn answer(face: &Face, bot: i64, method: &'static str, params: Result<Params, ApiError>) -> Answer {
    let call = Call { face: face.clone(), bot, params: params? };
    let answer = methods::run(&call, method).await;
    if answer.is_ok() {
        for name in call.params.unread() {
            face.world.refuse(format!("bot api method {method}: argument {name}"));
        }
    }
    answer
}

fn cut_now(cut: &Cut) -> Response {
    cut.now();
    // Never gets out: the connection refuses to write.
    (StatusCode::INTERNAL_SERVER_ERROR, Body::empty()).into_response()
}
