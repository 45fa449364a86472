//! The Bot API face, driven over HTTP by a plain client and by teloxide.

mod albums;
mod channels;
mod chat;
mod control;
mod edits;
mod faults;
mod files;
mod general_topic;
mod groups;
mod inline;
mod library;
mod local;
mod marks;
mod payments;
mod rig;
mod shared;
mod stickers;
mod topics;
mod updates;
mod webhook;
mod wire;
