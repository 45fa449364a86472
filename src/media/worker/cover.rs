//! Finds the picture of a song.
//!
//! In: a picture file, or a file with an attached picture or a video. Out: a JPEG for the cover and one for the thumbnail. Must not: fail the work: a song
//! without a picture is a song.

use std::path::Path;

use ffmpeg::format::context::Input;
use ffmpeg::{Packet, frame};
use ffmpeg_next as ffmpeg;

use super::artwork;
use super::error::{Blame, WorkError, WorkResult};
use super::input;
use super::jpeg::{self, Jpeg};
use super::pictures::open_decoder;
use super::thumbnail;

/// Bounds of the cover inside the file.
const COVER_SIDE: u32 = 800;
const COVER_BYTES: usize = 200_000;
/// Longest side of a picture before the square is cut out of it.
const MAX_SIDE: u32 = 2048;
/// Packets that are read until the picture must have come.
const MAX_PACKETS: usize = 200;

/// A song's picture in two sizes.
pub(super) struct Cover {
    pub(super) cover: Jpeg,
    pub(super) thumbnail: Jpeg,
}

/// The picture given (the square in it, where a site has put bars around one), else the one attached to one of the files, else a frame of the video that the song is taken from, else none.
pub(super) fn find<'a>(picture: Option<&Path>, files: impl Iterator<Item = &'a Path> + Clone) -> Option<Cover> {
    let given = picture.and_then(|picture| report(of_file(picture, |chosen| chosen.video.or(chosen.cover), artwork::squared)));
    let attached = || files.clone().find_map(|file| report(of_file(file, |chosen| chosen.cover, Ok)));
    given.or_else(attached).or_else(|| files.clone().find_map(|file| report(of_video(file))))
}

/// A thumbnail of a picture file; nothing if it can't be read.
pub(super) fn thumbnail_of(picture: &Path) -> Option<Jpeg> {
    let draw = || {
        let mut input = input::reopen(picture)?;
        let chosen = input::choose(&input);
        let index = chosen.video.or(chosen.cover).ok_or_else(|| WorkError::broken("there is no picture in it"))?;
        jpeg::encode(&jpeg::scale(&mut first_frame(&mut input, index)?, 0, thumbnail::MAX_SIDE)?, thumbnail::MAX_BYTES)
    };
    draw().map_err(|error: WorkError| eprintln!("no thumbnail of the picture: {}", error.cause)).ok()
}

fn of_video(path: &Path) -> WorkResult<Option<Cover>> {
    if input::choose(&input::reopen(path)?).video.is_none() {
        return Ok(None);
    }
    in_two_sizes(thumbnail::telling_frame(path, COVER_SIDE)?).map(Some)
}

fn report(found: WorkResult<Option<Cover>>) -> Option<Cover> {
    found.unwrap_or_else(|error| {
        eprintln!("no cover: {}", error.cause);
        None
    })
}

fn of_file(
    path: &Path,
    pick: impl Fn(input::Chosen) -> Option<usize>,
    cut: impl Fn(frame::Video) -> WorkResult<frame::Video>,
) -> WorkResult<Option<Cover>> {
    let mut input = input::reopen(path)?;
    let Some(index) = pick(input::choose(&input)) else { return Ok(None) };
    let mut picture = first_frame(&mut input, index)?;
    let mut picture = cut(jpeg::scale(&mut picture, 0, MAX_SIDE)?)?;
    in_two_sizes(jpeg::scale(&mut picture, 0, COVER_SIDE)?).map(Some)
}

fn in_two_sizes(mut large: frame::Video) -> WorkResult<Cover> {
    let cover = jpeg::encode(&large, COVER_BYTES)?;
    let small = jpeg::scale(&mut large, 0, thumbnail::MAX_SIDE)?;
    let thumbnail = jpeg::encode(&small, thumbnail::MAX_BYTES)?;
    Ok(Cover { cover, thumbnail })
}

fn first_frame(input: &mut Input, index: usize) -> WorkResult<frame::Video> {
    let stream = input.stream(index).ok_or_else(|| WorkError::broken("the picture's stream is gone"))?;
    let mut decoder = open_decoder(&stream, 1)?;
    let mut picture = frame::Video::empty();
    for _ in 0..MAX_PACKETS {
        let mut packet = Packet::empty();
        match packet.read(input) {
            Ok(()) if packet.stream() == index => {
                decoder.send_packet(&packet).blame_file("decoding a picture")?;
                decoder.send_eof().blame_file("decoding a picture")?;
                decoder.receive_frame(&mut picture).blame_file("decoding a picture")?;
                return Ok(picture);
            }
            Ok(()) | Err(ffmpeg::Error::InvalidData) => {}
            Err(error) => return Err(error).blame_file("reading a picture"),
        }
    }
    Err(WorkError::broken("there is no picture at the start"))
}
