//! The message layer as a client of one's own sees it: what grammers never does on purpose.

use std::time::{SystemTime, UNIX_EPOCH};

use grammers_crypto::{AuthKey, DequeBuffer, decrypt_data_v2, encrypt_data_v2};
use grammers_tl_types::{self as tl, Cursor, Deserializable, Identifiable, Serializable};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{API_ID, Stage};
use crate::mtproto::crypto;
use crate::mtproto::transport::{FrameReader, FrameWriter};
use crate::mtproto::wire;

/// A connection that says exactly what it is told to say.
struct Wire {
    stream: TcpStream,
    reader: FrameReader,
    writer: FrameWriter,
    key: AuthKey,
    salt: i64,
    session_id: i64,
}

impl Wire {
    async fn connect(stage: &Stage, key: [u8; 256], session_id: i64) -> Self {
        Self {
            stream: TcpStream::connect(stage.addr).await.expect("served"),
            reader: FrameReader::default(),
            writer: FrameWriter::default(),
            key: AuthKey::from_bytes(key),
            salt: 0,
            session_id,
        }
    }

    async fn say(&mut self, msg_id: i64, seq_no: i32, body: &[u8]) {
        let mut buffer = DequeBuffer::with_capacity(body.len() + 128, 64);
        buffer.extend(wire::plaintext(self.salt, self.session_id, msg_id, seq_no, body));
        encrypt_data_v2(&mut buffer, &self.key);
        let frame = self.writer.frame(&buffer[..]);
        self.stream.write_all(&frame).await.expect("connected");
    }

    /// The server's next message: its identifier and its body.
    async fn hear(&mut self) -> (i64, Vec<u8>) {
        let mut payload = self.reader.read(&mut self.stream).await.expect("a frame").expect("connected");
        let plain = decrypt_data_v2(&mut payload, &self.key).expect("for us");
        let mut cursor = Cursor::from_slice(&plain[8..]);
        assert_eq!(i64::deserialize(&mut cursor), Ok(self.session_id));
        let msg_id = i64::deserialize(&mut cursor).expect("an identifier");
        let _seq_no = i32::deserialize(&mut cursor).expect("a number");
        let len = i32::deserialize(&mut cursor).expect("a length");
        let mut body = vec![0; usize::try_from(len).expect("a length")];
        cursor.read_exact(&mut body).expect("a body");
        (msg_id, body)
    }

    /// Hears until a message of this constructor.
    async fn hear_a(&mut self, id: u32) -> (i64, Vec<u8>) {
        loop {
            let (msg_id, body) = self.hear().await;
            if wire::constructor(&body) == Some(id) {
                return (msg_id, body);
            }
        }
    }

    /// Says a ping to learn the salt; the session is known to the server afterwards.
    async fn introduce(&mut self) {
        self.say(now(0), 1, &ping(1)).await;
        let (_, body) = self.hear_a(tl::types::BadServerSalt::CONSTRUCTOR_ID).await;
        let tl::enums::BadMsgNotification::BadServerSalt(bad) = notification(&body) else {
            panic!("heard by its number");
        };
        assert_eq!(bad.error_code, 48);
        self.salt = bad.new_server_salt;
        self.say(now(1), 1, &ping(2)).await;
        self.hear_a(tl::types::NewSessionCreated::CONSTRUCTOR_ID).await;
        let (_, body) = self.hear_a(tl::types::Pong::CONSTRUCTOR_ID).await;
        let tl::enums::Pong::Pong(pong) = tl::enums::Pong::from_bytes(&body).expect("a pong");
        assert_eq!(pong.ping_id, 2);
    }

    async fn refused_with(&mut self) -> i32 {
        let (_, body) = self.hear_a(tl::types::BadMsgNotification::CONSTRUCTOR_ID).await;
        notification(&body).error_code()
    }
}

fn notification(body: &[u8]) -> tl::enums::BadMsgNotification {
    tl::enums::BadMsgNotification::from_bytes(body).expect("a notification")
}

/// A message identifier of now, made distinct by `step`.
fn now(step: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    (i64::try_from(now.as_secs()).expect("before 2242") << 32) + (i64::from(now.subsec_nanos()) & !3) + step * 4
}

fn ping(ping_id: i64) -> Vec<u8> {
    tl::functions::Ping { ping_id }.to_bytes()
}

fn inited<Q: Serializable>(query: Q) -> Vec<u8> {
    let query = tl::functions::InitConnection {
        api_id: API_ID,
        device_model: String::new(),
        system_version: String::new(),
        app_version: String::new(),
        system_lang_code: String::new(),
        lang_pack: String::new(),
        lang_code: String::new(),
        proxy: None,
        params: None,
        query,
    };
    tl::functions::InvokeWithLayer { layer: 230, query }.to_bytes()
}

const RPC_RESULT: u32 = 0xf35c_6d01;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_known_is_a_transport_error() {
    let stage = Stage::new().await;
    let mut wire = Wire::connect(&stage, [7; 256], 1).await;
    wire.say(now(0), 1, &ping(1)).await;
    let mut answer = Vec::new();
    wire.stream.read_to_end(&mut answer).await.expect("closed after it");
    assert_eq!(answer, (-404_i32).to_le_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quick_acknowledgement_is_the_start_of_the_message_keys_hash() {
    let stage = Stage::new().await;
    let key = stage.world.new_auth_key();
    let mut buffer = DequeBuffer::with_capacity(256, 64);
    buffer.extend(wire::plaintext(0, 9, now(0), 1, &ping(1)));
    encrypt_data_v2(&mut buffer, &AuthKey::from_bytes(key));
    // The padding is random, so the hash is taken of what the server will decrypt.
    let mut sent = buffer[..].to_vec();
    let plain = crypto::decrypt(&mut sent, &key).expect("our own");
    let mut token: [u8; 4] = Sha256::digest([&key[88..120], &*plain].concat())[..4].try_into().expect("4 bytes");
    token[3] |= 0x80;

    let mut stream = TcpStream::connect(stage.addr).await.expect("served");
    let asks = (buffer.len() as u32) | 1 << 31;
    let frame = [&[0xee; 4], &asks.to_le_bytes()[..], &buffer[..]].concat();
    stream.write_all(&frame).await.expect("connected");
    let mut first = [0; 4];
    stream.read_exact(&mut first).await.expect("an acknowledgement before any answer");
    assert_eq!(first, token);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_with_wrong_numbers_are_told_so() {
    let stage = Stage::new().await;
    let mut wire = Wire::connect(&stage, stage.world.new_auth_key(), 9).await;
    wire.introduce().await;
    let minutes = |count: i64| (count * 60) << 32;
    for (msg_id, seq_no, code) in [(now(2) - minutes(10), 3, 16), (now(2) + minutes(10), 3, 17), (now(2) | 1, 3, 18), (now(2), 4, 35)] {
        wire.say(msg_id, seq_no, &inited(tl::functions::help::GetNearestDc {})).await;
        assert_eq!(wire.refused_with().await, code);
    }
    wire.say(now(3), 5, &inited(tl::functions::help::GetNearestDc {})).await;
    wire.hear_a(RPC_RESULT).await;
    wire.say(now(4), 5, &inited(tl::functions::help::GetNearestDc {})).await;
    assert_eq!(wire.refused_with().await, 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_again_gets_the_same_answer_and_acts_once() {
    let stage = Stage::new().await;
    let key = stage.world.new_auth_key();
    let mut first = Wire::connect(&stage, key, 9).await;
    first.introduce().await;
    let call = (now(5), inited(tl::functions::help::GetNearestDc {}));
    first.say(call.0, 3, &call.1).await;
    let (answer_id, answer) = first.hear_a(RPC_RESULT).await;
    first.say(call.0, 3, &call.1).await;
    assert_eq!(first.hear_a(RPC_RESULT).await, (answer_id, answer.clone()));
    let calls = || stage.world.read(|state| state.counters.mtproto_calls("help.getNearestDc"));
    assert_eq!(calls(), 1);

    // The same session over another connection gets what it did not acknowledge, until it does.
    let mut second = Wire::connect(&stage, key, 9).await;
    second.salt = first.salt;
    second.say(now(6), 4, &ping(3)).await;
    assert_eq!(second.hear_a(RPC_RESULT).await, (answer_id, answer));
    let ack = tl::enums::MsgsAck::Ack(tl::types::MsgsAck { msg_ids: vec![answer_id] });
    second.say(now(7), 4, &ack.to_bytes()).await;
    let ask = tl::types::MsgsStateReq { msg_ids: vec![call.0, 12] };
    second.say(now(8), 4, &tl::enums::MsgsStateReq::Req(ask).to_bytes()).await;
    let (_, info) = second.hear_a(tl::types::MsgsStateInfo::CONSTRUCTOR_ID).await;
    let tl::enums::MsgsStateInfo::Info(info) = tl::enums::MsgsStateInfo::from_bytes(&info).expect("states");
    assert_eq!(info.info, [4 + 32 + 64, 2]);
    second.say(call.0, 3, &call.1).await;
    second.say(now(9), 4, &ping(4)).await;
    let (_, next) = second.hear_a(tl::types::Pong::CONSTRUCTOR_ID).await;
    assert!(!next.is_empty());
    assert_eq!(calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_before_init_connection_is_refused_and_silence_after_a_ping_closes() {
    let stage = Stage::new().await;
    let mut wire = Wire::connect(&stage, stage.world.new_auth_key(), 9).await;
    wire.introduce().await;
    wire.say(now(2), 3, &tl::functions::help::GetConfig {}.to_bytes()).await;
    let (_, body) = wire.hear_a(RPC_RESULT).await;
    let tl::enums::RpcError::Error(error) = tl::enums::RpcError::from_bytes(&body[12..]).expect("an error");
    assert_eq!(error.error_message, "CONNECTION_NOT_INITED");
    let ping = tl::functions::PingDelayDisconnect { ping_id: 5, disconnect_delay: 0 };
    wire.say(now(3), 5, &ping.to_bytes()).await;
    let mut rest = Vec::new();
    wire.stream.read_to_end(&mut rest).await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_session_asks_of_its_messages_is_answered() {
    let stage = Stage::new().await;
    let key = stage.world.new_auth_key();
    let mut wire = Wire::connect(&stage, key, 9).await;
    wire.introduce().await;
    let ask = now(2);
    wire.say(ask, 4, &tl::functions::GetFutureSalts { num: 3 }.to_bytes()).await;
    let (_, body) = wire.hear_a(tl::types::FutureSalts::CONSTRUCTOR_ID).await;
    let tl::enums::FutureSalts::Salts(salts) = tl::enums::FutureSalts::from_bytes(&body).expect("salts");
    let valid: Vec<i32> = salts.salts.0.iter().map(|salt| salt.valid_since).collect();
    assert_eq!((salts.req_msg_id, salts.salts.0[0].salt, valid.len()), (ask, wire.salt, 3));
    assert!(valid.is_sorted() && salts.salts.0[1].valid_since < salts.salts.0[0].valid_until, "each begins before the one before it ends");

    // A message of the server that was lost on the way is sent again; of one that is not there the state is told.
    let call = now(3);
    wire.say(call, 3, &inited(tl::functions::help::GetNearestDc {})).await;
    let lost = wire.hear_a(RPC_RESULT).await;
    let resend = |msg_ids: Vec<i64>| tl::enums::MsgResendReq::Req(tl::types::MsgResendReq { msg_ids }).to_bytes();
    wire.say(now(4), 4, &resend(vec![lost.0])).await;
    assert_eq!(wire.hear_a(RPC_RESULT).await, lost);
    wire.say(now(5), 4, &resend(vec![13])).await;
    let (_, body) = wire.hear_a(tl::types::MsgsStateInfo::CONSTRUCTOR_ID).await;
    let tl::enums::MsgsStateInfo::Info(info) = tl::enums::MsgsStateInfo::from_bytes(&body).expect("states");
    assert_eq!(info.info, [2]);

    // An answer that is not wanted any more is forgotten: once.
    let mut drops = Vec::new();
    for (step, unwanted) in [(6, call), (7, call), (8, 13)] {
        let ask = now(step);
        wire.say(ask, 5, &tl::functions::RpcDropAnswer { req_msg_id: unwanted }.to_bytes()).await;
        let (_, body) = wire.hear_a(RPC_RESULT).await;
        assert_eq!(i64::from_bytes(&body[4..12]), Ok(ask));
        drops.push(tl::enums::RpcDropAnswer::from_bytes(&body[12..]).expect("what became of it"));
    }
    let [
        tl::enums::RpcDropAnswer::RpcAnswerDropped(dropped),
        tl::enums::RpcDropAnswer::RpcAnswerUnknown,
        tl::enums::RpcDropAnswer::RpcAnswerUnknown,
    ] = drops.as_slice()
    else {
        panic!("{drops:?}");
    };
    assert_eq!(dropped.msg_id, call);
    wire.say(now(9), 4, &resend(vec![lost.0])).await;
    wire.hear_a(tl::types::MsgsStateInfo::CONSTRUCTOR_ID).await;

    // Another session of the same key is ended, but not the one that asks.
    let mut other = Wire::connect(&stage, key, 10).await;
    other.introduce().await;
    for (step, session_id, wanted) in [
        (10, 10, tl::types::DestroySessionOk::CONSTRUCTOR_ID),
        (11, 10, tl::types::DestroySessionNone::CONSTRUCTOR_ID),
        (12, 9, tl::types::DestroySessionNone::CONSTRUCTOR_ID),
    ] {
        wire.say(now(step), 5, &tl::functions::DestroySession { session_id }.to_bytes()).await;
        let (_, body) = wire.hear_a(wanted).await;
        assert_eq!(i64::from_bytes(&body[4..12]), Ok(session_id));
    }
}
