//! How much room the index of an MP4 is given at the front of a file that is read while it is written.
//!
//! In: what is known of the streams before the first packet. Out: bytes. Must not: be smaller than the index if what was known was right; what was
//! wrong shows when the index is written.
//! Tables of the index: ISO/IEC 14496-12, 8.6 and 8.7; what FFmpeg writes into them: `libavformat/movenc.c`.

/// Index bytes of one picture: stts and ctts (a run each), stsz, stss, sdtp.
const BYTES_PER_PICTURE: u64 = 8 + 8 + 4 + 4 + 1;
/// Index bytes of one packet of sound: stts, stsz.
const BYTES_PER_SOUND: u64 = 8 + 4;
/// Index bytes of one run of packets that lie side by side: stsc, and stco or co64.
const BYTES_PER_CHUNK: u64 = 12 + 4;
const BYTES_PER_FAR_CHUNK: u64 = 12 + 8;
/// FFmpeg ends a chunk at this size.
const CHUNK_BYTES: u64 = 1 << 20;
/// From this length on offsets may need 64 bits; the rest to 4 GiB is for what the container adds.
const FAR_BYTES: u64 = 4_000_000_000;
/// What there is of boxes whatever the length, and for each stream.
const FIXED_BYTES: u64 = 1500;
const STREAM_BYTES: u64 = 1200;
/// Where the length in time is not known: thousandths of the length in bytes, within bounds; and where no length is known.
const BLIND_PER_MILLE: u64 = 15;
const BLIND_BYTES: (u64, u64) = (128 << 10, 16 << 20);
const DEFAULT_BYTES: u64 = 2 << 20;
/// The box that fills the rest.
const FREE_BOX_BYTES: u64 = 8;

/// What is known of a stream that goes into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    /// Packets that will come at most; none if nobody can tell.
    pub(super) packets: Option<u64>,
    /// Pictures need more room than sound.
    pub(super) is_video: bool,
    /// Set-up of the codec, in bytes.
    pub(super) setup_bytes: u64,
}

/// The room for the index. `length_bytes` is the length of all inputs, if known; `text_bytes` that of the tags.
pub(super) fn room_bytes(streams: &[Stream], length_bytes: Option<u64>, text_bytes: u64) -> u64 {
    let setup_bytes: u64 = streams.iter().map(|stream| STREAM_BYTES + stream.setup_bytes).sum();
    let fixed_bytes = FIXED_BYTES + FREE_BOX_BYTES + text_bytes + setup_bytes;
    let packets: Option<Vec<u64>> = streams.iter().map(|stream| stream.packets).collect();
    let Some(packets) = packets else {
        let blind = |length_bytes: u64| (length_bytes / 1000 * BLIND_PER_MILLE).clamp(BLIND_BYTES.0, BLIND_BYTES.1);
        return fixed_bytes + length_bytes.map_or(DEFAULT_BYTES, blind);
    };
    let chunk_bytes = if length_bytes.is_some_and(|length_bytes| length_bytes < FAR_BYTES) { BYTES_PER_CHUNK } else { BYTES_PER_FAR_CHUNK };
    let all: u64 = packets.iter().fold(0, |sum, packets| sum.saturating_add(*packets));
    let full_chunks = length_bytes.map_or(u64::MAX, |length_bytes| length_bytes / (CHUNK_BYTES / 2) + 1);
    let tables = streams.iter().zip(packets).map(|(stream, packets)| {
        // A chunk ends where another stream's packet stands between, or when it is full (two neighbours together are more than a full one).
        let chunks = packets.min((all - packets).saturating_add(1).saturating_add(full_chunks));
        let per_packet = if stream.is_video { BYTES_PER_PICTURE } else { BYTES_PER_SOUND };
        packets.saturating_mul(per_packet).saturating_add(chunks.saturating_mul(chunk_bytes))
    });
    tables.fold(fixed_bytes, u64::saturating_add)
}

/// Packets of a stream that lasts `duration_s` and has `per_second`; a little more than that, since lengths and rates are rounded.
pub(super) fn packets_at_most(duration_s: f64, per_second: f64) -> Option<u64> {
    let packets = duration_s * per_second * 1.02 + 64.0;
    (duration_s > 0.0 && per_second > 0.0 && packets < 1e9).then_some(packets as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn video(packets: impl Into<Option<u64>>) -> Stream {
        Stream { packets: packets.into(), is_video: true, setup_bytes: 50 }
    }

    fn sound(packets: impl Into<Option<u64>>) -> Stream {
        Stream { packets: packets.into(), is_video: false, setup_bytes: 5 }
    }

    #[test]
    fn rooms_for_what_is_known() {
        const HOUR: [Option<u64>; 2] = [Some(90_000), Some(168_750)];
        let table = [
            ("an hour", vec![video(HOUR[0]), sound(HOUR[1])], Some(1_000_000_000), 7_199_439),
            ("an hour of unknown size", vec![video(HOUR[0]), sound(HOUR[1])], None, 9_450_000 - 20_000),
            ("a picture alone", vec![video(HOUR[0])], Some(1_000_000_000), 2_283_311),
            ("a second", vec![video(25), sound(47)], Some(50_000), 6_200),
            ("no time known", vec![video(None), sound(47)], Some(500_000_000), 7_504_000),
            ("nothing known", vec![video(None), sound(None)], None, DEFAULT_BYTES + 4_000),
            ("absurd", vec![video(u64::MAX), sound(u64::MAX)], None, u64::MAX),
        ];
        for (name, streams, length_bytes, expected) in table {
            let room = room_bytes(&streams, length_bytes, 0);
            assert!(room.abs_diff(expected) <= expected / 20, "{name}: {room}");
        }
    }

    #[test]
    fn packets_are_bounded_by_time_and_rate() {
        assert_eq!(packets_at_most(100.0, 25.0), Some(2614));
        for (duration_s, per_second) in [(0.0, 25.0), (10.0, 0.0), (f64::NAN, 25.0), (1e12, 25.0)] {
            assert_eq!(packets_at_most(duration_s, per_second), None);
        }
    }

    /// The tables of one stream at their largest (a run of its own for each packet), with the chunks as they really come.
    fn tables(order: &[(bool, u64)], is_video: bool, far: bool) -> u64 {
        let (mut chunks, mut packets, mut chunk, mut neighbours) = (0, 0, 0, false);
        for (of_video, bytes) in order {
            if *of_video != is_video {
                neighbours = false;
                continue;
            }
            packets += 1;
            if !neighbours || chunk + bytes > CHUNK_BYTES {
                chunks += 1;
                chunk = 0;
            }
            chunk += bytes;
            neighbours = true;
        }
        packets * if is_video { 25 } else { 12 } + chunks * if far { 20 } else { 16 }
    }

    proptest! {
        #[test]
        fn the_room_is_enough_for_any_order_of_packets(
            order in prop::collection::vec((any::<bool>(), 1_u64..900_000), 1..400),
            spare in 0_u64..50,
            is_length_known in any::<bool>(),
        ) {
            let count = |is_video: bool| order.iter().filter(|(of_video, _)| *of_video == is_video).count() as u64;
            let length_bytes: u64 = order.iter().map(|(_, bytes)| bytes).sum();
            let streams = [video(count(true) + spare), sound(count(false) + spare)];
            let room = room_bytes(&streams, is_length_known.then_some(length_bytes), 0);
            let index = tables(&order, true, !is_length_known) + tables(&order, false, !is_length_known);
            prop_assert!(room >= index + FIXED_BYTES, "{} of {}", index, room);
        }
    }
}
