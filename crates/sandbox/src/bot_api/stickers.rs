//! What makes a file a sticker or a round video: its first bytes, and how large the picture is.
//!
//! In: a file on disk. Out: what it can be sent as. Stickers: <https://core.telegram.org/bots/api#sendsticker> and <https://core.telegram.org/stickers>;
//! headers: <https://developers.google.com/speed/webp/docs/riff_container>, ISO 14496-12 (8.3.2). It must not decode pictures.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The MIME types that the three kinds of stickers have.
pub(super) const WEBP: &str = "image/webp";
pub(super) const TGS: &str = "application/x-tgsticker";
pub(super) const WEBM: &str = "video/webm";

/// The longest side, in pixels.
const MAX_SIDE: u32 = 512;

/// A file that can be a sticker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sticker {
    /// One of the three.
    pub(super) mime: &'static str,
    /// Pixels.
    pub(super) width: u32,
    /// Pixels.
    pub(super) height: u32,
}

/// What sticker a file is; the error says why it is none, and is sent as a document then.
pub(super) fn sticker(path: &Path, bytes: u64) -> Result<Sticker, String> {
    let mut head = [0; 30];
    let read = File::open(path).and_then(|file| read_up_to(file, &mut head)).unwrap_or(0);
    let head = &head[..read];
    let (found, most) = if let Some((width, height)) = webp_size(head) {
        (Sticker { mime: WEBP, width, height }, 512 * 1024)
    } else if head.starts_with(&[0x1f, 0x8b]) {
        (Sticker { mime: TGS, width: MAX_SIDE, height: MAX_SIDE }, 64 * 1024)
    } else if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        // TDLib's `StickersManager.cpp` (`create_sticker`) takes this size where none is told.
        (Sticker { mime: WEBM, width: MAX_SIDE, height: MAX_SIDE }, 256 * 1024)
    } else {
        return Err("it is no WEBP, TGS or WEBM".to_owned());
    };
    match () {
        () if found.width > MAX_SIDE || found.height > MAX_SIDE => Err(format!("it is {}x{}", found.width, found.height)),
        () if bytes > most => Err(format!("it has {bytes} bytes")),
        () => Ok(found),
    }
}

/// The size of the picture that the first video track of an MP4 says to have.
pub(super) fn mp4_size(path: &Path) -> Option<(u32, u32)> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let end = file.get_ref().metadata().ok()?.len();
    let (from, to) = boxes(&mut file, 0, end).find(|found| &found.name == b"moov").map(|found| (found.from, found.to))?;
    let tracks: Vec<_> = boxes(&mut file, from, to).filter(|found| &found.name == b"trak").collect();
    tracks.iter().find_map(|track| {
        let header = boxes(&mut file, track.from, track.to).find(|found| &found.name == b"tkhd")?;
        file.seek(SeekFrom::Start(header.from)).ok()?;
        let mut version = [0; 1];
        file.read_exact(&mut version).ok()?;
        // Width and height are the last two numbers of the header, with 16 bits behind the point.
        let sizes_at = if version[0] == 1 { 88 } else { 76 };
        file.seek(SeekFrom::Start(header.from + sizes_at)).ok()?;
        let mut sizes = [0; 8];
        file.read_exact(&mut sizes).ok()?;
        let side = |at: usize| u32::from(u16::from_be_bytes([sizes[at], sizes[at + 1]]));
        Some((side(0), side(4))).filter(|(width, height)| *width > 0 && *height > 0)
    })
}

fn webp_size(head: &[u8]) -> Option<(u32, u32)> {
    if !head.starts_with(b"RIFF") || head.get(8..12)? != b"WEBP" {
        return None;
    }
    let two = |at: usize| Some(u32::from(u16::from_le_bytes([*head.get(at)?, *head.get(at + 1)?])));
    match head.get(12..16)? {
        b"VP8 " => Some((two(26)? & 0x3fff, two(28)? & 0x3fff)),
        b"VP8L" => {
            let bits = two(21)? | two(23)? << 16;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => {
            let three = |at: usize| Some((two(at)? | u32::from(*head.get(at + 2)?) << 16) + 1);
            Some((three(24)?, three(27)?))
        }
        _ => None,
    }
}

/// Where the content of a box is.
struct Found {
    name: [u8; 4],
    from: u64,
    to: u64,
}

/// The boxes side by side from one place to another.
fn boxes(file: &mut BufReader<File>, mut at: u64, end: u64) -> impl Iterator<Item = Found> {
    std::iter::from_fn(move || {
        let mut head = [0; 16];
        file.seek(SeekFrom::Start(at)).ok()?;
        file.read_exact(&mut head[..8]).ok()?;
        let name = [head[4], head[5], head[6], head[7]];
        let short = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let (skip, size) = match short {
            0 => (8, end - at),
            1 => {
                file.read_exact(&mut head[8..]).ok()?;
                (16, u64::from_be_bytes(head[8..].try_into().ok()?))
            }
            size => (8, size),
        };
        let to = at.checked_add(size).filter(|to| size >= skip && *to <= end)?;
        let found = Found { name, from: at + skip, to };
        at = to;
        Some(found)
    })
}

fn read_up_to(mut file: File, into: &mut [u8]) -> std::io::Result<usize> {
    let mut read = 0;
    while read < into.len() {
        match file.read(&mut into[read..])? {
            0 => break,
            more => read += more,
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), bytes).expect("writes");
        file
    }

    fn webp(chunk: &[u8; 4], rest: &[u8]) -> Vec<u8> {
        [b"RIFF\0\0\0\0WEBP".as_slice(), chunk, &[0; 4], rest].concat()
    }

    #[test]
    fn stickers_are_told_by_their_first_bytes() {
        let lossy = webp(b"VP8 ", &[0, 0, 0, 0x9d, 1, 0x2a, 0, 2, 0x2c, 1]);
        let lossless = webp(b"VP8L", &[0x2f, 0xff, 0xc1, 0x7f, 0]);
        let extended = webp(b"VP8X", &[0, 0, 0, 0, 0xff, 1, 0, 99, 0, 0]);
        let cases = [
            (lossy, Ok((WEBP, 512, 300))),
            (lossless, Ok((WEBP, 512, 512))),
            (extended, Ok((WEBP, 512, 100))),
            (webp(b"VP8X", &[0, 0, 0, 0, 0, 2, 0, 99, 0, 0]), Err("it is 513x100")),
            (vec![0x1f, 0x8b, 8, 0], Ok((TGS, 512, 512))),
            (vec![0x1a, 0x45, 0xdf, 0xa3], Ok((WEBM, 512, 512))),
            (b"\x89PNG".to_vec(), Err("it is no WEBP, TGS or WEBM")),
            (Vec::new(), Err("it is no WEBP, TGS or WEBM")),
        ];
        for (bytes, wanted) in cases {
            let found = sticker(written(&bytes).path(), bytes.len() as u64);
            assert_eq!(found.map(|found| (found.mime, found.width, found.height)), wanted.map_err(str::to_owned), "{bytes:?}");
        }
        assert_eq!(sticker(written(&[0x1f, 0x8b]).path(), 65 * 1024), Err("it has 66560 bytes".to_owned()));
    }

    #[test]
    fn the_size_of_a_film_stands_in_its_track() {
        let atom = |name: &[u8; 4], content: &[u8]| [&(content.len() as u32 + 8).to_be_bytes(), name.as_slice(), content].concat();
        let header = |version: u8, at: usize, sizes: [u8; 8]| {
            let mut header = vec![0; at];
            header[0] = version;
            header.extend(sizes);
            atom(b"trak", &atom(b"tkhd", &header))
        };
        let sound = header(0, 76, [0; 8]);
        let picture = header(1, 88, [1, 64, 0, 0, 0, 180, 0, 0]);
        let film = [atom(b"ftyp", b"mp42"), atom(b"moov", &[sound, picture].concat())].concat();
        assert_eq!(mp4_size(written(&film).path()), Some((320, 180)));
        assert_eq!(mp4_size(written(&film[..60]).path()), None);
        assert_eq!(mp4_size(written(b"no film").path()), None);
    }
}
