//! Opens a file of strangers for reading, and picks its streams.
//!
//! In: a path. Out: a demuxer that sees the bytes of that one file and nothing else. Must not: give FFmpeg a path or a protocol: a playlist
//! inside the file finds nothing that it could open.

use std::fs::File;
use std::path::Path;

use ffmpeg::ffi;
use ffmpeg::format::context::{Input, StreamIo};
use ffmpeg::format::stream::{Disposition, Stream};
use ffmpeg::media::Type;
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkResult};

/// Containers that people send. Left out: playlists and everything that points to other files (hls, dash, concat, sdp, image2).
const FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,live_flv,asf,ogg,mp3,aac,wav,w64,flac,aiff,ac3,eac3,dts,dtshd,\
truehd,mlp,amr,amrnb,amrwb,caf,ape,wv,tta,tak,au,voc,mpc,mpc8,rm,mxf,mxf_opatom,nut,ivf,h264,hevc,m4v,mpegvideo,mpegtsraw,obu,av1,dv,wtv,gxf,\
yuv4mpegpipe,gif,apng,nsv,smk,bink,roq,swf,dsf,iff,oma,xwma,adx,vc1,mjpeg,jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,tiff_pipe,jpegxl_pipe,\
j2k_pipe,psd_pipe,qoi_pipe,pam_pipe,ppm_pipe,pgm_pipe,svg_pipe";

/// Bytes and microseconds that are looked at to find all streams.
const PROBE_BYTES: &str = "20000000";
const PROBE_US: &str = "10000000";
const BUFFER_BYTES: usize = 256 << 10;

/// Opens a file. The inner result is what FFmpeg says of it.
pub(super) fn open(path: &Path) -> WorkResult<Result<Input, ffmpeg::Error>> {
    let file = File::open(path).blame_us("opening the input")?;
    let io = StreamIo::from_read_seek_with_capacity(file, BUFFER_BYTES).blame_us("reading the input")?;
    let mut options = ffmpeg::Dictionary::new();
    options.set("protocol_whitelist", "none");
    options.set("format_whitelist", FORMATS);
    options.set("fflags", "+genpts");
    options.set("probesize", PROBE_BYTES);
    options.set("analyzeduration", PROBE_US);
    Ok(ffmpeg::format::input_from_stream(io, None, Some(options)))
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

fn displayed(width: u32, height: u32, shape: (i32, i32), rotation: u16) -> (u32, u32) {
    let ratio = if shape.0 > 0 && shape.1 > 0 { f64::from(shape.0) / f64::from(shape.1) } else { 1.0 };
    // Outside of these bounds it is damage, not a shape.
    let ratio = if (0.1..=10.0).contains(&ratio) { ratio } else { 1.0 };
    let width = (f64::from(width) * ratio).round() as u32;
    if rotation.is_multiple_of(180) { (width, height) } else { (height, width) }
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
