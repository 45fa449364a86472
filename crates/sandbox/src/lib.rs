//! A loopback Telegram: one world, two faces.
