//! The control API's view of the wire log.
//!
//! In: the version that the reader knows. Out: the lines that are new or have grown since, with the names of those who called. It must not change the log.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::Control;
use crate::wire_log::WireEntry;

#[derive(Deserialize)]
pub(super) struct Wanted {
    after: Option<u64>,
    timeout_ms: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct Lines {
    version: u64,
    entries: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    /// Username, or first name, of who was logged in.
    who: Option<String>,
    #[serde(flatten)]
    entry: WireEntry,
}

/// What came since `after`; waits up to `timeout_ms` until there is something.
pub(super) async fn lines(State(control): State<Control>, Query(wanted): Query<Wanted>) -> Json<Lines> {
    let after = wanted.after.unwrap_or(0);
    let within = Duration::from_millis(wanted.timeout_ms.unwrap_or(0).min(60_000));
    tokio::select! {
        _ = tokio::time::timeout(within, control.wire.changed_after(after)) => {}
        () = control.cancel.cancelled() => {}
    }
    let (version, entries) = control.wire.after(after);
    let name = |id: i64| {
        let user = control.world.user_by_id(id)?;
        Some(user.username.unwrap_or(user.first_name))
    };
    let entries = entries.into_iter().map(|entry| Line { who: entry.user.and_then(name), entry }).collect();
    Json(Lines { version, entries })
}
