//! A yt-dlp process with all that it starts.
//!
//! In: a program and its arguments. Out: its output; its end. Must not: outlive the value that stands for it.

use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::model::{Failure, Reason};

/// How much of the end of standard error is kept, in bytes.
const STDERR_BYTES: usize = 64 << 10;

/// Settings of ours, secrets among them, begin so and are nobody else's business.
const OUR_VARIABLES: &str = "TGFERRY_";

/// A running process, first of its own group. Dropped, it dies, and so do the ffmpeg and JavaScript processes that it started.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    /// Its standard output, until it is taken.
    pub(super) stdout: Option<ChildStdout>,
    /// Its standard error, until it is taken.
    pub(super) stderr: Option<ChildStderr>,
}

impl Group {
    /// Starts `program` in `folder`.
    pub(super) fn start(program: &Path, arguments: &[OsString], folder: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PYTHONUNBUFFERED", "1").env("PYTHONUTF8", "1").process_group(0).kill_on_drop(true);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(OUR_VARIABLES)) {
            command.env_remove(name);
        }
        let mut child = command.spawn().map_err(|error| {
            let what = format!("can't start {} (setting fetch.yt_dlp)", program.display());
            Failure::new(Reason::Downloader, anyhow::Error::new(error).context(what))
        })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        Ok(Self { child, stdout, stderr })
    }

    /// Waits for the end of the process itself.
    pub(super) async fn end(&mut self) -> Result<ExitStatus, Failure> {
        self.child.wait().await.map_err(Failure::internal)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The number is there only while the process has not been waited for, so it can't be another's by now.
        if let Some(leader) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(leader), Signal::SIGKILL); // it may have ended this moment
        }
    }
}

/// Reads to the end and keeps the last [`STDERR_BYTES`].
pub(super) async fn read_tail(mut from: impl AsyncRead + Unpin) -> Result<String, Failure> {
    let mut tail = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = from.read(&mut buffer).await.map_err(Failure::internal)?;
        if count == 0 {
            return Ok(String::from_utf8_lossy(&tail).into_owned());
        }
        tail.extend_from_slice(&buffer[..count]);
        if tail.len() > 2 * STDERR_BYTES {
            tail.drain(..tail.len() - STDERR_BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::sys::signal::kill;
    use tokio::io::{AsyncBufReadExt, BufReader};

    use super::*;

    #[tokio::test]
    async fn a_dropped_group_takes_its_grandchildren_along() {
        let arguments = ["-c", "sleep 600 & echo $!; wait"].map(OsString::from);
        let mut group = Group::start(Path::new("sh"), &arguments, Path::new("/")).unwrap();
        let mut lines = BufReader::new(group.stdout.take().unwrap()).lines();
        let grandchild = Pid::from_raw(lines.next_line().await.unwrap().unwrap().parse().unwrap());
        assert!(kill(grandchild, None).is_ok());
        drop(group);
        // The pipe's last writer is the grandchild: its end is seen as the end of the output.
        let end = tokio::time::timeout(Duration::from_secs(10), lines.next_line()).await;
        assert_eq!(end.expect("the grandchild holds the pipe").unwrap(), None);
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let failure = Group::start(Path::new("/no/such/yt-dlp"), &[], Path::new("/")).unwrap_err();
        assert_eq!(failure.reason, Reason::Downloader);
        assert!(failure.to_string().contains("/no/such/yt-dlp"), "{failure}");
    }

    #[tokio::test]
    async fn the_end_of_a_long_text_is_kept() {
        let text = format!("{}the end", "x".repeat(5 * STDERR_BYTES));
        let tail = read_tail(text.as_bytes()).await.unwrap();
        assert!(tail.ends_with("xthe end") && tail.len() <= 2 * STDERR_BYTES);
    }
}
