//! Sizes as strangers say them.
//!
//! In: numbers of servers and of yt-dlp, however large. Out: bytes, and sums of them that never overflow. Must not: judge them.

/// Bytes from a number of yt-dlp's, which writes estimates as fractions.
pub(crate) fn bytes(number: f64) -> u64 {
    number as u64
}

/// All together, or the most that can be said.
pub(crate) fn total(sizes: impl IntoIterator<Item = u64>) -> u64 {
    sizes.into_iter().fold(0, u64::saturating_add)
}

/// The same, if all are known.
pub(crate) fn known_total(sizes: impl IntoIterator<Item = Option<u64>>) -> Option<u64> {
    sizes.into_iter().try_fold(0_u64, |sum, size| Some(sum.saturating_add(size?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sum_overflows() {
        assert_eq!((bytes(2e30), bytes(4.5), bytes(-1.0), bytes(f64::NAN)), (u64::MAX, 4, 0, 0));
        assert_eq!((total([1, 2]), total([u64::MAX, 2]), total([])), (3, u64::MAX, 0));
        assert_eq!(known_total([Some(1), Some(2)]), Some(3));
        assert_eq!(known_total([Some(u64::MAX), Some(2)]), Some(u64::MAX));
        assert_eq!((known_total([Some(1), None]), known_total([])), (None, Some(0)));
    }
}
