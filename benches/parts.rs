//! What sending a file's parts costs the sender: its processor time over that of the cipher for the same bytes.
//!
//! In: `SANDBOX_BIN` (the sandbox's program; else beside the benchmarks), `PARTS_MB` (1000), `PARTS_CONNECTIONS` (4). Out: figures; last line one
//! JSON object. Must not: reach anything outside this machine. The sandbox is a process of its own, so that its work is not counted.

#![allow(clippy::print_stdout)] // results are what standard output is for

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context;
use grammers_tl_types::{self as tl, Deserializable, RemoteCall};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use ring::digest;
use serde_json::Value;
use tgferry::upload::parts::{self, PART_BYTES};
use tgferry::upload::wire::{Connection, PartBuffers, PartCall, ige_encrypt};

const PHONE: &str = "+9996612345";
const API_ID: i32 = 1;
/// Parts in flight on one connection.
const IN_FLIGHT: usize = 4;

struct Sandbox {
    process: Child,
    said: Value,
}

fn main() -> anyhow::Result<()> {
    let size_bytes = setting("PARTS_MB", 1000)? * 1_000_000;
    let connections = setting("PARTS_CONNECTIONS", 4)?;
    let mut file = tempfile::tempfile()?;
    let block: Vec<u8> = (0..1_000_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    (0..size_bytes / 1_000_000).try_for_each(|_| file.write_all(&block))?;

    let sandbox = Sandbox::start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (cpu_s, wall_s) = runtime.block_on(send(&sandbox, Arc::new(file), size_bytes, connections))?;
    let cipher_s = cipher_s(size_bytes)?;
    let megabytes = size_bytes as f64 / 1e6;
    println!("{megabytes:.0} MB over {connections} connections: {cpu_s:.2} s of processor, {wall_s:.2} s by the clock");
    println!("the cipher alone, the same bytes: {cipher_s:.2} s of processor");
    let (over_cipher, rate) = (cpu_s / cipher_s, megabytes / wall_s);
    println!(r#"{{"bench":"parts","figures":{{"cpu_vs_cipher":{over_cipher:.3},"mb_per_s":{rate:.1}}}}}"#);
    Ok(())
}

/// Processor and clock seconds for all parts of the file.
async fn send(sandbox: &Sandbox, file: Arc<File>, size_bytes: u64, connections: u64) -> anyhow::Result<(f64, f64)> {
    let address = sandbox.text("mtproto")?.parse()?;
    let auth_key = sandbox.auth_key()?;
    log_in(sandbox, &Connection::open(address, auth_key, API_ID).await?).await?;
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Arc::new(Connection::open(address, auth_key, API_ID).await?));
    }
    let buffers = PartBuffers::new(opened.len() * IN_FLIGHT);
    let (next, count) = (Arc::new(AtomicU64::new(0)), parts::count(size_bytes));
    let (begin_cpu_s, begin) = (cpu_s()?, Instant::now());
    let mut senders = tokio::task::JoinSet::new();
    for connection in opened.iter().cycle().take(opened.len() * IN_FLIGHT) {
        let (connection, file, buffers, next) = (Arc::clone(connection), Arc::clone(&file), buffers.clone(), Arc::clone(&next));
        senders.spawn(async move {
            loop {
                let part = next.fetch_add(1, Ordering::Relaxed);
                if part >= count {
                    return anyhow::Ok(());
                }
                let (file, range) = (Arc::clone(&file), parts::range(part, size_bytes));
                let mut buffer = buffers.take().await;
                let read = move || {
                    let bytes = buffer.bytes_mut((range.end - range.start) as usize);
                    file.read_exact_at(bytes, range.start).map(|()| buffer)
                };
                let buffer = tokio::task::spawn_blocking(read).await??;
                let call = PartCall { file_id: 1, part: part as i32, total_parts: Some(count as i32) };
                anyhow::ensure!(connection.save_part(call, buffer).await?, "part {part} was not stored");
            }
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    Ok((cpu_s()? - begin_cpu_s, begin.elapsed().as_secs_f64()))
}

async fn log_in(sandbox: &Sandbox, connection: &Connection) -> anyhow::Result<()> {
    let settings = tl::types::CodeSettings {
        allow_flashcall: false,
        current_number: false,
        allow_app_hash: false,
        allow_missed_call: false,
        allow_firebase: false,
        unknown_number: false,
        logout_tokens: None,
        token: None,
        app_sandbox: None,
    };
    let phone_number = || PHONE.to_owned();
    let api_hash = "0123456789abcdef".to_owned();
    let send = tl::functions::auth::SendCode { phone_number: phone_number(), api_id: API_ID, api_hash, settings: settings.into() };
    let tl::enums::auth::SentCode::Code(sent) = call(connection, send).await? else { anyhow::bail!("no code was sent") };
    let url = format!("{}/code?phone={}", sandbox.text("control")?, PHONE.replace('+', "%2B"));
    let answer: Value = serde_json::from_slice(&reqwest::Client::builder().build()?.get(url).send().await?.bytes().await?)?;
    let phone_code = answer["code"].as_str().map(str::to_owned);
    let phone_code_hash = sent.phone_code_hash;
    call(connection, tl::functions::auth::SignIn { phone_number: phone_number(), phone_code_hash, phone_code, email_verification: None })
        .await?;
    Ok(())
}

async fn call<R: RemoteCall>(connection: &Connection, request: R) -> anyhow::Result<R::Return> {
    let answer = connection.invoke(request.to_bytes()).await?;
    R::Return::from_bytes(&answer).map_err(|error| anyhow::anyhow!("an answer cannot be read: {error}"))
}

/// Processor seconds for hashing and encrypting so many bytes, a part at a time.
fn cipher_s(size_bytes: u64) -> anyhow::Result<f64> {
    let mut part = vec![5_u8; PART_BYTES as usize];
    let begin_s = cpu_s()?;
    for number in 0..parts::count(size_bytes) {
        let range = parts::range(number, size_bytes);
        let bytes = &mut part[..(range.end - range.start) as usize];
        std::hint::black_box(digest::digest(&digest::SHA256, bytes));
        ige_encrypt(bytes, &[7; 32], &[9; 32]);
    }
    Ok(cpu_s()? - begin_s)
}

fn cpu_s() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn setting(name: &str, otherwise: u64) -> anyhow::Result<u64> {
    std::env::var(name).map_or(Ok(otherwise), |value| value.parse().with_context(|| format!("{name} is not a number")))
}

impl Sandbox {
    fn start() -> anyhow::Result<Self> {
        // Benchmarks lie in `deps`, programs one above.
        let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("sandbox"));
        let program = std::env::var_os("SANDBOX_BIN").map(PathBuf::from).or_else(beside).context("no SANDBOX_BIN")?;
        let arguments = ["serve", "--http", "127.0.0.1:0", "--mtproto", "127.0.0.1:0", "--account-phone", PHONE];
        let mut process = Command::new(&program)
            .args(arguments)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no output of the sandbox")?).read_line(&mut line)?;
        Ok(Self { said: serde_json::from_str(&line)?, process })
    }

    fn text(&self, key: &str) -> anyhow::Result<&str> {
        self.said[key].as_str().with_context(|| format!("the sandbox did not tell {key}"))
    }

    fn auth_key(&self) -> anyhow::Result<[u8; 256]> {
        let mut key = [0; 256];
        for (byte, digits) in key.iter_mut().zip(self.text("auth_key_hex")?.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits)?, 16)?;
        }
        Ok(key)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // It may have ended by itself; nothing is to be saved.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
