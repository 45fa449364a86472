//! Takes from tracks of an MP4 the mark by which players show them without being asked.
//!
//! In: a finished file. Out: the same with one bit less for each of the tracks. Must not: move anything.
//!
//! FFmpeg's muxer marks the first track of each kind, whatever is wanted (`enable_tracks` in `libavformat/movenc.c`). The mark is `Track_enabled` in the box
//! `tkhd` (ISO/IEC 14496-12, 8.3.2).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use crate::media::boxes::read_header;

/// The mark, in the lowest byte of the flags.
const ENABLED: u8 = 1;

/// Does it for the tracks with these numbers.
pub(super) fn unmark(path: &Path, tracks: &[u32]) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let end_bytes = file.seek(SeekFrom::End(0))?;
    let Some(index) = children(&mut file, 0..end_bytes, *b"moov")?.into_iter().next() else { return Ok(()) };
    for track in children(&mut file, index, *b"trak")? {
        for header in children(&mut file, track, *b"tkhd")? {
            unmark_one(&mut file, header.start, tracks)?;
        }
    }
    Ok(())
}

fn unmark_one(file: &mut File, at_bytes: u64, tracks: &[u32]) -> io::Result<()> {
    let mut head = [0; 24];
    file.seek(SeekFrom::Start(at_bytes))?;
    file.read_exact(&mut head)?;
    // Behind version and flags stand two times, of 32 bits each or, in version 1, of 64.
    let number_at = if head[0] == 1 { 20 } else { 12 };
    let number = u32::from_be_bytes([head[number_at], head[number_at + 1], head[number_at + 2], head[number_at + 3]]);
    if tracks.contains(&number) {
        file.seek(SeekFrom::Start(at_bytes + 3))?;
        file.write_all(&[head[3] & !ENABLED])?;
    }
    Ok(())
}

/// What is inside the boxes of a kind that stand in a range.
fn children(file: &mut File, range: Range<u64>, kind: [u8; 4]) -> io::Result<Vec<Range<u64>>> {
    let (mut found, mut at_bytes) = (Vec::new(), range.start);
    while at_bytes < range.end {
        let Some(header) = read_header(file, at_bytes, range.end)? else { break };
        let next_bytes = at_bytes.saturating_add(header.size_bytes);
        if header.kind == kind {
            found.push(file.stream_position()?..next_bytes);
        }
        at_bytes = next_bytes;
    }
    Ok(found)
}
