//! The media process: cancelled, limited, confined. In: work that takes long. Out: assertions about what is left. Must not: sleep.

use std::path::Path;
use std::time::{Duration, Instant};

use tgferry::config::MediaConfig;
use tgferry::model::{Choice, Progress, ProgressSender, Reason, Step};
use tokio_util::sync::CancellationToken;

use super::clips::{PICTURE, make};
use super::{Bench, config};

/// Minutes of work for an encoder on its slowest setting.
pub(super) const LONG: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30:duration=4"];
pub(super) const QUICK: &[&str] = &["-c:v", "mjpeg", "-q:v", "10"];

pub(super) fn slow() -> MediaConfig {
    MediaConfig { preset: "placebo".into(), threads: 1, ..config() }
}

/// A few seconds of it.
const SOME: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30:duration=4"];
/// Fields of /proc/…/stat behind the name (proc(5)).
const STATE: usize = 0;
const PARENT: usize = 1;
const USER_TICKS: usize = 11;
const NICENESS: usize = 16;

/// A field of what the system says of a process.
fn stat(process: u32, field: usize) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // The name may hold anything.
    stat.rsplit_once(')').expect("a name").1.split_whitespace().nth(field).expect("a field").to_owned()
}

/// Hundredths of a second that it has worked; none if it has ended meanwhile.
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let ticks = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(USER_TICKS)?.parse().ok());
    ticks.unwrap_or_default()
}

/// Media processes that have `path` open.
pub(super) fn users_of(path: &Path) -> usize {
    ids_of_users(path).len()
}

pub(super) fn ids_of_users(path: &Path) -> Vec<u32> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let opens = |process: &Path| {
        let Ok(files) = std::fs::read_dir(process.join("fd")) else { return false };
        files.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target == path))
    };
    // Our own process has other names there as well: "self", "thread-self".
    let other = |name: &str| name.parse().ok().filter(|id: &u32| *id != std::process::id());
    let users = processes.flatten().filter(|process| opens(&process.path()));
    users.filter_map(|process| other(&process.file_name().to_string_lossy())).collect()
}

#[tokio::test]
async fn a_cancel_leaves_nothing_behind() {
    let bench = Bench::with(slow());
    let input = bench.path("long.avi");
    make(&input, &[LONG, QUICK]);
    let (progress, mut watch) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let begun = async {
        let works = |progress: &Progress| progress.step == Step::Transcoding && progress.done > 0;
        watch.wait_for(works).await.expect("work begins");
        assert_eq!(users_of(&input), 1, "the process reads its input");
        cancel.cancel();
        Instant::now()
    };
    let work = bench.media.prepare(bench.request(&input, Choice::Video), &progress, &cancel);
    let (result, cancelled_at) = tokio::join!(work, begun);
    assert!(cancelled_at.elapsed() < Duration::from_secs(1), "{:?}", cancelled_at.elapsed());
    assert_eq!(result.expect_err("it was cancelled").reason, Reason::Cancelled);
    assert_eq!(users_of(&input), 0, "no process is left");
}

#[tokio::test]
async fn work_is_as_nice_as_the_settings_say() {
    let bench = Bench::with(MediaConfig { niceness: 7, ..slow() });
    let input = bench.path("long.avi");
    make(&input, &[LONG, QUICK]);
    let (progress, mut watch) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let seen = async {
        watch.wait_for(|progress: &Progress| progress.done > 0).await.expect("work begins");
        let niceness = stat(ids_of_users(&input)[0], NICENESS);
        cancel.cancel();
        niceness
    };
    let (_, niceness) = tokio::join!(bench.media.prepare(bench.request(&input, Choice::Video), &progress, &cancel), seen);
    assert_eq!(niceness, "7");
}

#[tokio::test]
async fn a_task_that_is_dropped_takes_its_process_along() {
    let bench = Bench::with(slow());
    let input = bench.path("long.avi");
    make(&input, &[LONG, QUICK]);
    let (progress, mut watch) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    tokio::select! {
        _ = bench.media.prepare(bench.request(&input, Choice::Video), &progress, &cancel) => panic!("it takes longer"),
        begun = watch.wait_for(|progress| progress.done > 0) => assert!(begun.is_ok()),
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while users_of(&input) > 0 {
        assert!(Instant::now() < deadline, "the process is still there");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn time_and_memory_have_bounds() {
    let bench = Bench::with(MediaConfig { max_time_s: 1, ..slow() });
    let input = bench.path("long.avi");
    make(&input, &[LONG, QUICK]);
    let failure = bench.prepare(bench.request(&input, Choice::Video)).await.expect_err("it takes longer");
    assert_eq!(failure.reason, Reason::MediaLimits, "{failure}");
    assert_eq!(users_of(&input), 0);

    let small = Bench::with(MediaConfig { max_memory_bytes: 48 << 20, ..config() });
    let failure = small.prepare(small.request(&input, Choice::Video)).await.expect_err("it needs more");
    assert_eq!(failure.reason, Reason::MediaLimits, "{failure}");
}

#[tokio::test]
async fn a_pause_takes_no_processor() {
    let bench = Bench::with(MediaConfig { preset: "veryslow".into(), ..slow() });
    let input = bench.path("long.avi");
    make(&input, &[SOME, QUICK]);
    let (switch, pauses) = tokio::sync::watch::channel(false);
    let media = bench.media.clone().pausing_with(pauses);
    let (progress, mut watch) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let pause = async {
        watch.wait_for(|progress: &Progress| progress.done > 0).await.expect("work begins");
        let process = ids_of_users(&input)[0];
        let began = Instant::now();
        switch.send_replace(true);
        while stat(process, STATE) != "T" {
            tokio::task::yield_now().await;
        }
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        let worked = (stat(process, USER_TICKS), watch.borrow().done);
        tokio::time::sleep(Duration::from_millis(300)).await; // what is asserted is that time passes and nothing else
        assert_eq!((stat(process, USER_TICKS), watch.borrow().done), worked);
        switch.send_replace(false);
        watch.wait_for(|progress: &Progress| progress.done > worked.1).await.expect("it goes on");
    };
    let (result, ()) = tokio::join!(media.prepare(bench.request(&input, Choice::Video), &progress, &cancel), pause);
    super::clips::assert_plays_everywhere(&result.expect("it had time enough"));
}

#[tokio::test]
async fn one_that_pauses_can_be_cancelled() {
    let bench = Bench::with(slow());
    let input = bench.path("long.avi");
    make(&input, &[LONG, QUICK]);
    let (switch, pauses) = tokio::sync::watch::channel(false);
    let media = bench.media.clone().pausing_with(pauses);
    let (progress, mut watch) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let pause = async {
        watch.wait_for(|progress: &Progress| progress.done > 0).await.expect("work begins");
        switch.send_replace(true);
        let process = ids_of_users(&input)[0];
        while stat(process, STATE) != "T" {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (result, ()) = tokio::join!(media.prepare(bench.request(&input, Choice::Video), &progress, &cancel), pause);
    assert_eq!(result.expect_err("it was cancelled").reason, Reason::Cancelled);
    assert_eq!(users_of(&input), 0);
}

#[test]
fn ctrl_z_stops_the_work_too() {
    let bench = Bench::new();
    let input = bench.path("long.avi");
    make(&input, &[LONG, QUICK]);
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_tgferry"))
        .args(["media", "convert", "--to", "mp4", "--output"])
        .args([&bench.path("made.mp4"), &input])
        .env("TGFERRY_MEDIA__PRESET", "placebo")
        .current_dir(bench.folder.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let signal = |signal| nix::sys::signal::kill(nix::unistd::Pid::from_raw(program.id() as i32), signal).expect("it is there");
    let eventually = |what: &str, holds: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !holds() {
            assert!(Instant::now() < deadline, "{what}");
            std::thread::yield_now();
        }
    };
    // A look at the file takes no time worth a name; the encode does.
    let works = || ids_of_users(&input).into_iter().find(|id| *id != program.id() && ticks(*id) > 20);
    eventually("it begins", &|| works().is_some());
    let worker = works().expect("it takes much longer");
    signal(nix::sys::signal::Signal::SIGTSTP);
    eventually("both stand still", &|| stat(program.id(), STATE) == "T" && stat(worker, STATE) == "T");
    signal(nix::sys::signal::Signal::SIGCONT);
    eventually("both go on", &|| stat(program.id(), STATE) != "T" && stat(worker, STATE) != "T");
    signal(nix::sys::signal::Signal::SIGINT);
    program.wait().expect("it ends");
    eventually("nothing is left", &|| users_of(&input) == 0);
}

#[tokio::test]
async fn a_zygote_that_was_killed_is_started_anew_and_takes_its_children_along() {
    let bench = Bench::with(slow());
    let input = bench.path("long.avi");
    make(&input, &[LONG, QUICK]);
    let (progress, mut watch) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let kill = async {
        watch.wait_for(|progress: &Progress| progress.done > 0).await.expect("work begins");
        let zygote: i32 = stat(ids_of_users(&input)[0], PARENT).parse().expect("a number");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(zygote), nix::sys::signal::Signal::SIGKILL).expect("it is there");
    };
    let (result, ()) = tokio::join!(bench.media.prepare(bench.request(&input, Choice::Video), &progress, &cancel), kill);
    assert!(result.is_err(), "its process is gone");
    let deadline = Instant::now() + Duration::from_secs(5);
    while users_of(&input) > 0 {
        assert!(Instant::now() < deadline, "the process is still there");
        tokio::task::yield_now().await;
    }
    assert!(bench.media.probe(&input, &CancellationToken::new()).await.is_ok());
}

#[tokio::test]
async fn many_at_once_do_not_hold_each_other_up() {
    let bench = Bench::with(slow());
    let (input, other) = (bench.path("long.avi"), bench.path("other.avi"));
    make(&input, &[LONG, QUICK]);
    std::fs::copy(&input, &other).expect("a copy");
    let (progress, mut watch) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let probes = async {
        watch.wait_for(|progress: &Progress| progress.done > 0).await.expect("work begins");
        let cancel = CancellationToken::new();
        let all = futures::future::join_all((0..12).map(|_| bench.media.probe(&other, &cancel))).await;
        all.into_iter().for_each(|probed| assert!(probed.is_ok()));
    };
    let work = bench.media.prepare(bench.request(&input, Choice::Video), &progress, &cancel);
    tokio::select! {
        _ = work => panic!("it takes longer"),
        () = probes => {}
    }
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_our_fault() {
    let bench = Bench::new();
    let input = bench.path("clip.avi");
    make(&input, &[PICTURE, QUICK]);
    for program in ["/nowhere/tgferry", "/bin/false"] {
        let media = tgferry::media::Media::new(config(), program.into());
        let failure = media.probe(&input, &CancellationToken::new()).await.expect_err("there is no answer");
        assert_eq!(failure.reason, Reason::Internal, "{failure}");
    }
}
