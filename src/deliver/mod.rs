//! Deliver: what a person sees of a job: the card, the one status message, the file.
//!
//! In: jobs, cards, progress, messages in the relay. Out: messages in the requester's chat. Must not: decide what comes next, or touch the store.

mod caption;
mod card;
mod hand_over;
mod in_doubt;
mod render;
mod speed;
mod status;
mod throttle;

pub use caption::caption;
pub use card::{reply, send_card};
pub use hand_over::copy_from_relay;
pub use in_doubt::find_in_doubt;
pub use render::{failed, later};
pub use status::StatusMessage;
