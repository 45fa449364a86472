//! `tgferry media cut`: a range of a video or a song.
//!
//! In: a file, two times. Out: a new file, and how much of it was copied as it was. Must not: change the source.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use tokio_util::sync::CancellationToken;

use super::place::{self, Place};
use super::{bar, size, tell, time};
use crate::cli::say;
use crate::error::CliError;
use crate::media::{CutRequest, Media, WasCut};
use crate::model::{Failure, Reason};

/// Arguments of `tgferry media cut`.
#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("range").required(true).multiple(true).args(["from", "to"])))]
pub struct CutArgs {
    /// The video or song
    file: PathBuf,
    /// Where it begins, e.g. 90, 1:30 or 1m30.5s [default: the start]
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    from: Option<Duration>,
    /// Where it ends; the frame that begins there is left out [default: the end]
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    to: Option<Duration>,
    /// The result [default: FILE's name with .cut.mp4, or .cut.m4a of a song, in this folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Cuts it.
pub(super) async fn run(media: &Media, args: CutArgs) -> Result<(), CliError> {
    place::source(&args.file)?;
    let from = args.from.unwrap_or_default();
    if args.to.is_some_and(|to| to <= from) {
        return Err(CliError::user("the range ends before it begins", "give a later time with --to"));
    }
    let info = media.probe(&args.file, &CancellationToken::new()).await.map_err(tell)?;
    if info.video.is_none() && info.audio.is_none() {
        return Err(CliError::user(format!("{} is neither a video nor a song", args.file.display()), "name one that is"));
    }
    if info.duration_s > 0.0 && from.as_secs_f64() >= info.duration_s {
        let what = format!("{} ends after {}, before the range begins", args.file.display(), time::show(info.duration_s));
        return Err(CliError::user(what, "give an earlier time with --from"));
    }
    let place = Place::new(&args.file, args.output, if info.video.is_some() { ".cut.mp4" } else { ".cut.m4a" })?;
    let request = CutRequest { input: args.file, folder: place.folder(), from, to: args.to };
    let made = bar::shown("cutting", async |progress, cancel: &CancellationToken| media.cut(request, progress, cancel).await).await;
    let made = made.map_err(nothing)?;
    let (path, size_bytes) = place.take(&made.path)?;
    say(format!("{}: {}, {}{}", path.display(), time::show(made.duration_s), size::show(size_bytes), pictures(&made)));
    Ok(())
}

fn nothing(failure: Failure) -> CliError {
    match failure.reason {
        Reason::Empty => CliError::user("no frame begins between the two times", "give a longer range"),
        _ => tell(failure),
    }
}

fn pictures(made: &WasCut) -> String {
    match &made.whole_because {
        _ if made.copied_pictures + made.encoded_pictures == 0 => String::new(),
        Some(because) => format!("; all {} frames were encoded: {because}", made.encoded_pictures),
        None => format!("; {} frames were copied, {} encoded", made.copied_pictures, made.encoded_pictures),
    }
}
