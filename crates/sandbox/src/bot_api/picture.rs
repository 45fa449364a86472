//! The size of a picture, from its header.
//!
//! In: a file. Out: whether it is JPEG or PNG, and its pixels. It must not decode the picture.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picture {
    /// It is a JPEG (else a PNG).
    pub(crate) jpeg: bool,
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
}

/// Reads the header; `None` if it is neither JPEG nor PNG.
pub(crate) fn measure(path: &Path) -> Option<Picture> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let mut head = [0; 24];
    file.read_exact(&mut head).ok()?;
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(Picture { jpeg: false, width: be32(&head[16..20]), height: be32(&head[20..24]) });
    }
    if !head.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    file.seek(SeekFrom::Start(2)).ok()?;
    loop {
        // A segment: 0xff, a marker, its length with the two bytes of the length (ITU T.81, B.1.1.4).
        let mut segment = [0; 4];
        file.read_exact(&mut segment).ok()?;
        let [0xff, marker, high, low] = segment else {
            return None;
        };
        let length = u16::from_be_bytes([high, low]);
        // A frame header; C4, C8 and CC are tables and the like.
        if (0xc0..=0xcf).contains(&marker) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let mut frame = [0; 5];
            file.read_exact(&mut frame).ok()?;
            let side = |at: usize| u32::from(u16::from_be_bytes([frame[at], frame[at + 1]]));
            return Some(Picture { jpeg: true, width: side(3), height: side(1) });
        }
        file.seek_relative(i64::from(length.checked_sub(2)?)).ok()?;
    }
}

fn be32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(bytes: &[u8]) -> Option<Picture> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), bytes).expect("writes");
        measure(file.path())
    }

    #[test]
    fn headers_are_read() {
        let mut jpeg = vec![0xff, 0xd8, 0xff, 0xe0, 0, 6, 1, 2, 3, 4, 0xff, 0xc0, 0, 11, 8, 0, 180, 1, 64, 3, 0, 0, 0];
        jpeg.extend([0; 16]);
        assert_eq!(measured(&jpeg), Some(Picture { jpeg: true, width: 320, height: 180 }));
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\x68";
        assert_eq!(measured(png), Some(Picture { jpeg: false, width: 640, height: 360 }));
        assert_eq!(measured(b"not a picture, but long enough to be read"), None);
        assert_eq!(measured(b"x"), None);
    }
}
