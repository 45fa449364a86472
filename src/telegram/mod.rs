//! What several steps need of Telegram: the bot's client, user accounts (session, login, health), the relay channel, flood rules.
//!
//! In: configuration, calls of the steps and of the command line. Out: clients, accounts, failures in our own terms.
//! Must not: decide what is uploaded or sent where.

pub mod account;
pub mod bot;
pub mod edit;
pub mod errors;
pub mod keyboards;
pub mod limits;
pub mod login;
pub mod patience;
pub mod pool;
pub mod relay;
pub mod session;
