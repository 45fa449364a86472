//! Which pictures of a cut are copied, and which have to be encoded.
//!
//! In: the pictures around a range, in the order of decoding, as the container has them. Out: [`Spans`]. Must not: know what a picture holds.
//!
//! Copying begins at the first picture in the range at which decoding begins anew (IDR), and ends at the last place where all that was decoded before is
//! also shown before. What is shown before and behind is decoded and encoded; mostly that is less than the stretch up to the next key frame, and a few pictures.

use std::ops::Range;

/// A picture in the container. Times in the unit of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) pts: i64,
    pub(super) dts: i64,
    /// Decoding can begin here, if perhaps not for all that is shown before.
    pub(super) is_key: bool,
    /// Decoding begins anew here, and nothing behind needs what stands before.
    pub(super) is_idr: bool,
}

/// What a container may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) pts: i64,
    pub(super) dts: Option<i64>,
    pub(super) is_key: bool,
    pub(super) is_idr: bool,
}

/// Decoding times for those that don't have one: each picture as late as can be, while all are decoded in their order before they are shown. Matroska has none.
pub(super) fn timed(told: &[Told]) -> Vec<Shown> {
    let shown = |told: &Told, dts: i64| Shown { pts: told.pts, dts, is_key: told.is_key, is_idr: told.is_idr };
    let all_told: Option<Vec<Shown>> = told.iter().map(|told| told.dts.map(|dts| shown(told, dts))).collect();
    if let Some(all_told) = all_told {
        return all_told;
    }
    let mut sorted: Vec<i64> = told.iter().map(|told| told.pts).collect();
    sorted.sort_unstable();
    let late = |(place, told): (usize, &Told)| place.saturating_sub(sorted.partition_point(|pts| *pts < told.pts));
    let delay = told.iter().enumerate().map(late).max().unwrap_or(0);
    let step = sorted.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).filter(|step| *step > 0).min().unwrap_or(1);
    let before = |place: usize| sorted.first().copied().unwrap_or(0).saturating_sub(step.saturating_mul((delay - place) as i64));
    let timed =
        |(place, told): (usize, &Told)| shown(told, place.checked_sub(delay).map_or_else(|| before(place), |earlier| sorted[earlier]));
    told.iter().enumerate().map(timed).collect()
}

/// What happens to the pictures of a range. Numbers count the pictures in the order of decoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spans {
    /// When the first picture that is kept is shown: the new start.
    pub(super) first: i64,
    /// Decoded for what is encoded before the copied pictures; empty if that is nothing.
    pub(super) head: Range<usize>,
    /// Shown times that are encoded before.
    pub(super) head_shown: Range<i64>,
    /// Copied.
    pub(super) copied: Range<usize>,
    /// Decoded for what is encoded behind the copied pictures; empty if that is nothing.
    pub(super) tail: Range<usize>,
    /// Shown times that are encoded behind.
    pub(super) tail_shown: Range<i64>,
    /// By how much pictures that are encoded before and behind are decoded before they are shown, so that decoding times go on rising.
    pub(super) head_lead: i64,
    pub(super) tail_lead: i64,
    /// The first that has to be decoded if all are encoded.
    pub(super) all_from: usize,
}

/// Plans for the pictures shown from `from` on and before `to`. Nothing if there is none.
pub(super) fn plan(pictures: &[Shown], from: i64, to: i64) -> Option<Spans> {
    let is_kept = |picture: &Shown| picture.pts >= from && picture.pts < to;
    let first = pictures.iter().filter(|picture| is_kept(picture)).map(|picture| picture.pts).min()?;
    let end = pictures.iter().rposition(is_kept)? + 1;
    let decodes_from =
        |shown: i64, before: usize| pictures[..before].iter().rposition(|picture| picture.is_idr && picture.pts <= shown).unwrap_or(0);
    let joint = pictures.iter().position(|picture| picture.is_idr && is_kept(picture));
    let copied = joint.map_or(0..0, |joint| joint..clean_end(pictures, joint, to));
    let all_from = pictures.iter().rposition(|picture| picture.is_key && picture.pts <= first).unwrap_or(0);
    let Some(copied_first) = pictures.get(copied.start).filter(|_| !copied.is_empty()) else {
        return Some(Spans {
            first,
            head: decodes_from(first, pictures.len())..end,
            head_shown: first..to,
            copied: 0..0,
            tail: 0..0,
            tail_shown: to..to,
            head_lead: 0,
            tail_lead: 0,
            all_from,
        });
    };
    let has_head = first < copied_first.pts;
    let head = if has_head { decodes_from(first, copied.start)..copied.start } else { 0..0 };
    let behind = pictures[copied.end..].iter().map(|picture| picture.pts).min().filter(|behind| *behind < to);
    let (tail, tail_shown, tail_lead) = match behind {
        Some(behind) => {
            let lead = behind.saturating_sub(pictures[copied.end].dts).max(0);
            (decodes_from(behind, copied.end + 1)..end, behind..to, lead)
        }
        None => (0..0, to..to, 0),
    };
    let head_lead = copied_first.pts.saturating_sub(copied_first.dts).max(0);
    Some(Spans { first, head, head_shown: first..copied_first.pts, copied, tail, tail_shown, head_lead, tail_lead, all_from })
}

/// The last place behind `joint` where all pictures before, from there on, are shown before all pictures behind and before `to`. At `joint` itself if
/// not even the next place is such a one.
fn clean_end(pictures: &[Shown], joint: usize, to: i64) -> usize {
    // The earliest that is shown of all behind each place.
    let mut earliest = vec![i64::MAX; pictures.len() + 1];
    for place in (joint..pictures.len()).rev() {
        earliest[place] = earliest[place + 1].min(pictures[place].pts);
    }
    let (mut latest, mut clean) = (i64::MIN, joint);
    for place in joint + 1..=pictures.len() {
        latest = latest.max(pictures[place - 1].pts);
        if latest >= to {
            break;
        }
        if latest < earliest[place] {
            clean = place;
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pictures by the times at which they are shown, decoded one unit apart; `!` marks those at which decoding begins anew.
    fn pictures(text: &str) -> Vec<Shown> {
        let picture = |(number, word): (usize, &str)| {
            let pts = word.trim_end_matches('!').parse().expect("a time");
            Shown { pts, dts: number as i64 - 2, is_key: word.ends_with('!'), is_idr: word.ends_with('!') }
        };
        text.split_whitespace().enumerate().map(picture).collect()
    }

    /// Two stretches of eight: I P B B P B B P each, in the order of decoding.
    const REORDERED: &str = "0! 3 1 2 6 4 5 7 8! 11 9 10 14 12 13 15 16! 19 17 18";

    #[test]
    fn edges_are_encoded_and_the_rest_is_copied() {
        // from, to; what is decoded for the head, copied, decoded for the tail; what is shown of the tail from.
        let table = [
            ("from a key frame to another", REORDERED, 8, 16, 0..0, 8..16, 0..0, 16),
            ("from within", REORDERED, 5, 16, 0..8, 8..16, 0..0, 16),
            ("to a place where nothing is decoded ahead", REORDERED, 8, 12, 0..0, 8..12, 0..0, 12),
            ("to a place between", REORDERED, 8, 14, 0..0, 8..12, 8..15, 12),
            ("from and to within", REORDERED, 3, 13, 0..8, 8..12, 8..14, 12),
            ("all of it", REORDERED, 0, 99, 0..0, 0..20, 0..0, 99),
            ("from before the start", REORDERED, -5, 8, 0..0, 0..8, 0..0, 8),
            ("within one stretch", REORDERED, 9, 15, 8..15, 0..0, 0..0, 15),
            ("no place where decoding begins anew", "0 1 2 3 4 5", 2, 4, 0..4, 0..0, 0..0, 4),
            ("no reordering", "0! 1 2 3 4! 5 6 7", 2, 6, 0..4, 4..6, 0..0, 6),
            ("the key frame alone is clean", "0! 1 2! 6 3 4 5", 2, 4, 0..0, 2..3, 2..5, 3),
        ];
        for (name, text, from, to, head, copied, tail, behind) in table {
            let spans = plan(&pictures(text), from, to).unwrap_or_else(|| panic!("{name}: nothing"));
            assert_eq!((spans.head, spans.copied, spans.tail), (head, copied, tail), "{name}");
            assert_eq!(spans.tail_shown.start, behind, "{name}");
        }
        for (text, from, to) in [("", 0, 9), (REORDERED, 40, 50), (REORDERED, 5, 5)] {
            assert_eq!(plan(&pictures(text), from, to), None);
        }
    }

    #[test]
    fn decoding_times_leave_room_for_reordered_pictures() {
        let spans = plan(&pictures(REORDERED), 5, 14).expect("pictures");
        assert_eq!((spans.first, spans.head_shown, spans.head_lead), (5, 5..8, 2));
        assert_eq!((spans.tail_shown, spans.tail_lead), (12..14, 2));
    }

    #[test]
    fn decoding_times_that_are_missing_are_made() {
        let told = |text: &str, has: fn(usize) -> bool| -> Vec<Told> {
            let told = |(place, picture): (usize, Shown)| Told {
                pts: picture.pts * 40,
                dts: has(place).then_some(picture.dts * 40),
                is_key: picture.is_key,
                is_idr: picture.is_idr,
            };
            pictures(text).into_iter().enumerate().map(told).collect()
        };
        let dts = |told: &[Told]| timed(told).iter().map(|picture| picture.dts / 40).collect::<Vec<_>>();
        assert_eq!(dts(&told("0! 3 1 2 6 4 5", |_| true)), [-2, -1, 0, 1, 2, 3, 4], "what is told is believed");
        assert_eq!(dts(&told("0! 3 1 2 6 4 5", |place| place > 1)), [-1, 0, 1, 2, 3, 4, 5], "one picture is late: all wait for it");
        assert_eq!(dts(&told("0! 1 2 3", |_| false)), [0, 1, 2, 3]);
        assert_eq!(dts(&told("5!", |_| false)), [5]);
        assert_eq!(dts(&[]), Vec::<i64>::new());
    }

    /// Stretches of pictures, reordered within small groups as encoders do.
    fn stretches() -> impl Strategy<Value = Vec<Shown>> {
        let group = prop::collection::vec((1_usize..5, prop::bool::weighted(0.3)), 1..20);
        group.prop_map(|groups| {
            let mut pictures: Vec<Shown> = Vec::new();
            for (number, (length, is_idr)) in groups.into_iter().enumerate() {
                let at = pictures.len() as i64;
                if is_idr || number == 0 {
                    pictures.push(Shown { pts: at, dts: at - 4, is_key: true, is_idr: true });
                    continue;
                }
                // The last of a group is decoded first.
                let order = std::iter::once(length - 1).chain(0..length - 1);
                let group = order.enumerate().map(|(place, shown)| Shown {
                    pts: at + shown as i64,
                    dts: at + place as i64 - 4,
                    is_key: false,
                    is_idr: false,
                });
                pictures.extend(group);
            }
            pictures
        })
    }

    proptest! {
        #[test]
        fn made_times_rise_and_are_early_enough(pictures in stretches()) {
            let told = |picture: &Shown| Told { pts: picture.pts, dts: None, is_key: picture.is_key, is_idr: picture.is_idr };
            let timed = timed(&pictures.iter().map(told).collect::<Vec<_>>());
            prop_assert!(timed.iter().all(|picture| picture.dts <= picture.pts), "{timed:?}");
            prop_assert!(timed.windows(2).all(|pair| pair[0].dts < pair[1].dts), "{timed:?}");
        }

        #[test]
        fn each_picture_is_kept_once_and_can_be_decoded(pictures in stretches(), from in 0_i64..60, length in 1_i64..60) {
            let to = from + length;
            let Some(spans) = plan(&pictures, from, to) else {
                prop_assert!(!pictures.iter().any(|picture| (from..to).contains(&picture.pts)));
                return Ok(());
            };
            let mut decoding = Vec::new();
            let mut kept = Vec::new();
            for (range, shown, lead) in [(&spans.head, &spans.head_shown, spans.head_lead), (&spans.tail, &spans.tail_shown, spans.tail_lead)] {
                let mut encoded: Vec<i64> = pictures[range.clone()].iter().map(|picture| picture.pts).filter(|pts| shown.contains(pts)).collect();
                encoded.sort_unstable();
                decoding.push(encoded.iter().map(|pts| pts - lead).collect::<Vec<_>>());
                kept.extend(encoded);
                if !range.is_empty() {
                    prop_assert!(pictures[range.start].is_idr, "decoding begins at {range:?}");
                }
            }
            let copied = &pictures[spans.copied.clone()];
            if let Some(first) = copied.first() {
                prop_assert!(first.is_idr);
            }
            kept.extend(copied.iter().map(|picture| picture.pts));
            kept.sort_unstable();
            let mut expected: Vec<i64> = pictures.iter().map(|picture| picture.pts).filter(|pts| (from..to).contains(pts)).collect();
            expected.sort_unstable();
            prop_assert_eq!(kept, expected);
            let tail = decoding.pop().unwrap_or_default();
            let times: Vec<i64> = decoding.concat().into_iter().chain(copied.iter().map(|picture| picture.dts)).chain(tail).collect();
            prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
        }
    }
}
