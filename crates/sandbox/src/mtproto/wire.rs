//! The message layer's bytes: what is inside a decrypted payload, and how an answer is put there.
//!
//! In: plaintexts. Out: messages taken out of containers and gzip, and plaintexts to encrypt. Formats:
//! <https://core.telegram.org/mtproto/service_messages>. It must not judge salts, numbers or times.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use grammers_tl_types::{Cursor, Deserializable, Serializable};

/// `msg_container`.
pub(crate) const CONTAINER_ID: u32 = 0x73f1_f8dc;
/// `gzip_packed`.
const GZIP_ID: u32 = 0x3072_cfa1;
/// `rpc_result`.
const RPC_RESULT_ID: u32 = 0xf35c_6d01;
/// A packed request may not unpack to more than this.
const MAX_UNPACKED_BYTES: u64 = 4 * 1024 * 1024;
/// Answers of this length are packed when that helps; longer ones are pieces of files.
const GZIP_ANSWER_BYTES: std::ops::Range<usize> = 2048..64 * 1024;

/// One message of a client, unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) msg_id: i64,
    pub(crate) seq_no: i32,
    /// A piece of the payload that it came in, unless it was packed.
    pub(crate) body: Bytes,
}

/// What one payload holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) salt: i64,
    pub(crate) session_id: i64,
    /// The message itself: a container keeps no body here.
    pub(crate) outer: Incoming,
    /// The messages to handle: those of the container, or the outer one alone.
    pub(crate) inner: Vec<Incoming>,
}

/// The payload cannot be read; Telegram closes the connection on such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the plaintext of a payload cannot be read")]
pub(crate) struct Malformed;

impl From<grammers_tl_types::deserialize::Error> for Malformed {
    fn from(_: grammers_tl_types::deserialize::Error) -> Self {
        Self
    }
}

/// Reads a decrypted payload. Nothing is copied out of it, for most of what comes are parts of files.
pub(crate) fn read_packet(plain: &Bytes) -> Result<Packet, Malformed> {
    let mut cursor = Cursor::from_slice(plain);
    let salt = i64::deserialize(&mut cursor)?;
    let session_id = i64::deserialize(&mut cursor)?;
    let (outer, end) = read_message(plain, cursor.pos())?;
    if !(12..=1024).contains(&(plain.len() - end)) {
        return Err(Malformed);
    }
    let mut inner = Vec::new();
    let envelope = Incoming { body: Bytes::new(), ..outer };
    if constructor(&outer.body) == Some(CONTAINER_ID) {
        let content = outer.body;
        let (mut at, count) = (8, u32::from_bytes(content.get(4..8).unwrap_or_default())?);
        for _ in 0..count {
            let (message, end) = read_message(&content, at)?;
            inner.push(unpacked(message)?);
            at = end;
        }
    } else {
        inner.push(unpacked(outer)?);
    }
    Ok(Packet { salt, session_id, outer: envelope, inner })
}

/// The constructor number in front of a body.
pub(crate) fn constructor(body: &[u8]) -> Option<u32> {
    let id = body.get(..4)?;
    Some(u32::from_le_bytes([id[0], id[1], id[2], id[3]]))
}

/// A TL string of bytes at a place in a body, not copied: one or four bytes of length, then the bytes
/// (<https://core.telegram.org/mtproto/serialize#base-types>). `None`: the body is too short.
pub(crate) fn tl_bytes(body: &Bytes, at: usize) -> Option<Bytes> {
    let (len, start) = match *body.get(at..)? {
        [254, one, two, three, ..] => (u32::from_le_bytes([one, two, three, 0]) as usize, at + 4),
        [254 | 255, ..] | [] => return None,
        [len, ..] => (usize::from(len), at + 1),
    };
    (body.len() - start >= len).then(|| body.slice(start..start + len))
}

/// The body of an `rpc_result`; a long result is packed when that makes it shorter.
pub(crate) fn rpc_result(req_msg_id: i64, result: &[u8]) -> Vec<u8> {
    let packed = GZIP_ANSWER_BYTES.contains(&result.len()).then(|| gzip(result));
    let shorter = packed.flatten().filter(|packed| packed.len() < result.len());
    let mut body = Vec::with_capacity(result.len() + 12);
    RPC_RESULT_ID.serialize(&mut body);
    req_msg_id.serialize(&mut body);
    body.extend_from_slice(shorter.as_deref().unwrap_or(result));
    body
}

/// A plaintext with one message.
pub(crate) fn plaintext(salt: i64, session_id: i64, msg_id: i64, seq_no: i32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 64);
    salt.serialize(&mut out);
    session_id.serialize(&mut out);
    msg_id.serialize(&mut out);
    seq_no.serialize(&mut out);
    (body.len() as i32).serialize(&mut out);
    out.extend_from_slice(body);
    out
}

/// The message at a place, and where it ends.
fn read_message(all: &Bytes, at: usize) -> Result<(Incoming, usize), Malformed> {
    let mut cursor = Cursor::from_slice(all.get(at..).unwrap_or_default());
    let msg_id = i64::deserialize(&mut cursor)?;
    let seq_no = i32::deserialize(&mut cursor)?;
    let len = usize::try_from(i32::deserialize(&mut cursor)?).map_err(|_| Malformed)?;
    let start = at + cursor.pos();
    if !len.is_multiple_of(4) || len > all.len() - start {
        return Err(Malformed);
    }
    let end = start + len;
    Ok((Incoming { msg_id, seq_no, body: all.slice(start..end) }, end))
}

fn unpacked(message: Incoming) -> Result<Incoming, Malformed> {
    if constructor(&message.body) != Some(GZIP_ID) {
        return Ok(message);
    }
    let packed = tl_bytes(&message.body, 4).ok_or(Malformed)?;
    let mut body = Vec::with_capacity(unpacked_len(&packed));
    let mut decoder = GzDecoder::new(&packed[..]).take(MAX_UNPACKED_BYTES + 1);
    decoder.read_to_end(&mut body).map_err(|_| Malformed)?;
    if body.len() as u64 > MAX_UNPACKED_BYTES {
        return Err(Malformed);
    }
    Ok(Incoming { body: body.into(), ..message })
}

/// What a gzip stream says of its length, in its last four bytes: a hint, no more.
fn unpacked_len(packed: &[u8]) -> usize {
    let stated = packed.last_chunk::<4>().map_or(0, |len| u32::from_le_bytes(*len));
    u64::from(stated).min(MAX_UNPACKED_BYTES) as usize
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).ok()?;
    let mut out = Vec::new();
    GZIP_ID.serialize(&mut out);
    encoder.finish().ok()?.serialize(&mut out);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(mut plain: Vec<u8>) -> Bytes {
        plain.extend([0; 16]);
        plain.into()
    }

    #[test]
    fn containers_and_gzip_are_taken_apart() {
        let long = vec![7_u8; 4096];
        let mut container = Vec::new();
        CONTAINER_ID.serialize(&mut container);
        2_i32.serialize(&mut container);
        for (msg_id, body) in [(4_i64, vec![1_u8; 8]), (8, gzip(&long).expect("in memory"))] {
            msg_id.serialize(&mut container);
            1_i32.serialize(&mut container);
            (body.len() as i32).serialize(&mut container);
            container.extend(body);
        }
        let packet = read_packet(&padded(plaintext(11, 22, 12, 2, &container))).expect("a container");
        assert_eq!((packet.salt, packet.session_id, packet.outer.msg_id), (11, 22, 12));
        let bodies: Vec<_> = packet.inner.iter().map(|inner| inner.body.to_vec()).collect();
        assert_eq!(bodies, [vec![1_u8; 8], long]);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(read_packet(&Bytes::from_static(&[0; 20])), Err(Malformed));
        let good = plaintext(1, 2, 4, 1, &[0; 8]);
        assert_eq!(read_packet(&good.clone().into()), Err(Malformed), "no padding");
        let mut long = good.clone();
        long[28] = 0xff;
        assert_eq!(read_packet(&padded(long)), Err(Malformed));
    }

    #[test]
    fn bytes_are_found_where_tl_puts_them() {
        for len in [0, 1, 253, 254, 70_000] {
            let bytes = vec![5_u8; len];
            let mut body = vec![0; 8];
            bytes.serialize(&mut body);
            assert_eq!(tl_bytes(&body.clone().into(), 8).as_deref(), Some(&bytes[..]), "{len}");
            let short = body[..7 + len].to_vec();
            assert_eq!(tl_bytes(&short.into(), 8), None, "{len}");
        }
        assert_eq!(tl_bytes(&Bytes::from_static(&[255, 0, 0, 0, 0]), 0), None);
    }
}
