//! A loopback Telegram: one world (people, bots, chats, messages, files), shown through the Bot API over HTTP and through MTProto over TCP.
//!
//! In: addresses to listen on. Out: a [`Sandbox`] that real clients talk to unchanged, and handles to be a user, to script faults and to count.
//! It must not depend on the program that it is used to test.
//!
//! # A test in a minute
//!
//! Start a sandbox, give its addresses to the program under test, and be the person who uses it:
//!
//! ```no_run
//! use std::time::Duration;
//! use tgferry_sandbox::{Fault, Sandbox, SandboxConfig, When};
//!
//! # async fn test() -> anyhow::Result<()> {
//! let sandbox = Sandbox::start(SandboxConfig { strict: true, ..SandboxConfig::default() }).await?;
//! let bot = sandbox.create_bot("ferry_bot");
//! println!("the program is told {} and {}", sandbox.bot_api_url(), bot.token);
//!
//! sandbox.faults().on("sendMessage", When::Nth(1)).gives(Fault::FloodWait { seconds: 1 });
//! let ann = sandbox.user("ann", &bot);
//! ann.sends("https://example.org/film.mp4").await;
//! ann.presses("Video").await?;
//! ann.sees("the film", Duration::from_secs(30), |message| message.media.is_some()).await?;
//! println!("{}", ann.transcript());
//! # Ok(())
//! # }
//! ```
//!
//! Nothing is mocked inside the program: it opens sockets and speaks the protocols. Ports are free ones, files lie in a temporary folder, and all of it ends when the
//! [`Sandbox`] is dropped. A strict one fails the test then, if a fault never came to pass or a method was called that is not served ([`Sandbox::leftovers`]).
//!
//! # What is where
//!
//! | to … | there is |
//! |---|---|
//! | start, make bots, people and accounts, get addresses and keys | [`Sandbox`], [`SandboxConfig`], [`AccountSpec`] |
//! | be a person: write, press, pay, ask inline, react, go to groups and topics, wait for what comes | [`TestUser`], [`MessageView`] |
//! | let something go wrong at a certain call | [`Faults`]: [`When`] and [`Fault`], and [`Event`] for what befalls the world |
//! | make the network slow, late, or broken | [`Network`], [`NetworkShape`] |
//! | change Telegram's limits and times | [`Limits`] |
//! | look at each call over both protocols, or count them | [`WireLog`], [`Counters`] |
//! | do what no client can: delete a channel, expire parts, move an account, set a bot up as with @BotFather | [`World`] |
//!
//! The Bot API answers below [`Sandbox::bot_api_url`], MTProto at [`Sandbox::mtproto_addr`] (each of [`Sandbox::data_centres`] has its own address). A client gets an
//! auth key by the key exchange, if it can be given [`Sandbox::rsa_public_key`], or is handed one by [`Sandbox::new_auth_key`]. What tests do in Rust, programs do over
//! HTTP below [`Sandbox::control_url`], and people on the page at the same address.
//!
//! # How true it is
//!
//! It is strict where Telegram is strict, in Telegram's own words, and refuses loudly what it does not serve. The crate's README lists the methods, the limits, where each
//! rule was read, and what is otherwise than at Telegram. Real clients that share no code with it keep it honest: its tests are driven by teloxide and grammers, and by
//! Telethon, kurigram, aiogram and python-telegram-bot.

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
mod verdict;
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
