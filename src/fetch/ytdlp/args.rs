//! The arguments of yt-dlp.
//!
//! In: settings, the choice, a folder. Out: arguments. Must not: start anything; put a name from outside into a path.

use std::ffi::OsString;
use std::path::Path;

use crate::config::FetchConfig;
use crate::model::{Choice, Link};

/// Stem of every file that a download makes; what follows is yt-dlp's (`media.mp4`, `media.f137.mp4.part`).
pub(super) const STEM: &str = "media";

/// Seconds between two lines of progress.
const PROGRESS_INTERVAL_S: &str = "0.25";

/// Arguments that print the metadata of a link as one JSON object. A list of videos is cut to its first.
pub(super) fn metadata(config: &FetchConfig, link: &Link) -> Vec<OsString> {
    let mut arguments = common(config);
    arguments.extend(texts(["--dump-single-json", "--no-playlist", "--playlist-items", "1"]));
    arguments.extend(texts(selection(Choice::Video, config.max_height)));
    arguments.extend(config.yt_dlp_args.iter().map(OsString::from));
    arguments.extend(texts(["--", link.as_str()]));
    arguments
}

/// Arguments that download what the metadata in `info` describes into `folder`, and print progress and the result as lines.
///
/// Growing files stay `.part` files: yt-dlp appends to them, but takes a merged or repaired one apart again afterwards, and a `.part` is
/// what it goes on with after a break.
pub(super) fn download(config: &FetchConfig, choice: Choice, info: &Path, folder: &Path) -> Vec<OsString> {
    let mut arguments = common(config);
    arguments.extend([OsString::from("--load-info-json"), info.into()]);
    for kind in ["home:", "temp:"] {
        let mut path = OsString::from(kind);
        path.push(folder);
        arguments.extend([OsString::from("--paths"), path]);
    }
    arguments.extend(texts(["--output", &format!("{STEM}.%(ext)s")]));
    arguments.extend(texts(["--no-playlist", "--no-mtime", "--continue", "--part", "--no-write-info-json", "--hls-prefer-native"]));
    arguments.extend(texts(["--merge-output-format", "mp4/mkv"]));
    arguments.extend(texts(selection(choice, config.max_height)));
    arguments.extend(texts(["--progress", "--newline", "--progress-delta", PROGRESS_INTERVAL_S]));
    arguments.extend(texts([
        "--progress-template",
        "download:PJ %(progress.{status,filename,downloaded_bytes,total_bytes,total_bytes_estimate})j",
    ]));
    arguments.extend(texts(["--print", "before_dl:SEL %(requested_formats.:.{filesize,filesize_approx})j"]));
    arguments.extend(texts(["--print", "after_move:FP %(filepath)j"]));
    arguments.extend(config.yt_dlp_args.iter().map(OsString::from));
    arguments
}

fn common(config: &FetchConfig) -> Vec<OsString> {
    let timeout = config.stall_timeout_s.to_string();
    let retries = config.resume_attempts.to_string();
    let mut arguments = texts(["--ignore-config", "--no-update", "--no-warnings", "--color", "never"]);
    arguments.extend(texts([
        "--socket-timeout",
        &timeout,
        "--retries",
        &retries,
        "--fragment-retries",
        &retries,
        "--abort-on-unavailable-fragments",
    ]));
    arguments
}

/// Which streams are taken. `res` counts the shorter side, so that an upright video is not taken for a tall one; within the size H.264
/// and AAC come first, because every client plays them and nothing has to be re-encoded
/// (<https://github.com/yt-dlp/yt-dlp#sorting-formats>).
fn selection(choice: Choice, max_height: u32) -> [String; 4] {
    let streams = match choice {
        Choice::Video => "bv*+ba/b/bv*/ba",
        Choice::Audio => "ba[ext=m4a]/ba/b",
    };
    ["--format".into(), streams.into(), "--format-sort".into(), format!("res:{max_height},vcodec:h264,acodec:aac")]
}

fn texts<T: AsRef<str>>(arguments: impl IntoIterator<Item = T>) -> Vec<OsString> {
    arguments.into_iter().map(|argument| OsString::from(argument.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::tests::config;

    #[test]
    fn a_link_is_never_an_option_and_settings_come_after_ours() {
        let config = FetchConfig { yt_dlp_args: vec!["--cookies".into(), "c.txt".into()], max_height: 720, ..config() };
        let arguments = metadata(&config, &Link::parse("https://example.org/-x").unwrap());
        let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
        assert_eq!(texts[texts.len() - 4..], ["--cookies", "c.txt", "--", "https://example.org/-x"]);
        assert!(texts.contains(&"res:720,vcodec:h264,acodec:aac"));
        assert_eq!(texts[0], "--ignore-config");
    }

    #[test]
    fn a_download_stays_in_its_folder() {
        let arguments = download(&config(), Choice::Audio, Path::new("/w/job-1/info.json"), Path::new("/w/job-1"));
        let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
        for expected in ["home:/w/job-1", "temp:/w/job-1", "media.%(ext)s", "ba[ext=m4a]/ba/b", "/w/job-1/info.json"] {
            assert!(texts.contains(&expected), "{expected}");
        }
    }
}
