//! Deliver: what a person sees of a job: the card, the one status message, the file.
//!
//! In: jobs, cards, progress, messages in the relay. Out: messages in the requester's chat. Must not: decide what comes next, or touch the store.

pub mod aside;
pub mod caption;
pub mod card;
pub mod hand_over;
pub mod render;
mod speed;
pub mod status;
mod throttle;

pub use status::StatusMessage;

#[cfg(test)]
mod tests;
