//! Subtitles that are pictures: those of Blu-rays (PGS), DVDs (VobSub) and broadcasts (DVB).
//!
//! In: packets of such a track, in the order of the file. Out: what stands over the film at a moment. Must not: draw it (that is [`super::overlay`]), or know what it says.

use std::collections::VecDeque;

use ffmpeg::format::stream::Stream;
use ffmpeg::{Packet, decoder, ffi};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkResult};
use super::input::parameters;
use super::texts::{self, Decoded};

/// Larger ones than these are damage.
const MAX_PIXELS: usize = 4096 * 4096;
/// What broadcasts draw on where they do not say it (ETSI EN 300 743, 7.2.1).
const USUAL_CANVAS: (u32, u32) = (720, 576);

/// One track on its way through its decoder.
pub(super) struct Bitmaps {
    decoder: decoder::Subtitle,
    /// What is drawn on where the track does not say it.
    canvas: (u32, u32),
    ahead: VecDeque<Shown>,
    now: Option<Shown>,
    count: u64,
}

/// What stands over the film from a moment on, in one piece.
pub(super) struct Shown {
    /// Each has another one.
    pub(super) number: u64,
    at_us: i64,
    until_us: i64,
    /// What its place is counted on: the width and height of the film as its maker saw it.
    pub(super) canvas: (u32, u32),
    /// Left and upper edge, width and height; nothing is seen if it is empty.
    pub(super) place: (u32, u32, u32, u32),
    /// Blue, green, red and how much of them is seen, line by line.
    pub(super) pixels: Vec<[u8; 4]>,
}

/// True if the subtitles of a stream are pictures.
pub(super) fn is_pictures(stream: &Stream) -> bool {
    // SAFETY: gives null or a constant of FFmpeg.
    let known = unsafe { ffi::avcodec_descriptor_get(parameters(stream).codec_id) };
    // SAFETY: not null, so a constant.
    !known.is_null() && unsafe { (*known).props } & ffi::AV_CODEC_PROP_BITMAP_SUB != 0
}

impl Bitmaps {
    /// For a track over a film of that size.
    pub(super) fn new(stream: &Stream, film: (u32, u32)) -> WorkResult<Self> {
        let is_broadcast = parameters(stream).codec_id == ffi::AVCodecID::AV_CODEC_ID_DVB_SUBTITLE;
        let canvas = if is_broadcast { USUAL_CANVAS } else { film };
        let decoder = texts::open_decoder_of(stream).blame_file("opening the decoder for subtitles")?;
        Ok(Self { decoder, canvas, ahead: VecDeque::new(), now: None, count: 0 })
    }

    /// Takes the next packet; a damaged one is passed over.
    pub(super) fn feed(&mut self, packet: &Packet) {
        let mut subtitle = Decoded(ffmpeg::Subtitle::new());
        if !self.decoder.decode(packet, &mut subtitle.0).unwrap_or(false) {
            return;
        }
        let Some(begins_us) = subtitle.0.pts() else { return };
        let after = |ms: u32| begins_us.saturating_add(i64::from(ms) * 1000);
        let (begin_ms, end_ms) = (subtitle.0.start(), subtitle.0.end());
        // Those of Blu-rays stand until the next one comes, which may be an empty one.
        let until_us = if end_ms == u32::MAX || end_ms <= begin_ms { i64::MAX } else { after(end_ms) };
        let (place, pixels) = drawn(&subtitle.0).unwrap_or_default();
        self.count += 1;
        let shown = Shown { number: self.count, at_us: after(begin_ms), until_us, canvas: self.canvas_for(place), place, pixels };
        let behind = self.ahead.partition_point(|other| other.at_us <= shown.at_us);
        self.ahead.insert(behind, shown);
    }

    /// What stands over the film then; times only rise.
    pub(super) fn at(&mut self, us: i64) -> Option<&Shown> {
        while self.ahead.front().is_some_and(|next| next.at_us <= us) {
            self.now = self.ahead.pop_front();
        }
        self.now.as_ref().filter(|shown| us < shown.until_us && !shown.pixels.is_empty())
    }

    fn canvas_for(&self, (left, top, width, height): (u32, u32, u32, u32)) -> (u32, u32) {
        // SAFETY: reads plain numbers of a living decoder.
        let (known_width, known_height) = unsafe { ((*self.decoder.as_ptr()).width, (*self.decoder.as_ptr()).height) };
        let known =
            u32::try_from(known_width).ok().zip(u32::try_from(known_height).ok()).filter(|(width, height)| *width > 0 && *height > 0);
        let (canvas_width, canvas_height) = known.unwrap_or(self.canvas);
        (canvas_width.max(left + width), canvas_height.max(top + height))
    }
}

type Place = (u32, u32, u32, u32);

/// All pieces of it in one; nothing if it is empty.
fn drawn(subtitle: &ffmpeg::Subtitle) -> Option<(Place, Vec<[u8; 4]>)> {
    // SAFETY: a decoder filled it, so there are as many pointers to pieces as it says, none of them null.
    let pieces: Vec<&ffi::AVSubtitleRect> = unsafe {
        let raw = &*subtitle.as_ptr();
        (0..raw.num_rects as usize).map(|index| &**raw.rects.add(index)).collect()
    };
    let number = |number: i32| u32::try_from(number).unwrap_or(0);
    let seen: Vec<(Place, &ffi::AVSubtitleRect)> = pieces
        .into_iter()
        .filter(|piece| piece.type_ == ffi::AVSubtitleType::SUBTITLE_BITMAP && !piece.data[0].is_null() && !piece.data[1].is_null())
        .map(|piece| ((number(piece.x), number(piece.y), number(piece.w), number(piece.h)), piece))
        .filter(|((left, top, width, height), _)| *width > 0 && *height > 0 && left.max(top).max(width).max(height) <= &0xffff)
        .collect();
    let left = seen.iter().map(|((left, ..), _)| *left).min()?;
    let top = seen.iter().map(|((_, top, ..), _)| *top).min()?;
    let width = seen.iter().map(|((left, _, width, _), _)| left + width).max()? - left;
    let height = seen.iter().map(|((_, top, _, height), _)| top + height).max()? - top;
    let count = (width as usize).checked_mul(height as usize).filter(|count| *count <= MAX_PIXELS)?;
    let mut pixels = vec![[0; 4]; count];
    for ((piece_left, piece_top, piece_width, piece_height), piece) in seen {
        let colours = piece.nb_colors.clamp(0, 256) as usize;
        let line_bytes = usize::try_from(piece.linesize[0]).ok().filter(|bytes| *bytes >= piece_width as usize)?;
        // SAFETY: pieces of a bitmap have so many lines of so many numbers, and a palette of 256 colours (`avcodec.h`, `AVSubtitleRect`).
        let (numbers, palette) = unsafe {
            let length = line_bytes * (piece_height as usize - 1) + piece_width as usize;
            (std::slice::from_raw_parts(piece.data[0], length), std::slice::from_raw_parts(piece.data[1].cast::<[u8; 4]>(), 256))
        };
        for line in 0..piece_height as usize {
            let from = &numbers[line * line_bytes..][..piece_width as usize];
            let at = ((piece_top - top) as usize + line) * width as usize + (piece_left - left) as usize;
            for (pixel, number) in pixels[at..].iter_mut().zip(from) {
                if usize::from(*number) < colours {
                    let [alpha, red, green, blue] = u32::from_ne_bytes(palette[usize::from(*number)]).to_be_bytes();
                    *pixel = [blue, green, red, alpha];
                }
            }
        }
    }
    Some(((left, top, width, height), pixels))
}
