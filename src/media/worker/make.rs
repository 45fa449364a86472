//! Makes what is asked for: a new file, a cover in it, a thumbnail beside it.
//!
//! In: [`Make`]. Out: [`Made`]. Must not: decide what is to be made.

use std::fs;
use std::path::Path;

use ffmpeg_next as ffmpeg;

use super::cover::{self, Cover};
use super::error::{Blame, WorkError, WorkResult};
use super::feed::Origin;
use super::gif;
use super::jpeg::Jpeg;
use super::loudness;
use super::muxer;
use super::produce::{Front, Picture, Produced, Run, produce};
use super::subtitle::{TEXT_NAME, write_text};
use super::text_tracks::{self, Kept};
use super::thumbnail;
use super::video::Effort;
use crate::media::memo::{Remembered, remember, remembered};
use crate::media::protocol::{AudioWork, Course, Made, Make, Output, Rate, VideoSettings, VideoWork};
use crate::media::steer::{AIM, Helm};
use crate::model::{Reason, VideoCodec};

/// Runs of an encode that has to fit, and the part of the bytes that is aimed at after each. Codecs that are steered in steps need more of them.
const TRIES: usize = 3;
const TRIES_IN_STEPS: usize = 5;
const AIMS: [f64; TRIES_IN_STEPS] = [AIM, AIM - 0.005, AIM - 0.01, AIM - 0.01, AIM - 0.01];
/// What was aimed at and missed is not aimed at again, but a little less.
const MISSED: f64 = 0.004;
/// Part of the bytes from which on they count as used.
const FULL: f64 = 0.97;
/// Part of the progress that listening to how loud it is makes, where that is asked for.
const LISTENING: f64 = 0.3;

/// Makes it. Nothing if the file is read while it is made and the room for its index was too small.
pub(super) fn make(task: &Make, inputs: &[Origin], threads: u32, report: &mut dyn FnMut(f64)) -> WorkResult<Option<Made>> {
    let picture_path = inputs.first().ok_or_else(|| WorkError::new(Reason::Internal, "there is no input"))?.path();
    let wants_cover = task.output.as_ref().is_some_and(|output| output.cover);
    let cover = if wants_cover { cover::find(task.picture.as_deref(), inputs.iter().map(Origin::path)) } else { None };
    let (level, heard) = match task.output.as_ref().map(|output| &output.audio) {
        Some(AudioWork::Encode(settings)) if settings.loudness => {
            let sound_path = inputs.last().map_or(picture_path, Origin::path);
            (loudness::level(sound_path, settings, &mut |fraction| report(fraction * LISTENING))?, LISTENING)
        }
        _ => (None, 0.0),
    };
    let mut report = |fraction: f64| report(heard + fraction * (1.0 - heard));
    let (kept, text_bytes) = match &task.output {
        Some(output) => text_tracks::choose(&output.subtitles, inputs)?,
        None => (Kept::All, 0),
    };
    let job = Job { task, inputs, threads, level, kept, text_bytes };
    let produced = task.output.as_ref().map(|output| job.produce_output(output, cover.as_ref(), &mut report)).transpose()?;
    if produced.as_ref().is_some_and(|produced| !produced.fits) {
        return Ok(None);
    }
    let thumbnail = match (&task.output, &cover) {
        (_, Some(cover)) => write_thumbnail(task, &cover.thumbnail)?,
        (Some(Output { video: VideoWork::Leave, .. }), None) => false,
        (output, None) => match thumbnail::of_video(picture_path) {
            Ok(picture) => write_thumbnail(task, &picture)?,
            // Pictures that were not decoded for the output are decoded here for the first time: none at all means that nobody could see any.
            Err(error) if !output.as_ref().is_some_and(|output| matches!(output.video, VideoWork::Encode { .. } | VideoWork::Gif(_))) => {
                return Err(error);
            }
            Err(error) => {
                eprintln!("no thumbnail: {}", error.cause);
                false
            }
        },
    };
    // Only now: a file whose pictures can't be decoded is found out whatever its thumbnail is.
    let thumbnail = match task.own_thumbnail.as_deref().and_then(cover::thumbnail_of) {
        Some(own) => write_thumbnail(task, &own)?,
        None => thumbnail,
    };
    Ok(Some(Made {
        duration_s: produced.as_ref().map(|produced| produced.duration_s),
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
    /// A filter that makes the sound as loud as it should be.
    level: Option<String>,
    /// Which tracks of text of the inputs are kept, and what all tracks of text will take, where that is of account.
    kept: Kept,
    text_bytes: u64,
}

impl Job<'_> {
    fn produce_output(&self, output: &Output, cover: Option<&Cover>, report: &mut dyn FnMut(f64)) -> WorkResult<Produced> {
        if let Some(text) = &output.subtitles.burn {
            if ffmpeg::filter::find("subtitles").is_none() {
                return Err(WorkError::new(Reason::NoEncoder { name: "libass".into() }, "this FFmpeg was built without libass"));
            }
            write_text(text, "ass", &self.task.folder.join(TEXT_NAME), "ass")?;
            std::env::set_current_dir(&self.task.folder).blame_us("going into the folder of the text")?;
        }
        let produced = self.produce_with(output, cover, report);
        if output.subtitles.burn.is_some() {
            remove(&self.task.folder.join(TEXT_NAME));
        }
        produced
    }

    fn produce_with(&self, output: &Output, cover: Option<&Cover>, report: &mut dyn FnMut(f64)) -> WorkResult<Produced> {
        let run = |picture, front| Run {
            inputs: self.inputs,
            picture,
            audio: &output.audio,
            output,
            cover: cover.map(|cover| &cover.cover),
            kept: &self.kept,
            threads: self.threads,
            front,
            level: self.level.as_deref(),
        };
        match &output.video {
            VideoWork::Leave => produce(&run(Picture::Leave, Front::Moved), report, &mut |_| Ok(())),
            VideoWork::Copy if !muxer::has_index_in_front(&output.container) => {
                produce(&run(Picture::Copy, Front::Moved), report, &mut |_| Ok(()))
            }
            VideoWork::Copy => self.copy(output, run, report),
            VideoWork::Gif(settings) => {
                let origin = self.inputs.first().ok_or_else(|| WorkError::new(Reason::Internal, "there is no input"))?;
                gif::produce(origin, output, *settings, self.threads, report)
            }
            VideoWork::Encode { settings, rate: Rate::Size(course) } => self.fit(output, settings, course, run, report),
            VideoWork::Encode { settings, rate: Rate::Quality(crf) } => {
                produce(&run(Picture::Encode(settings, Effort::Even(*crf)), Front::Moved), report, &mut |_| Ok(()))
            }
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

    /// Encodes so that it fits. Where that came out too large, or uneven, or leaves room that it could use, once more: libx264 with what it wrote down of each frame, as
    /// in the second of two passes; others with what was learnt on the way.
    fn fit<'a>(
        &'a self,
        output: &'a Output,
        settings: &'a VideoSettings,
        course: &Course,
        run: impl Fn(Picture<'a>, Front) -> Run<'a>,
        report: &mut dyn FnMut(f64),
    ) -> WorkResult<Produced> {
        let statistics = (settings.codec == VideoCodec::H264).then(|| self.task.folder.join("x264-pass.log"));
        let result = self.fit_with(output, settings, course, statistics.as_deref(), run, report);
        for left in statistics.iter().flat_map(|statistics| [statistics.clone(), statistics.with_extension("log.mbtree")]) {
            remove(&left);
        }
        if result.is_err() {
            remove(&output.path);
        }
        result
    }

    fn fit_with<'a>(
        &'a self,
        output: &'a Output,
        settings: &'a VideoSettings,
        course: &Course,
        statistics: Option<&Path>,
        run: impl Fn(Picture<'a>, Front) -> Run<'a>,
        report: &mut dyn FnMut(f64),
    ) -> WorkResult<Produced> {
        let index_bytes = course.index_bytes + self.text_bytes;
        let (mut course, mut helm, mut bit_rate) = (Course { index_bytes, ..course.clone() }, None::<Helm>, 0);
        let mut result_bytes = 0;
        let tries = if statistics.is_some() { TRIES } else { TRIES_IN_STEPS };
        for (turn, aim) in AIMS.into_iter().take(tries).enumerate() {
            let effort = match (statistics, &helm) {
                (Some(statistics), Some(_)) => Effort::Informed { bit_rate, statistics },
                (statistics, _) => Effort::Steered { course: &course, statistics },
            };
            let picture = Picture::Encode(settings, effort);
            let produced = produce(&Run { picture, ..run(Picture::Leave, Front::Moved) }, report, &mut |_| Ok(()))?;
            result_bytes = fs::metadata(&output.path).blame_us("measuring the result")?.len();
            eprintln!("{result_bytes} of {} bytes", course.max_bytes);
            let steered = produced.helm.clone().or_else(|| helm.clone());
            let Some(steered) = steered else { return Ok(produced) };
            let is_full = result_bytes as f64 >= course.max_bytes as f64 * FULL || steered.is_at_best();
            let is_even = helm.is_some() || statistics.is_none() || !steered.went_astray();
            if result_bytes <= course.max_bytes && (is_full && is_even || turn + 1 == tries) {
                return Ok(produced);
            }
            match (statistics, &helm) {
                (None, _) => course = steered.again(result_bytes, aim - MISSED),
                (Some(_), None) => bit_rate = steered.bit_rate(result_bytes, produced.duration_s, aim),
                (Some(_), Some(_)) => {
                    let missed = course.max_bytes as f64 * aim / result_bytes.max(1) as f64;
                    bit_rate = (bit_rate as f64 * missed) as u64;
                }
            }
            helm = Some(steered);
        }
        let reason = Reason::NoLane { size_bytes: result_bytes, limit_bytes: course.max_bytes, account_missing: false };
        Err(WorkError::new(reason, format!("{result_bytes} bytes after {tries} tries")))
    }
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
