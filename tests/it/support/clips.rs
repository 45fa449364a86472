//! Media files for tests, made once by the `ffmpeg` program and kept in the target directory.
//!
//! In: a name and the arguments. Out: a path. Must not: be changed by a test; copies are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Two seconds of 320x180 H.264/AAC, index in front: passes as it is.
pub fn small() -> PathBuf {
    clip("small.mp4", &format!("{} -t 2 {} -movflags +faststart", picture("320x180"), H264))
}

/// The same with the index at the end: needs a remux.
pub fn index_behind() -> PathBuf {
    clip("index-behind.mp4", &format!("{} -t 2 {}", picture("320x180"), H264))
}

/// VP9 and Opus, long enough that its transcoding can be met under way.
pub fn vp9() -> PathBuf {
    clip("vp9.webm", &format!("{} -t 20 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M -c:a libopus", picture("1280x720")))
}

/// More than 50 MB of H.264/AAC: goes by the user account.
pub fn big() -> PathBuf {
    clip(
        "big.mp4",
        &format!(
            "{} -t 12 -c:v libx264 -preset ultrafast -b:v 40M -minrate 40M -maxrate 40M -bufsize 8M -nal-hrd cbr -pix_fmt yuv420p -c:a aac -movflags +faststart",
            picture("640x360")
        ),
    )
}

/// About 12 MB of H.264/AAC with the index in front: more than a file that goes up by small parts.
pub fn medium() -> PathBuf {
    clip("medium.mp4", &format!("{} {MEDIUM} -movflags +faststart", picture("640x360")))
}

/// The same with two key frames a second: can be cut into pieces.
pub fn in_short_stretches() -> PathBuf {
    clip("in-short-stretches.mp4", &format!("{} {MEDIUM} -g 12 -movflags +faststart", picture("640x360")))
}

/// Three megabytes of noise, which bears no compression, with eight key frames a second.
pub fn noise() -> PathBuf {
    clip(
        "noise-g3.mp4",
        "-f lavfi -i testsrc2=size=640x360:rate=25,noise=alls=100:allf=t -f lavfi -i sine=frequency=440:sample_rate=44100 -t 5 \
         -c:v libx264 -preset ultrafast -b:v 4M -maxrate 4M -bufsize 1M -g 3 -pix_fmt yuv420p -c:a aac -movflags +faststart",
    )
}

/// The same with the index at the end.
pub fn medium_index_behind() -> PathBuf {
    clip("medium-index-behind.mp4", &format!("{} {MEDIUM}", picture("640x360")))
}

/// The same as a transport stream, such as live streams leave behind.
pub fn medium_transport_stream() -> PathBuf {
    clip("medium.ts", &format!("{} {MEDIUM}", picture("640x360")))
}

/// Two minutes and about 12 MB of H.264/AAC as MKV, whose header says that it is a second long.
pub fn lying_about_its_length() -> PathBuf {
    let honest = clip(
        "two-minutes.mkv",
        &format!("{} -t 120 {H264} -nal-hrd cbr -b:v 800k -minrate 800k -maxrate 800k -bufsize 400k", picture("160x120")),
    );
    let path = honest.with_file_name("lying.mkv");
    if !path.exists() {
        let mut bytes = std::fs::read(&honest).unwrap();
        // The element Duration, a double of 8 bytes (https://www.matroska.org/technical/elements.html).
        let element = bytes.windows(3).position(|window| window == b"\x44\x89\x88").expect("a length");
        bytes[element + 3..element + 11].copy_from_slice(&1000_f64.to_be_bytes());
        let making = path.with_extension(std::process::id().to_string());
        std::fs::write(&making, bytes).unwrap();
        std::fs::rename(&making, &path).unwrap();
    }
    path
}

/// The picture of the film of about 12 MB, apart from its sound.
pub fn medium_picture() -> PathBuf {
    clip("medium-picture.mp4", &format!("-i {} -map 0:v -c copy -movflags +faststart", medium().display()))
}

/// Its sound.
pub fn medium_sound() -> PathBuf {
    clip("medium-sound.m4a", &format!("-i {} -map 0:a -c copy -movflags +faststart", medium().display()))
}

/// A song with a title.
pub fn song() -> PathBuf {
    clip("song.mp3", "-f lavfi -i sine=frequency=440:duration=3 -c:a libmp3lame -metadata title=Lighthouse -metadata artist=Ferrymen")
}

const MEDIUM: &str =
    "-t 5 -c:v libx264 -preset ultrafast -b:v 20M -minrate 20M -maxrate 20M -bufsize 4M -nal-hrd cbr -pix_fmt yuv420p -c:a aac";
const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac";

fn picture(size: &str) -> String {
    format!("-f lavfi -i testsrc2=size={size}:rate=25 -f lavfi -i sine=frequency=440:sample_rate=44100")
}

fn clip(name: &str, arguments: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clips-1");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    if !path.exists() {
        // Several tests may make it at once: each its own, the last rename wins, all are equal.
        let making = folder.join(format!("{}-{name}", std::process::id()));
        let made = Command::new("ffmpeg")
            .args(["-hide_banner", "-loglevel", "error", "-y", "-nostdin"])
            .args(arguments.split_whitespace())
            .arg(&making)
            .status()
            .expect("the tests need the ffmpeg program");
        assert!(made.success(), "ffmpeg {arguments}");
        std::fs::rename(&making, &path).unwrap();
    }
    path
}
