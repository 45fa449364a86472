//! `tgferry run`: the daemon, until SIGTERM or Ctrl-C.
//!
//! In: the settings. Out: 0 after an orderly end. Must not: build anything; that is `app`.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::app;
use crate::config::Config;
use crate::error::CliError;

/// From the signal to the end of the process at most.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(8);

/// Runs the daemon.
pub async fn run(config: Config) -> Result<(), CliError> {
    config.require_bot_token()?;
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::ours)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::ours)?;
    let daemon = app::run(config, shutdown.clone());
    tokio::pin!(daemon);
    tokio::select! {
        outcome = &mut daemon => return outcome,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: no new work; running jobs are stored and go on at the next start");
    shutdown.cancel();
    match tokio::time::timeout(SHUTDOWN_LIMIT, daemon).await {
        Ok(outcome) => outcome,
        Err(_) => {
            tracing::warn!("some work did not stop in time; it goes on at the next start from what is stored");
            Ok(())
        }
    }
}
