//! The transports: how payloads are framed on a TCP connection (<https://core.telegram.org/mtproto/mtproto-transports>).
//!
//! In: bytes of a TCP connection. Out: payloads, and payloads framed for writing. Full, Abridged, Intermediate and Padded Intermediate, the latter three
//! also obfuscated; the client's first bytes tell which. A broken frame is an error that ends the connection, as at Telegram. It must not look into
//! payloads, but for what says where their padding begins.

use std::io;

use grammers_crypto::ObfuscatedCipher;
use tokio::io::{AsyncRead, AsyncReadExt};

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::FrameReader;
pub(crate) use write::FrameWriter;

/// The largest frame accepted: 1 MiB of message and some room, as Telegram's servers have it.
const MAX_FRAME_BYTES: usize = 1024 * 1024 + 8 * 1024;
/// Length, sequence number and checksum of the Full transport.
const FULL_OVERHEAD_BYTES: usize = 12;
/// The header of an obfuscated connection.
const OBFUSCATED_HEADER_BYTES: usize = 64;
/// Where that header names the transport inside.
const OBFUSCATED_TAG: std::ops::Range<usize> = 56..60;

/// How frames look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Framing {
    /// Length, sequence number, payload, CRC32.
    #[default]
    Full,
    /// Length in words: one byte, or `0x7f` and three.
    Abridged,
    /// Length in bytes: four.
    Intermediate,
    /// The same, with up to 15 bytes of padding behind the payload.
    Padded,
}

impl Framing {
    /// The transport that a tag of four bytes names.
    fn of_tag(tag: [u8; 4]) -> Option<Self> {
        match tag {
            [0xef, 0xef, 0xef, 0xef] => Some(Self::Abridged),
            [0xee, 0xee, 0xee, 0xee] => Some(Self::Intermediate),
            [0xdd, 0xdd, 0xdd, 0xdd] => Some(Self::Padded),
            _ => None,
        }
    }
}

/// Reads as much of a new connection as tells which transport it is. `None` when the client closed it without a word.
pub(crate) async fn accept(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(FrameReader, FrameWriter)>> {
    let mut head = [0_u8; OBFUSCATED_HEADER_BYTES];
    if from.read(&mut head[..1]).await? == 0 {
        return Ok(None);
    }
    if head[0] == 0xef {
        return Ok(Some(plain(Framing::Abridged, &[])));
    }
    from.read_exact(&mut head[1..4]).await?;
    let first = [head[0], head[1], head[2], head[3]];
    if let Some(framing) = Framing::of_tag(first) {
        return Ok(Some(plain(framing, &[])));
    }
    if matches!(&first, b"HEAD" | b"POST" | b"GET " | b"OPTI" | [0x16, 0x03, 0x01, _]) {
        return Err(bad("HTTP or TLS on the port of MTProto over TCP"));
    }
    // An obfuscated header never has zeros here; the sequence number of the first Full frame is zero.
    from.read_exact(&mut head[4..8]).await?;
    if head[4..8] == [0; 4] {
        return Ok(Some(plain(Framing::Full, &head[..8])));
    }
    from.read_exact(&mut head[8..]).await?;
    obfuscated(head).map(Some)
}

/// A transport error such as -404, to be sent as a payload; the server closes the connection after it
/// (<https://core.telegram.org/mtproto/mtproto-transports#transport-errors>).
pub(crate) fn transport_error(code: i32) -> [u8; 4] {
    (-code.abs()).to_le_bytes()
}

fn plain(framing: Framing, read_ahead: &[u8]) -> (FrameReader, FrameWriter) {
    (FrameReader::new(framing, None, read_ahead), FrameWriter::new(framing, None))
}

/// The keys are in the client's header, forwards for what it sends and backwards for what it gets. Without a proxy's secret they are used as they
/// are (<https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation>), and the data centre named in the header means nothing.
fn obfuscated(header: [u8; OBFUSCATED_HEADER_BYTES]) -> io::Result<(FrameReader, FrameWriter)> {
    let mut reversed = header;
    reversed.reverse();
    // Two, since the halves of a connection live in different tasks; of each one direction is used.
    let mut incoming = ObfuscatedCipher::new(&reversed);
    let outgoing = ObfuscatedCipher::new(&reversed);
    let mut opened = header;
    incoming.decrypt(&mut opened);
    let tag = <[u8; 4]>::try_from(&opened[OBFUSCATED_TAG]).map_err(|_| bad("a header of an impossible length"))?;
    let framing = Framing::of_tag(tag).ok_or_else(|| bad("neither a known transport nor an obfuscated one"))?;
    Ok((FrameReader::new(framing, Some(incoming), &[]), FrameWriter::new(framing, Some(outgoing))))
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
