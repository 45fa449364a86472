//! What a decrypted payload of the server holds: messages, also in containers and gzip.
//!
//! In: plaintexts. Out: messages; answers. Must not: judge their numbers or act upon them.
//! Formats: <https://core.telegram.org/mtproto/service_messages#containers> and `#packed-object` there.

use std::io::Read;

use flate2::read::GzDecoder;
use grammers_mtproto::mtp::DeserializeError;
use grammers_tl_types::{Cursor, Deserializable};

/// `msg_container`.
pub(super) const CONTAINER_ID: u32 = 0x73f1_f8dc;
/// `rpc_result`.
pub(super) const RPC_RESULT_ID: u32 = 0xf35c_6d01;
/// `gzip_packed`.
const GZIP_ID: u32 = 0x3072_cfa1;

/// An answer may not unpack to more than this.
const MAX_UNPACKED_BYTES: u64 = 16 * 1024 * 1024;

/// A plaintext.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) salt: i64,
    pub(super) session_id: i64,
    pub(super) message: Message,
}

/// One message of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) msg_id: i64,
    pub(super) seq_no: i32,
    pub(super) body: Vec<u8>,
}

/// Reads a plaintext: salt, session, one message, padding.
pub(super) fn read(plain: &[u8]) -> Result<Packet, DeserializeError> {
    let mut cursor = Cursor::from_slice(plain);
    let salt = i64::deserialize(&mut cursor)?;
    let session_id = i64::deserialize(&mut cursor)?;
    let message = read_message(&mut cursor, plain.len())?;
    Ok(Packet { salt, session_id, message })
}

/// The messages of a container, or the one itself; unpacked.
pub(super) fn messages(outer: Message) -> Result<Vec<Message>, DeserializeError> {
    let outer = unpacked_message(outer)?;
    if u32::from_bytes(&outer.body)? != CONTAINER_ID {
        return Ok(vec![outer]);
    }
    let mut cursor = Cursor::from_slice(&outer.body[4..]);
    let count = u32::deserialize(&mut cursor)?;
    (0..count).map(|_| unpacked_message(read_message(&mut cursor, outer.body.len())?)).collect()
}

/// Which message an `rpc_result` answers, and with what; still packed, if it was.
pub(super) fn rpc_result(body: &[u8]) -> Result<(i64, &[u8]), DeserializeError> {
    let mut cursor = Cursor::from_slice(body);
    let _constructor = u32::deserialize(&mut cursor)?;
    let msg_id = i64::deserialize(&mut cursor)?;
    Ok((msg_id, &body[cursor.pos()..]))
}

/// The object itself in place of a `gzip_packed` one.
pub(super) fn unpacked(object: &[u8]) -> Result<Vec<u8>, DeserializeError> {
    if u32::from_bytes(object) != Ok(GZIP_ID) {
        return Ok(object.to_vec());
    }
    let packed = Vec::<u8>::from_bytes(&object[4..])?;
    let mut whole = Vec::new();
    let mut decoder = GzDecoder::new(&packed[..]).take(MAX_UNPACKED_BYTES + 1);
    decoder.read_to_end(&mut whole).map_err(|_| DeserializeError::DecompressionFailed)?;
    if whole.len() as u64 > MAX_UNPACKED_BYTES {
        return Err(DeserializeError::DecompressionFailed);
    }
    Ok(whole)
}

fn unpacked_message(message: Message) -> Result<Message, DeserializeError> {
    match u32::from_bytes(&message.body)? {
        GZIP_ID => Ok(Message { body: unpacked(&message.body)?, ..message }),
        _ => Ok(message),
    }
}

fn read_message(cursor: &mut Cursor<'_>, max_bytes: usize) -> Result<Message, DeserializeError> {
    let msg_id = i64::deserialize(cursor)?;
    let seq_no = i32::deserialize(cursor)?;
    let got = i32::deserialize(cursor)?;
    let length = usize::try_from(got).map_err(|_| DeserializeError::NegativeMessageLength { got })?;
    if length > max_bytes {
        return Err(DeserializeError::TooLongMessageLength { got: length, max_length: max_bytes });
    }
    let mut body = vec![0; length];
    cursor.read_exact(&mut body)?;
    Ok(Message { msg_id, seq_no, body })
}
