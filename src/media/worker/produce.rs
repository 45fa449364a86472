//! One run from one or two files to a file: packets are read once, copied or encoded, and written.
//!
//! In: what happens to picture and sound. Out: the new file and its measures. Must not: choose the rates, or try twice.

use ffmpeg::format::context::Input;
use ffmpeg::format::stream::Stream;
use ffmpeg::{Packet, Rational};
use ffmpeg_next as ffmpeg;

use super::attempts::{Spent, Surprise};
use super::audio::AudioTrack;
use super::changes::Watch;
use super::error::{Blame, WorkError, WorkResult};
use super::feed::Origin;
use super::input::{self, parameters};
use super::jpeg::Jpeg;
use super::muxer::{Index, Muxer};
use super::reader::{Place, Readers};
use super::room::{self, packets_at_most, room_bytes};
use super::subtitle::TEXT_NAME;
use super::text_tracks::{Kept, Size, TextTracks};
use super::video::{Effort, VideoTrack};
use crate::media::protocol::{AudioWork, Output, VideoSettings};
use crate::media::steer::Helm;

/// Rate of pictures where none is known: the highest that is copied.
const MOST_PICTURES: f64 = 61.0;
/// Samples in a packet of AAC.
const PACKET_SAMPLES: f64 = 1024.0;

/// What happens to the picture in this run.
pub(super) enum Picture<'a> {
    Leave,
    Copy,
    Encode(&'a VideoSettings, Effort<'a>),
}

/// One run.
pub(super) struct Run<'a> {
    /// One file, or picture and sound.
    pub(super) inputs: &'a [Origin],
    pub(super) picture: Picture<'a>,
    pub(super) audio: &'a AudioWork,
    /// Where the file goes.
    pub(super) output: &'a Output,
    pub(super) cover: Option<&'a Jpeg>,
    /// Which tracks of text of the inputs are kept.
    pub(super) kept: &'a Kept,
    pub(super) threads: u32,
    pub(super) front: Front,
    /// A filter that changes how loud the sound is, where it is encoded.
    pub(super) level: Option<&'a str>,
}

/// How the index comes to the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// What was written is moved in the end.
    Moved,
    /// Room is left for it: so many bytes, or what seems to be needed.
    Room { bytes: Option<u64>, live: bool },
}

impl Run<'_> {
    /// Nothing is encoded: the inputs need not be whole.
    fn is_remux(&self) -> bool {
        matches!(self.picture, Picture::Copy) && !matches!(self.audio, AudioWork::Encode(_))
    }
}

/// What came out.
#[derive(Clone, Debug)]
pub(super) struct Produced {
    pub(super) duration_s: f64,
    pub(super) display: Display,
    /// The room that was left for the index, if any was.
    pub(super) room_bytes: Option<u64>,
    /// False if that was too small; the file is no good then.
    pub(super) fits: bool,
    /// What was learnt on the way to a size, if there was one.
    pub(super) helm: Option<Helm>,
    /// What pictures and sound took, in the source and here.
    pub(super) pictures: Spent,
    pub(super) sound: Spent,
}

impl Produced {
    /// A file that is read while it is made, and is no good.
    pub(super) fn of_no_use() -> Self {
        let (pictures, sound) = (Spent::default(), Spent::default());
        Self { duration_s: 0.0, display: None, room_bytes: None, fits: false, helm: None, pictures, sound }
    }
}

enum Track {
    Copy { is_picture: bool, waits_for_key: bool, watch: Box<Watch> },
    Video(Box<VideoTrack>),
    Audio(Box<AudioTrack>),
}

impl Track {
    fn is_picture(&self) -> bool {
        matches!(self, Self::Video(_) | Self::Copy { is_picture: true, .. })
    }
}

/// A stream on its way: where it comes from and where it goes.
struct Way {
    from: Place,
    to: usize,
    time_base: Rational,
    track: Track,
    spent: Spent,
}

/// Width and height as displayed, if there is a picture.
type Display = Option<(u32, u32)>;

/// Does one run. `report` hears fractions of the whole; `room_chosen` hears, before anything is written, what room there will be for the index.
pub(super) fn produce(run: &Run, report: &mut dyn FnMut(f64), room_chosen: &mut dyn FnMut(u64) -> WorkResult<()>) -> WorkResult<Produced> {
    let open = |origin: &Origin| if run.is_remux() { input::reopen_in_one_go(origin) } else { input::reopen(origin.path()) };
    let mut inputs = run.inputs.iter().map(open).collect::<WorkResult<Vec<_>>>()?;
    let output = run.output;
    let mut muxer = Muxer::create(&output.path, &output.container)?;
    let (mut ways, display) = plan(run, &inputs, &mut muxer)?;
    if ways.is_empty() {
        return Err(WorkError::broken("there is nothing in it to keep"));
    }
    let mut texts = TextTracks::add(&output.subtitles, run.kept, &inputs, &mut muxer)?;
    let mut room_bytes = None;
    if let Some(cover) = run.cover {
        muxer.add_cover(cover)?;
    }
    let index = match run.front {
        Front::Moved => Index::Moved,
        Front::Room { bytes, live } => {
            let bytes = bytes.unwrap_or_else(|| room_for(run, output, &inputs, &ways, &texts));
            room_bytes = Some(bytes);
            room_chosen(bytes)?;
            Index::Room { bytes, live }
        }
    };
    muxer.set_album(output.album.as_deref());
    muxer.begin(output.title.as_deref(), output.artist.as_deref(), index)?;
    carry(&mut inputs, &mut ways, &mut texts, &mut muxer, report)?;
    let mut helm = None;
    for way in &mut ways {
        let made_bytes = &mut way.spent.made_bytes;
        let mut out = |packet: &mut Packet, time_base: Rational| {
            *made_bytes += packet.size() as u64;
            muxer.write(way.to, packet, time_base)
        };
        match &mut way.track {
            Track::Copy { .. } => {}
            Track::Video(track) => {
                track.finish(&mut out)?;
                helm = track.helm().cloned();
            }
            Track::Audio(track) => track.finish(matches!(run.picture, Picture::Leave), &mut out)?,
        }
    }
    texts.finish(&mut muxer)?;
    let duration_s = muxer.end_s();
    complete(declared_s(&inputs, &ways, texts.end_s()), duration_s)?;
    for origin in run.inputs {
        origin.finished().blame_us("waiting for the end of the input")?;
    }
    let fits = muxer.finish()?;
    let spent = |is_picture: bool| ways.iter().find(|way| way.track.is_picture() == is_picture).map_or(Spent::default(), |way| way.spent);
    Ok(Produced { duration_s, display, room_bytes, fits, helm, pictures: spent(true), sound: spent(false) })
}

fn plan(run: &Run, inputs: &[Input], muxer: &mut Muxer) -> WorkResult<(Vec<Way>, Display)> {
    let mut ways = Vec::new();
    let mut display = None;
    let of_picture = |input: &Input| input::choose(input).video;
    let of_sound = |input: &Input| input::choose(input).audio;
    let first = inputs.first().and_then(|input| Some((Place { input: 0, stream: of_picture(input)? }, input)));
    let last = inputs.last().and_then(|input| Some((Place { input: inputs.len() - 1, stream: of_sound(input)? }, input)));
    if let (Some((from, input)), false) = (first, matches!(run.picture, Picture::Leave))
        && let Some(stream) = input.stream(from.stream)
    {
        let track = match &run.picture {
            Picture::Encode(settings, effort) => {
                let mut track = VideoTrack::new(&stream, settings, *effort, run.threads)?;
                if run.output.subtitles.burn.is_some() {
                    track.put_behind(format!("subtitles=filename={TEXT_NAME}"));
                }
                display = Some(track.display());
                Track::Video(Box::new(track))
            }
            Picture::Copy | Picture::Leave => {
                display = Some(input::display(&stream));
                Track::Copy { is_picture: true, waits_for_key: true, watch: Box::new(Watch::new(&stream)) }
            }
        };
        let to = if let Track::Video(track) = &track { muxer.add_encoded(track.encoder()?)? } else { muxer.add_copy(&stream)? };
        ways.push(Way { from, to, time_base: stream.time_base(), track, spent: Spent::default() });
    }
    if let Some((from, input)) = last
        && let Some(stream) = input.stream(from.stream)
    {
        let track = match run.audio {
            AudioWork::Leave => None,
            AudioWork::Copy => {
                let track = Track::Copy { is_picture: false, waits_for_key: false, watch: Box::new(Watch::new(&stream)) };
                Some((track, muxer.add_copy(&stream)?))
            }
            AudioWork::Encode(settings) => {
                let track = AudioTrack::new(&stream, settings, run.level)?;
                let track = if input::has_no_clock(input) { track.counted() } else { track };
                let to = muxer.add_encoded(track.encoder())?;
                Some((Track::Audio(Box::new(track)), to))
            }
        };
        if let Some((track, to)) = track {
            ways.push(Way { from, to, time_base: stream.time_base(), track, spent: Spent::default() });
        }
    }
    Ok((ways, display))
}

/// Reads to the end and hands every packet its way.
fn carry(inputs: &mut [Input], ways: &mut [Way], texts: &mut TextTracks, muxer: &mut Muxer, report: &mut dyn FnMut(f64)) -> WorkResult<()> {
    let duration_us = inputs.iter().map(input::duration_s).fold(0.0, f64::max) * 1e6;
    let mut readers = Readers::new(inputs, ways.iter().map(|way| way.from).collect()).and(&texts.places());
    let mut sound_bytes = 0;
    while let Some(mut found) = readers.next()? {
        if texts.take(&found) {
            continue;
        }
        if let Some(at_us) = found.at_us {
            texts.write(at_us / 1000, muxer)?;
        }
        let Some(way) = ways.iter_mut().find(|way| way.from == found.from) else { continue };
        let part = found.at_us.filter(|_| duration_us > 0.0).map_or(0.0, |at_us| at_us as f64 / duration_us);
        way.spent.source_bytes += found.packet.size() as u64;
        let mut written_bytes = 0;
        let mut out = |packet: &mut Packet, time_base: Rational| {
            written_bytes += packet.size() as u64;
            muxer.write(way.to, packet, time_base)
        };
        match &mut way.track {
            Track::Copy { is_picture, waits_for_key, watch } => {
                if watch.differs(&found.packet) {
                    return Err(changed(*is_picture));
                }
                // Pictures before the first key frame can't be shown.
                *waits_for_key &= !found.packet.is_key();
                if !*waits_for_key && found.packet.size() > 0 {
                    out(&mut found.packet, way.time_base)?;
                }
            }
            Track::Video(track) => {
                if let Some(helm) = track.helm() {
                    helm.hear_sound(sound_bytes, part);
                }
                track.feed(&found.packet, &mut out)?;
            }
            Track::Audio(track) => track.feed(&found.packet, &mut out)?,
        }
        if !matches!(way.track, Track::Video(_)) {
            sound_bytes += written_bytes;
        }
        way.spent.made_bytes += written_bytes;
        report(part);
    }
    Ok(())
}

fn changed(is_picture: bool) -> WorkError {
    let what = if is_picture { "pictures" } else { "sound" };
    WorkError::broken(format!("its {what} become others on the way")).surprising(Surprise::of_change(is_picture))
}

/// Room for the index, from what the inputs and whoever they come from say of themselves.
fn room_for(run: &Run, output: &Output, inputs: &[Input], ways: &[Way], texts: &TextTracks) -> u64 {
    let known_s = |input: &Input| if input::is_length_guessed(input) { 0.0 } else { input::duration_s(input) };
    let duration_s = inputs.iter().map(known_s).chain(output.expected_s).fold(0.0, f64::max);
    let describe = |way: &Way| {
        let stream = inputs.get(way.from.input)?.stream(way.from.stream)?;
        let parameters = parameters(&stream);
        let (is_video, per_second) = match &way.track {
            track if track.is_picture() => (true, picture_rate(&stream)),
            _ => (false, sound_rate(parameters.sample_rate, parameters.frame_size)),
        };
        let counted = u64::try_from(stream.frames()).ok().filter(|frames| *frames > 0);
        let setup_bytes = u64::try_from(parameters.extradata_size).unwrap_or(0);
        Some(room::Stream { packets: counted.or_else(|| packets_at_most(duration_s, per_second)), is_video, setup_bytes })
    };
    let describe_text = |size: Size| {
        let packets = match size {
            Size::Packets(packets) => Some(packets),
            Size::PerSecond(per_second) => packets_at_most(duration_s, per_second),
        };
        room::Stream { packets, is_video: false, setup_bytes: 0 }
    };
    let streams: Vec<room::Stream> = ways.iter().filter_map(describe).chain(texts.sizes().map(describe_text)).collect();
    let length_bytes = run.inputs.iter().map(Origin::length_bytes).sum();
    let text_bytes = [&output.title, &output.artist].into_iter().flatten().map(|text| text.len() as u64).sum();
    room_bytes(&streams, length_bytes, text_bytes)
}

fn picture_rate(stream: &Stream) -> f64 {
    let rates = [stream.avg_frame_rate(), stream.rate()].into_iter().filter(|rate| rate.numerator() > 0 && rate.denominator() > 0);
    let rate = rates.map(f64::from).filter(|rate| *rate <= MOST_PICTURES).fold(0.0, f64::max);
    if rate > 0.0 { rate } else { MOST_PICTURES }
}

fn sound_rate(sample_rate: i32, packet_samples: i32) -> f64 {
    let packet_samples = if packet_samples > 0 { f64::from(packet_samples) } else { PACKET_SAMPLES };
    f64::from(sample_rate) / packet_samples.min(PACKET_SAMPLES)
}

/// How long the inputs say they are, if that is more than an estimate from their size. Where only the whole says it, and is as long as its text, nothing is said of
/// picture and sound.
fn declared_s(inputs: &[Input], ways: &[Way], text_end_s: f64) -> f64 {
    let declared = |(index, input): (usize, &Input)| {
        if input::is_length_guessed(input) {
            return 0.0;
        }
        let kept = ways.iter().filter(|way| way.from.input == index).filter_map(|way| input.stream(way.from.stream));
        let of_streams = kept
            .map(|stream| if stream.duration() > 0 { stream.duration() as f64 * f64::from(stream.time_base()) } else { 0.0 })
            .fold(0.0, f64::max);
        let of_all = || Some(input::duration_s(input)).filter(|whole_s| text_end_s < whole_s - 0.1).unwrap_or(0.0);
        if of_streams > 0.0 { of_streams } else { of_all() }
    };
    inputs.iter().enumerate().map(declared).fold(0.0, f64::max)
}

/// A file that ends long before the end it declares is damaged: better said than sent.
fn complete(declared_s: f64, made_s: f64) -> WorkResult<()> {
    if made_s <= 0.0 {
        return Err(WorkError::broken("nothing in it could be read"));
    }
    if made_s < declared_s * 0.9 - 1.0 {
        return Err(WorkError::broken(format!("it ends after {made_s:.1} of {declared_s:.1} s")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::complete;

    #[test]
    fn what_ends_early_is_broken() {
        for (declared_s, made_s, good) in [(10.0, 10.0, true), (10.0, 8.1, true), (10.0, 7.9, false), (0.0, 3.0, true), (3.0, 0.0, false)] {
            assert_eq!(complete(declared_s, made_s).is_ok(), good, "{declared_s} {made_s}");
        }
    }
}
