//! Going up: by the bot's multipart upload, or part by part through a user account into the relay channel.
//!
//! In: a spool, what is known of the file, a lane's client. Out: where the file then is. Must not: choose the lane, or copy it on to
//! the person who asked.

pub mod album;
pub mod bot_api;
mod halt;
mod ledger;
mod lines;
mod pace;
pub mod parts;
mod plan;
mod publish;
mod sender;
pub mod uploader;
#[doc(hidden)] // for the measurements in benches/
pub mod wire;

pub use halt::outgrew;
