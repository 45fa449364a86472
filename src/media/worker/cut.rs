//! Cuts a range out of a file, exact to the picture: the middle is copied, what stands before and behind it is encoded so that it can be joined.
//!
//! In: [`Cut`]. Out: a file that begins with the first picture of the range, and how much of it was copied. Must not: encode what can be copied, or
//! choose what (that is [`super::spans`]).

use ffmpeg::format::context::Input;
use ffmpeg::{Rational, Rescale, rescale};
use ffmpeg_next as ffmpeg;

use super::changes::Watch;
use super::cover;
use super::cut_pictures::Pictures;
use super::cut_sound::Sound;
use super::error::{WorkError, WorkResult};
use super::input::{self, Chosen};
use super::muxer::{Index, Muxer};
use super::nal;
use super::reader::{Found, Place, Readers};
use super::spans::{Shown, Spans, Told, plan, timed};
use crate::media::protocol::{AudioWork, Cut, MadeCut};
use crate::model::Reason;

/// Reading begins so long before the range: a picture that is decoded before may be shown later, but by no more than sixteen pictures.
const BEFORE_US: i64 = 1_000_000;
/// So much earlier a picture may begin and still belong to the range: times of people are rounded.
const ROUNDED_US: i64 = 1_000;
/// Why pictures are encoded that one description does not fit.
const CHANGES: &str = "its pictures change on the way";
/// Part of the progress that the look at the packets is.
const LOOK: f64 = 0.2;

/// Cuts it.
pub(super) fn cut(task: &Cut, threads: u32, report: &mut dyn FnMut(f64)) -> WorkResult<MadeCut> {
    let mut begins_us = task.from_us.saturating_sub(BEFORE_US).max(0);
    let mut seen = Seen::look(task, begins_us, &mut |part| report(part * LOOK))?;
    if begins_us > 0 && !seen.begins_before(task.from_us) {
        // The key frame that was found is a later one, or there is no index to find one by.
        begins_us = 0;
        seen = Seen::look(task, begins_us, &mut |part| report(part * LOOK))?;
    }
    let (mut input, streams) = open(task, begins_us)?;
    let stream = |index: Option<usize>| index.and_then(|index| input.stream(index));
    let (picture, sound) = (stream(streams.chosen.video), stream(streams.chosen.audio));
    let range = seen.range(task, &streams)?;
    let mut muxer = Muxer::create(&task.output, if picture.is_some() { "mp4" } else { "ipod" })?;
    let mut pictures = picture
        .map(|stream| Pictures::begin(task, &stream, seen.pictures.as_ref().err().copied(), &range, threads, &mut muxer))
        .transpose()?;
    let audio = match task.audio {
        AudioWork::Copy if seen.sound_changes => AudioWork::Encode(task.encode_audio),
        ref audio => audio.clone(),
    };
    let mut sound = sound.map(|stream| Sound::begin(&audio, &stream, &range, pictures.is_none(), &mut muxer)).transpose()?.flatten();
    if pictures.is_none() && sound.is_none() {
        return Err(WorkError::broken("there is nothing in it to cut"));
    }
    let song_cover = if pictures.is_none() { cover::find(None, std::iter::once(task.input.as_path())) } else { None };
    if let Some(cover) = &song_cover {
        muxer.add_cover(&cover.cover)?;
    }
    muxer.begin(task.title.as_deref(), task.artist.as_deref(), Index::Moved)?;
    let mut readers = Readers::new(std::slice::from_mut(&mut input), streams.places());
    let mut goes_on = Ends::new(&streams, range.to_us);
    while let Some(mut found) = readers.next()? {
        report(LOOK + (1.0 - LOOK) * part_of(task, streams.at_us(&found), seen.duration_us));
        if streams.is_picture(&found) {
            if let Some(pictures) = &mut pictures {
                pictures.take(&mut found.packet, &mut muxer)?;
            }
        } else if let Some(sound) = &mut sound {
            sound.take(&mut found.packet, &mut muxer)?;
        }
        if !goes_on.hear(&streams, &found) {
            break;
        }
    }
    let (mut copied_pictures, mut encoded_pictures, mut whole_because) = (0, 0, None);
    if let Some(pictures) = pictures {
        (copied_pictures, encoded_pictures, whole_because) = pictures.finish(&mut muxer)?;
    }
    if let Some(sound) = &mut sound {
        sound.finish(&mut muxer)?;
    }
    let duration_s = muxer.end_s();
    if duration_s <= 0.0 {
        return Err(WorkError::new(Reason::Empty, "nothing lies between the two times"));
    }
    muxer.finish()?;
    Ok(MadeCut { duration_s, copied_pictures, encoded_pictures, whole_because })
}

/// The range in microseconds from the start of the file, and the pictures that it begins and ends with.
pub(super) struct Range {
    /// Where the new file begins: with the first picture of the range, or where sound was asked for.
    pub(super) from_us: i64,
    pub(super) to_us: i64,
    /// When the first picture is shown, in the unit of its stream.
    pub(super) first_picture: i64,
    /// What happens to the pictures of the source, if their times are known.
    pub(super) planned: Option<(Spans, Vec<Shown>)>,
}

fn open(task: &Cut, begins_us: i64) -> WorkResult<(Input, Streams)> {
    let mut input = input::reopen(&task.input)?;
    let streams = Streams::of(&input);
    if begins_us > 0 && !input::may_jump(&input) {
        let at_us = input::start_us(&input).saturating_add(begins_us);
        // Where seeking fails (a damaged index) everything is read.
        if let Err(error) = input.seek(at_us, ..at_us.saturating_add(1)) {
            eprintln!("seeking to {begins_us} us: {error}");
        }
    }
    Ok((input, streams))
}

fn part_of(task: &Cut, at_us: i64, duration_us: i64) -> f64 {
    let length_us = task.to_us.min(duration_us.max(task.from_us + 1)) - task.from_us;
    (at_us - task.from_us) as f64 / length_us.max(1) as f64
}

/// The streams that are kept, and what counts their time.
pub(super) struct Streams {
    chosen: Chosen,
    picture_base: Rational,
    sound_base: Rational,
}

impl Streams {
    fn of(input: &Input) -> Self {
        let chosen = input::choose(input);
        let base =
            |index: Option<usize>| index.and_then(|index| input.stream(index)).map_or(rescale::TIME_BASE, |stream| stream.time_base());
        Self { chosen, picture_base: base(chosen.video), sound_base: base(chosen.audio) }
    }

    fn places(&self) -> Vec<Place> {
        [self.chosen.video, self.chosen.audio].into_iter().flatten().map(|stream| Place { input: 0, stream }).collect()
    }

    fn is_picture(&self, found: &Found) -> bool {
        self.chosen.video == Some(found.from.stream)
    }

    /// When a packet is decoded, or earlier.
    fn at_us(&self, found: &Found) -> i64 {
        let base = if self.is_picture(found) { self.picture_base } else { self.sound_base };
        let early_us = if self.is_picture(found) { BEFORE_US } else { 0 };
        let us = |at: i64| at.rescale(base, rescale::TIME_BASE);
        let shown_us = || found.packet.pts().map(|pts| us(pts).saturating_sub(early_us));
        found.packet.dts().map(us).or_else(shown_us).or(found.at_us).unwrap_or(0)
    }
}

/// Notices when nothing more of the range can come.
struct Ends {
    to_us: i64,
    picture: bool,
    sound: bool,
}

impl Ends {
    fn new(streams: &Streams, to_us: i64) -> Self {
        Self { to_us, picture: streams.chosen.video.is_none(), sound: streams.chosen.audio.is_none() }
    }

    /// False if all streams are behind the end.
    fn hear(&mut self, streams: &Streams, found: &Found) -> bool {
        if streams.at_us(found) >= self.to_us {
            if streams.is_picture(found) { self.picture = true } else { self.sound = true }
        }
        !(self.picture && self.sound)
    }
}

/// What a first look at the packets has seen.
struct Seen {
    /// Those of pictures in the order of decoding; damaged or strange ones make the list useless.
    pictures: Result<Vec<Told>, &'static str>,
    /// When the first picture is shown.
    first_picture_us: Option<i64>,
    duration_us: i64,
    has_pictures: bool,
    sound_changes: bool,
}

impl Seen {
    fn look(task: &Cut, begins_us: i64, report: &mut dyn FnMut(f64)) -> WorkResult<Self> {
        let (mut input, streams) = open(task, begins_us)?;
        let duration_us = (input::duration_s(&input) * 1e6) as i64;
        let setup = streams.chosen.video.and_then(|index| input.stream(index)).and_then(|stream| super::cut_pictures::setup_of(&stream));
        let mut pictures = Ok(Vec::new());
        let watch = |index: Option<usize>| index.and_then(|index| input.stream(index)).map(|stream| Watch::new(&stream));
        let (mut of_pictures, mut of_sound) = (watch(streams.chosen.video), watch(streams.chosen.audio));
        let mut first_picture_us = None;
        let mut sound_changes = false;
        let mut goes_on = Ends::new(&streams, task.to_us);
        let mut readers = Readers::new(std::slice::from_mut(&mut input), streams.places());
        while let Some(found) = readers.next()? {
            report(part_of(task, streams.at_us(&found), duration_us));
            if streams.is_picture(&found) {
                let shown = found.packet.pts().or(found.packet.dts());
                first_picture_us = first_picture_us.or(shown.map(|shown| shown.rescale(streams.picture_base, rescale::TIME_BASE)));
                let framing = setup.as_ref().map(|setup| setup.framing);
                note(&mut pictures, &found, framing);
                if of_pictures.as_mut().is_some_and(|watch| watch.differs(&found.packet)) {
                    pictures = Err(CHANGES);
                }
            } else {
                sound_changes |= of_sound.as_mut().is_some_and(|watch| watch.differs(&found.packet));
            }
            if !goes_on.hear(&streams, &found) {
                break;
            }
        }
        Ok(Self { pictures, first_picture_us, duration_us, has_pictures: streams.chosen.video.is_some(), sound_changes })
    }

    /// True if what was read begins before the range, or there are no pictures that would have to.
    fn begins_before(&self, from_us: i64) -> bool {
        !self.has_pictures || self.first_picture_us.is_some_and(|first_us| first_us <= from_us)
    }

    fn range(&self, task: &Cut, streams: &Streams) -> WorkResult<Range> {
        let unrounded = |us: i64| us.saturating_sub(ROUNDED_US).rescale(rescale::TIME_BASE, streams.picture_base);
        let whole = || Range {
            from_us: task.from_us,
            to_us: task.to_us,
            planned: None,
            first_picture: task.from_us.rescale(rescale::TIME_BASE, streams.picture_base),
        };
        let Some(told) = self.pictures.as_ref().ok().filter(|_| self.has_pictures) else { return Ok(whole()) };
        let pictures = timed(told);
        let nothing = || WorkError::new(Reason::Empty, "no picture lies between the two times");
        let to = if task.to_us == i64::MAX { i64::MAX } else { unrounded(task.to_us) };
        let spans = plan(&pictures, unrounded(task.from_us), to).ok_or_else(nothing)?;
        let from_us = spans.first.rescale(streams.picture_base, rescale::TIME_BASE);
        Ok(Range { from_us, to_us: task.to_us, first_picture: spans.first, planned: Some((spans, pictures)) })
    }
}

/// Notes a packet of pictures.
fn note(pictures: &mut Result<Vec<Told>, &'static str>, found: &Found, framing: Option<nal::Framing>) {
    let Ok(list) = pictures else { return };
    let is_changed = found.packet.side_data().any(|data| data.kind() == ffmpeg::codec::packet::side_data::Type::NewExtraData);
    let (Some(pts), false) = (found.packet.pts(), is_changed) else {
        *pictures = Err(if is_changed { CHANGES } else { "its pictures do not say when they are shown" });
        return;
    };
    let is_idr = framing.is_some_and(|framing| nal::is_idr(framing, found.packet.data().unwrap_or_default()));
    let is_key = found.packet.is_key();
    list.push(Told { pts, dts: found.packet.dts(), is_key, is_idr: is_idr && is_key });
}
