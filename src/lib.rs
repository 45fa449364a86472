//! tgferry: carries big files into Telegram.
//!
//! Purpose: the library behind the `tgferry` program, one module a folder of the plan in ARCHITECTURE.md. In: nothing of its own;
//! `main.rs` calls [`cli`]. Must not: hold state; the composition root is [`app`].

pub mod config;
pub mod media;
pub mod model;
pub mod spool;
