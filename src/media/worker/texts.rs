//! Reads subtitles of any kind of text and writes them as another.
//!
//! In: a track of a file, or a file of text. Out: lines with times, in the form of a codec. Must not: write files.

use ffmpeg::format::context::Input;
use ffmpeg::format::stream::Stream;
use ffmpeg::{Packet, Rational, Rescale, codec, decoder, encoder, ffi, rescale};
use ffmpeg_next as ffmpeg;

use super::bitmaps;
use super::error::{Blame, WorkError, WorkResult};
use super::input;
use crate::media::protocol::Text;
use crate::model::Reason;

/// Times of lines count thousandths of a second.
pub(super) const UNIT: Rational = Rational(1, 1000);
/// Longest text of one line, in bytes, and most bytes of all.
const LINE_BYTES: usize = 256 << 10;
const ALL_BYTES: usize = 32 << 20;
/// How long a line stands that does not say it.
const SOME_MS: i64 = 3000;

/// Subtitles in the form of a codec.
pub(super) struct Lines {
    /// For the muxer.
    pub(super) encoder: encoder::subtitle::Encoder,
    /// In order of time.
    pub(super) lines: Vec<Line>,
}

/// What stands on the screen for a while.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) at_ms: i64,
    pub(super) length_ms: i64,
    pub(super) bytes: Vec<u8>,
}

impl Line {
    /// As a muxer takes it.
    pub(super) fn packet(&self) -> Packet {
        let mut packet = Packet::copy(&self.bytes);
        packet.set_pts(Some(self.at_ms));
        packet.set_dts(Some(self.at_ms));
        packet.set_duration(self.length_ms);
        packet.set_flags(codec::packet::Flags::KEY);
        packet
    }
}

/// Reads all of them, for FFmpeg's encoder `name`: `subrip`, `ass` or `mov_text`. Fails with "empty" if there are none.
pub(super) fn read(text: &Text, name: &str) -> WorkResult<Lines> {
    let mut input = match text.track {
        Some(_) => input::reopen(&text.path)?,
        // What can't be read holds no text: the video is not to blame.
        None => input::reopen_text(&text.path).map_err(|error| match error.reason {
            Reason::BrokenMedia => WorkError::new(Reason::Empty, error.cause),
            _ => error,
        })?,
    };
    // A file of text counts from the start of the video; its first line is no start.
    let start_us = if text.track.is_some() { input::start_us(&input) } else { 0 };
    let index = text.track.unwrap_or(0);
    let mut decoder = open_decoder(&input, index)?;
    let mut encoder = open_encoder(&decoder, name).blame_us("opening the encoder for subtitles")?;
    let (mut lines, mut all_bytes) = (Vec::new(), 0);
    let mut packet = Packet::empty();
    loop {
        match packet.read(&mut input) {
            Ok(()) if packet.stream() == index => {}
            Ok(()) | Err(ffmpeg::Error::InvalidData) => continue,
            Err(_) => break,
        }
        if let Some(line) = line(&packet, &mut decoder, &mut encoder, start_us)? {
            all_bytes += line.bytes.len();
            if all_bytes > ALL_BYTES {
                return Err(WorkError::new(Reason::MediaLimits, "there is more text than any film has"));
            }
            lines.push(line);
        }
    }
    if lines.is_empty() {
        return Err(WorkError::new(Reason::Empty, "there is no text in the subtitles"));
    }
    lines.sort_by_key(|line: &Line| line.at_ms);
    Ok(Lines { encoder, lines })
}

fn open_decoder(input: &Input, index: usize) -> WorkResult<decoder::Subtitle> {
    let stream = input.stream(index).ok_or_else(|| WorkError::broken("there is no such track"))?;
    if bitmaps::is_pictures(&stream) {
        return Err(WorkError::new(Reason::Empty, "the subtitles are pictures, there is no text in them"));
    }
    open_decoder_of(&stream).blame_file("opening the decoder for subtitles")
}

/// A decoder for a track of subtitles, be they text or pictures.
pub(super) fn open_decoder_of(stream: &Stream) -> Result<decoder::Subtitle, ffmpeg::Error> {
    let mut decoder = codec::Context::from_parameters(stream.parameters())?.decoder();
    decoder.set_packet_time_base(stream.time_base());
    decoder.subtitle()
}

/// An encoder for what a decoder gives.
pub(super) fn open_encoder(decoder: &decoder::Subtitle, name: &str) -> Result<encoder::subtitle::Encoder, ffmpeg::Error> {
    let codec = encoder::find_by_name(name).ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut encoder = codec::Context::new_with_codec(codec).encoder().subtitle()?;
    // SAFETY: both contexts are alive. The header is as long as the decoder says; the copy belongs to the encoder, which frees it.
    unsafe {
        let (from, to) = (decoder.as_ptr(), encoder.as_mut_ptr());
        (*to).time_base = UNIT.into();
        let length = usize::try_from((*from).subtitle_header_size).unwrap_or(0);
        if !(*from).subtitle_header.is_null() && length > 0 {
            let copy = ffi::av_mallocz(length + 1).cast::<u8>();
            if copy.is_null() {
                return Err(ffmpeg::Error::Other { errno: libc::ENOMEM });
            }
            std::ptr::copy_nonoverlapping((*from).subtitle_header, copy, length);
            (*to).subtitle_header = copy;
            (*to).subtitle_header_size = (*from).subtitle_header_size;
        }
    }
    encoder.open()
}

/// One packet as a line; nothing if it is damaged or says nothing.
pub(super) fn line(
    packet: &Packet,
    decoder: &mut decoder::Subtitle,
    encoder: &mut encoder::subtitle::Encoder,
    start_us: i64,
) -> WorkResult<Option<Line>> {
    let mut subtitle = Decoded(ffmpeg::Subtitle::new());
    if !decoder.decode(packet, &mut subtitle.0).unwrap_or(false) {
        return Ok(None);
    }
    let Some(shown_us) = subtitle.0.pts() else { return Ok(None) };
    let (begin_ms, end_ms) = (i64::from(subtitle.0.start()), i64::from(subtitle.0.end()));
    let at_ms = shown_us.saturating_sub(start_us).rescale(rescale::TIME_BASE, UNIT).saturating_add(begin_ms);
    let length_ms = if subtitle.0.end() == u32::MAX || end_ms <= begin_ms { SOME_MS } else { end_ms - begin_ms };
    subtitle.0.set_start(0);
    subtitle.0.set_end(u32::try_from(length_ms).unwrap_or(u32::MAX));
    let mut bytes = vec![0; LINE_BYTES];
    // SAFETY: the encoder is open, the buffer as long as it is told, and the subtitle alive.
    let length = unsafe {
        let raw = subtitle.0.as_ptr();
        if (*raw).num_rects == 0 {
            return Ok(None);
        }
        ffi::avcodec_encode_subtitle(encoder.as_mut_ptr(), bytes.as_mut_ptr(), LINE_BYTES as i32, raw)
    };
    match usize::try_from(length) {
        Ok(0) => Ok(None),
        Ok(length) => {
            bytes.truncate(length);
            bytes.shrink_to_fit();
            Ok(Some(Line { at_ms: at_ms.max(0), length_ms, bytes }))
        }
        Err(_) => Err(ffmpeg::Error::from(length)).blame_file("writing a subtitle"),
    }
}

/// What a decoder gave, freed in the end.
pub(super) struct Decoded(pub(super) ffmpeg::Subtitle);

impl Drop for Decoded {
    fn drop(&mut self) {
        // SAFETY: filled by the decoder or zero, and not used afterwards.
        unsafe { ffi::avsubtitle_free(self.0.as_mut_ptr()) };
    }
}
