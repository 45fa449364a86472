//! The sandbox driven by Telegram clients that nobody here wrote, from PyPI: Telethon and kurigram over MTProto, aiogram and python-telegram-bot over the
//! Bot API.
//!
//! Needs what `scripts/setup.sh --dev` installs; without it these tests fail and say so.

mod bots;
mod kurigram;
mod rig;
mod telethon;
