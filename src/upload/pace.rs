//! How many parts may be on their way at once, and over how many connections: pure.
//!
//! In: answers of Telegram, each with the time when it came. Out: a window of parts, a number of connections. Must not: read a clock, wait or send.
//!
//! It begins small and doubles while throughput grows (slow start), then holds what brought the best rate and looks from time to time
//! whether a little more brings more. A pause that Telegram asks for halves the window, once for the time that Telegram names however many
//! parts are told; then it grows by one part a round, up to where it was. A round is as many stored parts as the window has. Rounds in which there
//! was too little to send say nothing about the network and are not judged. (Telegram Desktop takes fixed numbers instead: 512 KiB on each of its
//! connections, `file_upload.cpp`; over a long or a fat line that is too little.)

use std::time::Duration;

use tokio::time::Instant;

/// Parts on their way at first.
const FIRST_WINDOW: f64 = 4.0;

/// Parts that each connection has before another is opened: one being written while another is answered.
const PARTS_EACH: f64 = 2.0;

/// A round is not shorter than this, or chance would judge.
const SHORTEST_ROUND: Duration = Duration::from_millis(50);

/// So long with nothing to send is a break, not a slow network.
const IDLE: Duration = Duration::from_millis(200);

/// Slow start goes on while a round is faster than the best before by this factor.
const GROWING: f64 = 1.2;

/// A look further is kept if it brings this fraction of what it would if throughput followed the window.
const WORTH: f64 = 0.4;

/// Time between looks further; it doubles with each that was in vain.
const FIRST_PROBE_AFTER: Duration = Duration::from_secs(2);
const LONGEST_PROBE_AFTER: Duration = Duration::from_secs(60);

/// The window is halved once in the time that Telegram names, but within these bounds.
const SHORTEST_GUARD: Duration = Duration::from_secs(1);
const LONGEST_GUARD: Duration = Duration::from_secs(10);

/// Parts in flight and connections of one account.
#[derive(Debug)]
pub(super) struct Pace {
    window: f64,
    ceiling: f64,
    max_connections: usize,
    /// What the window called for before a pause halved it.
    opened: usize,
    mode: Mode,
    round: Round,
    halved_until: Option<Instant>,
    last_stored: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    /// Doubles each round. `in_doubt` after a round that was not faster: the window stands still for another one.
    Start { best_rate: f64, best_window: f64, in_doubt: bool },
    /// After a pause: one part a round more, up to `knee`.
    Recover { knee: f64 },
    /// What is known to be good. `rate` is unknown at first.
    Hold { rate: Option<f64>, probe_at: Instant, probe_after: Duration },
    /// Looks whether more than `from_window` is faster than `from_rate`. The first round still has answers to the smaller window.
    Probe { from_window: f64, from_rate: f64, settled: bool, probe_after: Duration },
}

/// Stored parts since a moment.
#[derive(Debug, Default)]
struct Round {
    /// When the last part before it was stored.
    begun: Option<Instant>,
    window: f64,
    parts: u32,
    bytes: u64,
    /// Parts that were stored while there was too little to send.
    idle_parts: u32,
}

impl Pace {
    /// At most `ceiling` parts in flight over at most `max_connections`; at least one of each.
    pub(super) fn new(ceiling: usize, max_connections: usize) -> Self {
        let ceiling = ceiling.max(1) as f64;
        let window = FIRST_WINDOW.min(ceiling);
        let mode = Mode::Start { best_rate: 0.0, best_window: window, in_doubt: false };
        let mut pace = Self {
            window,
            ceiling,
            max_connections: max_connections.max(1),
            opened: 1,
            mode,
            round: Round::default(),
            halved_until: None,
            last_stored: None,
        };
        pace.set_window(window);
        pace
    }

    /// Parts that may be in flight.
    pub(super) fn window(&self) -> usize {
        self.window as usize
    }

    /// Connections that they go over.
    pub(super) fn connections(&self) -> usize {
        self.opened.min(self.window())
    }

    /// A part begins while no other is in flight. After a while without any the time before says nothing about the network.
    pub(super) fn begins(&mut self, now: Instant) {
        if self.last_stored.is_some_and(|last| now.saturating_duration_since(last) >= IDLE) {
            self.round = Round::default();
        }
    }

    /// A part of so many bytes was stored, while so many (it among them) were in flight.
    pub(super) fn stored(&mut self, now: Instant, bytes: u64, in_flight: usize) {
        self.last_stored = Some(now);
        let busy = in_flight as f64 >= 0.75 * self.window.floor();
        let Some(begun) = self.round.begun else {
            self.begin_round(now);
            return;
        };
        self.round.parts += 1;
        self.round.bytes += bytes;
        self.round.idle_parts += u32::from(!busy);
        if busy {
            match self.mode {
                Mode::Start { in_doubt: false, .. } => self.set_window((self.window + 1.0).min(2.0 * self.round.window)),
                Mode::Recover { knee } => self.set_window((self.window + 1.0 / self.window).min(knee.max(self.window))),
                _ => {}
            }
        }
        let elapsed = now.saturating_duration_since(begun);
        if f64::from(self.round.parts) >= self.round.window && elapsed >= SHORTEST_ROUND {
            let full = self.round.idle_parts * 4 <= self.round.parts;
            let rate = self.round.bytes as f64 / elapsed.as_secs_f64();
            if full {
                self.judge(now, rate);
                self.begin_round(now);
            } else {
                self.round = Round::default();
            }
        }
    }

    /// Telegram asks for a pause of so many seconds.
    pub(super) fn asked_to_pause(&mut self, now: Instant, seconds: u32) {
        self.round = Round::default();
        if self.halved_until.is_some_and(|until| now < until) {
            return;
        }
        self.halved_until = Some(now + Duration::from_secs(seconds.into()).clamp(SHORTEST_GUARD, LONGEST_GUARD));
        let knee = match self.mode {
            Mode::Probe { from_window, .. } => from_window,
            _ => self.window,
        };
        self.mode = Mode::Recover { knee };
        self.window = (knee / 2.0).max(1.0);
    }

    fn judge(&mut self, now: Instant, rate: f64) {
        match self.mode {
            Mode::Start { best_rate, .. } if rate >= GROWING * best_rate => {
                self.mode = Mode::Start { best_rate: rate, best_window: self.round.window, in_doubt: false };
            }
            Mode::Start { best_rate, best_window, in_doubt: false } => {
                self.mode = Mode::Start { best_rate, best_window, in_doubt: true };
            }
            Mode::Start { best_window, .. } => self.hold(now, best_window, None, FIRST_PROBE_AFTER),
            Mode::Recover { knee } if self.window >= knee => self.hold(now, self.window, Some(rate), FIRST_PROBE_AFTER),
            Mode::Recover { .. } => {}
            Mode::Hold { rate: before, probe_at, probe_after } => {
                let rate = before.map_or(rate, |before| (before + rate) / 2.0);
                if now >= probe_at && before.is_some() && self.window < self.ceiling {
                    self.mode = Mode::Probe { from_window: self.window, from_rate: rate, settled: false, probe_after };
                    self.set_window(self.window + (self.window / 4.0).max(2.0));
                } else {
                    self.mode = Mode::Hold { rate: Some(rate), probe_at, probe_after };
                }
            }
            Mode::Probe { from_window, from_rate, settled: false, probe_after } => {
                self.mode = Mode::Probe { from_window, from_rate, settled: true, probe_after };
            }
            Mode::Probe { from_window, from_rate, probe_after, .. } => {
                let wanted = from_rate * (1.0 + WORTH * (self.window - from_window) / from_window);
                if rate >= wanted {
                    self.hold(now, self.window, Some(rate), Duration::ZERO);
                } else {
                    self.hold(now, from_window, Some(from_rate), (probe_after * 2).clamp(FIRST_PROBE_AFTER, LONGEST_PROBE_AFTER));
                }
            }
        }
    }

    fn hold(&mut self, now: Instant, window: f64, rate: Option<f64>, probe_after: Duration) {
        self.mode = Mode::Hold { rate, probe_at: now + probe_after, probe_after };
        self.opened = 1;
        self.set_window(window);
    }

    fn set_window(&mut self, window: f64) {
        self.window = window.clamp(1.0, self.ceiling);
        let called_for = (self.window / PARTS_EACH).ceil() as usize;
        self.opened = self.opened.max(called_for).min(self.max_connections);
    }

    fn begin_round(&mut self, now: Instant) {
        self.round = Round { begun: Some(now), window: self.window.floor(), ..Round::default() };
    }
}

#[cfg(test)]
mod tests;
