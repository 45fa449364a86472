//! The plan under files that grow in any order, lost parts and restarts.
//!
//! In: made-up lengths. Out: failed tests. Must not: read files.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::spool::SpoolWriter;

fn part_bytes(parts: u64) -> u64 {
    parts * PART_BYTES
}

/// The length of a spool after these ranges (start, end); `finished` ends it.
fn length(ranges: &[(u64, u64)], finished: bool) -> SpoolLength {
    let (writer, spool) = SpoolWriter::watching(std::path::Path::new("no-such-file"));
    ranges.iter().for_each(|&(start, end)| writer.side().mark_ready(start..end));
    if finished {
        writer.finish();
    }
    spool.length()
}

fn sends(plan: &Plan, length: &SpoolLength) -> Option<(u64, Option<u64>)> {
    match plan.next(length) {
        Some(Next::Send(piece)) => Some((piece.part, piece.total_parts)),
        _ => None,
    }
}

#[test]
fn a_part_goes_when_something_behind_it_is_ready() {
    let plan = Plan::all(u64::MAX);
    assert_eq!(plan.next(&length(&[(0, part_bytes(1))], false)), None);
    assert_eq!(sends(&plan, &length(&[(0, part_bytes(1) + 1)], false)), Some((0, None)));
    assert_eq!(sends(&plan, &length(&[(0, part_bytes(1))], true)), Some((0, Some(1))));
    assert_eq!(sends(&plan, &length(&[(part_bytes(3) - 1, part_bytes(5) + 1)], false)), Some((3, None)));
    assert_eq!(sends(&plan, &length(&[(0, part_bytes(1)), (part_bytes(7), part_bytes(7) + 1)], false)), Some((0, None)));
    assert_eq!(plan.next(&length(&[], true)), Some(Next::Nothing));
}

#[test]
fn a_front_that_comes_last_goes_last() {
    let mut plan = Plan::all(u64::MAX);
    let without_front = length(&[(part_bytes(1), part_bytes(4))], false);
    for expected in [1, 2] {
        let Some(Next::Send(piece)) = plan.next(&without_front) else { panic!("nothing") };
        assert_eq!(piece.part, expected);
        plan.take(&piece);
    }
    assert_eq!(plan.next(&without_front), None, "the highest part waits for the end");
    let whole = length(&[(0, part_bytes(4))], true);
    for expected in [0, 3] {
        let Some(Next::Send(piece)) = plan.next(&whole) else { panic!("nothing") };
        assert_eq!((piece.part, piece.total_parts), (expected, Some(4)));
        plan.take(&piece);
    }
    assert_eq!(plan.next(&whole), Some(Next::Nothing));
    plan.again(2);
    assert_eq!(sends(&plan, &whole), Some((2, Some(4))));
}

#[test]
fn a_file_that_is_too_large_is_noticed_early() {
    let plan = Plan::all(part_bytes(2));
    assert_eq!(plan.next(&length(&[(part_bytes(9), part_bytes(9) + 1)], false)), Some(Next::TooLarge { size_bytes: None }));
    let size_bytes = part_bytes(2) + 1;
    assert_eq!(plan.next(&length(&[(0, size_bytes)], true)), Some(Next::TooLarge { size_bytes: Some(size_bytes) }));
    assert_eq!(sends(&plan, &length(&[(0, part_bytes(2))], true)), Some((0, Some(2))));
}

#[test]
fn a_file_that_ends_before_what_was_sent_begins_anew() {
    let mut plan = Plan::all(u64::MAX);
    let Some(Next::Send(piece)) = plan.next(&length(&[(part_bytes(6), part_bytes(8))], false)) else { panic!("nothing") };
    plan.take(&piece);
    assert_eq!(plan.next(&length(&[(0, part_bytes(2)), (part_bytes(6), part_bytes(8))], true)), Some(Next::Shrunk));
}

#[test]
fn only_the_parts_that_are_asked_for() {
    let mut plan = Plan::only(&[7, 2].into());
    let whole = length(&[(0, part_bytes(8) - 5)], true);
    for expected in [2, 7] {
        let Some(Next::Send(piece)) = plan.next(&whole) else { panic!("nothing") };
        assert_eq!((piece.part, piece.range.end), (expected, parts::range(expected, part_bytes(8) - 5).end));
        plan.take(&piece);
    }
    assert_eq!(plan.next(&whole), Some(Next::Nothing));
}

proptest! {
    /// Whatever order the ranges come in, whichever parts are lost on the way: what lies at Telegram in the end is the file.
    #[test]
    fn any_order_and_any_losses_give_the_same_file(
        size_bytes in 1_u64..20 * PART_BYTES,
        cuts in prop::collection::btree_set(1_u64..20 * PART_BYTES, 0..12),
        shuffle in prop::collection::vec(any::<prop::sample::Index>(), 13),
        losses in prop::collection::vec(any::<bool>(), 0..60),
        steps in prop::collection::vec(0_u8..4, 13),
    ) {
        let mut edges: Vec<u64> = cuts.into_iter().filter(|cut| *cut < size_bytes).collect();
        edges.insert(0, 0);
        edges.push(size_bytes);
        let mut ranges: Vec<(u64, u64)> = edges.windows(2).map(|edge| (edge[0], edge[1])).collect();
        for (place, other) in (0..ranges.len()).zip(shuffle) {
            let other = other.index(ranges.len());
            ranges.swap(place, other);
        }

        let mut plan = Plan::all(u64::MAX);
        let mut losses = losses.into_iter();
        let mut at_telegram: BTreeMap<u64, Range<u64>> = BTreeMap::new();
        let mut told_total = None;
        let mut ready = Vec::new();
        let last_step = ranges.len();
        for step in 0..=last_step {
            let finished = step == last_step;
            if let Some(range) = ranges.get(step) {
                ready.push(*range);
            }
            let length = length(&ready, finished);
            // Now and then nothing is sent for a while.
            let mut sends = if finished { usize::MAX } else { usize::from(steps[step % steps.len()]) * 3 };
            while let Some(Next::Send(piece)) = plan.next(&length) {
                prop_assert!(length.is_ready(&piece.range) && !piece.range.is_empty());
                prop_assert_eq!(piece.range.start, piece.part * PART_BYTES);
                prop_assert!(!at_telegram.contains_key(&piece.part), "sent twice");
                if sends == 0 {
                    break;
                }
                sends -= 1;
                plan.take(&piece);
                if losses.next() == Some(true) {
                    plan.again(piece.part);
                    continue;
                }
                prop_assert!(piece.total_parts.is_some() || piece.range.end < size_bytes, "the last part knows that it is the last");
                told_total = piece.total_parts.or(told_total);
                at_telegram.insert(piece.part, piece.range);
            }
            if finished {
                prop_assert_eq!(plan.next(&length), Some(Next::Nothing));
            }
        }
        prop_assert_eq!(told_total, Some(parts::count(size_bytes)));
        let mut end = 0;
        for range in at_telegram.values() {
            prop_assert_eq!(range.start, end);
            end = range.end;
        }
        prop_assert_eq!(end, size_bytes);
    }
}
