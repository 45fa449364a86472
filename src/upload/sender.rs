//! Parts on their way: each goes as soon as its bytes are ready, and again until Telegram has stored it.
//!
//! In: a plan, a spool, the account's lines, the number of the file at Telegram. Out: parts that are stored, noted, and counted for display.
//! Must not: send the message.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use grammers_client::InvocationError;
use tokio::time::{Instant, sleep_until};
use twox_hash::XxHash3_64;

use super::halt::{Halt, Outgrew};
use super::ledger::Ledger;
use super::lines::{Lines, Permit};
use super::parts;
use super::plan::{Next, Piece, Plan};
use super::wire::{PartBuffer, PartBuffers, PartCall};
use crate::model::{Failure, ProgressSender, Reason, Step};
use crate::spool::Spool;
use crate::store::StoredPart;
use crate::telegram::account::UserAccount;
use crate::telegram::errors::{self, Verdict};
use crate::telegram::pool::Carrier;

/// First and longest delay before a part is tried again after a network error.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// One file's parts.
pub(super) struct PartSender<'a> {
    pub(super) account: &'a UserAccount,
    /// Whose load shrinks as parts are stored; none for what does not count.
    pub(super) carrier: Option<&'a Carrier>,
    pub(super) lines: Lines,
    pub(super) buffers: PartBuffers,
    pub(super) spool: &'a Spool,
    pub(super) progress: &'a ProgressSender,
    /// Number of the file at Telegram.
    pub(super) file_id: i64,
    /// True for `saveBigFilePart`.
    pub(super) big: bool,
    /// Tries of one part on network errors.
    pub(super) attempts: u32,
    /// Parts that an earlier run has stored, with the hashes of their bytes.
    pub(super) earlier: HashMap<u64, u64>,
    /// Where stored parts are noted, if anywhere.
    pub(super) ledger: Option<&'a Ledger>,
}

/// What one try of a part came to.
enum Outcome {
    Stored {
        hash: u64,
    },
    /// Telegram has the very same bytes from an earlier run.
    Kept,
    NotStored(InvocationError),
    Failed(Failure),
}

/// A part that has leave to go as soon as it gets a permit.
struct Asking {
    piece: Piece,
    permit: Pin<Box<dyn Future<Output = Permit> + Send>>,
}

/// Parts that wait for a time before they go again.
#[derive(Default)]
struct Waiting {
    /// By time and number; true if Telegram named the time.
    parts: BTreeMap<(Instant, u64), bool>,
    /// Network errors of each part so far.
    errors: HashMap<u64, u32>,
}

impl PartSender<'_> {
    /// Sends every part of the plan; says which of them Telegram had already. `done_bytes` were stored before, for display.
    pub(super) async fn send(&self, mut plan: Plan, mut done_bytes: u64) -> Result<Vec<u64>, Halt> {
        let mut flights = FuturesUnordered::new();
        let mut asking: Option<Asking> = None;
        let mut nothing_left = false;
        let mut waiting = Waiting::default();
        let mut kept = Vec::new();
        loop {
            // As many as may go may wait: when most are told to wait, more would be told the same.
            let room = waiting.parts.len() < self.lines.window();
            let stands_still = flights.is_empty() && asking.is_none() && (nothing_left || !room);
            self.report(done_bytes, waiting.pause_s().filter(|_| stands_still));
            let due = waiting.first();
            tokio::select! {
                Some::<(Piece, Outcome)>((piece, outcome)) = flights.next(), if !flights.is_empty() => {
                    let size_bytes = piece.range.end - piece.range.start;
                    match outcome {
                        Outcome::Stored { hash } => {
                            done_bytes += size_bytes;
                            if let Some(carrier) = self.carrier {
                                carrier.stored(size_bytes);
                            }
                            waiting.errors.remove(&piece.part);
                            if let Some(ledger) = self.ledger {
                                ledger.note(StoredPart { part: piece.part, hash });
                            }
                        }
                        Outcome::Kept => {
                            done_bytes += size_bytes;
                            if let Some(carrier) = self.carrier {
                                carrier.need_not_send(size_bytes);
                            }
                            kept.push(piece.part);
                        }
                        Outcome::NotStored(error) if self.is_too_long_a_wait(&error) => return Err(error.into()),
                        Outcome::NotStored(error) => waiting.add(piece.part, error, self.attempts)?,
                        Outcome::Failed(failure) => return Err(failure.into()),
                    }
                }
                () = until(due), if due.is_some() => {
                    waiting.take_due().for_each(|part| plan.again(part));
                    nothing_left = false;
                }
                next = self.spool.wait(|length| plan.next(length)), if asking.is_none() && !nothing_left && room => match next? {
                    Next::Send(piece) => asking = Some(Asking { piece, permit: Box::pin(self.lines.clone().permit()) }),
                    Next::Nothing => nothing_left = true,
                    Next::TooLarge { size_bytes } => {
                        let limit_bytes = plan.max_bytes();
                        return Err(Failure::new(Reason::TooLarge { size_bytes, limit_bytes }, Outgrew).into());
                    }
                    Next::Shrunk => {
                        let cause = anyhow::anyhow!("the file ended before a part that was sent already");
                        return Err(Halt::Anew(Failure::new(Reason::Telegram, cause)));
                    }
                },
                (piece, permit) = granted(&mut asking), if asking.is_some() => {
                    asking = None;
                    plan.take(&piece);
                    flights.push(self.fly(piece, permit));
                }
                else => return Ok(kept),
            }
        }
    }

    /// Sends parts of a whole file once more.
    pub(super) async fn send_again(&self, lost: &BTreeSet<u64>) -> Result<(), Halt> {
        let size_bytes = self.spool.length().ready_bytes();
        let lost_bytes: u64 = lost.iter().map(|&part| parts::range(part, size_bytes)).map(|range| range.end - range.start).sum();
        self.send(Plan::only(lost), size_bytes - lost_bytes).await.map(drop)
    }

    async fn fly(&self, piece: Piece, permit: Permit) -> (Piece, Outcome) {
        let outcome = self.try_once(&piece).await.unwrap_or_else(Outcome::Failed);
        drop(permit);
        (piece, outcome)
    }

    /// Reads the part anew for each try: parts that wait for minutes should not wait in memory.
    async fn try_once(&self, piece: &Piece) -> Result<Outcome, Failure> {
        let wanted = (piece.range.end - piece.range.start) as usize;
        let target = Target { buffer: self.buffers.take().await, len_bytes: wanted };
        let (mut target, read) = self.spool.read_into(piece.range.start, target).await.map_err(Failure::internal)?;
        if read != wanted {
            return Err(Failure::internal(anyhow::anyhow!("the file is shorter than its spool says")));
        }
        let hash = XxHash3_64::oneshot(target.as_mut());
        if self.earlier.get(&piece.part) == Some(&hash) {
            return Ok(Outcome::Kept);
        }
        let total_parts = piece.total_parts.map_or(-1, |total| total as i32);
        let call = PartCall { file_id: self.file_id, part: piece.part as i32, total_parts: self.big.then_some(total_parts) };
        Ok(match self.lines.save_part(self.account, call, target.buffer).await {
            Ok(true) => Outcome::Stored { hash },
            Ok(false) => Outcome::NotStored(InvocationError::Dropped("Telegram did not store the part")),
            Err(error) => Outcome::NotStored(error),
        })
    }

    /// Such a pause is a rest of the account; another one may take over.
    fn is_too_long_a_wait(&self, error: &InvocationError) -> bool {
        matches!(errors::judge(error), Verdict::Wait { seconds } if seconds > self.account.longest_wait_s())
    }

    fn report(&self, done_bytes: u64, pause_s: Option<u32>) {
        self.progress.report(Step::Uploading, done_bytes, self.spool.length().expected_bytes);
        if let Some(pause_s) = pause_s {
            self.progress.pause(pause_s);
        }
    }
}

impl Waiting {
    /// A part was not stored: it waits if it may go again.
    fn add(&mut self, part: u64, error: InvocationError, attempts: u32) -> Result<(), Halt> {
        match errors::judge(&error) {
            Verdict::Wait { seconds } => {
                tracing::debug!(part, seconds, "Telegram asks for a pause");
                // Zero would be asked again at once, and again.
                self.parts.insert((Instant::now() + Duration::from_secs(seconds.max(1).into()), part), true);
                Ok(())
            }
            Verdict::Again => {
                let errors = self.errors.entry(part).or_default();
                *errors += 1;
                if *errors >= attempts {
                    return Err(error.into());
                }
                tracing::debug!(part, errors, %error, "a part is tried again");
                let delay = (FIRST_DELAY * (1 << (*errors - 1).min(10))).min(LONGEST_DELAY);
                self.parts.insert((Instant::now() + delay, part), false);
                Ok(())
            }
            _ => Err(error.into()),
        }
    }

    /// When the first may go again.
    fn first(&self) -> Option<Instant> {
        self.parts.first_key_value().map(|((due, _), _)| *due)
    }

    /// Those that may go again.
    fn take_due(&mut self) -> impl Iterator<Item = u64> {
        let later = self.parts.split_off(&(Instant::now() + Duration::from_nanos(1), 0));
        std::mem::replace(&mut self.parts, later).into_keys().map(|(_, part)| part)
    }

    /// Seconds until the first may go again, if Telegram named that time.
    fn pause_s(&self) -> Option<u32> {
        let ((due, _), _) = self.parts.first_key_value().filter(|(_, asked)| **asked)?;
        Some(due.saturating_duration_since(Instant::now()).as_secs_f64().ceil() as u32)
    }
}

/// A part's buffer with the number of bytes that it is to have.
struct Target {
    buffer: PartBuffer,
    len_bytes: usize,
}

impl AsMut<[u8]> for Target {
    fn as_mut(&mut self) -> &mut [u8] {
        self.buffer.bytes_mut(self.len_bytes)
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn granted(asking: &mut Option<Asking>) -> (Piece, Permit) {
    match asking {
        Some(asking) => {
            let permit = asking.permit.as_mut().await;
            (asking.piece.clone(), permit)
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use grammers_client::sender::RpcError;
    use grammers_tl_types::types;

    use super::*;

    fn flood(seconds: u32) -> InvocationError {
        let error_message = format!("FLOOD_PREMIUM_WAIT_{seconds}");
        InvocationError::Rpc(RpcError::from(types::RpcError { error_code: 420, error_message }))
    }

    #[tokio::test(start_paused = true)]
    async fn each_part_waits_for_its_own_time() {
        let mut waiting = Waiting::default();
        waiting.add(7, flood(43), 8).unwrap();
        waiting.add(5, flood(3), 8).unwrap();
        waiting.add(6, flood(0), 8).unwrap();
        assert_eq!((waiting.pause_s(), waiting.take_due().count()), (Some(1), 0));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(waiting.take_due().collect::<Vec<_>>(), [6, 5]);
        assert_eq!(waiting.pause_s(), Some(40));
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_is_given_up_after_so_many_errors_in_a_row() {
        let mut waiting = Waiting::default();
        let lost = || InvocationError::Dropped("lost");
        for delay_ms in [500, 1000] {
            waiting.add(7, lost(), 3).unwrap();
            assert_eq!(waiting.pause_s(), None, "nobody asked for it");
            assert_eq!(waiting.first(), Some(Instant::now() + Duration::from_millis(delay_ms)));
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            assert_eq!(waiting.take_due().collect::<Vec<_>>(), [7]);
        }
        waiting.add(8, lost(), 3).unwrap();
        assert!(matches!(waiting.add(7, lost(), 3), Err(Halt::Failed(_))));
    }
}
