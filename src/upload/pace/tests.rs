//! The pace on simulated links, with a simulated clock.
//!
//! In: links with caps, delays and pauses. Out: what the pace makes of them. Must not: wait.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;

use super::*;
use crate::upload::parts::PART_BYTES;

const MB: f64 = 1e6;

/// A network between an uploader that always has something to send and a server.
struct Link {
    /// Bytes a second of one connection, and of all together.
    connection_cap: f64,
    account_cap: f64,
    /// Added to each answer; opening a connection takes three times as long.
    delay_s: f64,
    /// Each k-th part is told to wait so many seconds.
    flood: Option<(u64, u32)>,
}

struct Simulated {
    link: Link,
    pace: Pace,
    zero: Instant,
    now_s: f64,
    /// When each connection has written what it has, if it is open.
    free_at_s: Vec<Option<f64>>,
    account_free_at_s: f64,
    loads: Vec<usize>,
    arrived: u64,
    floods: u64,
    /// (microseconds, connection, told to wait).
    answers: BinaryHeap<Reverse<(u64, usize, bool)>>,
    /// When those that were told to wait may go again, in microseconds.
    waits: BinaryHeap<Reverse<u64>>,
    stored: Vec<f64>,
    largest_window: usize,
}

impl Simulated {
    fn new(link: Link) -> Self {
        Self {
            link,
            pace: Pace::new(32, 8),
            zero: Instant::now(),
            now_s: 0.0,
            free_at_s: vec![None; 8],
            account_free_at_s: 0.0,
            loads: vec![0; 8],
            arrived: 0,
            floods: 0,
            answers: BinaryHeap::new(),
            waits: BinaryHeap::new(),
            stored: Vec::new(),
            largest_window: 0,
        }
    }

    fn in_flight(&self) -> usize {
        self.loads.iter().sum()
    }

    fn send(&mut self) {
        let used = &self.loads[..self.pace.connections()];
        let connection = (0..used.len()).min_by_key(|&place| used[place]).unwrap();
        let free_at = self.free_at_s[connection].unwrap_or(self.now_s + 3.0 * self.link.delay_s);
        let begin = free_at.max(self.now_s);
        let bytes = PART_BYTES as f64;
        let there = (begin + bytes / self.link.connection_cap).max(self.account_free_at_s.max(begin) + bytes / self.link.account_cap);
        self.free_at_s[connection] = Some(there);
        self.account_free_at_s = self.account_free_at_s.max(begin) + bytes / self.link.account_cap;
        self.loads[connection] += 1;
        self.arrived += 1;
        let told_to_wait = self.link.flood.is_some_and(|(every, _)| self.arrived.is_multiple_of(every));
        self.answers.push(Reverse((((there + self.link.delay_s) * 1e6) as u64, connection, told_to_wait)));
    }

    /// Goes on until so many seconds from the start.
    fn run_until(&mut self, end_s: f64) {
        loop {
            // Whoever waits does not count; others go meanwhile.
            while self.in_flight() < self.pace.window() && self.waits.len() < self.pace.window() {
                self.send();
            }
            let answer_at = self.answers.peek().map(|Reverse((at, ..))| *at);
            let wait_at = self.waits.peek().map(|Reverse(at)| *at);
            let next = answer_at.into_iter().chain(wait_at).min().expect("something is always under way");
            if next as f64 / 1e6 > end_s {
                return;
            }
            self.now_s = next as f64 / 1e6;
            let now = self.zero + Duration::from_micros(next);
            if wait_at == Some(next) {
                self.waits.pop();
                continue;
            }
            let Some(Reverse((_, connection, told_to_wait))) = self.answers.pop() else { return };
            if let (true, Some((_, seconds))) = (told_to_wait, self.link.flood) {
                self.floods += 1;
                self.waits.push(Reverse(next + u64::from(seconds) * 1_000_000));
                self.pace.asked_to_pause(now, seconds);
            } else {
                self.stored.push(self.now_s);
                let in_flight = self.in_flight();
                self.pace.stored(now, PART_BYTES, in_flight);
            }
            self.loads[connection] -= 1;
            self.largest_window = self.largest_window.max(self.pace.window());
        }
    }

    /// Bytes a second between two moments.
    fn rate(&self, from_s: f64, to_s: f64) -> f64 {
        let parts = self.stored.iter().filter(|at| (from_s..to_s).contains(*at)).count();
        parts as f64 * PART_BYTES as f64 / (to_s - from_s)
    }
}

fn capped() -> Link {
    Link { connection_cap: 2.5 * MB, account_cap: 1e12, delay_s: 0.06, flood: None }
}

#[test]
fn eight_capped_connections_are_filled() {
    let mut simulated = Simulated::new(capped());
    simulated.run_until(25.0);
    assert!(simulated.rate(3.0, 25.0) >= 0.95 * 20.0 * MB, "{}", simulated.rate(3.0, 25.0));
    assert!(simulated.rate(0.0, 25.0) >= 0.93 * 20.0 * MB, "{}", simulated.rate(0.0, 25.0));
    assert_eq!(simulated.pace.connections(), 8);
}

#[test]
fn far_away_and_wide_links_get_more_parts_a_connection() {
    let mut simulated = Simulated::new(Link { connection_cap: 8.0 * MB, delay_s: 0.12, ..capped() });
    simulated.run_until(60.0);
    assert!(simulated.rate(20.0, 60.0) >= 0.90 * 64.0 * MB, "{}", simulated.rate(20.0, 60.0));
}

#[test]
fn a_wide_link_nearby_keeps_a_small_window() {
    let mut simulated = Simulated::new(Link { connection_cap: 400.0 * MB, account_cap: 400.0 * MB, delay_s: 0.000_2, flood: None });
    simulated.run_until(20.0);
    assert!(simulated.rate(1.0, 20.0) >= 0.97 * 400.0 * MB, "{}", simulated.rate(1.0, 20.0));
    assert!(simulated.pace.window() <= 8, "{:?}", simulated.pace);
}

#[test]
fn an_account_cap_ends_the_growth() {
    let mut simulated = Simulated::new(Link { account_cap: 5.0 * MB, ..capped() });
    simulated.run_until(60.0);
    assert!(simulated.rate(5.0, 60.0) >= 0.95 * 5.0 * MB, "{}", simulated.rate(5.0, 60.0));
    assert!(simulated.pace.window() <= 16, "{:?}", simulated.pace);
}

#[test]
fn the_window_stands_still_once_it_is_found() {
    let mut simulated = Simulated::new(capped());
    simulated.run_until(120.0);
    let found = simulated.pace.window();
    simulated.largest_window = 0;
    simulated.run_until(600.0);
    assert!(simulated.largest_window <= found + (found / 4).max(2) + 1, "{found} {}", simulated.largest_window);
    assert!(simulated.rate(120.0, 600.0) >= 0.97 * 20.0 * MB);
}

#[test]
fn a_pause_halves_the_window_once_and_it_comes_back() {
    let mut simulated = Simulated::new(capped());
    simulated.run_until(10.0);
    let before = simulated.pace.window();
    let now = simulated.zero + Duration::from_secs(10);
    for told in 0..12 {
        simulated.pace.asked_to_pause(now + Duration::from_millis(told * 100), 3);
    }
    assert_eq!(simulated.pace.window(), before / 2);
    simulated.pace.asked_to_pause(now + Duration::from_secs(4), 3);
    assert_eq!(simulated.pace.window(), before / 4);
    simulated.run_until(40.0);
    assert!(simulated.rate(30.0, 40.0) >= 0.95 * 20.0 * MB, "{}", simulated.rate(30.0, 40.0));
    for later in 1..50 {
        simulated.pace.asked_to_pause(now + Duration::from_secs(100 * later), 3);
    }
    assert_eq!((simulated.pace.window(), simulated.pace.connections()), (1, 1));
}

#[test]
fn a_pause_for_each_fortieth_part_costs_little() {
    let mut simulated = Simulated::new(Link { flood: Some((40, 3)), ..capped() });
    simulated.run_until(60.0);
    assert!(simulated.rate(3.0, 60.0) >= 0.85 * 20.0 * MB, "{}", simulated.rate(3.0, 60.0));
}

#[test]
fn the_more_pauses_the_fewer_are_risked() {
    let mut simulated = Simulated::new(Link { flood: Some((3, 5)), ..capped() });
    simulated.run_until(20.0);
    assert!(simulated.pace.window() <= 6, "{:?}", simulated.pace);
    let floods = simulated.floods;
    simulated.run_until(120.0);
    assert!(simulated.floods - floods <= 20 * 6, "{}", simulated.floods - floods);
}

#[test]
fn a_source_that_is_slow_says_nothing_about_the_network() {
    let mut pace = Pace::new(32, 8);
    let zero = Instant::now();
    for part in 0..1000 {
        pace.stored(zero + Duration::from_millis(part * 100), PART_BYTES, 1);
    }
    assert_eq!(pace.window(), FIRST_WINDOW as usize);
}

#[test]
fn a_break_between_uploads_is_not_taken_for_a_slow_network() {
    for (break_ms, counted) in [(150, 3), (60_000, 0)] {
        let mut pace = Pace::new(32, 8);
        let mut now = Instant::now();
        for _ in 0..3 {
            pace.begins(now);
            now += Duration::from_millis(10);
            pace.stored(now, PART_BYTES, 4);
        }
        now += Duration::from_millis(break_ms);
        pace.begins(now);
        pace.stored(now, PART_BYTES, 4);
        assert_eq!(pace.round.parts, counted, "{break_ms}");
    }
}

proptest! {
    #[test]
    fn the_bounds_hold_whatever_happens(
        ceiling in 0_usize..40,
        connections in 0_usize..12,
        events in prop::collection::vec((0_u64..3_000, any::<bool>(), 0_u32..100, 0_usize..50), 0..400),
    ) {
        let mut pace = Pace::new(ceiling, connections);
        let mut now = Instant::now();
        for (millis, told_to_wait, seconds, in_flight) in events {
            now += Duration::from_millis(millis);
            if told_to_wait { pace.asked_to_pause(now, seconds) } else { pace.stored(now, PART_BYTES, in_flight) }
            prop_assert!((1..=ceiling.max(1)).contains(&pace.window()));
            prop_assert!((1..=connections.max(1).min(pace.window())).contains(&pace.connections()));
        }
    }
}
