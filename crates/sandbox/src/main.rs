//! The `sandbox` program: a loopback Telegram to play with, or for a demo.
//!
//! In: addresses and names on the command line. Out: one JSON line with everything a client needs, then service until SIGTERM or SIGINT.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use serde_json::json;
use tgferry_sandbox::{AccountSpec, Limits, NetworkShape, Sandbox, SandboxConfig};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(about = "A loopback Telegram: Bot API over HTTP, MTProto over TCP, a page of the chat at /", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT; prints one JSON line when ready.
    Serve(Serve),
}

#[derive(Args)]
struct Serve {
    /// Bot API, control API and page.
    #[arg(long, default_value = "127.0.0.1:8081")]
    http: SocketAddr,
    /// MTProto.
    #[arg(long, default_value = "127.0.0.1:8443")]
    mtproto: SocketAddr,
    /// Another data centre, as NUMBER=ADDRESS; may be given several times.
    #[arg(long = "dc", value_parser = data_centre)]
    other_dcs: Vec<(i32, SocketAddr)>,
    /// Folder for files [default: a temporary one].
    #[arg(long)]
    data: Option<PathBuf>,
    /// Be a self-hosted Bot API server with `--local`: uploads of 2000 MB, downloads of any size, paths in place of files.
    #[arg(long)]
    local: bool,
    /// Username of the bot.
    #[arg(long, default_value = "ferry_bot")]
    bot_username: String,
    /// Username of a person; may be given several times.
    #[arg(long = "user")]
    users: Vec<String>,
    /// Phone number of an account that can log in.
    #[arg(long)]
    account_phone: Option<String>,
    /// First name of that account.
    #[arg(long, default_value = "Carrier")]
    account_name: String,
    /// Its 2FA password [default: none].
    #[arg(long)]
    account_password: Option<String>,
    /// It has Telegram Premium.
    #[arg(long)]
    account_premium: bool,
    /// Bytes a second that a client may send over one MTProto connection [default: no cap].
    #[arg(long)]
    connection_bytes_per_s: Option<u64>,
    /// The same over all MTProto connections of one account [default: no cap].
    #[arg(long)]
    account_bytes_per_s: Option<u64>,
    /// Milliseconds added to the time that any MTProto answer takes.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// Cut each MTProto connection after so many bytes [default: never].
    #[arg(long)]
    cut_after_bytes: Option<u64>,
    /// Seconds after which a part is forgotten that no message took [default: six hours].
    #[arg(long)]
    part_lifetime_s: Option<u64>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let Command::Serve(serve) = Cli::parse().command;
    run(serve).await
}

async fn run(serve: Serve) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let part_lifetime = serve.part_lifetime_s.map(Duration::from_secs);
    let default = if serve.local { Limits::local() } else { Limits::default() };
    let limits = Limits { part_lifetime: part_lifetime.unwrap_or(default.part_lifetime), ..default };
    let config = SandboxConfig {
        http: serve.http,
        mtproto: serve.mtproto,
        other_dcs: serve.other_dcs.clone(),
        data: serve.data.clone(),
        limits,
        ..SandboxConfig::default()
    };
    let sandbox = Sandbox::start(config).await?;
    sandbox.network().set(NetworkShape {
        connection_bytes_per_s: serve.connection_bytes_per_s,
        account_bytes_per_s: serve.account_bytes_per_s,
        delay: Duration::from_millis(serve.delay_ms),
        cut_after_bytes: serve.cut_after_bytes,
    });
    announce(&sandbox, &serve)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    sandbox.stop().await;
    Ok(())
}

fn data_centre(text: &str) -> Result<(i32, SocketAddr), String> {
    let (id, address) = text.split_once('=').ok_or("write 4=127.0.0.1:8444")?;
    Ok((id.parse().map_err(|error| format!("{id}: {error}"))?, address.parse().map_err(|error| format!("{address}: {error}"))?))
}

/// Makes who was asked for, and says where everything is.
fn announce(sandbox: &Sandbox, serve: &Serve) -> anyhow::Result<()> {
    let bot = sandbox.create_bot(&serve.bot_username);
    let users: Vec<_> = serve.users.iter().map(|name| sandbox.create_user(name)).collect();
    let accounts: Vec<_> = serve
        .account_phone
        .iter()
        .map(|phone| {
            sandbox.create_account(AccountSpec {
                phone: phone.clone(),
                first_name: serve.account_name.clone(),
                username: None,
                premium: serve.account_premium,
                password: serve.account_password.clone(),
            })
        })
        .collect();
    let mut auth_key_hex = String::new();
    for byte in sandbox.new_auth_key() {
        write!(auth_key_hex, "{byte:02x}").context("writing the key")?;
    }
    let line = json!({
        "bot_api_url": sandbox.bot_api_url(),
        "mtproto": sandbox.mtproto_addr().to_string(),
        "dc_id": sandbox.dc_id(),
        "data_centres": sandbox.data_centres(),
        "bot": bot,
        "users": users.iter().map(|user| json!({"id": user.id, "username": user.username})).collect::<Vec<_>>(),
        "accounts": accounts,
        "auth_key_hex": auth_key_hex,
        "rsa": sandbox.rsa_public_key(),
        "control": sandbox.control_url(),
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("writing to the standard output")
}
