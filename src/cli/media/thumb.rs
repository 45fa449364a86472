//! `tgferry media thumb`: a picture of a video.
//!
//! In: a file, perhaps a time. Out: a JPEG. Must not: change the source.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::place::{self, Place};
use super::{bar, size, tell, time};
use crate::cli::say;
use crate::error::CliError;
use crate::media::{DrawRequest, Media};

/// Arguments of `tgferry media thumb`.
#[derive(Clone, Debug, Args)]
pub struct ThumbArgs {
    /// The video
    file: PathBuf,
    /// The frame at this time, e.g. 90, 1:30 or 1m30.5s [default: one that shows something]
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    at: Option<Duration>,
    /// In the size of the video; else at most 320 pixels a side and 200 kB, as Telegram takes thumbnails
    #[arg(long)]
    full: bool,
    /// The result [default: FILE's name with .jpg, in this folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Draws it.
pub(super) async fn run(media: &Media, args: ThumbArgs) -> Result<(), CliError> {
    place::source(&args.file)?;
    let info = media.probe(&args.file, &CancellationToken::new()).await.map_err(tell)?;
    if info.video.is_none() {
        return Err(CliError::user(format!("there is no picture in {}", args.file.display()), "name a video"));
    }
    if args.at.is_some_and(|at| info.duration_s > 0.0 && at.as_secs_f64() >= info.duration_s) {
        let what = format!("{} ends after {}", args.file.display(), time::show(info.duration_s));
        return Err(CliError::user(what, "give an earlier time with --at"));
    }
    let place = Place::new(&args.file, args.output, ".jpg")?;
    let request = DrawRequest { input: args.file, folder: place.folder(), at: args.at, full: args.full };
    let drawn = bar::shown("looking", async |_, cancel: &CancellationToken| media.draw(request, cancel).await).await;
    let (made, (width, height)) = drawn.map_err(tell)?;
    let (path, size_bytes) = place.take(&made)?;
    say(format!("{}: {width} x {height}, {}", path.display(), size::show(size_bytes)));
    Ok(())
}
