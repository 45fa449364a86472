//! A yt-dlp process that writes one stream, and the spool over its growing file.
//!
//! In: a started process and its file. Out: the spool, finished or failed. Must not: hand out bytes that the process may still change; write the
//! file itself.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::time::{Instant, MissedTickBehavior};

use super::errors;
use super::fragments::{Files, Good};
use super::process::{Group, read_tail};
use super::progress::{self, Event, Part};
use crate::fetch::sizes;
use crate::fetch::together::{Size, Together};
use crate::fetch::workspace::{check_room, disk_failure};
use crate::model::{Failure, Reason};
use crate::spool::SpoolWriter;

/// How often the size of the file is looked at.
const LOOK: Duration = Duration::from_millis(40);

/// Longest silence of the process while its file does not grow. Where yt-dlp leaves a stream to ffmpeg, nothing is said for minutes.
const SILENCE: Duration = Duration::from_secs(1800);

/// Fragments after which their average is a better promise than what the site says.
const ENOUGH_FRAGMENTS: u64 = 2;

/// What yt-dlp says before it empties a file that it can't go on with.
const BEGINS_ANEW: &str = "Unable to resume";

/// What to watch.
pub(super) struct Stream {
    pub(super) files: Files,
    /// What is good of the file from an earlier run.
    pub(super) good: Good,
    pub(super) together: Together,
    pub(super) track: usize,
    /// True if the file is only ever appended to.
    pub(super) grows: bool,
    /// Size as the site says, exact or not.
    pub(super) size_bytes: Option<u64>,
    pub(super) max_bytes: u64,
    pub(super) keep_free_bytes: u64,
}

/// A stream under way.
struct Watched {
    stream: Stream,
    group: Group,
    writer: SpoolWriter,
    /// What is good of the file so far.
    good: Good,
    /// Bytes of the file when it was last looked at.
    length_bytes: u64,
    /// Fragments that came whole by the last line, and where the file ends when the last of them is appended.
    last_fragments: u64,
    next_good: Option<(u64, u64)>,
    /// True once yt-dlp itself is seen to write, which it says piece by piece. Another program, whose file may change until it ends, says nothing.
    is_appending: bool,
}

/// Watches until the process ends; the outcome is in the spool.
pub(super) async fn run(stream: Stream, group: Group, writer: SpoolWriter) {
    let (abandoned, together, good) = (writer.abandoned(), stream.together.clone(), stream.good.clone());
    let (length_bytes, last_fragments) = (good.bytes, good.fragments);
    let mut watched = Watched { stream, group, writer, good, length_bytes, last_fragments, next_good: None, is_appending: false };
    let outcome = tokio::select! {
        biased;
        failure = together.stopped() => Err(failure),
        () = abandoned => Err(Failure::cancelled()),
        outcome = watched.follow() => outcome,
    };
    let Watched { group, writer, .. } = watched;
    drop(group); // before anybody hears of the end, so that nothing writes any more
    match outcome {
        Ok(()) => writer.finish(),
        Err(failure) => {
            tracing::debug!(%failure, "a stream ended early");
            together.fail(&failure.reason);
            writer.fail(failure.reason);
        }
    }
}

impl Watched {
    async fn follow(&mut self) -> Result<(), Failure> {
        let (Some(stdout), Some(stderr)) = (self.group.stdout.take(), self.group.stderr.take()) else {
            return Err(Failure::internal(anyhow::anyhow!("the process has no pipes")));
        };
        let stderr = self.watch(stdout, stderr).await?;
        if !self.group.end().await?.success() {
            return Err(Failure::new(errors::reason(&stderr, self.stream.max_bytes), anyhow::anyhow!("yt-dlp: {}", stderr.trim())));
        }
        self.look().await?;
        if self.length_bytes == 0 {
            return Err(Failure::from(Reason::Empty));
        }
        self.report(self.length_bytes, Size::Exact(self.length_bytes))?;
        self.writer.advance_to(self.length_bytes);
        self.note(Good { bytes: self.length_bytes, whole: true, ..self.good.clone() }).await
    }

    /// Looks at the file and at what is printed until there is no more; says what the process complained of.
    async fn watch(&mut self, stdout: ChildStdout, stderr: ChildStderr) -> Result<String, Failure> {
        let mut lines = BufReader::new(stdout).lines();
        let mut complaints = std::pin::pin!(read_tail(stderr));
        let mut complaint = None;
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_sign = Instant::now();
        loop {
            tokio::select! {
                line = lines.next_line() => {
                    last_sign = Instant::now();
                    let Some(line) = line.map_err(Failure::internal)? else { break };
                    self.take_line(&line).await?;
                }
                text = &mut complaints, if complaint.is_none() => complaint = Some(text?),
                _ = ticks.tick() => {
                    let before = self.length_bytes;
                    self.look().await?;
                    if self.length_bytes > before {
                        last_sign = Instant::now();
                    } else if last_sign.elapsed() > SILENCE {
                        return Err(Failure::new(Reason::Network, anyhow::anyhow!("yt-dlp said nothing for {SILENCE:?}")));
                    }
                }
            }
        }
        match complaint {
            Some(text) => Ok(text),
            None => complaints.await,
        }
    }

    async fn take_line(&mut self, line: &str) -> Result<(), Failure> {
        let Some(Event::Progress(part)) = progress::parse(line) else {
            tracing::trace!(line, "yt-dlp");
            let is_lost = line.contains(BEGINS_ANEW) && self.writer.ready_bytes() > 0;
            return if is_lost { Err(changed("yt-dlp begins the stream anew")) } else { Ok(()) };
        };
        self.is_appending |= self.stream.grows && part.status == "downloading";
        self.look().await?;
        self.expect_fragment(&part);
        let size = self.size(&part);
        self.report(part.downloaded_bytes.map_or(0, sizes::bytes), size)
    }

    fn report(&self, done_bytes: u64, size: Size) -> Result<(), Failure> {
        let done_bytes = done_bytes.max(self.length_bytes);
        self.writer.expect(match size {
            Size::Unknown => None,
            Size::About(bytes) | Size::Exact(bytes) => Some(bytes.max(done_bytes)),
        });
        self.stream.together.report(self.stream.track, done_bytes, size)
    }

    /// After a few fragments their average tells best; before, what the site says. yt-dlp's own estimate counts a fragment twice while it comes.
    fn size(&self, part: &Part) -> Size {
        if let Some(bytes) = part.total_bytes {
            return Size::Exact(sizes::bytes(bytes));
        }
        let by_fragments = match (part.fragment_count, self.good.fragments) {
            (Some(count), fragments) if fragments >= ENOUGH_FRAGMENTS => {
                Some((u128::from(self.good.bytes) * u128::from(count) / u128::from(fragments)) as u64)
            }
            _ => None,
        };
        let estimate = part.total_bytes_estimate.map(sizes::bytes);
        by_fragments.or(self.stream.size_bytes).or(estimate).map_or(Size::Unknown, Size::About)
    }

    /// Looks how long the file is, and hands on what there is.
    async fn look(&mut self) -> Result<(), Failure> {
        let length_bytes = match tokio::fs::metadata(self.stream.files.media()).await {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(disk_failure(error, "look at a stream's file")),
        };
        if length_bytes < self.writer.ready_bytes() {
            return Err(changed("the file of a stream became shorter"));
        }
        if length_bytes > self.stream.max_bytes {
            return Err(Failure::from(Reason::TooLarge { size_bytes: None, limit_bytes: self.stream.max_bytes }));
        }
        if length_bytes > self.length_bytes {
            check_room(&self.stream.files.media(), 0, self.stream.keep_free_bytes)?;
        }
        self.length_bytes = length_bytes;
        self.note_fragments().await?;
        if self.is_appending {
            self.writer.advance_to(length_bytes);
        }
        Ok(())
    }

    /// Remembers how long the file will be once the fragment that has just come whole is appended: after that line, yt-dlp does so.
    fn expect_fragment(&mut self, part: &Part) {
        if let (Some(fragments), Some(bytes)) = (part.fragment_index, part.downloaded_bytes)
            && fragments > self.last_fragments
        {
            self.last_fragments = fragments;
            self.next_good = Some((fragments, sizes::bytes(bytes)));
        }
    }

    /// Where the file has just the bytes of the fragments that came whole, it is good to this point, and a later run can go on here.
    async fn note_fragments(&mut self) -> Result<(), Failure> {
        match self.next_good {
            Some((fragments, bytes)) if bytes == self.length_bytes && self.is_appending => {
                self.next_good = None;
                self.note(Good { bytes, fragments, ..self.good.clone() }).await
            }
            _ => Ok(()),
        }
    }

    async fn note(&mut self, good: Good) -> Result<(), Failure> {
        self.stream.files.note(&good).await.map_err(|error| disk_failure(error, "write the note of a stream"))?;
        self.good = good;
        Ok(())
    }
}

fn changed(what: &'static str) -> Failure {
    Failure::new(Reason::Network, anyhow::anyhow!(what))
}
