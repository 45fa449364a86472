//! Makes what is asked for: a new file, a cover in it, a thumbnail beside it.
//!
//! In: [`Make`]. Out: [`Made`]. Must not: decide what is to be made.

use std::fs;
use std::path::Path;

use super::cover::{self, Cover};
use super::error::{Blame, WorkError, WorkResult};
use super::jpeg::Jpeg;
use super::produce::{Picture, Produced, Run, produce};
use super::thumbnail;
use super::video::Pass;
use crate::media::compress::corrected;
use crate::media::protocol::{AudioWork, Made, Make, Output, Rate, VideoSettings, VideoWork};
use crate::model::Reason;

/// Part of the progress that the first of two passes is.
const FIRST_PASS: f64 = 0.4;
/// Runs of the second pass: the first may come out too large.
const TRIES: usize = 2;

pub(super) fn make(task: &Make, threads: u32, report: &mut dyn FnMut(f64)) -> WorkResult<Made> {
    let wants_cover = task.output.as_ref().is_some_and(|output| output.cover);
    let cover = if wants_cover { cover::find(task.picture.as_deref(), &task.input) } else { None };
    let produced = task.output.as_ref().map(|output| produce_output(task, output, cover.as_ref(), threads, report)).transpose()?;
    let thumbnail = match (&task.output, &cover) {
        (_, Some(cover)) => write_thumbnail(task, &cover.thumbnail)?,
        (Some(Output { video: VideoWork::Leave, .. }), None) => false,
        (output, None) => match thumbnail::of_video(&task.input) {
            Ok(picture) => write_thumbnail(task, &picture)?,
            // Pictures that were not decoded for the output are decoded here for the first time: none at all means that nobody could see any.
            Err(error) if !output.as_ref().is_some_and(|output| matches!(output.video, VideoWork::Encode(_))) => return Err(error),
            Err(error) => {
                eprintln!("no thumbnail: {}", error.cause);
                false
            }
        },
    };
    Ok(Made {
        duration_s: produced.map(|produced| produced.duration_s),
        display: produced.and_then(|produced| produced.display),
        thumbnail,
        cover: cover.is_some(),
    })
}

fn produce_output(task: &Make, output: &Output, cover: Option<&Cover>, threads: u32, report: &mut dyn FnMut(f64)) -> WorkResult<Produced> {
    let run = |picture| Run {
        input: &task.input,
        picture,
        audio: &output.audio,
        output: Some(output),
        cover: cover.map(|cover| &cover.cover),
        threads,
    };
    match &output.video {
        VideoWork::Leave => produce(&run(Picture::Leave), report),
        VideoWork::Copy => produce(&run(Picture::Copy), report),
        VideoWork::Encode(settings) => match settings.rate {
            Rate::Quality(crf) => produce(&run(Picture::Encode(settings, Pass::Quality(crf))), report),
            Rate::Size { bit_rate, min_bit_rate, max_bytes } => {
                fit(task, output, settings, Aim { bit_rate, min_bit_rate, max_bytes }, threads, report)
            }
        },
    }
}

/// What a compressed file aims at.
#[derive(Clone, Copy)]
struct Aim {
    bit_rate: u64,
    min_bit_rate: u64,
    max_bytes: u64,
}

/// Two passes; the second once more at a lower rate if the result is too large.
fn fit(
    task: &Make,
    output: &Output,
    settings: &VideoSettings,
    aim: Aim,
    threads: u32,
    report: &mut dyn FnMut(f64),
) -> WorkResult<Produced> {
    let statistics = task.folder.join("x264-pass.log");
    let run =
        |pass, output, audio| Run { input: &task.input, picture: Picture::Encode(settings, pass), audio, output, cover: None, threads };
    let first = Pass::First { bit_rate: aim.bit_rate, statistics: statistics.clone() };
    produce(&run(first, None, &AudioWork::Leave), &mut |fraction| report(fraction * FIRST_PASS))?;
    let mut bit_rate = aim.bit_rate;
    let mut result = Err(too_large(aim, 0));
    for _ in 0..TRIES {
        let second = Pass::Second { bit_rate, statistics: statistics.clone() };
        let produced =
            produce(&run(second, Some(output), &output.audio), &mut |fraction| report(FIRST_PASS + fraction * (1.0 - FIRST_PASS)))?;
        let result_bytes = fs::metadata(&output.path).blame_us("measuring the result")?.len();
        if result_bytes <= aim.max_bytes {
            result = Ok(produced);
            break;
        }
        result = Err(too_large(aim, result_bytes));
        bit_rate = corrected(bit_rate, result_bytes, aim.max_bytes);
        if bit_rate < aim.min_bit_rate {
            break;
        }
    }
    remove(&statistics);
    remove(&statistics.with_extension("log.mbtree"));
    if result.is_err() {
        remove(&output.path);
    }
    result
}

fn too_large(aim: Aim, size_bytes: u64) -> WorkError {
    let reason = Reason::NoLane { size_bytes, limit_bytes: aim.max_bytes, account_missing: false };
    WorkError::new(reason, format!("{size_bytes} bytes at {} bits a second", aim.bit_rate))
}

fn write_thumbnail(task: &Make, picture: &Jpeg) -> WorkResult<bool> {
    match &task.thumbnail {
        Some(path) => fs::write(path, &picture.bytes).blame_us("writing the thumbnail").map(|()| true),
        None => Ok(false),
    }
}

/// What can't be removed goes with the job's folder.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        eprintln!("removing {}: {error}", path.display());
    }
}
