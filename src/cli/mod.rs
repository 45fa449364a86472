//! The command line: what can be asked of the program, and how an answer becomes an exit code.
//!
//! In: arguments. Out: 0 well, 1 the user's input or set-up, 2 ours. Must not: call a step of the line.

pub mod accounts;
mod doctor;
pub mod login;
pub mod logout;
mod media;
pub mod prompt;
mod qr;
mod run;
mod send;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, Config};
use crate::error::CliError;

/// The file that is read if `--config` names none.
const DEFAULT_FILE: &str = "config/tgferry.toml";

/// Carries big files into Telegram.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
struct Arguments {
    /// Configuration file [default: config/tgferry.toml if it exists]
    #[arg(long, global = true, env = "TGFERRY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// What is logged, e.g. `debug` or `info,tgferry=debug`
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon
    Run,
    /// Log a user account in and set the relay channel up; run again to check and mend
    Login {
        /// Name of the session; one account each
        #[arg(long, default_value = "main")]
        name: String,
        /// Phone number with country code; asked for if absent
        #[arg(long)]
        phone: Option<String>,
        /// Log in by a QR code, scanned with the Telegram app
        #[arg(long, conflicts_with = "phone")]
        qr: bool,
        /// Use this channel as the relay instead of making one: @name, -100… or a t.me link
        #[arg(long, value_name = "CHANNEL", allow_hyphen_values = true)]
        relay: Option<String>,
    },
    /// Log a user account, or the bot's own session, out and remove the session
    Logout {
        /// Which session, as `tgferry accounts` names it
        #[arg(long, default_value = "main")]
        name: String,
        /// Remove the file even if Telegram can't be told
        #[arg(long)]
        force: bool,
    },
    /// Show the accounts that carry big files, how they are, and what they have sent
    Accounts {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Send a file or a link to a chat
    Send(send::SendArgs),
    /// Work on media files of this machine, without Telegram
    #[command(subcommand)]
    Media(media::MediaCommand),
    /// Check the set-up and say how to mend what is wrong
    Doctor {
        /// Only what needs no network
        #[arg(long)]
        quick: bool,
    },
    /// One task of media work, read from standard input
    #[command(hide = true)]
    MediaWorker,
    /// The process that forks one for each task of media work; started by the daemon
    #[command(hide = true)]
    MediaZygote,
}

/// Runs the program. `media_worker` and `media_zygote` are what the hidden commands of those names do: they belong to a step, which this module must not know.
pub fn main(media_worker: fn() -> ExitCode, media_zygote: fn() -> ExitCode) -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = u8::from(error.use_stderr());
            let _ = error.print(); // a closed terminal leaves nobody to tell
            return ExitCode::from(code);
        }
    };
    match arguments.command {
        Command::MediaWorker => return media_worker(), // before any thread: it limits its own process
        Command::MediaZygote => return media_zygote(), // before any thread: it forks
        _ => {}
    }
    match start(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn start(arguments: Arguments) -> Result<(), CliError> {
    let mut overrides = Vec::new();
    let daemon = matches!(arguments.command, Command::Run);
    match &arguments.log {
        Some(filter) => overrides.push(("log.filter", filter.clone())),
        None if !daemon => overrides.push(("log.filter", "warn".to_owned())), // in a terminal the answers matter, not the log
        None => {}
    }
    let file = arguments.config.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()));
    let config = load(file.as_deref(), &overrides)?;
    crate::observability::init(&config).map_err(CliError::setup)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::ours)?;
    let outcome = runtime.block_on(async {
        match arguments.command {
            Command::Run => run::run(config).await,
            Command::Login { name, phone, qr, relay } => login::run(&config, login::LoginArgs { name, phone, qr, relay }).await,
            Command::Logout { name, force } => logout::run(&config, logout::LogoutArgs { name, force }).await,
            Command::Accounts { json } => accounts::run(&config, json).await.map(|table| say(table.trim_end())),
            Command::Send(args) => send::run(config, args).await,
            Command::Media(command) => media::run(&config, command).await,
            Command::Doctor { quick } => doctor::run(&config, quick).await,
            Command::MediaWorker | Command::MediaZygote => unreachable!("handled before the runtime"),
        }
    });
    // A task that hangs must not hold the process up after everything was stored.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

fn load(file: Option<&Path>, overrides: &[(&str, String)]) -> Result<Config, CliError> {
    Ok(config::load(file, overrides)?)
}

/// A line of a command's result, on standard output.
#[allow(clippy::print_stdout)] // results are what standard output is for
pub(crate) fn say(line: impl std::fmt::Display) {
    println!("{line}");
}
