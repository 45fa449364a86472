//! What parts of files cost the sandbox, so that what is measured with it is the client and not the sandbox.
//!
//! In: nothing (`--json`: figures as the last line). Out: `cpu_vs_cipher`, the sandbox's processor time for parts over what AES-256-IGE and SHA-256 of
//! the same bytes take; `parts_mb_per_s`, what it takes in as fast as it can; `shaped_rate`, the rate that eight connections reach over the cap of their
//! account. Must not: count the client's own work; the sandbox runs in a child process, and the parts are encrypted beforehand.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use aes::cipher::array::Array;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use anyhow::{Context, bail, ensure};
use sha2::Digest;
use tgferry_sandbox::{NetworkShape, Sandbox, SandboxConfig};
use tokio::io::AsyncBufReadExt;

mod client;

use client::{Client, Login, PART_BYTES};

/// Rounds whose median counts; one more goes before them.
const ROUNDS: usize = 5;
const CONNECTIONS: usize = 4;
/// Of each connection in a round: 512 MiB in all.
const PARTS: i32 = 256;
/// What a round's cipher is measured on.
const CIPHER_PARTS: usize = 256;
/// The cap of an account, eight times that of a connection.
const CAP_BYTES_PER_S: u64 = 20_000_000;
const CAPPED_CONNECTIONS: usize = 8;
/// Of each capped connection: about ten seconds.
const CAPPED_PARTS: i32 = 48;
/// `USER_HZ`: what `/proc/<pid>/stat` counts in, the same on every Linux that Rust runs on (`man 5 proc`).
const TICKS_PER_S: f64 = 100.0;
const MEGABYTE: f64 = 1e6;

fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == "--child") {
        return tokio::runtime::Runtime::new().context("starting the runtime")?.block_on(serve());
    }
    let json = std::env::args().any(|argument| argument == "--json");
    let mut sandbox = Served::start()?;
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let cipher_s = cipher_cpu_s()? / CIPHER_PARTS as f64;
        // The same file each time: memory that a virtual machine touches for the first time costs its host many times the copy.
        let (cpu_s, wall) = sandbox.round(1, CONNECTIONS, PARTS)?;
        let parts = CONNECTIONS as f64 * f64::from(PARTS);
        if round > 0 {
            ratios.push(cpu_s / parts / cipher_s);
            rates.push(parts * PART_BYTES as f64 / MEGABYTE / wall.as_secs_f64());
        }
    }
    let shape = NetworkShape {
        connection_bytes_per_s: Some(CAP_BYTES_PER_S / CAPPED_CONNECTIONS as u64),
        account_bytes_per_s: Some(CAP_BYTES_PER_S),
        delay: Duration::from_millis(60),
        ..NetworkShape::default()
    };
    sandbox.say(&serde_json::to_string(&shape)?)?;
    let (_, wall) = sandbox.round(2, CAPPED_CONNECTIONS, CAPPED_PARTS)?;
    let bytes = CAPPED_CONNECTIONS as f64 * f64::from(CAPPED_PARTS) * PART_BYTES as f64;
    let shaped_rate = bytes / wall.as_secs_f64() / CAP_BYTES_PER_S as f64;

    let figures = [
        ("cpu_vs_cipher", median(&mut ratios), "<= 1.5"),
        ("parts_mb_per_s", median(&mut rates), "shown"),
        ("shaped_rate", shaped_rate, ">= 0.97"),
    ];
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:<26} {:>8}   bound", "figure", "value")?;
    for (name, value, bound) in figures {
        writeln!(out, "{name:<26} {:>8}   {bound}", rounded(value))?;
    }
    if json {
        let figures: serde_json::Map<_, _> = figures.iter().map(|(name, value, _)| ((*name).to_owned(), rounded(*value).into())).collect();
        writeln!(out, "{}", serde_json::json!({"bench": "sandbox", "figures": figures}))?;
    }
    Ok(())
}

/// The child: a sandbox that takes shapes of its network, one a line, and answers each with a line.
async fn serve() -> anyhow::Result<()> {
    let sandbox = Sandbox::start(SandboxConfig::default()).await?;
    let login = Login {
        address: SocketAddr::V4(sandbox.mtproto_addr()),
        key: sandbox.new_auth_key(),
        token: sandbox.create_bot("bench_bot").token,
    };
    answer(&login.to_json())?;
    let mut commands = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while let Some(command) = commands.next_line().await? {
        sandbox.network().set(serde_json::from_str(&command)?);
        answer("done")?;
    }
    sandbox.stop().await;
    Ok(())
}

fn answer(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// The sandbox in its process; it ends when this is dropped.
struct Served {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    login: Login,
}

impl Served {
    fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg("--child").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (commands, answers) = (child.stdin.take(), child.stdout.take());
        let mut answers = BufReader::new(answers.context("the child has an output")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let login = Login::from_json(&line)?;
        let served = Self { child, commands: commands.context("the child has an input")?, answers, login };
        Client::connect(&served.login)?.log_in(&served.login.token)?;
        Ok(served)
    }

    fn say(&mut self, command: &str) -> anyhow::Result<()> {
        writeln!(self.commands, "{command}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(line == "done\n", "the child did not do {command}");
        Ok(())
    }

    /// Sends a file over so many connections; gives the sandbox's processor time in seconds and the time that passed.
    fn round(&self, file_id: i64, connections: usize, parts: i32) -> anyhow::Result<(f64, Duration)> {
        let total = parts * connections as i32;
        let mut clients = Vec::new();
        for connection in 0..connections as i32 {
            let mut client = Client::connect(&self.login)?;
            let frames: Vec<_> = (0..parts).map(|part| client.part(file_id, part * connections as i32 + connection, total)).collect();
            clients.push((client, frames));
        }
        let (before_s, start) = (cpu_s(self.child.id())?, Instant::now());
        std::thread::scope(|scope| {
            let running: Vec<_> = clients.iter_mut().map(|(client, frames)| scope.spawn(move || client.send_parts(frames))).collect();
            running.into_iter().try_for_each(|client| client.join().unwrap_or_else(|_| bail!("a client panicked")))
        })?;
        let wall = start.elapsed();
        Ok((cpu_s(self.child.id())? - before_s, wall))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time of a process.
fn cpu_s(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("a name in /proc/<pid>/stat")?;
    // Fields 14 and 15 of `man 5 proc`; the third comes first here.
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / TICKS_PER_S)
}

/// Processor time of AES-256-IGE and SHA-256 of as many parts, with the faster of two crates for the hash.
fn cipher_cpu_s() -> anyhow::Result<f64> {
    let mut part = vec![7_u8; PART_BYTES];
    let aes_s = thread_cpu_s(|| {
        let (blocks, _) = Array::slice_as_chunks_mut(&mut part);
        ige::Decryptor::<aes::Aes256>::new(&[1; 32].into(), &[2; 32].into()).decrypt_blocks(blocks);
    })?;
    let ring_s = thread_cpu_s(|| {
        black_box(ring::digest::digest(&ring::digest::SHA256, &part));
    })?;
    let sha2_s = thread_cpu_s(|| {
        black_box(sha2::Sha256::digest(&part));
    })?;
    Ok(aes_s + ring_s.min(sha2_s))
}

fn thread_cpu_s(mut work: impl FnMut()) -> anyhow::Result<f64> {
    let used_s = || -> anyhow::Result<f64> {
        // The first number: nanoseconds on a processor (Documentation/scheduler/sched-stats.rst of Linux).
        let stat = std::fs::read_to_string(Path::new("/proc/thread-self/schedstat"))?;
        Ok(stat.split_whitespace().next().context("a number in schedstat")?.parse::<f64>()? / 1e9)
    };
    let before_s = used_s()?;
    for _ in 0..CIPHER_PARTS {
        work();
    }
    Ok(used_s()? - before_s)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
