//! The bytes of one file, through cuts and stalls, into a spool.
//!
//! In: an open answer and the writer of a spool. Out: the spool, finished or failed. Must not: hand out bytes of two versions: once
//! readers may have seen the first byte, only the same version may follow it.

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::answer::{Answer, Validator};
use super::request::{Opened, Requester};
use crate::fetch::client::failure_of;
use crate::fetch::workspace::{check_room, disk_failure};
use crate::model::{Failure, ProgressSender, Reason, Retry, Step};
use crate::spool::SpoolWriter;

/// Pieces of the network that are written at once when they are there already; bounds the memory of one download to a few MB.
const PIECES_AT_ONCE: usize = 8;

/// How often the free space is looked at, in bytes received.
const ROOM_CHECK_BYTES: u64 = 64 << 20;

/// The first pause before a broken download is taken up again, and the longest; it doubles between them.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Limits of one transfer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Largest file, in bytes.
    pub(super) max_bytes: u64,
    /// Bytes that stay free on the disk.
    pub(super) keep_free_bytes: u64,
    /// How often a break is survived.
    pub(super) resume_attempts: u32,
}

/// One download under way.
pub(super) struct Transfer {
    pub(super) requester: Requester,
    pub(super) url: Url,
    pub(super) folder: PathBuf,
    pub(super) limits: Limits,
    pub(super) writer: SpoolWriter,
    pub(super) progress: ProgressSender,
    /// The version that the bytes are of.
    pub(super) validator: Validator,
    /// Size of the whole as the server says.
    pub(super) total_bytes: Option<u64>,
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
    pub(super) async fn run(mut self, opened: Opened, cancel: CancellationToken) {
        let abandoned = self.writer.abandoned();
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::cancelled()),
            () = abandoned => Err(Failure::cancelled()),
            outcome = self.receive(opened) => outcome,
        };
        match outcome {
            Ok(()) => self.writer.finish(),
            Err(failure) => {
                tracing::debug!(host = self.url.host_str(), received_bytes = self.writer.ready_bytes(), %failure, "download ended early");
                self.writer.fail(failure.reason);
            }
        }
    }

    async fn receive(&mut self, mut opened: Opened) -> Result<(), Failure> {
        let mut skip_bytes = 0;
        let mut breaks = 0;
        loop {
            let mut cause = match self.take_body(opened, skip_bytes).await {
                Ok(()) if self.is_whole() => return self.refuse_empty(),
                Ok(()) => Failure::new(Reason::Network, anyhow::anyhow!("the body is shorter than the server said")),
                Err(Broken::Cut(failure)) => failure,
                Err(Broken::Final(failure)) => return Err(failure),
            };
            opened = loop {
                if breaks >= self.limits.resume_attempts {
                    return Err(cause);
                }
                tokio::time::sleep(pause(breaks)).await;
                breaks += 1;
                match self.take_up().await {
                    Ok((GoOn::Append, opened)) => {
                        skip_bytes = 0;
                        break opened;
                    }
                    Ok((GoOn::Skip, opened)) => {
                        skip_bytes = self.writer.ready_bytes();
                        break opened;
                    }
                    Ok((GoOn::Whole, _)) => return Ok(()),
                    Ok((GoOn::Changed, _)) => {
                        return Err(Failure::new(
                            Reason::Network,
                            anyhow::anyhow!("after a break the server has another version, or no ranges"),
                        ));
                    }
                    Err(failure) if failure.reason.retry() == Retry::TryAgain => cause = failure,
                    Err(failure) => return Err(failure),
                }
            };
        }
    }

    async fn take_up(&mut self) -> Result<(GoOn, Opened), Failure> {
        let ready_bytes = self.writer.ready_bytes();
        let opened = match ready_bytes {
            0 => self.requester.open(&self.url).await?,
            _ => self.requester.open_at(&self.url, ready_bytes, &self.validator).await?,
        };
        let go_on = go_on(ready_bytes, self.total_bytes, &self.validator, &opened.answer);
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

    async fn take_body(&mut self, opened: Opened, mut skip_bytes: u64) -> Result<(), Broken> {
        let mut pieces = opened.response.bytes_stream().ready_chunks(PIECES_AT_ONCE);
        loop {
            let ready = tokio::time::timeout(self.requester.stall_timeout(), pieces.next()).await;
            let stalled =
                || Broken::Cut(Failure::new(Reason::Network, anyhow::anyhow!("no byte came for {:?}", self.requester.stall_timeout())));
            let Some(ready) = ready.map_err(|_| stalled())? else { return Ok(()) };
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
        let Limits { max_bytes, keep_free_bytes, .. } = self.limits;
        let before = self.writer.ready_bytes();
        let after = before + bytes.len() as u64;
        if after > max_bytes {
            return Err(Failure::from(Reason::TooLarge {
                size_bytes: self.total_bytes.filter(|total| *total > max_bytes),
                limit_bytes: max_bytes,
            }));
        }
        if after / ROOM_CHECK_BYTES > before / ROOM_CHECK_BYTES {
            check_room(&self.folder, bytes.len() as u64, keep_free_bytes)?;
        }
        if self.total_bytes.is_some_and(|total| after > total) {
            self.total_bytes = None;
            self.writer.expect(None);
        }
        if !bytes.is_empty() {
            self.writer.write(bytes).await.map_err(|error| disk_failure(error, "write the download"))?;
        }
        self.progress.report(Step::Fetching, after, self.total_bytes);
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.total_bytes.is_none_or(|total| self.writer.ready_bytes() >= total)
    }

    fn refuse_empty(&self) -> Result<(), Failure> {
        if self.writer.ready_bytes() == 0 { Err(Failure::from(Reason::Empty)) } else { Ok(()) }
    }
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
