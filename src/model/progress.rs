//! Progress that goes up the line, for display only.
//!
//! In: counts from a step. Out: the newest [`Progress`] to whoever watches. Must not: carry anything that a decision needs; it may be lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::Piece;

/// What is being done, for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// In the queue.
    Waiting,
    /// Metadata is being read.
    Inspecting,
    /// Bytes come in.
    Fetching,
    /// The container is being rewritten without re-encoding.
    Remuxing,
    /// Streams are being re-encoded.
    Transcoding,
    /// Re-encoding to fit a size.
    Compressing,
    /// Cutting it into pieces that can be sent.
    Splitting,
    /// Bytes go up to Telegram.
    Uploading,
    /// The file is being brought into the chat.
    Delivering,
    /// Telegram asks for a pause; `Progress::pause_s` says how long.
    Paused,
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// Done so far, in bytes (fetch, upload) or thousandths of the whole (media).
    pub done: u64,
    /// The whole in the same unit, if known.
    pub total: Option<u64>,
    /// For [`Step::Paused`]: the pause that Telegram asks for, in seconds.
    pub pause_s: u32,
    /// Which piece is worked on, if there are several.
    pub piece: Option<Piece>,
}

impl Progress {
    /// A step at its beginning.
    pub fn begin(step: Step) -> Self {
        Self { step, done: 0, total: None, pause_s: 0, piece: None }
    }

    /// Fraction 0.0 to 1.0 if the whole is known.
    pub fn fraction(&self) -> Option<f64> {
        let total = self.total.filter(|total| *total > 0)?;
        Some((self.done as f64 / total as f64).clamp(0.0, 1.0))
    }
}

/// The sending half; cheap to clone, never blocks, never fails.
#[derive(Clone, Debug)]
pub struct ProgressSender {
    sender: watch::Sender<Progress>,
    muted: Option<Arc<AtomicBool>>,
    piece: Option<Piece>,
}

/// Silences a sender, with all its clones, for good.
#[derive(Debug)]
pub struct Mute(Arc<AtomicBool>);

impl Mute {
    /// From now on what the sender reports is not shown.
    pub fn mute(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl ProgressSender {
    /// A sender and the receiver that sees the newest value.
    pub fn channel() -> (Self, watch::Receiver<Progress>) {
        let (sender, receiver) = watch::channel(Progress::begin(Step::Waiting));
        (Self { sender, muted: None, piece: None }, receiver)
    }

    /// Says how far a step is.
    pub fn report(&self, step: Step, done: u64, total: Option<u64>) {
        if !self.is_muted() {
            self.sender.send_replace(Progress { step, done, total, pause_s: 0, piece: self.piece });
        }
    }

    /// Says that Telegram asks for a pause.
    pub fn pause(&self, pause_s: u32) {
        if self.is_muted() {
            return;
        }
        self.sender.send_modify(|progress| {
            progress.step = Step::Paused;
            progress.pause_s = pause_s;
        });
    }

    /// A sender to the same receivers for the work on one of several pieces.
    pub fn of_piece(&self, piece: Piece) -> Self {
        Self { piece: Some(piece), ..self.clone() }
    }

    /// A sender to the same receivers that can be silenced, with the silencer: for a step that gives the display over to another one beside it.
    pub fn mutable(&self) -> (Self, Mute) {
        let muted = Arc::new(AtomicBool::new(false));
        (Self { sender: self.sender.clone(), muted: Some(muted.clone()), ..self.clone() }, Mute(muted))
    }

    fn is_muted(&self) -> bool {
        self.muted.as_ref().is_some_and(|muted| muted.load(Ordering::Relaxed))
    }
}
