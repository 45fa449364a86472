//! Notes every request of the Bot API face in the wire log.
//!
//! In: the face's routes. Out: the same, each call noted once its answer is there. Bodies are counted as they pass; of a refusal the text is read. It must not
//! change or hold up what passes.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use futures::StreamExt;

use crate::cut::Cut;
use crate::wire_log::{WireCall, WireFace, WireLog};
use crate::world::World;

/// Refusals are shorter than this, in bytes.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// The routes, with their calls noted.
pub(crate) fn noted(routes: Router, world: World, wire: WireLog) -> Router {
    routes.layer(from_fn_with_state((world, wire), note))
}

/// Notes the call when it is dropped, so that one whose client went away is seen too.
struct Noting {
    wire: WireLog,
    began: Instant,
    bytes_in: Arc<AtomicU64>,
    call: Option<WireCall>,
}

async fn note(State((world, wire)): State<(World, WireLog)>, ConnectInfo(cut): ConnectInfo<Cut>, request: Request, next: Next) -> Response {
    let Some((token, method)) = called(request.uri().path()) else {
        return next.run(request).await;
    };
    let bytes_in = Arc::new(AtomicU64::new(0));
    let call = WireCall {
        face: WireFace::BotApi,
        connection: cut.connection,
        user: world.read(|state| state.bot_by_token(token).map(|bot| bot.id)),
        method,
        bytes_in: 0,
        bytes_out: 0,
        took: Duration::ZERO,
        error: Some("the client went away".to_owned()),
    };
    let mut noting = Noting { wire, began: Instant::now(), bytes_in: bytes_in.clone(), call: Some(call) };
    let (head, body) = request.into_parts();
    let counted = body.into_data_stream().inspect(move |piece| {
        let bytes = piece.as_ref().map_or(0, |piece| piece.len() as u64);
        bytes_in.fetch_add(bytes, Ordering::Relaxed);
    });
    let response = next.run(Request::from_parts(head, Body::from_stream(counted))).await;
    let (response, error) = match (cut.is_cut(), response.status().is_success()) {
        (true, _) => (response, Some("connection cut".to_owned())),
        (false, true) => (response, None),
        (false, false) => refusal(response).await,
    };
    if let Some(call) = &mut noting.call {
        call.bytes_out = length(&response);
        call.error = error;
    }
    response
}

impl Drop for Noting {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.wire.note(WireCall { took: self.began.elapsed(), bytes_in: self.bytes_in.load(Ordering::Relaxed), ..call });
        }
    }
}

/// The token and the method of a path; a download is `/file`.
fn called(path: &str) -> Option<(&str, Cow<'static, str>)> {
    if let Some(rest) = path.strip_prefix("/file/bot") {
        return Some((rest.split_once('/')?.0, Cow::Borrowed("/file")));
    }
    let (token, method) = path.strip_prefix("/bot")?.split_once('/')?;
    Some((token, Cow::Owned(method.to_owned())))
}

fn length(response: &Response) -> u64 {
    let stated = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    stated.unwrap_or_else(|| response.body().size_hint().lower())
}

/// The text of a refusal, and the refusal again.
async fn refusal(response: Response) -> (Response, Option<String>) {
    let status = response.status();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, MAX_REFUSAL_BYTES).await.unwrap_or_default();
    let told = serde_json::from_slice::<serde_json::Value>(&body).ok();
    let told = told.and_then(|told| Some(told.get("description")?.as_str()?.to_owned()));
    let error = format!("{} {}", status.as_u16(), told.as_deref().or(status.canonical_reason()).unwrap_or_default());
    (Response::from_parts(head, Body::from(body)), Some(error))
}
