//! The growing file: what flows between the steps.
//!
//! In: a writer appends bytes, or says how far a file grew that somebody else writes (a child process). Out: any number of readers
//! that wait for a byte range and read it from disk. Must not: keep content in memory, or delete files (the workspace does).

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::watch;

use crate::model::{Failure, Reason};

/// The writing end. Dropped without [`SpoolWriter::finish`] or [`SpoolWriter::fail`], the spool has failed: no reader waits for ever.
#[derive(Debug)]
pub struct SpoolWriter {
    file: Option<File>,
    shared: watch::Sender<State>,
    ended: bool,
}

/// A reading end: a path, the length that is ready, the length expected if known, and whether it is finished or failed.
#[derive(Clone, Debug)]
pub struct Spool {
    path: Arc<PathBuf>,
    shared: watch::Receiver<State>,
}

/// What is known of the length of a spool at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolLength {
    /// Bytes from the start that can be read now.
    pub ready_bytes: u64,
    /// The length in the end, if known. It is exact once `finished`.
    pub expected_bytes: Option<u64>,
    /// True when no more bytes come.
    pub finished: bool,
}

#[derive(Clone, Debug)]
struct State {
    length: SpoolLength,
    failed: Option<Reason>,
}

impl SpoolWriter {
    /// Makes (or empties) the file at `path` and opens a spool over it.
    pub async fn create(path: &Path) -> io::Result<(Self, Spool)> {
        let file = File::create(path).await?;
        Ok(Self::over(path, Some(file), 0))
    }

    /// Goes on with a file that holds good bytes already: `ready_bytes` of it are kept, the rest is cut off.
    pub async fn resume(path: &Path, ready_bytes: u64) -> io::Result<(Self, Spool)> {
        let mut file = File::options().write(true).create(true).truncate(false).open(path).await?;
        file.set_len(ready_bytes).await?;
        file.seek(io::SeekFrom::Start(ready_bytes)).await?;
        Ok(Self::over(path, Some(file), ready_bytes))
    }

    /// A spool over a file that another process writes; use [`SpoolWriter::advance_to`] to say how far it has come.
    pub fn watching(path: &Path) -> (Self, Spool) {
        Self::over(path, None, 0)
    }

    fn over(path: &Path, file: Option<File>, ready_bytes: u64) -> (Self, Spool) {
        let length = SpoolLength { ready_bytes, expected_bytes: None, finished: false };
        let (shared, receiver) = watch::channel(State { length, failed: None });
        let spool = Spool { path: Arc::new(path.to_owned()), shared: receiver };
        (Self { file, shared, ended: false }, spool)
    }

    /// Says how long it will be; `None` takes a wrong promise back.
    pub fn expect(&self, expected_bytes: Option<u64>) {
        self.shared.send_modify(|state| state.length.expected_bytes = expected_bytes);
    }

    /// Appends bytes; readers see them once they are in the file.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.file.as_mut().ok_or_else(|| io::Error::other("this spool is written by another process"))?;
        file.write_all(bytes).await?;
        file.flush().await?;
        self.shared.send_modify(|state| state.length.ready_bytes += bytes.len() as u64);
        Ok(())
    }

    /// Says that the file, written by somebody else, is good up to here. It never goes back.
    pub fn advance_to(&self, ready_bytes: u64) {
        self.shared.send_if_modified(|state| {
            let grows = ready_bytes > state.length.ready_bytes;
            state.length.ready_bytes = state.length.ready_bytes.max(ready_bytes);
            grows
        });
    }

    /// Bytes that are ready.
    pub fn ready_bytes(&self) -> u64 {
        self.shared.borrow().length.ready_bytes
    }

    /// Waits until no reader is left, so that nobody would ever see more bytes. Borrows nothing: it can be awaited beside a write.
    pub fn abandoned(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = self.shared.clone();
        async move { shared.closed().await }
    }

    /// No more bytes come; the length is now exact.
    pub fn finish(mut self) {
        self.ended = true;
        self.shared.send_modify(|state| {
            state.length.finished = true;
            state.length.expected_bytes = Some(state.length.ready_bytes);
        });
    }

    /// The bytes will never be whole; every reader that waits is told why.
    pub fn fail(mut self, reason: Reason) {
        self.end_with(reason);
    }

    fn end_with(&mut self, reason: Reason) {
        self.ended = true;
        self.shared.send_modify(|state| state.failed = Some(reason));
    }
}

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        if !self.ended {
            self.end_with(Reason::Cancelled);
        }
    }
}

impl Spool {
    /// A spool over a file that is whole already.
    pub async fn whole(path: &Path) -> io::Result<Self> {
        let size_bytes = tokio::fs::metadata(path).await?.len();
        let length = SpoolLength { ready_bytes: size_bytes, expected_bytes: Some(size_bytes), finished: true };
        let (_, shared) = watch::channel(State { length, failed: None });
        Ok(Self { path: Arc::new(path.to_owned()), shared })
    }

    /// Where the bytes lie.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lengths at this moment.
    pub fn length(&self) -> SpoolLength {
        self.shared.borrow().length.clone()
    }

    /// Waits until the first byte is there (or the spool is finished, even if empty).
    pub async fn started(&self) -> Result<SpoolLength, Failure> {
        self.wait(|length| length.finished || length.ready_bytes > 0).await
    }

    /// Waits until no more bytes come; says the exact size.
    pub async fn finished(&self) -> Result<u64, Failure> {
        Ok(self.wait(|length| length.finished).await?.ready_bytes)
    }

    /// Waits until `range` can be read; a range over the end is cut to what there is.
    pub async fn wait_for(&self, range: Range<u64>) -> Result<Range<u64>, Failure> {
        let length = self.wait(|length| length.finished || length.ready_bytes >= range.end).await?;
        Ok(range.start.min(length.ready_bytes)..range.end.min(length.ready_bytes))
    }

    /// Waits for `range` and reads it; shorter only at the end of the file.
    pub async fn read(&self, range: Range<u64>) -> Result<Vec<u8>, Failure> {
        let range = self.wait_for(range).await?;
        let mut bytes = Vec::new();
        self.read_ready(range, &mut bytes).await.map_err(Failure::internal)?;
        Ok(bytes)
    }

    async fn read_ready(&self, range: Range<u64>, bytes: &mut Vec<u8>) -> io::Result<()> {
        let wanted = (range.end - range.start) as usize;
        bytes.reserve_exact(wanted);
        let mut file = File::open(self.path()).await?;
        file.seek(io::SeekFrom::Start(range.start)).await?;
        file.take(wanted as u64).read_to_end(bytes).await?;
        if bytes.len() != wanted {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than its spool says"));
        }
        Ok(())
    }

    async fn wait(&self, enough: impl Fn(&SpoolLength) -> bool) -> Result<SpoolLength, Failure> {
        let mut shared = self.shared.clone();
        let outcome = shared.wait_for(|state| state.failed.is_some() || enough(&state.length)).await;
        match outcome {
            Ok(state) => match &state.failed {
                Some(reason) => Err(Failure::from(reason.clone())),
                None => Ok(state.length.clone()),
            },
            Err(_) => Err(Failure::internal(anyhow::anyhow!("the writer of the spool is gone"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_gets_a_range_as_soon_as_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, spool) = SpoolWriter::create(&folder.path().join("a")).await.unwrap();
        let reader = tokio::spawn({
            let spool = spool.clone();
            async move { spool.read(2..6).await.unwrap() }
        });
        writer.write(b"0123").await.unwrap();
        assert!(!reader.is_finished());
        writer.write(b"4567").await.unwrap();
        assert_eq!(reader.await.unwrap(), b"2345");
        writer.finish();
        assert_eq!(spool.finished().await.unwrap(), 8);
        assert_eq!(spool.read(6..20).await.unwrap(), b"67");
        assert_eq!(spool.length().expected_bytes, Some(8));
    }

    #[tokio::test]
    async fn a_failed_or_dropped_writer_wakes_its_readers() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, spool) = SpoolWriter::create(&folder.path().join("a")).await.unwrap();
        writer.fail(Reason::Network);
        assert_eq!(spool.finished().await.unwrap_err().reason, Reason::Network);
        let (writer, spool) = SpoolWriter::create(&folder.path().join("b")).await.unwrap();
        drop(writer);
        assert_eq!(spool.read(0..1).await.unwrap_err().reason, Reason::Cancelled);
    }

    #[tokio::test]
    async fn a_writer_learns_that_all_readers_have_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, spool) = SpoolWriter::create(&folder.path().join("a")).await.unwrap();
        let second = spool.clone();
        drop(spool);
        let mut abandoned = std::pin::pin!(writer.abandoned());
        assert!(futures::poll!(&mut abandoned).is_pending());
        drop(second);
        abandoned.await;
    }

    #[tokio::test]
    async fn a_resumed_spool_keeps_the_good_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        tokio::fs::write(&path, b"good-bad").await.unwrap();
        let (mut writer, spool) = SpoolWriter::resume(&path, 4).await.unwrap();
        writer.write(b"-new").await.unwrap();
        writer.finish();
        assert_eq!(spool.read(0..100).await.unwrap(), b"good-new");
    }

    #[tokio::test]
    async fn a_whole_file_is_a_finished_spool() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        tokio::fs::write(&path, b"abc").await.unwrap();
        let spool = Spool::whole(&path).await.unwrap();
        assert_eq!(spool.finished().await.unwrap(), 3);
        assert_eq!(spool.read(1..3).await.unwrap(), b"bc");
    }
}
