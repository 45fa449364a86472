//! `tgferry media convert`: another kind of file of one.
//!
//! In: a file, a format. Out: a new file. Must not: overwrite anything.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::{bar, size, tell};
use crate::cli::say;
use crate::error::CliError;
use crate::media::{ConvertRequest, Converted, Format, Media, Preset};

/// Arguments of `tgferry media convert`.
#[derive(Clone, Debug, Args)]
pub struct ConvertArgs {
    /// The file
    file: PathBuf,
    /// As what it is made
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: To,
    /// How well; small and balanced also encode what could be copied, unless it takes more bytes then
    #[arg(long, value_enum)]
    preset: Option<Quality>,
    /// Bring the sound to -14 LUFS (EBU R 128), as the large music services play it
    #[arg(long)]
    loudness: bool,
    /// A picture to take as the cover of a song
    #[arg(long, value_name = "FILE")]
    cover: Option<PathBuf>,
    /// The result [default: FILE's name with another ending, in this folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum To {
    /// H.264 and AAC, or what MP4 takes of the file as it is
    Mp4,
    /// The same in Matroska
    Mkv,
    /// VP9 and Opus
    Webm,
    /// An animated GIF
    Gif,
    /// A silent MP4, as Telegram shows GIFs
    Animation,
    /// AAC with title and cover
    M4a,
    /// MP3 with title and cover
    Mp3,
    /// Opus with title and cover
    Opus,
    /// A voice message: one channel of Opus
    Voice,
    /// A round video message: the middle, a minute at most
    Round,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Quality {
    /// As few bytes as still look fair on a phone
    Small,
    /// What chats are made for
    Balanced,
    /// As near to the source as anybody sees
    Best,
}

/// Converts it.
pub(super) async fn run(media: &Media, args: ConvertArgs) -> Result<(), CliError> {
    for file in std::iter::once(&args.file).chain(&args.cover) {
        if !file.is_file() {
            return Err(CliError::user(format!("{} is no file", file.display()), "check the path"));
        }
    }
    if args.cover.is_some() && !matches!(args.to, To::M4a | To::Mp3 | To::Opus) {
        return Err(CliError::user("only songs have a cover", "leave --cover out, or convert to m4a, mp3 or opus"));
    }
    if args.loudness && matches!(args.to, To::Gif | To::Animation) {
        return Err(CliError::user("there will be no sound in it", "leave --loudness out, or convert to a format with sound"));
    }
    let (format, preset) = (format(args.to), args.preset.map(preset));
    let output = args.output.unwrap_or_else(|| beside(&args.file, args.to, args.preset));
    refuse_existing(&output)?;
    let near = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // On the same disk, so that the result is only renamed; gone however this ends.
    let folder = tempfile::Builder::new().prefix(".tgferry-").tempdir_in(near).map_err(CliError::setup)?;
    let request =
        ConvertRequest { input: args.file, folder: folder.path().to_owned(), format, preset, loudness: args.loudness, picture: args.cover };
    let work = async |progress: &_, cancel: &CancellationToken| media.convert(request, progress, cancel).await;
    let made = bar::shown("converting", work).await.map_err(tell)?;
    refuse_existing(&output)?; // it may have come meanwhile
    std::fs::rename(&made.path, &output).map_err(CliError::setup)?;
    say(format!("{}: {}", output.display(), describe(&made)));
    Ok(())
}

fn refuse_existing(output: &Path) -> Result<(), CliError> {
    if output.exists() {
        return Err(CliError::user(format!("{} is there already", output.display()), "give another name with --output, or move it away"));
    }
    Ok(())
}

fn describe(made: &Converted) -> String {
    let mut parts = vec![size::show(made.size_bytes), format!("{:.1} s", made.duration_s)];
    parts.extend(made.size.map(|(width, height)| format!("{width} x {height}")));
    let how = |encoded: bool| if encoded { "encoded" } else { "copied" };
    parts.extend(made.picture_encoded.map(|encoded| format!("picture {}", how(encoded))));
    parts.extend(made.sound_encoded.map(|encoded| format!("sound {}", how(encoded))));
    parts.join(", ")
}

/// What is more than another container says so in its name.
fn beside(file: &Path, to: To, preset: Option<Quality>) -> PathBuf {
    let kind = match (to, preset) {
        (To::Animation, _) => ".animation",
        (To::Round, _) => ".round",
        (_, Some(Quality::Small)) => ".small",
        (_, Some(Quality::Balanced)) => ".balanced",
        (_, Some(Quality::Best)) => ".best",
        (_, None) => "",
    };
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    name.push(format!("{kind}.{}", format(to).extension()));
    PathBuf::from(name)
}

fn format(to: To) -> Format {
    match to {
        To::Mp4 => Format::Mp4,
        To::Mkv => Format::Mkv,
        To::Webm => Format::Webm,
        To::Gif => Format::Gif,
        To::Animation => Format::Animation,
        To::M4a => Format::M4a,
        To::Mp3 => Format::Mp3,
        To::Opus => Format::Opus,
        To::Voice => Format::Voice,
        To::Round => Format::Round,
    }
}

fn preset(quality: Quality) -> Preset {
    match quality {
        Quality::Small => Preset::Small,
        Quality::Balanced => Preset::Balanced,
        Quality::Best => Preset::Best,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_named_after_what_they_are() {
        let table = [
            ("clips/a.b.mkv", To::Mp4, None, "a.b.mp4"),
            ("a.mp4", To::Mp4, Some(Quality::Small), "a.small.mp4"),
            ("a.mp4", To::Animation, Some(Quality::Small), "a.animation.mp4"),
            ("a.mp4", To::Round, None, "a.round.mp4"),
            ("a", To::Voice, None, "a.ogg"),
        ];
        for (file, to, quality, expected) in table {
            assert_eq!(beside(Path::new(file), to, quality), Path::new(expected), "{file} {to:?}");
        }
    }
}
