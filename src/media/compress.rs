//! How much a video may spend so that it fits into so many bytes.
//!
//! In: length, size of the picture, the bytes to fit into. Out: a [`Budget`], or nothing if it can't be done decently. Must not: do I/O.

/// Part of the bytes that is planned with; the rest is for the rate control's error.
const USABLE: f64 = 0.97;
/// Bytes of an MP4 that are there whatever its length: header boxes, encoder settings.
const FIXED_BYTES: f64 = 6_000.0;
/// Index bytes of one frame of video (stts, ctts, stsz, stco, stss) and of one packet of sound, measured on our own output and rounded up.
const INDEX_BYTES_PER_FRAME: f64 = 18.0;
const INDEX_BYTES_PER_PACKET: f64 = 6.0;
/// Packets of AAC a second at 48 kHz.
const PACKETS_PER_SECOND: f64 = 48_000.0 / 1024.0;
/// Bits a pixel below which x264 falls apart; a smaller picture looks better from there on.
const DECENT_BITS_PER_PIXEL: f64 = 0.035;
/// Bits a pixel above which more of them change nothing that one sees.
const PLENTY_BITS_PER_PIXEL: f64 = 0.2;
/// Short sides of the picture that are tried, from the largest.
const SHORT_SIDES: [u32; 8] = [2160, 1440, 1080, 720, 540, 480, 360, 240];
/// Rates of sound that are tried, from the best, in bits a second.
const AUDIO_BIT_RATES: [u64; 5] = [128_000, 96_000, 64_000, 48_000, 32_000];

/// What is to be made to fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wish {
    /// Length in seconds.
    pub(crate) duration_s: f64,
    /// The bytes to fit into.
    pub(crate) max_bytes: u64,
    /// Width in pixels.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    /// Frames a second.
    pub(crate) frame_rate: f64,
    /// The best rate that sound is given, in bits a second; none if there is no sound.
    pub(crate) audio_bit_rate: Option<u64>,
    /// The lowest rate of the picture that is accepted, in bits a second.
    pub(crate) min_video_bit_rate: u64,
}

/// What may be spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Budget {
    /// Bits a second for the picture.
    pub(crate) video_bit_rate: u64,
    /// Bits a second for the sound.
    pub(crate) audio_bit_rate: u64,
    /// Largest short side of the picture, in pixels.
    pub(crate) max_short_side: u32,
    /// Largest frame rate.
    pub(crate) max_frame_rate: f64,
}

/// Divides the bytes between picture and sound, and makes the picture smaller as its share falls. None if the picture would get less than the
/// lowest rate that is accepted, or the length is unknown.
pub(crate) fn plan(wish: Wish) -> Option<Budget> {
    if !(wish.duration_s > 0.0 && wish.duration_s.is_finite()) || wish.width == 0 || wish.height == 0 {
        return None;
    }
    let frame_rate = if wish.frame_rate > 0.0 { wish.frame_rate.min(60.0) } else { 30.0 };
    let sound_index = if wish.audio_bit_rate.is_some() { INDEX_BYTES_PER_PACKET * PACKETS_PER_SECOND } else { 0.0 };
    let index_bit_rate = (INDEX_BYTES_PER_FRAME * frame_rate + sound_index) * 8.0;
    let bits = (wish.max_bytes as f64 * USABLE - FIXED_BYTES) * 8.0;
    let whole_bit_rate = bits / wish.duration_s - index_bit_rate;
    let audio_bit_rate = wish.audio_bit_rate.map_or(0, |best| {
        // Sound gets up to a sixth of the whole: bad sound is noticed before a bad picture.
        let wanted = AUDIO_BIT_RATES.into_iter().find(|rate| *rate as f64 <= whole_bit_rate / 6.0);
        wanted.unwrap_or(AUDIO_BIT_RATES[AUDIO_BIT_RATES.len() - 1]).min(best)
    });
    let video_bit_rate = whole_bit_rate - audio_bit_rate as f64;
    if video_bit_rate < wish.min_video_bit_rate.max(1) as f64 {
        return None;
    }
    let (max_short_side, max_frame_rate) = picture_for(video_bit_rate, wish.width, wish.height, frame_rate);
    let pixel_rate = pixels_at(max_short_side, wish.width, wish.height) * max_frame_rate;
    let enough = (pixel_rate * PLENTY_BITS_PER_PIXEL).max(500_000.0);
    Some(Budget { video_bit_rate: video_bit_rate.min(enough) as u64, audio_bit_rate, max_short_side, max_frame_rate })
}

/// The next lower rate after a result that came out too large.
pub(crate) fn corrected(bit_rate: u64, result_bytes: u64, max_bytes: u64) -> u64 {
    (bit_rate as f64 * (max_bytes as f64 / result_bytes.max(1) as f64) * 0.93) as u64
}

fn picture_for(bit_rate: f64, width: u32, height: u32, frame_rate: f64) -> (u32, f64) {
    let source_side = width.min(height);
    let slower = if frame_rate > 32.0 { frame_rate / 2.0 } else { frame_rate };
    let decent = |side: u32, rate: f64| bit_rate / (pixels_at(side, width, height) * rate) >= DECENT_BITS_PER_PIXEL;
    let sides = std::iter::once(source_side).chain(SHORT_SIDES.into_iter().filter(|side| *side < source_side));
    let mut smallest = source_side;
    for side in sides {
        smallest = side;
        // Half the frames before fewer pixels: 50 or 60 frames a second are the first thing to give up.
        for rate in [frame_rate, slower] {
            if decent(side, rate) {
                return (side, rate);
            }
        }
    }
    (smallest, slower)
}

fn pixels_at(short_side: u32, width: u32, height: u32) -> f64 {
    let scale = f64::from(short_side) / f64::from(width.min(height).max(1));
    f64::from(width) * f64::from(height) * (scale * scale).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Wish = Wish {
        duration_s: 3600.0,
        max_bytes: 2_000_000_000,
        width: 1920,
        height: 1080,
        frame_rate: 30.0,
        audio_bit_rate: Some(128_000),
        min_video_bit_rate: 200_000,
    };

    #[test]
    fn the_picture_shrinks_with_its_share() {
        let table = [
            (HOUR, Some((1080, 30.0))),
            (Wish { max_bytes: 600_000_000, ..HOUR }, Some((720, 30.0))),
            (Wish { max_bytes: 200_000_000, ..HOUR }, Some((360, 30.0))),
            (Wish { max_bytes: 50_000_000, ..HOUR }, None),
            (Wish { max_bytes: 1_200_000_000, frame_rate: 60.0, ..HOUR }, Some((1080, 30.0))),
            (Wish { width: 1080, height: 1920, max_bytes: 600_000_000, ..HOUR }, Some((720, 30.0))),
            (Wish { width: 640, height: 360, ..HOUR }, Some((360, 30.0))),
            (Wish { duration_s: 0.0, ..HOUR }, None),
            (Wish { duration_s: f64::NAN, ..HOUR }, None),
            (Wish { max_bytes: 0, ..HOUR }, None),
        ];
        for (wish, expected) in table {
            let budget = plan(wish);
            assert_eq!(budget.map(|budget| (budget.max_short_side, budget.max_frame_rate)), expected, "{wish:?} -> {budget:?}");
        }
    }

    #[test]
    fn what_is_planned_fits() {
        for max_bytes in [120_000_000, 500_000_000, 2_000_000_000] {
            let wish = Wish { max_bytes, ..HOUR };
            let budget = plan(wish).expect("an hour fits");
            let bytes = (budget.video_bit_rate + budget.audio_bit_rate) as f64 / 8.0 * wish.duration_s;
            assert!(bytes < max_bytes as f64 * USABLE, "{budget:?}");
            assert!(budget.video_bit_rate >= wish.min_video_bit_rate);
        }
        let small = plan(Wish { duration_s: 10.0, width: 320, height: 180, ..HOUR }).expect("there is room in plenty");
        assert!(small.video_bit_rate <= 500_000, "more bits than anyone sees: {small:?}");
        assert_eq!(plan(Wish { audio_bit_rate: None, ..HOUR }).map(|budget| budget.audio_bit_rate), Some(0));
    }

    #[test]
    fn a_result_that_is_too_large_lowers_the_rate_by_more_than_the_excess() {
        assert_eq!(corrected(1_000_000, 1_100_000, 1_000_000), 845_454);
    }
}
