//! How a video is made to fit into so many bytes: its size, its frame rate, its quality, and how it will look.
//!
//! In: what the video is, the bytes to fit into, what a quick look at samples found. Out: a [`Plan`]. Must not: do I/O.

mod places;

use super::protocol::{Cost, Course, Guess, Looked, Sample};
use super::steer::{AIM, SLACK};
use crate::model::{Appearance, VideoCodec};
use places::Places;

/// Bytes of an MP4 that are there whatever its length: header boxes, encoder settings.
const FIXED_BYTES: f64 = 3_000.0;
/// Index bytes of one frame of video (stts, ctts, stsz, stco, stsc, stss) and of one packet of sound, measured on our own output.
const INDEX_BYTES_PER_FRAME: f64 = 22.0;
const INDEX_BYTES_PER_PACKET: f64 = 8.0;
/// Packets of AAC a second at 48 kHz.
const PACKETS_PER_SECOND: f64 = 48_000.0 / 1024.0;
/// Bits a pixel that do for easy content: where the look begins, since it tells more of smaller pictures than of larger ones.
const EASY_BITS_PER_PIXEL: f64 = 0.012;
/// Short sides of the picture that are tried, from the largest.
const SHORT_SIDES: [u32; 8] = [2160, 1440, 1080, 720, 540, 480, 360, 240];
/// Rates of sound that are tried, from the best, in bits a second.
const AUDIO_BIT_RATES: [u64; 5] = [128_000, 96_000, 64_000, 48_000, 32_000];
/// Bytes of a frame grow with this power of its pixels: larger pictures are smoother. The same for the time between frames.
const PIXEL_POWER: f64 = 0.75;
const TIME_POWER: f64 = 0.6;
/// Steps of CRF that samples may be wrong by: only what is worse by more is refused.
const UNSURE: f64 = 2.0;
/// Steps of CRF beyond the samples' that are believed.
const FAR: f64 = 4.0;
/// Steps of CRF that halve the bytes, as far as samples are believed.
const HALVING: std::ops::RangeInclusive<f64> = 3.5..=9.0;

/// What is to be made to fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wish {
    /// Length in seconds.
    pub(crate) duration_s: f64,
    /// The bytes to fit into.
    pub(crate) max_bytes: u64,
    /// Width and height in pixels, as displayed.
    pub(crate) size: (u32, u32),
    /// Frames a second.
    pub(crate) frame_rate: f64,
    /// The best rate that sound is given, in bits a second; none if there is no sound.
    pub(crate) audio_bit_rate: Option<u64>,
    /// The lowest rate of the picture that is accepted, in bits a second.
    pub(crate) min_video_bit_rate: u64,
    /// How it is encoded.
    pub(crate) codec: VideoCodec,
}

/// What may be spent, before the content is known.
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

/// How it is made to fit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Largest short side of the picture, in pixels.
    pub(crate) max_short_side: u32,
    /// Largest frame rate.
    pub(crate) max_frame_rate: f64,
    /// How the encoder is steered.
    pub(crate) course: Course,
    /// How it will look.
    pub(crate) appearance: Appearance,
    /// How long it will take, in seconds.
    pub(crate) takes_s: f64,
}

/// Qualities of a codec in its own CRF.
struct Scale {
    /// Two that samples are encoded at.
    samples: [f64; 2],
    /// Up to which it looks like the source, good, fair, poor. Beyond, it is a slide show of blocks.
    steps: [f64; 4],
    /// Better than this nobody sees.
    best: f64,
    /// The worst that the encoder has.
    worst: f64,
}

const fn scale(codec: VideoCodec) -> Scale {
    match codec {
        VideoCodec::H264 => Scale { samples: [19.0, 28.0], steps: [21.0, 26.0, 31.0, 38.0], best: 16.0, worst: 51.0 },
        VideoCodec::Hevc => Scale { samples: [20.0, 29.0], steps: [22.0, 27.0, 32.0, 39.0], best: 17.0, worst: 51.0 },
        VideoCodec::Vp9 => Scale { samples: [25.0, 41.0], steps: [26.0, 35.0, 45.0, 55.0], best: 18.0, worst: 63.0 },
        VideoCodec::Av1 => Scale { samples: [27.0, 43.0], steps: [28.0, 37.0, 47.0, 57.0], best: 20.0, worst: 63.0 },
    }
}

/// The two qualities that samples are encoded at first.
pub(crate) fn sample_crfs(codec: VideoCodec) -> [f64; 2] {
    scale(codec).samples
}

/// Two others, if a plan is far from what a look knows: noise falls apart sooner than finer qualities and larger pictures tell.
pub(crate) fn other_crfs(plan: &Plan, looked: &Looked, codec: VideoCodec) -> Option<[f64; 2]> {
    let [best, worst] = looked.crfs;
    // Sides are made even.
    let is_same_size = plan.max_short_side.abs_diff(looked.size.0.min(looked.size.1)) < 2;
    if is_same_size && plan.course.crf <= worst + FAR {
        return None;
    }
    let scale = scale(codec);
    let apart = worst - best;
    let from = (plan.course.crf - apart / 2.0).clamp(scale.best, scale.worst - apart);
    Some([from, from + apart])
}

/// Where samples are taken, and how many frames each has: some of a short clip, two dozen of a film.
pub(crate) fn sample_places(duration_s: f64, frame_rate: f64) -> (Vec<f64>, u32) {
    let count = (duration_s / 8.0).clamp(3.0, 24.0) as u32;
    let places = (0..count).map(|index| duration_s * (f64::from(index) + 0.45) / f64::from(count)).collect();
    // Hardly more than a twenty-fourth of the whole, or the look costs what it saves.
    let frames = (duration_s * frame_rate / 24.0 / f64::from(count)).clamp(8.0, 24.0) as u32;
    (places, frames)
}

/// Divides the bytes between picture and sound, and guesses how large the picture can be. None if the picture would get less than the lowest rate
/// that is accepted, or the length is unknown.
pub(crate) fn outline(wish: Wish) -> Option<Budget> {
    if !(wish.duration_s > 0.0 && wish.duration_s.is_finite()) || wish.size.0 == 0 || wish.size.1 == 0 {
        return None;
    }
    let frame_rate = if wish.frame_rate > 0.0 { wish.frame_rate.min(60.0) } else { 30.0 };
    let whole_bit_rate = (wish.max_bytes as f64 - index_bytes(wish, frame_rate)) * 8.0 / wish.duration_s;
    let audio_bit_rate = wish.audio_bit_rate.map_or(0, |best| {
        // Sound gets up to a sixth of the whole: bad sound is noticed before a bad picture.
        let wanted = AUDIO_BIT_RATES.into_iter().find(|rate| *rate as f64 <= whole_bit_rate / 6.0);
        wanted.unwrap_or(AUDIO_BIT_RATES[AUDIO_BIT_RATES.len() - 1]).min(best)
    });
    let video_bit_rate = whole_bit_rate - audio_bit_rate as f64;
    if video_bit_rate < wish.min_video_bit_rate.max(1) as f64 {
        return None;
    }
    let (max_short_side, max_frame_rate) = shapes(wish.size, frame_rate)
        .find(|(side, rate)| video_bit_rate / (pixels_at(*side, wish.size) * rate) >= EASY_BITS_PER_PIXEL)
        .unwrap_or_else(|| smallest(wish.size, frame_rate));
    Some(Budget { video_bit_rate: video_bit_rate as u64, audio_bit_rate, max_short_side, max_frame_rate })
}

/// Chooses size, frame rate and quality by what the look has found: the largest picture that looks fair at least, else the
/// smallest.
pub(crate) fn settle(wish: Wish, budget: Budget, looked: &Looked) -> Plan {
    let source_rate = if wish.frame_rate > 0.0 { wish.frame_rate.min(60.0) } else { 30.0 };
    let guesses = places::guesses(looked, wish.duration_s);
    let plan = |shape| plan_at(wish, budget, looked, &guesses, shape);
    let fair = shapes(wish.size, source_rate).map(plan).find(|(needed, _)| *needed <= scale(wish.codec).steps[2]);
    fair.unwrap_or_else(|| plan(smallest(wish.size, source_rate))).1
}

/// The same size and frame rate, at the quality that another look has found.
pub(crate) fn settle_again(wish: Wish, budget: Budget, looked: &Looked, plan: &Plan) -> Plan {
    plan_at(wish, budget, looked, &places::guesses(looked, wish.duration_s), (plan.max_short_side, plan.max_frame_rate)).1
}

/// A plan for pictures of some short side and frame rate, and the CRF that it would need.
fn plan_at(wish: Wish, budget: Budget, looked: &Looked, guesses: &[Places], (side, rate): (u32, f64)) -> (f64, Plan) {
    let scale = scale(wish.codec);
    let sound_bytes = budget.audio_bit_rate as f64 / 8.0 * wish.duration_s;
    let sampled_pixels = f64::from(looked.size.0) * f64::from(looked.size.1);
    let frames = (wish.duration_s * rate).round().max(1.0);
    let index_bytes = index_bytes(wish, rate);
    let room_bytes = (wish.max_bytes as f64 - index_bytes - sound_bytes).max(1.0);
    let larger = (pixels_at(side, wish.size) / sampled_pixels.max(1.0)).powf(PIXEL_POWER);
    let slower = (looked.frame_rate / rate).powf(TIME_POWER);
    let keys = (frames / f64::from(super::worker::stretch(wish.codec, rate, frames))).ceil();
    let whole = |of: usize| {
        let of_place = |place: &Sample| keys * place.key_bytes[of] + (frames - keys) * place.frame_bytes[of] * slower;
        let of_guess = |guess: &Places| guess.places.iter().map(of_place).sum::<f64>() / guess.places.len().max(1) as f64;
        (guesses.iter().map(|guess| guess.likely * of_guess(guess)).sum::<f64>() * larger).max(1.0)
    };
    let halvings = (whole(0) / whole(1)).log2();
    let halving = ((looked.crfs[1] - looked.crfs[0]) / halvings.max(0.1)).clamp(*HALVING.start(), *HALVING.end());
    let needed = looked.crfs[0] + halving * (whole(0) / room_bytes).log2();
    let crf = needed.clamp(scale.best, scale.worst);
    let to_crf = ((looked.crfs[0] - crf) / halving).exp2() * larger;
    let cost = |sample: &Sample| Cost {
        frame: (sample.at_s * rate) as u64,
        key_bytes: sample.key_bytes[0] * to_crf,
        frame_bytes: sample.frame_bytes[0] * to_crf * slower,
    };
    let work = frames / (wish.duration_s * looked.frame_rate).max(1.0) * pixels_at(side, wish.size) / sampled_pixels.max(1.0);
    let plan = Plan {
        max_short_side: side,
        max_frame_rate: rate,
        course: Course {
            max_bytes: wish.max_bytes,
            aim: AIM,
            slack: if wish.codec == VideoCodec::H264 { SLACK } else { 0.0 },
            sound_bytes: sound_bytes as u64,
            index_bytes: index_bytes as u64,
            frames: frames as u64,
            crf,
            crf_bounds: (scale.best, scale.worst),
            halving,
            guesses: guesses.iter().map(|guess| Guess { likely: guess.likely, costs: guess.places.iter().map(cost).collect() }).collect(),
        },
        appearance: appearance(needed, &scale),
        takes_s: looked.frame_s * wish.duration_s * looked.frame_rate * work.sqrt(),
    };
    (needed, plan)
}

fn appearance(crf: f64, scale: &Scale) -> Appearance {
    let named = [Appearance::LikeTheSource, Appearance::Good, Appearance::Fair, Appearance::Poor];
    let steps = [scale.steps[0], scale.steps[1], scale.steps[2], scale.steps[3] + UNSURE];
    named.into_iter().zip(steps).find(|(_, most)| crf <= *most).map_or(Appearance::SlideShow, |(appearance, _)| appearance)
}

fn index_bytes(wish: Wish, frame_rate: f64) -> f64 {
    let of_sound = if wish.audio_bit_rate.is_some() { INDEX_BYTES_PER_PACKET * PACKETS_PER_SECOND } else { 0.0 };
    FIXED_BYTES + (INDEX_BYTES_PER_FRAME * frame_rate + of_sound) * wish.duration_s
}

/// Short sides and frame rates in the order in which they are given up: 50 or 60 frames a second before pixels.
fn shapes(size: (u32, u32), frame_rate: f64) -> impl Iterator<Item = (u32, f64)> {
    let source_side = size.0.min(size.1);
    let sides = std::iter::once(source_side).chain(SHORT_SIDES.into_iter().filter(move |side| *side < source_side));
    let slower = slower(frame_rate);
    sides.flat_map(move |side| std::iter::once((side, frame_rate)).chain((slower < frame_rate).then_some((side, slower))))
}

fn smallest(size: (u32, u32), frame_rate: f64) -> (u32, f64) {
    (size.0.min(size.1).min(SHORT_SIDES[SHORT_SIDES.len() - 1]), slower(frame_rate))
}

fn slower(frame_rate: f64) -> f64 {
    if frame_rate > 32.0 { frame_rate / 2.0 } else { frame_rate }
}

fn pixels_at(short_side: u32, (width, height): (u32, u32)) -> f64 {
    let scale = f64::from(short_side) / f64::from(width.min(height).max(1));
    f64::from(width) * f64::from(height) * (scale * scale).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Wish = Wish {
        duration_s: 3600.0,
        max_bytes: 2_000_000_000,
        size: (1920, 1080),
        frame_rate: 30.0,
        audio_bit_rate: Some(128_000),
        min_video_bit_rate: 200_000,
        codec: VideoCodec::H264,
    };

    /// Content whose frames take so many bytes at 1080p and the first of the two qualities.
    fn content(frame_bytes: f64) -> Looked {
        let sample =
            |at_s| Sample { at_s, key_bytes: [frame_bytes * 10.0, frame_bytes * 4.0], frame_bytes: [frame_bytes, frame_bytes * 0.4] };
        Looked {
            crfs: [19.0, 28.0],
            size: (1920, 1080),
            frame_rate: 30.0,
            samples: vec![sample(100.0), sample(2000.0)],
            spent: Vec::new(),
            frame_s: 0.01,
        }
    }

    #[test]
    fn the_outline_shrinks_with_its_share() {
        let table = [
            (HOUR, Some((1080, 30.0))),
            (Wish { max_bytes: 300_000_000, ..HOUR }, Some((720, 30.0))),
            (Wish { max_bytes: 150_000_000, ..HOUR }, Some((540, 30.0))),
            (Wish { max_bytes: 50_000_000, ..HOUR }, None),
            (Wish { max_bytes: 500_000_000, frame_rate: 60.0, ..HOUR }, Some((1080, 30.0))),
            (Wish { size: (1080, 1920), max_bytes: 300_000_000, ..HOUR }, Some((720, 30.0))),
            (Wish { size: (640, 360), ..HOUR }, Some((360, 30.0))),
            (Wish { duration_s: 0.0, ..HOUR }, None),
            (Wish { duration_s: f64::NAN, ..HOUR }, None),
            (Wish { max_bytes: 0, ..HOUR }, None),
        ];
        for (wish, expected) in table {
            let budget = outline(wish);
            assert_eq!(budget.map(|budget| (budget.max_short_side, budget.max_frame_rate)), expected, "{wish:?} -> {budget:?}");
        }
        assert_eq!(outline(Wish { audio_bit_rate: None, ..HOUR }).map(|budget| budget.audio_bit_rate), Some(0));
    }

    #[test]
    fn the_content_decides_how_large_it_can_be() {
        let fit = |wish: Wish, looked: &Looked| settle(wish, outline(wish).expect("there is room"), looked);
        let table = [
            ("easy", HOUR, 2_000.0, (1080, Appearance::LikeTheSource)),
            ("usual", HOUR, 25_000.0, (1080, Appearance::Good)),
            ("hard", HOUR, 80_000.0, (720, Appearance::Fair)),
            ("hard, half the room", Wish { max_bytes: 1_000_000_000, ..HOUR }, 80_000.0, (480, Appearance::Fair)),
            ("a slide show", Wish { max_bytes: 250_000_000, ..HOUR }, 1_600_000.0, (240, Appearance::SlideShow)),
        ];
        for (name, wish, frame_bytes, expected) in table {
            let plan = fit(wish, &content(frame_bytes));
            assert_eq!((plan.max_short_side, plan.appearance), expected, "{name}: {plan:?}");
        }
        let sixty = fit(Wish { frame_rate: 60.0, ..HOUR }, &Looked { frame_rate: 60.0, ..content(33_000.0) });
        assert_eq!((sixty.max_short_side, sixty.max_frame_rate), (1080, 30.0), "frames are given up before pixels");
    }

    #[test]
    fn what_is_expected_of_the_pictures_is_what_there_is_room_for() {
        let plan = settle(HOUR, outline(HOUR).expect("there is room"), &content(20_000.0));
        let Course { guesses, frames, sound_bytes, index_bytes, .. } = &plan.course;
        assert_eq!(*frames, 108_000);
        let keys = *frames as f64 / 150.0;
        let pictures = keys * guesses[0].costs[0].key_bytes + (*frames as f64 - keys) * guesses[0].costs[0].frame_bytes;
        let all = pictures + (sound_bytes + index_bytes) as f64;
        assert!((0.95..1.05).contains(&(all / HOUR.max_bytes as f64)), "{all}");
        assert!((500.0..2000.0).contains(&plan.takes_s), "{}", plan.takes_s);
    }

    #[test]
    fn samples_are_few_and_spread() {
        for (duration_s, count, frames) in [(10.0, 3, 8), (2.0, 3, 8), (60.0, 7, 10), (7200.0, 24, 24)] {
            let (places, of_each) = sample_places(duration_s, 30.0);
            assert_eq!((places.len(), of_each), (count, frames), "{duration_s}");
            assert!(places.iter().all(|place| (0.0..duration_s).contains(place)));
        }
    }
}
