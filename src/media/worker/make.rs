//! Makes what is asked for: a new file, a cover in it, a thumbnail beside it.
//!
//! In: [`Make`]. Out: [`Made`]. Must not: decide what is to be made.

use std::fs;
use std::path::Path;

use super::attempts::Attempt;
use super::cover::{self, Cover};
use super::error::{Blame, WorkError, WorkResult};
use super::feed::Origin;
use super::gif;
use super::hardware;
use super::jpeg::Jpeg;
use super::loudness;
use super::muxer;
use super::produce::{Front, Picture, Produced, Run, produce};
use super::subtitle::{TEXT_NAME, lay_out_text};
use super::text_tracks::{self, Kept};
use super::thumbnail;
use super::video::Effort;
use crate::media::memo::{Remembered, remember, remembered};
use crate::media::protocol::{AudioWork, Course, Made, Make, Output, Rate, VideoSettings, VideoWork};
use crate::media::steer::AIM;
use crate::model::{Reason, VideoCodec};

/// The part of the bytes that is aimed at after each run of an encode that has to fit.
const AIMS: [f64; 5] = [AIM, AIM - 0.005, AIM - 0.01, AIM - 0.01, AIM - 0.01];
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
    let produced = task.output.as_ref().map(|output| job.produce_somehow(output, cover.as_ref(), &mut report)).transpose()?;
    if produced.as_ref().is_some_and(|(produced, _)| !produced.fits) {
        return Ok(None);
    }
    let encoded = produced.as_ref().map(|(_, attempt)| attempt.encodes());
    let produced = produced.map(|(produced, _)| produced);
    let thumbnail = match (&task.output, &cover) {
        (_, Some(cover)) => write_thumbnail(task, &cover.thumbnail)?,
        (Some(Output { video: VideoWork::Leave, .. }), None) => false,
        (output, None) => {
            let is_decoded = output.as_ref().is_some_and(|output| matches!(output.video, VideoWork::Encode { .. } | VideoWork::Gif(_)));
            still(task, picture_path, is_decoded)?
        }
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
        encoded,
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
    /// Produces it; and once more, another way, where that mends what came otherwise than expected.
    fn produce_somehow(&self, output: &Output, cover: Option<&Cover>, report: &mut dyn FnMut(f64)) -> WorkResult<(Produced, Attempt)> {
        let mut attempt = Attempt::first(output);
        loop {
            let tried = Output { video: attempt.video.clone(), audio: attempt.audio.clone(), ..output.clone() };
            let next = match self.produce_output(&tried, cover, report) {
                Ok(produced) => {
                    let next = attempt.after_spending(produced.pictures, produced.sound, &output.otherwise);
                    let Some(next) = next else { return Ok((produced, attempt)) };
                    eprintln!("more than in the source: pictures {:?}, sound {:?}", produced.pictures, produced.sound);
                    next
                }
                Err(error) => {
                    let next = error.surprise.and_then(|surprise| attempt.after(surprise, &output.otherwise));
                    let Some(next) = next else { return Err(error) };
                    eprintln!("{}", error.cause);
                    if attempt.hardware && !next.hardware {
                        hardware::give_up(&error.cause);
                    }
                    if output.live {
                        // Others have read of it already. What begins anew does so when all of it is there.
                        remember(&self.task.folder, Remembered::WholeOnly).blame_us("noting that it has to be whole")?;
                        return Ok((Produced::of_no_use(), attempt));
                    }
                    next
                }
            };
            attempt = next;
        }
    }

    fn produce_output(&self, output: &Output, cover: Option<&Cover>, report: &mut dyn FnMut(f64)) -> WorkResult<Produced> {
        if let Some(text) = &output.subtitles.burn {
            lay_out_text(text, &self.task.folder)?;
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
            // What is copied to save bytes has none for an empty place in front.
            VideoWork::Copy if !muxer::has_index_in_front(&output.container) || output.otherwise.copy_larger_video => {
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

    /// Encodes so that it fits. Where that came out too large, or uneven, or leaves room that it could use, once more with what was learnt on the way.
    fn fit<'a>(
        &'a self,
        output: &'a Output,
        settings: &'a VideoSettings,
        course: &Course,
        run: impl Fn(Picture<'a>, Front) -> Run<'a>,
        report: &mut dyn FnMut(f64),
    ) -> WorkResult<Produced> {
        let result = self.fit_with(output, settings, course, run, report);
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
        run: impl Fn(Picture<'a>, Front) -> Run<'a>,
        report: &mut dyn FnMut(f64),
    ) -> WorkResult<Produced> {
        let mut course = Course { index_bytes: course.index_bytes + self.text_bytes, ..course.clone() };
        let mut result_bytes = 0;
        for (turn, aim) in AIMS.into_iter().enumerate() {
            let picture = Picture::Encode(settings, Effort::Steered(&course));
            let produced = produce(&Run { picture, ..run(Picture::Leave, Front::Moved) }, report, &mut |_| Ok(()))?;
            result_bytes = fs::metadata(&output.path).blame_us("measuring the result")?.len();
            let Some(helm) = &produced.helm else { return Ok(produced) };
            eprintln!("{result_bytes} of {} bytes ({})", course.max_bytes, helm.log());
            let is_full = result_bytes as f64 >= course.max_bytes as f64 * FULL || helm.is_at_best();
            // Only an encoder that takes any quality at any time can be as even as that.
            let is_even = turn > 0 || settings.codec != VideoCodec::H264 || !helm.went_astray();
            if result_bytes <= course.max_bytes && (is_full && is_even || turn + 1 == AIMS.len()) {
                return Ok(produced);
            }
            course = helm.again(result_bytes, aim - MISSED);
        }
        let reason = Reason::NoLane { size_bytes: result_bytes, limit_bytes: course.max_bytes, account_missing: false };
        Err(WorkError::new(reason, format!("{result_bytes} bytes after {} tries", AIMS.len())))
    }
}

/// Writes a picture of the video, if one is asked for. Pictures that were not decoded for the output are decoded here for the first time: none at all means that nobody
/// could see any.
fn still(task: &Make, path: &Path, is_decoded: bool) -> WorkResult<bool> {
    if task.thumbnail.is_none() {
        return if is_decoded { Ok(false) } else { thumbnail::check(path).map(|()| false) };
    }
    match thumbnail::of_video(path) {
        Ok(picture) => write_thumbnail(task, &picture),
        Err(error) if is_decoded => {
            eprintln!("no thumbnail: {}", error.cause);
            Ok(false)
        }
        Err(error) => Err(error),
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
