//! `upload.saveFilePart` and `upload.saveBigFilePart`: parts go to disk as they come.
//!
//! In: parts. Out: `true` once a part is stored. Rules are in `world::part_rules`. It must not keep bytes.

use grammers_tl_types as tl;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::world::part_rules::PartCall;
use crate::world::uploads::{StoreError, UploadKey};

/// `upload.saveFilePart`
pub(super) async fn save_file_part(caller: &Caller, call: tl::functions::upload::SaveFilePart) -> Result<bool, RpcError> {
    store(caller, call.file_id, call.file_part, None, call.bytes).await
}

/// `upload.saveBigFilePart`
pub(super) async fn save_big_file_part(caller: &Caller, call: tl::functions::upload::SaveBigFilePart) -> Result<bool, RpcError> {
    store(caller, call.file_id, call.file_part, Some(call.file_total_parts), call.bytes).await
}

/// The most parts that a file of this account may have.
pub(super) fn max_parts(caller: &Caller, account: i64) -> i32 {
    let limits = caller.world().limits();
    let premium = caller.world().user_by_id(account).is_some_and(|user| user.premium);
    if premium { limits.max_file_parts_premium } else { limits.max_file_parts_default }
}

async fn store(caller: &Caller, file_id: i64, index: i32, total: Option<i32>, bytes: Vec<u8>) -> Result<bool, RpcError> {
    let account = caller.user()?;
    let len_bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let part = PartCall { index, total, len_bytes, big: total.is_some(), max_parts: max_parts(caller, account) };
    let uploads = caller.world().uploads().clone();
    let key = UploadKey { account, file_id };
    let stored = tokio::task::spawn_blocking(move || uploads.store(key, part, &bytes));
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
