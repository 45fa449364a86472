//! What the fuzz targets reach of the connection for parts: what a server may say.
//!
//! In: bytes. Out: nothing; panics if a promise is broken. Must not: be part of an ordinary build (`cfg(fuzzing)`, set by cargo-fuzz).

use std::time::Duration;

use super::session::Session;
use super::transport::Transport;

/// Bytes on the socket.
pub fn packets(data: &[u8]) {
    let (mut transport, mut bytes, mut start) = (Transport::new(), data.to_vec(), 0);
    while let Ok(Some(found)) = transport.unpack(&mut bytes[start..]) {
        assert!(found.payload.end <= found.next && found.next > 0);
        start += found.next;
        assert!(start <= bytes.len());
    }
}

/// Decrypted messages of a server that has the key: salt, then what follows the number of the session.
pub fn messages(data: &[u8]) {
    let now = Duration::from_secs(1_800_000_000);
    let mut session = Session::new();
    let call = session.envelope(true, 8, now);
    let (salt, rest) = data.split_at(data.len().min(8));
    let plain = [salt, &call.session_id.to_le_bytes(), rest].concat();
    if session.receive(&plain, now).is_ok() {
        let next = session.envelope(true, 8, now);
        assert!(next.msg_id % 4 == 0 && (next.session_id != call.session_id || next.msg_id > call.msg_id));
        let _ = session.acknowledgement();
    }
}
