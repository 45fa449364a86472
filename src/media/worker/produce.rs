//! One run from a file to a file: packets are read once, copied or encoded, and written.
//!
//! In: what happens to picture and sound. Out: the new file and its measures. Must not: choose the rates, or try twice.

use std::path::Path;

use ffmpeg::format::context::Input;
use ffmpeg::{Packet, Rational, Rescale, ffi, rescale};
use ffmpeg_next as ffmpeg;

use super::audio::AudioTrack;
use super::error::{Blame, WorkError, WorkResult};
use super::input::{self, Chosen};
use super::jpeg::Jpeg;
use super::muxer::Muxer;
use super::timestamps::Clock;
use super::video::{Pass, VideoTrack};
use crate::media::protocol::{AudioWork, Output, VideoSettings};

/// Unreadable packets in a row after which the rest is given up.
const MAX_BAD_PACKETS: usize = 1000;
/// Steps of the clock above which it has jumped: in containers that allow jumps, and in others where the length is unknown. In microseconds.
const JUMP_US: i64 = 10_000_000;
const ABSURD_JUMP_US: i64 = 3_600_000_000;

/// What happens to the picture in this run.
pub(super) enum Picture<'a> {
    Leave,
    Copy,
    Encode(&'a VideoSettings, Pass),
}

/// One run.
pub(super) struct Run<'a> {
    pub(super) input: &'a Path,
    pub(super) picture: Picture<'a>,
    pub(super) audio: &'a AudioWork,
    /// Where the file goes; none for the first of two passes.
    pub(super) output: Option<&'a Output>,
    pub(super) cover: Option<&'a Jpeg>,
    pub(super) threads: u32,
}

/// What came out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Produced {
    pub(super) duration_s: f64,
    pub(super) display: Display,
}

enum Track {
    Copy { waits_for_key: bool },
    Video(Box<VideoTrack>),
    Audio(Box<AudioTrack>),
}

/// A stream on its way: where it comes from and where it goes.
struct Way {
    from: usize,
    to: usize,
    time_base: Rational,
    track: Track,
}

/// Width and height as displayed, if there is a picture.
type Display = Option<(u32, u32)>;

/// Does one run. `report` hears fractions of the whole.
pub(super) fn produce(run: &Run, report: &mut dyn FnMut(f64)) -> WorkResult<Produced> {
    let mut input = input::reopen(run.input)?;
    let chosen = input::choose(&input);
    let mut muxer = run.output.map(|output| Muxer::create(&output.path, &output.container)).transpose()?;
    let (mut ways, display) = plan(run, &input, chosen, muxer.as_mut())?;
    if ways.is_empty() {
        return Err(WorkError::broken("there is nothing in it to keep"));
    }
    if let (Some(muxer), Some(output)) = (muxer.as_mut(), run.output) {
        if let Some(cover) = run.cover {
            muxer.add_cover(cover)?;
        }
        muxer.begin(output.title.as_deref(), output.artist.as_deref())?;
    }
    carry(&mut input, &mut ways, muxer.as_mut(), report)?;
    for way in &mut ways {
        let mut out = sink(muxer.as_mut(), way.to);
        match &mut way.track {
            Track::Copy { .. } => {}
            Track::Video(track) => track.finish(&mut out)?,
            Track::Audio(track) => track.finish(matches!(run.picture, Picture::Leave), &mut out)?,
        }
    }
    let mut duration_s = 0.0;
    if let Some(muxer) = muxer {
        duration_s = muxer.end_s();
        complete(declared_s(&input, chosen, &ways), duration_s)?;
        muxer.finish()?;
    }
    Ok(Produced { duration_s, display })
}

fn plan(run: &Run, input: &Input, chosen: Chosen, mut muxer: Option<&mut Muxer>) -> WorkResult<(Vec<Way>, Display)> {
    let mut ways = Vec::new();
    let mut display = None;
    if let (Some(stream), false) = (chosen.video.and_then(|index| input.stream(index)), matches!(run.picture, Picture::Leave)) {
        let track = match &run.picture {
            Picture::Encode(settings, pass) => {
                let track = VideoTrack::new(&stream, settings, pass, run.threads)?;
                display = Some(track.display());
                Track::Video(Box::new(track))
            }
            Picture::Copy | Picture::Leave => {
                display = Some(input::display(&stream));
                Track::Copy { waits_for_key: true }
            }
        };
        let to = match (&track, muxer.as_deref_mut()) {
            (_, None) => 0,
            (Track::Video(track), Some(muxer)) => muxer.add_encoded(track.encoder())?,
            (_, Some(muxer)) => muxer.add_copy(&stream)?,
        };
        ways.push(Way { from: stream.index(), to, time_base: stream.time_base(), track });
    }
    // The first pass has no file, and sound has no part in it.
    if let (Some(stream), Some(muxer)) = (chosen.audio.and_then(|index| input.stream(index)), muxer) {
        let track = match run.audio {
            AudioWork::Leave => None,
            AudioWork::Copy => Some((Track::Copy { waits_for_key: false }, muxer.add_copy(&stream)?)),
            AudioWork::Encode { bit_rate } => {
                let track = AudioTrack::new(&stream, *bit_rate)?;
                let to = muxer.add_encoded(track.encoder())?;
                Some((Track::Audio(Box::new(track)), to))
            }
        };
        if let Some((track, to)) = track {
            ways.push(Way { from: stream.index(), to, time_base: stream.time_base(), track });
        }
    }
    Ok((ways, display))
}

/// Reads to the end and hands every packet its way.
fn carry(input: &mut Input, ways: &mut [Way], mut muxer: Option<&mut Muxer>, report: &mut dyn FnMut(f64)) -> WorkResult<()> {
    let duration_us = input::duration_s(input) * f64::from(ffi::AV_TIME_BASE);
    let mut clock = Clock::new(start_us(input), jump_limit_us(input), input.nb_streams() as usize);
    let mut packet = Packet::empty();
    let mut bad_packets = 0;
    loop {
        match packet.read(input) {
            Ok(()) => bad_packets = 0,
            Err(ffmpeg::Error::Eof) => return Ok(()),
            Err(error @ ffmpeg::Error::Other { errno: libc::ENOMEM }) => return Err(error).blame_file("reading"),
            Err(error) => {
                bad_packets += 1;
                if error != ffmpeg::Error::InvalidData || bad_packets > MAX_BAD_PACKETS {
                    eprintln!("reading ended early: {error}");
                    return Ok(()); // whether enough came is judged by the length
                }
                continue;
            }
        }
        let Some(way) = ways.iter_mut().find(|way| way.from == packet.stream()) else { continue };
        let to_us = |timestamp: i64| timestamp.rescale(way.time_base, rescale::TIME_BASE);
        let dts_us = packet.dts().or(packet.pts()).map(to_us);
        let offset_us = clock.offset_for(way.from, dts_us, to_us(packet.duration()));
        if let Some(dts_us) = dts_us.filter(|_| duration_us > 0.0) {
            report(dts_us.saturating_add(offset_us) as f64 / duration_us);
        }
        let offset = offset_us.rescale(rescale::TIME_BASE, way.time_base);
        packet.set_pts(packet.pts().map(|pts| pts.saturating_add(offset)));
        packet.set_dts(packet.dts().map(|dts| dts.saturating_add(offset)));
        let mut out = sink(muxer.as_deref_mut(), way.to);
        match &mut way.track {
            Track::Copy { waits_for_key } => {
                // Pictures before the first key frame can't be shown.
                *waits_for_key &= !packet.is_key();
                if !*waits_for_key && packet.size() > 0 {
                    out(&mut packet, way.time_base)?;
                }
            }
            Track::Video(track) => track.feed(&packet, &mut out)?,
            Track::Audio(track) => track.feed(&packet, &mut out)?,
        }
        // SAFETY: the packet is ours and read again next.
        unsafe { ffi::av_packet_unref(ffmpeg::codec::packet::Mut::as_mut_ptr(&mut packet)) };
    }
}

fn sink(muxer: Option<&mut Muxer>, to: usize) -> impl FnMut(&mut Packet, Rational) -> WorkResult<()> {
    let mut muxer = muxer;
    move |packet, time_base| match &mut muxer {
        Some(muxer) => muxer.write(to, packet, time_base),
        None => Ok(()),
    }
}

fn start_us(input: &Input) -> i64 {
    // SAFETY: reads a plain number of a living context.
    let start_us = unsafe { (*input.as_ptr()).start_time };
    if start_us == ffi::AV_NOPTS_VALUE { 0 } else { start_us }
}

fn jump_limit_us(input: &Input) -> i64 {
    // SAFETY: the input format is set for every open context.
    let flags = unsafe { (*(*input.as_ptr()).iformat).flags };
    if flags & ffi::AVFMT_TS_DISCONT != 0 {
        JUMP_US
    } else if input.duration() > 0 {
        input.duration().saturating_add(JUMP_US)
    } else {
        ABSURD_JUMP_US
    }
}

/// How long the file says it is, if that is more than an estimate from its size.
fn declared_s(input: &Input, chosen: Chosen, ways: &[Way]) -> f64 {
    // SAFETY: reads a plain value of a living context.
    let method = unsafe { (*input.as_ptr()).duration_estimation_method };
    if method == ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_BITRATE {
        return 0.0;
    }
    let kept = [chosen.video, chosen.audio].into_iter().flatten().filter(|index| ways.iter().any(|way| way.from == *index));
    let of_streams = kept
        .filter_map(|index| input.stream(index))
        .map(|stream| if stream.duration() > 0 { stream.duration() as f64 * f64::from(stream.time_base()) } else { 0.0 })
        .fold(0.0, f64::max);
    if of_streams > 0.0 { of_streams } else { input::duration_s(input) }
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
