//! What the flows share: the sandbox with people in it, the daemon as a real process, a web site to fetch from, clips.

pub mod clips;
pub mod daemon;
pub mod scene;
pub mod site;
