//! The zygote: a process that has FFmpeg loaded and forks a media process for each task. To load FFmpeg's hundred and more libraries takes longer than many a task.
//!
//! In: orders on the socket at stdin, each one byte with four descriptors (src/media/zygote.rs). Out: a process for each order; how it ended, on the last of its descriptors. Must
//! not: start a thread (only the one that forks lives on in the child), read a file of strangers, or outlive the daemon.

use std::io::{IoSliceMut, Read, Write};
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use ffmpeg_next as ffmpeg;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork, setpgid};

use crate::media::zygote::{GO_ON, PAUSE};

/// The socket that orders come on.
const ORDERS: RawFd = 0;
const DESCRIPTORS: usize = 4;

/// A media process that runs, and what hears of it.
struct Worker {
    leader: Pid,
    control: UnixStream,
    is_killed: bool,
}

/// What an order brings.
struct Order {
    stdin: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
    control: UnixStream,
}

/// Runs the zygote: to be called by `main` for the hidden subcommand `media-zygote`, before any thread is started. Returns when the daemon is gone.
pub fn run() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("media-zygote is started by tgferry itself and hears from there what to do: {error}");
            ExitCode::from(2)
        }
    }
}

fn serve() -> std::io::Result<()> {
    ffmpeg::init().map_err(std::io::Error::other)?;
    let mut ends = SigSet::empty();
    ends.add(Signal::SIGCHLD);
    ends.thread_block()?;
    let ended = SignalFd::with_flags(&ends, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let mut workers: Vec<Worker> = Vec::new();
    loop {
        let ready = wait(&ended, &workers)?;
        if ready.ended {
            while let Ok(Some(_)) = ended.read_signal() {} // several ends may be one signal: all are looked for
            reap(&mut workers);
        }
        if ready.told {
            // One that has ended meanwhile is still listed: its number is nobody else's before it is reaped here.
            workers.iter_mut().for_each(obey);
        }
        if ready.ordered {
            match order() {
                Ok(Some(order)) => match start(order, &ends, &mut workers) {
                    Ok(worker) => workers.push(worker),
                    Err(error) => eprintln!("the zygote could not fork: {error}"), // the daemon sees the end of the order's descriptors
                },
                Ok(None) => break,
                Err(error) => eprintln!("the zygote was told something strange: {error}"),
            }
        }
    }
    for worker in &workers {
        let _ = killpg(worker.leader, Signal::SIGKILL); // fails only if it has gone already
    }
    Ok(())
}

/// What is to be done next.
struct Ready {
    ended: bool,
    told: bool,
    ordered: bool,
}

fn wait(ended: &SignalFd, workers: &[Worker]) -> std::io::Result<Ready> {
    let stdin = std::io::stdin(); // for its number alone: nothing is read through its buffer
    let mut files = vec![PollFd::new(stdin.as_fd(), PollFlags::POLLIN), PollFd::new(ended.as_fd(), PollFlags::POLLIN)];
    let listened_to = workers.iter().filter(|worker| !worker.is_killed);
    files.extend(listened_to.map(|worker| PollFd::new(worker.control.as_fd(), PollFlags::POLLIN)));
    loop {
        match poll(&mut files, PollTimeout::NONE) {
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut is_ready = files.iter().map(|file| file.any().unwrap_or(true));
    let (ordered, ended) = (is_ready.next() == Some(true), is_ready.next() == Some(true));
    Ok(Ready { ended, ordered, told: is_ready.any(|is_ready| is_ready) })
}

/// None if the daemon is gone.
fn order() -> std::io::Result<Option<Order>> {
    let mut byte = [0];
    let mut space = nix::cmsg_space!([RawFd; DESCRIPTORS]);
    let mut slices = [IoSliceMut::new(&mut byte)];
    let message = recvmsg::<()>(ORDERS, &mut slices, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let mut files = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            // SAFETY: the kernel has just made these descriptors for us, and nobody else knows them.
            files.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
        }
    }
    if message.bytes == 0 {
        return Ok(None);
    }
    let [stdin, stdout, stderr, control] =
        <[OwnedFd; DESCRIPTORS]>::try_from(files).map_err(|files| std::io::Error::other(format!("{} descriptors", files.len())))?;
    let control = UnixStream::from(control);
    control.set_nonblocking(true)?;
    Ok(Some(Order { stdin, stdout, stderr, control }))
}

fn start(order: Order, ends: &SigSet, workers: &mut Vec<Worker>) -> nix::Result<Worker> {
    // SAFETY: this process has one thread, so the child's memory is whole: no lock is held by a thread that it does not have.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            // Both do it, so that it is done before either goes on. The child may have ended already.
            let _ = setpgid(child, child);
            Ok(Worker { leader: child, control: order.control, is_killed: false })
        }
        ForkResult::Child => {
            workers.clear(); // what belongs to others must close when they close it
            let code = std::panic::catch_unwind(AssertUnwindSafe(|| become_worker(order, ends))).unwrap_or(101);
            // SAFETY: _exit ends the process at once. What a library would do at its exit belongs to the zygote.
            unsafe { libc::_exit(code) }
        }
    }
}

/// The child's own life. Its exit code.
fn become_worker(order: Order, ends: &SigSet) -> i32 {
    let prepare = || {
        setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
        dup2_stdin(&order.stdin)?; // the socket of the orders is closed by it
        dup2_stdout(&order.stdout)?;
        dup2_stderr(&order.stderr)?;
        ends.thread_unblock()
    };
    if prepare().is_err() {
        return 2;
    }
    drop(order);
    i32::from(super::answer_one())
}

/// Does what the daemon says of a process: end it if nobody waits for it any more, let it pause, let it go on.
fn obey(worker: &mut Worker) {
    let mut words = [0; 16];
    let signal = match worker.control.read(&mut words) {
        Ok(0) => Signal::SIGKILL,
        Ok(count) if words[count - 1] == PAUSE => Signal::SIGSTOP,
        Ok(count) if words[count - 1] == GO_ON => Signal::SIGCONT,
        Ok(_) => return,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
        Err(_) => Signal::SIGKILL,
    };
    worker.is_killed |= signal == Signal::SIGKILL;
    let _ = killpg(worker.leader, signal); // fails only if it has gone already
}

/// Tells the daemon of those that have ended.
fn reap(workers: &mut Vec<Worker>) {
    loop {
        // As wait(2) has it: the exit code in the second byte, or the signal in the first.
        let (leader, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(leader, code)) => (leader, code << 8),
            Ok(WaitStatus::Signaled(leader, signal, _)) => (leader, signal as i32),
            Ok(WaitStatus::StillAlive) | Err(_) => return,
            Ok(_) => continue,
        };
        if let Some(place) = workers.iter().position(|worker| worker.leader == leader) {
            let mut worker = workers.swap_remove(place);
            // The daemon may have gone meanwhile; then nobody needs to know.
            let _ = worker.control.write_all(&status.to_le_bytes());
        }
    }
}
