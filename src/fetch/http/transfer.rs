//! The bytes of one file, through cuts and stalls, into a spool.
//!
//! In: an open answer and the writer of a spool. Out: the spool, finished or failed. Must not: hand out bytes of two versions: once
//! readers may have seen the first byte, only the same version may follow it.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use url::Url;

use super::answer::{Answer, Validator};
use super::partial::Record;
use super::request::{Opened, Requester};
use super::side::Sideways;
use crate::fetch::client::failure_of;
use crate::fetch::together::{Size, Together};
use crate::fetch::workspace::{check_room, disk_failure};
use crate::model::{Failure, Reason, Retry};
use crate::spool::SpoolWriter;

/// Pieces of the network that are written at once when they are there already; bounds the memory of one download to a few MB.
const PIECES_AT_ONCE: usize = 8;

/// How often the free space is looked at, in bytes received.
const ROOM_CHECK_BYTES: u64 = 64 << 20;

/// How often it is noted how far a file with holes is good, in bytes received.
const NOTE_BYTES: u64 = 4 << 20;

/// The first pause before a broken download is taken up again, and the longest; it doubles between them.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Limits of one transfer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes that stay free on the disk.
    pub(crate) keep_free_bytes: u64,
    /// How often a break is survived.
    pub(crate) resume_attempts: u32,
    /// Most that is asked for at once; sites that slow large requests down name it.
    pub(crate) chunk_bytes: Option<u64>,
    /// True for addresses that are good for some time only: a refusal midway means that another one is to be had.
    pub(crate) may_expire: bool,
}

/// One download under way.
pub(super) struct Transfer {
    pub(super) requester: Requester,
    pub(super) url: Url,
    pub(super) folder: PathBuf,
    pub(super) limits: Limits,
    pub(super) writer: SpoolWriter,
    /// Where the next byte goes; behind it there may be ranges already that came before their turn.
    pub(super) position_bytes: u64,
    pub(super) record: Arc<Record>,
    /// The download that this is a track of, and which.
    pub(super) together: Together,
    pub(super) track: usize,
    /// The version that the bytes are of.
    pub(super) validator: Validator,
    /// Size of the whole as the server says.
    pub(super) total_bytes: Option<u64>,
    /// What is being brought from the side.
    pub(super) claimed: watch::Sender<Option<Range<u64>>>,
}

/// How a body ended well.
enum Ended {
    /// With its last byte.
    Body,
    /// Where bytes lie or come that came before their turn.
    AtOthers,
}

/// Why a body ended early.
enum Broken {
    /// It may be taken up again.
    Cut(Failure),
    /// It may not.
    Final(Failure),
}

/// How to go on after a break.
#[derive(Debug, PartialEq, Eq)]
enum GoOn {
    /// The body continues where the bytes end.
    Append,
    /// It begins at zero, and is the same version: leave out what is there.
    Skip,
    /// Nothing is missing.
    Whole,
    /// It is another version, or can't be told from one.
    Changed,
}

impl Transfer {
    /// Receives until the file is whole; the outcome is in the spool.
    pub(super) async fn run(mut self, opened: Opened) {
        let (abandoned, together) = (self.writer.abandoned(), self.together.clone());
        let sideways = self.sideways();
        let outcome = tokio::select! {
            biased;
            failure = together.stopped() => Err(failure),
            () = abandoned => Err(Failure::cancelled()),
            outcome = self.receive(opened) => outcome,
            never = answer_wishes(sideways) => match never {},
        };
        match outcome {
            Ok(()) => self.writer.finish(),
            Err(failure) => {
                tracing::debug!(host = self.url.host_str(), received_bytes = self.position_bytes, %failure, "download ended early");
                together.fail(&failure.reason);
                self.writer.fail(failure.reason);
            }
        }
    }

    /// Wishes can be answered where the size is known and the server's ranges can be told to be of the same version.
    fn sideways(&self) -> Option<Sideways> {
        self.validator.if_range()?;
        Some(Sideways {
            requester: self.requester.clone(),
            url: self.url.clone(),
            folder: self.folder.clone(),
            keep_free_bytes: self.limits.keep_free_bytes,
            chunk_bytes: self.limits.chunk_bytes,
            side: self.writer.side(),
            wishes: self.writer.wishes(),
            claimed: self.claimed.clone(),
            validator: self.validator.clone(),
            total_bytes: self.total_bytes?,
            record: self.record.clone(),
        })
    }

    async fn receive(&mut self, mut opened: Opened) -> Result<(), Failure> {
        let mut skip_bytes = 0;
        let mut breaks = 0;
        loop {
            let begin_bytes = self.position_bytes;
            let mut cause = match self.take_body(opened, skip_bytes).await {
                Ok(Ended::AtOthers) => {
                    self.go_behind_others().await?;
                    None
                }
                Ok(Ended::Body) if !self.is_whole() && self.limits.chunk_bytes.is_some() && self.position_bytes > begin_bytes => None,
                Ok(Ended::Body) if !self.is_whole() => Some(network("the body is shorter than the server said")),
                Ok(Ended::Body) => None,
                Err(Broken::Cut(failure)) => Some(failure),
                Err(Broken::Final(failure)) => return Err(failure),
            };
            if cause.is_none() && self.is_whole() {
                return self.end().await;
            }
            opened = loop {
                if let Some(failure) = cause {
                    if breaks >= self.limits.resume_attempts {
                        return Err(failure);
                    }
                    tokio::time::sleep(pause(breaks)).await;
                    breaks += 1;
                }
                match self.take_up().await {
                    Ok((GoOn::Append, opened)) => {
                        skip_bytes = 0;
                        break opened;
                    }
                    Ok((GoOn::Skip, opened)) => {
                        skip_bytes = self.position_bytes;
                        break opened;
                    }
                    Ok((GoOn::Whole, _)) => return self.end().await,
                    Ok((GoOn::Changed, _)) => return Err(network("after a break the server has another version, or no ranges")),
                    Err(failure) if failure.reason.retry() == Retry::TryAgain => cause = Some(failure),
                    Err(failure) => return Err(self.expired(failure)),
                }
            };
        }
    }

    async fn take_up(&mut self) -> Result<(GoOn, Opened), Failure> {
        let (position_bytes, chunk_bytes) = (self.position_bytes, self.limits.chunk_bytes);
        let opened = match position_bytes {
            0 => self.requester.open_first(&self.url, chunk_bytes).await?,
            _ => self.requester.open_at(&self.url, position_bytes, chunk_bytes, &self.validator).await?,
        };
        let go_on = go_on(position_bytes, self.total_bytes, &self.validator, &opened.answer);
        if matches!(go_on, GoOn::Whole | GoOn::Changed) {
            return Ok((go_on, opened));
        }
        let opened = opened.accepted()?;
        if go_on == GoOn::Append {
            self.total_bytes = opened.answer.total_bytes().or(self.total_bytes);
            self.validator = opened.answer.validator.clone();
            self.writer.expect(self.total_bytes);
        }
        Ok((go_on, opened))
    }

    /// An address that was good and is refused now has run out; the next attempt gets another.
    fn expired(&self, failure: Failure) -> Failure {
        match failure.reason {
            Reason::HttpStatus { .. } | Reason::NotFound if self.limits.may_expire => Failure::new(Reason::Network, failure.cause),
            _ => failure,
        }
    }

    async fn take_body(&mut self, opened: Opened, mut skip_bytes: u64) -> Result<Ended, Broken> {
        let mut pieces = opened.response.bytes_stream().ready_chunks(PIECES_AT_ONCE);
        loop {
            if self.room_bytes() == 0 {
                return Ok(Ended::AtOthers);
            }
            let ready = tokio::time::timeout(self.requester.stall_timeout(), pieces.next()).await;
            let stalled =
                || Broken::Cut(Failure::new(Reason::Network, anyhow::anyhow!("no byte came for {:?}", self.requester.stall_timeout())));
            let Some(ready) = ready.map_err(|_| stalled())? else { return Ok(Ended::Body) };
            let mut bytes = Vec::new();
            let mut cut = None;
            for piece in ready {
                match piece {
                    Ok(piece) => bytes.extend_from_slice(&piece),
                    Err(error) => cut = Some(error),
                }
            }
            let skipped = skip_bytes.min(bytes.len() as u64);
            skip_bytes -= skipped;
            self.take(&bytes[skipped as usize..]).await.map_err(Broken::Final)?;
            if let Some(error) = cut {
                return Err(Broken::Cut(failure_of(error)));
            }
        }
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let room = usize::try_from(self.room_bytes()).unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(room)];
        let before = self.position_bytes;
        let after = before + bytes.len() as u64;
        if self.total_bytes.is_some_and(|total| after > total) {
            self.total_bytes = None;
            self.writer.expect(None);
        }
        self.together.report(self.track, after, self.size())?;
        if after / ROOM_CHECK_BYTES > before / ROOM_CHECK_BYTES {
            check_room(&self.folder, bytes.len() as u64, self.limits.keep_free_bytes)?;
        }
        if !bytes.is_empty() {
            self.writer.write(bytes).await.map_err(|error| disk_failure(error, "write the download"))?;
            self.position_bytes = after;
            self.record.appended(after, NOTE_BYTES).await?;
        }
        Ok(())
    }

    /// Bytes that may be appended before others are met, which lie there already or are coming.
    fn room_bytes(&self) -> u64 {
        let position = self.position_bytes;
        let until = |range: &Range<u64>| (range.end > position).then(|| range.start.saturating_sub(position));
        let ready = self.writer.side().length().ready_ranges().find_map(|range| until(&range));
        let claimed = self.claimed.borrow().as_ref().and_then(until);
        ready.unwrap_or(u64::MAX).min(claimed.unwrap_or(u64::MAX))
    }

    /// Goes on behind the bytes that came before their turn, once no more of them are coming just here.
    async fn go_behind_others(&mut self) -> Result<(), Failure> {
        let side = self.writer.side();
        loop {
            let position = self.position_bytes;
            let mut claimed = self.claimed.subscribe();
            let free = claimed.wait_for(|claimed| claimed.as_ref().is_none_or(|range| !range.contains(&position))).await;
            free.map_err(Failure::internal)?;
            let Some(end) = side.length().ready_ranges().find(|range| range.contains(&position)).map(|range| range.end) else { break };
            self.writer.skip_to(end).await.map_err(|error| disk_failure(error, "go on in the download"))?;
            self.position_bytes = end;
        }
        self.record.appended(self.position_bytes, 1).await?;
        self.together.report(self.track, self.position_bytes, self.size())
    }

    fn size(&self) -> Size {
        self.total_bytes.map_or(Size::Unknown, Size::Exact)
    }

    fn is_whole(&self) -> bool {
        self.total_bytes.is_none_or(|total| self.position_bytes >= total)
    }

    async fn end(&mut self) -> Result<(), Failure> {
        if self.position_bytes == 0 {
            return Err(Failure::from(Reason::Empty));
        }
        self.record.whole().await
    }
}

async fn answer_wishes(sideways: Option<Sideways>) -> std::convert::Infallible {
    if let Some(sideways) = sideways {
        sideways.run().await;
    }
    std::future::pending().await
}

fn network(what: &'static str) -> Failure {
    Failure::new(Reason::Network, anyhow::anyhow!(what))
}

fn pause(breaks: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(breaks)).min(LONGEST_PAUSE)
}

/// What the answer to a request from `ready_bytes` on means for the bytes that are there.
fn go_on(ready_bytes: u64, total_bytes: Option<u64>, validator: &Validator, answer: &Answer) -> GoOn {
    let same_etag = validator.strong_etag().is_some() && validator.strong_etag() == answer.validator.strong_etag();
    let same_total = match (total_bytes, answer.total_bytes()) {
        (Some(before), Some(now)) => before == now,
        _ => true,
    };
    match answer.status {
        _ if ready_bytes == 0 => GoOn::Append, // readers have seen nothing: any version will do
        206 if answer.start() == ready_bytes && same_total && validator.agrees_with(&answer.validator) => GoOn::Append,
        206 => GoOn::Changed,
        416 if answer.range.and_then(|range| range.total) == Some(ready_bytes) => GoOn::Whole,
        416 => GoOn::Changed,
        200..=299 if same_etag => GoOn::Skip,
        200..=299 => GoOn::Changed,
        _ => GoOn::Append, // a refusal; its status speaks for itself
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName};

    use super::*;

    #[test]
    fn only_the_same_version_may_follow_bytes_that_were_handed_out() {
        type Headers = &'static [(&'static str, &'static str)];
        let table: [(u64, u16, Headers, GoOn); 11] = [
            (0, 200, &[("etag", "\"2\"")], GoOn::Append),
            (4, 206, &[("etag", "\"1\""), ("content-range", "bytes 4-9/10")], GoOn::Append),
            (4, 206, &[("content-range", "bytes 4-9/10")], GoOn::Append),
            (4, 206, &[("etag", "\"1\""), ("content-range", "bytes 3-9/10")], GoOn::Changed),
            (4, 206, &[("etag", "\"2\""), ("content-range", "bytes 4-9/10")], GoOn::Changed),
            (4, 206, &[("etag", "\"1\""), ("content-range", "bytes 4-10/11")], GoOn::Changed),
            (4, 200, &[("etag", "\"1\"")], GoOn::Skip),
            (4, 200, &[("etag", "\"2\"")], GoOn::Changed),
            (4, 200, &[], GoOn::Changed),
            (10, 416, &[("content-range", "bytes */10")], GoOn::Whole),
            (4, 416, &[("content-range", "bytes */3")], GoOn::Changed),
        ];
        let url = Url::parse("http://a.org/").unwrap();
        let validator = Validator { etag: Some("\"1\"".into()), last_modified: None };
        for (ready_bytes, status, headers, expected) in table {
            let map: HeaderMap = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
            assert_eq!(
                go_on(ready_bytes, Some(10), &validator, &Answer::read(&url, status, &map)),
                expected,
                "{ready_bytes} {status} {headers:?}"
            );
        }
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        assert_eq!(pause(0), FIRST_PAUSE);
        assert_eq!(pause(3), FIRST_PAUSE * 8);
        assert_eq!(pause(60), LONGEST_PAUSE);
    }
}
