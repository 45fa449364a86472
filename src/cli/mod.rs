//! The command line.
//!
//! In: arguments. Out: an exit code. Must not: do the work itself.

pub mod accounts;
pub mod error;
pub mod login;
pub mod logout;
pub mod prompt;
mod qr;
