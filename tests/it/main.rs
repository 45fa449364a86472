//! Integration tests: the rules of the house, the steps with real parts, and flows that read like a chat.

mod media;
mod tidy;
