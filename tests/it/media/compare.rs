//! Compares what two files show and play, decoded by the `ffmpeg` program. In: paths. Out: hashes, decibels, samples. Must not: be used by the product.

use std::path::Path;
use std::process::Command;

use super::clips::number;

fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    let result = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin"])
        .args(arguments)
        .output()
        .expect("the ffmpeg program is installed for tests");
    assert!(result.status.success(), "ffmpeg {arguments:?}: {}", String::from_utf8_lossy(&result.stderr));
    result.stdout
}

fn name(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// Hashes of all frames as they are decoded, in the order in which they are shown; not turned upright.
pub(super) fn frames(path: &Path) -> Vec<String> {
    let arguments =
        ["-noautorotate", "-i", name(path), "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framehash", "-hash", "md5", "-"];
    let text = String::from_utf8(ffmpeg(&arguments)).expect("text");
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| Some(line.rsplit(',').next()?.trim().to_owned())).collect()
}

/// When each frame is shown, in seconds from the start of the file as players count them.
pub(super) fn times_s(path: &Path) -> Vec<f64> {
    let result = Command::new("ffprobe")
        .args([
            "-loglevel",
            "error",
            "-select_streams",
            "v:0",
            "-show_entries",
            "format=start_time:frame=pts_time",
            "-of",
            "json",
            name(path),
        ])
        .output()
        .expect("the ffprobe program is installed for tests");
    let told: serde_json::Value = serde_json::from_slice(&result.stdout).expect("ffprobe writes JSON");
    let start_s = number(&told["format"]["start_time"]);
    told["frames"].as_array().expect("frames").iter().map(|frame| number(&frame["pts_time"]) - start_s).collect()
}

/// When each packet of sound is heard, in seconds.
pub(super) fn sound_times_s(path: &Path) -> Vec<f64> {
    let result = Command::new("ffprobe")
        .args(["-loglevel", "error", "-select_streams", "a:0", "-show_entries", "packet=pts_time", "-of", "json", name(path)])
        .output()
        .expect("the ffprobe program is installed for tests");
    let told: serde_json::Value = serde_json::from_slice(&result.stdout).expect("ffprobe writes JSON");
    told["packets"].as_array().expect("packets").iter().map(|packet| number(&packet["pts_time"])).collect()
}

/// How like the frames of a file are to those of another one from its frame `first` on, in decibels each (PSNR); 99 if they are the same.
pub(super) fn likeness(path: &Path, source: &Path, first: usize) -> Vec<f64> {
    let count = frames(path).len();
    let graph = format!(
        "[0:v]settb=1/25,setpts=N[a];[1:v]format=yuv420p,trim=start_frame={first}:end_frame={},settb=1/25,setpts=N[b];[a]format=yuv420p[c];\
         [c][b]psnr=stats_file=-",
        first + count
    );
    let text =
        ffmpeg(&["-noautorotate", "-i", name(path), "-noautorotate", "-i", name(source), "-lavfi", &graph, "-f", "null", "/dev/null"]);
    let text = String::from_utf8(text).expect("text");
    let of_line = |line: &str| {
        let value = line.split_whitespace().find_map(|word| word.strip_prefix("psnr_avg:"))?;
        if value == "inf" { Some(99.0) } else { value.parse().ok() }
    };
    text.lines().filter_map(of_line).collect()
}

/// The number of the frame that a picture is most like.
pub(super) fn nearest(picture: &Path, film: &Path) -> usize {
    let graph = "[0:v]settb=1/25,setpts=N,format=yuv420p[a];[1:v]settb=1/25,setpts=N,format=yuv420p[b];[a][b]psnr=shortest=1:stats_file=-";
    let told = ffmpeg(&["-loop", "1", "-i", name(picture), "-i", name(film), "-lavfi", graph, "-f", "null", "/dev/null"]);
    let of_line = |line: &str| line.split_whitespace().find_map(|word| word.strip_prefix("psnr_avg:"))?.parse::<f64>().ok();
    let told = String::from_utf8(told).expect("text");
    let decibels = told.lines().filter_map(of_line).enumerate();
    decibels.max_by(|(_, one), (_, other)| one.total_cmp(other)).expect("frames").0
}

/// All that is heard, at 48 kHz in one channel.
pub(super) fn heard(path: &Path) -> Vec<f32> {
    let bytes = ffmpeg(&["-i", name(path), "-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]);
    bytes.chunks_exact(4).map(|sample| f32::from_le_bytes([sample[0], sample[1], sample[2], sample[3]])).collect()
}

/// The same, each sample at the time that the file says, as players keep sound beside pictures: what overlaps is left out, and where there is nothing there is silence.
pub(super) fn heard_by_the_clock(path: &Path) -> Vec<f32> {
    let clock = "aresample=48000:async=1:min_hard_comp=0.005:first_pts=0";
    let bytes = ffmpeg(&["-i", name(path), "-map", "0:a:0", "-af", clock, "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]);
    bytes.chunks_exact(4).map(|sample| f32::from_le_bytes([sample[0], sample[1], sample[2], sample[3]])).collect()
}

/// By how many samples what is heard in a file comes later than in another one from its sample `from` on. Measured at the start, or where the file is too
/// short for that, nowhere: 0.
pub(super) fn lag(part: &[f32], whole: &[f32], from: usize) -> i64 {
    const WINDOW: usize = 4096;
    const REACH: i64 = 3000;
    let begin = REACH as usize;
    if part.len() < begin + WINDOW + REACH as usize {
        return 0;
    }
    let wanted = &whole[from + begin..from + begin + WINDOW];
    // From the middle outwards, each no further than the best one before it: a test has no time for all of them.
    let (mut best, mut lag) = (f32::INFINITY, 0);
    for candidate in (0..=REACH).flat_map(|step| [step, -step]) {
        let at = (begin as i64 + candidate) as usize;
        let mut difference = 0.0;
        for (one, other) in wanted.iter().zip(&part[at..at + WINDOW]) {
            difference += (one - other) * (one - other);
            if difference >= best {
                break;
            }
        }
        if difference < best {
            (best, lag) = (difference, candidate);
        }
    }
    lag
}
