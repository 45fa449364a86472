//! `tgferry media subs`: which subtitles a video has; out of it, into it as a track, or into its pictures.
//!
//! In: a video, perhaps a file of subtitles. Out: a list, or a new file. Must not: change the sources.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use tokio_util::sync::CancellationToken;

use super::place::{self, Place};
use super::{bar, size, tell};
use crate::cli::say;
use crate::error::CliError;
use crate::media::{Language, Media, SubtitlesRequest, SubtitlesTrack, SubtitlesWork, subtitles_tracks, text_track, track_to_burn_in};
use crate::model::{Failure, MediaInfo, Reason};

/// Larger files are no subtitles.
const MOST_BYTES: u64 = 32 << 20;

/// How files begin that hold subtitles as pictures: those of Blu-rays (PGS), and of DVDs (VobSub: its index and its pictures).
const IMAGES: [&[u8]; 3] = [b"PG", b"# VobSub index", b"\x00\x00\x01\xba"];

/// Arguments of `tgferry media subs`.
#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("work").required(true).args(["list", "extract", "track", "burn"])))]
pub struct SubsArgs {
    /// The video
    file: PathBuf,
    /// Which language, as two or three letters: of the video's own subtitles the first in it; beside a new track it is written
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    lang: Option<Language>,
    /// Say which subtitles the video has
    #[arg(long)]
    list: bool,
    /// Write the video's own subtitles into an SRT file
    #[arg(long)]
    extract: bool,
    /// Add these subtitles (SRT, WebVTT, ASS) as a track that players show when asked; the result is an MP4
    #[arg(long, value_name = "SUBTITLES")]
    track: Option<PathBuf>,
    /// Burn these subtitles into the pictures, or the video's own if none are named, be they text or pictures; the pictures are encoded anew
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
    if args.list {
        return list(&args.file, &info);
    }
    if info.video.is_none() && work != SubtitlesWork::Extract {
        return Err(CliError::user(format!("there is no picture in {}", args.file.display()), "name a video"));
    }
    let find = if work == SubtitlesWork::BurnIn { track_to_burn_in } else { text_track };
    let track = match &file {
        Some(file) => {
            is_text(file)?;
            None
        }
        None => Some(find(&info, args.lang.as_ref()).ok_or_else(|| no_track(&args.file, &info, args.lang.as_ref(), work))?),
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

/// One line a track.
fn list(file: &Path, info: &MediaInfo) -> Result<(), CliError> {
    let tracks = subtitles_tracks(info);
    if tracks.is_empty() {
        return Err(CliError::user(
            format!("there are no subtitles in {}", file.display()),
            "name a file of subtitles with --track or --burn",
        ));
    }
    for track in tracks {
        let kind = if track.is_text { "text" } else { "pictures, for --burn alone" };
        let title = track.title.as_ref().map(|title| format!(", {title:?}")).unwrap_or_default();
        say(format!("{}: {kind} ({}){title}", name(&track), track.codec));
    }
    Ok(())
}

fn name(track: &SubtitlesTrack) -> String {
    track.language.as_ref().map_or("unknown".to_owned(), ToString::to_string)
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
    if IMAGES.iter().any(|start| bytes.starts_with(start)) {
        let hint = "put them into an MKV with the video, e.g.: ffmpeg -i FILM -i SUBTITLES -map 0 -map 1 -c copy both.mkv; then burn them in with --burn alone";
        return Err(CliError::user(format!("the subtitles in {} are pictures, not text", file.display()), hint));
    }
    let is_utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if !is_utf16 && std::str::from_utf8(&bytes).is_err() {
        let hint = "convert it, e.g.: iconv -f WINDOWS-1252 -t UTF-8 old.srt > new.srt";
        return Err(CliError::user(format!("{} is not in UTF-8", file.display()), hint));
    }
    Ok(())
}

fn no_track(file: &Path, info: &MediaInfo, language: Option<&Language>, work: SubtitlesWork) -> CliError {
    let (file, tracks) = (file.display(), subtitles_tracks(info));
    let (texts, pictures): (Vec<_>, Vec<_>) = tracks.iter().partition(|track| track.is_text);
    let languages = |tracks: &[&SubtitlesTrack]| tracks.iter().map(|track| name(track)).collect::<Vec<_>>().join(", ");
    let is_wanted = |track: &&&SubtitlesTrack| language.is_none() || track.language.as_ref() == language;
    let wanted = language.map(|language| format!(" in {language}")).unwrap_or_default();
    if work != SubtitlesWork::BurnIn && pictures.iter().any(|track| is_wanted(&track)) {
        let also = if texts.is_empty() { String::new() } else { format!(", or choose from these with --lang: {}", languages(&texts)) };
        let hint = format!("lay them over the video with --burn{also}");
        return CliError::user(format!("the subtitles{wanted} in {file} are pictures, not text"), hint);
    }
    let choice = if work == SubtitlesWork::BurnIn { tracks.iter().collect() } else { texts };
    match language {
        Some(_) if !choice.is_empty() => {
            let hint = format!("choose from these with --lang: {}", languages(&choice));
            CliError::user(format!("there are no subtitles{wanted} in {file}"), hint)
        }
        _ => CliError::user(format!("there are no subtitles in {file}"), "name a file of subtitles"),
    }
}

fn no_text(failure: Failure, file: &Path) -> CliError {
    match failure.reason {
        Reason::Empty => CliError::user(format!("there is no text in the subtitles of {}", file.display()), "name other subtitles"),
        _ => tell(failure),
    }
}
