//! Buffers for large payloads, used again: a fresh half megabyte for each part costs a tenth of its decryption in page faults and zeroes.
//!
//! In: lengths. Out: buffers of any content, to be written over, and shared pieces of them; a buffer comes back when its last piece is dropped. Each
//! connection has its own, which go with it. Must not: keep more than a few.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Shorter payloads are cheap to make.
const LARGE_BYTES: usize = 32 * 1024;
/// Idle buffers of a connection.
const MAX_IDLE: usize = 4;

/// The idle buffers of a connection; a clone is the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

/// A buffer that comes back when it is dropped.
struct Lent {
    bytes: Vec<u8>,
    home: Buffers,
}

impl Buffers {
    /// A buffer of this length; what is in it is left over from before.
    pub(super) fn take(&self, len: usize) -> Vec<u8> {
        let idle = if len < LARGE_BYTES { None } else { self.0.lock().unwrap_or_else(PoisonError::into_inner).pop() };
        let mut bytes = idle.unwrap_or_default();
        // Parts have the same length, so that this does nothing for most of them.
        bytes.resize(len, 0);
        bytes
    }

    /// Makes a buffer that was taken into bytes that can be held in pieces.
    pub(super) fn share(&self, bytes: Vec<u8>) -> Bytes {
        if bytes.len() < LARGE_BYTES { bytes.into() } else { Bytes::from_owner(Lent { bytes, home: self.clone() }) }
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut idle = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_with_its_last_piece() {
        let buffers = Buffers::default();
        let mut first = buffers.take(LARGE_BYTES);
        first.fill(7);
        let place = first.as_ptr();
        let whole = buffers.share(first);
        let piece = whole.slice(10..20);
        drop(whole);
        let other = buffers.take(LARGE_BYTES);
        assert_ne!(other.as_ptr(), place, "a piece is still held");
        assert_eq!(&piece[..], [7; 10]);
        drop(piece);
        let again = buffers.take(LARGE_BYTES);
        assert_eq!((again.as_ptr(), again.len()), (place, LARGE_BYTES));
    }

    #[test]
    fn few_are_kept_and_small_ones_not_at_all() {
        let buffers = Buffers::default();
        let lent: Vec<_> = (0..MAX_IDLE + 3).map(|_| buffers.share(buffers.take(LARGE_BYTES))).collect();
        drop(lent);
        drop(buffers.share(buffers.take(100)));
        assert_eq!(buffers.0.lock().expect("nobody panicked").len(), MAX_IDLE);
        assert_eq!(buffers.take(50), [0; 50]);
    }
}
