//! The reading half of a connection: frames to payloads.
//!
//! In: bytes, after the transport is known. Out: one payload a time, read straight into the buffer that is given away, and whether the client wants a
//! quick acknowledgement of it. It must not write.

use std::io;

use grammers_crypto::ObfuscatedCipher;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::super::buffers::Buffers;
use super::{FULL_OVERHEAD_BYTES, Framing, MAX_FRAME_BYTES, bad};

/// `auth_key_id` and `msg_key` in front of an encrypted payload, whose rest is whole blocks.
const ENCRYPTED_HEADER_BYTES: usize = 24;
/// `auth_key_id` (zero), message id and length in front of a payload that is not encrypted.
const PLAIN_HEADER_BYTES: usize = 20;

/// The reading half's state. The default is the Full transport from its first frame on.
#[derive(Default)]
pub(crate) struct FrameReader {
    /// Where the payloads' buffers come from.
    pub(in crate::mtproto) buffers: Buffers,
    pub(super) framing: Framing,
    cipher: Option<ObfuscatedCipher>,
    /// What was read while the transport was not known yet.
    read_ahead: Vec<u8>,
    next_seq: i32,
    quick_ack: bool,
}

impl FrameReader {
    pub(super) fn new(framing: Framing, cipher: Option<ObfuscatedCipher>, read_ahead: &[u8]) -> Self {
        Self { framing, cipher, read_ahead: read_ahead.to_vec(), ..Self::default() }
    }

    /// The next payload, or `None` when the peer closed the connection between two frames.
    pub(crate) async fn read(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
        match self.framing {
            Framing::Full => self.read_full(from).await,
            Framing::Abridged => self.read_abridged(from).await,
            Framing::Intermediate | Framing::Padded => self.read_intermediate(from).await,
        }
    }

    /// Whether the frame that was read last asks for a quick acknowledgement
    /// (<https://core.telegram.org/mtproto/mtproto-transports#quick-ack>).
    pub(crate) fn wants_quick_ack(&self) -> bool {
        self.quick_ack
    }

    async fn read_full(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
        let mut head = [0_u8; 8];
        let ahead = std::mem::take(&mut self.read_ahead);
        let mut got = ahead.len();
        head[..got].copy_from_slice(&ahead);
        if got == 0 {
            got = from.read(&mut head).await?;
            if got == 0 {
                return Ok(None);
            }
        }
        from.read_exact(&mut head[got..]).await?;
        let len = i32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let seq = i32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let len = usize::try_from(len).unwrap_or_default();
        if !(FULL_OVERHEAD_BYTES..=MAX_FRAME_BYTES).contains(&len) || !len.is_multiple_of(4) {
            return Err(bad("a frame of an impossible length"));
        }
        if seq != self.next_seq {
            return Err(bad("a frame out of sequence"));
        }
        let mut rest = self.buffers.take(len - 8);
        from.read_exact(&mut rest).await?;
        let (payload, crc) = rest.split_at(len - FULL_OVERHEAD_BYTES);
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&head);
        hasher.update(payload);
        if crc != hasher.finalize().to_le_bytes() {
            return Err(bad("a frame with a wrong checksum"));
        }
        self.next_seq = self.next_seq.wrapping_add(1);
        rest.truncate(len - FULL_OVERHEAD_BYTES);
        Ok(Some(rest))
    }

    async fn read_abridged(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
        let mut first = [0_u8; 1];
        if from.read(&mut first).await? == 0 {
            return Ok(None);
        }
        self.open(&mut first);
        self.quick_ack = first[0] & 0x80 != 0;
        let mut words = usize::from(first[0] & 0x7f);
        if words == 0x7f {
            let mut long = [0_u8; 3];
            from.read_exact(&mut long).await?;
            self.open(&mut long);
            words = u32::from_le_bytes([long[0], long[1], long[2], 0]) as usize;
        }
        self.read_payload(from, words * 4).await.map(Some)
    }

    async fn read_intermediate(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
        let mut head = [0_u8; 4];
        let got = from.read(&mut head).await?;
        if got == 0 {
            return Ok(None);
        }
        from.read_exact(&mut head[got..]).await?;
        self.open(&mut head);
        let len = u32::from_le_bytes(head);
        self.quick_ack = len >> 31 != 0;
        let len = (len & 0x7fff_ffff) as usize;
        if self.framing == Framing::Intermediate && !len.is_multiple_of(4) {
            return Err(bad("a frame of an impossible length"));
        }
        let mut payload = self.read_payload(from, len).await?;
        if self.framing == Framing::Padded {
            let inner_len = without_padding(&payload).ok_or_else(|| bad("a frame whose padding cannot be told"))?;
            payload.truncate(inner_len);
        }
        Ok(Some(payload))
    }

    async fn read_payload(&mut self, from: &mut (impl AsyncRead + Unpin), len: usize) -> io::Result<Vec<u8>> {
        if !(1..=MAX_FRAME_BYTES).contains(&len) {
            return Err(bad("a frame of an impossible length"));
        }
        let mut payload = self.buffers.take(len);
        from.read_exact(&mut payload).await?;
        self.open(&mut payload);
        Ok(payload)
    }

    fn open(&mut self, bytes: &mut [u8]) {
        if let Some(cipher) = &mut self.cipher {
            cipher.decrypt(bytes);
        }
    }
}

/// The length of a payload without the up to 15 bytes that the client put behind it. Only the payload says where it ends: an encrypted one by its
/// blocks of 16, another by the length in it.
fn without_padding(payload: &[u8]) -> Option<usize> {
    let key = payload.get(..8)?;
    if key != [0; 8] {
        let blocks = payload.len().checked_sub(ENCRYPTED_HEADER_BYTES)? / 16;
        return Some(ENCRYPTED_HEADER_BYTES + blocks * 16);
    }
    let stated = payload.get(16..PLAIN_HEADER_BYTES)?;
    let stated = usize::try_from(u32::from_le_bytes([stated[0], stated[1], stated[2], stated[3]])).ok()?;
    let len = stated.checked_add(PLAIN_HEADER_BYTES)?;
    (len <= payload.len() && payload.len() - len < 16).then_some(len)
}
