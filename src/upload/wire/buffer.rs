//! Buffers for parts: the bytes of a part with room around them for everything that they need on their way, so that nothing is copied.
//!
//! In: a part's bytes, written straight into the buffer; then its headers. Out: the packet, encrypted where it lies. Must not: outnumber
//! what the pool allows: memory is parts in flight times a little over 512 KiB.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use grammers_tl_types::functions::upload::{SaveBigFilePart, SaveFilePart};
use grammers_tl_types::{Identifiable, Serializable};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::cipher::{self, Cipher};
use super::session::Envelope;
use super::transport::{self, Transport};
use crate::upload::parts::PART_BYTES;

/// Room for the headers of the transport, the cipher, the message and the call (constructor, three numbers, length of the bytes).
const HEAD_ROOM_BYTES: usize = transport::HEAD_BYTES + cipher::HEAD_BYTES + Envelope::BYTES + 4 + 8 + 4 + 4 + 4;
/// Room for filling up to four bytes, for the cipher's padding and for the checksum.
const TAIL_ROOM_BYTES: usize = 3 + cipher::MAX_PADDING_BYTES + transport::TAIL_BYTES;
const ROOM_BYTES: usize = HEAD_ROOM_BYTES + PART_BYTES as usize + TAIL_ROOM_BYTES;

/// A bounded pool of buffers. Clones share it.
#[derive(Clone, Debug)]
pub struct PartBuffers {
    permits: Arc<Semaphore>,
    free: Arc<Mutex<Vec<Box<[u8]>>>>,
}

/// One part's bytes. Back in its pool when it is dropped.
pub struct PartBuffer {
    room: Box<[u8]>,
    /// Of the part itself.
    len_bytes: usize,
    /// The packet, while the part is encrypted.
    sealed: Option<Range<usize>>,
    free: Arc<Mutex<Vec<Box<[u8]>>>>,
    _permit: OwnedSemaphorePermit,
}

/// Which part it is: the arguments of `upload.saveFilePart` or `upload.saveBigFilePart` beside the bytes.
#[derive(Clone, Copy, Debug)]
pub struct PartCall {
    /// Number of the file, drawn by us.
    pub file_id: i64,
    /// Number of the part, from 0.
    pub part: i32,
    /// `Some` for `saveBigFilePart`: how many parts there are, or -1 while nobody knows.
    pub total_parts: Option<i32>,
}

/// Makes packets of parts, to be written in this order: puts the headers around each and encrypts it where it lies, several at once.
pub(super) fn seal(parts: &mut [(&mut PartBuffer, PartCall, Envelope)], cipher: &Cipher, transport: &mut Transport) {
    parts.iter_mut().for_each(|(buffer, part, envelope)| buffer.surround(*part, *envelope));
    cipher.encrypt_together(parts.iter_mut().map(|(buffer, ..)| transport::payload_mut(buffer.packet_mut())));
    parts.iter_mut().for_each(|(buffer, ..)| transport.pack(buffer.packet_mut()));
}

impl PartBuffers {
    /// A pool of at most so many buffers (at least one); each is made when it is first needed.
    pub fn new(count: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(count.max(1))), free: Arc::default() }
    }

    /// Waits for a buffer.
    pub async fn take(&self) -> PartBuffer {
        let permit = match Arc::clone(&self.permits).acquire_owned().await {
            Ok(permit) => permit,
            Err(_) => unreachable!("the semaphore is never closed"),
        };
        let used = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let room = used.unwrap_or_else(|| vec![0; ROOM_BYTES].into_boxed_slice());
        PartBuffer { room, len_bytes: 0, sealed: None, free: Arc::clone(&self.free), _permit: permit }
    }
}

impl PartBuffer {
    /// Makes it a part of so many bytes (at most 512 KiB), which the caller writes into what this returns; it may hold remains of another part.
    pub fn bytes_mut(&mut self, len_bytes: usize) -> &mut [u8] {
        self.sealed = None;
        self.len_bytes = len_bytes.min(PART_BYTES as usize);
        &mut self.room[HEAD_ROOM_BYTES..][..self.len_bytes]
    }

    /// How many bytes the part has.
    pub fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// Puts the headers around the part. They and the part make a packet then, which is still plain.
    fn surround(&mut self, part: PartCall, mut envelope: Envelope) {
        let call = call_up_to_the_bytes(part, self.len_bytes);
        let filling_bytes = (call.len() + self.len_bytes).wrapping_neg() % 4;
        envelope.body_bytes = call.len() + self.len_bytes + filling_bytes;
        let header = envelope.to_bytes();
        let plain_bytes = header.len() + envelope.body_bytes;
        let padding_bytes = cipher::padding_bytes(plain_bytes);

        let plain_start = HEAD_ROOM_BYTES - call.len() - header.len();
        let payload = plain_start - cipher::HEAD_BYTES..plain_start + plain_bytes + padding_bytes;
        let packet = payload.start - transport::HEAD_BYTES..payload.end + transport::TAIL_BYTES;

        self.room[plain_start..][..header.len()].copy_from_slice(&header);
        self.room[plain_start + header.len()..HEAD_ROOM_BYTES].copy_from_slice(&call);
        let (filling, padding) = self.room[HEAD_ROOM_BYTES + self.len_bytes..payload.end].split_at_mut(filling_bytes);
        filling.fill(0);
        rand::fill(padding);
        self.sealed = Some(packet);
    }

    /// Takes [`seal`] back: the part's bytes are plain again.
    pub(super) fn unseal(&mut self, cipher: &Cipher) {
        if self.sealed.is_some() {
            cipher.take_back(transport::payload_mut(self.packet_mut()));
            self.sealed = None;
        }
    }

    /// What is to be written; empty unless sealed.
    pub(super) fn packet(&self) -> &[u8] {
        self.sealed.clone().map_or(&[], |packet| &self.room[packet])
    }

    fn packet_mut(&mut self) -> &mut [u8] {
        self.sealed.clone().map_or(&mut [], |packet| &mut self.room[packet])
    }
}

impl Drop for PartBuffer {
    fn drop(&mut self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.room));
    }
}

impl fmt::Debug for PartBuffer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PartBuffer").field("len_bytes", &self.len_bytes).finish_non_exhaustive()
    }
}

/// The call as it is serialized, up to its last field, the bytes; those and zeros up to a multiple of four follow.
fn call_up_to_the_bytes(part: PartCall, len_bytes: usize) -> Vec<u8> {
    let mut call = Vec::with_capacity(4 + 8 + 4 + 4 + 4);
    match part.total_parts {
        Some(_) => SaveBigFilePart::CONSTRUCTOR_ID,
        None => SaveFilePart::CONSTRUCTOR_ID,
    }
    .serialize(&mut call);
    part.file_id.serialize(&mut call);
    part.part.serialize(&mut call);
    if let Some(total_parts) = part.total_parts {
        total_parts.serialize(&mut call);
    }
    // One byte for a short length, else 254 and three bytes: <https://core.telegram.org/mtproto/serialize#base-types>.
    match u8::try_from(len_bytes) {
        Ok(short) if short < 254 => call.push(short),
        _ => ((len_bytes as u32) << 8 | 254).serialize(&mut call),
    }
    call
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn filled(pool: &PartBuffers, bytes: &[u8]) -> PartBuffer {
        let mut buffer = pool.take().await;
        buffer.bytes_mut(bytes.len()).copy_from_slice(bytes);
        buffer
    }

    fn expected(part: PartCall, bytes: &[u8]) -> Vec<u8> {
        let bytes = bytes.to_vec();
        match part.total_parts {
            None => SaveFilePart { file_id: part.file_id, file_part: part.part, bytes }.to_bytes(),
            Some(file_total_parts) => SaveBigFilePart { file_id: part.file_id, file_part: part.part, file_total_parts, bytes }.to_bytes(),
        }
    }

    /// The part, and another that is sealed with it.
    fn check(bytes: &[u8], part: PartCall) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let pool = PartBuffers::new(2);
        let mut buffer = runtime.block_on(filled(&pool, bytes));
        let (other_part, other_bytes) = (PartCall { part: 7, ..part }, [3; 1000]);
        let mut other = runtime.block_on(filled(&pool, &other_bytes));
        let cipher = Cipher::new([7; 256]);
        let mut transport = Transport::new();
        // Twice: a part that was refused goes again under another number.
        for msg_id in [4, 12] {
            let envelope = Envelope { salt: 1, session_id: 2, msg_id, seq_no: 3, body_bytes: 0 };
            let other_envelope = Envelope { msg_id: msg_id + 4, ..envelope };
            seal(&mut [(&mut buffer, part, envelope), (&mut other, other_part, other_envelope)], &cipher, &mut transport);
            check_packet(&mut buffer, bytes, part, envelope, &cipher);
            check_packet(&mut other, &other_bytes, other_part, other_envelope, &cipher);
        }
    }

    fn check_packet(buffer: &mut PartBuffer, bytes: &[u8], part: PartCall, envelope: Envelope, cipher: &Cipher) {
        let packet = buffer.packet();
        assert_eq!(packet.len() as i32, i32::from_le_bytes(packet[..4].try_into().unwrap()));
        let mut payload = packet[transport::HEAD_BYTES..packet.len() - transport::TAIL_BYTES].to_vec();
        cipher.take_back(&mut payload);
        let body = expected(part, bytes);
        let header = Envelope { body_bytes: body.len(), ..envelope }.to_bytes();
        let plain = &payload[cipher::HEAD_BYTES..];
        assert_eq!(plain[..header.len()], header);
        assert!(plain[header.len()..][..body.len()] == body, "the call differs");
        assert_eq!(plain.len(), header.len() + body.len() + cipher::padding_bytes(header.len() + body.len()));
        buffer.unseal(cipher);
        assert!(buffer.packet().is_empty());
    }

    #[test]
    fn a_part_is_serialized_as_grammers_does_it() {
        for len_bytes in [0, 1, 2, 3, 4, 252, 253, 254, 255, 256, 1024, 65_535, PART_BYTES as usize - 1, PART_BYTES as usize] {
            let bytes: Vec<u8> = (0..len_bytes).map(|place| (place * 7) as u8).collect();
            for total_parts in [None, Some(-1), Some(4000)] {
                check(&bytes, PartCall { file_id: -5, part: 3999, total_parts });
            }
        }
    }

    proptest! {
        #[test]
        fn any_part_is_serialized_as_grammers_does_it(
            bytes in prop::collection::vec(any::<u8>(), 0..2000),
            file_id in any::<i64>(),
            part in any::<i32>(),
            total_parts in any::<Option<i32>>(),
        ) {
            check(&bytes, PartCall { file_id, part, total_parts });
        }
    }

    #[tokio::test]
    async fn a_pool_has_only_so_many_and_uses_them_again() {
        let pool = PartBuffers::new(2);
        let (first, _second) = (filled(&pool, &[9; 5]).await, pool.take().await);
        let place = first.room.as_ptr();
        let third = pool.clone();
        let mut third = std::pin::pin!(third.take());
        assert!(futures::poll!(third.as_mut()).is_pending());
        drop(first);
        let third = third.await;
        assert_eq!((third.room.as_ptr(), third.len_bytes()), (place, 0));
    }
}
