//! The writing half of a connection: payloads to frames.
//!
//! In: payloads, tokens, error numbers. Out: the bytes to write, in the order of the calls. It must not read.

use grammers_crypto::ObfuscatedCipher;

use super::{FULL_OVERHEAD_BYTES, Framing, transport_error};

/// The most padding that Padded Intermediate puts behind a payload.
const MAX_PADDING_BYTES: usize = 15;

/// The writing half's state. The default is the Full transport from its first frame on.
#[derive(Default)]
pub(crate) struct FrameWriter {
    framing: Framing,
    cipher: Option<ObfuscatedCipher>,
    next_seq: i32,
}

impl FrameWriter {
    pub(super) fn new(framing: Framing, cipher: Option<ObfuscatedCipher>) -> Self {
        Self { framing, cipher, next_seq: 0 }
    }

    /// One frame with this payload (a multiple of 4 bytes long).
    pub(crate) fn frame(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(payload.len() + FULL_OVERHEAD_BYTES + MAX_PADDING_BYTES);
        match self.framing {
            Framing::Full => {
                out.extend_from_slice(&((payload.len() + FULL_OVERHEAD_BYTES) as u32).to_le_bytes());
                out.extend_from_slice(&self.next_seq.to_le_bytes());
                out.extend_from_slice(payload);
                out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
                self.next_seq = self.next_seq.wrapping_add(1);
            }
            Framing::Abridged => {
                let words = (payload.len() / 4) as u32;
                if words < 0x7f {
                    out.push(words as u8);
                } else {
                    out.push(0x7f);
                    out.extend_from_slice(&words.to_le_bytes()[..3]);
                }
                out.extend_from_slice(payload);
            }
            Framing::Intermediate => {
                out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
                out.extend_from_slice(payload);
            }
            Framing::Padded => {
                let mut padding = [0_u8; MAX_PADDING_BYTES];
                rand::fill(&mut padding);
                let padding = &padding[..rand::random_range(0..=MAX_PADDING_BYTES)];
                out.extend_from_slice(&((payload.len() + padding.len()) as u32).to_le_bytes());
                out.extend_from_slice(payload);
                out.extend_from_slice(padding);
            }
        }
        self.sealed(out)
    }

    /// A quick acknowledgement: four bytes in place of a length, told from one by the highest bit. Abridged has them the other way round, so that
    /// this bit comes first. Full knows none.
    pub(crate) fn quick_ack(&mut self, token: u32) -> Vec<u8> {
        let token = token | 0x8000_0000;
        match self.framing {
            Framing::Full => Vec::new(),
            Framing::Abridged => self.sealed(token.to_be_bytes().to_vec()),
            Framing::Intermediate | Framing::Padded => self.sealed(token.to_le_bytes().to_vec()),
        }
    }

    /// A transport error: a frame with nothing else in it, never padded. Clients on the Full transport take a negative length for it.
    pub(crate) fn error(&mut self, code: i32) -> Vec<u8> {
        let code = transport_error(code);
        let mut out = match self.framing {
            Framing::Full => Vec::new(),
            Framing::Abridged => vec![1],
            Framing::Intermediate | Framing::Padded => 4_u32.to_le_bytes().to_vec(),
        };
        out.extend_from_slice(&code);
        self.sealed(out)
    }

    fn sealed(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if let Some(cipher) = &mut self.cipher {
            cipher.encrypt(&mut bytes);
        }
        bytes
    }
}
