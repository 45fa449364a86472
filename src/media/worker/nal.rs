//! H.264 as containers carry it: parameter sets, and the units of a packet.
//!
//! In: what stands beside a stream, packets. Out: one description for pictures of two encoders, packets as MP4 has them. Must not: decode.
//! Source: ITU-T H.264, 7.3 and annex B; ISO/IEC 14496-15, 5.3.3 (`avcC`).

use std::borrow::Cow;

/// Types of units: a slice of a picture at which decoding begins anew, and the two kinds of parameter sets.
const IDR: u8 = 5;
const SEQUENCE: u8 = 7;
const PICTURE: u8 = 8;
/// Bytes of a length in what is written here.
const LENGTH_BYTES: usize = 4;
/// Most parameter sets of each kind that are looked for, and the largest number that both kinds may have.
const MOST_SETS: usize = 31;
const LARGEST_ID: u32 = 31;
/// The profile from which on `avcC` says the format of samples once more.
const HIGH: u8 = 100;

/// How units are told apart in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By `00 00 01` before each, as in transport streams and out of encoders.
    StartCodes,
    /// By a length before each, of so many bytes.
    Lengths(usize),
}

/// What a decoder is told before the first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setup {
    pub(super) framing: Framing,
    sequences: Vec<Vec<u8>>,
    pictures: Vec<Vec<u8>>,
}

impl Setup {
    /// Reads what FFmpeg calls extradata, in either form. Nothing if it is damaged or says too little.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (framing, units) = if bytes.first() == Some(&1) {
            let length_bytes = usize::from(bytes.get(4)? & 3) + 1;
            let mut rest = bytes.get(5..)?;
            let mut units = counted(&mut rest, 0x1f)?;
            units.extend(counted(&mut rest, 0xff)?);
            (Framing::Lengths(length_bytes), units)
        } else {
            (Framing::StartCodes, between_start_codes(bytes))
        };
        let of_kind = |kind: u8| -> Vec<Vec<u8>> {
            units
                .iter()
                .filter(|unit| unit.len() > 4 - usize::from(kind == PICTURE) * 2 && unit[0] & 0x1f == kind)
                .map(|unit| unit.to_vec())
                .collect()
        };
        let setup = Self { framing, sequences: of_kind(SEQUENCE), pictures: of_kind(PICTURE) };
        let good = (1..=MOST_SETS).contains(&setup.sequences.len()) && (1..=MOST_SETS).contains(&setup.pictures.len());
        good.then_some(setup)
    }

    /// A number that no parameter set here has.
    pub(super) fn free_id(&self) -> Option<u32> {
        let of_sequences = self.sequences.iter().filter_map(|unit| exp_golomb(unit.get(4..)?));
        let taken: Vec<u32> = of_sequences.chain(self.pictures.iter().filter_map(|unit| exp_golomb(unit.get(1..)?))).collect();
        (0..=LARGEST_ID).find(|id| !taken.contains(id))
    }

    /// The `avcC` for packets of both, with lengths of four bytes; nothing if they are of different profiles or have a number in common.
    pub(super) fn joined(&self, other: Option<&Self>) -> Option<Vec<u8>> {
        let mut all = self.clone();
        if let Some(other) = other {
            if other.profile() != self.profile() {
                return None;
            }
            all.sequences.extend(other.sequences.iter().cloned());
            all.pictures.extend(other.pictures.iter().cloned());
        }
        all.sequences.dedup();
        all.pictures.dedup();
        let level = all.sequences.iter().filter_map(|unit| unit.get(3)).max()?;
        let first = all.sequences.first()?;
        let (profile, constraints) = (*first.get(1)?, *first.get(2)?);
        let mut bytes = vec![1, profile, constraints, *level, 0xfc | (LENGTH_BYTES as u8 - 1)];
        for (units, mark) in [(&all.sequences, 0xe0), (&all.pictures, 0)] {
            bytes.push(mark | u8::try_from(units.len()).ok().filter(|count| usize::from(*count) <= MOST_SETS)?);
            for unit in units {
                bytes.extend(u16::try_from(unit.len()).ok()?.to_be_bytes());
                bytes.extend(unit);
            }
        }
        if profile >= HIGH {
            bytes.extend([0xfd, 0xf8, 0xf8, 0]); // 4:2:0, 8 bits each, nothing behind: other formats are not joined
        }
        Some(bytes)
    }

    fn profile(&self) -> Option<u8> {
        self.sequences.first().and_then(|unit| unit.get(1)).copied()
    }
}

/// True if decoding can begin with this packet, and nothing behind it needs what stands before.
pub(super) fn is_idr(framing: Framing, packet: &[u8]) -> bool {
    units(framing, packet).is_some_and(|units| units.iter().any(|unit| unit.first().is_some_and(|kind| kind & 0x1f == IDR)))
}

/// The packet with lengths of four bytes; nothing if it is damaged.
pub(super) fn with_lengths(framing: Framing, packet: &[u8]) -> Option<Cow<'_, [u8]>> {
    let units = units(framing, packet)?;
    if framing == Framing::Lengths(LENGTH_BYTES) {
        return Some(Cow::Borrowed(packet));
    }
    let mut bytes = Vec::with_capacity(packet.len() + units.len() * LENGTH_BYTES);
    for unit in units {
        bytes.extend(u32::try_from(unit.len()).ok()?.to_be_bytes());
        bytes.extend(unit);
    }
    Some(Cow::Owned(bytes))
}

fn units(framing: Framing, mut packet: &[u8]) -> Option<Vec<&[u8]>> {
    let Framing::Lengths(length_bytes) = framing else { return Some(between_start_codes(packet)) };
    let mut units = Vec::new();
    while !packet.is_empty() {
        let (length, rest) = packet.split_at_checked(length_bytes)?;
        let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let (unit, rest) = rest.split_at_checked(length)?;
        units.push(unit);
        packet = rest;
    }
    Some(units)
}

fn between_start_codes(bytes: &[u8]) -> Vec<&[u8]> {
    let begins: Vec<usize> = bytes.windows(3).enumerate().filter(|(_, window)| *window == [0, 0, 1]).map(|(at, _)| at).collect();
    let ends = begins.iter().skip(1).copied().chain([bytes.len()]);
    let unit = |(begin, end): (&usize, usize)| {
        let unit = &bytes[begin + 3..end];
        // Zeros behind a unit are padding, or the first byte of a start code of four.
        let length = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        &unit[..length]
    };
    begins.iter().zip(ends).map(unit).filter(|unit| !unit.is_empty()).collect()
}

/// A list in `avcC`: how many, then each with its length.
fn counted<'a>(rest: &mut &'a [u8], mask: u8) -> Option<Vec<&'a [u8]>> {
    let (count, mut left) = rest.split_first()?;
    let mut units = Vec::new();
    for _ in 0..count & mask {
        let (length, behind) = left.split_at_checked(2)?;
        let (unit, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes([length[0], length[1]])))?;
        units.push(unit);
        left = behind;
    }
    *rest = left;
    Some(units)
}

/// The unsigned number that these bits begin with (ITU-T H.264, 9.1).
fn exp_golomb(bytes: &[u8]) -> Option<u32> {
    let bit = |at: usize| Some(u32::from(bytes.get(at / 8)? >> (7 - at % 8) & 1));
    let zeros = (0..16).find(|at| bit(*at) == Some(1))?;
    let value = (zeros..=zeros * 2).try_fold(0, |value, at| Some(value << 1 | bit(at)?))?;
    Some(value - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A sequence set of the profile, at the level, with the number in its first bits; and a picture set with a number.
    fn sequence(profile: u8, level: u8, id: u8) -> Vec<u8> {
        vec![0x67, profile, 0, level, id, 0xaa]
    }

    fn with_start_codes(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
    }

    #[test]
    fn both_forms_say_the_same() {
        let sets = [sequence(100, 31, 0x80), vec![0x68, 0xee, 0x3c]];
        let coded = Setup::parse(&with_start_codes(&[&sets[0], &sets[1]])).expect("start codes");
        let bytes = coded.joined(None).expect("an avcC");
        assert_eq!(bytes[..6], [1, 100, 0, 31, 0xff, 0xe1]);
        assert!(bytes.ends_with(&[0xfd, 0xf8, 0xf8, 0]));
        let read = Setup::parse(&bytes).expect("it reads what it writes");
        assert_eq!((read.framing, &read.sequences, &read.pictures), (Framing::Lengths(4), &coded.sequences, &coded.pictures));
        for damaged in [&bytes[..9], &bytes[..3], &[1], &[], &with_start_codes(&[&sets[0]])] {
            assert_eq!(Setup::parse(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn sets_of_two_encoders_stand_side_by_side() {
        // Numbers 0 and 1 of sequences, 0 and 2 of pictures are taken.
        let first = [sequence(77, 30, 0x80), sequence(77, 30, 0x40), vec![0x68, 0x80, 1], vec![0x68, 0x60, 1]];
        let first = Setup::parse(&with_start_codes(&first.each_ref().map(Vec::as_slice))).expect("sets");
        assert_eq!(first.free_id(), Some(3));
        let other = Setup::parse(&with_start_codes(&[&sequence(77, 40, 0x20), &[0x68, 0x20, 1]])).expect("sets");
        let joined = first.joined(Some(&other)).expect("one profile");
        let joined = Setup::parse(&joined).expect("an avcC");
        assert_eq!((joined.sequences.len(), joined.pictures.len()), (3, 3));
        assert_eq!(first.joined(Some(&other)).expect("one profile")[..4], [1, 77, 0, 40], "the higher level counts");
        let high = Setup::parse(&with_start_codes(&[&sequence(100, 40, 0x20), &[0x68, 0x20, 1]])).expect("sets");
        assert_eq!(first.joined(Some(&high)), None);
    }

    #[test]
    fn packets_get_lengths() {
        let idr: &[u8] = &[0x65, 1, 2, 0, 3];
        let other: &[u8] = &[0x41, 9];
        let coded = with_start_codes(&[&[0x09, 0x10], idr]);
        assert!(is_idr(Framing::StartCodes, &coded) && !is_idr(Framing::StartCodes, &with_start_codes(&[other])));
        let made = with_lengths(Framing::StartCodes, &coded).expect("it is whole").into_owned();
        assert_eq!(made, [&[0, 0, 0, 2, 0x09, 0x10, 0, 0, 0, 5][..], idr].concat());
        assert!(is_idr(Framing::Lengths(4), &made));
        assert_eq!(with_lengths(Framing::Lengths(4), &made).as_deref(), Some(made.as_slice()));
        assert_eq!(with_lengths(Framing::Lengths(2), &[0, 2, 0x41, 9]).as_deref(), Some(&[0, 0, 0, 2, 0x41, 9][..]));
        assert_eq!(with_lengths(Framing::Lengths(4), &made[..made.len() - 1]), None, "cut off");
    }

    #[test]
    fn numbers_of_few_bits_are_read() {
        for (bits, expected) in [(0x80, Some(0)), (0x40, Some(1)), (0x60, Some(2)), (0x20, Some(3)), (0x28, Some(4)), (0, None)] {
            assert_eq!(exp_golomb(&[bits]), expected, "{bits:x}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_strangers_send_does_harm(bytes in prop::collection::vec(prop::sample::select(vec![0_u8, 1, 2, 0x65, 0x67, 0x68, 0xff]), 0..60)) {
            if let Some(setup) = Setup::parse(&bytes) {
                setup.free_id();
                setup.joined(Some(&setup));
            }
            for framing in [Framing::StartCodes, Framing::Lengths(1), Framing::Lengths(2), Framing::Lengths(4)] {
                is_idr(framing, &bytes);
                with_lengths(framing, &bytes);
            }
        }
    }
}
