//! Opens a file of strangers for reading, and picks its streams.
//!
//! In: a path, or an input that is still growing. Out: a demuxer that sees the bytes of that one file and nothing else. Must not: give FFmpeg a path or a protocol: a playlist
//! inside the file finds nothing that it could open.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use ffmpeg::ffi;
use ffmpeg::format::context::{Input, StreamIo};
use ffmpeg::format::stream::{Disposition, Stream};
use ffmpeg::media::Type;
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkResult};
use super::feed::{Origin, OriginReader};
use crate::media::boxes;
use crate::model::Hdr;

/// Containers that people send. Left out: playlists and everything that points to other files (hls, dash, concat, sdp, image2).
const FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,live_flv,asf,ogg,mp3,aac,wav,w64,flac,aiff,ac3,eac3,dts,dtshd,\
truehd,mlp,amr,amrnb,amrwb,caf,ape,wv,tta,tak,au,voc,mpc,mpc8,rm,mxf,mxf_opatom,nut,ivf,h264,hevc,m4v,mpegvideo,mpegtsraw,obu,av1,dv,wtv,gxf,\
yuv4mpegpipe,gif,apng,nsv,smk,bink,roq,swf,dsf,iff,oma,xwma,adx,vc1,mjpeg,jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,tiff_pipe,jpegxl_pipe,\
j2k_pipe,psd_pipe,qoi_pipe,pam_pipe,ppm_pipe,pgm_pipe,svg_pipe";

/// Files that are nothing but subtitles. Each says what is shown in itself.
const TEXT_FORMATS: &str = "srt,webvtt,ass";

/// Those that are nothing but packets of sound.
const CLOCKLESS: [&str; 6] = ["aac", "mp3", "ac3", "eac3", "dts", "loas"];

/// Bytes and microseconds that are looked at to find all streams.
const PROBE_BYTES: &str = "20000000";
const PROBE_US: &str = "10000000";
const BUFFER_BYTES: usize = 256 << 10;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// At any place, also at the end to learn its length.
    Anywhere,
    /// At any place, but not beyond the index that stands behind the media.
    ToIndex,
    /// From start to end: what stands at the end is not looked for.
    InOneGo,
}

/// Opens a file. The inner result is what FFmpeg says of it.
pub(super) fn open(path: &Path) -> WorkResult<Result<Input, ffmpeg::Error>> {
    let file = File::open(path).blame_us("opening the input")?;
    open_reader(file, Reading::Anywhere, FORMATS)
}

/// Opens a file of subtitles.
pub(super) fn reopen_text(path: &Path) -> WorkResult<Input> {
    let file = File::open(path).blame_us("opening the subtitles")?;
    open_reader(file, Reading::Anywhere, TEXT_FORMATS)?.blame_file("reading the subtitles")
}

/// Opens an input so that it is read from start to end wherever its container allows that; where it does not, its end is asked for first. A file that
/// is whole and one that is still growing are read alike: what is made of them must be the same.
pub(super) fn open_in_one_go(origin: &Origin) -> WorkResult<Result<Input, ffmpeg::Error>> {
    let (mut reader, reading) = begin(origin)?;
    reader.rewind().blame_us("reading the input")?;
    open_reader(reader, reading, FORMATS)
}

/// True if it makes no difference whether such an input is opened in one go or not.
pub(super) fn is_read_anywhere(origin: &Origin) -> WorkResult<bool> {
    Ok(begin(origin)?.1 == Reading::Anywhere)
}

fn begin(origin: &Origin) -> WorkResult<(OriginReader, Reading)> {
    let mut reader = origin.reader().blame_us("opening the input")?;
    let reading = reading_of(&mut reader).blame_us("looking at the input")?;
    Ok((reader, reading))
}

/// By the first bytes. What is not known here is read as FFmpeg likes.
fn reading_of(reader: &mut OriginReader) -> std::io::Result<Reading> {
    let mut start = Vec::new();
    reader.take(3 * 192).read_to_end(&mut start)?;
    let is_packet = |size: usize, skip: usize| (0..3).all(|index| start.get(index * size + skip) == Some(&0x47));
    let is_boxes = matches!(start.get(4..8), Some(b"ftyp" | b"moov" | b"mdat" | b"free" | b"skip" | b"wide"));
    if is_boxes {
        return Ok(if boxes::head(reader)?.media_first { Reading::ToIndex } else { Reading::InOneGo });
    }
    // Matroska and WebM, FLV, MPEG-TS (packets of 188 bytes, or with a time before or check bytes behind).
    let in_one_go = start.starts_with(b"\x1a\x45\xdf\xa3") || start.starts_with(b"FLV\x01") || is_packet(188, 0) || is_packet(192, 4);
    Ok(if in_one_go || is_packet(204, 0) { Reading::InOneGo } else { Reading::Anywhere })
}

fn open_reader(reader: impl Read + Seek + Send + 'static, reading: Reading, formats: &str) -> WorkResult<Result<Input, ffmpeg::Error>> {
    let mut io = StreamIo::from_read_seek_with_capacity(reader, BUFFER_BYTES).blame_us("reading the input")?;
    let mut options = ffmpeg::Dictionary::new();
    options.set("fflags", "+genpts");
    match reading {
        Reading::Anywhere => {}
        Reading::ToIndex => {
            options.set("fflags", "+genpts+ignidx"); // for MP4: does not go on behind the index to the end of the file
            options.set("ignore_chapters", "1"); // they lie anywhere in the media
        }
        // SAFETY: the context is alive and nobody reads yet. Seeking back, which FFmpeg does after a look at the start, works all the same.
        Reading::InOneGo => unsafe { (*io.as_mut_ptr()).seekable = 0 },
    }
    options.set("protocol_whitelist", "none");
    options.set("format_whitelist", formats);
    options.set("probesize", PROBE_BYTES);
    options.set("analyzeduration", PROBE_US);
    Ok(ffmpeg::format::input_from_stream(io, None, Some(options)))
}

/// Opens an input that has been probed before; see [`open_in_one_go`].
pub(super) fn reopen_in_one_go(origin: &Origin) -> WorkResult<Input> {
    open_in_one_go(origin)?.blame_file("reading the container")
}

/// Opens a file that has been probed before.
pub(super) fn reopen(path: &Path) -> WorkResult<Input> {
    open(path)?.blame_file("reading the container")
}

/// The streams that are worked with, by index.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chosen {
    pub(super) video: Option<usize>,
    pub(super) audio: Option<usize>,
    pub(super) cover: Option<usize>,
}

/// Picks the best video that is no cover, the best sound, and a cover.
pub(super) fn choose(input: &Input) -> Chosen {
    let is_cover = |stream: &Stream| stream.disposition().contains(Disposition::ATTACHED_PIC);
    let videos = || input.streams().filter(|stream| medium(stream) == ffi::AVMediaType::AVMEDIA_TYPE_VIDEO);
    let usable = |stream: &Stream| !is_cover(stream) && parameters(stream).codec_id != ffi::AVCodecID::AV_CODEC_ID_NONE;
    let video = input
        .streams()
        .best(Type::Video)
        .filter(usable)
        .or_else(|| videos().filter(usable).max_by_key(|stream| i64::from(parameters(stream).width) * i64::from(parameters(stream).height)))
        .map(|stream| stream.index());
    let audio = input
        .streams()
        .best(Type::Audio)
        .filter(|stream| parameters(stream).sample_rate > 0 && parameters(stream).codec_id != ffi::AVCodecID::AV_CODEC_ID_NONE)
        .map(|stream| stream.index());
    let cover = videos().find(is_cover).map(|stream| stream.index());
    Chosen { video, audio, cover }
}

/// Parameters of a stream, as FFmpeg holds them.
pub(super) fn parameters<'a>(stream: &'a Stream<'a>) -> &'a ffi::AVCodecParameters {
    // SAFETY: codecpar is set for every stream of an open context and lives as long as it, which the borrow of the stream guarantees.
    unsafe { &*(*stream.as_ptr()).codecpar }
}

fn medium(stream: &Stream) -> ffi::AVMediaType {
    parameters(stream).codec_type
}

/// Clockwise rotation for display in degrees: 0, 90, 180 or 270.
pub(super) fn rotation(stream: &Stream) -> u16 {
    let mut size = 0;
    // SAFETY: the stream is alive; the call returns null or a pointer to `size` bytes that live as long as the stream.
    let matrix = unsafe { ffi::av_stream_get_side_data(stream.as_ptr(), ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX, &mut size) };
    if matrix.is_null() || size < 9 * size_of::<i32>() {
        return 0;
    }
    // SAFETY: a display matrix is nine aligned 32-bit numbers, which was checked above.
    let counter_clockwise = unsafe { ffi::av_display_rotation_get(matrix.cast::<i32>()) };
    if !counter_clockwise.is_finite() {
        return 0;
    }
    (((-counter_clockwise / 90.0).round() as i32 * 90).rem_euclid(360)) as u16
}

/// Width and height as displayed: the shape of pixels and the rotation applied.
pub(super) fn display(stream: &Stream) -> (u32, u32) {
    let parameters = parameters(stream);
    let (width, height) = (parameters.width.max(0) as u32, parameters.height.max(0) as u32);
    // SAFETY: reads a plain number of a living stream.
    let of_stream = unsafe { (*stream.as_ptr()).sample_aspect_ratio };
    let of_codec = parameters.sample_aspect_ratio;
    let shape = if of_stream.num > 0 && of_stream.den > 0 { of_stream } else { of_codec };
    displayed(width, height, (shape.num, shape.den), rotation(stream))
}

/// Such a picture as it is displayed.
pub(super) fn displayed(width: u32, height: u32, shape: (i32, i32), rotation: u16) -> (u32, u32) {
    let ratio = if shape.0 > 0 && shape.1 > 0 { f64::from(shape.0) / f64::from(shape.1) } else { 1.0 };
    // Outside of these bounds it is damage, not a shape.
    let ratio = if (0.1..=10.0).contains(&ratio) { ratio } else { 1.0 };
    let width = (f64::from(width) * ratio).round() as u32;
    if rotation.is_multiple_of(180) { (width, height) } else { (height, width) }
}

/// When the file's clock starts, in microseconds.
pub(super) fn start_us(input: &Input) -> i64 {
    // SAFETY: reads a plain number of a living context.
    let start_us = unsafe { (*input.as_ptr()).start_time };
    if start_us == ffi::AV_NOPTS_VALUE { 0 } else { start_us }
}

/// True if the clock may jump on the way, so that a time does not lead to a place.
pub(super) fn may_jump(input: &Input) -> bool {
    // SAFETY: the input format is set for every open context.
    unsafe { (*(*input.as_ptr()).iformat).flags & ffi::AVFMT_TS_DISCONT != 0 }
}

/// True if the pictures are said to be two half pictures each.
pub(super) fn is_interlaced(stream: &Stream) -> bool {
    !matches!(parameters(stream).field_order, ffi::AVFieldOrder::AV_FIELD_PROGRESSIVE | ffi::AVFieldOrder::AV_FIELD_UNKNOWN)
}

/// The curve of brightness, if it goes beyond what a screen of old can show.
pub(super) fn hdr(stream: &Stream) -> Option<Hdr> {
    match parameters(stream).color_trc {
        ffi::AVColorTransferCharacteristic::AVCOL_TRC_SMPTE2084 => Some(Hdr::Pq),
        ffi::AVColorTransferCharacteristic::AVCOL_TRC_ARIB_STD_B67 => Some(Hdr::Hlg),
        _ => None,
    }
}

/// True if the length is only a guess from the file's size and the rates of its streams.
pub(super) fn is_length_guessed(input: &Input) -> bool {
    // SAFETY: reads a plain value of a living context.
    let method = unsafe { (*input.as_ptr()).duration_estimation_method };
    method == ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_BITRATE
}

/// True if the container does not say when its packets are heard, but only what they hold.
pub(super) fn has_no_clock(input: &Input) -> bool {
    CLOCKLESS.contains(&input.format().name())
}

/// Length in seconds, 0 if it is not known or the file is a picture.
pub(super) fn duration_s(input: &Input) -> f64 {
    let duration = input.duration();
    if duration <= 0 || input.format().name().ends_with("_pipe") { 0.0 } else { duration as f64 / f64::from(ffi::AV_TIME_BASE) }
}

#[cfg(test)]
mod tests {
    use super::displayed;

    #[test]
    fn pictures_show_as_they_are_meant() {
        let table = [
            ((320, 180, (1, 1), 0), (320, 180)),
            ((320, 180, (0, 1), 0), (320, 180)),
            ((320, 180, (1, 1), 90), (180, 320)),
            ((320, 180, (1, 1), 180), (320, 180)),
            ((720, 576, (64, 45), 0), (1024, 576)),
            ((720, 576, (64, 45), 270), (576, 1024)),
            ((720, 576, (9000, 1), 0), (720, 576)),
        ];
        for ((width, height, shape, rotation), expected) in table {
            assert_eq!(displayed(width, height, shape, rotation), expected);
        }
    }
}
