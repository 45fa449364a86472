//! tgferry: carries big files into Telegram.
//!
//! Purpose: the library behind the `tgferry` program, one module a folder of the plan in ARCHITECTURE.md. In: nothing of its own;
//! `main.rs` calls [`cli`]. Must not: hold state; the composition root is [`app`].

pub mod app;
pub mod bot;
pub mod cli;
pub mod config;
pub mod deliver;
pub mod error;
pub mod fetch;
pub mod i18n;
pub mod intake;
pub mod media;
pub mod model;
pub mod observability;
pub mod pipeline;
pub mod queue;
pub mod route;
pub mod spool;
pub mod store;
pub mod telegram;
pub mod upload;
