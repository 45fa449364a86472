//! `upload.getFile`: pieces of a file of the world.
//!
//! In: a location, an offset and a limit. Out: bytes. Rules of offset and limit: <https://core.telegram.org/api/files#downloading-files>.
//! It must not read more than the piece.

use std::fs::File;
use std::os::unix::fs::FileExt;

use grammers_tl_types as tl;

use super::media::known_file;
use crate::mtproto::dispatch::Caller;
use crate::mtproto::migrate;
use crate::mtproto::rpc_error::RpcError;
use crate::world::{FileKind, StoredFile};

const CHUNK_BYTES: i64 = 1024 * 1024;

/// `upload.getFile`
pub(super) async fn get_file(caller: &Caller, call: tl::functions::upload::GetFile) -> Result<tl::enums::upload::File, RpcError> {
    caller.user()?;
    check(call.offset, call.limit, call.precise).map_err(RpcError::bad)?;
    let file = located(caller, &call.location)?;
    migrate::file_here(caller, file.dc_id)?;
    let (path, offset, limit) = (file.path.clone(), call.offset.unsigned_abs(), call.limit.unsigned_abs());
    let piece = tokio::task::spawn_blocking(move || read_piece(&path, offset, limit as usize));
    let bytes = piece.await.map_err(RpcError::internal)?.map_err(RpcError::internal)?;
    let r#type = match file.kind {
        FileKind::Photo | FileKind::Thumbnail => tl::enums::storage::FileType::FileJpeg,
        _ => tl::enums::storage::FileType::FileUnknown,
    };
    Ok(tl::enums::upload::File::File(tl::types::upload::File { r#type, mtime: file.date, bytes }))
}

/// The rules of offset and limit.
fn check(offset: i64, limit: i32, precise: bool) -> Result<(), &'static str> {
    let step = if precise { 1024 } else { 4096 };
    let limit = i64::from(limit);
    if offset < 0 || offset % step != 0 {
        return Err("OFFSET_INVALID");
    }
    if !(1..=CHUNK_BYTES).contains(&limit) || limit % step != 0 || (!precise && CHUNK_BYTES % limit != 0) {
        return Err("LIMIT_INVALID");
    }
    if offset / CHUNK_BYTES != (offset + limit - 1) / CHUNK_BYTES {
        return Err("LIMIT_INVALID");
    }
    Ok(())
}

fn located(caller: &Caller, location: &tl::enums::InputFileLocation) -> Result<StoredFile, RpcError> {
    let (id, hash, reference, size) = match location {
        tl::enums::InputFileLocation::InputDocumentFileLocation(at) => (at.id, at.access_hash, &at.file_reference, &at.thumb_size),
        tl::enums::InputFileLocation::InputPhotoFileLocation(at) => (at.id, at.access_hash, &at.file_reference, &at.thumb_size),
        _ => {
            caller.world().refuse("upload.getFile with another location than a document or a photo");
            return Err(RpcError::bad("LOCATION_INVALID"));
        }
    };
    let found = caller.world().read(|state| {
        known_file(state, id, hash, reference)?;
        let file = state.files.get(id);
        // Of a photo the only size is the photo itself; of a document a size is its thumbnail.
        let wants_thumb = !size.is_empty() && file.is_some_and(|file| file.kind != FileKind::Photo);
        let found = if wants_thumb { file.and_then(|file| file.thumb).and_then(|thumb| state.files.get(thumb)) } else { file };
        found.cloned().ok_or_else(|| RpcError::bad("LOCATION_INVALID"))
    })?;
    Ok(found)
}

fn read_piece(path: &std::path::Path, offset: u64, limit: usize) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = vec![0; limit];
    let mut filled = 0;
    while filled < limit {
        let read = file.read_at(&mut bytes[filled..], offset + filled as u64)?;
        if read == 0 {
            break;
        }
        filled += read;
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_offsets_and_limits() {
        let kib = 1024;
        for (offset, limit, precise, verdict) in [
            (0, 512 * 1024, false, Ok(())),
            (512 * kib, 512 * 1024, false, Ok(())),
            (0, 1024 * 1024, false, Ok(())),
            (kib, 1024, true, Ok(())),
            (kib, 4096, false, Err("OFFSET_INVALID")),
            (-4096, 4096, false, Err("OFFSET_INVALID")),
            (0, 0, false, Err("LIMIT_INVALID")),
            (0, 12 * 1024, false, Err("LIMIT_INVALID")),
            (0, 2 * 1024 * 1024, true, Err("LIMIT_INVALID")),
            (768 * kib, 512 * 1024, false, Err("LIMIT_INVALID")),
        ] {
            assert_eq!(check(offset, limit, precise), verdict, "{offset} {limit} {precise}");
        }
    }
}
