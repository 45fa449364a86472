//! The session against service messages made by grammers' types: a table of what the server says and what must come of it.

use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use grammers_client::InvocationError;
use grammers_tl_types::{self as tl, Deserializable, Serializable};

use super::plaintext::{CONTAINER_ID, RPC_RESULT_ID};
use super::session::{Envelope, Event, Session};

const NOW: Duration = Duration::from_secs(1_800_000_000);
/// A number of the server, 40 s ahead of our clock.
const SERVERS: i64 = (1_800_000_040 << 32) | 1;
const GZIP_ID: u32 = 0x3072_cfa1;

/// A session that has sent one call, and that call's envelope.
fn session() -> (Session, Envelope) {
    let mut session = Session::new();
    let call = session.envelope(true, 8, NOW);
    (session, call)
}

fn message(msg_id: i64, seq_no: i32, body: &[u8]) -> Vec<u8> {
    [&msg_id.to_le_bytes()[..], &seq_no.to_le_bytes(), &(body.len() as i32).to_le_bytes(), body].concat()
}

/// A plaintext of the server with one message and its padding.
fn plaintext(session_id: i64, msg_id: i64, seq_no: i32, body: &[u8]) -> Vec<u8> {
    [&77_i64.to_le_bytes()[..], &session_id.to_le_bytes(), &message(msg_id, seq_no, body), &[0; 16]].concat()
}

fn container(messages: &[Vec<u8>]) -> Vec<u8> {
    [&CONTAINER_ID.to_le_bytes()[..], &(messages.len() as u32).to_le_bytes(), &messages.concat()].concat()
}

fn result(msg_id: i64, answer: &[u8]) -> Vec<u8> {
    [&RPC_RESULT_ID.to_le_bytes()[..], &msg_id.to_le_bytes(), answer].concat()
}

fn packed(object: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, object).unwrap();
    [&GZIP_ID.to_le_bytes()[..], &encoder.finish().unwrap().to_bytes()].concat()
}

fn bad(bad_msg_id: i64, error_code: i32) -> Vec<u8> {
    let bad = tl::types::BadMsgNotification { bad_msg_id, bad_msg_seqno: 1, error_code };
    tl::enums::BadMsgNotification::Notification(bad).to_bytes()
}

fn hear(session: &mut Session, session_id: i64, body: &[u8]) -> Result<Vec<Event>, InvocationError> {
    session.receive(&plaintext(session_id, SERVERS, 0, body), NOW)
}

fn only(events: Result<Vec<Event>, InvocationError>) -> Event {
    let mut events = events.unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn acknowledged(session: &mut Session) -> Vec<i64> {
    session.acknowledgement().map_or(Vec::new(), |body| {
        let tl::enums::MsgsAck::Ack(ack) = tl::enums::MsgsAck::from_bytes(&body).unwrap();
        ack.msg_ids
    })
}

#[test]
fn numbers_rise_and_sequence_numbers_count_what_has_content() {
    let mut session = Session::new();
    let mut before = 0;
    let clock = [5, 5, 4, 6].map(Duration::from_secs);
    for (since_epoch, (content, seq_no)) in clock.into_iter().zip([(true, 1), (false, 2), (true, 3), (true, 5)]) {
        let envelope = session.envelope(content, 0, since_epoch);
        assert!(envelope.msg_id > before && envelope.msg_id % 4 == 0, "{envelope:?}");
        assert_eq!(envelope.seq_no, seq_no);
        before = envelope.msg_id;
    }
    assert_eq!(before >> 32, 6);
}

#[test]
fn answers_come_plain_packed_and_in_containers() {
    let answer = vec![7; 4000];
    let direct = |msg_id| result(msg_id, &answer);
    let of_packed = |msg_id| result(msg_id, &packed(&answer));
    let packed_whole = |msg_id| packed(&direct(msg_id));
    let in_container = |msg_id| container(&[message(SERVERS - 8, 1, &of_packed(msg_id)), message(SERVERS - 4, 3, &[9; 4])]);
    let bodies: [&dyn Fn(i64) -> Vec<u8>; 4] = [&direct, &of_packed, &packed_whole, &in_container];
    for body in bodies {
        let (mut session, call) = session();
        let Event::Answer { msg_id, answer: heard } = only(hear(&mut session, call.session_id, &body(call.msg_id))) else { panic!() };
        assert_eq!((msg_id, heard.unwrap()), (call.msg_id, answer.clone()));
    }
}

#[test]
fn errors_are_told_by_name_also_when_packed() {
    let error = tl::types::RpcError { error_code: 420, error_message: "FLOOD_PREMIUM_WAIT_31".to_owned() };
    let error = tl::enums::RpcError::Error(error).to_bytes();
    for body in [error.clone(), packed(&error)] {
        let (mut session, call) = session();
        let event = only(hear(&mut session, call.session_id, &result(call.msg_id, &body)));
        let Event::Answer { answer: Err(InvocationError::Rpc(error)), .. } = event else { panic!("{event:?}") };
        assert_eq!((error.code, error.name.as_str(), error.value), (420, "FLOOD_PREMIUM_WAIT", Some(31)));
    }
}

#[test]
fn an_answer_that_cannot_be_unpacked_fails_its_call_only() {
    let (mut session, call) = session();
    let broken = [&GZIP_ID.to_le_bytes()[..], &vec![1_u8, 2, 3].to_bytes()].concat();
    let event = only(hear(&mut session, call.session_id, &result(call.msg_id, &broken)));
    assert!(matches!(event, Event::Answer { msg_id, answer: Err(InvocationError::Deserialize(_)) } if msg_id == call.msg_id), "{event:?}");
}

#[test]
fn what_asks_for_it_is_acknowledged_once() {
    let (mut session, call) = session();
    let two = container(&[message(SERVERS - 8, 1, &result(call.msg_id, &[0; 4])), message(SERVERS - 4, 2, &[9; 4])]);
    hear(&mut session, call.session_id, &two).unwrap();
    assert_eq!(session.unacknowledged(), 1);
    assert_eq!(acknowledged(&mut session), [SERVERS - 8]);
    assert!(acknowledged(&mut session).is_empty());
}

#[test]
fn a_refused_salt_is_replaced_and_the_message_goes_again() {
    let (mut session, call) = session();
    let bad = tl::types::BadServerSalt { bad_msg_id: call.msg_id, bad_msg_seqno: 1, error_code: 48, new_server_salt: 555 };
    let body = tl::enums::BadMsgNotification::BadServerSalt(bad).to_bytes();
    let event = only(hear(&mut session, call.session_id, &body));
    assert!(matches!(event, Event::Refused { msg_id } if msg_id == call.msg_id), "{event:?}");
    let again = session.envelope(true, 8, NOW);
    assert_eq!((again.salt, again.session_id, again.seq_no), (555, call.session_id, 3));
}

#[test]
fn the_servers_own_salt_is_used_before_the_one_before_is_refused() {
    let (mut session, call) = session();
    let said = |salt: i64, msg_id| {
        let mut plain = plaintext(call.session_id, msg_id, 0, &result(call.msg_id, &[0; 4]));
        plain[..8].copy_from_slice(&salt.to_le_bytes());
        plain
    };
    for (salt, msg_id, expected) in [(5, SERVERS, 5), (6, SERVERS + 4, 6), (5, SERVERS, 6), (5, SERVERS + 4, 6)] {
        session.receive(&said(salt, msg_id), NOW).unwrap();
        assert_eq!(session.envelope(true, 8, NOW).salt, expected, "an older message changes nothing");
    }
    let mut of_another = said(7, SERVERS + 8);
    of_another[8..16].copy_from_slice(&(call.session_id ^ 1).to_le_bytes());
    session.receive(&of_another, NOW).unwrap();
    assert_eq!(session.envelope(true, 8, NOW).salt, 6);
}

#[test]
fn each_refusal_is_mended_in_its_way() {
    // (code, the session goes on, the clock is set)
    for (code, same_session, clock_set) in [(16, true, true), (17, false, true), (32, false, false), (33, false, false)] {
        let (mut session, call) = session();
        let event = only(hear(&mut session, call.session_id, &bad(call.msg_id, code)));
        assert!(matches!(event, Event::Refused { msg_id } if msg_id == call.msg_id), "{code}: {event:?}");
        let again = session.envelope(true, 8, NOW);
        assert_eq!(again.session_id == call.session_id, same_session, "{code}");
        assert_eq!(again.seq_no, if same_session { 3 } else { 1 }, "{code}");
        assert_eq!((again.msg_id >> 32) - NOW.as_secs() as i64, if clock_set { 40 } else { 0 }, "{code}");
        // Another message of the old session, refused for the same: it goes in the session that there is now.
        only(hear(&mut session, call.session_id, &bad(call.msg_id + 4, code)));
        assert_eq!(session.envelope(true, 8, NOW).session_id, again.session_id, "{code}");
    }
}

#[test]
fn a_clock_that_was_ahead_goes_back() {
    let mut session = Session::new();
    let fast = NOW + Duration::from_secs(7200);
    let call = session.envelope(true, 8, fast);
    session.receive(&plaintext(call.session_id, SERVERS, 0, &bad(call.msg_id, 17)), fast).unwrap();
    assert_eq!(session.envelope(true, 8, fast).msg_id >> 32, SERVERS >> 32);
}

#[test]
fn refusals_that_sending_again_does_not_mend_end_the_connection() {
    for code in [18, 19, 20, 34, 35, 64, 99] {
        let (mut session, call) = session();
        let error = hear(&mut session, call.session_id, &bad(call.msg_id, code)).unwrap_err();
        assert!(matches!(&error, InvocationError::Io(_)) && error.to_string().contains(&code.to_string()), "{error}");
    }
}

#[test]
fn a_new_session_tells_the_salt_and_what_was_forgotten() {
    let (mut session, call) = session();
    let created = tl::types::NewSessionCreated { first_msg_id: call.msg_id + 40, unique_id: 1, server_salt: 666 };
    let event = only(hear(&mut session, call.session_id, &tl::enums::NewSession::Created(created).to_bytes()));
    let Event::Forgotten { session_id, before_msg_id } = event else { panic!("{event:?}") };
    assert_eq!((session_id, before_msg_id), (call.session_id, call.msg_id + 40));
    assert_eq!(session.envelope(true, 8, NOW).salt, 666);
}

#[test]
fn an_answer_that_may_be_lost_is_told() {
    let (mut session, call) = session();
    let info = tl::types::MsgDetailedInfo { msg_id: call.msg_id, answer_msg_id: 91, bytes: 8, status: 0 };
    let event = only(hear(&mut session, call.session_id, &tl::enums::MsgDetailedInfo::Info(info).to_bytes()));
    assert!(matches!(event, Event::AnswerMade { msg_id, answer_msg_id: 91 } if msg_id == call.msg_id), "{event:?}");
    assert_eq!(session.unacknowledged(), 0);
    let info = tl::types::MsgNewDetailedInfo { answer_msg_id: 95, bytes: 8, status: 0 };
    assert!(hear(&mut session, call.session_id, &tl::enums::MsgDetailedInfo::MsgNewDetailedInfo(info).to_bytes()).unwrap().is_empty());
    assert_eq!(acknowledged(&mut session), [95]);
}

#[test]
fn the_rest_is_heard_and_nothing_comes_of_it() {
    let (mut session, call) = session();
    let msg_ids = vec![call.msg_id];
    let bodies = [
        tl::enums::Pong::Pong(tl::types::Pong { msg_id: call.msg_id, ping_id: 1 }).to_bytes(),
        tl::enums::MsgsAck::Ack(tl::types::MsgsAck { msg_ids }).to_bytes(),
        tl::enums::DestroySessionRes::DestroySessionOk(tl::types::DestroySessionOk { session_id: 3 }).to_bytes(),
        tl::enums::Updates::TooLong.to_bytes(),
        container(&[]),
    ];
    for body in bodies {
        assert!(hear(&mut session, call.session_id, &body).unwrap().is_empty());
    }
    // Not for us: neither acted upon nor acknowledged.
    let other = plaintext(call.session_id ^ 1, SERVERS, 1, &result(call.msg_id, &[0; 4]));
    assert!(session.receive(&other, NOW).unwrap().is_empty());
    assert_eq!((acknowledged(&mut session), session.envelope(true, 8, NOW).session_id), (vec![], call.session_id));
}

#[test]
fn nonsense_is_an_error_and_never_a_panic() {
    let (mut session, call) = session();
    let good = plaintext(call.session_id, SERVERS, 0, &container(&[message(SERVERS - 4, 1, &result(call.msg_id, &[0; 4]))]));
    for length in 0..good.len() - 16 {
        assert!(session.receive(&good[..length], NOW).is_err(), "{length}");
    }
    for place in 28..good.len() {
        let mut changed = good.clone();
        changed[place] = 0xff;
        let _ = session.receive(&changed, NOW);
    }
}
