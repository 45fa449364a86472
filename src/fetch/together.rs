//! What the tracks of one download share: one progress, one limit, one end.
//!
//! In: how far each track is, and why one failed. Out: their sum for display, a refusal when it grows too large, and the word to stop for all when
//! one stops. Must not: hold content, or know where it comes from.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::sizes;
use crate::model::{Failure, ProgressSender, Reason, Step};

/// The tracks of one download. Clones are the same download.
#[derive(Clone)]
pub(crate) struct Together(Arc<Shared>);

struct Shared {
    stop: CancellationToken,
    tasks: TaskTracker,
    reason: OnceLock<Reason>,
    tracks: Mutex<Vec<Counted>>,
    limit_bytes: u64,
    progress: ProgressSender,
    on_failure: Box<dyn Fn() + Send + Sync>,
}

#[derive(Clone, Default)]
struct Counted {
    done_bytes: u64,
    size: Size,
}

/// How large a track will be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Size {
    /// Nobody says.
    #[default]
    Unknown,
    /// A promise, in bytes.
    About(u64),
    /// What the server says, in bytes.
    Exact(u64),
}

impl Together {
    /// A download of so many tracks, which may have `limit_bytes` all together. It stops when `cancel` is cancelled.
    pub(crate) fn new(tracks: usize, limit_bytes: u64, progress: &ProgressSender, cancel: &CancellationToken) -> Self {
        Self::with_hook(tracks, limit_bytes, progress, cancel, || ())
    }

    /// The same; `on_failure` is called when it fails for another reason than being cancelled.
    pub(crate) fn with_hook(
        tracks: usize,
        limit_bytes: u64,
        progress: &ProgressSender,
        cancel: &CancellationToken,
        on_failure: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            stop: cancel.child_token(),
            tasks: TaskTracker::new(),
            reason: OnceLock::new(),
            tracks: Mutex::new(vec![Counted::default(); tracks]),
            limit_bytes,
            progress: progress.clone(),
            on_failure: Box::new(on_failure),
        }))
    }

    /// Says how far a track is; refuses when all of them together are, or are certain to be, larger than the limit.
    pub(crate) fn report(&self, track: usize, done_bytes: u64, size: Size) -> Result<(), Failure> {
        let (done, total, certain) = {
            let mut tracks = self.0.tracks.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(counted) = tracks.get_mut(track) {
                *counted = Counted { done_bytes, size };
            }
            let total = sizes::known_total(tracks.iter().map(Counted::total_bytes));
            (sizes::total(tracks.iter().map(|counted| counted.done_bytes)), total, sizes::total(tracks.iter().map(Counted::certain_bytes)))
        };
        let limit_bytes = self.0.limit_bytes;
        if certain > limit_bytes {
            return Err(Failure::from(Reason::TooLarge { size_bytes: total.filter(|total| *total > limit_bytes), limit_bytes }));
        }
        self.0.progress.report(Step::Fetching, done, total);
        Ok(())
    }

    /// One track can't go on, so none needs to. The first reason counts.
    pub(crate) fn fail(&self, reason: &Reason) {
        if self.0.reason.set(reason.clone()).is_ok() && *reason != Reason::Cancelled {
            (self.0.on_failure)();
        }
        self.0.stop.cancel();
    }

    /// Runs the work on one track; it is to end by itself when the download is to stop.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(work);
    }

    /// Stops all tracks and waits until nobody writes any more.
    pub(crate) async fn end(&self, reason: &Reason) {
        self.fail(reason);
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// Waits until the download is to stop; says why.
    pub(crate) async fn stopped(&self) -> Failure {
        self.0.stop.cancelled().await;
        self.0.reason.get().cloned().map_or_else(Failure::cancelled, Failure::from)
    }
}

impl Counted {
    fn total_bytes(&self) -> Option<u64> {
        match self.size {
            Size::Unknown => None,
            Size::About(bytes) | Size::Exact(bytes) => Some(bytes.max(self.done_bytes)),
        }
    }

    /// Estimates don't count.
    fn certain_bytes(&self) -> u64 {
        match self.size {
            Size::Exact(bytes) => bytes.max(self.done_bytes),
            _ => self.done_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn progress_and_limit_are_those_of_the_sum() {
        let (progress, seen) = ProgressSender::channel();
        let together = Together::new(2, 100, &progress, &CancellationToken::new());
        together.report(0, 10, Size::Exact(60)).unwrap();
        assert_eq!((seen.borrow().done, seen.borrow().total), (10, None));
        together.report(1, 5, Size::About(900)).unwrap();
        assert_eq!((seen.borrow().done, seen.borrow().total), (15, Some(960)));
        let failure = together.report(1, 6, Size::Exact(41)).unwrap_err();
        assert_eq!(failure.reason, Reason::TooLarge { size_bytes: Some(101), limit_bytes: 100 });
        let failure = together.report(1, 41, Size::Unknown).unwrap_err();
        assert_eq!(failure.reason, Reason::TooLarge { size_bytes: None, limit_bytes: 100 });
    }

    #[tokio::test]
    async fn one_that_fails_stops_all_with_its_reason() {
        let (told, cancel) = (Arc::new(OnceLock::new()), CancellationToken::new());
        let hook = told.clone();
        let together = Together::with_hook(2, 100, &ProgressSender::channel().0, &cancel, move || hook.set(()).unwrap());
        together.fail(&Reason::NotFound);
        together.fail(&Reason::Network);
        assert_eq!(together.stopped().await.reason, Reason::NotFound);
        assert!(told.get().is_some() && !cancel.is_cancelled());

        let together = Together::new(1, 100, &ProgressSender::channel().0, &cancel);
        cancel.cancel();
        assert_eq!(together.stopped().await.reason, Reason::Cancelled);
    }
}
