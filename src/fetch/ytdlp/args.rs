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
    let mut arguments = of_metadata(config, info, folder);
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

/// Arguments that download the one stream which the metadata in `info` describes into the file `name` of `folder`. The file is only ever appended
/// to, under its own name, and what was noted by an earlier run is gone on with. Each piece that comes prints a line.
pub(super) fn track(config: &FetchConfig, info: &Path, folder: &Path, name: &str) -> Vec<OsString> {
    let mut arguments = of_metadata(config, info, folder);
    arguments.extend(texts(["--output", name, "--format", "b*", "--no-playlist", "--no-mtime", "--no-write-info-json"]));
    arguments.extend(texts(["--continue", "--no-part", "--fixup", "never", "--hls-prefer-native", "--progress", "--newline"]));
    arguments.extend(texts([
        "--progress-template",
        "download:PJ %(progress.{status,filename,downloaded_bytes,total_bytes,total_bytes_estimate,fragment_index,fragment_count})j",
    ]));
    arguments.extend(config.yt_dlp_args.iter().map(OsString::from));
    arguments
}

/// Arguments that write the subtitles in this language which the metadata in `info` names, as `<stem>.<language>.<kind>` in `folder`, and nothing else.
pub(super) fn subtitles(config: &FetchConfig, info: &Path, folder: &Path, stem: &str, language: &str) -> Vec<OsString> {
    let mut arguments = of_metadata(config, info, folder);
    arguments.extend(texts(["--output", &format!("{stem}.%(ext)s"), "--no-playlist", "--no-mtime", "--no-write-info-json"]));
    arguments.extend(texts(["--skip-download", "--write-subs", "--sub-format", "best", "--sub-langs", language]));
    arguments.extend(config.yt_dlp_args.iter().map(OsString::from));
    arguments
}

/// What all share that begins with metadata of an earlier run and writes into `folder`.
fn of_metadata(config: &FetchConfig, info: &Path, folder: &Path) -> Vec<OsString> {
    let mut arguments = common(config);
    arguments.extend([OsString::from("--load-info-json"), info.into()]);
    for kind in ["home:", "temp:"] {
        let mut path = OsString::from(kind);
        path.push(folder);
        arguments.extend([OsString::from("--paths"), path]);
    }
    arguments
}

/// Who may fetch the streams that yt-dlp finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hands {
    /// We ourselves, where a web server has the file.
    Ours,
    /// A yt-dlp process for each stream: the settings say something of the network that only yt-dlp can follow.
    ForEach,
    /// One yt-dlp process for all: the settings may ask for other streams or other work on the file.
    ForAll,
}

/// Who may fetch, with these arguments of the settings.
pub(super) fn hands(arguments: &[String]) -> Hands {
    let mut hands = Hands::Ours;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let (name, has_value) = argument.split_once('=').map_or((argument.as_str(), false), |(name, _)| (name, true));
        let known = KNOWN.iter().find(|(_, _, names)| names.contains(&name));
        let Some((needs, takes_value, _)) = known else { return Hands::ForAll };
        if *takes_value && !has_value {
            arguments.next();
        }
        hands = hands.max(*needs);
    }
    hands
}

/// Arguments that leave the streams and their files as they are: who has to fetch then, whether a value follows, and their names
/// (<https://github.com/yt-dlp/yt-dlp#usage-and-options>).
const KNOWN: [(Hands, bool, &[&str]); 4] = [
    (
        Hands::Ours,
        true,
        &[
            "--cookies",
            "--cookies-from-browser",
            "--username",
            "-u",
            "--password",
            "-p",
            "--twofactor",
            "-2",
            "--video-password",
            "--netrc-location",
            "--netrc-cmd",
            "--extractor-args",
            "--extractor-retries",
            "--user-agent",
            "--referer",
            "--add-headers",
            "--js-runtimes",
            "--plugin-dirs",
            "--remote-components",
            "--geo-verification-proxy",
            "--xff",
            "--cache-dir",
            "--ffmpeg-location",
            "--sleep-requests",
        ],
    ),
    (Hands::Ours, false, &["--netrc", "-n", "--no-cache-dir", "--verbose", "-v", "--no-js-runtimes", "--no-remote-components"]),
    (
        Hands::ForEach,
        true,
        &[
            "--proxy",
            "--source-address",
            "--limit-rate",
            "-r",
            "--throttled-rate",
            "--impersonate",
            "--http-chunk-size",
            "--client-certificate",
            "--client-certificate-key",
            "--client-certificate-password",
            "--concurrent-fragments",
            "-N",
        ],
    ),
    (
        Hands::ForEach,
        false,
        &["--force-ipv4", "-4", "--force-ipv6", "-6", "--no-check-certificates", "--legacy-server-connect", "--prefer-insecure"],
    ),
];

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
        Choice::Video | Choice::Pieces => "bv*+ba/b/bv*/ba",
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
    fn settings_decide_who_fetches() {
        let table: [(&[&str], Hands); 8] = [
            (&[], Hands::Ours),
            (&["--cookies", "--proxy"], Hands::Ours), // a file of that name
            (&["--cookies=c.txt", "-v"], Hands::Ours),
            (&["--proxy", "socks5://localhost"], Hands::ForEach),
            (&["-4", "--cookies", "c.txt"], Hands::ForEach),
            (&["--recode-video", "mkv"], Hands::ForAll),
            (&["-4", "-x"], Hands::ForAll),
            (&["stray"], Hands::ForAll),
        ];
        for (arguments, expected) in table {
            let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            assert_eq!(hands(&arguments), expected, "{arguments:?}");
        }
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
