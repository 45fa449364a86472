//! An account's connections for parts, shared by all its uploads: as many as pay, made when they are needed and made again when they break.
//!
//! In: an account, parts in buffers. Out: parts at its home data centre. Must not: repeat a part (whoever sends it knows whether to), or hold the
//! account: a session that has ended must be free for the next log-in.
//!
//! Each connection is a TCP connection of its own with a session of its own on the same key. How many there are and how many parts may be on
//! their way is the pace's affair; an upload asks for one permit at a time, so several share them evenly.

mod permits;
mod slots;

use std::net::SocketAddrV4;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use grammers_client::InvocationError;
use tokio::time::Instant;

use self::permits::Permits;
use self::slots::Slots;
use super::pace::Pace;
use super::wire::{Connection, PartBuffer, PartCall};
use crate::config::UploadConfig;
use crate::model::Reason;
use crate::telegram::account::UserAccount;
use crate::telegram::errors::{self, Verdict};

pub(super) use self::permits::Permit;

/// A connection that had nothing to do for so long is closed; Telegram Desktop does it after the same time.
const IDLE: Duration = Duration::from_secs(15);

/// The connections of one account; clones share them.
#[derive(Clone)]
pub(super) struct Lines(Arc<Inner>);

struct Inner {
    permits: Arc<Permits>,
    /// One for each place: several parts that meet a closed connection open one new one.
    opening: Vec<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
}

struct State {
    pace: Pace,
    slots: Slots<Line>,
    /// What the connections were opened with.
    home: Option<Home>,
    /// True while somebody looks for idle connections.
    watched: bool,
}

/// Address and key of a data centre.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Home {
    address: SocketAddrV4,
    auth_key: [u8; 256],
}

#[derive(Clone)]
struct Line(Arc<Connection>);

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A part on its way over one place.
struct Flight<'a> {
    lines: &'a Inner,
    place: usize,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.lines.state().slots.end(self.place, Instant::now());
    }
}

impl Lines {
    pub(super) fn new(config: &UploadConfig) -> Self {
        let pace = Pace::new(config.max_parts_in_flight, config.connections);
        let permits = Permits::new(pace.window());
        let opening = (0..config.connections.max(1)).map(|_| tokio::sync::Mutex::default()).collect();
        let slots = Slots::new(config.connections, Instant::now());
        Self(Arc::new(Inner { permits, opening, state: Mutex::new(State { pace, slots, home: None, watched: false }) }))
    }

    /// Waits for leave to send one part; uploads are served in turn.
    pub(super) async fn permit(self) -> Permit {
        Arc::clone(&self.0.permits).take().await
    }

    /// Parts that may be on their way at this moment.
    pub(super) fn window(&self) -> usize {
        self.0.state().pace.window()
    }

    /// Sends one part; true if it is stored. A connection that failed under it is not used again.
    pub(super) async fn save_part(&self, account: &UserAccount, part: PartCall, bytes: PartBuffer) -> Result<bool, InvocationError> {
        let size_bytes = bytes.len_bytes() as u64;
        let flight = self.0.take_off();
        let line = self.connection(flight.place, account).await?;
        let answer = line.0.save_part(part, bytes).await;
        let mut state = self.0.state();
        let now = Instant::now();
        match &answer {
            Ok(true) => {
                let in_flight = state.slots.in_flight();
                state.pace.stored(now, size_bytes, in_flight);
            }
            Ok(false) => {}
            Err(error) => {
                // An answer of Telegram itself, be it an error, shows that the connection is good.
                if !matches!(error, InvocationError::Rpc(_)) {
                    state.slots.forget(flight.place, &line);
                }
                match errors::judge(error) {
                    Verdict::Wait { seconds } => state.pace.asked_to_pause(now, seconds),
                    Verdict::Fail(reason) => {
                        if reason == Reason::SessionRevoked {
                            state.slots.clear();
                        }
                        account.report(&reason);
                    }
                    _ => {}
                }
            }
        }
        self.0.permits.resize(state.pace.window());
        drop(state); // before the flight, which takes it too
        answer
    }

    /// Closes every connection at once; parts on their way fail.
    pub(super) fn close(&self) {
        self.0.state().slots.clear();
    }

    async fn connection(&self, place: usize, account: &UserAccount) -> Result<Line, InvocationError> {
        let _one_opens = self.0.opening[place].lock().await;
        let home = account.home().ok_or(InvocationError::InvalidDc)?;
        let auth_key = home.auth_key.ok_or(InvocationError::Dropped("the session has no key"))?;
        let home = Home { address: home.ipv4, auth_key };
        if let Some(line) = self.0.state().open_line(place, home) {
            return Ok(line);
        }
        let line = Line(Arc::new(Connection::open(home.address.into(), auth_key, account.api_id()).await?));
        let mut state = self.0.state();
        state.slots.put(place, line.clone());
        if !std::mem::replace(&mut state.watched, true) {
            tokio::spawn(close_idle(Arc::downgrade(&self.0)));
        }
        Ok(line)
    }
}

impl Inner {
    fn take_off(&self) -> Flight<'_> {
        let mut state = self.state();
        let now = Instant::now();
        if state.slots.in_flight() == 0 {
            state.pace.begins(now);
        }
        let connections = state.pace.connections();
        let place = state.slots.begin(connections, now);
        Flight { lines: self, place }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The connection at a place, if it is open still. Another log-in or data centre needs others.
    fn open_line(&mut self, place: usize, home: Home) -> Option<Line> {
        if self.home != Some(home) {
            self.slots.clear();
            self.home = Some(home);
        }
        self.slots.connection(place).filter(|line| line.0.is_open())
    }
}

/// Looks for idle connections for as long as there are any.
async fn close_idle(lines: Weak<Inner>) {
    loop {
        tokio::time::sleep(IDLE / 3).await;
        let Some(lines) = lines.upgrade() else { return };
        let mut state = lines.state();
        if state.slots.close_idle(Instant::now(), IDLE) == 0 {
            state.watched = false;
            return;
        }
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lines").field("pace", &self.0.state().pace).finish_non_exhaustive()
    }
}
