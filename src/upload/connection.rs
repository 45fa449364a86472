//! One connection to a data centre for parts: several calls in flight, no compression, no delay.
//!
//! In: an address, an authorization key, bodies of calls. Out: their answers. Must not: reconnect, wait out floods or know what it carries.
//! It exists beside grammers' own because that one compresses every call at the best level (12 to 21 MB/s instead of 110) and has
//! `TCP_NODELAY` off. Protocol and cipher are grammers' all the same.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use grammers_client::InvocationError;
use grammers_client::sender::RpcError;
use grammers_crypto::DequeBuffer;
use grammers_mtproto::MsgId;
use grammers_mtproto::mtp::{self, BadMessage, Deserialization, Encrypted, Mtp};
use grammers_mtproto::transport::{self, Full, Transport};
use grammers_tl_types::{self as tl, Serializable};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Largest packet in either direction, in bytes: a little over the 1 MiB at which Telegram closes the connection.
const BUFFER_BYTES: usize = 1024 * 1024 + 8 * 1024;

/// Room in front of a message for the headers of all layers.
const HEADER_BYTES: usize =
    mtp::MAX_TRANSPORT_HEADER_LEN + mtp::ENCRYPTED_PACKET_HEADER_LEN + mtp::PLAIN_PACKET_HEADER_LEN + mtp::MESSAGE_CONTAINER_HEADER_LEN;

/// Time to a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Time between two pings; each asks the server to close the connection if the next does not come.
const PING_EVERY: Duration = Duration::from_secs(20);
const DISCONNECT_DELAY_S: i32 = 75;

/// Without a byte moving in either direction for so long, the connection is dead.
const SILENCE: Duration = Duration::from_secs(60);

/// A call that was written whole and has no answer for so long is lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

type Answer = Result<Vec<u8>, InvocationError>;

/// An open connection. Dropping it ends it at once; calls in flight then fail as dropped.
#[derive(Debug)]
pub(super) struct Connection {
    calls: mpsc::UnboundedSender<Call>,
    task: AbortHandle,
}

struct Call {
    body: Vec<u8>,
    answer: oneshot::Sender<Answer>,
}

impl Connection {
    /// Connects and introduces itself (`invokeWithLayer(initConnection(…))`); at most 15 s for each of the two.
    pub(super) async fn open(address: SocketAddr, auth_key: [u8; 256], api_id: i32) -> Result<Self, InvocationError> {
        let timed_out = || InvocationError::Io(io::ErrorKind::TimedOut.into());
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await.map_err(|_| timed_out())??;
        stream.set_nodelay(true)?;
        let (calls, queue) = mpsc::unbounded_channel();
        let task = tokio::spawn(Wire::new(stream, auth_key).run(queue)).abort_handle();
        let connection = Self { calls, task };
        timeout(CONNECT_TIMEOUT, connection.invoke(introduction(api_id))).await.map_err(|_| timed_out())??;
        Ok(connection)
    }

    /// Sends one call and waits for its answer. Calls from several tasks go side by side.
    pub(super) async fn invoke(&self, body: Vec<u8>) -> Answer {
        let (answer, receiver) = oneshot::channel();
        let closed = || InvocationError::Dropped("the connection for parts is closed");
        self.calls.send(Call { body, answer }).map_err(|_| closed())?;
        receiver.await.unwrap_or_else(|_| Err(closed()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn introduction(api_id: i32) -> Vec<u8> {
    tl::functions::InvokeWithLayer {
        layer: tl::LAYER,
        query: tl::functions::InitConnection {
            api_id,
            device_model: "tgferry".to_owned(),
            system_version: std::env::consts::OS.to_owned(),
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
            system_lang_code: "en".to_owned(),
            lang_pack: String::new(),
            lang_code: "en".to_owned(),
            proxy: None,
            params: None,
            query: tl::functions::help::GetConfig {},
        },
    }
    .to_bytes()
}

struct Wire {
    stream: TcpStream,
    mtp: Encrypted,
    transport: Full,
    waiting: VecDeque<Call>,
    sent: Vec<Sent>,
    incoming: Vec<u8>,
    incoming_len: usize,
    outgoing: DequeBuffer<u8>,
    outgoing_written: usize,
    last_byte: Instant,
    ping_due: bool,
}

struct Sent {
    id: MsgId,
    container: MsgId,
    since: Instant,
    call: Call,
}

impl Wire {
    fn new(stream: TcpStream, auth_key: [u8; 256]) -> Self {
        Self {
            stream,
            mtp: Encrypted::build().compression_threshold(None).finish(auth_key),
            transport: Full::new(),
            waiting: VecDeque::new(),
            sent: Vec::new(),
            incoming: vec![0; BUFFER_BYTES],
            incoming_len: 0,
            outgoing: DequeBuffer::with_capacity(BUFFER_BYTES, HEADER_BYTES),
            outgoing_written: 0,
            last_byte: Instant::now(),
            ping_due: false,
        }
    }

    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Call>) {
        let error = self.carry(&mut queue).await;
        tracing::debug!(%error, "the connection for parts ended");
        for sent in self.sent.drain(..) {
            let _ = sent.call.answer.send(Err(copy(&error)));
        }
        for call in self.waiting.drain(..) {
            let _ = call.answer.send(Err(copy(&error)));
        }
    }

    async fn carry(&mut self, queue: &mut mpsc::UnboundedReceiver<Call>) -> InvocationError {
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pings.reset();
        loop {
            self.fill();
            let (mut reader, mut writer) = self.stream.split();
            let done: Result<(), InvocationError> = tokio::select! {
                read = reader.read(&mut self.incoming[self.incoming_len..]) => match read {
                    Ok(0) => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
                    Ok(bytes) => self.received(bytes),
                    Err(error) => Err(error.into()),
                },
                written = writer.write(&self.outgoing[self.outgoing_written..]), if !self.outgoing.is_empty() => match written {
                    Ok(bytes) => { self.written(bytes); Ok(()) }
                    Err(error) => Err(error.into()),
                },
                call = queue.recv() => match call {
                    Some(call) => { self.waiting.push_back(call); Ok(()) }
                    None => return InvocationError::Dropped("nobody needs the connection any more"),
                },
                _ = pings.tick() => self.look_at_the_clock(),
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    /// Encrypts the next packet, once the one before is written whole.
    fn fill(&mut self) {
        if !self.outgoing.is_empty() {
            return;
        }
        if std::mem::take(&mut self.ping_due) {
            let ping = tl::functions::PingDelayDisconnect { ping_id: rand::random(), disconnect_delay: DISCONNECT_DELAY_S };
            self.mtp.push(&mut self.outgoing, &ping.to_bytes());
        }
        let first_new = self.sent.len();
        while let Some(call) = self.waiting.pop_front() {
            match self.mtp.push(&mut self.outgoing, &call.body) {
                Some(id) => self.sent.push(Sent { id, container: id, since: Instant::now(), call }),
                // Full, or the protocol asks for fresh salts first.
                None => {
                    self.waiting.push_front(call);
                    break;
                }
            }
        }
        if let Some(container) = self.mtp.finalize(&mut self.outgoing) {
            self.sent[first_new..].iter_mut().for_each(|sent| sent.container = container);
            self.transport.pack(&mut self.outgoing);
        }
    }

    fn written(&mut self, bytes: usize) {
        self.last_byte = Instant::now();
        self.outgoing_written += bytes;
        if self.outgoing_written == self.outgoing.len() {
            self.outgoing.clear();
            self.outgoing_written = 0;
        }
    }

    fn received(&mut self, bytes: usize) -> Result<(), InvocationError> {
        self.last_byte = Instant::now();
        self.incoming_len += bytes;
        let mut start = 0;
        while start < self.incoming_len {
            let packet = match self.transport.unpack(&mut self.incoming[start..self.incoming_len]) {
                Ok(packet) => packet,
                Err(transport::Error::MissingBytes) => break,
                Err(error) => return Err(error.into()),
            };
            let payload = &mut self.incoming[start..][packet.data_range];
            for event in self.mtp.deserialize(payload)? {
                self.answered(event)?;
            }
            start += packet.next_offset;
        }
        self.incoming.copy_within(start..self.incoming_len, 0);
        self.incoming_len -= start;
        Ok(())
    }

    fn answered(&mut self, event: Deserialization) -> Result<(), InvocationError> {
        let (id, answer) = match event {
            Deserialization::RpcResult(result) => (result.msg_id, Ok(result.body)),
            Deserialization::RpcError(failed) => (failed.msg_id, Err(InvocationError::Rpc(RpcError::from(failed.error)))),
            Deserialization::Failure(failed) => (failed.msg_id, Err(failed.error.into())),
            Deserialization::BadMessage(bad) => return self.refused(&bad),
            // Updates are grammers' connection's affair.
            Deserialization::Update(_) | Deserialization::OwnUpdate { .. } => return Ok(()),
        };
        if let Some(position) = self.sent.iter().position(|sent| sent.id == id) {
            // Nobody may be waiting any more: the upload was cancelled.
            let _ = self.sent.swap_remove(position).call.answer.send(answer);
        }
        Ok(())
    }

    /// The server did not take a message, most often for its salt or time; grammers has corrected both by now.
    fn refused(&mut self, bad: &BadMessage) -> Result<(), InvocationError> {
        if bad.fatal() {
            return Err(InvocationError::Io(io::Error::other(bad.description())));
        }
        let (refused, kept) = self.sent.drain(..).partition(|sent| sent.id == bad.msg_id || sent.container == bad.msg_id);
        self.sent = kept;
        for sent in Vec::into_iter(refused).rev() {
            self.waiting.push_front(sent.call);
        }
        Ok(())
    }

    fn look_at_the_clock(&mut self) -> Result<(), InvocationError> {
        let now = Instant::now();
        let lost = self.sent.iter().any(|sent| now - sent.since > ANSWER_TIMEOUT);
        // What waits in our own buffer was not sent: then only silence counts.
        if now - self.last_byte > SILENCE || (lost && self.outgoing.is_empty()) {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        self.ping_due = true;
        Ok(())
    }
}

/// Every call that was in flight fails for the same reason.
fn copy(error: &InvocationError) -> InvocationError {
    match error {
        InvocationError::Io(error) => io::Error::new(error.kind(), error.to_string()).into(),
        InvocationError::Transport(error) => error.clone().into(),
        InvocationError::Deserialize(error) => error.clone().into(),
        _ => InvocationError::Dropped("the connection for parts ended"),
    }
}
