//! The connection against a server that says exactly what it is told to say, over a real socket.
//!
//! In: nothing. Out: assertions on what the server got and the caller heard. Must not: reach anything outside this machine.

use std::net::SocketAddr;
use std::sync::Arc;

use grammers_client::InvocationError;
use grammers_mtproto::transport::{Full, Transport as _};
use grammers_tl_types::functions::upload::SaveBigFilePart;
use grammers_tl_types::{self as tl, Deserializable, Identifiable, Serializable};
use ring::digest::{Context, SHA256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::cipher::{self, Cipher, padding_bytes};
use super::plaintext::{self, Message, RPC_RESULT_ID};
use super::transport::Transport;
use super::{Connection, PartBuffer, PartBuffers, PartCall, ige_encrypt, transport};

const KEY: [u8; 256] = [7; 256];
const PART: PartCall = PartCall { file_id: 5, part: 3, total_parts: Some(-1) };

/// The server's end of a connection.
struct Server {
    stream: TcpStream,
    cipher: Cipher,
    reader: Full,
    writer: Transport,
    came: Vec<u8>,
    session_id: i64,
    said: i64,
    /// Messages of the packet that was read last.
    heard: Vec<Message>,
}

impl Server {
    /// A connection that has introduced itself, and its other end.
    async fn met() -> (Arc<Connection>, Self) {
        let (listener, address) = listening().await;
        let (connection, server) = tokio::join!(Connection::open(address, KEY, 1), async {
            let mut server = Self::accept(&listener).await;
            let introduction = server.next(tl::functions::InvokeWithLayer::<tl::functions::help::GetConfig>::CONSTRUCTOR_ID).await;
            server.answer(introduction.msg_id, &[0; 8]).await;
            server
        });
        (Arc::new(connection.unwrap()), server)
    }

    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().await.unwrap();
        let (reader, writer, came) = (Full::new(), Transport::new(), Vec::new());
        Self { stream, cipher: Cipher::new(KEY), reader, writer, came, session_id: 0, said: 1 << 32 | 1, heard: Vec::new() }
    }

    /// The next message of that constructor; others are passed over.
    async fn next(&mut self, constructor: u32) -> Message {
        self.next_of(&[constructor]).await.1
    }

    /// The next message of one of these constructors, and which one it is; others are passed over.
    async fn next_of(&mut self, constructors: &[u32]) -> (u32, Message) {
        loop {
            if !self.heard.is_empty() {
                let message = self.heard.remove(0);
                let constructor = u32::from_bytes(&message.body).unwrap();
                if constructors.contains(&constructor) {
                    return (constructor, message);
                }
                continue;
            }
            match self.reader.unpack(&mut self.came) {
                Ok(found) => {
                    let payload = &mut self.came[found.data_range];
                    self.cipher.take_back(payload);
                    let packet = plaintext::read(&payload[cipher::HEAD_BYTES..]).unwrap();
                    self.session_id = packet.session_id;
                    self.heard = plaintext::messages(packet.message).unwrap();
                    self.came.drain(..found.next_offset);
                }
                Err(_) => assert!(self.stream.read_buf(&mut self.came).await.unwrap() > 0, "the client went away"),
            }
        }
    }

    async fn answer(&mut self, msg_id: i64, answer: &[u8]) -> i64 {
        self.say(&[&RPC_RESULT_ID.to_le_bytes()[..], &msg_id.to_le_bytes(), answer].concat()).await
    }

    /// Says something that needs no acknowledgement; gives its number.
    async fn say(&mut self, body: &[u8]) -> i64 {
        self.said += 4;
        let header = [&[0; 8][..], &self.session_id.to_le_bytes(), &self.said.to_le_bytes(), &[0; 4]].concat();
        let plain = [&header[..], &(body.len() as i32).to_le_bytes(), body].concat();
        let plain = [&plain[..], &vec![0; padding_bytes(plain.len())]].concat();
        let mut packet = [&[0; transport::HEAD_BYTES][..], &of_the_server(plain), &[0; transport::TAIL_BYTES]].concat();
        self.writer.pack(&mut packet);
        self.stream.write_all(&packet).await.unwrap();
        self.said
    }

    async fn part(&mut self) -> (i64, SaveBigFilePart) {
        let message = self.next(SaveBigFilePart::CONSTRUCTOR_ID).await;
        let part = SaveBigFilePart::deserialize(&mut tl::Cursor::from_slice(&message.body[4..])).unwrap();
        (message.msg_id, part)
    }
}

async fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A payload as the server encrypts it: the same with the other parts of the key.
fn of_the_server(mut plain: Vec<u8>) -> Vec<u8> {
    let sha256 = |pieces: [&[u8]; 2]| {
        let mut context = Context::new(&SHA256);
        pieces.iter().for_each(|piece| context.update(piece));
        <[u8; 32]>::try_from(context.finish().as_ref()).unwrap()
    };
    let large = sha256([&KEY[96..128], &plain]);
    let message_key = &large[8..24];
    let (a, b) = (sha256([message_key, &KEY[8..44]]), sha256([&KEY[48..84], message_key]));
    let spliced = |outer: &[u8], inner: &[u8]| [&outer[..8], &inner[8..24], &outer[24..]].concat().try_into().unwrap();
    ige_encrypt(&mut plain, &spliced(&a, &b), &spliced(&b, &a));
    let mut head = vec![0; cipher::HEAD_BYTES];
    Cipher::new(KEY).encrypt(&mut head);
    [&head[..8], message_key, &plain].concat()
}

fn content() -> Vec<u8> {
    (0..300_001_u32).map(|place| ((place * 31) >> 3) as u8).collect()
}

async fn filled(pool: &PartBuffers) -> PartBuffer {
    let mut buffer = pool.take().await;
    let content = content();
    buffer.bytes_mut(content.len()).copy_from_slice(&content);
    buffer
}

/// A part on its way.
fn sent(connection: &Arc<Connection>, buffer: PartBuffer) -> tokio::task::JoinHandle<Result<bool, InvocationError>> {
    let connection = Arc::clone(connection);
    tokio::spawn(async move { connection.save_part(PART, buffer).await })
}

fn stored() -> Vec<u8> {
    true.to_bytes()
}

#[tokio::test]
async fn a_part_arrives_whole_and_its_buffer_comes_back() {
    let (connection, mut server) = Server::met().await;
    let pool = PartBuffers::new(1);
    let call = sent(&connection, filled(&pool).await);
    let (msg_id, part) = server.part().await;
    assert_eq!((part.file_id, part.file_part, part.file_total_parts), (5, 3, -1));
    assert!(part.bytes == content());
    server.answer(msg_id, &stored()).await;
    assert!(call.await.unwrap().unwrap());
    pool.take().await;
    assert!(connection.is_open());
}

#[tokio::test]
async fn a_part_refused_for_its_salt_goes_again_by_itself() {
    let (connection, mut server) = Server::met().await;
    let call = sent(&connection, filled(&PartBuffers::new(1)).await);
    let (first, _) = server.part().await;
    let bad = tl::types::BadServerSalt { bad_msg_id: first, bad_msg_seqno: 3, error_code: 48, new_server_salt: 9 };
    server.say(&tl::enums::BadMsgNotification::BadServerSalt(bad).to_bytes()).await;
    let (again, part) = server.part().await;
    assert!(again > first && part.bytes == content());
    server.answer(again, &stored()).await;
    assert!(call.await.unwrap().unwrap());
}

#[tokio::test]
async fn a_part_waits_a_moment_for_another() {
    let (connection, mut server) = Server::met().await;
    let pool = PartBuffers::new(1);
    // Both in the queue before the connection sees the first of them; and no time goes by until it has.
    tokio::time::pause();
    let mut waiting = std::pin::pin!(connection.save_part(PART, filled(&pool).await));
    let mut question = std::pin::pin!(connection.invoke(tl::functions::help::GetConfig {}.to_bytes()));
    assert!(futures::poll!(waiting.as_mut()).is_pending() && futures::poll!(question.as_mut()).is_pending());
    let (part, config) = (SaveBigFilePart::CONSTRUCTOR_ID, tl::functions::help::GetConfig::CONSTRUCTOR_ID);
    let (came, message) = server.next_of(&[part, config]).await;
    assert_eq!(came, config, "the part waits");
    tokio::time::resume();
    let (alone, _) = server.part().await;
    server.answer(alone, &stored()).await;
    server.answer(message.msg_id, &[0; 8]).await;
    assert!(waiting.await.unwrap());
    question.await.unwrap();
}

#[tokio::test]
async fn parts_that_wait_together_go_in_their_order() {
    let (connection, mut server) = Server::met().await;
    let pool = PartBuffers::new(4);
    let mut calls = Vec::new();
    for part in 0..4 {
        let mut buffer = filled(&pool).await;
        buffer.bytes_mut(1000 + part as usize).fill(part as u8);
        let connection = Arc::clone(&connection);
        calls.push(tokio::spawn(async move { connection.save_part(PartCall { part, ..PART }, buffer).await }));
        tokio::task::yield_now().await;
    }
    for expected in 0..4 {
        let (msg_id, part) = server.part().await;
        assert_eq!((part.file_part, part.bytes), (expected, vec![expected as u8; 1000 + expected as usize]));
        server.answer(msg_id, &stored()).await;
    }
    for call in calls {
        assert!(call.await.unwrap().unwrap());
    }
}

#[tokio::test]
async fn what_a_server_forgot_goes_again_and_what_it_has_does_not() {
    let (connection, mut server) = Server::met().await;
    let pool = PartBuffers::new(2);
    let calls = [sent(&connection, filled(&pool).await), sent(&connection, filled(&pool).await)];
    let ((first, _), (second, _)) = (server.part().await, server.part().await);
    let created = tl::types::NewSessionCreated { first_msg_id: second, unique_id: 1, server_salt: 2 };
    server.say(&tl::enums::NewSession::Created(created).to_bytes()).await;
    let (again, part) = server.part().await;
    assert!(again > second && first < second && part.bytes == content());
    server.answer(second, &stored()).await;
    server.answer(again, &stored()).await;
    for call in calls {
        assert!(call.await.unwrap().unwrap());
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for() {
    let (connection, mut server) = Server::met().await;
    let call = sent(&connection, filled(&PartBuffers::new(1)).await);
    let (msg_id, _) = server.part().await;
    let info = tl::types::MsgDetailedInfo { msg_id, answer_msg_id: 4321, bytes: 16, status: 0 };
    server.say(&tl::enums::MsgDetailedInfo::Info(info).to_bytes()).await;
    let request = server.next(tl::types::MsgResendReq::CONSTRUCTOR_ID).await;
    let tl::enums::MsgResendReq::Req(request) = tl::enums::MsgResendReq::from_bytes(&request.body).unwrap() else { panic!() };
    assert_eq!(request.msg_ids, [4321]);
    server.answer(msg_id, &stored()).await;
    assert!(call.await.unwrap().unwrap());
}

#[tokio::test]
async fn a_long_answer_is_read_in_pieces() {
    let (connection, mut server) = Server::met().await;
    let body = tl::functions::help::GetConfig {}.to_bytes();
    let call = tokio::spawn(async move { connection.invoke(body).await });
    let message = server.next(tl::functions::help::GetConfig::CONSTRUCTOR_ID).await;
    let long = vec![3; 700_000];
    server.answer(message.msg_id, &long).await;
    assert!(call.await.unwrap().unwrap() == long);
}

#[tokio::test]
async fn a_broken_connection_fails_what_is_left_and_gives_the_buffers_back() {
    let (connection, mut server) = Server::met().await;
    let pool = PartBuffers::new(2);
    let calls = [sent(&connection, filled(&pool).await), sent(&connection, filled(&pool).await)];
    server.part().await;
    drop(server);
    for call in calls {
        assert!(matches!(call.await.unwrap(), Err(InvocationError::Io(_))));
    }
    assert!(!connection.is_open());
    let late = connection.save_part(PART, filled(&pool).await).await;
    assert!(matches!(late, Err(InvocationError::Dropped(_))));
    tokio::join!(pool.take(), pool.take());
}

#[tokio::test]
async fn a_key_that_the_server_does_not_know_is_told() {
    let (listener, address) = listening().await;
    let (outcome, ()) = tokio::join!(Connection::open(address, KEY, 1), async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut some = [0; 8];
        stream.read_exact(&mut some).await.unwrap();
        stream.write_all(&(-404_i32).to_le_bytes()).await.unwrap();
    });
    let status = grammers_mtproto::transport::Error::BadStatus { status: 404 };
    assert!(matches!(outcome, Err(InvocationError::Transport(error)) if error == status));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let (_listener, address) = listening().await;
    let begin = tokio::time::Instant::now();
    let Err(InvocationError::Io(error)) = Connection::open(address, KEY, 1).await else { panic!("it opened") };
    assert_eq!((error.kind(), begin.elapsed().as_secs()), (std::io::ErrorKind::TimedOut, 15));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_ends_its_connection() {
    let (connection, server) = Server::met().await;
    let call = tokio::time::timeout(std::time::Duration::from_secs(600), sent(&connection, filled(&PartBuffers::new(1)).await));
    // The server holds the socket open and does nothing.
    let outcome = call.await.expect("it is given up").unwrap();
    assert!(matches!(outcome, Err(InvocationError::Io(error)) if error.kind() == std::io::ErrorKind::TimedOut));
    assert!(!connection.is_open());
    drop(server);
}
