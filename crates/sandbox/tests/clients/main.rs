//! The sandbox driven by programs that nobody here wrote: Telethon and kurigram over MTProto, aiogram and python-telegram-bot over the Bot API, all from
//! PyPI, and for its page Chromium.
//!
//! Needs what `scripts/setup.sh --dev` installs; without it these tests fail and say so.

mod bots;
mod kurigram;
mod page;
mod rig;
mod telethon;
