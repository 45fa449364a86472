//! Which part goes next: pure.
//!
//! In: which bytes of a growing file are ready, in whatever order they come; parts that were taken, parts that must go again. Out: the next part,
//! or that there is none, or that the parts sent so far can't belong to this file. Must not: read, send or wait.

use std::collections::BTreeSet;
use std::ops::Range;

use rangemap::RangeSet;

use super::parts::{self, PART_BYTES};
use crate::spool::SpoolLength;

/// More parts than any file has.
const ALL_PARTS: u64 = u32::MAX as u64;

/// The parts of one file that have to be sent still.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    todo: RangeSet<u64>,
    max_bytes: u64,
    /// One more than the highest part that was taken while nobody knew where the file ends.
    open_end: u64,
}

/// A part that can be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) part: u64,
    /// Its bytes in the file.
    pub(super) range: Range<u64>,
    /// How many parts there are, once that is known for sure. The last part of a file always knows.
    pub(super) total_parts: Option<u64>,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send this.
    Send(Piece),
    /// Every part is under way or stored, and no others will come.
    Nothing,
    /// The file is larger than it may be.
    TooLarge {
        /// Its size in the end, in bytes, as far as is known.
        size_bytes: Option<u64>,
    },
    /// The file ended before a part that was sent as one with a successor: what is stored can't become this file.
    Shrunk,
}

impl Plan {
    /// All parts of a file that may have so many bytes.
    pub(super) fn all(max_bytes: u64) -> Self {
        Self { todo: std::iter::once(0..ALL_PARTS).collect(), max_bytes, open_end: 0 }
    }

    /// These parts of a file that is whole.
    pub(super) fn only(parts: &BTreeSet<u64>) -> Self {
        Self { todo: parts.iter().map(|&part| part..part + 1).collect(), max_bytes: u64::MAX, open_end: 0 }
    }

    /// The largest file that it is for, in bytes.
    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// What to do with so much ready; nothing while it has to be waited for. The lowest part goes first.
    ///
    /// While the file grows a part goes only when something behind it is ready too: then it is not the last. So at least one part goes when the
    /// length is known, and tells Telegram: <https://core.telegram.org/api/files#streamed-uploads>. A promised length may be wrong and does not count.
    pub(super) fn next(&self, length: &SpoolLength) -> Option<Next> {
        if length.finished {
            return Some(self.next_of_whole(length.ready_bytes()));
        }
        let horizon_bytes = length.ready_ranges().last().map_or(0, |range| range.end);
        if horizon_bytes > self.max_bytes {
            return Some(Next::TooLarge { size_bytes: length.expected_bytes });
        }
        let with_successor = horizon_bytes.saturating_sub(1) / PART_BYTES;
        let ready = length.ready_ranges().map(|range| range.start.div_ceil(PART_BYTES)..(range.end / PART_BYTES).min(with_successor));
        let part = ready.filter(|parts| !parts.is_empty()).find_map(|parts| self.first_in(parts))?;
        Some(Next::Send(Piece { part, range: parts::full_range(part), total_parts: None }))
    }

    /// This one is under way.
    pub(super) fn take(&mut self, piece: &Piece) {
        self.todo.remove(piece.part..piece.part + 1);
        if piece.total_parts.is_none() {
            self.open_end = self.open_end.max(piece.part + 1);
        }
    }

    /// This one must go again.
    pub(super) fn again(&mut self, part: u64) {
        self.todo.insert(part..part + 1);
    }

    fn next_of_whole(&self, size_bytes: u64) -> Next {
        if size_bytes > self.max_bytes {
            return Next::TooLarge { size_bytes: Some(size_bytes) };
        }
        if self.open_end > 0 && parts::max_bytes(self.open_end) >= size_bytes {
            return Next::Shrunk;
        }
        let count = parts::count(size_bytes);
        match self.first_in(0..count) {
            Some(part) => Next::Send(Piece { part, range: parts::range(part, size_bytes), total_parts: Some(count) }),
            None => Next::Nothing,
        }
    }

    fn first_in(&self, parts: Range<u64>) -> Option<u64> {
        if parts.is_empty() {
            return None;
        }
        self.todo.overlapping(&parts).next().map(|found| found.start.max(parts.start))
    }
}

#[cfg(test)]
mod tests;
