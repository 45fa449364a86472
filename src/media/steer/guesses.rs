//! What frames are expected to cost, by several guesses, and which of them the frames bear out.
//!
//! In: guesses, then what each frame took. Out: what the rest will take. Must not: choose qualities.
//!
//! Samples are few and short: where two of them differ, what lies between may follow them, or they may have hit a strange moment each. Nobody knows beforehand; on the way it shows,
//! since a good guess is wrong by the same factor all over.

use crate::media::protocol::{self, Cost};

/// So much of the whole counts as if it had been seen to be as expected.
const TRUST: f64 = 0.12;
/// So much of the whole is near: what comes next is like what has just been seen, what is farther like all.
const NEAR: f64 = 0.1;
/// So much of what is near counts as if it had been seen to be like all.
const NEAR_TRUST: f64 = 0.3;
/// The whole is judged by so many pieces, each of some frames.
const PIECES: u64 = 60;
const FRAMES_OF_PIECE: u64 = 12;
/// How far pieces are from what a good guess makes of them, as a natural logarithm, and how many in a row tell the same.
const ASIDE: f64 = 0.4;
const ALIKE: f64 = 3.0;

/// What was expected of some packets and what they took, at the CRF that the course begins with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Account {
    pub(super) expected: f64,
    pub(super) seen: f64,
}

impl Account {
    pub(super) fn add(&mut self, expected: f64, seen: f64) {
        self.expected += expected;
        self.seen += seen;
    }

    fn fade(&mut self, to: f64) {
        self.expected *= to;
        self.seen *= to;
    }

    /// As if what was expected had been seen.
    fn trusting(bytes: f64) -> Self {
        Self { expected: bytes, seen: bytes }
    }

    /// Seen over expected.
    fn ratio(self) -> f64 {
        self.seen / self.expected.max(1.0)
    }
}

/// All guesses.
#[derive(Clone, Debug)]
pub(super) struct Guesses {
    guesses: Vec<Guess>,
    /// All frames.
    count: u64,
    frames_of_piece: u64,
}

#[derive(Clone, Debug)]
struct Guess {
    likely: f64,
    /// In order of time.
    costs: Vec<Cost>,
    ordinary: Account,
    /// The same of the last ones, fading; and bytes that count as if they had been seen to be like all.
    recent: Account,
    near_bytes: f64,
    keys: Account,
    piece: Account,
    /// Logarithms of what pieces took over what was expected: how many, their sum, that of their squares.
    pieces: (f64, f64, f64),
}

impl Guesses {
    /// At the start of so many frames. `key_every`: frames from one key frame to the next, at most.
    pub(super) fn new(guesses: &[protocol::Guess], count: u64, key_every: f64) -> Self {
        let keys = (count as f64 / key_every * TRUST).max(1.0);
        let guesses = guesses.iter().map(|guess| {
            let whole = average(&guess.costs, 0, count);
            Guess {
                likely: guess.likely,
                ordinary: Account::trusting(TRUST * count as f64 * whole.frame_bytes),
                recent: Account::default(),
                near_bytes: NEAR_TRUST * NEAR * count as f64 * whole.frame_bytes,
                keys: Account::trusting(keys * whole.key_bytes),
                piece: Account::default(),
                pieces: (0.0, 0.0, 0.0),
                costs: guess.costs.clone(),
            }
        });
        Self { guesses: guesses.collect(), count, frames_of_piece: (count / PIECES).max(FRAMES_OF_PIECE) }
    }

    /// Hears what a frame took.
    pub(super) fn hear(&mut self, frame: u64, seen: f64, is_key: bool) {
        let fading = 1.0 - (NEAR * self.count as f64).max(2.0).recip();
        for guess in &mut self.guesses {
            let cost = cost_at(&guess.costs, frame);
            if is_key {
                guess.keys.add(cost.key_bytes, seen);
            } else {
                guess.ordinary.add(cost.frame_bytes, seen);
                guess.recent.fade(fading);
                guess.recent.add(cost.frame_bytes, seen);
                guess.piece.add(cost.frame_bytes, seen);
            }
            if (frame + 1).is_multiple_of(self.frames_of_piece) {
                let piece = std::mem::take(&mut guess.piece);
                if piece.expected > 0.0 && piece.seen > 0.0 {
                    let aside = (piece.seen / piece.expected).ln();
                    let (count, sum, squares) = guess.pieces;
                    guess.pieces = (count + 1.0, sum + aside, squares + aside * aside);
                }
            }
        }
    }

    /// What the frames from this one on will take, of which so many are key frames.
    pub(super) fn rest(&self, from: u64, key_frames: f64) -> f64 {
        let left = self.count.saturating_sub(from) as f64;
        let ordinary_frames = (left - key_frames).max(0.0);
        let near = (NEAR * self.count as f64 / left.max(1.0)).min(1.0);
        let of_guess = |guess: &Guess| {
            let average = average(&guess.costs, from, self.count);
            average.key_bytes * guess.keys.ratio() * key_frames + average.frame_bytes * guess.ratio(near) * ordinary_frames
        };
        self.weighted(of_guess)
    }

    /// What frames that are no key frames took over what was expected of them.
    pub(super) fn ratio(&self) -> f64 {
        self.weighted(|guess| guess.ordinary.ratio())
    }

    fn weighted(&self, of: impl Fn(&Guess) -> f64) -> f64 {
        let best = self.guesses.iter().map(Guess::misfit).fold(f64::INFINITY, f64::min);
        let weights = self.guesses.iter().map(|guess| guess.likely * ((best - guess.misfit()) / (2.0 * ASIDE * ASIDE * ALIKE)).exp());
        let (sum, all) =
            self.guesses.iter().zip(weights).fold((0.0, 0.0), |(sum, all), (guess, weight)| (sum + of(guess) * weight, all + weight));
        if all > 0.0 { sum / all } else { 1.0 }
    }
}

impl Guess {
    /// What frames will take over what is expected of them, if such a part of them (0 to 1) is near.
    fn ratio(&self, near: f64) -> f64 {
        let all = self.ordinary.ratio();
        let recent = Account { expected: self.recent.expected + self.near_bytes, seen: self.recent.seen + self.near_bytes * all };
        recent.ratio() * near + all * (1.0 - near)
    }

    /// How much pieces differ from each other in what they took over what was expected: a sum of squares. One more piece counts that is as expected.
    fn misfit(&self) -> f64 {
        let (count, sum, squares) = self.pieces;
        let average = sum / (count + 1.0);
        squares - 2.0 * average * sum + count * average * average
    }
}

/// What a frame costs there: between the costs before and behind, by their distance.
pub(super) fn cost_at(costs: &[Cost], frame: u64) -> Cost {
    let Some((before, behind, part)) = around(costs, frame as f64, |cost| cost.frame as f64) else {
        return Cost { frame, key_bytes: 1.0, frame_bytes: 1.0 };
    };
    let mix = |one: f64, other: f64| one + (other - one) * part;
    Cost { frame, key_bytes: mix(before.key_bytes, behind.key_bytes), frame_bytes: mix(before.frame_bytes, behind.frame_bytes) }
}

/// Average cost of the frames from one to another.
fn average(costs: &[Cost], begin: u64, end: u64) -> Cost {
    let end = end.max(begin + 1);
    let inside = costs.iter().copied().filter(|cost| (begin + 1..end).contains(&cost.frame));
    let mut from = cost_at(costs, begin);
    let (mut keys, mut ordinary) = (0.0, 0.0);
    for to in inside.chain([cost_at(costs, end)]) {
        let frames = (to.frame - from.frame) as f64;
        keys += (from.key_bytes + to.key_bytes) / 2.0 * frames;
        ordinary += (from.frame_bytes + to.frame_bytes) / 2.0 * frames;
        from = to;
    }
    let all = (end - begin) as f64;
    Cost { frame: begin, key_bytes: keys / all, frame_bytes: ordinary / all }
}

/// The places before and behind a position, and how much of the way between them is behind one there (0 to 1). Both are the same beyond the ends; there is none of no places.
pub(crate) fn around<T: Copy>(places: &[T], at: f64, position: impl Fn(&T) -> f64) -> Option<(T, T, f64)> {
    let next = places.partition_point(|place| position(place) <= at);
    let (before, behind) = (*places.get(next.saturating_sub(1))?, *places.get(next).or(places.last())?);
    let apart = position(&behind) - position(&before);
    let part = if apart > 0.0 { ((at - position(&before)) / apart).clamp(0.0, 1.0) } else { 0.0 };
    Some((before, behind, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: u64 = 1200;

    fn half_likely(of: impl Fn(u64) -> f64) -> protocol::Guess {
        let cost = |frame| Cost { frame, key_bytes: 9.0 * of(frame), frame_bytes: of(frame) };
        protocol::Guess { likely: 0.5, costs: (0..40).map(|place| cost(place * FRAMES / 40)).collect() }
    }

    #[test]
    fn the_guess_that_frames_bear_out_is_believed() {
        let flat = |_| 1000.0;
        let rising = |frame| 250.0 + frame as f64 * 1.25;
        let table: [(&str, &dyn Fn(u64) -> f64); 2] = [("flat", &flat), ("rising", &rising)];
        for (name, real) in table {
            let mut guesses = Guesses::new(&[half_likely(flat), half_likely(rising)], FRAMES, 100.0);
            let half = FRAMES / 2;
            for frame in 0..half {
                guesses.hear(frame, real(frame) * 1.2, false);
            }
            let rest: f64 = (half..FRAMES).map(real).sum();
            let ratio = guesses.rest(half, 0.0) / rest;
            assert!((1.05..1.25).contains(&ratio), "{name}: {ratio}");
        }
    }

    #[test]
    fn nobody_is_believed_before_anything_was_seen() {
        let guesses = Guesses::new(&[half_likely(|_| 1000.0), half_likely(|_| 3000.0)], FRAMES, 100.0);
        assert_eq!((guesses.rest(0, 0.0) / FRAMES as f64).round(), 2000.0);
        assert_eq!((guesses.rest(600, 10.0) / (590.0 + 90.0)).round(), 2000.0);
    }

    #[test]
    fn costs_lie_between_those_that_are_known() {
        let known = [Cost { frame: 10, key_bytes: 10.0, frame_bytes: 1.0 }, Cost { frame: 20, key_bytes: 30.0, frame_bytes: 2.0 }];
        for (frame, key_bytes, frame_bytes) in [(0, 10.0, 1.0), (10, 10.0, 1.0), (15, 20.0, 1.5), (20, 30.0, 2.0), (99, 30.0, 2.0)] {
            let cost = cost_at(&known, frame);
            assert_eq!((cost.key_bytes, cost.frame_bytes), (key_bytes, frame_bytes), "{frame}");
        }
        assert_eq!(cost_at(&[], 7).frame_bytes, 1.0);
    }
}
