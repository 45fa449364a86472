//! The rules of upload parts as pure functions: sizes, numbers, totals.
//!
//! In: what is known of an upload and one more part. Out: what is known afterwards, or Telegram's error. Rules and names:
//! <https://core.telegram.org/api/files#uploading-files>, `upload.saveFilePart` and `upload.saveBigFilePart` there. It must not touch files.

/// The largest part, and what every part size divides.
pub(crate) const MAX_PART_BYTES: u32 = 512 * 1024;
/// Files above this go by `upload.saveBigFilePart`.
pub(crate) const SMALL_FILE_BYTES: u64 = 10 * 1024 * 1024;

/// One part as a client brings it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartCall {
    /// Its number, from 0.
    pub(crate) index: i32,
    /// `file_total_parts`; -1 while the client does not know; `None` for `saveFilePart`, which does not say.
    pub(crate) total: Option<i32>,
    /// Its length.
    pub(crate) len_bytes: u32,
    /// Whether it came by `saveBigFilePart`.
    pub(crate) big: bool,
    /// The account's limit.
    pub(crate) max_parts: i32,
}

/// A broken rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.name())]
pub(crate) enum PartError {
    /// No bytes.
    Empty,
    /// More than 512 KiB.
    TooBig,
    /// The number is out of range.
    BadIndex,
    /// The total is out of range or another one than before.
    BadTotal,
    /// The size does not divide 512 KiB or is no multiple of 1 KiB.
    BadSize,
    /// Another size than the other parts have.
    SizeChanged,
}

impl PartError {
    /// Telegram's name of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "FILE_PART_EMPTY",
            Self::TooBig => "FILE_PART_TOO_BIG",
            Self::BadIndex => "FILE_PART_INVALID",
            Self::BadTotal => "FILE_PARTS_INVALID",
            Self::BadSize => "FILE_PART_SIZE_INVALID",
            Self::SizeChanged => "FILE_PART_SIZE_CHANGED",
        }
    }
}

/// What is known of an upload from the parts seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    big: Option<bool>,
    total: Option<i32>,
    /// The size of every part but the last.
    part_bytes: Option<u32>,
    /// The highest part so far: (number, length).
    top: Option<(i32, u32)>,
}

impl Shape {
    /// What is known after one more part.
    pub(crate) fn with(mut self, call: PartCall) -> Result<Self, PartError> {
        check_alone(call)?;
        if *self.big.get_or_insert(call.big) != call.big {
            return Err(PartError::BadTotal);
        }
        if let Some(total) = call.total.filter(|total| *total != -1) {
            if *self.total.get_or_insert(total) != total {
                return Err(PartError::BadTotal);
            }
            if self.top.is_some_and(|(top, _)| top >= total) {
                return Err(PartError::BadTotal);
            }
        }
        if self.total.is_some_and(|total| call.index >= total) {
            return Err(PartError::BadIndex);
        }
        // The highest part so far stays a candidate for the last, short one until a higher part or the total says otherwise.
        let here = (call.index, call.len_bytes);
        let top = self.top.filter(|(top, _)| *top > call.index).unwrap_or(here);
        for (index, len) in self.top.into_iter().chain([here]) {
            let last = self.total.map_or(index == top.0, |total| index == total - 1);
            if !last {
                self.learn_size(len)?;
            }
        }
        self.top = Some(top);
        if self.part_bytes.is_some_and(|part_bytes| top.1 > part_bytes || here.1 > part_bytes) {
            return Err(PartError::SizeChanged);
        }
        // While the total is open, `saveBigFilePart` has no way to say "this is the short one".
        if call.big && self.total.is_none() {
            self.learn_size(call.len_bytes)?;
        }
        Ok(self)
    }

    /// Whether the finished file may be said to have `parts` parts.
    pub(crate) fn may_end_with(&self, parts: i32, big: bool) -> bool {
        let fits = self.top.is_none_or(|(top, _)| top < parts);
        self.big.unwrap_or(big) == big && self.total.is_none_or(|total| total == parts) && fits
    }

    fn learn_size(&mut self, len: u32) -> Result<(), PartError> {
        if !len.is_multiple_of(1024) || !MAX_PART_BYTES.is_multiple_of(len) {
            return Err(PartError::BadSize);
        }
        if *self.part_bytes.get_or_insert(len) != len {
            return Err(PartError::SizeChanged);
        }
        Ok(())
    }
}

fn check_alone(call: PartCall) -> Result<(), PartError> {
    if call.len_bytes == 0 {
        return Err(PartError::Empty);
    }
    if call.len_bytes > MAX_PART_BYTES {
        return Err(PartError::TooBig);
    }
    if call.index < 0 {
        return Err(PartError::BadIndex);
    }
    if let Some(total) = call.total
        && (total != -1 && (total < 1 || total > call.max_parts))
    {
        return Err(PartError::BadTotal);
    }
    if call.index >= call.max_parts {
        return Err(PartError::BadTotal);
    }
    let start = u64::from(call.index.unsigned_abs()) * u64::from(call.len_bytes);
    if !call.big && start + u64::from(call.len_bytes) > SMALL_FILE_BYTES {
        return Err(PartError::BadIndex);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u32 = 1024;
    const FULL: u32 = MAX_PART_BYTES;

    /// `(number, total, length)`; total 0 stands for `saveFilePart`.
    type Call = (i32, i32, u32);

    fn outcome(calls: &[Call]) -> Result<(), &'static str> {
        let mut shape = Shape::default();
        for &(index, total, len_bytes) in calls {
            let call = PartCall { index, total: (total != 0).then_some(total), len_bytes, big: total != 0, max_parts: 4000 };
            shape = shape.with(call).map_err(PartError::name)?;
        }
        Ok(())
    }

    #[test]
    fn the_table_of_part_rules() {
        let good: &[&[Call]] = &[
            &[(0, 1, 5)],
            &[(0, 3, FULL), (1, 3, FULL), (2, 3, 17)],
            &[(2, 3, 17), (1, 3, FULL), (0, 3, FULL)],
            &[(2, 3, FULL), (0, 3, FULL)],
            &[(0, 2, KIB), (0, 2, KIB), (1, 2, KIB)],
            &[(0, -1, FULL), (1, -1, FULL), (2, 3, 9)],
            &[(1, -1, FULL), (0, -1, FULL), (2, 4, FULL), (3, 4, 1)],
            &[(3999, 4000, FULL)],
            &[(0, 0, 5)],
            &[(0, 0, FULL), (1, 0, 77)],
            &[(1, 0, 77), (0, 0, FULL)],
            &[(19, 0, FULL)],
        ];
        for calls in good {
            assert_eq!(outcome(calls), Ok(()), "{calls:?}");
        }
        let bad: &[(&[Call], &str)] = &[
            (&[(0, 1, 0)], "FILE_PART_EMPTY"),
            (&[(0, 1, FULL + 1)], "FILE_PART_TOO_BIG"),
            (&[(-1, 3, FULL)], "FILE_PART_INVALID"),
            (&[(3, 3, FULL)], "FILE_PART_INVALID"),
            (&[(0, -2, FULL)], "FILE_PARTS_INVALID"),
            (&[(0, 4001, FULL)], "FILE_PARTS_INVALID"),
            (&[(4000, -1, FULL)], "FILE_PARTS_INVALID"),
            (&[(0, 3, FULL), (1, 4, FULL)], "FILE_PARTS_INVALID"),
            (&[(5, -1, FULL), (0, 3, FULL)], "FILE_PARTS_INVALID"),
            (&[(0, 3, FULL), (1, 0, FULL)], "FILE_PARTS_INVALID"),
            (&[(0, 3, 1000)], "FILE_PART_SIZE_INVALID"),
            (&[(0, 3, 3 * KIB)], "FILE_PART_SIZE_INVALID"),
            (&[(0, -1, 1000)], "FILE_PART_SIZE_INVALID"),
            (&[(0, 3, FULL), (1, 3, FULL / 2)], "FILE_PART_SIZE_CHANGED"),
            (&[(2, 3, FULL), (0, 3, FULL / 2)], "FILE_PART_SIZE_CHANGED"),
            (&[(0, 3, FULL / 2), (2, 3, FULL)], "FILE_PART_SIZE_CHANGED"),
            (&[(0, -1, FULL), (1, -1, KIB)], "FILE_PART_SIZE_CHANGED"),
            (&[(0, 0, 77), (1, 0, FULL)], "FILE_PART_SIZE_INVALID"),
            (&[(0, 0, KIB), (1, 0, FULL)], "FILE_PART_SIZE_CHANGED"),
            (&[(20, 0, FULL)], "FILE_PART_INVALID"),
        ];
        for (calls, name) in bad {
            assert_eq!(outcome(calls), Err(*name), "{calls:?}");
        }
    }
}
