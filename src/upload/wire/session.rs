//! The client's side of an MTProto session: numbers of messages, salts, acknowledgements, and what the server says about them.
//!
//! In: the time; plaintexts of the server. Out: envelopes for messages of ours; [`Event`]s. Must not: read a clock, keep or send anything.
//! <https://core.telegram.org/mtproto/description>, <https://core.telegram.org/mtproto/service_messages> and
//! <https://core.telegram.org/mtproto/service_messages_about_messages>.

use std::io;
use std::time::Duration;

use grammers_client::InvocationError;
use grammers_client::sender::RpcError;
use grammers_mtproto::mtp::DeserializeError;
use grammers_tl_types::enums::{BadMsgNotification, MsgDetailedInfo, NewSession};
use grammers_tl_types::{self as tl, Deserializable, Identifiable, Serializable};

use super::plaintext::{self, Message, Packet};

/// What the server said that somebody has to act upon.
#[derive(Debug)]
pub(super) enum Event {
    /// The answer to the message of that number, unpacked.
    Answer { msg_id: i64, answer: Result<Vec<u8>, InvocationError> },
    /// The message of that number (one call, or a container) was not taken. What made it so is mended: send it again.
    Refused { msg_id: i64 },
    /// The server knows nothing of the session before that message: what it has not answered has to be sent again.
    Forgotten { session_id: i64, before_msg_id: i64 },
    /// The answer to a message was made and sent, and may have been lost. `answer_msg_id` can be asked for again.
    AnswerMade { msg_id: i64, answer_msg_id: i64 },
}

/// The state of one session.
pub(super) struct Session {
    id: i64,
    /// The session before this one. What was sent in it may still be answered.
    former_id: Option<i64>,
    salt: i64,
    /// What the server's clock is ahead of ours.
    clock_ahead_s: i64,
    last_msg_id: i64,
    /// The highest number of the server that was heard.
    last_heard_msg_id: i64,
    content_messages: i32,
    to_acknowledge: Vec<i64>,
}

/// What stands in front of a message's body: salt, session, number, sequence number, length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) salt: i64,
    pub(super) session_id: i64,
    pub(super) msg_id: i64,
    pub(super) seq_no: i32,
    pub(super) body_bytes: usize,
}

impl Envelope {
    /// Length of what [`Envelope::to_bytes`] makes.
    pub(super) const BYTES: usize = Self::SESSION_BYTES + Self::MESSAGE_BYTES;
    /// Salt and session: once in a packet.
    const SESSION_BYTES: usize = 8 + 8;
    /// The rest: also in front of each message in a container.
    pub(super) const MESSAGE_BYTES: usize = 8 + 4 + 4;

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.salt.to_le_bytes());
        bytes[8..Self::SESSION_BYTES].copy_from_slice(&self.session_id.to_le_bytes());
        bytes[Self::SESSION_BYTES..].copy_from_slice(&self.message_bytes());
        bytes
    }

    /// Without salt and session.
    pub(super) fn message_bytes(self) -> [u8; Self::MESSAGE_BYTES] {
        let mut bytes = [0; Self::MESSAGE_BYTES];
        bytes[..8].copy_from_slice(&self.msg_id.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.seq_no.to_le_bytes());
        bytes[12..].copy_from_slice(&(self.body_bytes as i32).to_le_bytes());
        bytes
    }
}

impl Session {
    /// A session with a random number. Its first message will be refused with the salt to use.
    pub(super) fn new() -> Self {
        let id = rand::random();
        Self {
            id,
            former_id: None,
            salt: 0,
            clock_ahead_s: 0,
            last_msg_id: 0,
            last_heard_msg_id: 0,
            content_messages: 0,
            to_acknowledge: Vec::new(),
        }
    }

    /// The next message's envelope. `content` for everything that the server acknowledges or answers; not for containers and acknowledgements.
    pub(super) fn envelope(&mut self, content: bool, body_bytes: usize, since_epoch: Duration) -> Envelope {
        let seconds = since_epoch.as_secs() as i64 + self.clock_ahead_s;
        let fraction = (i64::from(since_epoch.subsec_nanos()) << 32) / 1_000_000_000;
        // Divisible by four, and larger than all before: <https://core.telegram.org/mtproto/description#message-identifier-msg-id>.
        self.last_msg_id = ((seconds << 32 | fraction) & !3).max(self.last_msg_id + 4);
        let seq_no = 2 * self.content_messages + i32::from(content);
        self.content_messages += i32::from(content);
        Envelope { salt: self.salt, session_id: self.id, msg_id: self.last_msg_id, seq_no, body_bytes }
    }

    /// How many messages of the server wait to be acknowledged.
    pub(super) fn unacknowledged(&self) -> usize {
        self.to_acknowledge.len()
    }

    /// The acknowledgement of all of them, if there is any; they count as acknowledged then.
    pub(super) fn acknowledgement(&mut self) -> Option<Vec<u8>> {
        let msg_ids = std::mem::take(&mut self.to_acknowledge);
        (!msg_ids.is_empty()).then(|| tl::enums::MsgsAck::Ack(tl::types::MsgsAck { msg_ids }).to_bytes())
    }

    /// The answer of that number is here, or nobody needs it.
    pub(super) fn acknowledge(&mut self, msg_id: i64) {
        self.to_acknowledge.push(msg_id);
    }

    /// Reads a plaintext of the server. Errors: it makes no sense, or the server refused a message for a reason that sending again does not mend.
    pub(super) fn receive(&mut self, plain: &[u8], since_epoch: Duration) -> Result<Vec<Event>, InvocationError> {
        let packet = plaintext::read(plain)?;
        let mut events = Vec::new();
        // Of another session there can be nothing for us, and what is not believed is not acknowledged.
        if packet.session_id == self.id || Some(packet.session_id) == self.former_id {
            self.take_salt(&packet);
            for message in plaintext::messages(packet.message)? {
                self.heard(packet.session_id, &message, since_epoch, &mut events)?;
            }
        } else {
            tracing::debug!(session_id = packet.session_id, "a message for another session");
        }
        Ok(events)
    }

    /// The server uses the new salt at once, and takes the one before for half an hour more
    /// (<https://core.telegram.org/mtproto/description#server-salt>): who follows it has nothing refused for its salt. Telegram Desktop does so too.
    fn take_salt(&mut self, packet: &Packet) {
        // Not from an older message that somebody says once more.
        if packet.message.msg_id > self.last_heard_msg_id {
            self.last_heard_msg_id = packet.message.msg_id;
            self.salt = packet.salt;
        }
    }

    fn heard(&mut self, session_id: i64, message: &Message, since_epoch: Duration, events: &mut Vec<Event>) -> Result<(), InvocationError> {
        let body = &message.body[..];
        // An odd number asks for an acknowledgement.
        if message.seq_no & 1 == 1 && session_id == self.id {
            self.to_acknowledge.push(message.msg_id);
        }
        match u32::from_bytes(body)? {
            plaintext::RPC_RESULT_ID => {
                let (msg_id, packed) = plaintext::rpc_result(body)?;
                let answer = plaintext::unpacked(packed).map_err(InvocationError::from).and_then(refused_call);
                events.push(Event::Answer { msg_id, answer });
            }
            tl::types::BadServerSalt::CONSTRUCTOR_ID | tl::types::BadMsgNotification::CONSTRUCTOR_ID => {
                let bad = BadMsgNotification::from_bytes(body)?;
                self.mend(&bad, session_id, message.msg_id, since_epoch)?;
                events.push(Event::Refused { msg_id: bad.bad_msg_id() });
            }
            tl::types::NewSessionCreated::CONSTRUCTOR_ID => {
                let NewSession::Created(created) = NewSession::from_bytes(body)?;
                self.salt = created.server_salt;
                events.push(Event::Forgotten { session_id, before_msg_id: created.first_msg_id });
            }
            tl::types::MsgDetailedInfo::CONSTRUCTOR_ID | tl::types::MsgNewDetailedInfo::CONSTRUCTOR_ID => {
                match MsgDetailedInfo::from_bytes(body)? {
                    MsgDetailedInfo::Info(info) => {
                        events.push(Event::AnswerMade { msg_id: info.msg_id, answer_msg_id: info.answer_msg_id });
                    }
                    // Not an answer to anything of ours.
                    MsgDetailedInfo::MsgNewDetailedInfo(info) => self.to_acknowledge.push(info.answer_msg_id),
                }
            }
            // Pongs and acknowledgements say that the connection lives, and the caller saw that by their bytes; nobody here asks for the state
            // of messages or destroys sessions; updates are the affair of grammers' own connection.
            other => tracing::trace!(constructor = tl::name_for_id(other), "nothing to do"),
        }
        Ok(())
    }

    /// Corrects what the server did not like about a message.
    fn mend(
        &mut self,
        bad: &BadMsgNotification,
        session_id: i64,
        said_in_msg_id: i64,
        since_epoch: Duration,
    ) -> Result<(), InvocationError> {
        match bad {
            BadMsgNotification::BadServerSalt(bad) => self.salt = bad.new_server_salt,
            BadMsgNotification::Notification(bad) => match bad.error_code {
                // Mended already, by what was said of another message of that session.
                17 | 32 | 33 if session_id != self.id => {}
                // Too low: our clock is behind. The server's numbers are its time.
                16 => self.set_clock(said_in_msg_id, since_epoch),
                // Too high: numbers that the server takes would be lower than those that it has taken, so a new session begins.
                17 => {
                    self.set_clock(said_in_msg_id, since_epoch);
                    self.begin_anew();
                }
                // The sequence numbers went out of step, which cannot be mended within a session.
                32 | 33 => self.begin_anew(),
                code => return Err(io::Error::other(format!("the server refused a message with code {code}")).into()),
            },
        }
        Ok(())
    }

    fn set_clock(&mut self, msg_id: i64, since_epoch: Duration) {
        self.clock_ahead_s = (msg_id >> 32) - since_epoch.as_secs() as i64;
    }

    fn begin_anew(&mut self) {
        self.former_id = Some(std::mem::replace(&mut self.id, rand::random()));
        self.last_msg_id = 0;
        self.content_messages = 0;
        self.to_acknowledge.clear();
    }
}

/// An error in place of an answer.
fn refused_call(answer: Vec<u8>) -> Result<Vec<u8>, InvocationError> {
    if u32::from_bytes(&answer) != Ok(tl::types::RpcError::CONSTRUCTOR_ID) {
        return Ok(answer);
    }
    let tl::enums::RpcError::Error(error) = tl::enums::RpcError::from_bytes(&answer).map_err(DeserializeError::from)?;
    Err(InvocationError::Rpc(RpcError::from(error)))
}
