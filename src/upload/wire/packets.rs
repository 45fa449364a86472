//! Packets of small messages: acknowledgements, pings and calls that are no parts, several in a container.
//!
//! In: bodies. Out: an encrypted packet to write, and the numbers that its messages got. Must not: carry parts (they are packets of their own).

use std::time::Duration;

use super::cipher::{self, Cipher};
use super::plaintext::CONTAINER_ID;
use super::session::{Envelope, Session};
use super::transport::{self, Transport};

/// The most messages in a container, and the most bytes of them: <https://core.telegram.org/mtproto/service_messages#containers> names the
/// former (1020), clients keep to less; beyond 1 MiB the server closes the connection.
const MAX_MESSAGES: usize = 100;
pub(super) const MAX_BYTES: usize = 1_000_000;

/// Messages on their way into one packet.
pub(super) struct SmallPacket {
    content: Vec<u8>,
    envelopes: Vec<Envelope>,
    now: Duration,
}

impl SmallPacket {
    /// An empty one. All its messages get their numbers from this time (since the epoch).
    pub(super) fn new(now: Duration) -> Self {
        Self { content: Vec::new(), envelopes: Vec::new(), now }
    }

    /// True if a body of that many bytes can still be added. One that is not too long alone always fits into an empty packet.
    pub(super) fn has_room_for(&self, body_bytes: usize) -> bool {
        self.envelopes.len() < MAX_MESSAGES && self.content.len() + body_bytes <= MAX_BYTES
    }

    /// Adds a message and gives its envelope; `content` as for [`Session::envelope`].
    pub(super) fn add(&mut self, session: &mut Session, body: &[u8], content: bool) -> Envelope {
        let envelope = session.envelope(content, body.len(), self.now);
        self.content.extend_from_slice(&envelope.message_bytes());
        self.content.extend_from_slice(body);
        self.envelopes.push(envelope);
        envelope
    }

    /// The packet and the number by which the server knows it as a whole; `None` if nothing was added.
    pub(super) fn finish(self, session: &mut Session, cipher: &Cipher, transport: &mut Transport) -> Option<(Vec<u8>, i64)> {
        let mut packet = vec![0; transport::HEAD_BYTES + cipher::HEAD_BYTES];
        let plain_start = packet.len();
        let number = match self.envelopes[..] {
            [] => return None,
            [only] => {
                packet.extend_from_slice(&only.to_bytes());
                packet.extend_from_slice(&self.content[Envelope::MESSAGE_BYTES..]);
                only.msg_id
            }
            ref several => {
                let outer = session.envelope(false, 4 + 4 + self.content.len(), self.now);
                packet.extend_from_slice(&outer.to_bytes());
                packet.extend_from_slice(&CONTAINER_ID.to_le_bytes());
                packet.extend_from_slice(&(several.len() as u32).to_le_bytes());
                packet.extend_from_slice(&self.content);
                outer.msg_id
            }
        };
        let padding_start = packet.len();
        packet.resize(padding_start + cipher::padding_bytes(padding_start - plain_start), 0);
        rand::fill(&mut packet[padding_start..]);
        cipher.encrypt(&mut packet[transport::HEAD_BYTES..]);
        packet.resize(packet.len() + transport::TAIL_BYTES, 0);
        transport.pack(&mut packet);
        Some((packet, number))
    }
}
