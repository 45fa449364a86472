//! A loopback Telegram: one world (users, chats, messages, files), shown through the Bot API over HTTP and through MTProto over TCP.
//!
//! In: addresses to listen on. Out: a [`Sandbox`] that real clients talk to unchanged, and handles to be a user, to script faults and to count.
//! It must not depend on the program that it is used to test.

mod bot_api;
mod control;
mod cut;
mod detect;
pub mod faults;
mod http_wire;
mod limits;
mod mtproto;
mod network;
mod sandbox;
mod serve_file;
mod user;
mod wire_log;
pub mod world;

pub use faults::{Event, Fault, Faults, When};
pub use limits::Limits;
pub use mtproto::exchange::server_key::RsaPublicKey;
pub use network::{Network, NetworkShape};
pub use sandbox::{AccountInfo, BotInfo, Sandbox, SandboxConfig};
pub use user::{InlineOffer, InlineResults, Receipt, TestUser};
pub use wire_log::{WireEntry, WireFace, WireLog};
pub use world::accounts::AccountSpec;
pub use world::{CallbackAnswer, ChatRef, Counters, MediaView, MessageView, User, World};
