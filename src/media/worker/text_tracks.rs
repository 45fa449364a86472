//! Tracks of text in an MP4 that is being made: those that its inputs have, rewritten as they come, and those from files.
//!
//! In: which subtitles are wanted, then packets of the inputs. Out: lines, each once pictures and sound have come as far as it. Must not: read ahead of
//! pictures and sound, make the film longer, or fail where text of the inputs is damaged.

use std::collections::VecDeque;

use ffmpeg::format::context::Input;
use ffmpeg::format::stream::{Disposition, Stream};
use ffmpeg::{Packet, decoder, encoder, ffi};
use ffmpeg_next as ffmpeg;

use super::error::WorkResult;
use super::feed::Origin;
use super::input::{self, parameters};
use super::muxer::{Muxer, TextLabel};
use super::overlaps::{self, Overlaps};
use super::probe::{codec_name, tag_of};
use super::reader::{Found, Place};
use super::texts::{self, Line, UNIT};
use crate::media::language::Language;
use crate::media::protocol::Subtitles;
use crate::media::subtitles::is_text_codec;

/// How FFmpeg calls text in MP4.
const ENCODER: &str = "mov_text";
/// More tracks of text than any film has: dubbed ones have some dozen.
const MOST_TRACKS: usize = 100;
/// Lines a second that a track has at most, if its file does not say how many there are; where it has more, the index may not fit into the room that is left for it.
const MOST_LINES: f64 = 0.7;
/// Samples of a line in MP4: one shows it, another takes it away. What the second holds, and what each takes in the index (a chunk of its own each).
const SAMPLES_PER_LINE: u64 = 2;
const INDEX_BYTES_PER_LINE: u64 = SAMPLES_PER_LINE * (8 + 4 + 12 + 8) + 2;
/// Boxes of a track.
const TRACK_BYTES: u64 = 600;

/// Which tracks of the inputs are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// All that are text.
    All,
    /// Of those, these.
    Only(Vec<Place>),
}

/// Tracks on their way.
pub(super) struct TextTracks {
    tracks: Vec<TextTrack>,
    /// Where the last line of the inputs ends.
    end_ms: i64,
}

struct TextTrack {
    to: usize,
    /// Where it comes from, if that is an input; else all lines wait from the start.
    source: Option<(Place, Translator)>,
    overlaps: Overlaps,
    waiting: VecDeque<Line>,
    /// How many lines there are, if that is said.
    lines: Option<u64>,
}

/// What is known of the packets of a track before the first.
pub(super) enum Size {
    /// So many at most.
    Packets(u64),
    /// So many a second at most.
    PerSecond(f64),
}

impl TextTracks {
    /// Adds the tracks to a file that has not begun.
    pub(super) fn add(wanted: &Subtitles, kept: &Kept, inputs: &[Input], muxer: &mut Muxer) -> WorkResult<Self> {
        let mut tracks = Vec::new();
        for text in &wanted.add {
            let lines = texts::read(text, ENCODER)?;
            let label = TextLabel { language: text.language.clone(), ..TextLabel::default() };
            let to = muxer.add_text(lines.encoder.as_ref(), &label)?;
            let waiting = VecDeque::from(overlaps::flatten(lines.lines));
            tracks.push(TextTrack { to, source: None, overlaps: Overlaps::default(), lines: Some(waiting.len() as u64), waiting });
        }
        let of_inputs = if wanted.keep { places(inputs) } else { Vec::new() };
        for place in of_inputs.into_iter().filter(|place| kept.has(*place)) {
            let Some(stream) = inputs.get(place.input).and_then(|input| input.stream(place.stream)) else { continue };
            let Some(translator) = Translator::new(&stream) else { continue };
            let to = muxer.add_text(translator.encoder.as_ref(), &label_of(&stream))?;
            tracks.push(TextTrack {
                to,
                source: Some((place, translator)),
                overlaps: Overlaps::default(),
                waiting: VecDeque::new(),
                lines: lines_of(&stream),
            });
        }
        Ok(Self { tracks, end_ms: 0 })
    }

    /// Where packets are wanted from.
    pub(super) fn places(&self) -> Vec<Place> {
        self.tracks.iter().filter_map(|track| track.source.as_ref().map(|(place, _)| *place)).collect()
    }

    /// For the room of the index.
    pub(super) fn sizes(&self) -> impl Iterator<Item = Size> {
        self.tracks.iter().map(|track| match track.lines {
            Some(lines) => Size::Packets((lines + 1) * SAMPLES_PER_LINE),
            None => Size::PerSecond(MOST_LINES * SAMPLES_PER_LINE as f64),
        })
    }

    /// Takes a packet, if it belongs to one of the tracks.
    pub(super) fn take(&mut self, found: &Found) -> bool {
        let is_from = |track: &&mut TextTrack| track.source.as_ref().is_some_and(|(place, _)| *place == found.from);
        let Some(track) = self.tracks.iter_mut().find(is_from) else { return false };
        if let Some(line) = track.source.as_mut().and_then(|(_, translator)| translator.line(&found.packet)) {
            self.end_ms = self.end_ms.max(overlaps::end_of(&line));
            track.waiting.extend(track.overlaps.begin(line));
        }
        true
    }

    /// Where the last line of the inputs ends, in seconds, as far as they have been read.
    pub(super) fn end_s(&self) -> f64 {
        self.end_ms as f64 / 1000.0
    }

    /// Writes the lines that end until then: one that is written could not be cut any more where the film ends.
    pub(super) fn write(&mut self, until_ms: i64, muxer: &mut Muxer) -> WorkResult<()> {
        for track in &mut self.tracks {
            track.waiting.extend(track.overlaps.advance(until_ms));
            while let Some(line) = track.waiting.pop_front_if(|line| overlaps::end_of(line) <= until_ms) {
                muxer.write(track.to, &mut line.packet(), UNIT)?;
            }
        }
        Ok(())
    }

    /// Writes what is left. What is said behind the end of pictures and sound is not.
    pub(super) fn finish(&mut self, muxer: &mut Muxer) -> WorkResult<()> {
        let end_ms = (muxer.end_s() * 1000.0) as i64;
        for track in &mut self.tracks {
            track.waiting.extend(track.overlaps.advance(i64::MAX));
        }
        for line in self.tracks.iter_mut().flat_map(|track| &mut track.waiting).filter(|line| line.at_ms < end_ms) {
            line.length_ms = line.length_ms.min(end_ms - line.at_ms);
        }
        self.write(end_ms, muxer)
    }
}

impl Kept {
    fn has(&self, place: Place) -> bool {
        match self {
            Self::All => true,
            Self::Only(places) => places.contains(&place),
        }
    }
}

/// Chooses the tracks that fit into the bytes that text may take, and says what all subtitles will take. Reads the inputs through if there are bounds.
pub(super) fn choose(wanted: &Subtitles, origins: &[Origin]) -> WorkResult<(Kept, u64)> {
    let Some(most_bytes) = wanted.keep_bytes else { return Ok((Kept::All, 0)) };
    let mut all_bytes = 0;
    for text in &wanted.add {
        let lines = overlaps::flatten(texts::read(text, ENCODER)?.lines);
        all_bytes += lines.iter().map(bytes_of).sum::<u64>() + TRACK_BYTES;
    }
    if !wanted.keep {
        return Ok((Kept::Only(Vec::new()), all_bytes));
    }
    let (mut kept, mut kept_bytes) = (Vec::new(), 0);
    for (number, origin) in origins.iter().enumerate() {
        for (stream, bytes) in weigh(&mut input::reopen(origin.path())?) {
            if kept_bytes + bytes <= most_bytes {
                kept.push(Place { input: number, stream });
                kept_bytes += bytes;
            } else {
                eprintln!("the track of text {stream} is left out: it would take {bytes} bytes");
            }
        }
    }
    Ok((Kept::Only(kept), all_bytes + kept_bytes))
}

/// A track on the scales.
struct Weighed {
    stream: usize,
    translator: Translator,
    overlaps: Overlaps,
    bytes: u64,
}

/// What the tracks of text of a file will take, each.
fn weigh(input: &mut Input) -> Vec<(usize, u64)> {
    let wanted = places(std::slice::from_ref(input));
    let begin = |place: Place| {
        let translator = Translator::new(&input.stream(place.stream)?)?;
        Some(Weighed { stream: place.stream, translator, overlaps: Overlaps::default(), bytes: TRACK_BYTES })
    };
    let mut tracks: Vec<Weighed> = wanted.into_iter().filter_map(begin).collect();
    if tracks.is_empty() {
        return Vec::new();
    }
    for mut stream in input.streams_mut() {
        if !tracks.iter().any(|track| track.stream == stream.index()) {
            // SAFETY: a plain field of a living stream. The demuxer may pass its packets over.
            unsafe { (*stream.as_mut_ptr()).discard = ffi::AVDiscard::AVDISCARD_ALL };
        }
    }
    let mut packet = Packet::empty();
    loop {
        match packet.read(input) {
            Ok(()) => {
                if let Some(track) = tracks.iter_mut().find(|track| track.stream == packet.stream()) {
                    let lines = track.translator.line(&packet).map(|line| track.overlaps.begin(line));
                    track.bytes += lines.iter().flatten().map(bytes_of).sum::<u64>();
                }
            }
            Err(ffmpeg::Error::InvalidData) => {}
            Err(_) => break, // whether the file is whole is judged elsewhere
        }
    }
    let ended = |mut track: Weighed| (track.stream, track.bytes + track.overlaps.advance(i64::MAX).iter().map(bytes_of).sum::<u64>());
    tracks.into_iter().map(ended).collect()
}

fn bytes_of(line: &Line) -> u64 {
    line.bytes.len() as u64 + INDEX_BYTES_PER_LINE
}

/// All tracks of text of the inputs.
fn places(inputs: &[Input]) -> Vec<Place> {
    let of_input = |(number, input): (usize, &Input)| {
        let texts: Vec<usize> = input.streams().filter(is_text).map(|stream| stream.index()).collect();
        texts.into_iter().map(move |stream| Place { input: number, stream })
    };
    inputs.iter().enumerate().flat_map(of_input).take(MOST_TRACKS).collect()
}

fn is_text(stream: &Stream) -> bool {
    is_text_codec(&codec_name(parameters(stream)))
}

/// How many lines a track says that it has: in its index, or in a note that most writers of Matroska leave (`NUMBER_OF_FRAMES`, also with a language behind it).
fn lines_of(stream: &Stream) -> Option<u64> {
    let tags = stream.metadata();
    let noted = || ["NUMBER_OF_FRAMES", "NUMBER_OF_FRAMES-eng"].iter().find_map(|name| tag_of(&tags, name)?.parse::<u64>().ok());
    u64::try_from(stream.frames()).ok().filter(|lines| *lines > 0).or_else(noted).filter(|lines| *lines < 10_000_000)
}

fn label_of(stream: &Stream) -> TextLabel {
    let tags = stream.metadata();
    let language = tag_of(&tags, "language").filter(|language| language != "und");
    let known = |language: &String| Language::parse(language).map(|language| language.code().to_owned());
    TextLabel {
        language: language.as_ref().and_then(known).or(language),
        title: tag_of(&tags, "title"),
        is_shown: stream.disposition().intersects(Disposition::DEFAULT | Disposition::FORCED),
    }
}

/// Makes lines of packets.
struct Translator {
    decoder: decoder::Subtitle,
    encoder: encoder::subtitle::Encoder,
}

impl Translator {
    /// Nothing if the text can't be read; the film is no worse for it.
    fn new(stream: &Stream) -> Option<Self> {
        let open = || {
            let decoder = texts::open_decoder_of(stream)?;
            let encoder = texts::open_encoder(&decoder, ENCODER)?;
            Ok(Self { decoder, encoder })
        };
        open().inspect_err(|error: &ffmpeg::Error| eprintln!("the track of text {} is left out: {error}", stream.index())).ok()
    }

    /// Nothing if it is damaged or says nothing.
    fn line(&mut self, packet: &Packet) -> Option<Line> {
        texts::line(packet, &mut self.decoder, &mut self.encoder, 0).ok().flatten()
    }
}
