//! What the media process can't do: read or write elsewhere, call anybody, write without end; and what becomes of one that hangs or never stops.
//!
//! In: requests as the daemon makes them, some with less than they need. Out: assertions. Must not: weaken what the process does to itself.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::{Value, json};
use tgferry::config::MediaConfig;
use tgferry::media::{Media, SubtitlesRequest, SubtitlesWork};
use tgferry::model::{Choice, Progress, ProgressSender, Reason};
use tokio_util::sync::CancellationToken;

use super::clips::{AAC, H264, PICTURE, TONE, make};
use super::process::{LONG, QUICK, ids_of_users, slow};
use super::{Bench, config};

/// Asks the process as the daemon does; its last word.
fn ask(task: Value, readable: &[&Path], writable: Option<&Path>, file_bytes: u64) -> Value {
    let limits = json!({
        "memory_bytes": 1_u64 << 30, "cpu_s": 50, "file_bytes": file_bytes, "niceness": 0, "hardware": "off", "threads": 1,
        "readable": readable, "writable": writable,
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_tgferry"))
        .arg("media-worker")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{}", json!({ "limits": limits, "task": task })).expect("it listens");
    let output = child.wait_with_output().expect("it ends");
    drop(stdin); // its end would tell the process to go
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().last().map_or(Value::Null, |line| serde_json::from_str(line).expect("it speaks JSON"))
}

fn probe_of(input: &Path) -> Value {
    json!({ "task": "probe", "input": { "path": input, "growing": null }, "head": false })
}

fn remux_of(input: &Path, folder: &Path, output: &Path) -> Value {
    let output = json!({
        "path": output, "container": "mp4", "video": "copy", "audio": "copy", "title": null, "artist": null, "cover": false, "live": false,
        "expected_s": null,
    });
    json!({
        "task": "make", "inputs": [{ "path": input, "growing": null }], "folder": folder, "output": output, "thumbnail": null, "picture": null,
    })
}

#[test]
fn it_reads_what_it_was_given_and_nothing_else() {
    let bench = Bench::new();
    let (given, other) = (bench.path("given.mkv"), bench.path("other.mkv"));
    for path in [&given, &other] {
        make(path, &[PICTURE, TONE, H264, AAC]);
    }
    assert_eq!(ask(probe_of(&given), &[&given], None, 0)["reply"], "probed");
    let refused = ask(probe_of(&other), &[&given], None, 0);
    assert_eq!(refused["reply"], "error", "{refused}");
    assert!(refused["cause"].as_str().is_some_and(|cause| cause.contains("ermission denied")), "{refused}");
}

#[test]
fn it_writes_into_its_folder_and_nowhere_else() {
    let bench = Bench::new();
    let input = bench.path("clip.mkv");
    make(&input, &[PICTURE, TONE, H264, AAC]);
    let folder = bench.path("own");
    std::fs::create_dir(&folder).expect("a folder");
    let inside = ask(remux_of(&input, &folder, &folder.join("made.mp4")), &[&input], Some(&folder), 1 << 30);
    assert_eq!(inside["reply"], "made", "{inside}");
    let outside = bench.path("made.mp4");
    let refused = ask(remux_of(&input, &folder, &outside), &[&input], Some(&folder), 1 << 30);
    assert_eq!(refused["reply"], "error", "{refused}");
    assert!(!outside.exists());
    let unbounded = ask(remux_of(&input, &folder, &folder.join("long.mp4")), &[&input], Some(&folder), 4096);
    assert_ne!(unbounded["reply"], "made", "a file has a largest size: {unbounded}");
    assert!(std::fs::metadata(folder.join("long.mp4")).map_or(0, |metadata| metadata.len()) <= 4096);
}

/// What the daemon gives a child to read that burns text into pictures, beside the files: where libass finds fonts.
const FONTS: [&str; 5] = ["/etc/fonts", "/usr/share/fontconfig", "/usr/share/fonts", "/usr/local/share/fonts", "/var/cache/fontconfig"];

fn burn_in(video: &Path, text: &Path, folder: &Path) -> Value {
    let settings = json!({ "codec": "h264", "preset": "ultrafast", "max_short_side": null, "max_frame_rate": 60.0, "square": false });
    let text = json!({ "path": text, "track": null, "language": null });
    let work = json!({ "burn_in": { "video": video, "text": text, "settings": settings, "crf": 30.0, "audio": "leave" } });
    json!({ "task": "subtitle", "folder": folder, "output": folder.join("burnt.mp4"), "work": work, "title": null, "artist": null })
}

#[test]
fn to_burn_in_text_it_reads_fonts_and_its_files_and_nothing_else() {
    let bench = Bench::new();
    let (video, other) = (bench.path("video.mkv"), bench.path("other.mkv"));
    for path in [&video, &other] {
        make(path, &[PICTURE, H264]);
    }
    let lines = b"1\n00:00:00,200 --> 00:00:01,800\nHello\n\n";
    let (text, secret) = (bench.write("text.srt", lines), bench.write("secret.srt", lines));
    let folder = bench.path("own");
    std::fs::create_dir(&folder).expect("a folder");
    let fonts = FONTS.map(Path::new);
    let readable = [&fonts[..], &[&video, &text]].concat();
    let burnt = ask(burn_in(&video, &text, &folder), &readable, Some(&folder), 1 << 30);
    assert_eq!(burnt["reply"], "subtitled", "{burnt}");
    assert!(folder.join("burnt.mp4").exists());
    for (video, text) in [(&video, &secret), (&other, &text)] {
        let refused = ask(burn_in(video, text, &folder), &readable, Some(&folder), 1 << 30);
        assert!(refused["cause"].as_str().is_some_and(|cause| cause.contains("ermission denied")), "{refused}");
    }
    let refused = ask(burn_in(&video, &text, bench.folder.path()), &readable, Some(&folder), 1 << 30);
    assert_eq!(refused["reply"], "error", "it writes into its own folder alone: {refused}");
    assert!(!bench.path("burnt.mp4").exists());
}

#[tokio::test]
async fn the_daemon_gives_it_no_more_than_that() {
    let bench = Bench::new();
    let video = bench.path("video.mkv");
    make(&video, &[PICTURE, H264]);
    let text = bench.write("text.srt", b"1\n00:00:00,200 --> 00:00:01,800\nHello\n\n");
    let folder = bench.path("own");
    std::fs::create_dir(&folder).expect("a folder");
    let spy = bench.write("spy", include_str!("noting_zygote.py").replace("@PROGRAM@", env!("CARGO_BIN_EXE_tgferry")).as_bytes());
    std::fs::set_permissions(&spy, std::fs::Permissions::from_mode(0o755)).expect("it may run");
    let media = Media::new(config(), spy.clone());
    let (progress, _watch) = ProgressSender::channel();
    let (input, file, folder_of) = (video.clone(), Some(text.clone()), folder.clone());
    let request = SubtitlesRequest { input, file, track: None, language: None, work: SubtitlesWork::BurnIn, folder: folder_of };
    media.subtitles(request, &progress, &CancellationToken::new()).await.expect("it is burnt in");
    let log = std::fs::read_to_string(spy.with_extension("log")).expect("requests");
    let requests: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let burning = requests.iter().find(|request| request["task"]["task"] == "subtitle").expect("it was asked for");
    let mut expected: Vec<String> = FONTS.map(str::to_owned).to_vec();
    expected.extend([&video, &text].map(|path| path.display().to_string()));
    let mut readable: Vec<String> = serde_json::from_value(burning["limits"]["readable"].clone()).expect("paths");
    readable.sort();
    expected.sort();
    assert_eq!(readable, expected);
    assert_eq!(burning["limits"]["writable"], json!(folder));
}

#[tokio::test]
async fn it_calls_nobody() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a setting");
    let address = listener.local_addr().expect("an address");
    let hls = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://{address}/a.ts\n#EXT-X-ENDLIST\n");
    let concat = format!("ffconcat version 1.0\nfile 'http://{address}/a.ts'\n");
    let dash = format!("<?xml version=\"1.0\"?><MPD><Period><BaseURL>http://{address}/</BaseURL></Period></MPD>");
    let sdp = format!("v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video {} RTP/AVP 96\n", address.port());
    for (name, text) in [("a.m3u8", hls), ("a.ffconcat", concat), ("a.mpd", dash), ("a.sdp", sdp)] {
        let input = bench.write(name, text.as_bytes());
        let mut request = bench.request(&input, Choice::Video);
        request.mime = Some("video/mp4".into());
        let failure = bench.prepare(request).await.expect_err(name);
        assert_eq!(failure.reason, Reason::BrokenMedia, "{name}: {failure}");
    }
    assert!(listener.accept().is_err(), "somebody called");
}

#[tokio::test]
async fn one_that_hangs_is_ended() {
    let bench = Bench::with(MediaConfig { max_time_s: 1, ..slow() });
    let input = bench.path("long.avi");
    make(&input, &[LONG, QUICK]);
    let (progress, mut watch) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let hang = async {
        watch.wait_for(|progress: &Progress| progress.done > 0).await.expect("work begins");
        let process = ids_of_users(&input)[0];
        nix::sys::signal::kill(Pid::from_raw(process as i32), Signal::SIGSTOP).expect("it stands still");
        process
    };
    let (result, process) = tokio::join!(bench.media.prepare(bench.request(&input, Choice::Video), &progress, &cancel), hang);
    assert_eq!(result.expect_err("it does nothing any more").reason, Reason::MediaLimits);
    assert!(!Path::new(&format!("/proc/{process}")).exists(), "it is gone, and its parent has asked for its end");
}
