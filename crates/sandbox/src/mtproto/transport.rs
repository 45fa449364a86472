//! The Full transport: length, sequence number, payload, CRC32 (<https://core.telegram.org/mtproto/mtproto-transports#full>).
//!
//! In: bytes of a TCP connection. Out: payloads, and payloads framed for writing. A broken frame is an error that ends the connection, as
//! at Telegram. It must not look into payloads.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::buffers::Buffers;

/// The largest frame accepted: 1 MiB of message and some room, as Telegram's servers have it.
const MAX_FRAME_BYTES: usize = 1024 * 1024 + 8 * 1024;
/// Length, sequence number and checksum.
const OVERHEAD_BYTES: usize = 12;

/// The reading half's state.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    /// Where the payloads' buffers come from.
    pub(super) buffers: Buffers,
    next_seq: i32,
}

/// The writing half's state.
#[derive(Debug, Default)]
pub(crate) struct FrameWriter {
    next_seq: i32,
}

impl FrameReader {
    /// The next payload, or `None` when the peer closed the connection between two frames.
    pub(crate) async fn read(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
        let mut head = [0_u8; 8];
        let got = from.read(&mut head).await?;
        if got == 0 {
            return Ok(None);
        }
        from.read_exact(&mut head[got..]).await?;
        let len = i32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let seq = i32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let len = usize::try_from(len).unwrap_or_default();
        if !(OVERHEAD_BYTES..=MAX_FRAME_BYTES).contains(&len) || len % 4 != 0 {
            return Err(bad("a frame of an impossible length"));
        }
        if seq != self.next_seq {
            return Err(bad("a frame out of sequence"));
        }
        let mut rest = self.buffers.take(len - 8);
        from.read_exact(&mut rest).await?;
        let (payload, crc) = rest.split_at(len - OVERHEAD_BYTES);
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&head);
        hasher.update(payload);
        if crc != hasher.finalize().to_le_bytes() {
            return Err(bad("a frame with a wrong checksum"));
        }
        self.next_seq += 1;
        rest.truncate(len - OVERHEAD_BYTES);
        Ok(Some(rest))
    }
}

impl FrameWriter {
    /// One frame with this payload (a multiple of 4 bytes long).
    pub(crate) fn frame(&mut self, payload: &[u8]) -> Vec<u8> {
        let len = payload.len() + OVERHEAD_BYTES;
        let mut out = Vec::with_capacity(len);
        out.extend_from_slice(&(len as i32).to_le_bytes());
        out.extend_from_slice(&self.next_seq.to_le_bytes());
        out.extend_from_slice(payload);
        out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
        self.next_seq += 1;
        out
    }
}

/// A transport error such as -404: its number in place of a length, after which the server closes. Clients on the Full transport read it so.
pub(crate) fn transport_error(code: i32) -> [u8; 4] {
    (-code.abs()).to_le_bytes()
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use grammers_crypto::DequeBuffer;
    use grammers_mtproto::transport::{Full, Transport};

    #[tokio::test]
    async fn frames_of_the_real_client_are_read_and_ours_are_read_by_it() {
        let (mut theirs, mut stream) = (Full::new(), Vec::new());
        for fill in [1_u8, 2] {
            let mut buffer = DequeBuffer::with_capacity(64, 16);
            buffer.extend([fill; 40]);
            theirs.pack(&mut buffer);
            stream.extend_from_slice(&buffer[..]);
        }
        let (mut reader, mut from) = (FrameReader::default(), &stream[..]);
        for fill in [1_u8, 2] {
            let payload = reader.read(&mut from).await.expect("a frame");
            assert_eq!(payload, Some(vec![fill; 40]));
        }
        assert_eq!(reader.read(&mut from).await.expect("the end"), None);
        let mut framed = FrameWriter::default().frame(&[9; 24]);
        let unpacked = Full::new().unpack(&mut framed).expect("our frame");
        assert_eq!(framed[unpacked.data_range], [9; 24]);
    }

    #[tokio::test]
    async fn broken_frames_end_the_connection() {
        let good = FrameWriter::default().frame(&[9; 24]);
        for (at, what) in [(0, "length"), (4, "sequence"), (12, "checksum")] {
            let mut broken = good.clone();
            broken[at] ^= 1;
            let failed = FrameReader::default().read(&mut &broken[..]).await;
            let text = failed.expect_err("a broken frame").to_string();
            assert!(text.contains(what), "{text}");
        }
        assert_eq!(transport_error(404), (-404_i32).to_le_bytes());
    }
}
