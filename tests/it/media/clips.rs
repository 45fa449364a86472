//! Makes clips and looks at results. In: arguments for the `ffmpeg` and `ffprobe` programs. Out: files, JSON. Must not: be used by the product.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tgferry::model::{MediaKind, Prepared};

/// Two seconds of moving picture.
pub(super) const PICTURE: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2"];
/// Two seconds of sound.
pub(super) const TONE: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2"];
/// What plays everywhere.
pub(super) const H264: &[&str] = &["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
pub(super) const AAC: &[&str] = &["-c:a", "aac", "-ac", "2"];
pub(super) const FASTSTART: &[&str] = &["-movflags", "+faststart"];

/// Runs `ffmpeg` with the pieces of a command line and writes to `output`.
pub(super) fn make(output: &Path, pieces: &[&[&str]]) {
    let arguments = pieces.iter().flat_map(|piece| piece.iter());
    let result = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-threads", "1"])
        .args(arguments)
        .arg(output)
        .output()
        .expect("the ffmpeg program is installed for tests");
    assert!(result.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&result.stderr));
}

/// What `ffprobe` says of a file.
pub(super) fn probe(path: &Path) -> Value {
    let result = Command::new("ffprobe")
        .args(["-hide_banner", "-loglevel", "error", "-show_format", "-show_streams", "-count_packets", "-of", "json"])
        .arg(path)
        .output()
        .expect("the ffprobe program is installed for tests");
    assert!(result.status.success(), "ffprobe: {}", String::from_utf8_lossy(&result.stderr));
    serde_json::from_slice(&result.stdout).expect("ffprobe writes JSON")
}

/// The first stream of a kind that is no cover.
pub(super) fn stream<'a>(probed: &'a Value, kind: &str) -> Option<&'a Value> {
    probed["streams"].as_array()?.iter().find(|stream| stream["codec_type"] == kind && stream["disposition"]["attached_pic"] == 0)
}

/// The file decodes from start to end without a complaint.
pub(super) fn assert_decodes(path: &Path) {
    let result = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-xerror", "-i"])
        .arg(path)
        .args(["-f", "null", "-"])
        .output()
        .expect("the ffmpeg program is installed for tests");
    let complaints = String::from_utf8_lossy(&result.stderr);
    assert!(result.status.success() && complaints.is_empty(), "{}: {complaints}", path.display());
}

/// H.264 4:2:0 with AAC or nothing, in MP4 with the index in front, measures as told, with a thumbnail within bounds.
pub(super) fn assert_plays_everywhere(prepared: &Prepared) {
    assert_eq!(prepared.kind, MediaKind::Video);
    assert_eq!(prepared.mime, "video/mp4");
    assert!(prepared.file_name.ends_with(".mp4"), "{}", prepared.file_name);
    assert_eq!(prepared.size_bytes, std::fs::metadata(&prepared.path).expect("it is there").len());
    let probed = probe(&prepared.path);
    let video = stream(&probed, "video").expect("a picture");
    assert_eq!(video["codec_name"], "h264");
    assert!(video["pix_fmt"] == "yuv420p" || video["pix_fmt"] == "yuvj420p", "{video}");
    if let Some(audio) = stream(&probed, "audio") {
        assert_eq!(audio["codec_name"], "aac");
    }
    assert!(probed["format"]["format_name"].as_str().expect("a name").contains("mp4"));
    assert!(index_in_front(&prepared.path), "the index stands in front");
    let duration_s: f64 = probed["format"]["duration"].as_str().expect("a length").parse().expect("a number");
    assert!((f64::from(prepared.duration_s) - duration_s).abs() <= 1.0, "{} against {duration_s}", prepared.duration_s);
    assert_decodes(&prepared.path);
    assert_thumbnail(prepared, (prepared.width, prepared.height));
}

/// A JPEG of at most 320 pixels and 200 kB, in the shape of the picture.
pub(super) fn assert_thumbnail(prepared: &Prepared, (width, height): (u32, u32)) {
    let path = prepared.thumbnail.as_deref().expect("a thumbnail");
    assert!(std::fs::metadata(path).expect("it is there").len() <= 200_000);
    assert!(std::fs::read(path).expect("it reads").starts_with(b"\xff\xd8\xff"));
    let probed = probe(path);
    let picture = stream(&probed, "video").expect("a picture");
    assert_eq!(picture["codec_name"], "mjpeg");
    let (small_width, small_height) = (number(&picture["width"]), number(&picture["height"]));
    assert!(small_width <= 320.0 && small_height <= 320.0, "{small_width} x {small_height}");
    let (expected, shape) = (f64::from(width) / f64::from(height), small_width / small_height);
    assert!((shape / expected - 1.0).abs() < 0.05, "shape {shape}, expected {expected}");
}

/// One packet of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PacketLine {
    pub(super) stream: u32,
    /// Decoding time, time of display and length, as FFmpeg prints them.
    pub(super) times: [String; 3],
    /// Of the content.
    pub(super) hash: String,
}

/// All packets of picture and sound, stream by stream.
pub(super) fn packets(path: &Path) -> Vec<PacketLine> {
    let result = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i"])
        .arg(path)
        .args(["-map", "0:v?", "-map", "0:a?", "-c", "copy", "-f", "framehash", "-hash", "md5", "-"])
        .output()
        .expect("the ffmpeg program is installed for tests");
    assert!(result.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&result.stderr));
    let text = String::from_utf8_lossy(&result.stdout).into_owned();
    let mut packets: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).map(packet_line).collect();
    packets.sort_by_key(|packet| packet.stream);
    assert!(!packets.is_empty(), "{}", path.display());
    packets
}

/// `stream, dts, pts, duration, size, hash` (<https://ffmpeg.org/ffmpeg-formats.html#framehash>).
fn packet_line(line: &str) -> PacketLine {
    let mut fields = line.split(',').map(|field| field.trim().to_owned());
    let mut next = || fields.next().unwrap_or_else(|| panic!("a short line: {line}"));
    let stream = next().parse().expect("a number");
    let times = [next(), next(), next()];
    let _size = next();
    PacketLine { stream, times, hash: next() }
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

pub(super) fn index_in_front(path: &Path) -> bool {
    let bytes = std::fs::read(path).expect("it reads");
    let find = |kind: &[u8]| bytes.windows(4).position(|window| window == kind);
    matches!((find(b"moov"), find(b"mdat")), (Some(index), Some(media)) if index < media)
}
