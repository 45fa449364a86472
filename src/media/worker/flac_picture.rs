//! A cover as FLAC and Ogg have it: a block of numbers, texts and the picture, in Ogg written as base64 in a tag.
//!
//! In: a JPEG. Out: the text of the tag `METADATA_BLOCK_PICTURE` (<https://wiki.xiph.org/VorbisComment#METADATA_BLOCK_PICTURE>; the block: RFC 9639,
//! section 8.8). Must not: look into the picture.

use std::ffi::CStr;

use ffmpeg::ffi;
use ffmpeg_next as ffmpeg;

use super::jpeg::Jpeg;

/// "Front cover".
const FRONT_COVER: u32 = 3;
const MIME: &[u8] = b"image/jpeg";
const BITS_PER_PIXEL: u32 = 24;

/// The tag's text.
pub(super) fn as_text(cover: &Jpeg) -> String {
    base64(&block(cover))
}

fn block(cover: &Jpeg) -> Vec<u8> {
    let mut block = Vec::with_capacity(cover.bytes.len() + 64);
    let number = |block: &mut Vec<u8>, number: u32| block.extend(number.to_be_bytes());
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(0);
    number(&mut block, FRONT_COVER);
    number(&mut block, length(MIME));
    block.extend(MIME);
    number(&mut block, 0); // no description
    for measure in [cover.width, cover.height, BITS_PER_PIXEL, 0] {
        number(&mut block, measure);
    }
    number(&mut block, length(&cover.bytes));
    block.extend(&cover.bytes);
    block
}

fn base64(bytes: &[u8]) -> String {
    let mut text = vec![0_u8; bytes.len().div_ceil(3) * 4 + 1];
    let (Ok(space), Ok(length)) = (i32::try_from(text.len()), i32::try_from(bytes.len())) else { return String::new() };
    // SAFETY: writes at most `space` bytes, the last of them a zero, and reads `length` bytes.
    let written = unsafe { ffi::av_base64_encode(text.as_mut_ptr().cast(), space, bytes.as_ptr(), length) };
    if written.is_null() {
        return String::new();
    }
    CStr::from_bytes_until_nul(&text).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_tells_what_is_in_it() {
        let cover = Jpeg { bytes: b"\xff\xd8\xff".to_vec(), width: 300, height: 200 };
        let block = block(&cover);
        assert_eq!(block[..8], [0, 0, 0, 3, 0, 0, 0, 10]);
        assert_eq!(&block[8..18], MIME);
        assert_eq!(block[18..38], [0, 0, 0, 0, 0, 0, 1, 44, 0, 0, 0, 200, 0, 0, 0, 24, 0, 0, 0, 0]);
        assert_eq!(block[38..], [0, 0, 0, 3, 0xff, 0xd8, 0xff]);
        for (bytes, text) in [(&b"f"[..], "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v")] {
            assert_eq!(base64(bytes), text);
        }
    }
}
