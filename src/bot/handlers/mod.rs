//! Handlers: one file a kind of wish.
//!
//! In: one update and the desk. Out: the wish stored by the intake, an answer begun. Must not: work on jobs, or wait for Telegram.

pub(super) mod buttons;
pub(super) mod commands;
pub(super) mod links;
