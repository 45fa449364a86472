//! `tgferry media subs`: subtitles out of a video, into it as a track, or into its pictures.
//!
//! In: a video, perhaps a file of subtitles. Out: a new file. Must not: change the sources.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use tokio_util::sync::CancellationToken;

use super::place::{self, Place};
use super::{bar, size, tell};
use crate::cli::say;
use crate::error::CliError;
use crate::media::{Language, Media, SubtitlesRequest, SubtitlesWork, text_track, text_tracks};
use crate::model::{Failure, MediaInfo, Reason};

/// Larger files are no subtitles.
const MOST_BYTES: u64 = 32 << 20;

/// Arguments of `tgferry media subs`.
#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("work").required(true).args(["extract", "track", "burn"])))]
pub struct SubsArgs {
    /// The video
    file: PathBuf,
    /// Which language, as two or three letters: of the video's own subtitles the first in it; beside a new track it is written
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    lang: Option<Language>,
    /// Write the video's own subtitles into an SRT file
    #[arg(long)]
    extract: bool,
    /// Add these subtitles (SRT, WebVTT, ASS) as a track that players show when asked; the result is an MP4
    #[arg(long, value_name = "SUBTITLES")]
    track: Option<PathBuf>,
    /// Burn these subtitles into the pictures, or the video's own if none are named; the pictures are encoded anew
    #[arg(long, value_name = "SUBTITLES", num_args = 0..=1)]
    burn: Option<Option<PathBuf>>,
    /// The result [default: FILE's name with .srt, .subtitled.mp4 or .burnt.mp4, in this folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Does it.
pub(super) async fn run(media: &Media, args: SubsArgs) -> Result<(), CliError> {
    place::source(&args.file)?;
    let (work, file, ending) = match (args.extract, args.track, args.burn) {
        (_, Some(file), _) => (SubtitlesWork::AddTrack, Some(file), ".subtitled.mp4"),
        (_, None, Some(file)) => (SubtitlesWork::BurnIn, file, ".burnt.mp4"),
        (_, None, None) => (SubtitlesWork::Extract, None, ".srt"),
    };
    let info = media.probe(&args.file, &CancellationToken::new()).await.map_err(tell)?;
    if info.video.is_none() && work != SubtitlesWork::Extract {
        return Err(CliError::user(format!("there is no picture in {}", args.file.display()), "name a video"));
    }
    let track = match &file {
        Some(file) => {
            is_text(file)?;
            None
        }
        None => Some(text_track(&info, args.lang.as_ref()).ok_or_else(|| no_track(&args.file, &info, args.lang.as_ref()))?),
    };
    let place = Place::new(&args.file, args.output, ending)?;
    let named = file.clone().unwrap_or_else(|| args.file.clone());
    let request = SubtitlesRequest { input: args.file, file, track, language: args.lang, work, folder: place.folder() };
    let name = if work == SubtitlesWork::BurnIn { "burning in" } else { "subtitles" };
    let made = bar::shown(name, async |progress, cancel: &CancellationToken| media.subtitles(request, progress, cancel).await).await;
    let (path, size_bytes) = place.take(&made.map_err(|failure| no_text(failure, &named))?)?;
    say(format!("{}: {}", path.display(), size::show(size_bytes)));
    Ok(())
}

fn language(text: &str) -> Result<Language, String> {
    Language::parse(text).ok_or_else(|| format!("{text:?} is no language; write its code, such as en or eng"))
}

/// FFmpeg takes text in UTF-8, and in UTF-16 if it says so at its start.
fn is_text(file: &Path) -> Result<(), CliError> {
    place::source(file)?;
    let size_bytes = std::fs::metadata(file).map_err(CliError::setup)?.len();
    if size_bytes > MOST_BYTES {
        return Err(CliError::user(format!("{} is too large for subtitles", file.display()), "name an SRT, WebVTT or ASS file"));
    }
    let bytes = std::fs::read(file).map_err(CliError::setup)?;
    let is_utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if !is_utf16 && std::str::from_utf8(&bytes).is_err() {
        let hint = "convert it, e.g.: iconv -f WINDOWS-1252 -t UTF-8 old.srt > new.srt";
        return Err(CliError::user(format!("{} is not in UTF-8", file.display()), hint));
    }
    Ok(())
}

fn no_track(file: &Path, info: &MediaInfo, language: Option<&Language>) -> CliError {
    let languages: Vec<String> =
        text_tracks(info).into_iter().map(|(_, language)| language.map_or("unknown".to_owned(), |language| language.to_string())).collect();
    match language {
        Some(language) if !languages.is_empty() => CliError::user(
            format!("there are no subtitles in {language} in {}", file.display()),
            format!("choose from these with --lang: {}", languages.join(", ")),
        ),
        _ if info.tracks.iter().any(|track| track.kind == "subtitle") && languages.is_empty() => {
            let what = format!("the subtitles in {} are pictures, not text", file.display());
            CliError::user(what, "name a file of subtitles instead")
        }
        _ => CliError::user(format!("there are no subtitles in {}", file.display()), "name a file of subtitles"),
    }
}

fn no_text(failure: Failure, file: &Path) -> CliError {
    match failure.reason {
        Reason::Empty => CliError::user(format!("there is no text in the subtitles of {}", file.display()), "name other subtitles"),
        _ => tell(failure),
    }
}
