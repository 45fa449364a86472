//! Reads the top level of an MP4 file: where the index stands, and whether the file is whole.
//!
//! In: a seekable reader. Out: a [`Layout`]. Must not: read what is inside the boxes, beyond the brand of the first.
//! Layout of boxes: ISO/IEC 14496-12, 4.2 "Object structure"; `moov` before `mdat` lets a player start before the end has come.

use std::io::{self, Read, Seek, SeekFrom};

/// Most boxes that are looked at; a fragmented stream has thousands and the first few say all.
const MAX_BOXES: usize = 256;

/// How the top level of an MP4 file is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The index (`moov`) stands before the media (`mdat`).
    pub(crate) index_in_front: bool,
    /// The index is spread over fragments (`moof`).
    pub(crate) fragmented: bool,
    /// The brand is Apple's QuickTime (`qt  `), which not every player takes for MP4.
    pub(crate) quick_time: bool,
    /// The media (`mdat`) stands before the index, which can't be read in one go then.
    pub(crate) media_first: bool,
    /// A box claims more bytes than the file has.
    pub(crate) truncated: bool,
}

impl Layout {
    /// True if the file can be sent as it is, as far as its container goes.
    pub(crate) fn streams_as_is(self) -> bool {
        self.index_in_front && !self.fragmented && !self.quick_time && !self.truncated
    }
}

/// Looks at the boxes of `reader` from its start. Bytes that are no MP4 give the default: nothing in front, nothing fragmented.
pub(crate) fn layout(reader: &mut (impl Read + Seek)) -> io::Result<Layout> {
    let end_bytes = reader.seek(SeekFrom::End(0))?;
    walk(reader, end_bytes, false)
}

/// The same from the start alone, up to where the media begins: for a file whose end is not there yet. Whether it is whole is not known then.
pub(crate) fn head(reader: &mut (impl Read + Seek)) -> io::Result<Layout> {
    match walk(reader, u64::MAX, true) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Layout { truncated: true, ..Layout::default() }),
        layout => layout,
    }
}

fn walk(reader: &mut (impl Read + Seek), end_bytes: u64, only_head: bool) -> io::Result<Layout> {
    let mut layout = Layout::default();
    let mut index_seen = false;
    let mut at_bytes = 0;
    for _ in 0..MAX_BOXES {
        let Some(header) = read_header(reader, at_bytes, end_bytes)? else { break };
        match &header.kind {
            b"ftyp" => layout.quick_time = read_brand(reader)? == Some(*b"qt  "),
            b"moov" => index_seen = true,
            b"moof" => layout.fragmented = true,
            b"mdat" => layout.index_in_front |= index_seen,
            _ => {}
        }
        layout.media_first |= header.kind == *b"mdat" && !index_seen;
        if only_head && matches!(&header.kind, b"mdat" | b"moof") {
            break;
        }
        let Some(next_bytes) = at_bytes.checked_add(header.size_bytes) else {
            layout.truncated = true;
            break;
        };
        if next_bytes > end_bytes {
            layout.truncated = true;
            break;
        }
        at_bytes = next_bytes;
    }
    Ok(layout)
}

/// The head of a box.
pub(crate) struct Header {
    /// Its four letters.
    pub(crate) kind: [u8; 4],
    /// All of it, with its head.
    pub(crate) size_bytes: u64,
}

/// The header at `at_bytes`, or nothing at the end of the file or where no box is. The reader stands behind it then.
pub(crate) fn read_header(reader: &mut (impl Read + Seek), at_bytes: u64, end_bytes: u64) -> io::Result<Option<Header>> {
    if end_bytes.saturating_sub(at_bytes) < 8 {
        return Ok(None);
    }
    reader.seek(SeekFrom::Start(at_bytes))?;
    let mut head = [0; 8];
    reader.read_exact(&mut head)?;
    let (size, kind) = head.split_at(4);
    let kind = [kind[0], kind[1], kind[2], kind[3]];
    if !kind.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ' || *byte == 0xa9) {
        return Ok(None);
    }
    let size_bytes = match u32::from_be_bytes([size[0], size[1], size[2], size[3]]) {
        0 => end_bytes - at_bytes, // "to the end of the file"
        1 if end_bytes - at_bytes >= 16 => {
            let mut large = [0; 8];
            reader.read_exact(&mut large)?;
            u64::from_be_bytes(large)
        }
        small => u64::from(small),
    };
    Ok((size_bytes >= 8).then_some(Header { kind, size_bytes }))
}

fn read_brand(reader: &mut impl Read) -> io::Result<Option<[u8; 4]>> {
    let mut brand = [0; 4];
    match reader.read_exact(&mut brand) {
        Ok(()) => Ok(Some(brand)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).expect("test bodies are small");
        [&size.to_be_bytes()[..], kind, body].concat()
    }

    #[test]
    fn the_index_is_found_where_it_stands() {
        let ftyp = boxed(b"ftyp", b"isom\0\0\0\0");
        let moov = boxed(b"moov", &[0; 20]);
        let mdat = boxed(b"mdat", &[1; 50]);
        let large_mdat = [&[0, 0, 0, 1][..], b"mdat", &66_u64.to_be_bytes(), &[1; 50]].concat();
        let open_mdat = [&[0; 4][..], b"mdat", &[1; 50]].concat();
        let overflowing = [&[0, 0, 0, 1][..], b"mdat", &u64::MAX.to_be_bytes(), &[1; 50]].concat();
        let front = Layout { index_in_front: true, ..Layout::default() };
        let late = Layout { media_first: true, ..Layout::default() };
        let table: [(&str, Vec<u8>, Layout); 11] = [
            ("in front", [&ftyp[..], &moov, &mdat].concat(), front),
            ("at the end", [&ftyp[..], &mdat, &moov].concat(), late),
            ("64-bit size", [&ftyp[..], &moov, &large_mdat].concat(), front),
            ("64-bit size, index at the end", [&ftyp[..], &large_mdat, &moov].concat(), late),
            ("media to the end", [&ftyp[..], &moov, &open_mdat].concat(), front),
            ("fragments", [&ftyp[..], &moov, &boxed(b"moof", &[0; 9]), &mdat].concat(), Layout { fragmented: true, ..front }),
            ("QuickTime", [&boxed(b"ftyp", b"qt  \0\0\0\0")[..], &moov, &mdat].concat(), Layout { quick_time: true, ..front }),
            ("cut", [&ftyp[..], &moov, &mdat[..40]].concat(), Layout { truncated: true, ..front }),
            ("absurd size", [&ftyp[..], &moov, &overflowing].concat(), Layout { truncated: true, ..front }),
            ("no MP4", b"<!doctype html><html></html>".to_vec(), Layout { truncated: true, ..Layout::default() }),
            ("empty", Vec::new(), Layout::default()),
        ];
        for (name, bytes, expected) in table {
            assert_eq!(layout(&mut io::Cursor::new(bytes)).expect("a cursor reads"), expected, "{name}");
        }
    }

    #[test]
    fn the_head_says_the_same_before_the_rest_has_come() {
        let ftyp = boxed(b"ftyp", b"isom\0\0\0\0");
        let moov = boxed(b"moov", &[0; 20]);
        let mdat = boxed(b"mdat", &[1; 50]);
        let front = Layout { index_in_front: true, ..Layout::default() };
        let cut = Layout { truncated: true, ..Layout::default() };
        let table: [(&str, Vec<u8>, Layout); 5] = [
            ("in front", [&ftyp[..], &moov, &mdat[..20]].concat(), front),
            ("at the end", [&ftyp[..], &mdat[..20]].concat(), Layout { media_first: true, ..Layout::default() }),
            ("fragments", [&ftyp[..], &moov, &boxed(b"moof", &[0; 9])].concat(), Layout { fragmented: true, ..Layout::default() }),
            ("no media", [&ftyp[..], &moov].concat(), cut),
            ("empty", Vec::new(), cut),
        ];
        for (name, bytes, expected) in table {
            assert_eq!(head(&mut io::Cursor::new(bytes)).expect("a cursor reads"), expected, "{name}");
        }
    }
}
