//! Entry point: parse the command line, run, map an error to an exit code.
//!
//! In: arguments and environment. Out: exit code 0 well, 1 the user's input or set-up, 2 ours. Must not: hold logic.

use std::process::ExitCode;

fn main() -> ExitCode {
    tgferry::observability::keep_memory_small();
    tgferry::cli::main(tgferry::media::worker::run, tgferry::media::worker::zygote::run)
}
