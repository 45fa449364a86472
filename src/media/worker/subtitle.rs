//! Takes subtitles out of a video, adds them as tracks, or burns them into its pictures.
//!
//! In: [`Subtitle`]. Out: a new file. Must not: read or write text itself (that is [`super::texts`]).

use std::path::Path;

use ffmpeg::format::context::Input;
use ffmpeg::{Packet, Rational};
use ffmpeg_next as ffmpeg;

use super::audio::AudioTrack;
use super::bitmaps::{self, Bitmaps};
use super::error::{Blame, WorkError, WorkResult};
use super::input;
use super::muxer::{Index, Muxer, TextLabel};
use super::overlaps;
use super::reader::{Place, Readers};
use super::texts::{self, Line, Lines, UNIT};
use super::video::{Effort, VideoTrack};
use crate::media::protocol::{AudioWork, Subtitle, SubtitleWork, Text, VideoSettings};
use crate::model::Reason;

/// The name of the text that is burnt in. Relative, since the filter takes its name apart at colons and commas, which a folder's name may have.
pub(super) const TEXT_NAME: &str = "burnt-in.ass";

/// Does it.
pub(super) fn subtitle(task: &Subtitle, threads: u32, report: &mut dyn FnMut(f64)) -> WorkResult<()> {
    match &task.work {
        SubtitleWork::Extract { text } => write_text(text, "subrip", &task.output, "srt"),
        SubtitleWork::AddTracks { video, texts } => add_tracks(task, video, texts, report),
        SubtitleWork::BurnIn { video, text, settings, crf, audio } => {
            let ways = Ways { picture: Some((settings, *crf)), audio, threads };
            if let Some(track) = text.track.filter(|_| text.path == *video)
                && of_pictures(video, track)?
            {
                return rewrite(task, video, &ways, Burnt::Pictures(track), &mut [], report);
            }
            lay_out_text(text, &task.folder)?;
            let burnt = rewrite(task, video, &ways, Burnt::Text, &mut [], report);
            std::fs::remove_file(TEXT_NAME).blame_us("removing the text")?;
            burnt
        }
    }
}

/// What becomes part of the pictures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Burnt {
    Nothing,
    /// The file of text in the folder.
    Text,
    /// The track of that number in the video.
    Pictures(usize),
}

fn of_pictures(video: &Path, track: usize) -> WorkResult<bool> {
    let input = input::reopen(video)?;
    Ok(input.stream(track).is_some_and(|stream| bitmaps::is_pictures(&stream)))
}

/// Puts text where the filter that burns it in finds it: [`TEXT_NAME`] in this process's folder, which becomes `folder`.
pub(super) fn lay_out_text(text: &Text, folder: &Path) -> WorkResult<()> {
    if ffmpeg::filter::find("subtitles").is_none() {
        return Err(WorkError::new(Reason::NoEncoder { name: "libass".into() }, "this FFmpeg was built without libass"));
    }
    write_text(text, "ass", &folder.join(TEXT_NAME), "ass")?;
    std::env::set_current_dir(folder).blame_us("going into the folder of the text")
}

/// Writes text as a file of its own.
fn write_text(text: &Text, codec: &str, path: &Path, container: &str) -> WorkResult<()> {
    let Lines { encoder, mut lines } = texts::read(text, codec)?;
    let mut muxer = Muxer::create(path, container)?;
    let to = muxer.add_encoded(encoder.as_ref())?;
    muxer.begin(None, None, Index::Moved)?;
    for line in &mut lines {
        line.bytes.retain(|byte| *byte != b'\r'); // FFmpeg ends lines within a text as Windows does, and all others as everybody else
        muxer.write(to, &mut line.packet(), UNIT)?;
    }
    muxer.finish().map(drop)
}

fn add_tracks(task: &Subtitle, video: &Path, texts: &[Text], report: &mut dyn FnMut(f64)) -> WorkResult<()> {
    let mut tracks = Vec::new();
    for text in texts {
        match texts::read(text, "mov_text") {
            Ok(lines) => tracks.push((text, Lines { lines: overlaps::flatten(lines.lines), ..lines })),
            // A track of the video that holds nothing is no reason to refuse another one.
            Err(error) if error.reason == Reason::Empty && text.track.is_some() && texts.len() > 1 => {
                eprintln!("track {:?}: {}", text.track, error.cause);
            }
            Err(error) => return Err(error),
        }
    }
    rewrite(task, video, &Ways { picture: None, audio: &AudioWork::Copy, threads: 1 }, Burnt::Nothing, &mut tracks, report)
}

/// What happens to picture and sound.
struct Ways<'a> {
    /// How pictures are encoded, with the text in them; copied if it is not said.
    picture: Option<(&'a VideoSettings, f64)>,
    audio: &'a AudioWork,
    threads: u32,
}

/// Lines on their way into a track.
struct Waiting {
    to: usize,
    lines: std::iter::Peekable<std::vec::IntoIter<Line>>,
}

impl Waiting {
    /// Writes those that begin until then.
    fn write(&mut self, until_ms: i64, muxer: &mut Muxer) -> WorkResult<()> {
        while let Some(line) = self.lines.next_if(|line| line.at_ms <= until_ms) {
            muxer.write(self.to, &mut line.packet(), UNIT)?;
        }
        Ok(())
    }
}

/// A new MP4, with tracks of text or with subtitles in its pictures.
fn rewrite(
    task: &Subtitle,
    video: &Path,
    ways: &Ways,
    burnt: Burnt,
    tracks: &mut [(&Text, Lines)],
    report: &mut dyn FnMut(f64),
) -> WorkResult<()> {
    let mut input: Input = input::reopen(video)?;
    let chosen = input::choose(&input);
    let duration_us = input::duration_s(&input) * 1e6;
    let stream = |index: Option<usize>| index.and_then(|index| input.stream(index));
    let picture = stream(chosen.video).ok_or_else(|| WorkError::broken("there is no picture that subtitles could stand in"))?;
    let mut muxer = Muxer::create(&task.output, "mp4")?;
    let picture_base = picture.time_base();
    let (to_picture, mut pictures) = match ways.picture {
        None => (muxer.add_copy(&picture)?, None),
        Some((settings, crf)) => {
            let mut track = VideoTrack::new(&picture, settings, Effort::Even(crf), ways.threads)?;
            match burnt {
                Burnt::Nothing => {}
                Burnt::Text => track.put_behind(format!("subtitles=filename={TEXT_NAME}")),
                Burnt::Pictures(number) => {
                    let subtitles = stream(Some(number)).ok_or_else(|| WorkError::broken("the track of subtitles is gone"))?;
                    track.put_over(Bitmaps::new(&subtitles, input::display(&picture))?);
                }
            }
            (muxer.add_encoded(track.encoder()?)?, Some(track))
        }
    };
    let sound = stream(chosen.audio).filter(|_| *ways.audio != AudioWork::Leave);
    let sound_base = sound.as_ref().map_or(UNIT, |stream| stream.time_base());
    let (mut to_sound, mut sounds) = (None, None);
    match (&sound, ways.audio) {
        (Some(stream), AudioWork::Encode(settings)) => {
            let track = AudioTrack::new(stream, settings, None)?;
            to_sound = Some(muxer.add_encoded(track.encoder())?);
            sounds = Some(track);
        }
        (Some(stream), _) => to_sound = Some(muxer.add_copy(stream)?),
        (None, _) => {}
    }
    let mut waiting = Vec::new();
    for (text, lines) in tracks {
        let label = TextLabel { language: text.language.clone(), ..TextLabel::default() };
        let to = muxer.add_text(lines.encoder.as_ref(), &label)?;
        waiting.push(Waiting { to, lines: std::mem::take(&mut lines.lines).into_iter().peekable() });
    }
    let over = if let Burnt::Pictures(number) = burnt { Some(number) } else { None };
    let places = [chosen.video, chosen.audio, over].into_iter().flatten().map(|stream| Place { input: 0, stream }).collect();
    muxer.begin(task.title.as_deref(), task.artist.as_deref(), Index::Moved)?;
    let mut readers = Readers::new(std::slice::from_mut(&mut input), places);
    while let Some(mut found) = readers.next()? {
        if let Some(at_us) = found.at_us {
            report(if duration_us > 0.0 { at_us as f64 / duration_us } else { 0.0 });
            for track in &mut waiting {
                track.write(at_us / 1000, &mut muxer)?;
            }
        }
        let packet = &mut found.packet;
        match (chosen.video == Some(found.from.stream), &mut pictures, &mut sounds, to_sound) {
            _ if packet.size() == 0 => {}
            (_, Some(track), ..) if over == Some(found.from.stream) => {
                if let Some(subtitles) = track.subtitles() {
                    subtitles.feed(packet);
                }
            }
            (true, None, ..) => muxer.write(to_picture, packet, picture_base)?,
            (true, Some(track), ..) => track.feed(packet, &mut |packet, base| muxer.write(to_picture, packet, base))?,
            (false, _, None, Some(to)) => muxer.write(to, packet, sound_base)?,
            (false, _, Some(track), Some(to)) => {
                track.feed(packet, &mut |packet: &mut Packet, base: Rational| muxer.write(to, packet, base))?;
            }
            (false, _, _, None) => {}
        }
    }
    if let Some(track) = &mut pictures {
        track.finish(&mut |packet, base| muxer.write(to_picture, packet, base))?;
    }
    if let (Some(track), Some(to)) = (&mut sounds, to_sound) {
        track.finish(false, &mut |packet, base| muxer.write(to, packet, base))?;
    }
    // What is said behind the end of the pictures is not: it would make the film longer.
    let end_ms = (muxer.end_s() * 1000.0) as i64;
    for track in &mut waiting {
        track.write(end_ms, &mut muxer)?;
    }
    if end_ms <= 0 {
        return Err(WorkError::broken("nothing in it could be read"));
    }
    muxer.finish().map(drop)
}
