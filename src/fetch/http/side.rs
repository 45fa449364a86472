//! Ranges that a reader waits for, brought before their turn.
//!
//! In: wishes of readers. Out: bytes beside those that the download appends, one request at a time. Must not: fail the download; bring bytes
//! of a version that can't be proved to be the same.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::watch;
use url::Url;

use super::answer::{Answer, Validator};
use super::partial::Record;
use super::request::{Opened, Requester};
use crate::fetch::client::failure_of;
use crate::fetch::workspace::{check_room, disk_failure};
use crate::model::{Failure, Reason};
use crate::spool::SideWriter;

/// A wish nearer than this to bytes that are coming is left to them: a request of its own would hardly be sooner.
const NEAR_BYTES: u64 = 4 << 20;

/// Most that is brought for one wish.
const AHEAD_BYTES: u64 = 64 << 20;

/// Pieces of the network that are written at once when they are there already.
const PIECES_AT_ONCE: usize = 32;

/// Answers the wishes for one file.
pub(super) struct Sideways {
    pub(super) requester: Requester,
    pub(super) url: Url,
    pub(super) folder: PathBuf,
    pub(super) keep_free_bytes: u64,
    /// Most that is asked for at once, if the site has a limit.
    pub(super) chunk_bytes: Option<u64>,
    pub(super) side: SideWriter,
    pub(super) wishes: watch::Receiver<Option<Range<u64>>>,
    /// What is being brought now, for the download to keep off.
    pub(super) claimed: watch::Sender<Option<Range<u64>>>,
    /// The version that the download's bytes are of, and its size.
    pub(super) validator: Validator,
    pub(super) total_bytes: u64,
    pub(super) record: Arc<Record>,
}

impl Sideways {
    /// Answers wishes for as long as it is polled, or there are readers.
    pub(super) async fn run(mut self) {
        loop {
            while let Some(range) = self.wanted() {
                let begin = range.start;
                let brought = self.bring(range).await;
                self.claimed.send_replace(None);
                if let Err(failure) = brought {
                    tracing::debug!(host = self.url.host_str(), begin, %failure, "a range could not be brought before its turn");
                    break;
                }
            }
            if self.wishes.changed().await.is_err() {
                return;
            }
        }
    }

    /// What the newest wish is still in need of.
    fn wanted(&mut self) -> Option<Range<u64>> {
        let wish = self.wishes.borrow_and_update().clone()?;
        let length = self.side.length();
        let ranges: Vec<_> = length.ready_ranges().collect();
        missing(&wish, &ranges, self.total_bytes, self.chunk_bytes.unwrap_or(AHEAD_BYTES))
    }

    async fn bring(&mut self, range: Range<u64>) -> Result<(), Failure> {
        self.claimed.send_replace(Some(range.clone()));
        self.record.holes_begin(self.side.length().ready_bytes()).await?;
        check_room(&self.folder, range.end - range.start, self.keep_free_bytes)?;
        let opened = self.requester.open_at(&self.url, range.start, Some(range.end - range.start), &self.validator).await?;
        if !is_same(&opened.answer, range.start, self.total_bytes, &self.validator) {
            return Err(network("the server has no ranges, or another version"));
        }
        self.take_body(opened, range).await
    }

    async fn take_body(&mut self, opened: Opened, range: Range<u64>) -> Result<(), Failure> {
        let mut position = range.start;
        let mut pieces = opened.response.bytes_stream().ready_chunks(PIECES_AT_ONCE);
        while position < range.end {
            let ready = tokio::select! {
                biased;
                ready = tokio::time::timeout(self.requester.stall_timeout(), pieces.next()) => ready,
                changed = self.wishes.changed() => match changed {
                    Ok(()) if self.is_overtaken(position..range.end) => return Ok(()),
                    Ok(()) => continue,
                    Err(_) => return Ok(()),
                },
            };
            let ready = ready.map_err(|_| network("no byte came"))?.ok_or_else(|| network("the body is shorter than was asked for"))?;
            let mut bytes = Vec::new();
            for piece in ready {
                bytes.extend_from_slice(&piece.map_err(failure_of)?);
            }
            bytes.truncate(usize::try_from(range.end - position).unwrap_or(usize::MAX));
            self.side.write_at(position, &bytes).await.map_err(|error| disk_failure(error, "write a range of the download"))?;
            position += bytes.len() as u64;
        }
        Ok(())
    }

    /// True if the newest wish is far from what is coming here.
    fn is_overtaken(&mut self, coming: Range<u64>) -> bool {
        let near = coming.start..coming.end.min(coming.start + NEAR_BYTES);
        self.wanted().is_some_and(|wanted| !near.contains(&wanted.start))
    }
}

/// The part of `wish` that is not there and not about to come, up to what is there behind it.
fn missing(wish: &Range<u64>, ready: &[Range<u64>], total_bytes: u64, most_bytes: u64) -> Option<Range<u64>> {
    let start = ready.iter().find(|range| range.contains(&wish.start)).map_or(wish.start, |range| range.end);
    let coming = ready.first().filter(|range| range.start == 0).map_or(0, |range| range.end);
    if start >= wish.end.min(total_bytes) || start <= coming.saturating_add(NEAR_BYTES) {
        return None;
    }
    let end = ready.iter().map(|range| range.start).find(|next| *next > start).unwrap_or(total_bytes);
    Some(start..end.min(start + most_bytes))
}

/// True if an answer is surely of the same version: agreeing is not enough where bytes are put beside others.
fn is_same(answer: &Answer, start: u64, total_bytes: u64, validator: &Validator) -> bool {
    let proved = match (validator.strong_etag(), answer.validator.strong_etag()) {
        (Some(before), Some(now)) => before == now,
        _ => validator.last_modified.is_some() && validator.last_modified == answer.validator.last_modified,
    };
    answer.status == 206
        && !answer.packed
        && answer.range.is_some_and(|range| range.start == Some(start) && range.total == Some(total_bytes))
        && validator.agrees_with(&answer.validator)
        && proved
}

fn network(what: &'static str) -> Failure {
    Failure::new(Reason::Network, anyhow::anyhow!(what))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName};

    use super::*;

    const MB: u64 = 1 << 20;
    const BEGUN: Range<u64> = 0..MB;

    #[test]
    fn what_is_missing_of_a_wish() {
        type Ranges = &'static [Range<u64>];
        let table: [(Range<u64>, Ranges, Option<Range<u64>>); 9] = [
            (900 * MB..901 * MB, &[BEGUN], Some(900 * MB..964 * MB)),
            (990 * MB..1000 * MB, &[BEGUN], Some(990 * MB..1000 * MB)),
            (990 * MB..2000 * MB, &[BEGUN, 999 * MB..1000 * MB], Some(990 * MB..999 * MB)),
            (990 * MB..1000 * MB, &[BEGUN, 980 * MB..995 * MB], Some(995 * MB..1000 * MB)),
            (990 * MB..1000 * MB, &[BEGUN, 980 * MB..1000 * MB], None),
            (5 * MB..6 * MB, &[BEGUN], None),
            (5 * MB + 1..6 * MB, &[BEGUN], Some(5 * MB + 1..69 * MB + 1)),
            (MB..MB, &[BEGUN], None),
            (1000 * MB..1001 * MB, &[BEGUN], None),
        ];
        for (wish, ready, expected) in table {
            assert_eq!(missing(&wish, ready, 1000 * MB, AHEAD_BYTES), expected, "{wish:?} {ready:?}");
        }
    }

    #[test]
    fn only_what_is_surely_the_same_version_is_taken() {
        type Headers = &'static [(&'static str, &'static str)];
        const RANGE: (&str, &str) = ("content-range", "bytes 4-9/10");
        let strong = Validator { etag: Some("\"1\"".into()), last_modified: Some("d".into()) };
        let weak = Validator { etag: Some("W/\"1\"".into()), last_modified: None };
        let dated = Validator { etag: None, last_modified: Some("d".into()) };
        let table: [(&Validator, u16, Headers, bool); 9] = [
            (&strong, 206, &[RANGE, ("etag", "\"1\"")], true),
            (&strong, 206, &[RANGE, ("etag", "\"2\"")], false),
            (&strong, 206, &[RANGE, ("last-modified", "d")], true),
            (&strong, 206, &[RANGE], false),
            (&strong, 200, &[("etag", "\"1\"")], false),
            (&strong, 206, &[("content-range", "bytes 4-9/11"), ("etag", "\"1\"")], false),
            (&weak, 206, &[RANGE, ("etag", "W/\"1\"")], false),
            (&dated, 206, &[RANGE, ("last-modified", "d")], true),
            (&dated, 206, &[RANGE, ("last-modified", "e")], false),
        ];
        let url = Url::parse("http://a.org/").unwrap();
        for (validator, status, headers, expected) in table {
            let map: HeaderMap = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
            assert_eq!(is_same(&Answer::read(&url, status, &map), 4, 10, validator), expected, "{status} {headers:?}");
        }
    }
}
