//! What a command failed with: what happened, what mends it, and whose fault it is.
//!
//! In: errors of what a command called. Out: a text with a `hint:` and an exit code. Must not: print.

use crate::config::ConfigError;
use crate::model::{Failure, Reason};
use crate::telegram::session::SessionError;

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input or the set-up: exit code 1.
    User,
    /// Ours, or a server's: exit code 2.
    Ours,
}

/// A command's error.
#[derive(Debug)]
pub struct CliError {
    /// What happened.
    pub what: String,
    /// What mends it.
    pub hint: Option<String>,
    /// Whose fault it is.
    pub kind: ErrorKind,
}

impl CliError {
    /// The user can mend it.
    pub fn user(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: Some(hint.into()), kind: ErrorKind::User }
    }

    /// The user can mend it, and the error's own text says how.
    pub fn setup(error: impl std::fmt::Display) -> Self {
        Self { what: format!("{error:#}"), hint: None, kind: ErrorKind::User }
    }

    /// The user can't.
    pub fn ours(what: impl std::fmt::Display) -> Self {
        Self { what: what.to_string(), hint: None, kind: ErrorKind::Ours }
    }

    /// 1 for the user's input or set-up, 2 for ours.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            ErrorKind::User => 1,
            ErrorKind::Ours => 2,
        }
    }
}

impl std::fmt::Display for CliError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.what)?;
        match &self.hint {
            Some(hint) => write!(formatter, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CliError {}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        // Its text holds the hint already.
        Self { what: error.to_string(), hint: None, kind: ErrorKind::User }
    }
}

impl From<SessionError> for CliError {
    fn from(error: SessionError) -> Self {
        match &error {
            SessionError::InUse { .. } => Self::user(error.to_string(), "stop the daemon, or use another name with --name"),
            SessionError::BadName { .. } | SessionError::DataCentre(_) => {
                Self { what: error.to_string(), hint: None, kind: ErrorKind::User }
            }
            SessionError::Schema { .. } => Self::user(error.to_string(), "use the newer program, or log in anew"),
            SessionError::Io { .. } => Self::user(error.to_string(), "check the path and its rights (storage.sessions_dir)"),
            SessionError::Sql(_) => Self::ours(error),
        }
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        let what = format!("{:#}", failure.cause);
        match failure.reason {
            Reason::FloodWait { seconds } => {
                Self::user(format!("Telegram asks for a pause of {seconds} s"), "wait that long, then run the command again")
            }
            Reason::SessionRevoked => Self::user("the account is not logged in", "run `tgferry login`"),
            Reason::RelayGone => Self::user(what, "run `tgferry login` again, with --relay to use an existing channel"),
            Reason::Telegram => Self { what, hint: Some("check the network and try again".to_owned()), kind: ErrorKind::Ours },
            _ => Self::ours(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_mends_them_and_whose_they_are() {
        let table: [(CliError, &str, u8); 4] = [
            (SessionError::InUse { name: "main".into() }.into(), "the session main is in use by another process\nhint: stop the daemon", 1),
            (Failure::from(Reason::FloodWait { seconds: 9 }).into(), "Telegram asks for a pause of 9 s\nhint: wait that long", 1),
            (Failure::from(Reason::SessionRevoked).into(), "the account is not logged in\nhint: run `tgferry login`", 1),
            (Failure::internal(anyhow::anyhow!("broken")).into(), "internal error: broken", 2),
        ];
        for (error, begins, code) in table {
            assert!(error.to_string().starts_with(begins), "{error}");
            assert_eq!(error.exit_code(), code);
        }
    }
}
