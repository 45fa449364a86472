//! Puts files behind each other: copied where all are alike, else encoded to one size and rate.
//!
//! In: [`Join`]. Out: a file as long as all together. Must not: hold more than one input open at a time.

use std::path::Path;

use ffmpeg::Rescale;
use ffmpeg::format::context::Input;
use ffmpeg::format::stream::Stream;
use ffmpeg::rescale;
use ffmpeg_next as ffmpeg;

use super::attempts::Surprise;
use super::changes::Watch;
use super::error::{WorkError, WorkResult};
use super::input::{self, Chosen, parameters};
use super::join_pictures::{Form, Pictures};
use super::join_sound::Sound;
use super::muxer::{Index, Muxer};
use super::reader::{Found, Place, Readers};
use crate::media::protocol::{Join, MadeJoin};
use crate::model::Reason;

/// What was found to change within a file while it was copied, and so has to be encoded.
#[derive(Default)]
struct Changes {
    pictures: Option<String>,
    sound: Option<String>,
}

/// Joins them.
pub(super) fn join(task: &Join, threads: u32, report: &mut dyn FnMut(f64)) -> WorkResult<MadeJoin> {
    let mut changes = Changes::default();
    loop {
        match join_once(task, &changes, threads, report) {
            Err(error) if error.surprise == Some(Surprise::PicturesChange) && changes.pictures.is_none() => {
                changes.pictures = Some(error.cause)
            }
            Err(error) if error.surprise == Some(Surprise::SoundChanges) && changes.sound.is_none() => changes.sound = Some(error.cause),
            result => return result,
        }
    }
}

fn join_once(task: &Join, changes: &Changes, threads: u32, report: &mut dyn FnMut(f64)) -> WorkResult<MadeJoin> {
    let kinds = task.inputs.iter().map(|path| Kind::of(path, task)).collect::<WorkResult<Vec<_>>>()?;
    let first = input::reopen(task.inputs.first().ok_or_else(|| WorkError::new(Reason::Internal, "there is nothing to join"))?)?;
    let has_pictures = kinds.iter().any(|kind| kind.chosen.video.is_some());
    let has_sound = kinds.iter().any(|kind| kind.chosen.audio.is_some());
    let pictures_because = has_pictures.then(|| differing(&kinds, task.copies_pictures, |kind| kind.picture.as_ref())).flatten();
    let pictures_because = pictures_because.or_else(|| changes.pictures.clone());
    let sound_because = has_sound.then(|| differing(&kinds, task.copies_sound, |kind| kind.sound.as_ref())).flatten();
    let sound_because = sound_because.or_else(|| changes.sound.clone());

    let mut muxer = Muxer::create(&task.output, if has_pictures { "mp4" } else { "ipod" })?;
    let stream = |index: Option<usize>| index.and_then(|index| first.stream(index));
    let mut pictures = match (stream(kinds[0].chosen.video), &pictures_because) {
        (Some(stream), None) => Some(Pictures::copied(&stream, &mut muxer)?),
        (Some(stream), Some(_)) => {
            let form = Form::together(kinds.iter().filter_map(|kind| kind.form));
            Some(Pictures::encoded(task, &stream, form, threads, &mut muxer)?)
        }
        (None, _) if has_pictures => return Err(WorkError::broken("the first file has no pictures, and another one has")),
        (None, _) => None,
    };
    let mut sound = match (stream(kinds[0].chosen.audio), &sound_because) {
        (Some(stream), None) => Some(Sound::copied(&stream, &mut muxer)?),
        (_, Some(_)) => Some(Sound::encoded(kinds.iter().filter_map(|kind| kind.sample_rate), task.audio_bit_rate, &mut muxer)?),
        (None, None) => None,
    };
    drop(first);
    if pictures.is_none() && sound.is_none() {
        return Err(WorkError::broken("there is nothing in them to join"));
    }
    muxer.begin(task.title.as_deref(), task.artist.as_deref(), Index::Moved)?;

    let length_s: f64 = kinds.iter().map(|kind| kind.duration_s).sum();
    let mut begins_us = 0;
    for (number, path) in (1..).zip(&task.inputs) {
        let mut part = |at_us: i64| report((begins_us + at_us) as f64 / 1e6 / length_s.max(0.001));
        let copies = [pictures_because.is_none(), sound_because.is_none()];
        begins_us = append((number, path), copies, begins_us, &mut pictures, &mut sound, &mut muxer, &mut part)?;
    }
    if let Some(pictures) = &mut pictures {
        pictures.finish(&mut muxer)?;
    }
    if let Some(sound) = &mut sound {
        sound.finish(begins_us, &mut muxer)?;
    }
    let duration_s = muxer.end_s();
    muxer.finish()?;
    Ok(MadeJoin { duration_s, pictures_because, sound_because })
}

/// Puts one file behind what is there, pictures and sound copied or not; says where it ends.
fn append(
    (number, path): (usize, &Path),
    [copies_pictures, copies_sound]: [bool; 2],
    begins_us: i64,
    pictures: &mut Option<Pictures>,
    sound: &mut Option<Sound>,
    muxer: &mut Muxer,
    report: &mut dyn FnMut(i64),
) -> WorkResult<i64> {
    let mut input = input::reopen(path)?;
    let chosen = input::choose(&input);
    let stream = |index: Option<usize>| index.and_then(|index| input.stream(index));
    let (picture_stream, sound_stream) = (stream(chosen.video), stream(chosen.audio));
    let bases = [&picture_stream, &sound_stream].map(|stream| stream.as_ref().map_or(rescale::TIME_BASE, |stream| stream.time_base()));
    if let (Some(pictures), Some(stream)) = (pictures.as_mut(), &picture_stream) {
        pictures.begin(stream, begins_us)?;
    }
    if let (Some(sound), Some(stream)) = (sound.as_mut(), &sound_stream) {
        sound.begin(stream, begins_us)?;
    }
    let watch = |stream: &Option<Stream>, copies: bool| stream.as_ref().filter(|_| copies).map(Watch::new);
    let mut watches = [watch(&picture_stream, copies_pictures), watch(&sound_stream, copies_sound)];
    let places = [chosen.video, chosen.audio].into_iter().flatten().map(|stream| Place { input: 0, stream }).collect();
    let mut readers = Readers::new(std::slice::from_mut(&mut input), places);
    let mut ends_us = 0;
    while let Some(Found { from, mut packet, at_us }) = readers.next()? {
        let is_picture = chosen.video == Some(from.stream);
        let base = bases[usize::from(!is_picture)];
        if let Some(shown) = packet.pts().or(packet.dts()) {
            ends_us = ends_us.max(shown.saturating_add(packet.duration().max(0)).rescale(base, rescale::TIME_BASE));
        }
        report(at_us.unwrap_or(ends_us));
        if watches[usize::from(!is_picture)].as_mut().is_some_and(|watch| watch.differs(&packet)) {
            let surprise = Surprise::of_change(is_picture);
            return Err(WorkError::broken(format!("file {number} changes on the way")).surprising(surprise));
        }
        match (is_picture, pictures.as_mut(), sound.as_mut()) {
            (true, Some(pictures), _) => pictures.take(&mut packet, muxer)?,
            (false, _, Some(sound)) => sound.take(&mut packet, muxer)?,
            _ => {}
        }
    }
    if ends_us <= 0 {
        return Err(WorkError::broken(format!("nothing in {} could be read", path.display())));
    }
    if let Some(pictures) = pictures {
        pictures.end(muxer)?;
    }
    if let Some(sound) = sound {
        sound.end(muxer)?;
    }
    Ok(begins_us.saturating_add(ends_us))
}

/// What has to be alike for copying.
#[derive(PartialEq)]
struct Likeness {
    codec: i32,
    /// Width, height, shape of pixels, rotation; or rate and channels.
    measures: [i32; 6],
    profile: i32,
    setup: Vec<u8>,
}

/// What one file is.
struct Kind {
    chosen: Chosen,
    picture: Option<Likeness>,
    sound: Option<Likeness>,
    form: Option<Form>,
    sample_rate: Option<i32>,
    duration_s: f64,
}

impl Kind {
    fn of(path: &Path, task: &Join) -> WorkResult<Self> {
        let input: Input = input::reopen(path)?;
        let chosen = input::choose(&input);
        let stream = |index: Option<usize>| index.and_then(|index| input.stream(index));
        let (picture, sound) = (stream(chosen.video), stream(chosen.audio));
        Ok(Self {
            chosen,
            form: picture.as_ref().map(|stream| Form::of(stream, &task.settings)),
            sample_rate: sound.as_ref().map(|stream| parameters(stream).sample_rate),
            picture: picture.as_ref().map(of_picture),
            sound: sound.as_ref().map(of_sound),
            duration_s: input::duration_s(&input),
        })
    }
}

fn of_picture(stream: &Stream) -> Likeness {
    let parameters = parameters(stream);
    let shape = parameters.sample_aspect_ratio;
    let measures = [parameters.width, parameters.height, shape.num, shape.den, i32::from(input::rotation(stream)), parameters.format];
    Likeness { codec: parameters.codec_id as i32, measures, profile: parameters.profile, setup: setup(stream) }
}

fn of_sound(stream: &Stream) -> Likeness {
    let parameters = parameters(stream);
    let measures = [parameters.sample_rate, parameters.ch_layout.nb_channels, 0, 0, 0, 0];
    Likeness { codec: parameters.codec_id as i32, measures, profile: parameters.profile, setup: setup(stream) }
}

fn setup(stream: &Stream) -> Vec<u8> {
    let parameters = parameters(stream);
    let length = usize::try_from(parameters.extradata_size).unwrap_or(0);
    if parameters.extradata.is_null() {
        return Vec::new();
    }
    // SAFETY: not null, so as long as it says, and alive as long as the stream.
    unsafe { std::slice::from_raw_parts(parameters.extradata, length) }.to_vec()
}

/// Why the streams can't be copied behind each other, if they can't.
fn differing(kinds: &[Kind], plays: bool, pick: impl Fn(&Kind) -> Option<&Likeness>) -> Option<String> {
    let Some(first) = kinds.first().and_then(&pick) else { return Some("the first file has none".to_owned()) };
    for (kind, number) in kinds.iter().zip(1..) {
        let why = match pick(kind) {
            None => "has none",
            Some(other) if other.codec != first.codec => "is of another codec",
            Some(other) if other.measures != first.measures => "has other measures",
            Some(other) if other.profile != first.profile || other.setup != first.setup => "was encoded with other settings",
            Some(_) => continue,
        };
        return Some(format!("file {number} {why}"));
    }
    (!plays).then(|| "it does not play everywhere as it is".to_owned())
}
