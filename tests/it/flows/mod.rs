//! Flows that read like a chat: a person, the bot, a site, and what goes wrong between them.

mod accounts;
mod bad_input;
mod cancel;
mod carry;
mod command_line;
mod cut_commands;
mod kill_points;
mod overlap;
mod people;
mod pieces;
mod restart;
mod source_errors;
mod subtitles;
mod telegram_trouble;
