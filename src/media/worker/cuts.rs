//! Where a file is cut into pieces that are no larger than they may be, as few as that takes, and about equally large.
//!
//! In: what each stretch between two possible cuts takes. Out: the stretches that pieces begin with. Must not: know what a stretch is.

/// Chooses the cuts: the first stretch of each piece. `stretches` are bytes; a piece takes those of its stretches and `fixed_bytes` beside them. Nothing if
/// a stretch alone is too large, or more than `max_pieces` would be needed.
pub(super) fn cuts(stretches: &[u64], fixed_bytes: u64, max_bytes: u64, max_pieces: usize) -> Option<Vec<usize>> {
    let room_bytes = max_bytes.checked_sub(fixed_bytes)?;
    let fewest = greedy(stretches, room_bytes)?.len();
    if fewest > max_pieces {
        return None;
    }
    // The smallest room that needs no more pieces makes them equal.
    let (mut too_small, mut enough) = (0, room_bytes);
    while enough - too_small > 1 {
        let middle = too_small + (enough - too_small) / 2;
        match greedy(stretches, middle) {
            Some(pieces) if pieces.len() <= fewest => enough = middle,
            _ => too_small = middle,
        }
    }
    greedy(stretches, enough)
}

/// Fills one piece after the other.
fn greedy(stretches: &[u64], room_bytes: u64) -> Option<Vec<usize>> {
    let (mut pieces, mut filled) = (Vec::new(), u64::MAX);
    for (place, bytes) in stretches.iter().enumerate() {
        if *bytes > room_bytes {
            return None;
        }
        filled = filled.saturating_add(*bytes);
        if filled > room_bytes {
            pieces.push(place);
            filled = *bytes;
        }
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_are_few_and_equal() {
        let table = [
            (vec![10, 10, 10], 30, Some(vec![0])),
            (vec![10, 10, 10, 10], 30, Some(vec![0, 2])),
            (vec![10, 10, 10, 10, 10], 20, Some(vec![0, 2, 4])),
            (vec![5, 25, 5, 5], 30, Some(vec![0, 2])),
            (vec![31], 30, None),
            (vec![10; 9], 20, None),
            (vec![], 30, Some(vec![])),
        ];
        for (stretches, max_bytes, expected) in table {
            assert_eq!(cuts(&stretches, 0, max_bytes, 4), expected, "{stretches:?} in {max_bytes}");
        }
        assert_eq!(cuts(&[10, 10], 15, 30, 4), Some(vec![0, 1]), "what a piece takes beside its stretches counts");
        assert_eq!(cuts(&[10], 31, 30, 4), None);
    }

    proptest! {
        #[test]
        fn no_piece_is_too_large_and_none_could_be_saved(stretches in prop::collection::vec(0_u64..1000, 1..60), max_bytes in 900_u64..5000) {
            let Some(begins) = cuts(&stretches, 7, max_bytes, usize::MAX) else {
                prop_assert!(stretches.iter().any(|bytes| bytes + 7 > max_bytes));
                return Ok(());
            };
            prop_assert_eq!(begins.first(), Some(&0));
            let ends = begins.iter().skip(1).copied().chain([stretches.len()]);
            for (begin, end) in begins.iter().zip(ends) {
                prop_assert!(*begin < end);
                prop_assert!(stretches[*begin..end].iter().sum::<u64>() + 7 <= max_bytes);
            }
            prop_assert_eq!(begins.len(), greedy(&stretches, max_bytes - 7).map_or(0, |fewest| fewest.len()));
        }
    }
}
