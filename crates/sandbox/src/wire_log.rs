//! The wire log: which calls came over both faces, by whom, how large, how long they took and how they ended.
//!
//! In: a note for each call once it is over. Out: the newest of them, to tests, to the control API and to the page. It is bounded, and parts of files are
//! counted together, so that it costs them next to nothing. It must not keep what was said, only how much.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::sync::watch;

/// Lines that are kept; the oldest go.
const MAX_ENTRIES: usize = 2000;
/// Pieces of files that came within this time over one connection are one line.
const TOGETHER: Duration = Duration::from_secs(1);
/// How far back a line is looked for to add a piece to.
const LOOK_BACK: usize = 32;
/// Methods that carry pieces of files, many a second.
const PIECES: [&str; 3] = ["upload.saveBigFilePart", "upload.saveFilePart", "upload.getFile"];

/// Which protocol a call came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WireFace {
    /// HTTP.
    BotApi,
    /// MTProto.
    Mtproto,
}

/// A call, or several alike that brought or fetched pieces of files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WireEntry {
    /// Grows by one with each line.
    pub number: u64,
    /// When the (first) call came, in milliseconds since 1970.
    pub at_ms: u64,
    /// The protocol.
    pub face: WireFace,
    /// The connection, counted for each face from 1.
    pub connection: u64,
    /// Who was logged in: the id of an account or a bot.
    pub user: Option<i64>,
    /// As Telegram writes it; `/file` for a download over HTTP.
    pub method: Cow<'static, str>,
    /// How many calls the line stands for.
    pub calls: u64,
    /// Bytes of the calls, without what the transport adds.
    pub bytes_in: u64,
    /// Bytes of the answers.
    pub bytes_out: u64,
    /// From the call to its answer, in microseconds; of several calls the longest.
    pub took_us: u64,
    /// Why it was refused; `None` if it was not.
    pub error: Option<String>,
    /// Which change of the log this line was last part of.
    #[serde(skip)]
    version: u64,
}

/// A call that is over.
#[derive(Debug)]
pub(crate) struct WireCall {
    pub(crate) face: WireFace,
    pub(crate) connection: u64,
    pub(crate) user: Option<i64>,
    pub(crate) method: Cow<'static, str>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) took: Duration,
    pub(crate) error: Option<String>,
}

/// A handle on the log; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct WireLog {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Mutex<VecDeque<WireEntry>>,
    version: watch::Sender<u64>,
}

impl WireLog {
    /// The lines that are new or have grown since the log had this version, oldest first, and the version it has now; 0 gives all that are kept.
    pub fn after(&self, version: u64) -> (u64, Vec<WireEntry>) {
        let entries = self.lock();
        let changed = entries.iter().filter(|entry| entry.version > version).cloned().collect();
        (*self.inner.version.borrow(), changed)
    }

    /// Waits until the log has changed since it had this version.
    pub async fn changed_after(&self, version: u64) {
        let mut versions = self.inner.version.subscribe();
        // The sender lives in `self`.
        let _ = versions.wait_for(|now| *now > version).await;
    }

    /// Notes a call.
    pub(crate) fn note(&self, call: WireCall) {
        let ended = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at_ms = millis(ended.saturating_sub(call.took));
        let took_us = u64::try_from(call.took.as_micros()).unwrap_or(u64::MAX);
        let mut entries = self.lock();
        let version = *self.inner.version.borrow() + 1;
        if let Some(line) = same_line(&mut entries, &call, at_ms) {
            line.calls += 1;
            line.bytes_in += call.bytes_in;
            line.bytes_out += call.bytes_out;
            line.took_us = line.took_us.max(took_us);
            line.version = version;
        } else {
            let number = entries.back().map_or(1, |last| last.number + 1);
            if entries.len() >= MAX_ENTRIES {
                entries.pop_front();
            }
            let WireCall { face, connection, user, method, bytes_in, bytes_out, error, .. } = call;
            entries.push_back(WireEntry {
                number,
                at_ms,
                face,
                connection,
                user,
                method,
                calls: 1,
                bytes_in,
                bytes_out,
                took_us,
                error,
                version,
            });
        }
        // While the lock is held, so that a version is never ahead of its line.
        self.inner.version.send_replace(version);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<WireEntry>> {
        self.inner.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The line that a piece of a file is counted in.
fn same_line<'a>(entries: &'a mut VecDeque<WireEntry>, call: &WireCall, at_ms: u64) -> Option<&'a mut WireEntry> {
    if call.error.is_some() || !PIECES.contains(&&*call.method) {
        return None;
    }
    let recent = entries.iter_mut().rev().take(LOOK_BACK);
    let mut of_connection = recent.filter(|line| (line.face, line.connection, line.user) == (call.face, call.connection, call.user));
    let last = of_connection.next()?;
    let fits = last.method == call.method && last.error.is_none() && at_ms.saturating_sub(last.at_ms) < millis(TOGETHER);
    fits.then_some(last)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(connection: u64, method: &'static str, error: Option<&str>) -> WireCall {
        WireCall {
            face: WireFace::Mtproto,
            connection,
            user: Some(5),
            method: method.into(),
            bytes_in: 100,
            bytes_out: 10,
            took: Duration::from_micros(7),
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn parts_of_one_connection_are_one_line_and_a_refused_one_is_its_own() {
        let log = WireLog::default();
        for (connection, error) in [(1, None), (2, None), (1, None), (1, Some("FILE_PART_TOO_BIG")), (2, None), (1, None)] {
            log.note(call(connection, "upload.saveBigFilePart", error));
        }
        log.note(call(2, "messages.sendMedia", None));
        let lines: Vec<_> = log.after(0).1.iter().map(|line| (line.connection, line.calls, line.bytes_in, line.error.is_some())).collect();
        assert_eq!(lines, [(1, 2, 200, false), (2, 2, 200, false), (1, 1, 100, true), (1, 1, 100, false), (2, 1, 100, false)]);
    }

    #[test]
    fn what_has_grown_is_told_again_and_nothing_else() {
        let log = WireLog::default();
        log.note(call(1, "upload.getFile", None));
        log.note(call(2, "help.getConfig", None));
        let (version, all) = log.after(0);
        assert_eq!((version, all.len()), (2, 2));
        log.note(call(1, "upload.getFile", None));
        let (version, grown) = log.after(version);
        assert_eq!(grown.iter().map(|line| (line.number, line.calls)).collect::<Vec<_>>(), [(1, 2)]);
        assert!(log.after(version).1.is_empty());
    }

    #[test]
    fn it_is_bounded() {
        let log = WireLog::default();
        for _ in 0..MAX_ENTRIES + 5 {
            log.note(call(1, "help.getConfig", None));
        }
        let (_, all) = log.after(0);
        assert_eq!((all.len(), all[0].number), (MAX_ENTRIES, 6));
    }
}
