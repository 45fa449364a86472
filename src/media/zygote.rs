//! The daemon's side of the process that forks media processes ([`super::worker::zygote`]).
//!
//! In: the wish for a media process. Out: its pipes, and what ends, pauses and outlasts it. Must not: know what it works on.
//!
//! An order is one byte with the descriptors of stdin, stdout, stderr and *control*. On control the daemon says [`PAUSE`] and [`GO_ON`]; when it closes its side the process and
//! whatever that may have started are killed. The zygote says the wait status (four bytes, little end first) when the process has been reaped. No number of a process crosses, so that
//! none can be mistaken for another that got it later.

use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, anyhow};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf, pipe};

/// Stop working until told otherwise.
pub(super) const PAUSE: u8 = b'p';
/// Work again.
pub(super) const GO_ON: u8 = b'g';

/// Starts media processes; itself a process that is started with the first of them, and anew if it died.
#[derive(Debug)]
pub(super) struct Zygote {
    program: PathBuf,
    running: Mutex<Option<Running>>,
}

/// A media process.
pub(super) struct Worker {
    /// It reads requests and feeds here; its end tells it that nobody waits any more.
    pub(super) stdin: pipe::Sender,
    /// It answers here.
    pub(super) stdout: pipe::Receiver,
    /// It complains here.
    pub(super) stderr: pipe::Receiver,
    /// It lives as long as this does.
    pub(super) control: Control,
    /// Its end is heard of here.
    pub(super) end: End,
}

impl Zygote {
    /// Started as `<program> media-zygote`, which has to call [`super::worker::zygote::run`].
    pub(super) fn new(program: PathBuf) -> Self {
        Self { program, running: Mutex::new(None) }
    }

    /// A new media process.
    pub(super) fn fork(&self) -> anyhow::Result<Worker> {
        let (stdin, its_stdin) = pipe_to()?;
        let (its_stdout, stdout) = pipe::pipe()?;
        let (its_stderr, stderr) = pipe::pipe()?;
        let (control, its_control) = UnixStream::pair()?;
        let files: [OwnedFd; 4] =
            [its_stdin, its_stdout.into_blocking_fd()?, its_stderr.into_blocking_fd()?, its_control.into_std()?.into()];
        self.order(&files)?;
        let (end, control) = control.into_split();
        Ok(Worker { stdin, stdout, stderr, control: Control(control), end: End(end) })
    }

    fn order(&self, files: &[OwnedFd]) -> anyhow::Result<()> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zygote) = running.as_ref() {
            match zygote.order(files) {
                Ok(()) => return Ok(()),
                // It lives, and so do its children: the task that can't begin now is tried again.
                Err(error @ (Errno::EAGAIN | Errno::ENOBUFS | Errno::ETOOMANYREFS)) => {
                    return Err(error).context("asking for a media process");
                }
                Err(error) => tracing::warn!(%error, "the process that starts media processes is gone; it is started anew"),
            }
        }
        *running = None; // the one before is gone before the next begins
        let started = Running::start(&self.program)?;
        started.order(files).context("asking for a media process")?;
        *running = Some(started);
        Ok(())
    }
}

fn pipe_to() -> std::io::Result<(pipe::Sender, OwnedFd)> {
    let (sender, receiver) = pipe::pipe()?;
    Ok((sender, receiver.into_blocking_fd()?))
}

/// The zygote while it runs.
#[derive(Debug)]
struct Running {
    process: Child,
    orders: OwnedFd,
}

impl Running {
    fn start(program: &Path) -> anyhow::Result<Self> {
        let (orders, its_orders) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).context("making a pair of sockets")?;
        let process = Command::new(program)
            .arg("media-zygote")
            .env_clear()
            .env("LANG", "C.UTF-8")
            .current_dir("/")
            .stdin(Stdio::from(its_orders))
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {} media-zygote", program.display()))?;
        Ok(Self { process, orders })
    }

    fn order(&self, files: &[OwnedFd]) -> nix::Result<()> {
        let numbers: Vec<_> = files.iter().map(AsRawFd::as_raw_fd).collect();
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        sendmsg::<()>(self.orders.as_raw_fd(), &[IoSlice::new(b"w")], &[ControlMessage::ScmRights(&numbers)], flags, None).map(drop)
    }
}

impl Drop for Running {
    /// Its children ask the kernel to go when it goes.
    fn drop(&mut self) {
        if let Err(error) = self.process.kill().and_then(|()| self.process.wait()) {
            tracing::debug!(%error, "ending the process that starts media processes");
        }
    }
}

/// The life of a media process in one's hand: dropping it kills the process and all that it may have started.
pub(super) struct Control(OwnedWriteHalf);

impl Control {
    /// Says [`PAUSE`] or [`GO_ON`]; one that has ended meanwhile does not hear it.
    pub(super) async fn tell(&mut self, word: u8) {
        if let Err(error) = self.0.write_all(&[word]).await {
            tracing::debug!(%error, "the media process has ended already");
        }
    }
}

/// The end of a media process.
pub(super) struct End(OwnedReadHalf);

impl End {
    /// Waits until nothing is left of it.
    pub(super) async fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        let mut status = [0; 4];
        self.0.read_exact(&mut status).await.map_err(|error| anyhow!("the process that starts media processes has gone: {error}"))?;
        Ok(ExitStatus::from_raw(i32::from_le_bytes(status)))
    }
}
