//! Makes what is asked for: a new file, a cover in it, a thumbnail beside it.
//!
//! In: [`Make`]. Out: [`Made`]. Must not: decide what is to be made.

use std::fs;
use std::path::Path;

use super::cover::{self, Cover};
use super::error::{Blame, WorkError, WorkResult};
use super::feed::Origin;
use super::jpeg::Jpeg;
use super::produce::{Front, Picture, Produced, Run, produce};
use super::thumbnail;
use super::video::Pass;
use crate::media::compress::corrected;
use crate::media::memo::{Remembered, remember, remembered};
use crate::media::protocol::{AudioWork, Made, Make, Output, Rate, VideoSettings, VideoWork};
use crate::model::Reason;

/// Part of the progress that the first of two passes is.
const FIRST_PASS: f64 = 0.4;
/// Runs of the second pass: the first may come out too large.
const TRIES: usize = 2;

/// Makes it. Nothing if the file is read while it is made and the room for its index was too small.
pub(super) fn make(task: &Make, inputs: &[Origin], threads: u32, report: &mut dyn FnMut(f64)) -> WorkResult<Option<Made>> {
    let picture_path = inputs.first().ok_or_else(|| WorkError::new(Reason::Internal, "there is no input"))?.path();
    let wants_cover = task.output.as_ref().is_some_and(|output| output.cover);
    let cover = if wants_cover { cover::find(task.picture.as_deref(), inputs.iter().map(Origin::path)) } else { None };
    let job = Job { task, inputs, threads };
    let produced = task.output.as_ref().map(|output| job.produce_output(output, cover.as_ref(), report)).transpose()?;
    if produced.is_some_and(|produced| !produced.fits) {
        return Ok(None);
    }
    let thumbnail = match (&task.output, &cover) {
        (_, Some(cover)) => write_thumbnail(task, &cover.thumbnail)?,
        (Some(Output { video: VideoWork::Leave, .. }), None) => false,
        (output, None) => match thumbnail::of_video(picture_path) {
            Ok(picture) => write_thumbnail(task, &picture)?,
            // Pictures that were not decoded for the output are decoded here for the first time: none at all means that nobody could see any.
            Err(error) if !output.as_ref().is_some_and(|output| matches!(output.video, VideoWork::Encode(_))) => return Err(error),
            Err(error) => {
                eprintln!("no thumbnail: {}", error.cause);
                false
            }
        },
    };
    Ok(Some(Made {
        duration_s: produced.map(|produced| produced.duration_s),
        display: produced.and_then(|produced| produced.display),
        thumbnail,
        cover: cover.is_some(),
    }))
}

/// What all runs of one task share.
struct Job<'a> {
    task: &'a Make,
    inputs: &'a [Origin],
    threads: u32,
}

impl Job<'_> {
    fn produce_output(&self, output: &Output, cover: Option<&Cover>, report: &mut dyn FnMut(f64)) -> WorkResult<Produced> {
        let run = |picture, front| Run {
            inputs: self.inputs,
            picture,
            audio: &output.audio,
            output: Some(output),
            cover: cover.map(|cover| &cover.cover),
            threads: self.threads,
            front,
        };
        match &output.video {
            VideoWork::Leave => produce(&run(Picture::Leave, Front::Moved), report, &mut |_| Ok(())),
            VideoWork::Copy => self.copy(output, run, report),
            VideoWork::Encode(settings) => match settings.rate {
                Rate::Quality(crf) => produce(&run(Picture::Encode(settings, Pass::Quality(crf)), Front::Moved), report, &mut |_| Ok(())),
                Rate::Size { bit_rate, min_bit_rate, max_bytes } => {
                    self.fit(output, settings, Aim { bit_rate, min_bit_rate, max_bytes }, report)
                }
            },
        }
    }

    /// Leaves room for the index, so that nothing is written twice. Where the room turns out too small, a file that nobody reads yet is made again.
    fn copy<'a>(
        &'a self,
        output: &'a Output,
        run: impl Fn(Picture<'a>, Front) -> Run<'a>,
        report: &mut dyn FnMut(f64),
    ) -> WorkResult<Produced> {
        let moved = |report: &mut dyn FnMut(f64)| produce(&run(Picture::Copy, Front::Moved), report, &mut |_| Ok(()));
        let folder = &self.task.folder;
        let bytes = match remembered(folder) {
            Some(Remembered::WholeOnly) => return moved(report),
            Some(Remembered::Room(bytes)) => Some(bytes),
            None => None,
        };
        // Without this note a run after a crash might choose another room, and what is stored elsewhere of this file would be worth nothing.
        let mut note = |bytes: u64| match output.live {
            true => remember(folder, Remembered::Room(bytes)).blame_us("noting the room for the index"),
            false => Ok(()),
        };
        let produced = produce(&run(Picture::Copy, Front::Room { bytes, live: output.live }), report, &mut note)?;
        if produced.fits {
            return Ok(produced);
        }
        eprintln!("the index does not fit into {:?} bytes", produced.room_bytes);
        if output.live {
            remember(folder, Remembered::WholeOnly).blame_us("noting that the index needs more room")?;
            return Ok(produced);
        }
        moved(report)
    }

    /// Two passes; the second once more at a lower rate if the result is too large.
    fn fit(&self, output: &Output, settings: &VideoSettings, aim: Aim, report: &mut dyn FnMut(f64)) -> WorkResult<Produced> {
        let statistics = self.task.folder.join("x264-pass.log");
        let run = |pass, output, audio| Run {
            inputs: self.inputs,
            picture: Picture::Encode(settings, pass),
            audio,
            output,
            cover: None,
            threads: self.threads,
            front: Front::Moved,
        };
        let first = Pass::First { bit_rate: aim.bit_rate, statistics: statistics.clone() };
        produce(&run(first, None, &AudioWork::Leave), &mut |fraction| report(fraction * FIRST_PASS), &mut |_| Ok(()))?;
        let mut bit_rate = aim.bit_rate;
        let mut result = Err(too_large(aim, 0));
        for _ in 0..TRIES {
            let second = Pass::Second { bit_rate, statistics: statistics.clone() };
            let mut rest = |fraction| report(FIRST_PASS + fraction * (1.0 - FIRST_PASS));
            let produced = produce(&run(second, Some(output), &output.audio), &mut rest, &mut |_| Ok(()))?;
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
}

/// What a compressed file aims at.
#[derive(Clone, Copy)]
struct Aim {
    bit_rate: u64,
    min_bit_rate: u64,
    max_bytes: u64,
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
