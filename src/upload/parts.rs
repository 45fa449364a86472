//! The arithmetic of parts: <https://core.telegram.org/api/files#uploading-files>.
//!
//! In: sizes and numbers of parts. Out: counts and byte ranges. Must not: read or send anything.

use std::ops::Range;

pub use crate::telegram::limits::PART_BYTES;

/// Largest file for `upload.saveFilePart`, in bytes; a larger one goes by `upload.saveBigFilePart`.
pub const SMALL_FILE_MAX_BYTES: u64 = 10 * 1024 * 1024;

/// Number of parts of a file.
pub fn count(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(PART_BYTES)
}

/// True if a file of this size goes by `upload.saveBigFilePart`.
pub fn is_big(size_bytes: u64) -> bool {
    size_bytes > SMALL_FILE_MAX_BYTES
}

/// Bytes of one part were the file endless; what is there may be shorter.
pub fn full_range(part: u64) -> Range<u64> {
    part * PART_BYTES..(part + 1) * PART_BYTES
}

/// Bytes of one part of a file of this size; empty past its end.
pub fn range(part: u64, size_bytes: u64) -> Range<u64> {
    let full = full_range(part);
    full.start.min(size_bytes)..full.end.min(size_bytes)
}

/// Largest file that this many parts can hold, in bytes.
pub fn max_bytes(parts: u64) -> u64 {
    parts * PART_BYTES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_and_their_parts() {
        let mib = 1024 * 1024;
        let table = [
            (0, 0, false, 0..0),
            (1, 1, false, 0..1),
            (PART_BYTES - 1, 1, false, 0..PART_BYTES - 1),
            (PART_BYTES, 1, false, 0..PART_BYTES),
            (PART_BYTES + 1, 2, false, PART_BYTES..PART_BYTES + 1),
            (10 * mib, 20, false, 19 * PART_BYTES..20 * PART_BYTES),
            (10 * mib + 1, 21, true, 20 * PART_BYTES..20 * PART_BYTES + 1),
            (2_097_152_000, 4000, true, 3999 * PART_BYTES..4000 * PART_BYTES),
            (2_097_152_001, 4001, true, 4000 * PART_BYTES..4000 * PART_BYTES + 1),
            (4_194_304_000, 8000, true, 7999 * PART_BYTES..8000 * PART_BYTES),
        ];
        for (size_bytes, parts, big, last) in table {
            assert_eq!((count(size_bytes), is_big(size_bytes)), (parts, big), "{size_bytes}");
            assert_eq!(range(parts.saturating_sub(1), size_bytes), last, "{size_bytes}");
        }
        assert_eq!((max_bytes(4000), max_bytes(8000)), (2_097_152_000, 4_194_304_000));
    }

    proptest! {
        #[test]
        fn the_parts_cover_the_file_once_and_in_order(size_bytes in 0_u64..200 * 1024 * 1024) {
            let mut covered_bytes = 0;
            for part in 0..count(size_bytes) {
                let range = range(part, size_bytes);
                prop_assert_eq!(range.start, covered_bytes);
                prop_assert!(range.end > range.start && range.end - range.start <= PART_BYTES);
                covered_bytes = range.end;
            }
            prop_assert_eq!(covered_bytes, size_bytes);
            prop_assert!(range(count(size_bytes), size_bytes).is_empty());
        }
    }
}
