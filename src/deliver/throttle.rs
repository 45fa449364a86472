//! When a status message may be edited.
//!
//! In: the time, the newest text, what became of the last edit. Out: [`Next`], what to do now. Must not: wait or send by itself.

use std::time::Duration;

use tokio::time::Instant;

/// Longest pause that we choose by ourselves; Telegram may ask for more.
const LONGEST: Duration = Duration::from_secs(60);

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Edit.
    Edit,
    /// Too early: look again then.
    Wait(Instant),
    /// The message says it already: look again when there is news.
    Same,
    /// The message is lost.
    Stop,
}

/// What became of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is shown.
    Shown,
    /// Telegram asks for a pause.
    Flood(Duration),
    /// Telegram could not be reached, or refused.
    Failed,
    /// The message or the chat is gone.
    Gone,
}

/// Paces the edits of one message.
#[derive(Clone, Debug)]
pub(super) struct Throttle {
    interval: Duration,
    not_before: Option<Instant>,
    shown: Option<String>,
    failures: u32,
    floods: u32,
    gone: bool,
}

impl Throttle {
    /// At most one edit an interval.
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, not_before: None, shown: None, failures: 0, floods: 0, gone: false }
    }

    /// What to do now, given what the message should say.
    pub(super) fn next(&self, now: Instant, text: &str) -> Next {
        match self.not_before {
            _ if self.gone => Next::Stop,
            _ if self.shown.as_deref() == Some(text) => Next::Same,
            Some(not_before) if now < not_before => Next::Wait(not_before),
            _ => Next::Edit,
        }
    }

    /// Takes in what became of an edit to `text`.
    pub(super) fn note(&mut self, now: Instant, text: String, outcome: Outcome) {
        let pause = match outcome {
            Outcome::Shown => {
                self.shown = Some(text);
                self.failures = 0;
                self.interval
            }
            Outcome::Flood(asked) => {
                self.floods += 1;
                asked.max(self.interval)
            }
            Outcome::Failed => {
                self.failures += 1;
                self.interval
            }
            Outcome::Gone => {
                self.gone = true;
                return;
            }
        };
        // Who was asked to pause was too fast for this chat, so the pace slows for good; failures slow it until an edit works again.
        let slower = 1u32 << (self.floods.min(3) + self.failures.min(5)).min(6);
        self.not_before = Some(now + pause.max((self.interval * slower).min(LONGEST)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(3);

    #[test]
    fn one_edit_an_interval_and_never_the_same_text() {
        let start = Instant::now();
        let mut throttle = Throttle::new(INTERVAL);
        assert_eq!(throttle.next(start, "a"), Next::Edit);
        throttle.note(start, "a".into(), Outcome::Shown);
        assert_eq!(throttle.next(start, "a"), Next::Same);
        assert_eq!(throttle.next(start, "b"), Next::Wait(start + INTERVAL));
        assert_eq!(throttle.next(start + INTERVAL, "b"), Next::Edit);
        assert_eq!(throttle.next(start + INTERVAL, "a"), Next::Same);
    }

    #[test]
    fn a_pause_is_kept_and_the_pace_slows() {
        let start = Instant::now();
        let mut throttle = Throttle::new(INTERVAL);
        throttle.note(start, "a".into(), Outcome::Flood(Duration::from_secs(31)));
        let later = start + Duration::from_secs(31);
        assert_eq!(throttle.next(start, "a"), Next::Wait(later));
        assert_eq!(throttle.next(later, "a"), Next::Edit);
        throttle.note(later, "a".into(), Outcome::Shown);
        assert_eq!(throttle.next(later, "b"), Next::Wait(later + 2 * INTERVAL));
        for _ in 0..20 {
            throttle.note(later, "a".into(), Outcome::Flood(Duration::from_secs(1)));
        }
        assert_eq!(throttle.next(later, "b"), Next::Wait(later + 8 * INTERVAL));
    }

    #[test]
    fn failures_slow_it_down_until_one_edit_works() {
        let start = Instant::now();
        let mut throttle = Throttle::new(INTERVAL);
        let waits: Vec<u64> = (0..6)
            .map(|_| {
                throttle.note(start, "a".into(), Outcome::Failed);
                match throttle.next(start, "a") {
                    Next::Wait(until) => until.duration_since(start).as_secs(),
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        assert_eq!(waits, [6, 12, 24, 48, 60, 60]);
        throttle.note(start, "a".into(), Outcome::Shown);
        assert_eq!(throttle.next(start, "b"), Next::Wait(start + INTERVAL));
    }

    #[test]
    fn a_lost_message_ends_it() {
        let mut throttle = Throttle::new(INTERVAL);
        throttle.note(Instant::now(), "a".into(), Outcome::Gone);
        assert_eq!(throttle.next(Instant::now(), "b"), Next::Stop);
    }
}
