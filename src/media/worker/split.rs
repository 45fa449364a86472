//! Cuts a file into pieces that each play from their start, without encoding anything.
//!
//! In: a file that plays, the largest that a piece may be. Out: files that begin with a key frame and at time zero, each with its index in front.
//! Must not: read more than once for the measures and once for the pieces, or lose a packet that can be shown.

use std::fs;
use std::path::{Path, PathBuf};

use ffmpeg::format::context::Input;
use ffmpeg::{Rational, Rescale, rescale};
use ffmpeg_next as ffmpeg;

use super::cover::{self, Cover};
use super::cuts::cuts;
use super::error::{Blame, WorkError, WorkResult};
use super::input::{self, Chosen};
use super::muxer::{Index, Muxer};
use super::reader::{Found, Place, Readers};
use super::thumbnail;
use crate::media::protocol::{MadePiece, Split};
use crate::model::Reason;

/// Sound alone may be cut anywhere; so far apart are the places that are looked at, in microseconds.
const SOUND_STRETCH_US: i64 = 1_000_000;
/// What the index takes for each packet at most, and beside them; see [`super::room`].
const INDEX_BYTES_PER_PICTURE: u64 = 45;
const INDEX_BYTES_PER_SOUND: u64 = 32;
const INDEX_FIXED_BYTES: u64 = 8 << 10;
/// Beside index and media: the boxes around them.
const BOXES_BYTES: u64 = 1 << 10;
/// Part of the progress that the measures are.
const MEASURES: f64 = 0.3;

/// Cuts it.
pub(super) fn split(task: &Split, report: &mut dyn FnMut(f64)) -> WorkResult<Vec<MadePiece>> {
    let stretches = measure(&task.input, &mut |fraction| report(fraction * MEASURES))?;
    let sizes: Vec<u64> = stretches.iter().map(Stretch::bytes).collect();
    let cover = if task.is_song { cover::find(None, std::iter::once(task.input.as_path())) } else { None };
    let cover_bytes = cover.as_ref().map_or(0, |cover| cover.cover.bytes.len() as u64 + BOXES_BYTES);
    let begins = cuts(&sizes, INDEX_FIXED_BYTES + BOXES_BYTES + cover_bytes, task.max_bytes, task.max_pieces as usize)
        .ok_or_else(|| too_large(task, "it can't be cut into so few pieces, or so small ones"))?;
    let cutting = Cutting { task, stretches: &stretches, begins: &begins, cover: cover.as_ref() };
    let mut rest = |fraction: f64| report(MEASURES + fraction * (1.0 - MEASURES));
    let lengths_s = match cutting.write(true, &mut rest)? {
        Some(lengths_s) => lengths_s,
        None => cutting.write(false, &mut rest)?.ok_or_else(|| WorkError::new(Reason::Internal, "an index of no size does not fit"))?,
    };
    lengths_s.into_iter().enumerate().map(|(number, duration_s)| cutting.describe(number, duration_s)).collect()
}

/// What lies between two places where a cut is possible.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    /// When it is shown first.
    at_us: i64,
    media_bytes: u64,
    pictures: u64,
    sounds: u64,
}

impl Stretch {
    fn index_bytes(&self) -> u64 {
        self.pictures * INDEX_BYTES_PER_PICTURE + self.sounds * INDEX_BYTES_PER_SOUND
    }

    fn bytes(&self) -> u64 {
        self.media_bytes + self.index_bytes()
    }
}

/// The streams that are kept, and what counts their time.
#[derive(Clone, Copy)]
struct Streams {
    chosen: Chosen,
    picture_base: Rational,
    sound_base: Rational,
}

impl Streams {
    fn of(input: &Input) -> WorkResult<Self> {
        let chosen = input::choose(input);
        if chosen.video.is_none() && chosen.audio.is_none() {
            return Err(WorkError::broken("there is nothing in it to cut"));
        }
        let base =
            |index: Option<usize>| index.and_then(|index| input.stream(index)).map_or(rescale::TIME_BASE, |stream| stream.time_base());
        Ok(Self { chosen, picture_base: base(chosen.video), sound_base: base(chosen.audio) })
    }

    fn places(&self) -> Vec<Place> {
        [self.chosen.video, self.chosen.audio].into_iter().flatten().map(|stream| Place { input: 0, stream }).collect()
    }

    fn is_picture(&self, found: &Found) -> bool {
        self.chosen.video == Some(found.from.stream)
    }

    fn base(&self, found: &Found) -> Rational {
        if self.is_picture(found) { self.picture_base } else { self.sound_base }
    }

    /// When a packet is shown or heard.
    fn shown_us(&self, found: &Found) -> i64 {
        let at = found.packet.pts().or(found.packet.dts());
        at.map_or(found.at_us.unwrap_or(0), |at| at.rescale(self.base(found), rescale::TIME_BASE))
    }

    /// True where a piece may begin.
    fn is_cut(&self, found: &Found, last_us: Option<i64>) -> bool {
        if self.is_picture(found) {
            return found.packet.is_key();
        }
        self.chosen.video.is_none() && last_us.is_none_or(|last_us| self.shown_us(found) >= last_us.saturating_add(SOUND_STRETCH_US))
    }
}

/// Reads the whole file once.
fn measure(path: &Path, report: &mut dyn FnMut(f64)) -> WorkResult<Vec<Stretch>> {
    let input = input::reopen(path)?;
    let streams = Streams::of(&input)?;
    let duration_us = input::duration_s(&input) * 1e6;
    let mut inputs = [input];
    let mut readers = Readers::new(&mut inputs, streams.places());
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut before = Stretch::default();
    while let Some(found) = readers.next()? {
        let at_us = streams.shown_us(&found);
        if duration_us > 0.0 {
            report(at_us as f64 / duration_us);
        }
        if streams.is_cut(&found, stretches.last().map(|stretch| stretch.at_us)) {
            stretches.push(Stretch { at_us, ..std::mem::take(&mut before) });
        }
        let stretch = stretches.last_mut().unwrap_or(&mut before);
        stretch.media_bytes += found.packet.size() as u64;
        match streams.is_picture(&found) {
            true => stretch.pictures += 1,
            false => stretch.sounds += 1,
        }
    }
    if stretches.is_empty() {
        return Err(WorkError::broken("there is no key frame in it"));
    }
    Ok(stretches)
}

/// One way of cutting.
struct Cutting<'a> {
    task: &'a Split,
    stretches: &'a [Stretch],
    /// The first stretch of each piece.
    begins: &'a [usize],
    cover: Option<&'a Cover>,
}

impl Cutting<'_> {
    /// Writes all pieces in one go; says how long they are. Nothing if the room for an index was too small.
    fn write(&self, leave_room: bool, report: &mut dyn FnMut(f64)) -> WorkResult<Option<Vec<f64>>> {
        let input = input::reopen(&self.task.input)?;
        let streams = Streams::of(&input)?;
        let mut pieces =
            (0..self.begins.len()).map(|number| self.begin(&input, streams.chosen, number, leave_room)).collect::<WorkResult<Vec<_>>>()?;
        let duration_us = input::duration_s(&input) * 1e6;
        let mut inputs = [input];
        let mut readers = Readers::new(&mut inputs, streams.places());
        let (mut stretch, mut cut_us) = (None::<usize>, None);
        while let Some(mut found) = readers.next()? {
            let at_us = streams.shown_us(&found);
            if duration_us > 0.0 {
                report(at_us as f64 / duration_us);
            }
            if streams.is_cut(&found, cut_us) {
                stretch = Some(stretch.map_or(0, |stretch| stretch + 1));
                cut_us = Some(at_us);
            }
            // Pictures come in the order of decoding, and belong to the key frame that they follow; sound belongs to what is seen with it.
            let number = match (stretch, streams.is_picture(&found)) {
                (None, true) => continue,
                (Some(stretch), true) => self.begins.partition_point(|begin| *begin <= stretch).saturating_sub(1),
                (_, false) => (1..self.begins.len()).rev().find(|number| at_us >= self.at_us(*number)).unwrap_or(0),
            };
            let (begin_us, base) = (if number == 0 { 0 } else { self.at_us(number) }, streams.base(&found));
            if number > 0 && at_us < begin_us {
                continue; // shown before the key frame that it comes after: it needs pictures of the piece before
            }
            let shift = begin_us.rescale(rescale::TIME_BASE, base);
            found.packet.set_pts(found.packet.pts().map(|pts| pts.saturating_sub(shift)));
            found.packet.set_dts(found.packet.dts().map(|dts| dts.saturating_sub(shift)));
            let piece = pieces.get_mut(number).ok_or_else(|| WorkError::new(Reason::Internal, "a packet of no piece"))?;
            let to = if streams.is_picture(&found) { piece.picture } else { piece.sound };
            if let Some(to) = to.filter(|_| found.packet.size() > 0) {
                piece.muxer.write(to, &mut found.packet, base)?;
            }
        }
        let mut lengths_s = Vec::new();
        for piece in pieces {
            lengths_s.push(piece.muxer.end_s());
            if !piece.muxer.finish()? {
                return Ok(None);
            }
        }
        Ok(Some(lengths_s))
    }

    fn begin(&self, input: &Input, chosen: Chosen, number: usize, leave_room: bool) -> WorkResult<Piece> {
        let mut muxer = Muxer::create(&self.path(number), if self.task.is_song { "ipod" } else { "mp4" })?;
        let mut add = |index: Option<usize>| index.and_then(|index| input.stream(index)).map(|stream| muxer.add_copy(&stream)).transpose();
        let (picture, sound) = (add(chosen.video)?, add(chosen.audio)?);
        if let Some(cover) = self.cover {
            muxer.add_cover(&cover.cover)?;
        }
        let (begin, end) = (self.begins[number], self.begins.get(number + 1).copied().unwrap_or(self.stretches.len()));
        let index_bytes: u64 = self.stretches[begin..end].iter().map(Stretch::index_bytes).sum();
        let index = if leave_room { Index::Room { bytes: index_bytes + INDEX_FIXED_BYTES, live: false } } else { Index::Moved };
        let title = self.task.title.as_ref().map(|title| format!("{title} ({}/{})", number + 1, self.begins.len()));
        muxer.begin(title.as_deref(), self.task.artist.as_deref(), index)?;
        Ok(Piece { muxer, picture, sound })
    }

    fn describe(&self, number: usize, duration_s: f64) -> WorkResult<MadePiece> {
        let path = self.path(number);
        let size_bytes = fs::metadata(&path).blame_us("measuring a piece")?.len();
        if size_bytes > self.task.max_bytes {
            return Err(too_large(self.task, "a piece became larger than it was measured"));
        }
        let picture = match self.cover {
            Some(cover) => Ok(cover.thumbnail.bytes.clone()),
            None if self.task.is_song => return Ok(MadePiece { path, size_bytes, duration_s, thumbnail: None }),
            None => thumbnail::of_video(&path).map(|picture| picture.bytes),
        };
        let thumbnail = match picture {
            Ok(bytes) => {
                let beside = path.with_extension("jpg");
                fs::write(&beside, bytes).blame_us("writing a thumbnail")?;
                Some(beside)
            }
            Err(error) => {
                eprintln!("no thumbnail: {}", error.cause);
                None
            }
        };
        Ok(MadePiece { path, size_bytes, duration_s, thumbnail })
    }

    fn path(&self, number: usize) -> PathBuf {
        self.task.folder.join(format!("piece-{}.{}", number + 1, if self.task.is_song { "m4a" } else { "mp4" }))
    }

    fn at_us(&self, number: usize) -> i64 {
        self.begins.get(number).and_then(|begin| self.stretches.get(*begin)).map_or(i64::MAX, |stretch| stretch.at_us)
    }
}

struct Piece {
    muxer: Muxer,
    picture: Option<usize>,
    sound: Option<usize>,
}

fn too_large(task: &Split, cause: &str) -> WorkError {
    let size_bytes = fs::metadata(&task.input).map_or(0, |metadata| metadata.len());
    WorkError::new(Reason::NoLane { size_bytes, limit_bytes: task.max_bytes, account_missing: false }, cause)
}
