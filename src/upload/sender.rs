//! Parts on their way: each waits for its bytes, goes up, and is tried again until Telegram has stored it.
//!
//! In: a spool, a link, the number of the file at Telegram. Out: parts that are stored, counted for display. Must not: send the message.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use grammers_client::InvocationError;
use tokio::time::{Instant, sleep, sleep_until};

use super::link::Link;
use super::parts;
use super::wire::PartCall;
use crate::model::{Failure, ProgressSender, Reason, Step};
use crate::spool::Spool;
use crate::telegram::errors::{self, Verdict};
use crate::telegram::pool::Carrier;

/// First and longest delay before a part is tried again after a network error.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// One file's parts.
pub(super) struct PartSender<'a> {
    pub(super) link: &'a Link,
    /// Whose load shrinks as parts are stored; none for what does not count.
    pub(super) carrier: Option<&'a Carrier>,
    pub(super) spool: &'a Spool,
    pub(super) progress: &'a ProgressSender,
    /// Number of the file at Telegram.
    pub(super) file_id: i64,
    /// True for `saveBigFilePart`.
    pub(super) big: bool,
    /// Tries of one part on network errors.
    pub(super) attempts: u32,
    /// Largest file that the account may upload, in bytes.
    pub(super) max_bytes: u64,
    pub(super) gate: Gate,
    pub(super) stored_bytes: AtomicU64,
}

/// While Telegram asks for a pause, no part begins a new try.
#[derive(Default)]
pub(super) struct Gate(Mutex<Option<Instant>>);

impl PartSender<'_> {
    /// Sends every part, `in_flight` at once, each as soon as its bytes are ready. Says how many there are.
    pub(super) async fn send_all(&self, in_flight: usize) -> Result<u64, Failure> {
        let mut flights = FuturesUnordered::new();
        let mut next = 0;
        let mut ended = false;
        self.report();
        loop {
            tokio::select! {
                Some(stored) = flights.next(), if !flights.is_empty() => {
                    self.stored_bytes.fetch_add(stored?, Ordering::Relaxed);
                    self.report();
                }
                there = self.is_there(next), if !ended && flights.len() < in_flight.max(1) => {
                    if there? {
                        flights.push(self.send(next));
                        next += 1;
                    } else {
                        ended = true;
                    }
                }
                else => return Ok(next),
            }
        }
    }

    /// Sends one part until it is stored; says how many bytes it has.
    pub(super) async fn send(&self, part: u64) -> Result<u64, Failure> {
        let mut attempt = 1;
        let mut delay = FIRST_DELAY;
        loop {
            if self.gate.pass().await {
                self.report();
            }
            // Read anew for each try: parts that wait for minutes should not wait in memory.
            let bytes = self.spool.read(parts::full_range(part)).await?;
            let size_bytes = bytes.len() as u64;
            let error = match self.save(part, bytes).await {
                Ok(true) => {
                    if let Some(carrier) = self.carrier {
                        carrier.stored(size_bytes);
                    }
                    return Ok(size_bytes);
                }
                Ok(false) => InvocationError::Dropped("Telegram did not store the part"),
                Err(error) => error,
            };
            match errors::judge(&error) {
                Verdict::Wait { seconds } if seconds <= self.link.longest_wait_s() => {
                    tracing::debug!(part, seconds, "Telegram asks for a pause");
                    self.gate.hold(seconds);
                    self.report();
                }
                Verdict::Again if attempt < self.attempts => {
                    tracing::debug!(part, attempt, %error, "a part is tried again");
                    sleep(delay).await;
                    delay = (delay * 2).min(LONGEST_DELAY);
                    attempt += 1;
                }
                _ => return Err(errors::failure(error)),
            }
        }
    }

    /// Waits until the part can be read, and its successor is known to exist or not: then the last part knows that it is the last.
    async fn is_there(&self, part: u64) -> Result<bool, Failure> {
        let range = parts::full_range(part);
        let ready = self.spool.wait_for(range.start..range.end + 1).await?;
        let length = self.spool.length();
        // A promised length may be wrong; what is ready is there, and a finished file is known whole from its first part on.
        if ready.end > self.max_bytes || (length.finished && length.ready_bytes() > self.max_bytes) {
            return Err(Failure::from(Reason::TooLarge { size_bytes: length.expected_bytes, limit_bytes: self.max_bytes }));
        }
        Ok(ready.end > range.start)
    }

    async fn save(&self, part: u64, bytes: Vec<u8>) -> Result<bool, InvocationError> {
        let length = self.spool.length();
        // -1 while nobody knows: <https://core.telegram.org/api/files#streamed-uploads>. A promised length may be wrong, so only the end counts.
        let total_parts = if length.finished { parts::count(length.ready_bytes()) as i32 } else { -1 };
        let call = PartCall { file_id: self.file_id, part: part as i32, total_parts: self.big.then_some(total_parts) };
        self.link.save_part(call, &bytes).await
    }

    fn report(&self) {
        self.progress.report(Step::Uploading, self.stored_bytes.load(Ordering::Relaxed), self.spool.length().expected_bytes);
        // Parts that were on their way may still be stored while the others are kept back.
        if let Some(seconds) = self.gate.remaining_s() {
            self.progress.pause(seconds);
        }
    }
}

impl Gate {
    /// Keeps everybody back for so many seconds from now.
    pub(super) fn hold(&self, seconds: u32) {
        // Zero would be asked again at once, and again.
        let until = Instant::now() + Duration::from_secs(seconds.max(1).into());
        let mut gate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *gate = Some(gate.map_or(until, |before| before.max(until)));
    }

    /// Seconds that everybody is still kept back, if so.
    fn remaining_s(&self) -> Option<u32> {
        let until = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let remaining = until.checked_duration_since(Instant::now()).filter(|remaining| !remaining.is_zero())?;
        Some(remaining.as_secs_f64().ceil() as u32)
    }

    /// Waits until nobody is kept back; true if there was a wait.
    pub(super) async fn pass(&self) -> bool {
        let mut waited = false;
        loop {
            let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match until {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return waited,
            }
            waited = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_longest_pause_holds_for_all() {
        let gate = Gate::default();
        assert!(!gate.pass().await);
        gate.hold(600);
        gate.hold(5);
        assert_eq!(gate.remaining_s(), Some(600));
        let begin = Instant::now();
        assert!(gate.pass().await);
        assert_eq!((Instant::now() - begin).as_secs(), 600);
        assert_eq!((gate.pass().await, gate.remaining_s()), (false, None));
        gate.hold(0);
        assert!(gate.pass().await);
    }
}
