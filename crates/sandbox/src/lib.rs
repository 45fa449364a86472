//! A loopback Telegram: one world (users, chats, messages, files), shown through the Bot API over HTTP and through MTProto over TCP.
//!
//! In: addresses to listen on. Out: a [`Sandbox`] that real clients talk to unchanged, and handles to be a user, to script faults and to count.
//! It must not depend on the program that it is used to test.

pub mod faults;
mod limits;
mod mtproto;
pub mod world;

pub use faults::{Fault, Faults, When};
pub use limits::Limits;
pub use world::World;
