//! `upload.saveFilePart` and `upload.saveBigFilePart`: parts go to disk as they come.
//!
//! In: parts. Out: `true` once a part is stored. Rules are in `world::part_rules`. It must neither keep nor copy
//! bytes: what is written to disk is the piece of the payload that came.

use bytes::Bytes;
use grammers_tl_types::{self as tl, Cursor, Deserializable, Identifiable};
use tokio::time::Instant;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::wire;
use crate::world::part_rules::PartCall;
use crate::world::uploads::{StoreError, UploadKey};

/// Whether a call is one of the two, and then whether it is `upload.saveBigFilePart`.
pub(super) fn is_part(id: u32) -> Option<bool> {
    match id {
        tl::functions::upload::SaveFilePart::CONSTRUCTOR_ID => Some(false),
        tl::functions::upload::SaveBigFilePart::CONSTRUCTOR_ID => Some(true),
        _ => None,
    }
}

/// Runs one of the two from its body.
pub(super) async fn save_part(caller: &Caller, body: Bytes, big: bool) -> Result<bool, RpcError> {
    let part = read(&body, big).inspect_err(|_| caller.world().refuse("arguments of a part cannot be read"))?;
    store(caller, part).await
}

/// The most parts that a file of this account may have.
pub(super) fn max_parts(caller: &Caller, account: i64) -> i32 {
    let limits = caller.world().limits();
    let premium = caller.world().user_by_id(account).is_some_and(|user| user.premium);
    if premium { limits.max_file_parts_premium } else { limits.max_file_parts_default }
}

/// The arguments of a call; the bytes are a piece of its body.
struct Part {
    file_id: i64,
    index: i32,
    /// `None` for `upload.saveFilePart`.
    total: Option<i32>,
    bytes: Bytes,
}

fn read(body: &Bytes, big: bool) -> tl::deserialize::Result<Part> {
    let mut cursor = Cursor::from_slice(body.get(4..).unwrap_or_default());
    let file_id = i64::deserialize(&mut cursor)?;
    let index = i32::deserialize(&mut cursor)?;
    let total = big.then(|| i32::deserialize(&mut cursor)).transpose()?;
    let bytes = wire::tl_bytes(body, 4 + cursor.pos()).ok_or(tl::deserialize::Error::UnexpectedEof)?;
    Ok(Part { file_id, index, total, bytes })
}

async fn store(caller: &Caller, part: Part) -> Result<bool, RpcError> {
    let account = caller.user()?;
    let Part { file_id, index, total, bytes } = part;
    let len_bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let part = PartCall { index, total, len_bytes, big: total.is_some(), max_parts: max_parts(caller, account) };
    let uploads = caller.world().uploads().clone();
    let key = UploadKey { account, file_id };
    let now = Instant::now().into_std();
    let stored = tokio::task::spawn_blocking(move || uploads.store(key, part, &bytes, now));
    match stored.await.map_err(RpcError::internal)? {
        Ok(()) => {
            caller.world().count(|counters| {
                counters.uploaded_parts += 1;
                counters.uploaded_bytes += u64::from(len_bytes);
            });
            Ok(true)
        }
        Err(StoreError::Rule(rule)) => Err(RpcError::bad(rule.name())),
        Err(StoreError::Disk(error)) => Err(RpcError::internal(error)),
    }
}
