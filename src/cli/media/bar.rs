//! One bar on the terminal for media work: how far it is, and how long it will still take.
//!
//! In: the progress of the step. Out: a bar on standard error; Ctrl-C as a cancelled token. Must not: do the work.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::model::ProgressSender;

/// Shows the progress of `work` under a name. Ctrl-C cancels it.
pub(super) async fn shown<T>(name: &'static str, work: impl AsyncFnOnce(&ProgressSender, &CancellationToken) -> T) -> T {
    let bar = ProgressBar::new(1000).with_message(name);
    bar.enable_steady_tick(Duration::from_millis(120));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg:<12} [{bar:30}] {percent} %  {eta} left") {
        bar.set_style(style);
    }
    let (progress, mut watch) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let watching = async {
        while watch.changed().await.is_ok() {
            let now = watch.borrow_and_update().clone();
            if let Some(total) = now.total {
                bar.set_length(total);
                bar.set_position(now.done);
            }
        }
        std::future::pending().await
    };
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_ok() {
            cancel.cancel();
        }
        std::future::pending().await
    };
    let done = tokio::select! {
        done = work(&progress, &cancel) => done,
        never = watching => never,
        never = interrupted => never,
    };
    bar.finish_and_clear();
    done
}
