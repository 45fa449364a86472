//! The message layer's bytes: what is inside a decrypted payload, and how an answer is put there.
//!
//! In: plaintexts. Out: messages taken out of containers and gzip, and plaintexts to encrypt. Formats:
//! <https://core.telegram.org/mtproto/service_messages>. It must not judge salts, numbers or times.

use std::io::{Read, Write};

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
    pub(crate) body: Vec<u8>,
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

/// Reads a decrypted payload.
pub(crate) fn read_packet(plain: &[u8]) -> Result<Packet, Malformed> {
    let mut cursor = Cursor::from_slice(plain);
    let salt = i64::deserialize(&mut cursor)?;
    let session_id = i64::deserialize(&mut cursor)?;
    let mut outer = read_message(&mut cursor)?;
    let padding = plain.len() - cursor.pos();
    if !(12..=1024).contains(&padding) {
        return Err(Malformed);
    }
    let mut inner = Vec::new();
    if constructor(&outer.body) == Some(CONTAINER_ID) {
        let body = std::mem::take(&mut outer.body);
        let mut cursor = Cursor::from_slice(&body[4..]);
        for _ in 0..u32::deserialize(&mut cursor)? {
            inner.push(unpacked(read_message(&mut cursor)?)?);
        }
    } else {
        let body = std::mem::take(&mut outer.body);
        inner.push(unpacked(Incoming { body, ..outer })?);
    }
    Ok(Packet { salt, session_id, outer, inner })
}

/// The constructor number in front of a body.
pub(crate) fn constructor(body: &[u8]) -> Option<u32> {
    let id = body.get(..4)?;
    Some(u32::from_le_bytes([id[0], id[1], id[2], id[3]]))
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

fn read_message(cursor: &mut Cursor<'_>) -> Result<Incoming, Malformed> {
    let msg_id = i64::deserialize(cursor)?;
    let seq_no = i32::deserialize(cursor)?;
    let len = usize::try_from(i32::deserialize(cursor)?).map_err(|_| Malformed)?;
    if len % 4 != 0 || len > MAX_UNPACKED_BYTES as usize {
        return Err(Malformed);
    }
    let mut body = vec![0; len];
    cursor.read_exact(&mut body)?;
    Ok(Incoming { msg_id, seq_no, body })
}

fn unpacked(message: Incoming) -> Result<Incoming, Malformed> {
    if constructor(&message.body) != Some(GZIP_ID) {
        return Ok(message);
    }
    let packed = Vec::<u8>::from_bytes(&message.body[4..])?;
    let mut body = Vec::new();
    let mut decoder = GzDecoder::new(&packed[..]).take(MAX_UNPACKED_BYTES + 1);
    decoder.read_to_end(&mut body).map_err(|_| Malformed)?;
    if body.len() as u64 > MAX_UNPACKED_BYTES {
        return Err(Malformed);
    }
    Ok(Incoming { body, ..message })
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

    fn padded(mut plain: Vec<u8>) -> Vec<u8> {
        plain.extend([0; 16]);
        plain
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
        let bodies: Vec<_> = packet.inner.iter().map(|inner| inner.body.clone()).collect();
        assert_eq!(bodies, [vec![1_u8; 8], long]);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(read_packet(&[0; 20]), Err(Malformed));
        let good = plaintext(1, 2, 4, 1, &[0; 8]);
        assert_eq!(read_packet(&good), Err(Malformed), "no padding");
        let mut long = good.clone();
        long[28] = 0xff;
        assert_eq!(read_packet(&padded(long)), Err(Malformed));
    }
}
