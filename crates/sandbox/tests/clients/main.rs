//! The sandbox driven by programs that nobody here wrote: Telethon and kurigram, from PyPI, and for its page Chromium.
//!
//! Needs what `scripts/setup.sh --dev` installs; without it these tests fail and say so.

mod kurigram;
mod page;
mod rig;
mod telethon;
