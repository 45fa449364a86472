//! What a run leaves in the job's folder for the next one, so that the same file is made again the same.
//!
//! In and out: one small file. Must not: hold anything that can't be found out again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What an earlier run left in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remembered {
    /// The room was so large. It stays so: parts of the file that are stored elsewhere must come out the same.
    Room(u64),
    /// The file can't be read while it is made.
    WholeOnly,
}

/// Reads what an earlier run left in the folder.
pub(crate) fn remembered(folder: &Path) -> Option<Remembered> {
    let text = fs::read_to_string(path(folder)).ok()?;
    match text.trim() {
        "whole" => Some(Remembered::WholeOnly),
        number => number.parse().ok().map(Remembered::Room),
    }
}

/// Leaves word for the next run in this folder.
pub(crate) fn remember(folder: &Path, what: Remembered) -> io::Result<()> {
    let text = match what {
        Remembered::Room(bytes) => bytes.to_string(),
        Remembered::WholeOnly => "whole".to_owned(),
    };
    let draft = folder.join("index-room.draft");
    fs::write(&draft, text)?;
    fs::rename(draft, path(folder))
}

fn path(folder: &Path) -> PathBuf {
    folder.join("index-room")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_remembers() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(remembered(folder.path()), None);
        for what in [Remembered::Room(123_456), Remembered::WholeOnly] {
            remember(folder.path(), what).expect("it is written");
            assert_eq!(remembered(folder.path()), Some(what));
        }
        fs::write(folder.path().join("index-room"), "nonsense").expect("it is written");
        assert_eq!(remembered(folder.path()), None);
    }
}
