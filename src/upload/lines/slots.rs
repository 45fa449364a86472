//! Places for connections: which one carries the next part, which are idle: pure.
//!
//! In: connections as they are opened and lost, parts that begin and end. Out: a place. Must not: open or close anything itself.

use std::time::Duration;

use tokio::time::Instant;

use crate::upload::wire::{PARTS_TOGETHER, TOGETHER_WITHIN};

/// A row of places, each with a connection or without.
#[derive(Debug)]
pub(super) struct Slots<C> {
    slots: Vec<Slot<C>>,
    /// Parts that the next may join.
    joinable: Option<Joinable>,
}

/// Parts that go together.
#[derive(Clone, Copy, Debug)]
struct Joinable {
    place: usize,
    /// When the first of them began.
    since: Instant,
    parts: usize,
}

#[derive(Debug)]
struct Slot<C> {
    connection: Option<C>,
    /// Parts on their way over it.
    load: usize,
    used_at: Instant,
}

impl<C: Clone + PartialEq> Slots<C> {
    pub(super) fn new(count: usize, now: Instant) -> Self {
        Self { slots: (0..count.max(1)).map(|_| Slot { connection: None, load: 0, used_at: now }).collect(), joinable: None }
    }

    /// The place among the first `count` with the fewest parts on their way, an open one if there is a choice. It has one more then.
    /// A part that begins within `TOGETHER_WITHIN` of another goes with it, so that the connection can encrypt them together.
    pub(super) fn begin(&mut self, count: usize, now: Instant) -> usize {
        let used = &self.slots[..count.clamp(1, self.slots.len())];
        let least = || (0..used.len()).min_by_key(|&place| (used[place].load, used[place].connection.is_none())).unwrap_or(0);
        let joins = |others: &Joinable| others.place < used.len() && now.saturating_duration_since(others.since) < TOGETHER_WITHIN;
        let parts = match self.joinable.take().filter(joins) {
            Some(others) => Joinable { parts: others.parts + 1, ..others },
            None => Joinable { place: least(), since: now, parts: 1 },
        };
        self.joinable = (parts.parts < PARTS_TOGETHER).then_some(parts);
        let place = parts.place;
        self.slots[place].load += 1;
        self.slots[place].used_at = now;
        place
    }

    /// A part that was begun there is over.
    pub(super) fn end(&mut self, place: usize, now: Instant) {
        self.slots[place].load -= 1;
        self.slots[place].used_at = now;
    }

    /// Parts on their way.
    pub(super) fn in_flight(&self) -> usize {
        self.slots.iter().map(|slot| slot.load).sum()
    }

    pub(super) fn connection(&self, place: usize) -> Option<C> {
        self.slots[place].connection.clone()
    }

    pub(super) fn put(&mut self, place: usize, connection: C) {
        self.slots[place].connection = Some(connection);
    }

    /// This connection is lost, unless there is another one in its place already.
    pub(super) fn forget(&mut self, place: usize, lost: &C) {
        if self.slots[place].connection.as_ref() == Some(lost) {
            self.slots[place].connection = None;
        }
    }

    /// Lets go of every connection.
    pub(super) fn clear(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.connection = None);
    }

    /// Lets go of connections that had nothing to do for so long; says how many are left.
    pub(super) fn close_idle(&mut self, now: Instant, idle: Duration) -> usize {
        for slot in self.slots.iter_mut().filter(|slot| slot.load == 0 && now.saturating_duration_since(slot.used_at) >= idle) {
            slot.connection = None;
        }
        self.slots.iter().filter(|slot| slot.connection.is_some()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_begin_shortly_after_each_other_go_together() {
        let mut now = Instant::now();
        let mut slots = Slots::<u8>::new(3, now);
        assert_eq!((0..9).map(|_| slots.begin(3, now)).collect::<Vec<_>>(), [0, 0, 0, 0, 1, 1, 1, 1, 2]);
        now += TOGETHER_WITHIN;
        assert_eq!([0; 4].map(|_| slots.begin(3, now)), [2, 2, 2, 2], "the one before was too long ago");
        assert_eq!(slots.begin(3, now), 0);
        assert_eq!(slots.begin(0, now), 0);
        assert_eq!((slots.begin(3, now), slots.begin(3, now), slots.begin(3, now)), (0, 0, 1));
        assert_eq!(slots.begin(1, now), 0, "a place that is not to be used any more is not joined");
    }

    #[test]
    fn the_least_loaded_place_is_next_and_no_more_are_used_than_asked_for() {
        let mut now = Instant::now();
        let mut slots = Slots::<u8>::new(3, now);
        let mut next = |slots: &mut Slots<u8>, count| {
            now += TOGETHER_WITHIN;
            slots.begin(count, now)
        };
        assert_eq!((0..4).map(|_| next(&mut slots, 2)).collect::<Vec<_>>(), [0, 1, 0, 1]);
        assert_eq!((next(&mut slots, 3), slots.in_flight()), (2, 5));
        slots.end(1, Instant::now());
        slots.end(1, Instant::now());
        assert_eq!(next(&mut slots, 9), 1);
    }

    #[test]
    fn an_open_connection_goes_before_a_new_one() {
        let now = Instant::now();
        let mut slots = Slots::new(3, now);
        slots.put(1, 'b');
        assert_eq!(slots.begin(3, now), 1);
    }

    #[test]
    fn only_the_lost_connection_is_forgotten() {
        let mut slots = Slots::new(1, Instant::now());
        slots.put(0, 'b');
        slots.forget(0, &'a');
        assert_eq!(slots.connection(0), Some('b'));
        slots.forget(0, &'b');
        assert_eq!(slots.connection(0), None);
    }

    #[test]
    fn a_connection_is_let_go_when_it_was_idle_for_a_while() {
        let (idle, now) = (Duration::from_secs(15), Instant::now());
        let mut slots = Slots::new(2, now);
        slots.put(0, 'a');
        slots.put(1, 'b');
        let place = slots.begin(1, now);
        assert_eq!(slots.close_idle(now + idle / 2, idle), 2);
        assert_eq!(slots.close_idle(now + idle, idle), 1, "the one that carries a part stays");
        slots.end(place, now + idle);
        assert_eq!(slots.close_idle(now + idle * 2 - Duration::from_millis(1), idle), 1);
        assert_eq!(slots.close_idle(now + idle * 2, idle), 0);
    }
}
