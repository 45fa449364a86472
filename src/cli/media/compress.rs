//! `tgferry media compress`: a video in at most so many bytes.
//!
//! In: a file, a size. Out: a new file; before it begins, how long it will take and how it will look. Must not: overwrite anything.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::place::{self, Place};
use super::{bar, size, tell};
use crate::cli::say;
use crate::error::CliError;
use crate::media::{FitRequest, Media};
use crate::model::{Appearance, VideoCodec};

/// Arguments of `tgferry media compress`.
#[derive(Clone, Debug, Args)]
pub struct CompressArgs {
    /// The video
    file: PathBuf,
    /// Largest size of the result, e.g. 45M or 1.5G
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    to: u64,
    /// The result [default: FILE's name with .small.mp4, in this folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How pictures are encoded; every client plays H.264
    #[arg(long, value_enum, default_value = "h264")]
    codec: Codec,
    /// The least that is accepted of its looks
    #[arg(long, value_enum, default_value = "poor")]
    least: Least,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Codec {
    H264,
    Hevc,
    Av1,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Least {
    Poor,
    Fair,
    Good,
}

/// Compresses it.
pub(super) async fn run(media: &Media, args: CompressArgs) -> Result<(), CliError> {
    place::source(&args.file)?;
    let source_bytes = std::fs::metadata(&args.file).map_err(CliError::setup)?.len();
    let place = Place::new(&args.file, args.output, ".small.mp4")?;
    let request = FitRequest {
        input: args.file,
        folder: place.folder(),
        max_bytes: args.to,
        codec: match args.codec {
            Codec::H264 => VideoCodec::H264,
            Codec::Hevc => VideoCodec::Hevc,
            Codec::Av1 => VideoCodec::Av1,
        },
        least: match args.least {
            Least::Poor => Appearance::Poor,
            Least::Fair => Appearance::Fair,
            Least::Good => Appearance::Good,
        },
    };
    let fitting =
        bar::shown("looking", async |_, cancel: &CancellationToken| media.plan_to_fit(request, cancel).await).await.map_err(tell)?;
    say(format!(
        "{} -> at most {}: {} x {}, {} frames a second; it will look {}, and take about {}",
        size::show(source_bytes),
        size::show(args.to),
        fitting.size.0,
        fitting.size.1,
        size::show_rate(fitting.frame_rate),
        looks(fitting.appearance),
        indicatif::HumanDuration(std::time::Duration::from_secs_f64(fitting.takes_s.max(1.0))),
    ));
    let made = bar::shown("compressing", async |progress, cancel: &CancellationToken| media.fit(fitting, progress, cancel).await).await;
    let (path, size_bytes) = place.take(&made.map_err(tell)?)?;
    say(format!("{}: {}", path.display(), size::show(size_bytes)));
    Ok(())
}

fn looks(appearance: Appearance) -> &'static str {
    match appearance {
        Appearance::LikeTheSource => "like the source",
        Appearance::Good => "good",
        Appearance::Fair => "fair",
        Appearance::Poor => "poor",
        Appearance::SlideShow => "like a slide show",
    }
}
