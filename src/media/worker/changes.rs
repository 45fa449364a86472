//! Notices where a stream that is copied becomes another one: recordings of broadcasts, and live streams, change size or channels on the way, and say so between the
//! packets, where their old container lets them.
//!
//! In: packets as they come from a file. Out: whether one does not fit the description that stands beside the stream in the new file. Must not: decode.
//! Headers of sound: ISO/IEC 13818-7, 6.2 (`adts_fixed_header`, of AAC in transport streams); ISO/IEC 11172-3, 2.4.1.3 (MP3, MP2); ETSI TS 102 366, 4.4 and E.1.2 (AC-3).

use std::ptr;

use ffmpeg::codec::packet::side_data;
use ffmpeg::format::stream::Stream;
use ffmpeg::{Packet, codec, ffi};
use ffmpeg_next as ffmpeg;

use super::input::parameters;

/// Watches one stream.
pub(super) struct Watch {
    way: Way,
    /// What decoders are told before the first packet.
    setup: Vec<u8>,
}

enum Way {
    /// Each packet of sound says what it is.
    Sound { reader: fn(&[u8]) -> Option<Header>, heard: Heard },
    /// The measures of the pictures, as their headers say them.
    Pictures { reader: HeaderReader, size: Option<(i32, i32)> },
    /// There is nothing in the packets that could tell.
    Other,
}

/// Kind, rate and channels, as numbers of the tables of each codec.
type Header = (u8, u8, u8);

/// What packets of sound have said so far: the first one, and the last one if that was another.
#[derive(Default)]
struct Heard {
    known: Option<Header>,
    other: Option<Header>,
}

impl Heard {
    /// True at the second packet in a row that says the same other thing: a single one is damaged.
    fn differs(&mut self, header: Header) -> bool {
        if *self.known.get_or_insert(header) == header {
            self.other = None;
            return false;
        }
        self.other.replace(header) == Some(header)
    }
}

impl Watch {
    pub(super) fn new(stream: &Stream) -> Self {
        let parameters = parameters(stream);
        let way = match parameters.codec_id {
            ffi::AVCodecID::AV_CODEC_ID_AAC => Way::Sound { reader: of_aac, heard: Heard::default() },
            ffi::AVCodecID::AV_CODEC_ID_MP3 | ffi::AVCodecID::AV_CODEC_ID_MP2 => Way::Sound { reader: of_mpeg, heard: Heard::default() },
            ffi::AVCodecID::AV_CODEC_ID_AC3 | ffi::AVCodecID::AV_CODEC_ID_EAC3 => Way::Sound { reader: of_ac3, heard: Heard::default() },
            ffi::AVCodecID::AV_CODEC_ID_H264 | ffi::AVCodecID::AV_CODEC_ID_HEVC => {
                HeaderReader::open(stream).map_or(Way::Other, |reader| Way::Pictures { reader, size: None })
            }
            _ => Way::Other,
        };
        let length = usize::try_from(parameters.extradata_size).unwrap_or(0);
        // SAFETY: a living stream has so many bytes there, or a null pointer, which is checked.
        let setup =
            if parameters.extradata.is_null() { &[][..] } else { unsafe { std::slice::from_raw_parts(parameters.extradata, length) } };
        Self { way, setup: setup.to_vec() }
    }

    /// True if the packet is of another stream than those before.
    pub(super) fn differs(&mut self, packet: &Packet) -> bool {
        let told = packet.side_data().find(|data| data.kind() == side_data::Type::NewExtraData);
        if told.is_some_and(|told| !told.data().is_empty() && told.data() != self.setup) {
            return true;
        }
        match &mut self.way {
            Way::Sound { reader, heard } => packet.data().and_then(reader).is_some_and(|header| heard.differs(header)),
            Way::Pictures { reader, size } if packet.is_key() => match reader.size(packet) {
                Some(found) => *size.get_or_insert(found) != found,
                None => false,
            },
            Way::Pictures { .. } | Way::Other => false,
        }
    }
}

/// What the header of a packet of AAC says, if it has one.
fn of_aac(packet: &[u8]) -> Option<Header> {
    let &[0xff, second, third, fourth, ..] = packet else { return None };
    // Twelve bits of one, and two of layer that are always zero.
    (second & 0xf6 == 0xf0).then_some((third >> 6, third >> 2 & 0xf, (third & 1) << 2 | fourth >> 6))
}

/// The same of MPEG audio. Both channels may be written in several ways that mean the same.
fn of_mpeg(packet: &[u8]) -> Option<Header> {
    let &[0xff, second, third, fourth, ..] = packet else { return None };
    let (layer, rate) = (second >> 1 & 3, third >> 2 & 3);
    (second & 0xe0 == 0xe0 && layer != 0 && rate != 3).then_some((second >> 1 & 0xf, rate, u8::from(fourth >> 6 == 3)))
}

/// The same of AC-3, and of E-AC-3, where it stands elsewhere.
fn of_ac3(packet: &[u8]) -> Option<Header> {
    let &[0x0b, 0x77, third, _, fifth, sixth, seventh, ..] = packet else { return None };
    let version = sixth >> 3;
    // Further channels, and other programmes, come in frames of their own.
    if version > 10 && (third >> 6 == 1 || third >> 3 & 7 != 0) {
        return None;
    }
    Some(if version > 10 { (1, fifth >> 6, fifth >> 1 & 7) } else { (0, fifth >> 6, seventh >> 5) })
}

/// FFmpeg's own reader of what stands before pictures.
struct HeaderReader {
    parser: *mut ffi::AVCodecParserContext,
    context: codec::Context,
}

impl HeaderReader {
    fn open(stream: &Stream) -> Option<Self> {
        let context = codec::Context::from_parameters(stream.parameters()).ok()?;
        // SAFETY: makes a parser of our own, or null.
        let parser = unsafe { ffi::av_parser_init(parameters(stream).codec_id as i32) };
        if parser.is_null() {
            return None;
        }
        // SAFETY: not null; packets come whole.
        unsafe { (*parser).flags |= ffi::PARSER_FLAG_COMPLETE_FRAMES };
        Some(Self { parser, context })
    }

    /// The size of the picture in a packet.
    fn size(&mut self, packet: &Packet) -> Option<(i32, i32)> {
        let data = packet.data()?;
        let length = i32::try_from(data.len()).ok()?;
        let (mut out, mut out_length) = (ptr::null_mut(), 0);
        // SAFETY: parser and context are alive; the data are as long as is said, with the zeros behind them that packets have. What it gives is not read.
        let (width, height) = unsafe {
            let context = self.context.as_mut_ptr();
            ffi::av_parser_parse2(self.parser, context, &mut out, &mut out_length, data.as_ptr(), length, 0, 0, 0);
            ((*self.parser).width, (*self.parser).height)
        };
        (width > 0 && height > 0).then_some((width, height))
    }
}

impl Drop for HeaderReader {
    fn drop(&mut self) {
        // SAFETY: ours, and closed once.
        unsafe { ffi::av_parser_close(self.parser) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_damaged_packet_is_no_change() {
        let (stereo, mono) = ((1, 4, 2), (1, 3, 1));
        let table: [(&[Header], bool); 5] = [
            (&[stereo, stereo, stereo], false),
            (&[stereo, mono, stereo, mono, stereo], false),
            (&[stereo, (3, 4, 2), (2, 4, 2)], false),
            (&[stereo, stereo, mono, mono], true),
            (&[mono, stereo, stereo], true),
        ];
        for (headers, expected) in table {
            let mut heard = Heard::default();
            assert_eq!(headers.iter().any(|header| heard.differs(*header)), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_header_says_what_follows() {
        type Reader = fn(&[u8]) -> Option<Header>;
        let table: [(&str, Reader, &[u8], _); 11] = [
            ("LC, 44.1 kHz, two channels", of_aac, &[0xff, 0xf1, 0x50, 0x80, 0], Some((1, 4, 2))),
            ("MPEG-2, LC, 48 kHz, one channel", of_aac, &[0xff, 0xf9, 0x4c, 0x40, 0], Some((1, 3, 1))),
            ("six channels", of_aac, &[0xff, 0xf1, 0x4d, 0x80, 0], Some((1, 3, 6))),
            ("MP3 is no AAC", of_aac, &[0xff, 0xfb, 0x90, 0x64, 0], None),
            ("no header at all", of_aac, &[0x21, 0x10], None),
            ("MP3, 44.1 kHz, joint stereo", of_mpeg, &[0xff, 0xfb, 0x90, 0x64], Some((13, 0, 0))),
            ("the same as plain stereo", of_mpeg, &[0xff, 0xfb, 0x90, 0x04], Some((13, 0, 0))),
            ("MP2, 48 kHz, one channel", of_mpeg, &[0xff, 0xfd, 0xa4, 0xc0], Some((14, 1, 1))),
            ("AC-3, 48 kHz, 3/2", of_ac3, &[0x0b, 0x77, 0, 0, 0x1e, 0x40, 0xe1], Some((0, 0, 7))),
            ("E-AC-3, 48 kHz, 2/0", of_ac3, &[0x0b, 0x77, 0, 0, 0x34, 0x80, 0], Some((1, 0, 2))),
            ("more channels of it", of_ac3, &[0x0b, 0x77, 0x40, 0, 0x34, 0x80, 0], None),
        ];
        for (name, read, bytes, expected) in table {
            assert_eq!(read(bytes), expected, "{name}");
        }
    }
}
