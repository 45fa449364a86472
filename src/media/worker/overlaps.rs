//! Lines that overlap, as lines that follow each other: MP4 shows one text at a time, and FFmpeg's muxer would put each line behind the end of the one before.
//!
//! In: lines in the order in which they begin, in the form of `mov_text`. Out: lines that do not overlap; where several were to be seen, one says what all say. Must not: wait
//! for more than the next line, or the end of those that are seen.
//!
//! The form: two bytes with the length of the text, the text, boxes for its looks (3GPP TS 26.245, 5.17). The looks are left out where texts are put together.

use super::texts::Line;

/// Lines that are seen at once; of more, the newest.
const MOST_AT_ONCE: usize = 6;
/// Longest text that its length can say.
const LONGEST_BYTES: usize = u16::MAX as usize;

/// Lines that are seen now.
#[derive(Debug, Default)]
pub(super) struct Overlaps {
    seen: Vec<Line>,
    /// What was seen before is written.
    from_ms: i64,
}

impl Overlaps {
    /// A line begins, not before those that began earlier. Gives what is to be written by now.
    pub(super) fn begin(&mut self, mut line: Line) -> Vec<Line> {
        line.at_ms = line.at_ms.max(self.from_ms);
        let mut done = self.advance(line.at_ms);
        done.extend(self.show(line.at_ms));
        self.from_ms = line.at_ms;
        if self.seen.len() == MOST_AT_ONCE {
            self.seen.remove(0);
        }
        self.seen.push(line);
        done
    }

    /// It is so late now.
    pub(super) fn advance(&mut self, to_ms: i64) -> Vec<Line> {
        let mut done = Vec::new();
        while let Some(end_ms) = self.seen.iter().map(end_of).min().filter(|end_ms| *end_ms <= to_ms) {
            done.extend(self.show(end_ms));
            self.from_ms = self.from_ms.max(end_ms);
            self.seen.retain(|line| end_of(line) > end_ms);
        }
        done
    }

    /// What is seen until then.
    fn show(&self, to_ms: i64) -> Option<Line> {
        let last = self.seen.last().filter(|_| to_ms > self.from_ms)?;
        let bytes = if self.seen.len() == 1 { last.bytes.clone() } else { together(&self.seen) };
        Some(Line { at_ms: self.from_ms, length_ms: to_ms - self.from_ms, bytes })
    }
}

/// The same for lines that are all known.
pub(super) fn flatten(lines: Vec<Line>) -> Vec<Line> {
    let mut overlaps = Overlaps::default();
    let mut flat: Vec<Line> = lines.into_iter().flat_map(|line| overlaps.begin(line)).collect();
    flat.extend(overlaps.advance(i64::MAX));
    flat
}

/// When a line is gone.
pub(super) fn end_of(line: &Line) -> i64 {
    line.at_ms.saturating_add(line.length_ms.max(1))
}

fn together(lines: &[Line]) -> Vec<u8> {
    let mut text: Vec<u8> = Vec::new();
    for part in lines.iter().map(text_of).filter(|part| !part.is_empty()) {
        let behind = if text.is_empty() { &b""[..] } else { &b"\n"[..] };
        if text.len() + behind.len() + part.len() <= LONGEST_BYTES {
            text.extend(behind.iter().chain(part));
        }
    }
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&length[..], &text].concat()
}

fn text_of(line: &Line) -> &[u8] {
    let length = line.bytes.first_chunk().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
    line.bytes.get(2..2 + length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where it begins, where it ends, what it says.
    type Plain<'a> = (i64, i64, &'a str);

    fn line(at_ms: i64, end_ms: i64, text: &str) -> Line {
        let bytes = [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
        Line { at_ms, length_ms: end_ms - at_ms, bytes }
    }

    fn flat(lines: &[Plain]) -> Vec<(i64, i64, String)> {
        let lines = flatten(lines.iter().map(|(at_ms, end_ms, text)| line(*at_ms, *end_ms, text)).collect());
        lines.iter().map(|line| (line.at_ms, end_of(line), String::from_utf8(text_of(line).to_vec()).expect("text"))).collect()
    }

    #[test]
    fn what_is_seen_together_is_one_text() {
        let table: [(&[Plain], &[Plain]); 7] = [
            (&[(0, 5, "a"), (7, 9, "b")], &[(0, 5, "a"), (7, 9, "b")]),
            (&[(0, 5, "a"), (5, 9, "b")], &[(0, 5, "a"), (5, 9, "b")]),
            (&[(0, 5, "a"), (3, 9, "b")], &[(0, 3, "a"), (3, 5, "a\nb"), (5, 9, "b")]),
            (&[(0, 9, "a"), (3, 5, "b")], &[(0, 3, "a"), (3, 5, "a\nb"), (5, 9, "a")]),
            (&[(0, 5, "a"), (0, 5, "b")], &[(0, 5, "a\nb")]),
            (&[(0, 5, "a"), (5, 5, "b"), (5, 8, "c")], &[(0, 5, "a"), (5, 6, "b\nc"), (6, 8, "c")]),
            (&[], &[]),
        ];
        for (lines, expected) in table {
            let expected: Vec<_> = expected.iter().map(|(at_ms, end_ms, text)| (*at_ms, *end_ms, (*text).to_owned())).collect();
            assert_eq!(flat(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn looks_stay_where_a_line_is_alone() {
        let mut styled = line(0, 5, "a");
        styled.bytes.extend(b"\0\0\0\x08styl");
        let flat = flatten(vec![Line { bytes: styled.bytes.clone(), ..styled }, line(3, 5, "b")]);
        assert_eq!(flat.iter().map(|line| line.bytes.len()).collect::<Vec<_>>(), [3 + 8, 2 + 3]);
        let long = "x".repeat(40_000);
        assert_eq!(text_of(&flatten(vec![line(0, 5, &long), line(0, 5, &long)])[0]).len(), 40_000, "what is too much is left out");
    }

    proptest! {
        #[test]
        fn nothing_overlaps_whatever_comes(mut lines in prop::collection::vec((0_i64..300, 0_i64..80), 0..60), steps in 1_i64..50) {
            lines.sort_unstable();
            let lines: Vec<Line> = lines.into_iter().map(|(at_ms, length_ms)| line(at_ms, at_ms + length_ms, "x")).collect();
            let all = flatten(lines.iter().map(|line| Line { bytes: line.bytes.clone(), ..*line }).collect());
            for pair in all.windows(2) {
                prop_assert!(pair[0].length_ms > 0 && end_of(&pair[0]) <= pair[1].at_ms);
            }
            // Time that passes in between changes nothing.
            let mut overlaps = Overlaps::default();
            let mut step_by_step = Vec::new();
            for line in &lines {
                for now_ms in (0..line.at_ms).step_by(steps as usize) {
                    step_by_step.extend(overlaps.advance(now_ms));
                }
                step_by_step.extend(overlaps.begin(Line { bytes: line.bytes.clone(), ..*line }));
            }
            step_by_step.extend(overlaps.advance(i64::MAX));
            let key = |line: &Line| (line.at_ms, line.length_ms, line.bytes.clone());
            prop_assert_eq!(step_by_step.iter().map(key).collect::<Vec<_>>(), all.iter().map(key).collect::<Vec<_>>());
        }
    }
}
