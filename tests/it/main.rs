//! Integration tests: the rules of the house, the steps with real parts, and flows that read like a chat.

mod flows;
mod media;
mod support;
mod tidy;
