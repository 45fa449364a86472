//! A file into the relay channel by a user account, part by part, while it may still be growing.
//!
//! In: an account with where it sends to, a spool, numbers that the caller has stored before. Out: stored parts, then the [`RelayMessage`]. Must not: choose
//! the numbers (a repeat after a crash must use the same), or write to anybody but whom the carrier names.

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

/// One file's way up.
pub struct FileUpload<'a> {
    /// Who uploads, and where the message goes.
    pub carrier: &'a Carrier,
    /// The bytes, which may still be coming.
    pub spool: &'a Spool,
    /// Numbers that the caller has stored before; a repeat after a crash must use the same.
    pub ids: UploadIds,
    /// Upwards, for display.
    pub progress: &'a ProgressSender,
    /// Downwards. Cancelling ends the work at once.
    pub cancel: &'a CancellationToken,
}

/// A file whose parts are all stored at Telegram.
#[derive(Clone, Debug)]
pub struct StoredFile {
    parts: u64,
    size_bytes: u64,
    big: bool,
}

/// Uploads by accounts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Uploader {
    config: UploadConfig,
}

impl Uploader {
    /// An uploader with these settings.
    pub fn new(config: UploadConfig) -> Self {
        Self { config }
    }

    /// Brings up every part of the spool, each as soon as it is ready; comes back when all are stored.
    ///
    /// Flood waits are waited out as long as the settings say and shown as pauses; broken connections are made again.
    /// Errors: `Cancelled`, `Empty`, `TooLarge`, `SessionRevoked`, `AccountLimited`, `FloodWait` (too long to be waited for), `Telegram`, and whatever the spool fails with.
    pub async fn store_parts(&self, upload: &FileUpload<'_>) -> Result<StoredFile, Failure> {
        let work = async {
            let link = Link::new(upload.carrier.account.clone(), self.config.parts_in_flight);
            // One byte more than a small file may have tells which of the two ways it goes, whatever its promised size.
            let spool = upload.spool;
            let big = spool.wait(|length| {
                let beyond = length.ready_anywhere_bytes() > parts::SMALL_FILE_MAX_BYTES;
                (beyond || length.finished).then_some(beyond)
            });
            let big = big.await?;
            let parts = self.sender(&link, upload, big).send_all(self.config.parts_in_flight).await?;
            if parts == 0 {
                Err(Failure::from(Reason::Empty))
            } else {
                Ok(StoredFile { parts, size_bytes: spool.length().ready_bytes(), big })
            }
        };
        within(upload, work).await
    }

    /// Sends the message with the stored file into the relay, with `words` as its text, by which it is found again: a marker; where the carrier
    /// sends straight to a person, the caption in HTML. Parts that Telegram has lost meanwhile are sent again.
    ///
    /// Errors: `Cancelled`, `SessionRevoked`, `AccountLimited`, `FloodWait`, `RelayGone`, `RelayMessageGone`, `ChatUnreachable`, `Telegram`.
    pub async fn publish(
        &self,
        upload: &FileUpload<'_>,
        stored: &StoredFile,
        file: &Prepared,
        words: &str,
    ) -> Result<RelayMessage, Failure> {
        let work = async {
            let link = Link::new(upload.carrier.account.clone(), self.config.parts_in_flight);
            let sender = self.sender(&link, upload, stored.big);
            let uploaded = input_file(&sender, stored.parts, file.file_name.clone()).await?;
            let exact = Prepared { size_bytes: stored.size_bytes, ..file.clone() };
            let thumb = match &file.thumbnail {
                Some(path) if !is_photo(&exact) => Some(thumbnail(&link, path, &self.config).await?),
                _ => None,
            };
            publish(&upload.carrier.account, &upload.carrier.relay, &sender, media_of(&exact, uploaded, thumb), upload.ids, words).await
        };
        within(upload, work).await
    }

    fn sender<'a>(&self, link: &'a Link, upload: &FileUpload<'a>, big: bool) -> PartSender<'a> {
        PartSender {
            link,
            carrier: Some(upload.carrier),
            spool: upload.spool,
            progress: upload.progress,
            file_id: upload.ids.file_id,
            big,
            attempts: self.config.part_attempts,
            max_bytes: upload.carrier.account.max_bytes(),
            gate: Gate::default(),
            stored_bytes: AtomicU64::new(0),
        }
    }
}

/// Ends at once when cancelled; an account learns of its own failures.
async fn within<T>(upload: &FileUpload<'_>, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let outcome = upload.cancel.run_until_cancelled(work).await.unwrap_or_else(|| Err(Failure::cancelled()));
    outcome.inspect_err(|failure| upload.carrier.account.report(&failure.reason))
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
