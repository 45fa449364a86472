//! Packets of one file, or of picture and sound that came apart, in the order of time.
//!
//! In: open inputs and the streams that are wanted. Out: packets with repaired timestamps. Must not: decode, or read an input faster than the other.

use ffmpeg::format::context::Input;
use ffmpeg::{Packet, Rescale, rescale};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkResult};
use super::input;
use super::timestamps::Clock;

/// Unreadable packets in a row after which the rest is given up.
const MAX_BAD_PACKETS: usize = 1000;
/// Steps of the clock above which it has jumped: in containers that allow jumps, and in others where the length is unknown. In microseconds.
const JUMP_US: i64 = 10_000_000;
const ABSURD_JUMP_US: i64 = 3_600_000_000;

/// A stream of an input, both by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) input: usize,
    pub(super) stream: usize,
}

/// A packet on its way.
pub(super) struct Found {
    pub(super) from: Place,
    pub(super) packet: Packet,
    /// When it is decoded, counted from the start of the whole, if known.
    pub(super) at_us: Option<i64>,
}

/// Reads all inputs side by side.
pub(super) struct Readers<'a> {
    readers: Vec<Reader<'a>>,
    wanted: Vec<Place>,
}

struct Reader<'a> {
    input: &'a mut Input,
    clock: Clock,
    next: Option<Found>,
    /// Where it is, for packets that do not say.
    at_us: i64,
    bad_packets: usize,
    ended: bool,
}

impl<'a> Readers<'a> {
    /// Readers that give the `wanted` streams.
    pub(super) fn new(inputs: &'a mut [Input], wanted: Vec<Place>) -> Self {
        let starts_us = start_times(&inputs.iter().map(input::start_us).collect::<Vec<_>>());
        let reader = |(input, start_us): (&'a mut Input, i64)| {
            let clock = Clock::new(start_us, jump_limit_us(input), input.nb_streams() as usize);
            Reader { input, clock, next: None, at_us: i64::MIN, bad_packets: 0, ended: false }
        };
        Self { readers: inputs.iter_mut().zip(starts_us).map(reader).collect(), wanted }
    }

    /// Gives these streams as well.
    pub(super) fn and(mut self, places: &[Place]) -> Self {
        self.wanted.extend(places);
        self
    }

    /// The next packet in time; nothing at the end of all inputs.
    pub(super) fn next(&mut self) -> WorkResult<Option<Found>> {
        for (index, reader) in self.readers.iter_mut().enumerate() {
            while reader.next.is_none() && !reader.ended {
                let wanted = |stream: usize| self.wanted.contains(&Place { input: index, stream });
                reader.next = reader.read(index, wanted)?;
            }
        }
        let earliest = self.readers.iter_mut().filter(|reader| reader.next.is_some()).min_by_key(|reader| reader.at_us);
        Ok(earliest.and_then(|reader| reader.next.take()))
    }
}

impl Reader<'_> {
    /// One step: a packet that is wanted, or nothing.
    fn read(&mut self, input: usize, wanted: impl Fn(usize) -> bool) -> WorkResult<Option<Found>> {
        let mut packet = Packet::empty();
        match packet.read(self.input) {
            Ok(()) => self.bad_packets = 0,
            Err(ffmpeg::Error::Eof) => {
                self.ended = true;
                return Ok(None);
            }
            Err(error @ ffmpeg::Error::Other { errno: libc::ENOMEM }) => return Err(error).blame_file("reading"),
            Err(error) => {
                self.bad_packets += 1;
                if error != ffmpeg::Error::InvalidData || self.bad_packets > MAX_BAD_PACKETS {
                    eprintln!("reading ended early: {error}");
                    self.ended = true; // whether enough came is judged by the length
                }
                return Ok(None);
            }
        }
        let stream = packet.stream();
        let of_stream =
            self.input.stream(stream).map(|stream| (stream.time_base(), stream.parameters().medium() == ffmpeg::media::Type::Subtitle));
        let Some((time_base, is_sparse)) = of_stream.filter(|_| wanted(stream)) else {
            return Ok(None);
        };
        let to_us = |timestamp: i64| timestamp.rescale(time_base, rescale::TIME_BASE);
        let dts_us = packet.dts().or(packet.pts()).map(to_us);
        // Subtitles come when something is said: a long silence is no jump of the clock.
        let told_us = dts_us.filter(|_| !is_sparse);
        let offset_us = self.clock.offset_for(stream, told_us, to_us(packet.duration()));
        let offset = offset_us.rescale(rescale::TIME_BASE, time_base);
        packet.set_pts(packet.pts().map(|pts| pts.saturating_add(offset)));
        packet.set_dts(packet.dts().map(|dts| dts.saturating_add(offset)));
        let at_us = dts_us.map(|dts_us| dts_us.saturating_add(offset_us));
        self.at_us = at_us.unwrap_or(self.at_us);
        Ok(Some(Found { from: Place { input, stream }, packet, at_us }))
    }
}

/// Where the clock of each input starts. Two that start near each other share a clock, and the difference is meant; else each has its own.
fn start_times(starts_us: &[i64]) -> Vec<i64> {
    let (first, last) = (starts_us.iter().min().copied().unwrap_or(0), starts_us.iter().max().copied().unwrap_or(0));
    if last.saturating_sub(first) <= JUMP_US { vec![first; starts_us.len()] } else { starts_us.to_vec() }
}

fn jump_limit_us(input: &Input) -> i64 {
    if input::may_jump(input) {
        JUMP_US
    } else if input.duration() > 0 && !input::is_length_guessed(input) {
        input.duration().saturating_add(JUMP_US)
    } else {
        ABSURD_JUMP_US
    }
}

#[cfg(test)]
mod tests {
    use super::start_times;

    #[test]
    fn tracks_that_start_together_stay_together() {
        let table: [(&[i64], &[i64]); 4] = [
            (&[1_400_000], &[1_400_000]),
            (&[80_000, -21_000], &[-21_000, -21_000]),
            (&[90_000_000_000, 0], &[90_000_000_000, 0]),
            (&[i64::MIN, i64::MAX], &[i64::MIN, i64::MAX]),
        ];
        for (starts_us, expected) in table {
            assert_eq!(start_times(starts_us), expected);
        }
    }
}
