//! The control API: be the user, script faults, look behind the scenes, over HTTP. And the page of the chat.
//!
//! In: JSON under `/control`. Out: what `TestUser`, `Faults` and `World` do in a test. It must not do anything that those cannot.

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::faults::Faults;
use crate::network::Network;
use crate::user::TestUser;
use crate::wire_log::WireLog;
use crate::world::chats::channel_of_bot_api_id;
use crate::world::{State, World};

mod admin;
mod chat;
mod chats;
mod files;
mod groups;
mod inline;
mod mishaps;
mod page;
mod stars;
mod wire;

#[derive(Clone)]
struct Control {
    world: World,
    faults: Faults,
    network: Network,
    wire: WireLog,
    cancel: CancellationToken,
}

/// Routes of the control API and of the page.
pub(crate) fn router(world: World, faults: Faults, network: Network, wire: WireLog, cancel: CancellationToken) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/page/{name}", get(page::asset))
        .route("/control/who", get(admin::who))
        .route("/control/users", post(admin::add_user))
        .route("/control/counters", get(admin::counters))
        .route("/control/counters/reset", post(admin::reset_counters))
        .route("/control/refusals", get(admin::refusals))
        .route("/control/warnings", get(admin::warnings))
        .route("/control/code", get(admin::code))
        .route("/control/auth-keys", post(admin::auth_key))
        .route("/control/faults", post(admin::add_fault).get(admin::unconsumed).delete(admin::clear_faults))
        .route("/control/network", post(admin::set_network).get(admin::network))
        .route("/control/network/cut", post(admin::cut_network))
        .route("/control/qr/accept", post(admin::accept_qr))
        .route("/control/revoke", post(admin::revoke))
        .route("/control/home", post(mishaps::set_home))
        .route("/control/clock", post(mishaps::clock))
        .route("/control/parts/expire", post(mishaps::expire_parts))
        .route("/control/channels/{id}/remove", post(mishaps::remove_bot))
        .route("/control/channels", get(admin::channels))
        .route("/control/channels/{id}/delete", post(admin::delete_channel))
        .route("/control/channels/{id}/messages/{message}/delete", post(admin::delete_post))
        .route("/control/chats", get(chats::list))
        .route("/control/chat", get(chats::shown))
        .route("/control/send", post(chat::send))
        .route("/control/react", post(chat::react))
        .route("/control/press", post(chat::press))
        .route("/control/messages", get(chat::messages))
        .route("/control/deleted", get(chat::deleted))
        .route("/control/transcript", get(chat::transcript))
        .route("/control/block", post(chat::block))
        .route("/control/unblock", post(chat::unblock))
        .route("/control/pay", post(stars::pay))
        .route("/control/stars", get(stars::balance).post(stars::set_balance))
        .route("/control/stars/renew", post(stars::renew))
        .route("/control/bots", post(groups::set_bot))
        .route("/control/groups", post(groups::create))
        .route("/control/groups/act", post(groups::act))
        .route("/control/inline", post(inline::ask))
        .route("/control/inline/choose", post(inline::choose))
        .route("/control/tap", post(inline::tap))
        .route("/control/open", post(groups::open))
        .route("/control/wait", get(chat::wait))
        .route("/control/wire", get(wire::lines))
        .route("/control/file", get(files::file))
        .route("/control/thumb", get(files::thumb))
        .with_state(Control { world, faults, network, wire, cancel })
}

impl Control {
    /// The person whom a call names, in the chat that it names.
    fn person(&self, who: &chat::Who) -> Result<TestUser, Failed> {
        self.world.read(|state| {
            let person = person(state, &who.user)?;
            let group = who.chat.as_deref().and_then(|chat| chat.parse().ok()).and_then(channel_of_bot_api_id);
            let Some(group) = group else {
                if who.bot.is_some() {
                    return Err(Failed::bad("bot says which one is meant in a group; the chat with a bot is named by chat"));
                }
                return Ok(TestUser::new(self.world.clone(), Self::bot(state, who.chat.as_deref())?, person));
            };
            if !state.channels.get(&group).is_some_and(|group| group.is_member(person)) {
                return Err(Failed::missing(format!("{} is not in {}", who.user, who.chat.as_deref().unwrap_or_default())));
            }
            let user = TestUser::new(self.world.clone(), Self::bot(state, who.bot.as_deref())?, person).in_chat(group);
            let topic = who.message_thread_id.filter(|topic| *topic != 0);
            Ok(topic.map_or(user.clone(), |topic| user.in_topic(topic)))
        })
    }

    /// The bot of this name, or the first one.
    fn bot(state: &State, name: Option<&str>) -> Result<i64, Failed> {
        let bot = match name {
            Some(name) => state.users.named(name).filter(|found| found.is_bot).map(|found| found.id),
            None => state.bots.keys().next().copied(),
        };
        bot.ok_or_else(|| Failed::missing("no such bot".to_owned()))
    }
}

/// The person with this username, or with this id: accounts may have no username.
fn person(state: &State, user: &str) -> Result<i64, Failed> {
    let found = state.users.named(user).or_else(|| state.users.get(user.parse().ok()?));
    found.filter(|person| !person.is_bot).map(|person| person.id).ok_or_else(|| Failed::missing(format!("no user {user}")))
}

/// Why a call of the control API fails.
struct Failed(StatusCode, String);

impl Failed {
    fn missing(what: String) -> Self {
        Self(StatusCode::NOT_FOUND, what)
    }

    fn bad(what: impl std::fmt::Display) -> Self {
        Self(StatusCode::BAD_REQUEST, what.to_string())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}
