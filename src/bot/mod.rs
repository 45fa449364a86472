//! The conversation: updates from Telegram turned into wishes, and answered.
//!
//! In: updates, by polling or a webhook. Out: requests, choices and cancels for the intake; short answers. Must not: do the work, or confirm
//! an update to Telegram before what it wishes is stored.

mod answers;
mod commands;
mod desk;
mod handlers;
mod inbox;
mod listener;
mod polling;
mod schema;
mod webhook;

pub use listener::run;

#[cfg(test)]
mod tests;
