//! Steers an encoder to a size: from what each packet takes, how well the next frames are encoded.
//!
//! In: a [`Course`], then the size of each packet. Out: the CRF for the next frame; what was learnt, for a second try. Must not: do I/O, or know codecs.
//!
//! One quality all over looks best for its bytes, as in the second of two passes. So the quality starts where the samples say that it fits, and
//! moves as little as what is learnt on the way demands.

mod guesses;

use super::protocol::{Cost, Course, Guess};
pub(crate) use guesses::around;
use guesses::{Account, Guesses};

/// Part of the bytes that is aimed at: between what must not be missed (0.97) and what must not be passed.
pub(crate) const AIM: f64 = 0.985;
/// Slack of an encoder that takes any quality at any time: one quality all over is worth more than the last byte, and there is time to mend it. Others have none.
pub(crate) const SLACK: f64 = 0.006;
/// The most that CRF moves for one frame; and, as frames become few, how far it could still move until the end.
const STEP: f64 = 0.12;
const REACH: f64 = 12.0;
const LAST_STEP: f64 = 0.5;
/// Steps of CRF that frames are apart from their average (as a standard deviation) before one sees it.
const ASTRAY: f64 = 2.5;
/// Frames that packets may be out of order by.
const REORDERED: f64 = 4.0;
/// What was learnt is kept for so many places, each of some frames.
const PLACES: u64 = 200;
const FRAMES_OF_PLACE: u64 = 12;

/// Holds the course.
#[derive(Clone, Debug)]
pub(crate) struct Helm {
    course: Course,
    key_every: f64,
    crf: f64,
    worst_crf: f64,
    /// Sums of the CRFs of all packets, and of their squares.
    crfs: (f64, f64),
    frames: u64,
    bytes: u64,
    sound_bytes: f64,
    since_key: f64,
    guesses: Guesses,
    /// Of each place: frames, key frames, and where it begins. What is expected is how many there were.
    learnt: Vec<(Account, Account, u64)>,
}

impl Helm {
    /// At the start. `key_every`: frames from one key frame to the next, at most.
    pub(crate) fn new(course: Course, key_every: u32) -> Self {
        let key_every = f64::from(key_every.max(1));
        Self {
            crf: course.crf,
            worst_crf: course.crf,
            crfs: (0.0, 0.0),
            sound_bytes: course.sound_bytes as f64,
            guesses: Guesses::new(&course.guesses, course.frames, key_every),
            key_every,
            course,
            frames: 0,
            bytes: 0,
            since_key: 0.0,
            learnt: Vec::new(),
        }
    }

    /// The CRF for the next frame.
    pub(crate) fn crf(&self) -> f64 {
        self.crf
    }

    /// True if more bytes would have made no frame look better.
    pub(crate) fn is_at_best(&self) -> bool {
        self.worst_crf <= self.course.crf_bounds.0 + 0.5
    }

    /// True if what came was so different from what was expected that some frames look much worse than others.
    pub(crate) fn went_astray(&self) -> bool {
        self.unevenness() > ASTRAY
    }

    /// How far the CRFs of all packets are from their average: a standard deviation.
    fn unevenness(&self) -> f64 {
        let (sum, squares) = self.crfs;
        let count = self.frames.max(1) as f64;
        (squares / count - (sum / count).powi(2)).max(0.0).sqrt()
    }

    /// For the log: where it began, where it came to, and what frames took over what was expected of them.
    pub(crate) fn log(&self) -> String {
        format!(
            "CRF {:.1}, on average {:.1}, uneven by {:.2}; frames took {:.2} of what was expected",
            self.course.crf,
            self.crfs.0 / self.frames.max(1) as f64,
            self.unevenness(),
            self.guesses.ratio(),
        )
    }

    /// Hears that sound has taken so many bytes after `part` of the time (0 to 1).
    pub(crate) fn hear_sound(&mut self, bytes: u64, part: f64) {
        const TRUST: f64 = 0.1;
        let part = part.clamp(0.0, 1.0);
        let whole_bytes = (bytes as f64 + TRUST * self.course.sound_bytes as f64) / (part + TRUST);
        self.sound_bytes = bytes as f64 + whole_bytes * (1.0 - part);
    }

    /// Hears of a packet that was encoded at `crf`: not every encoder takes another one at once.
    pub(crate) fn hear(&mut self, bytes: u64, is_key: bool, crf: f64) {
        self.worst_crf = self.worst_crf.max(crf);
        self.crfs = (self.crfs.0 + crf, self.crfs.1 + crf * crf);
        let of_place = (self.course.frames / PLACES).max(FRAMES_OF_PLACE);
        if self.learnt.len() as u64 * of_place <= self.frames {
            self.learnt.push((Account::default(), Account::default(), self.frames));
        }
        let seen = bytes as f64 * self.scale(crf).recip();
        self.guesses.hear(self.frames, seen, is_key);
        self.since_key = if is_key { 0.0 } else { self.since_key + 1.0 };
        if let Some((ordinary, keys, _)) = self.learnt.last_mut() {
            let of_place = if is_key { keys } else { ordinary };
            of_place.add(1.0, seen);
        }
        self.frames += 1;
        self.bytes += bytes;
        self.turn();
    }

    /// The course for another try at `aim` of the bytes, from what this one learnt, which came out `file_bytes` big.
    pub(crate) fn again(&self, file_bytes: u64, aim: f64) -> Course {
        let mut last = self.course.guesses.iter().flat_map(|guess| &guess.costs).next().copied().unwrap_or(Cost {
            frame: 0,
            key_bytes: 1.0,
            frame_bytes: 1.0,
        });
        let mut costs = Vec::new();
        for (ordinary, keys, frame) in &self.learnt {
            if ordinary.expected > 0.0 {
                last.frame_bytes = ordinary.seen / ordinary.expected;
            }
            if keys.expected > 0.0 {
                last.key_bytes = keys.seen / keys.expected;
            }
            if ordinary.expected + keys.expected > 0.0 {
                costs.push(Cost { frame: *frame, ..last });
            }
        }
        let sound_bytes = self.sound_bytes as u64;
        let index_bytes = file_bytes.saturating_sub(self.bytes).saturating_sub(sound_bytes);
        let mut again = Course {
            aim,
            slack: 0.0,
            guesses: vec![Guess { likely: 1.0, costs }],
            sound_bytes,
            index_bytes,
            frames: self.frames.max(1),
            ..self.course.clone()
        };
        let room = self.room_bytes(aim, index_bytes as f64).max(1.0);
        again.crf = self.course.crf + self.course.halving * (self.at_start_bytes() / room).log2();
        again.crf = again.crf.clamp(self.course.crf_bounds.0, self.course.crf_bounds.1);
        let scale = self.scale(again.crf);
        for cost in again.guesses.iter_mut().flat_map(|guess| &mut guess.costs) {
            cost.key_bytes *= scale;
            cost.frame_bytes *= scale;
        }
        again
    }

    /// What all pictures would have taken at the CRF of the start.
    fn at_start_bytes(&self) -> f64 {
        self.learnt.iter().map(|(ordinary, keys, _)| ordinary.seen + keys.seen).sum()
    }

    /// Bytes at a CRF over those at the start's.
    fn scale(&self, crf: f64) -> f64 {
        ((self.course.crf - crf) / self.course.halving).exp2()
    }

    /// What there is for pictures.
    fn room_bytes(&self, aim: f64, index_bytes: f64) -> f64 {
        self.course.max_bytes as f64 * aim - index_bytes - self.sound_bytes
    }

    fn turn(&mut self) {
        let left = self.course.frames.saturating_sub(self.frames) as f64;
        if left < 1.0 {
            return;
        }
        // Packets come in the order of decoding: one that is due within the last few frames does not come any more.
        let key_frames = ((left - REORDERED + self.since_key) / self.key_every).floor().max(0.0);
        let expected = self.guesses.rest(self.frames, key_frames).max(1.0);
        let wanted_at = |aim: f64| {
            let room = (self.room_bytes(aim, self.course.index_bytes as f64) - self.bytes as f64).max(left);
            self.course.crf + self.course.halving * (expected / room).log2()
        };
        let wanted = self.crf.clamp(wanted_at(self.course.aim + self.course.slack), wanted_at(self.course.aim - self.course.slack));
        let step = (REACH / left).clamp(STEP, LAST_STEP);
        let (best, worst) = self.course.crf_bounds;
        self.crf = (self.crf + (wanted - self.crf).clamp(-step, step)).clamp(best, worst);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY_EVERY: u32 = 125;

    /// What a frame costs over what is expected of it.
    type Hardness = fn(u64) -> f64;

    fn course(frames: u64, frame_bytes: f64) -> Course {
        let index_bytes = 20 * frames;
        let pictures = frame_bytes * (frames as f64 + 8.0 * (frames as f64 / f64::from(KEY_EVERY)).ceil());
        Course {
            aim: AIM,
            slack: SLACK,
            max_bytes: (pictures / AIM) as u64 + index_bytes + 16 * frames,
            sound_bytes: 16 * frames,
            index_bytes,
            frames,
            crf: 26.0,
            crf_bounds: (16.0, 51.0),
            halving: 6.0,
            guesses: vec![Guess { likely: 1.0, costs: vec![Cost { frame: 0, key_bytes: frame_bytes * 9.0, frame_bytes }] }],
        }
    }

    /// Encodes content that costs `real` times what the course expects there, with an encoder whose CRF halves the bytes in `halving` steps.
    fn sail(course: Course, halving: f64, real: impl Fn(u64) -> f64) -> (f64, Helm) {
        let (max_bytes, index_bytes) = (course.max_bytes as f64, course.index_bytes);
        let (start, frames, first) = (course.crf, course.frames, course.guesses[0].costs[0]);
        let mut helm = Helm::new(course, KEY_EVERY);
        let (mut bytes, mut sound_bytes) = (index_bytes, 0);
        for frame in 0..frames {
            helm.hear_sound(sound_bytes, frame as f64 / frames as f64);
            let is_key = frame % u64::from(KEY_EVERY) == 0;
            let at_start = if is_key { first.key_bytes } else { first.frame_bytes } * real(frame);
            let packet_bytes = (at_start * ((start - helm.crf()) / halving).exp2()) as u64;
            helm.hear(packet_bytes, is_key, helm.crf());
            bytes += packet_bytes + 10;
            sound_bytes += 10; // less than was expected
        }
        (bytes as f64 / max_bytes, helm)
    }

    #[test]
    fn content_that_is_other_than_its_samples_still_fits() {
        let table: [(&str, u64, f64, Hardness); 6] = [
            ("as expected", 1500, 6.0, |_| 1.0),
            ("half as hard", 1500, 6.0, |_| 0.5),
            ("twice as hard", 1500, 6.0, |_| 2.0),
            ("harder to the end", 1500, 5.0, |frame| 0.5 + frame as f64 / 1500.0),
            ("waves", 3000, 7.0, |frame| 1.0 + 0.5 * (frame as f64 / 200.0).sin()),
            ("a short clip", 300, 6.0, |_| 1.3),
        ];
        for (name, frames, halving, real) in table {
            let (part, helm) = sail(course(frames, 4000.0), halving, real);
            assert!((0.97..=1.0).contains(&part), "{name}: {part}, CRF {}", helm.crf());
        }
    }

    #[test]
    fn quality_stays_where_it_is_while_all_is_as_expected() {
        let (_, helm) = sail(course(1500, 4000.0), 6.0, |_| 1.0);
        assert!((helm.crf() - 26.0).abs() < 0.6, "{}", helm.crf());
    }

    #[test]
    fn the_second_try_knows_what_comes() {
        let wild = |frame| if frame < 1400 { 0.2 } else { 6.0 };
        let (part, helm) = sail(course(1500, 4000.0), 6.0, wild);
        assert!(!(0.97..=1.0).contains(&part), "{part}: nobody could know");
        let again = helm.again((course(1500, 4000.0).max_bytes as f64 * part) as u64, AIM);
        let begins = again.crf;
        assert!((16.0..51.0).contains(&begins));
        let quiet = again.guesses[0].costs[0].frame_bytes;
        let known = |frame| if frame < 1400 { 1.0 } else { 30.0 };
        let (part, _) = sail(again, 6.0, known);
        assert!((0.97..=1.0).contains(&part), "{part} from CRF {begins}, {quiet} bytes");
    }

    #[test]
    fn better_than_the_best_is_not_tried() {
        let mut easy = course(1500, 4000.0);
        easy.crf = 16.0;
        let (part, helm) = sail(easy, 6.0, |_| 0.1);
        assert!(helm.is_at_best() && part < 0.2, "{part}");
    }

    #[test]
    fn an_encoder_that_takes_a_new_crf_now_and_then_is_understood() {
        for hardness in [0.6, 1.0, 1.8] {
            let course = course(1500, 4000.0);
            let (max_bytes, first, mut bytes) =
                (course.max_bytes as f64, course.guesses[0].costs[0], course.index_bytes + course.sound_bytes);
            let mut helm = Helm::new(course, KEY_EVERY);
            let mut crf = helm.crf();
            for frame in 0..1500_u64 {
                let is_key = frame % u64::from(KEY_EVERY) == 0;
                if is_key {
                    crf = helm.crf().ceil(); // whole steps, as some encoders have them
                }
                let at_start = if is_key { first.key_bytes } else { first.frame_bytes } * hardness;
                let packet_bytes = (at_start * ((26.0 - crf) / 6.0).exp2()) as u64;
                helm.hear(packet_bytes, is_key, crf);
                bytes += packet_bytes;
            }
            let part = bytes as f64 / max_bytes;
            assert!((0.96..=1.01).contains(&part), "{hardness}: {part}");
            let at_start = first.frame_bytes * hardness;
            let learnt = helm.learnt[20].0;
            assert!((learnt.seen / learnt.expected / at_start - 1.0).abs() < 0.01, "what a frame costs is not mistaken");
        }
    }

    proptest! {
        #[test]
        fn any_content_of_some_length_fits(hardness in prop::collection::vec(0.5_f64..2.0, 20), halving in 4.5_f64..8.0) {
            let (part, _) = sail(course(3000, 4000.0), halving, |frame| hardness[(frame / 150) as usize]);
            prop_assert!((0.95..=1.02).contains(&part), "{part}");
        }
    }
}
