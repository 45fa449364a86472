//! The sandbox driven by Telegram clients that nobody here wrote: Telethon and kurigram, from PyPI.
//!
//! Needs what `scripts/setup.sh --dev` installs; without it these tests fail and say so.

mod kurigram;
mod rig;
mod telethon;
