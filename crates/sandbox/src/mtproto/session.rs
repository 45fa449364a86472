//! One MTProto session of a client: what was received, what was answered, what is not acknowledged yet.
//!
//! In: identifiers of received messages, bodies to send. Out: verdicts (fresh, seen before) and numbered plaintexts on the connection that the
//! session uses now. A session outlives its connection, so a client that comes back gets what it missed. It must not decrypt or run calls.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::checks::{self, Kind};
use super::feed::Feed;
use super::unacked::Unacked;
use crate::world::clock::Clock;

/// Received messages that a session remembers.
const MAX_SEEN: usize = 2048;

/// A numbered message for the writer of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) session_id: i64,
    pub(crate) msg_id: i64,
    pub(crate) seq_no: i32,
    pub(crate) body: Arc<[u8]>,
}

/// A message and when it was given to the writer.
pub(crate) type Queued = (Instant, Outgoing);

/// All sessions of the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions {
    table: Arc<Mutex<Table>>,
    clock: Clock,
}

/// By auth key and the client's number.
type Table = HashMap<(i64, i64), Arc<Session>>;

/// One session of one auth key.
#[derive(Debug)]
pub(crate) struct Session {
    /// The client's number for it.
    pub(crate) id: i64,
    /// The server's number for it, in `new_session_created`.
    pub(crate) unique_id: i64,
    /// What it is told unasked.
    pub(crate) feed: Feed,
    clock: Clock,
    state: Mutex<State>,
    finished: Notify,
}

/// What became of a message that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Its call runs.
    Running,
    /// Answered, or needed no answer.
    Done,
    /// Running, but the client does not want the answer any more.
    Dropped,
}

#[derive(Debug, Default)]
struct State {
    status: BTreeMap<i64, Status>,
    content: BTreeMap<i64, i32>,
    unacked: Unacked,
    sent_content: i32,
    last_msg_id: i64,
    announced: bool,
    out: Option<mpsc::UnboundedSender<Queued>>,
}

impl Sessions {
    /// None yet; their messages are numbered by this clock.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { table: Arc::default(), clock }
    }

    /// The session, made when it is not known.
    pub(crate) fn open(&self, key_id: i64, session_id: i64) -> Arc<Session> {
        let mut all = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = all.get(&(key_id, session_id)) {
            return found.clone();
        }
        let session = Arc::new(Session {
            id: session_id,
            unique_id: rand::random(),
            feed: Feed::default(),
            clock: self.clock.clone(),
            state: Mutex::default(),
            finished: Notify::new(),
        });
        all.insert((key_id, session_id), session.clone());
        session
    }

    /// Forgets a session; tells whether it existed.
    pub(crate) fn destroy(&self, key_id: i64, session_id: i64) -> bool {
        let mut all = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&(key_id, session_id)).is_some()
    }
}

impl Session {
    /// From now on answers go out by `out`. When that is another connection than before, what was not acknowledged is sent again.
    pub(crate) fn attach(&self, out: &mpsc::UnboundedSender<Queued>) {
        let mut state = self.lock();
        if state.out.as_ref().is_some_and(|old| old.same_channel(out)) {
            return;
        }
        state.out = Some(out.clone());
        for missed in state.unacked.all() {
            state.write(missed.clone());
        }
    }

    /// Whether this message was received before. If it was answered and the answer is still here, the answer goes out again.
    pub(crate) fn is_repeated(&self, msg_id: i64) -> bool {
        let state = self.lock();
        if !state.status.contains_key(&msg_id) {
            return false;
        }
        if let Some(answer) = state.unacked.answer_to(msg_id) {
            state.write(answer.clone());
        }
        true
    }

    /// Checks the sequence number of a new message and remembers the message; the error is a code for `bad_msg_notification`.
    pub(crate) fn receive(&self, msg_id: i64, seq_no: i32, kind: Kind, status: Status) -> Result<(), i32> {
        let mut state = self.lock();
        checks::sequence(kind, msg_id, seq_no, &state.content)?;
        if kind == Kind::Content {
            state.content.insert(msg_id, seq_no);
        }
        state.status.insert(msg_id, status);
        while state.status.len() > MAX_SEEN {
            state.status.pop_first();
        }
        while state.content.len() > MAX_SEEN {
            state.content.pop_first();
        }
        Ok(())
    }

    /// Whether `new_session_created` still has to be sent; true once.
    pub(crate) fn announces(&self) -> bool {
        !std::mem::replace(&mut self.lock().announced, true)
    }

    /// Waits until the call of an earlier message ended. A message that is not known does not hold anything up.
    pub(crate) async fn after(&self, msg_id: i64) {
        loop {
            let finished = self.finished.notified();
            if self.status(msg_id) != Some(Status::Running) {
                return;
            }
            finished.await;
        }
    }

    /// Forgets a message whose call did not run, so that the client may send it again.
    pub(crate) fn forget(&self, msg_id: i64) {
        let mut state = self.lock();
        state.status.remove(&msg_id);
        state.content.remove(&msg_id);
        drop(state);
        self.finished.notify_waiters();
    }

    /// What became of a message; `None` if it is not known.
    pub(crate) fn status(&self, msg_id: i64) -> Option<Status> {
        self.lock().status.get(&msg_id).copied()
    }

    /// The client does not want the answer to `msg_id`. Gives what the call's state was.
    pub(crate) fn drop_answer(&self, msg_id: i64) -> Option<Status> {
        let mut state = self.lock();
        let before = state.status.get(&msg_id).copied();
        let kept = state.unacked.answer_to(msg_id).map(|answer| answer.msg_id);
        state.unacked.acknowledged(kept.as_slice());
        match before {
            Some(Status::Running) => {
                state.status.insert(msg_id, Status::Dropped);
                before
            }
            // The answer was acknowledged: nothing to drop.
            Some(Status::Done) if kept.is_none() => None,
            other => other,
        }
    }

    /// Sends the answer to a call; it stays here until the client acknowledges it.
    pub(crate) fn answer(&self, req_msg_id: i64, body: Vec<u8>) {
        self.finish(req_msg_id, body, true);
    }

    /// Keeps the answer to a call for a client that comes back, without sending it now.
    pub(crate) fn keep_answer(&self, req_msg_id: i64, body: Vec<u8>) {
        self.finish(req_msg_id, body, false);
    }

    /// Sends something that the client did not ask for and must acknowledge.
    pub(crate) fn push(&self, body: Vec<u8>) {
        let mut state = self.lock();
        let message = state.number(self, body, true, 3);
        state.unacked.keep(None, message.clone());
        state.write(message);
    }

    /// Sends a service message that needs no acknowledgement; `reply` tells whether it answers a message of the client.
    pub(crate) fn notify(&self, body: Vec<u8>, reply: bool) {
        let mut state = self.lock();
        let message = state.number(self, body, false, if reply { 1 } else { 3 });
        state.write(message);
    }

    /// The client has these messages of the server.
    pub(crate) fn acknowledged(&self, msg_ids: &[i64]) {
        self.lock().unacked.acknowledged(msg_ids);
    }

    /// Sends these messages of the server again; tells whether all of them were still here.
    pub(crate) fn resend(&self, msg_ids: &[i64]) -> bool {
        let state = self.lock();
        let kept: Vec<_> = msg_ids.iter().filter_map(|msg_id| state.unacked.get(*msg_id)).collect();
        for message in &kept {
            state.write((*message).clone());
        }
        kept.len() == msg_ids.len()
    }

    fn finish(&self, req_msg_id: i64, body: Vec<u8>, send: bool) {
        let mut state = self.lock();
        if state.status.insert(req_msg_id, Status::Done) == Some(Status::Dropped) {
            return;
        }
        let message = state.number(self, body, true, 1);
        state.unacked.keep(Some(req_msg_id), message.clone());
        if send {
            state.write(message);
        }
        drop(state);
        self.finished.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn number(&mut self, session: &Session, body: Vec<u8>, content: bool, low_bits: i64) -> Outgoing {
        let base = session.clock.msg_id_base();
        let next = (self.last_msg_id & !3) + 4;
        // They grow, unless the clock was set back.
        let msg_id = if next - base < 1 << 32 { base.max(next) } else { base } | low_bits;
        self.last_msg_id = msg_id;
        let seq_no = self.sent_content * 2 + i32::from(content);
        self.sent_content += i32::from(content);
        Outgoing { session_id: session.id, msg_id, seq_no, body: body.into() }
    }

    fn write(&self, message: Outgoing) {
        if let Some(out) = &self.out {
            // A closed connection: what matters is kept for the next one.
            let _ = out.send((Instant::now(), message));
        }
    }
}
