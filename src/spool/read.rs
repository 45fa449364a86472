//! Reading a range of a file.
//!
//! In: an open file, a place in it, room. Out: bytes. Must not: know how far the file is good.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;

use rustix::io::{ReadWriteFlags, preadv2};

/// As many bytes as the kernel can give without a look at the disk (`RWF_NOWAIT`, preadv2(2)); none where the file system can't tell.
/// It copies and never waits.
pub(super) fn in_memory(file: &File, target: &mut [u8], offset_bytes: u64) -> usize {
    let mut filled = 0;
    while filled < target.len() {
        let slice = IoSliceMut::new(&mut target[filled..]);
        match preadv2(file, &mut [slice], offset_bytes + filled as u64, ReadWriteFlags::NOWAIT) {
            // Whatever it is, whoever may wait will be told it.
            Ok(0) | Err(_) => break,
            Ok(bytes) => filled += bytes,
        }
    }
    filled
}

/// Fills `target` as far as the file goes; may wait for the disk.
pub(super) fn all(file: &File, target: &mut [u8], offset_bytes: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < target.len() {
        match file.read_at(&mut target[filled..], offset_bytes + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_give_the_same_up_to_the_end_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..200_000_u32).map(|place| (place / 7) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let file = File::open(&path).unwrap();
        for (offset, room, expected) in [(0, 10, 10), (5_000, 150_000, 150_000), (199_990, 100, 10), (300_000, 4, 0)] {
            let mut target = vec![0; room];
            assert_eq!(all(&file, &mut target, offset).unwrap(), expected);
            let there = bytes.get(offset as usize..).unwrap_or_default();
            assert_eq!(target[..expected], there[..expected]);
            // It was read just now, but a kernel may have forgotten it, or be unable to tell.
            let mut again = vec![0; room];
            let in_memory = in_memory(&file, &mut again, offset);
            assert!(in_memory <= expected, "{in_memory} of {expected}");
            assert_eq!(again[..in_memory], there[..in_memory]);
        }
    }
}
