//! The media process: cancelled, limited, confined. In: work that takes long. Out: assertions about what is left. Must not: sleep.

use std::path::Path;
use std::time::{Duration, Instant};

use tgferry::config::MediaConfig;
use tgferry::model::{Choice, Progress, ProgressSender, Reason, Step};
use tokio_util::sync::CancellationToken;

use super::clips::{PICTURE, make};
use super::{Bench, config};

/// Minutes of work for an encoder on its slowest setting.
const LONG: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30:duration=4"];
const QUICK: &[&str] = &["-c:v", "mjpeg", "-q:v", "10"];

fn slow() -> MediaConfig {
    MediaConfig { preset: "placebo".into(), threads: 1, ..config() }
}

/// Media processes that have `path` open.
pub(super) fn users_of(path: &Path) -> usize {
    ids_of_users(path).len()
}

fn ids_of_users(path: &Path) -> Vec<u32> {
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
        let ids = ids_of_users(&input);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", ids.first().expect("a process"))).expect("it runs");
        cancel.cancel();
        // Behind the name, which may hold anything: state, then numbers; niceness is the 19th field of all (proc(5)).
        stat.rsplit_once(')').expect("a name").1.split_whitespace().nth(16).expect("a number").to_owned()
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
