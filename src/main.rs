//! Entry point: parse the command line, run, map an error to an exit code.
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("media-worker") => tgferry::media::worker::run(),
        _ => ExitCode::from(2),
    }
}
