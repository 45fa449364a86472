//! Runs one call: takes off its wrappers, counts it, lets scripted faults at it, hands it to its service.
//!
//! In: the body of a message that is a call, and who sends it. Out: the bytes of the answer, or word that the connection is to be cut.
//! Wrappers: <https://core.telegram.org/api/invoking>. It must not know what a method does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use grammers_tl_types::{self as tl, Cursor, Deserializable, Identifiable};

use super::connection::Link;
use super::rpc_error::RpcError;
use super::session::Session;
use super::{LAYER, Server, migrate, services, wire};
use crate::faults::Fault;
use crate::wire_log::{WireCall, WireFace};
use crate::world::accounts::{Accounts, Authorization, Device};
use crate::world::{ChatRef, World, now_unix};

/// The longest that `invokeAfterMsg` waits for the other call.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// The oldest layer taken: what the independent clients of the tests speak. Between it and [`LAYER`] nothing served here changed.
const OLDEST_LAYER: i32 = 229;

/// Who calls, and on what.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) server: Server,
    pub(crate) key_id: i64,
    /// The number of the connection.
    connection: u64,
    /// The server's own address.
    pub(crate) local: SocketAddr,
    session: Arc<Session>,
}

/// What becomes of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Send this.
    Answer(Vec<u8>),
    /// Cut the connection; nothing was done.
    CutBefore,
    /// It was done; cut the connection in place of this answer.
    CutAfter(Vec<u8>),
}

impl Caller {
    pub(super) fn new(link: &Link, session: &Arc<Session>) -> Self {
        Self { server: link.server.clone(), key_id: link.key_id, connection: link.number, local: link.local, session: session.clone() }
    }

    /// The world that is called on.
    pub(crate) fn world(&self) -> &World {
        &self.server.world
    }

    /// The accounts of that world.
    pub(crate) fn accounts(&self) -> &Accounts {
        self.server.world.accounts()
    }

    /// True if a bot is logged in with this auth key.
    pub(crate) fn is_bot(&self) -> bool {
        self.user().is_ok_and(|me| self.world().read(|state| state.bots.contains_key(&me)))
    }

    /// This call brought an event of a chat about, and its answer tells of it.
    pub(crate) fn knows(&self, chat: ChatRef, pts: i32) {
        self.session.feed.knows(chat, pts);
    }

    /// The user logged in with this auth key, or the error that says there is none.
    pub(crate) fn user(&self) -> Result<i64, RpcError> {
        match self.accounts().authorization(self.key_id) {
            Authorization::User(user_id) => Ok(user_id),
            Authorization::PasswordNeeded(_) => Err(RpcError::new(401, "SESSION_PASSWORD_NEEDED")),
            Authorization::Duplicated => Err(RpcError::new(406, "AUTH_KEY_DUPLICATED")),
            Authorization::Revoked => Err(RpcError::new(401, "SESSION_REVOKED")),
            Authorization::Nobody => Err(RpcError::new(401, "AUTH_KEY_UNREGISTERED")),
        }
    }
}

/// Runs the call in `body` and notes it in the wire log.
pub(super) async fn call(caller: &Caller, body: &Bytes) -> Outcome {
    let began = Instant::now();
    let mut method = "";
    let outcome = run(caller, body, &mut method).await;
    let (answer, error) = match &outcome {
        Outcome::Answer(answer) => (&answer[..], RpcError::name_in(answer)),
        Outcome::CutBefore => (&[][..], Some("connection cut".to_owned())),
        Outcome::CutAfter(_) => (&[][..], Some("done, then connection cut".to_owned())),
    };
    caller.server.wire.note(WireCall {
        face: WireFace::Mtproto,
        connection: caller.connection,
        user: caller.user().ok(),
        method: method.into(),
        bytes_in: body.len() as u64,
        bytes_out: answer.len() as u64,
        took: began.elapsed(),
        error,
    });
    outcome
}

async fn run(caller: &Caller, body: &Bytes, called: &mut &'static str) -> Outcome {
    let unwrapped = match unwrap(caller, body) {
        Ok(unwrapped) => unwrapped,
        Err(error) => return Outcome::Answer(error.to_bytes()),
    };
    for earlier in unwrapped.after {
        if tokio::time::timeout(MAX_WAIT, caller.session.after(earlier)).await.is_err() {
            return Outcome::Answer(RpcError::bad("MSG_WAIT_TIMEOUT").to_bytes());
        }
    }
    if let (false, Ok(user)) = (unwrapped.without_updates, caller.user()) {
        caller.session.feed.follow(caller.world(), user);
    }
    let id = wire::constructor(unwrapped.query).unwrap_or_default();
    let method = tl::name_for_id(id);
    *called = method;
    caller.world().count(|counters| counters.mtproto_called(method));
    let struck = caller.server.faults.strike(method, caller.world(), Some(caller.key_id));
    let lose_answer = match scripted(struck).await {
        Scripted::Nothing => false,
        Scripted::LoseAnswer => true,
        Scripted::Cut => return Outcome::CutBefore,
        Scripted::Error(error) => return Outcome::Answer(error.to_bytes()),
    };
    let is_transfer = ["upload.", "help.", "auth."].iter().any(|family| method.starts_with(family));
    if !is_transfer
        && !unwrapped.without_updates
        && caller.user().is_ok()
        && caller.server.key_uses.is_parallel(caller.key_id, caller.connection, caller.session.id)
    {
        caller.accounts().end_duplicated(caller.key_id);
    }
    if let Err(error) = migrate::check_home(caller, method) {
        return Outcome::Answer(error.to_bytes());
    }
    let answer = match services::run(caller, id, method, body.slice_ref(unwrapped.query)).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::debug!(method, error = error.name, "a call was refused");
            error.to_bytes()
        }
    };
    if lose_answer { Outcome::CutAfter(answer) } else { Outcome::Answer(answer) }
}

enum Scripted {
    Nothing,
    LoseAnswer,
    Cut,
    Error(RpcError),
}

async fn scripted(fault: Option<Fault>) -> Scripted {
    match fault {
        None | Some(Fault::Happens(_)) => Scripted::Nothing,
        Some(Fault::LoseAnswer) => Scripted::LoseAnswer,
        Some(Fault::CutConnection) => Scripted::Cut,
        Some(Fault::FloodWait { seconds }) => Scripted::Error(RpcError::new(420, format!("FLOOD_WAIT_{seconds}"))),
        Some(Fault::FloodPremiumWait { seconds }) => Scripted::Error(RpcError::new(420, format!("FLOOD_PREMIUM_WAIT_{seconds}"))),
        Some(Fault::RpcError { code, message }) => Scripted::Error(RpcError::new(code, message)),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            Scripted::Nothing
        }
        Some(Fault::HttpStatus { code, description, .. }) => Scripted::Error(RpcError::new(i32::from(code), description)),
    }
}

struct Unwrapped<'a> {
    query: &'a [u8],
    without_updates: bool,
    /// Messages whose calls have to end first.
    after: Vec<i64>,
}

/// Stands for the inner call, which is read later.
struct Inner;

impl Deserializable for Inner {
    fn deserialize(_: &mut Cursor<'_>) -> tl::deserialize::Result<Self> {
        Ok(Self)
    }
}

fn unwrap<'a>(caller: &Caller, body: &'a [u8]) -> Result<Unwrapped<'a>, RpcError> {
    let (mut query, mut after, mut without_updates) = (body, Vec::new(), false);
    loop {
        let mut cursor = Cursor::from_slice(query.get(4..).unwrap_or_default());
        match wire::constructor(query).unwrap_or_default() {
            tl::functions::InvokeWithLayer::<Inner>::CONSTRUCTOR_ID => {
                let call = tl::functions::InvokeWithLayer::<Inner>::deserialize(&mut cursor)?;
                if !(OLDEST_LAYER..=LAYER).contains(&call.layer) {
                    caller.world().refuse(format!("MTProto layer {}", call.layer));
                    return Err(RpcError::bad("CONNECTION_LAYER_INVALID"));
                }
            }
            tl::functions::InitConnection::<Inner>::CONSTRUCTOR_ID => {
                let call = tl::functions::InitConnection::<Inner>::deserialize(&mut cursor)?;
                if call.api_id <= 0 {
                    return Err(RpcError::bad("CONNECTION_API_ID_INVALID"));
                }
                let device = Device {
                    api_id: call.api_id,
                    model: call.device_model,
                    system_version: call.system_version,
                    app_version: call.app_version,
                    active_unix: now_unix(),
                };
                caller.accounts().set_inited(caller.key_id, device);
            }
            tl::functions::InvokeWithoutUpdates::<Inner>::CONSTRUCTOR_ID => without_updates = true,
            tl::functions::InvokeAfterMsg::<Inner>::CONSTRUCTOR_ID => {
                after.push(tl::functions::InvokeAfterMsg::<Inner>::deserialize(&mut cursor)?.msg_id);
            }
            tl::functions::InvokeAfterMsgs::<Inner>::CONSTRUCTOR_ID => {
                after.extend(tl::functions::InvokeAfterMsgs::<Inner>::deserialize(&mut cursor)?.msg_ids);
            }
            _ if !caller.accounts().is_inited(caller.key_id) => {
                return Err(RpcError::bad("CONNECTION_NOT_INITED"));
            }
            _ => return Ok(Unwrapped { query, without_updates, after }),
        }
        query = &query[4 + cursor.pos()..];
    }
}
