//! What several steps need of Telegram.
//!
//! In: calls of the steps and of the bot. Out: answers, failures in our own terms. Must not: decide what is uploaded or sent where.

pub mod bot;
pub mod edit;
pub mod keyboards;
pub mod patience;
