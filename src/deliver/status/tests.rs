//! The pace of a status message, in paused time.
//!
//! In: scripted progress and outcomes. Out: which texts were shown when. Must not: sleep for real.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::*;
use crate::model::{ProgressSender, Step};

const INTERVAL: Duration = Duration::from_secs(3);

/// Plays `script` against a watcher; gives what was shown, with the second it happened at. Outcomes not scripted are `Shown`.
async fn play<P, A>(outcomes: Vec<Outcome>, script: P) -> Vec<(u64, String)>
where
    P: FnOnce(ProgressSender, CancellationToken) -> A,
    A: Future<Output = ()>,
{
    let start = Instant::now();
    let (sender, receiver) = ProgressSender::channel();
    let stop = CancellationToken::new();
    let shown = RefCell::new(Vec::new());
    let outcomes = RefCell::new(VecDeque::from(outcomes));
    let render = |progress: &Progress, _: Option<f64>| format!("{:?} {}", progress.step, progress.done);
    let show = |text: String| {
        shown.borrow_mut().push((start.elapsed().as_secs(), text));
        let outcome = outcomes.borrow_mut().pop_front().unwrap_or(Outcome::Shown);
        async move { outcome }
    };
    tokio::join!(follow(Throttle::new(INTERVAL), receiver, stop.clone(), render, show), script(sender, stop));
    shown.into_inner()
}

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_progress_makes_one_edit_an_interval() {
    let shown = play(vec![], |sender, stop| async move {
        for done in 1..=100 {
            sender.report(Step::Fetching, done, Some(100));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        after(5).await;
        stop.cancel();
    })
    .await;
    let seconds: Vec<u64> = shown.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds, [0, 3, 6, 9, 12], "{shown:?}");
    assert_eq!(shown.last().unwrap().1, "Fetching 100", "the newest is shown in the end");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_nothing_changes() {
    let shown = play(vec![], |sender, stop| async move {
        sender.report(Step::Fetching, 1, None);
        after(100).await;
        sender.report(Step::Fetching, 1, None);
        after(100).await;
        stop.cancel();
    })
    .await;
    assert_eq!(shown, [(0, "Waiting 0".to_owned()), (3, "Fetching 1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_telegram_asks_for_is_kept_and_the_work_never_waits() {
    let shown = play(vec![Outcome::Shown, Outcome::Flood(Duration::from_secs(40))], |sender, stop| async move {
        let began = Instant::now();
        for done in 1..=60 {
            sender.report(Step::Uploading, done, Some(60));
            after(1).await;
        }
        assert_eq!(began.elapsed(), Duration::from_secs(60));
        stop.cancel();
    })
    .await;
    let seconds: Vec<u64> = shown.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds, [0, 3, 43, 49, 55], "{shown:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_message_ends_it_and_so_does_the_end_of_the_work() {
    let shown = play(vec![Outcome::Gone], |sender, _| async move {
        sender.report(Step::Fetching, 1, None);
        after(10).await;
        sender.report(Step::Fetching, 2, None);
    })
    .await;
    assert_eq!(shown.len(), 1);
    let shown = play(vec![], |sender, _| async move {
        sender.report(Step::Fetching, 1, None);
        after(1).await;
        sender.report(Step::Delivering, 0, None);
        drop(sender);
    })
    .await;
    assert_eq!(shown.last().unwrap(), &(3, "Delivering 0".to_owned()), "what was reported last is still shown");
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_an_edit_on_its_way_but_not_long() {
    for (edit_takes_ms, expected_ms) in [(400, 400), (60_000, 1000)] {
        let stop = CancellationToken::new();
        let showing = async {
            tokio::time::sleep(Duration::from_millis(edit_takes_ms)).await;
            Outcome::Shown
        };
        let start = Instant::now();
        stop.cancel();
        show_or_stop(showing, &stop).await;
        assert_eq!(start.elapsed(), Duration::from_millis(expected_ms));
    }
}
