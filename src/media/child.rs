//! Runs one media process: the daemon's side of [`super::protocol`].
//!
//! In: a request, spools of inputs that are still growing. Out: the process's answer, what it says on the way, a [`Failure`] with a reason however the process ends. Must not: touch FFmpeg;
//! whatever a broken file does happens in the other process, which can't outlive the task that waits for it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::process::ExitStatus;

use anyhow::anyhow;
use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;
use tokio_util::sync::CancellationToken;

use super::clock::{Clock, Pause};
use super::feeding;
use super::protocol::{Reply, Request};
use super::zygote::{Control, GO_ON, PAUSE, Worker, Zygote};
use crate::model::{Failure, Reason};
use crate::spool::Spool;

/// Longest line of an answer, in bytes; ours are far below a page.
const MAX_LINE_BYTES: u64 = 1 << 20;
/// Lines of the process's complaints that are kept for the log.
const TAIL_LINES: usize = 8;

/// Something that the process says on its way to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Thousandths of the whole.
    Progress(u16),
    /// The new file is good from `front_bytes` to `ready_bytes`, or all of it.
    Written { front_bytes: u64, ready_bytes: u64, whole: bool },
}

/// Starts the process, hands it the request and waits for its answer. `hear` hears every word on the way. `inputs` are those that the request calls
/// growing; while the process waits for their bytes, and while it pauses, the time does not count.
pub(super) async fn run(
    zygote: &Zygote,
    request: &Request,
    inputs: &[Spool],
    mut clock: Clock,
    mut hear: impl FnMut(Word),
    cancel: &CancellationToken,
) -> Result<Reply, Failure> {
    let mut line = serde_json::to_vec(request).map_err(Failure::internal)?;
    line.push(b'\n');
    let Worker { mut stdin, stdout, stderr, mut control, mut end } = zygote.fork().map_err(Failure::internal)?;
    let pause = clock.pause();
    let work = async {
        tell(&mut stdin, &line).await;
        let answer = read_answer(stdout, &mut stdin, inputs, &mut clock, &mut hear);
        let (answer, tail) = tokio::try_join!(answer, async { Ok(read_tail(stderr).await) })?;
        let status = clock.run(end.wait()).await?;
        Ok((answer, tail, status))
    };
    let outcome = tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Failure::cancelled()),
        never = pass_pauses_on(pause, &mut control) => match never {},
        outcome = work => outcome,
    };
    drop(stdin); // kept open till here: its end tells the process that nobody waits any more
    match outcome {
        Ok((answer, tail, status)) => judge(answer, &tail, status.map_err(Failure::internal)?),
        Err(failure) => {
            drop(control);
            // Gone, so that after a cancel nothing of it is left: not the process, and not a file that it still writes.
            if let Err(error) = end.wait().await {
                tracing::warn!(%error, "ending a media process");
            }
            Err(failure)
        }
    }
}

/// A process that dies at once breaks this pipe; how it died is said by its status.
async fn tell(stdin: &mut pipe::Sender, line: &[u8]) {
    if let Err(error) = stdin.write_all(line).await {
        tracing::debug!(%error, "the media process does not listen");
    }
}

/// Tells the process to pause and to go on, as long as this is awaited.
async fn pass_pauses_on(mut pause: Pause, control: &mut Control) -> Infallible {
    let mut pauses = false;
    loop {
        if pause.is_on() != pauses {
            pauses = !pauses;
            control.tell(if pauses { PAUSE } else { GO_ON }).await;
        }
        pause.changed().await;
    }
}

async fn read_answer(
    stdout: pipe::Receiver,
    stdin: &mut pipe::Sender,
    inputs: &[Spool],
    clock: &mut Clock,
    hear: &mut impl FnMut(Word),
) -> Result<Option<Reply>, Failure> {
    let mut reader = BufReader::new(stdout);
    let mut answer = None;
    loop {
        let mut line = Vec::new();
        match clock.run((&mut reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut line)).await? {
            Ok(0) => return Ok(answer),
            Ok(_) => match serde_json::from_slice(&line) {
                Ok(Reply::Progress { per_mille }) => hear(Word::Progress(per_mille.min(1000))),
                Ok(Reply::Written { front_bytes, ready_bytes, whole }) => hear(Word::Written { front_bytes, ready_bytes, whole }),
                Ok(Reply::Note { text }) => tracing::info!("{text}"),
                Ok(Reply::Want { input, offset_bytes }) => {
                    let feed = feeding::answer(inputs, input, offset_bytes).await?;
                    let mut line = serde_json::to_vec(&feed).map_err(Failure::internal)?;
                    line.push(b'\n');
                    clock.run(tell(stdin, &line)).await?;
                }
                Ok(reply) => answer = Some(reply),
                Err(error) => tracing::debug!(%error, "the media process wrote something else than an answer"),
            },
            Err(error) => {
                tracing::debug!(%error, "reading from the media process");
                return Ok(answer);
            }
        }
    }
}

/// Everything to the log, the last lines back. A flood of complaints is read to its end and forgotten.
async fn read_tail(stderr: pipe::Receiver) -> String {
    let mut reader = BufReader::new(stderr);
    let mut tail = VecDeque::new();
    loop {
        let mut line = Vec::new();
        match (&mut reader).take(4096).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return tail.into_iter().collect::<Vec<String>>().join("; "),
            Ok(_) => {
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                tracing::debug!(target: "tgferry::media::worker", "{line}");
                if tail.len() == TAIL_LINES {
                    tail.pop_front();
                }
                tail.push_back(line);
            }
        }
    }
}

fn judge(answer: Option<Reply>, tail: &str, status: ExitStatus) -> Result<Reply, Failure> {
    match answer {
        Some(Reply::Error { reason, cause }) => Err(Failure::new(reason, anyhow!("{cause} (FFmpeg: {tail})"))),
        Some(reply) if status.success() => Ok(reply),
        _ => Err(Failure::new(reason_of(status), anyhow!("the media process ended with {status} (its last words: {tail})"))),
    }
}

/// A process that gave no answer: killed for its limits, or brought down by the file.
fn reason_of(status: ExitStatus) -> Reason {
    use std::os::unix::process::ExitStatusExt;
    match status.signal().and_then(|signal| Signal::try_from(signal).ok()) {
        // SIGKILL is the kernel when memory is out; nobody else sends it while we wait.
        Some(Signal::SIGKILL | Signal::SIGXCPU | Signal::SIGXFSZ) => Reason::MediaLimits,
        Some(_) => Reason::BrokenMedia,
        None => Reason::Internal,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn the_way_a_process_ends_names_the_reason() {
        let table = [
            (libc::SIGKILL, Reason::MediaLimits),
            (libc::SIGXCPU, Reason::MediaLimits),
            (libc::SIGXFSZ, Reason::MediaLimits),
            (libc::SIGSEGV, Reason::BrokenMedia),
            (libc::SIGABRT, Reason::BrokenMedia),
            (1 << 8, Reason::Internal),
        ];
        for (raw, expected) in table {
            assert_eq!(reason_of(ExitStatus::from_raw(raw)), expected, "{raw}");
        }
    }

    #[test]
    fn an_answer_counts_only_with_a_good_end() {
        let made = || {
            Some(Reply::Made(super::super::protocol::Made {
                duration_s: None,
                display: None,
                thumbnail: false,
                cover: false,
                encoded: None,
            }))
        };
        assert!(matches!(judge(made(), "", ExitStatus::from_raw(0)), Ok(Reply::Made(_))));
        let crashed = judge(made(), "boom", ExitStatus::from_raw(libc::SIGSEGV)).expect_err("it crashed");
        assert_eq!(crashed.reason, Reason::BrokenMedia);
        assert!(crashed.cause.to_string().contains("boom"));
        let said = Some(Reply::Error { reason: Reason::DiskFull, cause: "no room".into() });
        assert_eq!(judge(said, "", ExitStatus::from_raw(0)).expect_err("it said so").reason, Reason::DiskFull);
    }
}
