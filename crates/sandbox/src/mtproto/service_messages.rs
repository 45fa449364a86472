//! Service messages: pings, salts, acknowledgements, questions about messages.
//!
//! In: one message of a client. Out: the service answer, sent at once, or word that it is a call. What each means:
//! <https://core.telegram.org/mtproto/service_messages> and `service_messages_about_messages` there. It must not run calls.

use std::sync::Arc;
use std::time::Duration;

use grammers_tl_types::{self as tl, Cursor, Deserializable, Identifiable, Serializable};
use tokio::time::Instant;

use super::checks::Kind;
use super::connection::Link;
use super::session::{Session, Status};
use super::wire::{self, Incoming};

/// What a message was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handled {
    /// Dealt with, or refused.
    Done,
    /// A call to run.
    Call,
}

/// `bad_server_salt` for a message, with the salt to use.
pub(super) fn bad_server_salt(message: &Incoming, new_server_salt: i64) -> Vec<u8> {
    let bad = tl::types::BadServerSalt { bad_msg_id: message.msg_id, bad_msg_seqno: message.seq_no, error_code: 48, new_server_salt };
    tl::enums::BadMsgNotification::BadServerSalt(bad).to_bytes()
}

/// `bad_msg_notification` for a message.
pub(super) fn bad_msg(message: &Incoming, error_code: i32) -> Vec<u8> {
    let bad = tl::types::BadMsgNotification { bad_msg_id: message.msg_id, bad_msg_seqno: message.seq_no, error_code };
    tl::enums::BadMsgNotification::Notification(bad).to_bytes()
}

/// Handles a message that is not a call; notes a call as running.
pub(super) fn handle(link: &Link, session: &Arc<Session>, message: &Incoming) -> Handled {
    let id = wire::constructor(&message.body).unwrap_or_default();
    let (kind, status) = match id {
        tl::types::MsgsAck::CONSTRUCTOR_ID | tl::types::HttpWait::CONSTRUCTOR_ID => (Kind::Service, Status::Done),
        _ if is_service(id) => (Kind::Either, Status::Done),
        _ => (Kind::Content, Status::Running),
    };
    if let Err(code) = session.receive(message.msg_id, message.seq_no, kind, status) {
        session.notify(bad_msg(message, code), true);
        return Handled::Done;
    }
    if kind == Kind::Content {
        return Handled::Call;
    }
    match reply(link, session, id, message) {
        Ok(Some(answer)) => session.notify(answer, true),
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "a service message could not be read"),
    }
    Handled::Done
}

fn is_service(id: u32) -> bool {
    matches!(
        id,
        tl::functions::Ping::CONSTRUCTOR_ID
            | tl::functions::PingDelayDisconnect::CONSTRUCTOR_ID
            | tl::functions::GetFutureSalts::CONSTRUCTOR_ID
            | tl::functions::RpcDropAnswer::CONSTRUCTOR_ID
            | tl::functions::DestroySession::CONSTRUCTOR_ID
            | tl::types::MsgsStateReq::CONSTRUCTOR_ID
            | tl::types::MsgsStateInfo::CONSTRUCTOR_ID
            | tl::types::MsgsAllInfo::CONSTRUCTOR_ID
            | tl::types::MsgResendReq::CONSTRUCTOR_ID
    )
}

fn reply(link: &Link, session: &Arc<Session>, id: u32, message: &Incoming) -> Result<Option<Vec<u8>>, tl::deserialize::Error> {
    let mut cursor = Cursor::from_slice(&message.body[4..]);
    let body = &mut cursor;
    let answer = match id {
        tl::types::MsgsAck::CONSTRUCTOR_ID => {
            session.acknowledged(&tl::types::MsgsAck::deserialize(body)?.msg_ids);
            None
        }
        tl::functions::Ping::CONSTRUCTOR_ID => {
            let ping = tl::functions::Ping::deserialize(body)?;
            Some(pong(message.msg_id, ping.ping_id))
        }
        tl::functions::PingDelayDisconnect::CONSTRUCTOR_ID => {
            let ping = tl::functions::PingDelayDisconnect::deserialize(body)?;
            let delay = Duration::from_secs(u64::from(ping.disconnect_delay.max(0).unsigned_abs()));
            link.close_at.send_replace(Some(Instant::now() + delay));
            Some(pong(message.msg_id, ping.ping_id))
        }
        tl::functions::GetFutureSalts::CONSTRUCTOR_ID => {
            let wanted = tl::functions::GetFutureSalts::deserialize(body)?.num;
            let salts = tl::types::FutureSalts {
                req_msg_id: message.msg_id,
                now: link.salts().now as i32,
                salts: tl::RawVec(link.salts().future(wanted)),
            };
            Some(tl::enums::FutureSalts::Salts(salts).to_bytes())
        }
        tl::functions::RpcDropAnswer::CONSTRUCTOR_ID => {
            let unwanted = tl::functions::RpcDropAnswer::deserialize(body)?.req_msg_id;
            let dropped = dropped(session, unwanted).to_bytes();
            Some(wire::rpc_result(message.msg_id, &dropped))
        }
        tl::functions::DestroySession::CONSTRUCTOR_ID => {
            let session_id = tl::functions::DestroySession::deserialize(body)?.session_id;
            Some(destroyed(link, session, session_id).to_bytes())
        }
        tl::types::MsgsStateReq::CONSTRUCTOR_ID => {
            let asked = tl::types::MsgsStateReq::deserialize(body)?.msg_ids;
            Some(states(session, message.msg_id, &asked))
        }
        tl::types::MsgResendReq::CONSTRUCTOR_ID => {
            let asked = tl::types::MsgResendReq::deserialize(body)?.msg_ids;
            let all = session.resend(&asked);
            (!all).then(|| states(session, message.msg_id, &asked))
        }
        // `http_wait` has no meaning over TCP; what a client tells of its own state is only noted as received.
        _ => None,
    };
    Ok(answer)
}

fn pong(msg_id: i64, ping_id: i64) -> Vec<u8> {
    tl::enums::Pong::Pong(tl::types::Pong { msg_id, ping_id }).to_bytes()
}

fn dropped(session: &Session, unwanted: i64) -> tl::enums::RpcDropAnswer {
    match session.drop_answer(unwanted) {
        Some(Status::Running | Status::Dropped) => tl::enums::RpcDropAnswer::RpcAnswerDroppedRunning,
        Some(Status::Done) => {
            tl::enums::RpcDropAnswer::RpcAnswerDropped(tl::types::RpcAnswerDropped { msg_id: unwanted, seq_no: 0, bytes: 0 })
        }
        None => tl::enums::RpcDropAnswer::RpcAnswerUnknown,
    }
}

fn destroyed(link: &Link, session: &Session, session_id: i64) -> tl::enums::DestroySessionRes {
    // A client cannot destroy the session that it asks in.
    let known = session_id != session.id && link.server.sessions.destroy(link.key_id, session_id);
    if known {
        tl::enums::DestroySessionRes::DestroySessionOk(tl::types::DestroySessionOk { session_id })
    } else {
        tl::enums::DestroySessionRes::DestroySessionNone(tl::types::DestroySessionNone { session_id })
    }
}

/// One byte for each message: 2 not received; 4 received, with +32 for a call that runs or ran and +64 for an answer that was made.
fn states(session: &Session, req_msg_id: i64, asked: &[i64]) -> Vec<u8> {
    let state = |msg_id: &i64| match session.status(*msg_id) {
        None => 2_u8,
        Some(Status::Running | Status::Dropped) => 4 + 32,
        Some(Status::Done) => 4 + 32 + 64,
    };
    let info = asked.iter().map(state).collect();
    tl::enums::MsgsStateInfo::Info(tl::types::MsgsStateInfo { req_msg_id, info }).to_bytes()
}
