//! The task of one connection: encrypts, writes, reads, and brings answers to those who wait for them.
//!
//! In: a socket, calls. Out: their answers; at the end, the same error for all that are left. Must not: encrypt more than two parts
//! between two looks at the socket, or keep a connection that is silent.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use grammers_client::InvocationError;
use grammers_tl_types::{self as tl, Serializable};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::buffer::{PartBuffer, PartCall, seal};
use super::cipher::Cipher;
use super::ige::TOGETHER as PARTS_TOGETHER;
use super::packets::SmallPacket;
use super::session::{Envelope, Event, Session};
use super::transport::{MAX_PACKET_BYTES, Transport};

/// Time between two pings; each asks the server to close the connection if the next does not come.
const PING_EVERY: Duration = Duration::from_secs(20);
const DISCONNECT_DELAY_S: i32 = 75;

/// Without a byte moving in either direction for so long, the connection is dead.
const SILENCE: Duration = Duration::from_secs(60);

/// A call that was written whole and has no answer for so long is lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// While parts are waiting, so many acknowledgements go together.
const ACKNOWLEDGE_TOGETHER: usize = 8;

/// So long parts wait for others. Parts that begin within this time go over the same connection; they do where the processor is what limits. To a
/// line that is slower it is nothing.
pub(crate) const TOGETHER_WITHIN: Duration = Duration::from_millis(10);

/// Room for what comes in at first, in bytes; answers to parts are short.
const INCOMING_BYTES: usize = 16 * 1024;

pub(super) type Answer = Result<Vec<u8>, InvocationError>;

/// A call and who waits for its answer.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) content: Content,
    pub(super) answer: oneshot::Sender<Answer>,
}

#[derive(Debug)]
pub(super) enum Content {
    /// A serialized call.
    Body(Vec<u8>),
    /// A part in its buffer.
    Part(PartCall, PartBuffer),
}

/// A call that was sent and not answered yet.
struct Flight {
    msg_id: i64,
    session_id: i64,
    /// The number of its packet: its own or that of the container.
    packet_id: i64,
    since: Instant,
    call: Call,
}

/// What is being written.
enum Outgoing {
    Nothing,
    Small(Vec<u8>),
    /// The first of these; the others are encrypted and follow it, before anything else.
    Parts(VecDeque<Flight>),
}

pub(super) struct Traffic {
    stream: TcpStream,
    session: Session,
    cipher: Cipher,
    transport: Transport,
    waiting_bodies: VecDeque<Call>,
    waiting_parts: VecDeque<Call>,
    /// Since when parts wait for others.
    few_since: Option<Instant>,
    flights: Vec<Flight>,
    outgoing: Outgoing,
    outgoing_written: usize,
    incoming: Vec<u8>,
    incoming_len: usize,
    /// Answers of the server that have to be asked for again.
    missed: Vec<i64>,
    last_byte: Instant,
    ping_due: bool,
}

impl Traffic {
    pub(super) fn new(stream: TcpStream, auth_key: [u8; 256]) -> Self {
        Self {
            stream,
            session: Session::new(),
            cipher: Cipher::new(auth_key),
            transport: Transport::new(),
            waiting_bodies: VecDeque::new(),
            waiting_parts: VecDeque::new(),
            few_since: None,
            flights: Vec::new(),
            outgoing: Outgoing::Nothing,
            outgoing_written: 0,
            incoming: vec![0; INCOMING_BYTES],
            incoming_len: 0,
            missed: Vec::new(),
            last_byte: Instant::now(),
            ping_due: false,
        }
    }

    /// Carries until the connection breaks or nobody needs it.
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Call>) {
        let error = self.carry(&mut queue).await;
        // From now on the connection shows as closed, before anybody hears why.
        queue.close();
        tracing::debug!(%error, "the connection for parts ended");
        if let Outgoing::Parts(flights) = self.outgoing {
            self.flights.extend(flights);
        }
        let sent = self.flights.into_iter().map(|flight| flight.call);
        for call in sent.chain(self.waiting_bodies).chain(self.waiting_parts) {
            let _ = call.answer.send(Err(copy(&error)));
        }
    }

    async fn carry(&mut self, queue: &mut mpsc::UnboundedReceiver<Call>) -> InvocationError {
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pings.reset();
        loop {
            self.fill();
            let few_until = self.few_since.filter(|_| matches!(self.outgoing, Outgoing::Nothing)).map(|since| since + TOGETHER_WITHIN);
            let rest = &self.outgoing.packet()[self.outgoing_written..];
            let (mut reader, mut writer) = self.stream.split();
            let done: Result<(), InvocationError> = tokio::select! {
                read = reader.read(&mut self.incoming[self.incoming_len..]) => match read {
                    Ok(0) => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
                    Ok(bytes) => self.received(bytes),
                    Err(error) => Err(error.into()),
                },
                written = writer.write(rest), if !rest.is_empty() => match written {
                    Ok(bytes) => { self.written(bytes); Ok(()) }
                    Err(error) => Err(error.into()),
                },
                call = queue.recv() => match call {
                    Some(call) => { self.wait(call); Ok(()) }
                    None => return InvocationError::Dropped("nobody needs the connection any more"),
                },
                () = sleep_until(few_until.unwrap_or(self.last_byte)), if few_until.is_some() => Ok(()),
                _ = pings.tick() => self.look_at_the_clock(),
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    fn wait(&mut self, call: Call) {
        match &call.content {
            Content::Body(_) => self.waiting_bodies.push_back(call),
            Content::Part(..) => self.waiting_parts.push_back(call),
        }
    }

    /// Encrypts what goes next, once all before is written whole: small messages first, then parts.
    fn fill(&mut self) {
        if !matches!(self.outgoing, Outgoing::Nothing) {
            return;
        }
        // Those who do not wait any more are not served.
        self.waiting_bodies.retain(|call| !call.answer.is_closed());
        self.waiting_parts.retain(|call| !call.answer.is_closed());
        let acknowledge = if self.waiting_parts.is_empty() { 1 } else { ACKNOWLEDGE_TOGETHER };
        let small = self.ping_due || !self.missed.is_empty() || !self.waiting_bodies.is_empty();
        if small || self.session.unacknowledged() >= acknowledge {
            self.fill_with_small_messages();
        } else if self.parts_may_go() {
            self.fill_with_parts();
        }
    }

    fn fill_with_small_messages(&mut self) {
        let mut packet = SmallPacket::new(since_epoch());
        if let Some(acknowledgement) = self.session.acknowledgement() {
            packet.add(&mut self.session, &acknowledgement, false);
        }
        if std::mem::take(&mut self.ping_due) {
            let ping = tl::functions::PingDelayDisconnect { ping_id: rand::random(), disconnect_delay: DISCONNECT_DELAY_S };
            packet.add(&mut self.session, &ping.to_bytes(), true);
        }
        if !self.missed.is_empty() {
            let msg_ids = std::mem::take(&mut self.missed);
            let request = tl::enums::MsgResendReq::Req(tl::types::MsgResendReq { msg_ids });
            packet.add(&mut self.session, &request.to_bytes(), true);
        }
        let first_new = self.flights.len();
        while let Some(call) = self.waiting_bodies.pop_front() {
            // Only bodies are put there.
            let Content::Body(body) = &call.content else { continue };
            if !packet.has_room_for(body.len()) {
                self.waiting_bodies.push_front(call);
                break;
            }
            let envelope = packet.add(&mut self.session, body, true);
            self.flights.push(Flight {
                msg_id: envelope.msg_id,
                session_id: envelope.session_id,
                packet_id: envelope.msg_id,
                since: Instant::now(),
                call,
            });
        }
        if let Some((packet, packet_id)) = packet.finish(&mut self.session, &self.cipher, &mut self.transport) {
            self.flights[first_new..].iter_mut().for_each(|flight| flight.packet_id = packet_id);
            self.outgoing = Outgoing::Small(packet);
        }
    }

    fn parts_may_go(&mut self) -> bool {
        match self.waiting_parts.len() {
            0 => {
                self.few_since = None;
                false
            }
            PARTS_TOGETHER.. => true,
            _ => self.few_since.get_or_insert_with(Instant::now).elapsed() >= TOGETHER_WITHIN,
        }
    }

    fn fill_with_parts(&mut self) {
        self.few_since = None;
        let together = self.waiting_parts.len().min(PARTS_TOGETHER);
        let mut calls: Vec<(Call, Envelope)> = Vec::with_capacity(together);
        for call in self.waiting_parts.drain(..together) {
            // The length of the body is filled in with the headers.
            calls.push((call, self.session.envelope(true, 0, since_epoch())));
        }
        // Only parts are put there.
        let parts = calls.iter_mut().filter_map(|(call, envelope)| match &mut call.content {
            Content::Part(part, buffer) => Some((buffer, *part, *envelope)),
            Content::Body(_) => None,
        });
        seal(&mut parts.collect::<Vec<_>>(), &self.cipher, &mut self.transport);
        let flights = calls.into_iter().map(|(call, envelope)| {
            let (msg_id, session_id) = (envelope.msg_id, envelope.session_id);
            Flight { msg_id, session_id, packet_id: msg_id, since: Instant::now(), call }
        });
        self.outgoing = Outgoing::Parts(flights.collect());
    }

    fn written(&mut self, bytes: usize) {
        self.last_byte = Instant::now();
        self.outgoing_written += bytes;
        if self.outgoing_written < self.outgoing.packet().len() {
            return;
        }
        self.outgoing_written = 0;
        if let Outgoing::Parts(parts) = &mut self.outgoing {
            self.flights.extend(parts.pop_front().map(|flight| Flight { since: Instant::now(), ..flight }));
            if !parts.is_empty() {
                return;
            }
        }
        self.outgoing = Outgoing::Nothing;
    }

    fn received(&mut self, bytes: usize) -> Result<(), InvocationError> {
        self.last_byte = Instant::now();
        self.incoming_len += bytes;
        let mut incoming = std::mem::take(&mut self.incoming);
        let mut start = 0;
        while let Some(found) = self.transport.unpack(&mut incoming[start..self.incoming_len])? {
            let plain = self.cipher.decrypt(&mut incoming[start..][found.payload])?;
            for event in self.session.receive(plain, since_epoch())? {
                self.act_upon(event);
            }
            start += found.next;
        }
        incoming.copy_within(start..self.incoming_len, 0);
        self.incoming_len -= start;
        if self.incoming_len == incoming.len() {
            // A packet longer than the room is on its way; the transport refuses those that are too long.
            incoming.resize((2 * incoming.len()).min(MAX_PACKET_BYTES), 0);
        }
        self.incoming = incoming;
        Ok(())
    }

    fn act_upon(&mut self, event: Event) {
        match event {
            Event::Answer { msg_id, answer } => {
                // No flight: it was answered before, or given up.
                if let Some(position) = self.flights.iter().position(|flight| flight.msg_id == msg_id) {
                    // Nobody may be waiting any more: the upload was cancelled.
                    let _ = self.flights.swap_remove(position).call.answer.send(answer);
                }
            }
            Event::Refused { msg_id } => self.send_again(|flight| flight.msg_id == msg_id || flight.packet_id == msg_id),
            Event::Forgotten { session_id, before_msg_id } => {
                self.send_again(|flight| flight.session_id == session_id && flight.packet_id < before_msg_id);
            }
            Event::AnswerMade { msg_id, answer_msg_id } => {
                if self.flights.iter().any(|flight| flight.msg_id == msg_id) {
                    self.missed.push(answer_msg_id);
                } else {
                    self.session.acknowledge(answer_msg_id);
                }
            }
        }
    }

    /// Under new numbers, before everything that waits, in the order of before.
    fn send_again(&mut self, which: impl Fn(&Flight) -> bool) {
        let mut refused: Vec<Flight> = self.flights.extract_if(.., |flight| which(flight)).collect();
        refused.sort_by_key(|flight| flight.msg_id);
        for flight in refused.into_iter().rev() {
            let mut call = flight.call;
            match &mut call.content {
                Content::Body(_) => self.waiting_bodies.push_front(call),
                Content::Part(_, buffer) => {
                    buffer.unseal(&self.cipher);
                    self.waiting_parts.push_front(call);
                }
            }
        }
    }

    fn look_at_the_clock(&mut self) -> Result<(), InvocationError> {
        let now = Instant::now();
        // Buffers of those who wait no more go back to their pool.
        self.flights.retain(|flight| !flight.call.answer.is_closed());
        let lost = self.flights.iter().any(|flight| now - flight.since > ANSWER_TIMEOUT);
        // What waits in our own buffer was not sent: then only silence counts.
        if now - self.last_byte > SILENCE || (lost && matches!(self.outgoing, Outgoing::Nothing)) {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        self.ping_due = true;
        Ok(())
    }
}

impl Outgoing {
    fn packet(&self) -> &[u8] {
        match self {
            Self::Nothing => &[],
            Self::Small(packet) => packet,
            Self::Parts(parts) => match parts.front().map(|flight| &flight.call.content) {
                Some(Content::Part(_, buffer)) => buffer.packet(),
                Some(Content::Body(_)) | None => &[],
            },
        }
    }
}

fn since_epoch() -> Duration {
    // A clock before 1970 is as wrong as any other: the server's notice corrects it.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
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
