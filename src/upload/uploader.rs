//! A file into the relay channel by a user account, part by part, while it may still be growing.
//!
//! In: an account with where it sends to, a spool, numbers that the caller has stored before. Out: stored parts, then the [`RelayMessage`]. Must not: choose
//! the numbers (a repeat after a crash must use the same), or write to anybody but whom the carrier names.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use grammers_tl_types as tl;
use tl::enums::InputFile;
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use super::halt::Halt;
use super::ledger::Ledger;
use super::lines::Lines;
use super::parts::{self, PART_BYTES};
use super::plan::Plan;
use super::publish::{is_photo, media_of, publish};
use super::sender::PartSender;
use super::wire::PartBuffers;
use crate::config::UploadConfig;
use crate::model::{Failure, JobId, Prepared, ProgressSender, Reason, RelayMessage, UploadIds};
use crate::spool::{Spool, SpoolLength};
use crate::store::{Store, UploadTarget};
use crate::telegram::pool::Carrier;

/// One file's way up.
pub struct FileUpload<'a> {
    /// Whose file it is; what is stored at Telegram is noted under it.
    pub job: JobId,
    /// Who uploads, and where the message goes.
    pub carrier: &'a Carrier,
    /// The bytes, which may still be coming.
    pub spool: &'a Spool,
    /// Numbers that the caller has stored before; a repeat after a crash must use the same. The number of the file is that of the job's first
    /// upload; one that begins anew, or goes to another account, draws its own.
    pub ids: UploadIds,
    /// Upwards, for display.
    pub progress: &'a ProgressSender,
    /// Downwards. Cancelling ends the work at once.
    pub cancel: &'a CancellationToken,
}

/// A file whose parts are all stored at Telegram.
#[derive(Clone, Debug)]
pub struct StoredFile {
    file_id: i64,
    parts: u64,
    size_bytes: u64,
    big: bool,
    /// Parts that an earlier run has stored.
    kept: BTreeSet<u64>,
    /// True if it has another number than it began with: a second time would not help.
    begun_anew: bool,
}

/// Uploads by accounts; uploads of the same account share its connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Uploader {
    config: UploadConfig,
    store: Store,
    /// All parts in memory, of all accounts.
    buffers: PartBuffers,
    /// By the names of the sessions.
    lines: Arc<Mutex<HashMap<String, Lines>>>,
}

impl Uploader {
    /// An uploader with these settings, which notes in `store` what lies at Telegram.
    pub fn new(config: UploadConfig, store: Store) -> Self {
        let buffers = PartBuffers::new(config.max_parts_in_flight);
        Self { config, store, buffers, lines: Arc::default() }
    }

    /// Brings up every part of the spool, each as soon as it is ready; comes back when all are stored. Parts that an earlier run of the same job
    /// has stored from the same account are not sent again if their bytes are the same.
    ///
    /// Flood waits are waited out as long as the settings say, each by its own part, and shown as a pause if nothing else moves; broken connections are
    /// made again. A file that does not fit with its stored parts begins anew, once.
    /// Errors: `Cancelled`, `Empty`, `TooLarge`, `SessionRevoked`, `AccountLimited`, `FloodWait` (too long to be waited for), `Telegram`, and whatever the spool fails with.
    pub async fn store_parts(&self, upload: &FileUpload<'_>) -> Result<StoredFile, Failure> {
        let work = async {
            let big = upload.spool.wait(goes_as_big);
            let target = target(upload, big.await?)?;
            let (file_id, earlier) = self.store.begin_upload(&target, upload.ids.file_id).await?;
            if !earlier.is_empty() {
                tracing::info!(job = %upload.job, parts = earlier.len(), "the upload goes on");
            }
            match self.store_all(upload, target.big, file_id, earlier).await {
                Ok(stored) => Ok(stored),
                Err(Halt::Anew(failure)) => self.store_anew(upload, target.big, &failure).await,
                Err(Halt::Failed(failure)) => Err(failure),
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
            let mut stored = stored.clone();
            loop {
                let halt = match self.publish_once(upload, &mut stored, file, words).await {
                    Ok(message) => return Ok(message),
                    Err(halt) => halt,
                };
                match halt {
                    Halt::Anew(failure) if !stored.begun_anew => stored = self.store_anew(upload, stored.big, &failure).await?,
                    halt => return Err(halt.into_failure()),
                }
            }
        };
        within(upload, work).await
    }

    /// Closes the connections of all accounts; those that are needed again are made again.
    pub fn close(&self) {
        let lines = std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        lines.into_values().for_each(|lines| lines.close());
    }

    async fn publish_once(
        &self,
        upload: &FileUpload<'_>,
        stored: &mut StoredFile,
        file: &Prepared,
        words: &str,
    ) -> Result<RelayMessage, Halt> {
        let sender = self.sender(upload, stored.file_id, stored.big);
        let uploaded = input_file(&sender, stored.parts, file.file_name.clone()).await?;
        let exact = Prepared { size_bytes: stored.size_bytes, ..file.clone() };
        let thumb = match &file.thumbnail {
            Some(path) if !is_photo(&exact) => Some(self.thumbnail(upload, path).await?),
            _ => None,
        };
        publish(&upload.carrier.relay, &sender, media_of(&exact, uploaded, thumb), upload.ids.random_id, words, &mut stored.kept).await
    }

    /// All parts under a new number; what is stored under the one before is left to Telegram to forget.
    async fn store_anew(&self, upload: &FileUpload<'_>, big: bool, why: &Failure) -> Result<StoredFile, Failure> {
        tracing::warn!(job = %upload.job, %why, "the parts don't fit together at Telegram; the upload begins anew");
        let file_id = self.store.begin_upload_anew(&target(upload, big)?).await?;
        let stored = self.store_all(upload, big, file_id, HashMap::new()).await.map_err(Halt::into_failure)?;
        Ok(StoredFile { begun_anew: true, ..stored })
    }

    async fn store_all(&self, upload: &FileUpload<'_>, big: bool, file_id: i64, earlier: HashMap<u64, u64>) -> Result<StoredFile, Halt> {
        let ledger = Ledger::open(self.store.clone(), upload.job, file_id);
        let sender = PartSender { earlier, ledger: Some(&ledger), ..self.sender(upload, file_id, big) };
        let sent = sender.send(Plan::all(upload.carrier.account.max_bytes()), 0).await;
        ledger.close().await;
        let kept = sent?.into_iter().collect();
        let size_bytes = upload.spool.length().ready_bytes();
        match parts::count(size_bytes) {
            0 => Err(Failure::from(Reason::Empty).into()),
            parts => Ok(StoredFile { file_id, parts, size_bytes, big, kept, begun_anew: false }),
        }
    }

    /// A thumbnail is a small file of its own; its progress is nobody's concern.
    async fn thumbnail(&self, upload: &FileUpload<'_>, path: &std::path::Path) -> Result<InputFile, Halt> {
        let spool = Spool::whole(path).await.map_err(Failure::internal)?;
        let (unseen, _) = ProgressSender::channel();
        let sender = PartSender { spool: &spool, progress: &unseen, carrier: None, ..self.sender(upload, rand::random(), false) };
        sender.send(Plan::all(parts::SMALL_FILE_MAX_BYTES), 0).await?;
        Ok(input_file(&sender, parts::count(spool.length().ready_bytes()), "thumbnail.jpg".to_owned()).await?)
    }

    fn sender<'a>(&self, upload: &FileUpload<'a>, file_id: i64, big: bool) -> PartSender<'a> {
        PartSender {
            account: &upload.carrier.account,
            carrier: Some(upload.carrier),
            lines: self.lines(upload.carrier.account.name()),
            buffers: self.buffers.clone(),
            spool: upload.spool,
            progress: upload.progress,
            file_id,
            big,
            attempts: self.config.part_attempts,
            earlier: HashMap::new(),
            ledger: None,
        }
    }

    fn lines(&self, session: &str) -> Lines {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.entry(session.to_owned()).or_insert_with(|| Lines::new(&self.config)).clone()
    }
}

/// Which of the two ways a file goes, as soon as that can be told: a promise of more than a small file may have is enough, for a file that turns out
/// smaller may go as a big one all the same. A file that is whole goes by its size.
fn goes_as_big(length: &SpoolLength) -> Option<bool> {
    if length.finished {
        return Some(parts::is_big(length.ready_bytes()));
    }
    let size_bytes = length.expected_bytes.unwrap_or(0).max(length.ready_anywhere_bytes());
    parts::is_big(size_bytes).then_some(true)
}

/// Where the parts of an upload go.
fn target(upload: &FileUpload<'_>, big: bool) -> Result<UploadTarget, Failure> {
    let no_home = || Failure::new(Reason::SessionRevoked, anyhow::anyhow!("the session knows no data centre"));
    let home = upload.carrier.account.home().ok_or_else(no_home)?;
    Ok(UploadTarget { job: upload.job, session: upload.carrier.account.name().to_owned(), dc_id: home.id, part_bytes: PART_BYTES, big })
}

/// Ends at once when cancelled; an account learns of its own failures.
async fn within<T>(upload: &FileUpload<'_>, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let outcome = upload.cancel.run_until_cancelled(work).await.unwrap_or_else(|| Err(Failure::cancelled()));
    outcome.inspect_err(|failure| upload.carrier.account.report(&failure.reason))
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

    #[test]
    fn the_way_is_chosen_as_soon_as_it_can_be_told() {
        let length = |ready_bytes, expected_bytes, finished| {
            let (writer, spool) = crate::spool::SpoolWriter::watching(std::path::Path::new("no-such-file"));
            writer.advance_to(ready_bytes);
            writer.expect(expected_bytes);
            if finished {
                writer.finish();
            }
            spool.length()
        };
        let limit = parts::SMALL_FILE_MAX_BYTES;
        let table = [
            (length(limit, None, false), None),
            (length(limit + 1, None, false), Some(true)),
            (length(1, Some(limit), false), None),
            (length(1, Some(limit + 1), false), Some(true)),
            (length(1, Some(limit + 1), true), Some(false)),
            (length(limit + 1, Some(1), true), Some(true)),
        ];
        for (length, expected) in table {
            assert_eq!(goes_as_big(&length), expected, "{length:?}");
        }
    }

    #[tokio::test]
    async fn a_small_file_has_a_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        tokio::fs::write(&path, b"hello").await.unwrap();
        assert_eq!(md5_of(&path).await.unwrap(), "5d41402abc4b2a76b9719d911017c592");
    }
}
