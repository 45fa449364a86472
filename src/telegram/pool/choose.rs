//! Which account carries a file: one pure decision.
//!
//! In: what each account can take now and has to do. Out: one of them, or none. Must not: know what an account is.

use crate::model::UserId;

/// What is asked of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Size of the file in bytes; what is expected if it is not known, 0 if nothing is.
    pub size_bytes: u64,
    /// The account that holds parts of it already: it is taken if it can go on.
    pub resume_on: Option<UserId>,
    /// Accounts that failed at this job.
    pub not: Vec<UserId>,
}

/// An account that is well and does not rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) id: UserId,
    pub(super) premium: bool,
    /// Largest file that it may upload.
    pub(super) max_bytes: u64,
    /// What its daily budget leaves beside the uploads that run.
    pub(super) room_bytes: u64,
    /// What its uploads still have to send.
    pub(super) left_bytes: u64,
    /// Uploads that run.
    pub(super) uploads: u32,
}

impl Wish {
    /// A file of this size, not begun yet.
    pub fn of(size_bytes: u64) -> Self {
        Self { size_bytes, ..Self::default() }
    }
}

/// The place of the one that is taken. Among equals the one after `turn` others, so that idle accounts take turns.
pub(super) fn pick(candidates: &[Candidate], wish: &Wish, turn: usize) -> Option<usize> {
    let takes = |one: &Candidate| {
        one.max_bytes >= wish.size_bytes && one.room_bytes >= wish.size_bytes && one.room_bytes > 0 && !wish.not.contains(&one.id)
    };
    let fit = || candidates.iter().enumerate().filter(|(_, one)| takes(one));
    if let Some((place, _)) = fit().find(|(_, one)| Some(one.id) == wish.resume_on) {
        return Some(place);
    }
    let count = candidates.len().max(1);
    // Premium accounts are spared for files that only they can take.
    fit()
        .min_by_key(|(place, one)| (one.premium, one.left_bytes, one.uploads, (place + count - turn % count) % count))
        .map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn account(id: i64, premium: bool, left_bytes: u64) -> Candidate {
        let max_bytes = if premium { 4000 * MIB } else { 2000 * MIB };
        Candidate { id: UserId(id), premium, max_bytes, room_bytes: u64::MAX, left_bytes, uploads: u32::from(left_bytes > 0) }
    }

    fn chosen(candidates: &[Candidate], wish: Wish) -> Option<i64> {
        pick(candidates, &wish, 0).map(|place| candidates[place].id.0)
    }

    #[test]
    fn the_least_loaded_that_can_take_it() {
        let pool = [account(1, false, 500), account(2, false, 100), account(3, true, 0)];
        let short = Candidate { room_bytes: 50, ..account(4, false, 0) };
        let spent = Candidate { room_bytes: 0, ..account(5, false, 0) };
        let wish = |size_bytes, not: &[i64]| Wish { size_bytes, resume_on: None, not: not.iter().copied().map(UserId).collect() };
        let table: [(&str, &[Candidate], Wish, Option<i64>); 12] = [
            ("least loaded, Premium spared", &pool, wish(10, &[]), Some(2)),
            ("at the ordinary limit", &pool, wish(2000 * MIB, &[]), Some(2)),
            ("above it", &pool, wish(2000 * MIB + 1, &[]), Some(3)),
            ("above all", &pool, wish(4000 * MIB + 1, &[]), None),
            ("one has failed", &pool, wish(10, &[2]), Some(1)),
            ("only Premium is left", &pool, wish(10, &[1, 2]), Some(3)),
            ("all have failed", &pool, wish(10, &[1, 2, 3]), None),
            ("within the budget", &[short, pool[0]], wish(50, &[]), Some(4)),
            ("over the budget", &[short, pool[0]], wish(51, &[]), Some(1)),
            ("nothing left of it, size unknown", &[spent], wish(0, &[]), None),
            ("begun on a busy one", &pool, Wish { resume_on: Some(UserId(1)), ..Wish::of(10) }, Some(1)),
            ("begun on one that failed", &pool, Wish { resume_on: Some(UserId(2)), ..wish(10, &[2]) }, Some(1)),
        ];
        for (name, candidates, wish, expected) in table {
            assert_eq!(chosen(candidates, wish), expected, "{name}");
        }
        assert_eq!(chosen(&[], Wish::of(1)), None);
    }

    #[test]
    fn idle_ones_take_turns() {
        let pool = [account(1, false, 0), account(2, false, 0), account(3, false, 0)];
        let places: Vec<_> = (0..5).map(|turn| pick(&pool, &Wish::of(1), turn).unwrap()).collect();
        assert_eq!(places, [0, 1, 2, 0, 1]);
    }
}
