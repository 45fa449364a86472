//! `tgferry media …`: the media step from the command line, without Telegram.
//!
//! In: files of this machine. Out: answers on standard output, new files beside the old ones. Must not: work otherwise than the daemon does: the
//! same step, the same child process, the same limits.

mod bar;
mod compress;
mod convert;
mod cut;
mod join;
mod pause;
mod place;
mod probe;
mod size;
mod split;
mod subs;
mod thumb;
mod time;

use clap::Subcommand;

use crate::config::Config;
use crate::error::CliError;
use crate::media::Media;
use crate::model::{Failure, Reason};

/// What can be done with a file.
#[derive(Clone, Debug, Subcommand)]
pub enum MediaCommand {
    /// Say what a file is
    Probe(probe::ProbeArgs),
    /// Make a video fit into so many bytes
    Compress(compress::CompressArgs),
    /// Make another kind of file of one: another container, a GIF, a song, a voice message, a round video
    Convert(convert::ConvertArgs),
    /// Cut a range out of a video or a song, exact to the frame
    Cut(cut::CutArgs),
    /// Put videos or songs behind each other
    Join(join::JoinArgs),
    /// Cut a video or a song into parts that each play
    Split(split::SplitArgs),
    /// Take subtitles out of a video, add them as a track, or burn them into its pictures
    Subs(subs::SubsArgs),
    /// Make a picture of a video
    Thumb(thumb::ThumbArgs),
}

/// Does it.
pub async fn run(config: &Config, command: MediaCommand) -> Result<(), CliError> {
    let program = std::env::current_exe().map_err(CliError::ours)?;
    let media = Media::new(config.media.clone(), program).pausing_with(pause::follow_terminal());
    match command {
        MediaCommand::Probe(args) => probe::run(&media, args).await,
        MediaCommand::Compress(args) => compress::run(&media, args).await,
        MediaCommand::Convert(args) => convert::run(&media, args).await,
        MediaCommand::Cut(args) => cut::run(&media, args).await,
        MediaCommand::Join(args) => join::run(&media, args).await,
        MediaCommand::Split(args) => split::run(&media, args).await,
        MediaCommand::Subs(args) => subs::run(&media, args).await,
        MediaCommand::Thumb(args) => thumb::run(&media, args).await,
    }
}

/// What to tell about a step's failure with a file.
fn tell(failure: Failure) -> CliError {
    let what = failure.reason.to_string();
    match failure.reason {
        Reason::Internal => CliError::ours(failure),
        Reason::Cancelled => CliError::user(what, "nothing was written"),
        Reason::Empty | Reason::WebPage | Reason::BrokenMedia => {
            CliError::user(what, "get the file again; --log debug says what is wrong with it")
        }
        Reason::SlideShow { .. } => CliError::user(what, "give it more bytes, split it into parts, or keep its sound alone"),
        Reason::NoAudio => CliError::user(what, "convert it to a format with a picture"),
        Reason::NoPicture => CliError::user(what, "convert it to a format of sound: m4a, mp3, opus, voice"),
        Reason::TooLong { .. } => CliError::user(what, "cut it first"),
        Reason::NoEncoder { .. } => CliError::user(what, "convert it to another format, or build against an FFmpeg that has it"),
        Reason::MediaLimits => CliError::user(what, "raise media.max_memory_bytes or media.max_time_s"),
        Reason::DiskFull => CliError::user(what, "make room on the disk of the result"),
        _ => CliError::user(what, "run again with --log debug to see what happened"),
    }
}
