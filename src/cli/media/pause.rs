//! Ctrl+Z: a program that is stopped in a terminal must not leave work going on behind it.
//!
//! In: SIGTSTP. Out: whether the media step is to pause; then this process stops as any other would, until SIGCONT. Must not: end anything.

use std::time::Duration;

use nix::sys::signal::{Signal, raise};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The media process, which is in a group of its own, hears of a pause within so long; then this one may stop.
const TOLD_WITHIN: Duration = Duration::from_millis(50);

/// What [`crate::media::Media::pausing_with`] takes. To be called in a runtime.
pub(super) fn follow_terminal() -> watch::Receiver<bool> {
    let (switch, pauses) = watch::channel(false);
    match signal(SignalKind::from_raw(nix::libc::SIGTSTP)) {
        Ok(mut stops) => {
            tokio::spawn(async move {
                while stops.recv().await.is_some() {
                    switch.send_replace(true);
                    tokio::time::sleep(TOLD_WITHIN).await;
                    // Comes back when it is continued.
                    if let Err(error) = raise(Signal::SIGSTOP) {
                        tracing::warn!(%error, "stopping");
                    }
                    switch.send_replace(false);
                }
            });
        }
        Err(error) => tracing::debug!(%error, "Ctrl+Z stops this process alone"),
    }
    pauses
}
