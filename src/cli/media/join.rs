//! `tgferry media join`: several files as one.
//!
//! In: files in order. Out: a new file, and what had to be encoded. Must not: change the sources.

use std::path::PathBuf;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::place::{self, Place};
use super::{bar, size, tell, time};
use crate::cli::say;
use crate::error::CliError;
use crate::media::{JoinRequest, Media};

/// Arguments of `tgferry media join`.
#[derive(Clone, Debug, Args)]
pub struct JoinArgs {
    /// The videos or songs, in order
    #[arg(required = true, num_args = 2.., value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The result [default: the first FILE's name with .joined.mp4, or .joined.m4a of songs, in this folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Joins them.
pub(super) async fn run(media: &Media, args: JoinArgs) -> Result<(), CliError> {
    let mut with_pictures = None;
    for file in &args.files {
        place::source(file)?;
        let info = media.probe(file, &CancellationToken::new()).await.map_err(tell)?;
        if info.video.is_none() && info.audio.is_none() {
            return Err(CliError::user(format!("{} is neither a video nor a song", file.display()), "leave it out"));
        }
        if *with_pictures.get_or_insert(info.video.is_some()) != info.video.is_some() {
            let what =
                format!("{} is a {}, and what stands before is not", file.display(), if info.video.is_some() { "video" } else { "song" });
            return Err(CliError::user(what, "join videos with videos, and songs with songs"));
        }
    }
    let is_video = with_pictures.unwrap_or(true);
    let place = Place::new(&args.files[0], args.output, if is_video { ".joined.mp4" } else { ".joined.m4a" })?;
    let request = JoinRequest { inputs: args.files, folder: place.folder() };
    let made = bar::shown("joining", async |progress, cancel: &CancellationToken| media.join(request, progress, cancel).await).await;
    let made = made.map_err(tell)?;
    let (path, size_bytes) = place.take(&made.path)?;
    say(format!("{}: {}, {}", path.display(), time::show(made.duration_s), size::show(size_bytes)));
    for (what, because) in [("pictures were", made.pictures_because), ("sound was", made.sound_because)] {
        if let Some(because) = because {
            say(format!("{what} encoded: {because}"));
        }
    }
    Ok(())
}
