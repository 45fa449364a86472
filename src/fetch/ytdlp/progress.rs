//! The lines that yt-dlp prints while it works.
//!
//! In: lines. Out: events, and bytes done and expected over all files of a download. Must not: read or kill anything.

use serde::Deserialize;

use crate::fetch::sizes;

/// One line of yt-dlp that we asked for.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// The streams were chosen; their sizes if they are joined from several.
    Selected(Vec<Option<u64>>),
    /// Bytes of one file came.
    Progress(Part),
    /// The result lies at this path.
    Finished(String),
}

/// How far one file of a download is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Part {
    /// The file, as yt-dlp names it: video and sound come as two.
    #[serde(default)]
    filename: String,
    /// `downloading`, `finished` or `error`.
    #[serde(default)]
    pub(super) status: String,
    pub(super) downloaded_bytes: Option<f64>,
    pub(super) total_bytes: Option<f64>,
    pub(super) total_bytes_estimate: Option<f64>,
    /// Fragments that have come whole, of so many.
    pub(super) fragment_index: Option<u64>,
    pub(super) fragment_count: Option<u64>,
}

/// Sizes of a stream.
#[derive(Deserialize)]
struct Size {
    filesize: Option<f64>,
    filesize_approx: Option<f64>,
}

/// Reads a line; lines of other kinds are nothing.
pub(super) fn parse(line: &str) -> Option<Event> {
    if let Some(json) = line.strip_prefix("PJ ") {
        return serde_json::from_str(json).ok().map(Event::Progress);
    }
    if let Some(json) = line.strip_prefix("SEL ") {
        let sizes: Vec<Size> = serde_json::from_str(json).unwrap_or_default(); // `NA` where there is but one stream
        return Some(Event::Selected(sizes.into_iter().map(|size| size.filesize.or(size.filesize_approx).map(sizes::bytes)).collect()));
    }
    line.strip_prefix("FP ").and_then(|json| serde_json::from_str(json).ok()).map(Event::Finished)
}

/// Adds up the files of one download.
#[derive(Debug, Default)]
pub(super) struct Tally {
    parts: Vec<Counted>,
    selected: Vec<Option<u64>>,
    done_bytes: u64,
}

#[derive(Debug)]
struct Counted {
    filename: String,
    done_bytes: u64,
    total_bytes: Option<u64>,
    exact: bool,
}

impl Tally {
    /// Takes the sizes of the chosen streams.
    pub(super) fn select(&mut self, sizes: Vec<Option<u64>>) {
        self.selected = sizes;
    }

    /// Takes a line of progress.
    pub(super) fn add(&mut self, part: Part) {
        let done_bytes = part.downloaded_bytes.map_or(0, sizes::bytes);
        let total_bytes = part.total_bytes.or(part.total_bytes_estimate).map(|bytes| sizes::bytes(bytes).max(done_bytes));
        let exact = part.total_bytes.is_some();
        match self.parts.iter_mut().find(|counted| counted.filename == part.filename) {
            Some(counted) => {
                counted.done_bytes = counted.done_bytes.max(done_bytes);
                counted.total_bytes = total_bytes.or(counted.total_bytes);
                counted.exact = exact;
            }
            None => self.parts.push(Counted { filename: part.filename, done_bytes, total_bytes, exact }),
        }
        self.done_bytes = self.done_bytes.max(sizes::total(self.parts.iter().map(|counted| counted.done_bytes)));
    }

    /// Bytes that have come; never goes back.
    pub(super) fn done_bytes(&self) -> u64 {
        self.done_bytes
    }

    /// Bytes expected over all files, if each has a size that is known or estimated.
    pub(super) fn total_bytes(&self) -> Option<u64> {
        let of_part = |index: usize| match self.parts.get(index) {
            Some(counted) => counted.total_bytes.or_else(|| self.selected.get(index).copied().flatten()),
            None => self.selected.get(index).copied().flatten(),
        };
        let files = self.parts.len().max(self.selected.len());
        let total = sizes::known_total((0..files).map(of_part));
        total.filter(|_| files > 0).map(|total| total.max(self.done_bytes))
    }

    /// Bytes that are certain to come or have come: what a limit is compared with. Estimates do not count.
    pub(super) fn certain_bytes(&self) -> u64 {
        let certain =
            |counted: &Counted| counted.total_bytes.filter(|_| counted.exact).unwrap_or(counted.done_bytes).max(counted.done_bytes);
        sizes::total(self.parts.iter().map(certain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(filename: &str, done: u64, total: Option<u64>, estimate: Option<u64>) -> Part {
        let number = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64);
        Part {
            filename: filename.into(),
            downloaded_bytes: number(Some(done)),
            total_bytes: number(total),
            total_bytes_estimate: number(estimate),
            ..Part::default()
        }
    }

    #[test]
    fn lines_as_yt_dlp_prints_them() {
        let table = [
            (
                r#"PJ {"status": "downloading", "downloaded_bytes": 1024, "total_bytes": 600062, "filename": "/w/media.mp4"}"#,
                Some(Event::Progress(Part { status: "downloading".into(), ..part("/w/media.mp4", 1024, Some(600_062), None) })),
            ),
            (
                r#"PJ {"status": "downloading", "downloaded_bytes": 59220, "total_bytes_estimate": 78957.3333, "filename": "a", "fragment_index": 2, "fragment_count": 3}"#,
                Some(Event::Progress(Part {
                    status: "downloading".into(),
                    total_bytes_estimate: Some(78957.3333),
                    fragment_index: Some(2),
                    fragment_count: Some(3),
                    ..part("a", 59220, None, None)
                })),
            ),
            (r#"SEL [{"filesize": 10}, {"filesize_approx": 5.5}, {}]"#, Some(Event::Selected(vec![Some(10), Some(5), None]))),
            ("SEL []", Some(Event::Selected(vec![]))),
            ("SEL NA", Some(Event::Selected(vec![]))),
            (r#"FP "/w/media \"x\".mp4""#, Some(Event::Finished("/w/media \"x\".mp4".into()))),
            ("[download] Destination: x", None),
            ("PJ nonsense", None),
            ("", None),
        ];
        for (line, expected) in table {
            assert_eq!(parse(line), expected, "{line}");
        }
    }

    #[test]
    fn video_and_sound_add_up_and_never_go_back() {
        let mut tally = Tally::default();
        assert_eq!(tally.total_bytes(), None);
        tally.select(vec![Some(100), Some(20)]);
        assert_eq!((tally.done_bytes(), tally.total_bytes()), (0, Some(120)));
        tally.add(part("v", 60, None, Some(110)));
        assert_eq!((tally.done_bytes(), tally.total_bytes(), tally.certain_bytes()), (60, Some(130), 60));
        tally.add(part("v", 40, None, Some(90))); // a fragment is tried again
        assert_eq!((tally.done_bytes(), tally.certain_bytes()), (60, 60));
        tally.add(part("v", 105, Some(105), None));
        tally.add(part("s", 5, Some(22), None));
        assert_eq!((tally.done_bytes(), tally.total_bytes(), tally.certain_bytes()), (110, Some(127), 127));
    }

    #[test]
    fn a_total_is_unknown_while_one_file_is() {
        let mut tally = Tally::default();
        tally.select(vec![Some(100), None]);
        assert_eq!(tally.total_bytes(), None);
        tally.add(part("v", 10, None, None));
        tally.add(part("s", 1, Some(7), None));
        assert_eq!(tally.total_bytes(), Some(107));
    }
}
