//! What the media process can't do: read or write elsewhere, call anybody, write without end; and what becomes of one that hangs or never stops.
//!
//! In: requests as the daemon makes them, some with less than they need. Out: assertions. Must not: weaken what the process does to itself.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::{Value, json};
use tgferry::config::MediaConfig;
use tgferry::model::{Choice, Progress, ProgressSender, Reason};
use tokio_util::sync::CancellationToken;

use super::clips::{AAC, H264, PICTURE, TONE, make};
use super::Bench;
use super::process::{LONG, QUICK, ids_of_users, slow};

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
