//! `tgferry media split`: a video or a song in parts that each play.
//!
//! In: a file, the largest that a part may be. Out: new files. Must not: encode what plays everywhere already, or change the source.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{bar, place, size, tell};
use crate::cli::say;
use crate::error::CliError;
use crate::media::{GivenSubtitles, Media, PrepareRequest, SplitRequest};
use crate::model::{Choice, Failure, MediaKind, Reason};

/// Most parts: all of them are open at once, and a media process may have 64 files open.
const MOST_PARTS: u32 = 50;

/// Arguments of `tgferry media split`.
#[derive(Clone, Debug, Args)]
pub struct SplitArgs {
    /// The video or song
    file: PathBuf,
    /// Largest size of a part, e.g. 45M or 1.9GiB
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    max_size: u64,
    /// The folder for the parts; made if it is not there [default: this one]
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Splits it.
pub(super) async fn run(media: &Media, args: SplitArgs) -> Result<(), CliError> {
    place::source(&args.file)?;
    let info = media.probe(&args.file, &CancellationToken::new()).await.map_err(tell)?;
    if info.size_bytes <= args.max_size {
        let what = format!("{} has {}, which is no more than a part may have", args.file.display(), size::show(info.size_bytes));
        return Err(CliError::user(what, "use it as it is, or give a smaller --max-size"));
    }
    let output = args.output.unwrap_or_else(|| PathBuf::from("."));
    std::fs::create_dir_all(&output)
        .map_err(|error| CliError::user(format!("{}: {error}", output.display()), "name another folder with --output"))?;
    let folder = place::folder_in(&output)?;
    let prepare = prepare_request(&args.file, folder.path(), info.video.is_some());
    let whole = bar::shown("preparing", async |progress, cancel: &CancellationToken| media.prepare(prepare, progress, cancel).await).await;
    let whole = whole.map_err(tell)?;
    if !matches!(whole.kind, MediaKind::Video | MediaKind::Audio) {
        return Err(CliError::user(format!("{} is neither a video nor a song", args.file.display()), "name one that is"));
    }
    let whole_bytes = whole.size_bytes;
    let request = SplitRequest { whole, folder: folder.path().to_owned(), max_bytes: args.max_size, max_pieces: MOST_PARTS };
    let parts = bar::shown("splitting", async |progress, cancel: &CancellationToken| media.split(request, progress, cancel).await).await;
    let parts = parts.map_err(|failure| too_small(failure, args.max_size, whole_bytes))?;
    for part in &parts {
        place::free(&output.join(&part.file_name))?;
    }
    for part in parts {
        let place = output.join(&part.file_name);
        place::put(&part.path, &place)?;
        say(format!("{}: {}", place.display(), size::show(part.size_bytes)));
    }
    Ok(())
}

fn prepare_request(file: &Path, folder: &Path, is_video: bool) -> PrepareRequest {
    PrepareRequest {
        inputs: vec![file.to_owned()],
        folder: folder.to_owned(),
        choice: if is_video { Choice::Video } else { Choice::Audio },
        file_name: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        mime: None,
        title: None,
        performer: None,
        duration_s: None,
        picture: None,
        own_thumbnail: None,
        subtitles: GivenSubtitles::default(),
        max_bytes: None,
        min_video_bit_rate: 0,
    }
}

fn too_small(failure: Failure, max_bytes: u64, whole_bytes: u64) -> CliError {
    match failure.reason {
        Reason::NoLane { .. } => CliError::user(
            format!("{} can't be cut into at most {MOST_PARTS} parts of {}", size::show(whole_bytes), size::show(max_bytes)),
            "parts begin with a key frame; give them more room with --max-size",
        ),
        _ => tell(failure),
    }
}
