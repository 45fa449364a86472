//! Asking the person at the terminal, or reading what a script pipes in.
//!
//! In: a question. Out: an answer, hidden while typed if it is secret. Must not: print to the standard output; that is for results.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::config::Secret;
use crate::error::CliError;

/// Where answers come from.
pub struct Prompt(Source);

enum Source {
    Terminal,
    Pipe,
    Given(Box<dyn Fn(&str) -> String + Send + Sync>),
}

impl Prompt {
    /// The terminal, or the lines of the standard input where that is no terminal.
    pub fn of_this_process() -> Self {
        Self(if io::stdin().is_terminal() { Source::Terminal } else { Source::Pipe })
    }

    /// Answers that the caller has: it is given the question.
    pub fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self(Source::Given(Box::new(answer)))
    }

    /// Asks for a line.
    pub async fn line(&self, question: &str) -> Result<String, CliError> {
        match &self.0 {
            Source::Given(answer) => return Ok(answer(question)),
            Source::Terminal => say_without_newline(&format!("{question}: ")),
            // No Enter of the person ends the line here.
            Source::Pipe => say(&format!("{question}:")),
        }
        in_background(read_line).await
    }

    /// Asks for a line that nobody should see.
    pub async fn secret(&self, question: &str) -> Result<Secret, CliError> {
        let Source::Terminal = self.0 else {
            return self.line(question).await.map(Secret::from);
        };
        say_without_newline(&format!("{question}: "));
        let line = in_background(|| rpassword::read_password().map_err(|error| unreadable(&error))).await?;
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

/// A person takes long; the connections must be looked after meanwhile.
async fn in_background<T: Send + 'static>(read: impl FnOnce() -> Result<T, CliError> + Send + 'static) -> Result<T, CliError> {
    tokio::task::spawn_blocking(read).await.map_err(CliError::ours)?
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
