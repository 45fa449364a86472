//! Which bytes of a growing file are there.
//!
//! In: ranges as they become good. Out: what can be read, and how much of it. Must not: touch a file, or wait.

use std::ops::Range;

use rangemap::RangeSet;

/// What is known of a spool at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpoolLength {
    ready: RangeSet<u64>,
    /// The length in the end, if known; a promise that may turn out wrong. It is exact once `finished`.
    pub expected_bytes: Option<u64>,
    /// True when no more bytes come.
    pub finished: bool,
}

impl SpoolLength {
    /// Bytes that are ready from the start on, without a gap.
    pub fn ready_bytes(&self) -> u64 {
        self.ready.get(&0).map_or(0, |first| first.end)
    }

    /// Bytes that are ready anywhere.
    pub fn ready_anywhere_bytes(&self) -> u64 {
        self.ready.iter().map(|range| range.end - range.start).sum()
    }

    /// The ranges that are ready, in order, with gaps between them.
    pub fn ready_ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.ready.iter().cloned()
    }

    /// True if all of `range` is ready.
    pub fn is_ready(&self, range: &Range<u64>) -> bool {
        range.is_empty() || self.ready.get(&range.start).is_some_and(|found| found.end >= range.end)
    }

    /// `range` as far as it can be read: whole, or once the file is finished cut to its end; nothing if it has to be waited for.
    pub fn readable(&self, range: Range<u64>) -> Option<Range<u64>> {
        if self.finished {
            let end = self.ready_bytes();
            return Some(range.start.min(end)..range.end.min(end));
        }
        self.is_ready(&range).then_some(range)
    }

    /// Adds a range; true if anything is new.
    pub(super) fn mark_ready(&mut self, range: Range<u64>) -> bool {
        let is_new = !self.is_ready(&range);
        if is_new {
            self.ready.insert(range);
        }
        is_new
    }

    /// No more bytes come: the file ends where the bytes from the start on end.
    pub(super) fn finish(&mut self) {
        let end = self.ready_bytes();
        self.ready.remove(end..u64::MAX);
        self.expected_bytes = Some(end);
        self.finished = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_may_come_in_any_order() {
        let mut length = SpoolLength::default();
        assert!(length.mark_ready(90..100) && !length.mark_ready(92..98) && !length.mark_ready(5..5));
        assert_eq!((length.ready_bytes(), length.ready_anywhere_bytes()), (0, 10));
        assert_eq!((length.readable(90..100), length.readable(80..95)), (Some(90..100), None));
        length.mark_ready(0..40);
        assert_eq!((length.ready_bytes(), length.readable(10..40), length.readable(10..41)), (40, Some(10..40), None));
        length.mark_ready(40..90);
        length.finish();
        assert_eq!((length.ready_bytes(), length.expected_bytes), (100, Some(100)));
        assert_eq!((length.readable(95..200), length.readable(150..200)), (Some(95..100), Some(100..100)));
    }

    #[test]
    fn a_gap_ends_a_finished_file() {
        let mut length = SpoolLength::default();
        length.mark_ready(0..10);
        length.mark_ready(20..30);
        length.finish();
        assert_eq!((length.ready_bytes(), length.ready_anywhere_bytes()), (10, 10));
    }

    proptest! {
        #[test]
        fn a_range_is_ready_when_each_of_its_bytes_is(
            ranges in prop::collection::vec((0_u64..200, 1_u64..40), 0..12),
            begin in 0_u64..220,
            bytes in 0_u64..40,
        ) {
            let mut length = SpoolLength::default();
            let mut there = [false; 300];
            for (start, bytes) in ranges {
                length.mark_ready(start..start + bytes);
                (start..start + bytes).for_each(|byte| there[byte as usize] = true);
            }
            let wanted = begin..begin + bytes;
            prop_assert_eq!(length.is_ready(&wanted), wanted.clone().all(|byte| there[byte as usize]));
            prop_assert_eq!(length.ready_bytes(), there.iter().take_while(|ready| **ready).count() as u64);
            prop_assert_eq!(length.ready_anywhere_bytes(), there.iter().filter(|ready| **ready).count() as u64);
        }
    }
}
