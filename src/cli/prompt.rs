//! Asking the person at the terminal, or reading what a script pipes in.
//!
//! In: a question. Out: an answer, hidden while typed if it is secret. Must not: print to the standard output; that is for results.

use std::io::{self, BufRead, IsTerminal, Write};

use super::error::CliError;
use crate::config::Secret;

/// Where answers come from: the terminal, or the lines of a pipe.
#[derive(Debug)]
pub(super) struct Prompt {
    terminal: bool,
}

impl Default for Prompt {
    fn default() -> Self {
        Self { terminal: io::stdin().is_terminal() }
    }
}

impl Prompt {
    /// Asks for a line.
    pub(super) fn line(&self, question: &str) -> Result<String, CliError> {
        say_without_newline(&format!("{question}: "));
        let line = read_line()?;
        if !self.terminal {
            say("");
        }
        Ok(line)
    }

    /// Asks for a line that nobody should see.
    pub(super) fn secret(&self, question: &str) -> Result<Secret, CliError> {
        if !self.terminal {
            return self.line(question).map(Secret::from);
        }
        say_without_newline(&format!("{question}: "));
        let line = rpassword::read_password().map_err(|error| unreadable(&error))?;
        Ok(Secret::from(line))
    }
}

/// Tells the person something, on the standard error output.
pub(super) fn say(text: &str) {
    eprintln!("{text}");
}

fn say_without_newline(text: &str) {
    eprint!("{text}");
    // If nobody can read the question, nobody will answer it either: the read fails then.
    let _ = io::stderr().flush();
}

fn read_line() -> Result<String, CliError> {
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(0) => Err(CliError::user(
            "the input ended before all questions were answered",
            "answer in the terminal, or pipe one line for each question",
        )),
        Ok(_) => Ok(line.trim().to_owned()),
        Err(error) => Err(unreadable(&error)),
    }
}

fn unreadable(error: &io::Error) -> CliError {
    CliError::user(format!("the answer can't be read: {error}"), "run it in a terminal, or pipe the answers in")
}
