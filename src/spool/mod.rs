//! The growing file: what flows between the steps.
//!
//! In: a writer appends bytes, writes some out of order, or says how far a file grew that somebody else writes (a child process). Out: any
//! number of readers that wait for a byte range and read it from disk. Must not: keep content in memory, or delete files (the workspace does).

mod length;
mod read;
#[cfg(test)]
mod tests;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::sync::watch;

use crate::model::{Failure, Reason};

pub use length::SpoolLength;

/// The writing end. Dropped without [`SpoolWriter::finish`] or [`SpoolWriter::fail`], the spool has failed: no reader waits for ever.
#[derive(Debug)]
pub struct SpoolWriter {
    file: Option<File>,
    /// Where the next appended byte goes.
    position_bytes: u64,
    side: SideWriter,
    ended: bool,
}

/// Writes bytes out of order, beside the one that appends. It neither ends the spool nor keeps it alive.
#[derive(Clone, Debug)]
pub struct SideWriter {
    path: Arc<PathBuf>,
    shared: watch::Sender<State>,
    wishes: watch::Sender<Option<Range<u64>>>,
}

/// A reading end: a path, the ranges that are ready, the length expected if known, and whether it is finished or failed.
#[derive(Clone, Debug)]
pub struct Spool {
    path: Arc<PathBuf>,
    shared: watch::Receiver<State>,
    wishes: watch::Sender<Option<Range<u64>>>,
    file: Arc<OnceLock<std::fs::File>>,
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

    /// A spool over a file that another process writes; use [`SpoolWriter::advance_to`] or [`SideWriter::mark_ready`] to say how far it has come.
    pub fn watching(path: &Path) -> (Self, Spool) {
        Self::over(path, None, 0)
    }

    fn over(path: &Path, file: Option<File>, ready_bytes: u64) -> (Self, Spool) {
        let mut length = SpoolLength::default();
        length.mark_ready(0..ready_bytes);
        let (shared, receiver) = watch::channel(State { length, failed: None });
        let (wishes, _) = watch::channel(None);
        let path = Arc::new(path.to_owned());
        let spool = Spool { path: path.clone(), shared: receiver, wishes: wishes.clone(), file: Arc::default() };
        (Self { file, position_bytes: ready_bytes, side: SideWriter { path, shared, wishes }, ended: false }, spool)
    }

    /// Says how long it will be; `None` takes a wrong promise back.
    pub fn expect(&self, expected_bytes: Option<u64>) {
        self.side.shared.send_modify(|state| state.length.expected_bytes = expected_bytes);
    }

    /// Appends bytes; readers see them once they are in the file.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.file.as_mut().ok_or_else(|| io::Error::other("this spool is written by another process"))?;
        file.write_all(bytes).await?;
        file.flush().await?;
        let begin = self.position_bytes;
        self.position_bytes += bytes.len() as u64;
        self.side.mark_ready(begin..self.position_bytes);
        Ok(())
    }

    /// The next appended byte goes to this offset: behind bytes that a [`SideWriter`] has brought already.
    pub async fn skip_to(&mut self, offset_bytes: u64) -> io::Result<()> {
        if let Some(file) = self.file.as_mut() {
            file.seek(io::SeekFrom::Start(offset_bytes)).await?;
        }
        self.position_bytes = offset_bytes;
        Ok(())
    }

    /// Says that the file, written by somebody else, is good from its start up to here. It never goes back.
    pub fn advance_to(&self, ready_bytes: u64) {
        self.side.mark_ready(0..ready_bytes);
    }

    /// Bytes that were appended, or marked as ready from the start on.
    pub fn ready_bytes(&self) -> u64 {
        self.side.shared.borrow().length.ready_bytes()
    }

    /// Another end that writes at any place.
    pub fn side(&self) -> SideWriter {
        self.side.clone()
    }

    /// The newest range that a reader would like to have before its turn ([`Spool::wish`]).
    pub fn wishes(&self) -> watch::Receiver<Option<Range<u64>>> {
        self.side.wishes.subscribe()
    }

    /// Waits until no reader is left, so that nobody would ever see more bytes. Borrows nothing: it can be awaited beside a write.
    pub fn abandoned(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = self.side.shared.clone();
        async move { shared.closed().await }
    }

    /// No more bytes come; the length is now exact: what is ready from the start on.
    pub fn finish(mut self) {
        self.ended = true;
        self.side.shared.send_modify(|state| state.length.finish());
    }

    /// The bytes will never be whole; every reader that waits is told why.
    pub fn fail(mut self, reason: Reason) {
        self.end_with(reason);
    }

    fn end_with(&mut self, reason: Reason) {
        self.ended = true;
        self.side.shared.send_modify(|state| state.failed = Some(reason));
    }
}

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        if !self.ended {
            self.end_with(Reason::Cancelled);
        }
    }
}

impl SideWriter {
    /// Writes bytes at a place of their own; readers see them once they are in the file.
    pub async fn write_at(&self, offset_bytes: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::options().write(true).open(&*self.path).await?;
        file.seek(io::SeekFrom::Start(offset_bytes)).await?;
        file.write_all(bytes).await?;
        file.flush().await?;
        self.mark_ready(offset_bytes..offset_bytes + bytes.len() as u64);
        Ok(())
    }

    /// Says that a range of the file, written by somebody else, is good.
    pub fn mark_ready(&self, range: Range<u64>) {
        self.shared.send_if_modified(|state| state.length.mark_ready(range));
    }

    /// The ranges that are ready now.
    pub fn length(&self) -> SpoolLength {
        self.shared.borrow().length.clone()
    }
}

impl Spool {
    /// A spool over a file that is whole already.
    pub async fn whole(path: &Path) -> io::Result<Self> {
        let mut length = SpoolLength::default();
        length.mark_ready(0..tokio::fs::metadata(path).await?.len());
        length.finish();
        let (_, shared) = watch::channel(State { length, failed: None });
        let (wishes, _) = watch::channel(None);
        Ok(Self { path: Arc::new(path.to_owned()), shared, wishes, file: Arc::default() })
    }

    /// Where the bytes lie.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is ready at this moment.
    pub fn length(&self) -> SpoolLength {
        self.shared.borrow().length.clone()
    }

    /// Waits until the first byte is there (or the spool is finished, even if empty).
    pub async fn started(&self) -> Result<SpoolLength, Failure> {
        self.wait(|length| (length.finished || length.ready_bytes() > 0).then(|| length.clone())).await
    }

    /// Waits until no more bytes come; says the exact size.
    pub async fn finished(&self) -> Result<u64, Failure> {
        self.wait(|length| length.finished.then(|| length.ready_bytes())).await
    }

    /// Waits until `range` can be read; a range over the end is cut to what there is.
    pub async fn wait_for(&self, range: Range<u64>) -> Result<Range<u64>, Failure> {
        self.wait(|length| length.readable(range.clone())).await
    }

    /// Waits until `look` finds what it wants in the length; it is asked again after every change. Fails as soon as the spool fails.
    pub async fn wait<T>(&self, mut look: impl FnMut(&SpoolLength) -> Option<T>) -> Result<T, Failure> {
        let mut shared = self.shared.clone();
        loop {
            {
                let state = shared.borrow_and_update();
                if let Some(reason) = &state.failed {
                    return Err(Failure::from(reason.clone()));
                }
                if let Some(found) = look(&state.length) {
                    return Ok(found);
                }
            }
            if shared.changed().await.is_err() {
                return Err(Failure::internal(anyhow::anyhow!("the writer of the spool is gone")));
            }
        }
    }

    /// Says that a reader waits for this range, wherever the writer is: one that can will bring it before its turn. Only the newest wish counts.
    pub fn wish(&self, range: Range<u64>) {
        self.wishes.send_replace(Some(range));
    }

    /// Waits for `range` and reads it; shorter only at the end of the file.
    pub async fn read(&self, range: Range<u64>) -> Result<Vec<u8>, Failure> {
        let range = self.wait_for(range).await?;
        let wanted = (range.end - range.start) as usize;
        let (bytes, read) = self.read_into(range.start, vec![0; wanted]).await.map_err(Failure::internal)?;
        if read != wanted {
            return Err(Failure::internal(anyhow::anyhow!("the file is shorter than its spool says")));
        }
        Ok(bytes)
    }

    /// Fills `buffer` from `offset_bytes` on, without waiting for anything to be ready; says how many bytes there were before the end of the file.
    /// The file is opened once for all clones.
    pub async fn read_into<B>(&self, offset_bytes: u64, mut buffer: B) -> io::Result<(B, usize)>
    where
        B: AsMut<[u8]> + Send + 'static,
    {
        // What has just been fetched is in memory: it is copied here, which is cheaper than to wake another thread for it.
        let in_memory = self.file.get().map_or(0, |file| read::in_memory(file, buffer.as_mut(), offset_bytes));
        if in_memory > 0 && in_memory == buffer.as_mut().len() {
            return Ok((buffer, in_memory));
        }
        let (path, file) = (self.path.clone(), self.file.clone());
        let work = move || {
            let file = match file.get() {
                Some(file) => file,
                None => {
                    let opened = std::fs::File::open(&*path)?;
                    file.get_or_init(|| opened)
                }
            };
            let filled = in_memory + read::all(file, &mut buffer.as_mut()[in_memory..], offset_bytes + in_memory as u64)?;
            Ok((buffer, filled))
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }
}
