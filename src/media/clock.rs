//! The time that a media process may take, which stands still while it pauses.
//!
//! In: a bound, a [`Pause`]. Out: what was waited for, or [`Reason::MediaLimits`]. Must not: know what is waited for.

use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::{Failure, Reason};

/// Whether work is to pause at present. Whoever holds the sender decides; if nobody does any more, work goes on.
#[derive(Clone, Debug)]
pub(super) struct Pause(Option<watch::Receiver<bool>>);

impl Pause {
    /// Follows the sender of this receiver, or never pauses.
    pub(super) fn new(receiver: Option<watch::Receiver<bool>>) -> Self {
        Self(receiver)
    }

    /// True while work is to pause.
    pub(super) fn is_on(&self) -> bool {
        self.0.as_ref().is_some_and(|receiver| *receiver.borrow())
    }

    /// Waits until it may be otherwise.
    pub(super) async fn changed(&mut self) {
        let Some(receiver) = &mut self.0 else {
            return std::future::pending().await;
        };
        if receiver.changed().await.is_err() {
            self.0 = None;
        }
    }
}

/// The time that is left.
pub(super) struct Clock {
    left: Duration,
    pause: Pause,
}

impl Clock {
    /// One that begins with so much.
    pub(super) fn new(left: Duration, pause: Pause) -> Self {
        Self { left, pause }
    }

    /// What stops it.
    pub(super) fn pause(&self) -> Pause {
        self.pause.clone()
    }

    /// Awaits something that the process does; that time counts.
    pub(super) async fn run<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::pin!(work);
        loop {
            let stands = self.pause.is_on();
            let begin = Instant::now();
            let done = tokio::select! {
                biased;
                done = &mut work => Some(Ok(done)),
                () = tokio::time::sleep(self.left), if !stands =>
                    Some(Err(Failure::new(Reason::MediaLimits, anyhow!("the media process took longer than it may")))),
                () = self.pause.changed() => None,
            };
            if !stands {
                self.left = self.left.saturating_sub(begin.elapsed());
            }
            if let Some(done) = done {
                return done;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn takes(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn only_work_counts() {
        let mut clock = Clock::new(Duration::from_secs(10), Pause::new(None));
        clock.run(takes(6)).await.expect("there is time");
        takes(60).await;
        clock.run(takes(3)).await.expect("what was between did not count");
        assert_eq!(clock.run(takes(2)).await.expect_err("it is too long").reason, Reason::MediaLimits);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_does_not_count() {
        let (switch, receiver) = watch::channel(false);
        let mut clock = Clock::new(Duration::from_secs(10), Pause::new(Some(receiver)));
        let pauses = async {
            takes(5).await;
            switch.send_replace(true);
            takes(1000).await;
            switch.send_replace(false);
        };
        let (done, ()) = tokio::join!(clock.run(takes(1009)), pauses);
        done.expect("nine seconds of work");
        drop(switch);
        assert_eq!(clock.run(takes(2)).await.expect_err("one second was left").reason, Reason::MediaLimits);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_can_let_go_on_is_not_left_pausing() {
        let (switch, receiver) = watch::channel(true);
        let mut clock = Clock::new(Duration::from_secs(10), Pause::new(Some(receiver)));
        let gone = async {
            takes(100).await;
            drop(switch);
        };
        let (done, ()) = tokio::join!(clock.run(takes(200)), gone);
        assert_eq!(done.expect_err("its time runs again").reason, Reason::MediaLimits);
    }
}
