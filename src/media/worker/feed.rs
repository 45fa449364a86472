//! What the media process knows of inputs that are still growing, and how it waits for more.
//!
//! In: [`Feed`] lines of the daemon, from the thread that reads stdin. Out: files that block where their bytes are not there yet. Must not: believe a
//! promised length to be the end, or ask for bytes that are known to be there.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::media::protocol::{Feed, Reply, Source};

/// All growing inputs of this process. Shared by the thread that works and the one that hears the daemon.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    /// What was heard of each input, and how often.
    known: Mutex<HashMap<usize, (Feed, u64)>>,
    heard: Condvar,
}

impl Feeds {
    /// Takes what the daemon says.
    pub(super) fn hear(&self, feed: Feed) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let times = known.get(&feed.input).map_or(0, |(_, times)| *times);
        known.insert(feed.input, (feed, times + 1));
        self.heard.notify_all();
    }

    /// Where the bytes end that can be read from `offset_bytes` on; at or before it if the file ends there. Asks and waits if need be.
    fn readable_end(&self, input: usize, offset_bytes: u64) -> io::Result<u64> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let times = match known.get(&input) {
                Some((feed, times)) => {
                    if let Some(range) = feed.ready.iter().find(|range| range.contains(&offset_bytes)) {
                        return Ok(range.end);
                    }
                    if feed.finished {
                        return Ok(feed.ready.last().map_or(0, |range| range.end));
                    }
                    *times
                }
                None => 0,
            };
            if !super::write(&Reply::Want { input, offset_bytes }) {
                return Err(io::Error::other("nobody answers"));
            }
            let unheard = |known: &mut HashMap<usize, (Feed, u64)>| known.get(&input).map_or(0, |(_, heard)| *heard) == times;
            known = self.heard.wait_while(known, unheard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The length in the end: exact, or promised.
    fn length_bytes(&self, input: usize) -> Option<u64> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&input).and_then(|(feed, _)| feed.expected_bytes)
    }
}

/// An input of this process.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    source: Source,
    feeds: Arc<Feeds>,
}

impl Origin {
    pub(super) fn new(source: Source, feeds: Arc<Feeds>) -> Self {
        Self { source, feeds }
    }

    /// Where it lies. Who reads there sees the file as it is now.
    pub(super) fn path(&self) -> &Path {
        &self.source.path
    }

    /// True if it does not grow.
    pub(super) fn is_whole(&self) -> bool {
        self.source.growing.is_none()
    }

    /// Opens it for reading that waits for bytes.
    pub(super) fn reader(&self) -> io::Result<OriginReader> {
        Ok(OriginReader { file: File::open(&self.source.path)?, position_bytes: 0, origin: self.clone() })
    }

    /// Waits until the file is whole; says its size.
    pub(super) fn finished(&self) -> io::Result<u64> {
        match self.source.growing {
            Some(input) => self.feeds.readable_end(input, u64::MAX),
            None => Ok(std::fs::metadata(&self.source.path)?.len()),
        }
    }

    /// Its length: exact if it is whole, else what is promised.
    pub(super) fn length_bytes(&self) -> Option<u64> {
        match self.source.growing {
            Some(input) => self.feeds.length_bytes(input),
            None => std::fs::metadata(&self.source.path).ok().map(|metadata| metadata.len()),
        }
    }
}

/// Reads an input; blocks where its bytes have not come yet.
#[derive(Debug)]
pub(super) struct OriginReader {
    file: File,
    position_bytes: u64,
    origin: Origin,
}

impl Read for OriginReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let longest = match self.origin.source.growing {
            Some(input) => {
                let end_bytes = self.origin.feeds.readable_end(input, self.position_bytes)?;
                usize::try_from(end_bytes.saturating_sub(self.position_bytes)).unwrap_or(usize::MAX).min(buffer.len())
            }
            None => buffer.len(),
        };
        let read = self.file.read_at(&mut buffer[..longest], self.position_bytes)?;
        self.position_bytes += read as u64;
        Ok(read)
    }
}

impl Seek for OriginReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(offset) => self.position_bytes.checked_add_signed(offset),
            // FFmpeg takes "unsupported" for a length that nobody knows.
            SeekFrom::End(offset) => self.origin.length_bytes().ok_or(io::ErrorKind::Unsupported)?.checked_add_signed(offset),
        };
        self.position_bytes = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_bytes_are_read_and_a_promise_is_no_end() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("input");
        std::fs::write(&path, b"0123456789").expect("it is written");
        let feeds = Arc::new(Feeds::default());
        let origin = Origin::new(Source { path, growing: Some(0) }, feeds.clone());
        let mut reader = origin.reader().expect("it opens");
        assert!(reader.seek(SeekFrom::End(0)).is_err(), "no length is known");
        feeds.hear(Feed { input: 0, ready: vec![0..4, 8..10], expected_bytes: Some(12), finished: false });
        assert_eq!(reader.seek(SeekFrom::End(-4)).expect("a promise"), 8);
        let mut buffer = [0; 8];
        assert_eq!((reader.read(&mut buffer).expect("it reads"), &buffer[..2]), (2, &b"89"[..]));
        reader.rewind().expect("it seeks");
        assert_eq!((reader.read(&mut buffer).expect("it reads"), &buffer[..4]), (4, &b"0123"[..]));
        feeds.hear(Feed { input: 0, ready: std::iter::once(0..10).collect(), expected_bytes: Some(10), finished: true });
        assert_eq!(
            (reader.read(&mut buffer).expect("it reads"), origin.finished().expect("it is"), origin.length_bytes()),
            (6, 10, Some(10))
        );
        assert_eq!(reader.read(&mut buffer).expect("the end"), 0);
    }
}
