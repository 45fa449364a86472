//! A file into the relay channel by a user account, part by part, while it may still be growing.
//!
//! In: an account with where it sends to, a spool, numbers that the caller has stored before. Out: the [`RelayMessage`]. Must not: choose the numbers
//! (a repeat after a crash must use the same), or write to anybody but whom the carrier names.

use std::sync::atomic::AtomicU64;

use grammers_tl_types as tl;
use tl::enums::InputFile;
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use super::link::Link;
use super::parts;
use super::publish::{is_photo, media_of, publish};
use super::sender::{Gate, PartSender};
use crate::config::UploadConfig;
use crate::model::{Failure, Prepared, ProgressSender, Reason, RelayMessage, UploadIds};
use crate::spool::Spool;
use crate::telegram::pool::Carrier;

/// Uploads what the spool holds and sends it into the relay with `marker` as its text, by which it is found again. Where the carrier sends
/// straight to a person, `marker` is the caption in HTML.
///
/// Flood waits are waited out as long as the settings say and shown as pauses; broken connections are made again. Cancelling ends it at once.
/// Errors: `Cancelled`, `Empty`, `TooLarge`, `SessionRevoked`, `AccountLimited`, `FloodWait` (longer than is waited
/// for), `RelayGone`, `RelayMessageGone`, `ChatUnreachable`, `Telegram`, and whatever the spool failed with.
#[allow(clippy::too_many_arguments)]
pub async fn upload_to_relay(
    carrier: &Carrier,
    spool: &Spool,
    file: &Prepared,
    ids: UploadIds,
    marker: &str,
    config: &UploadConfig,
    progress: &ProgressSender,
    cancel: &CancellationToken,
) -> Result<RelayMessage, Failure> {
    let work = carry(carrier, spool, file, ids, marker, config, progress);
    let outcome = tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Failure::cancelled()),
        outcome = work => outcome,
    };
    outcome.inspect_err(|failure| carrier.account.report(&failure.reason))
}

#[allow(clippy::too_many_arguments)]
async fn carry(
    carrier: &Carrier,
    spool: &Spool,
    file: &Prepared,
    ids: UploadIds,
    marker: &str,
    config: &UploadConfig,
    progress: &ProgressSender,
) -> Result<RelayMessage, Failure> {
    let link = Link::new(carrier.account.clone());
    // One byte more than a small file may have tells which of the two ways it goes, whatever its promised size.
    let head = spool.wait_for(0..parts::SMALL_FILE_MAX_BYTES + 1).await?;
    let sender = PartSender {
        link: &link,
        carrier: Some(carrier),
        spool,
        progress,
        file_id: ids.file_id,
        big: parts::is_big(head.end),
        attempts: config.part_attempts,
        max_bytes: carrier.account.max_bytes(),
        gate: Gate::default(),
        stored_bytes: AtomicU64::new(0),
    };
    let count = sender.send_all(config.parts_in_flight).await?;
    if count == 0 {
        return Err(Failure::from(Reason::Empty));
    }
    let uploaded = input_file(&sender, count, file.file_name.clone()).await?;
    let exact = Prepared { size_bytes: spool.length().ready_bytes, ..file.clone() };
    let thumb = match &file.thumbnail {
        Some(path) if !is_photo(&exact) => Some(thumbnail(&link, path, config).await?),
        _ => None,
    };
    publish(&carrier.account, &carrier.relay, &sender, media_of(&exact, uploaded, thumb), ids, marker).await
}

/// A thumbnail is a small file of its own; its progress is nobody's concern.
async fn thumbnail(link: &Link, path: &std::path::Path, config: &UploadConfig) -> Result<InputFile, Failure> {
    let spool = Spool::whole(path).await.map_err(Failure::internal)?;
    let (unseen, _) = ProgressSender::channel();
    let sender = PartSender {
        link,
        carrier: None,
        spool: &spool,
        progress: &unseen,
        file_id: rand::random(),
        big: false,
        attempts: config.part_attempts,
        max_bytes: parts::SMALL_FILE_MAX_BYTES,
        gate: Gate::default(),
        stored_bytes: AtomicU64::new(0),
    };
    let count = sender.send_all(1).await?;
    input_file(&sender, count, "thumbnail.jpg".to_owned()).await
}

async fn input_file(sender: &PartSender<'_>, count: u64, name: String) -> Result<InputFile, Failure> {
    let (id, parts) = (sender.file_id, count as i32);
    if sender.big {
        return Ok(tl::types::InputFileBig { id, parts, name }.into());
    }
    let md5_checksum = md5_of(sender.spool.path()).await.map_err(Failure::internal)?;
    Ok(tl::types::InputFile { id, parts, name, md5_checksum }.into())
}

/// Telegram compares it with what it stored; only small files (10 MiB) have one.
async fn md5_of(path: &std::path::Path) -> std::io::Result<String> {
    let mut file = tokio::fs::File::open(path).await?;
    let mut context = md5::Context::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer).await? {
            0 => return Ok(format!("{:x}", context.finalize())),
            bytes => context.consume(&buffer[..bytes]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_small_file_has_a_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        tokio::fs::write(&path, b"hello").await.unwrap();
        assert_eq!(md5_of(&path).await.unwrap(), "5d41402abc4b2a76b9719d911017c592");
    }
}
