//! The key exchange on a connection: everything before its first encrypted packet.
//!
//! In: the halves of a new connection. Out: its first encrypted payload; until then plain messages are answered and new keys are registered. What cannot be
//! answered is a transport error, and the end of the connection, as at Telegram. It must not decrypt with auth keys.

use std::io;

use grammers_tl_types::Serializable;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::{Exchange, ExchangeError, Here};
use crate::mtproto::Server;
use crate::mtproto::transport::{FrameReader, FrameWriter};
use crate::world::clock::Clock;

/// `auth_key_id` (zero), message id and length.
const HEADER_BYTES: usize = 20;
/// Transport error for a key, or a step towards one, that the server does not know.
pub(crate) const NOT_FOUND: i32 = 404;
/// Transport error for a data centre that this is not.
const INVALID_DC: i32 = 444;

/// Serves key exchanges until the client sends something encrypted, which is returned. `None` when the connection is over.
pub(crate) async fn until_encrypted(
    server: &Server,
    (frames, framed): (&mut FrameReader, &mut FrameWriter),
    read: &mut (impl AsyncRead + Unpin),
    write: &mut (impl AsyncWrite + Unpin),
) -> io::Result<Option<Vec<u8>>> {
    let mut exchange = Exchange::default();
    loop {
        let Some(payload) = frames.read(read).await? else {
            return Ok(None);
        };
        if !payload.starts_with(&[0; 8]) {
            return Ok(Some(payload));
        }
        let accounts = server.world.accounts().clone();
        let clock = accounts.clock().clone();
        let here = Here { dc_id: server.dc_id, now_unix: clock.unix() as i32 };
        let answered = tokio::task::spawn_blocking(move || {
            let message = body(&payload).ok_or(ExchangeError::Wrong("a message of another length than it says"));
            let answer = message.and_then(|body| exchange.answer(body, here, |key, salt| accounts.register_key(here.dc_id, key, salt)));
            (exchange, answer)
        });
        let (next, answer) = answered.await.map_err(io::Error::other)?;
        exchange = next;
        match answer {
            Ok(answer) => write.write_all(&framed.frame(&plain_message(&answer, &clock))).await?,
            Err(error) => {
                tracing::debug!(%error, "a key exchange was broken off");
                if let ExchangeError::NotServed(what) = error {
                    server.world.refuse(format!("mtproto key exchange: {what}"));
                }
                let code = if matches!(error, ExchangeError::OtherDataCentre(_)) { INVALID_DC } else { NOT_FOUND };
                write.write_all(&framed.error(code)).await?;
                write.shutdown().await?;
                return Ok(None);
            }
        }
    }
}

fn body(payload: &[u8]) -> Option<&[u8]> {
    let (header, body) = payload.split_at_checked(HEADER_BYTES)?;
    let stated = u32::from_le_bytes([header[16], header[17], header[18], header[19]]);
    (usize::try_from(stated).ok()? == body.len()).then_some(body)
}

fn plain_message(body: &[u8], clock: &Clock) -> Vec<u8> {
    // The lowest bits say that it answers a message of the client.
    let msg_id = clock.msg_id_base() | 1;
    let mut message = Vec::with_capacity(HEADER_BYTES + body.len());
    0_i64.serialize(&mut message);
    msg_id.serialize(&mut message);
    (body.len() as i32).serialize(&mut message);
    message.extend_from_slice(body);
    message
}
