//! What the fuzz targets reach of this step: what the daemon itself reads of files and of its child.
//!
//! In: bytes of a file or of a media process that went mad. Out: nothing; panics if a promise is broken. Must not: be part of an ordinary build
//! (`cfg(fuzzing)`, set by cargo-fuzz).

use std::io::Cursor;

use super::boxes::{head, layout};
use super::protocol::{Feed, Reply, Request};
use super::sniff::{claim, sniff};

/// The start of a file, and its boxes if it is an MP4.
pub fn file(data: &[u8]) {
    let _ = sniff(data);
    let whole = layout(&mut Cursor::new(data)).expect("memory can be read");
    assert!(!whole.streams_as_is() || !whole.media_first);
    let _ = head(&mut Cursor::new(data));
    if let Ok(name) = std::str::from_utf8(data) {
        let _ = claim(name, Some(name));
    }
}

/// Lines between the daemon and the media process.
pub fn line(data: &[u8]) {
    let _ = serde_json::from_slice::<Reply>(data);
    let _ = serde_json::from_slice::<Feed>(data);
    let _ = serde_json::from_slice::<Request>(data);
}
