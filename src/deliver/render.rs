//! What the card and the status message say.
//!
//! In: cards, progress, speeds. Out: Telegram HTML, everything from outside escaped and cut. Must not: send, or keep state.

use super::caption::anchor;
use crate::i18n::format::{bytes, cut, escape, length, wait};
use crate::i18n::{Arg, Texts};
use crate::model::{Job, Piece, Progress, Reason, SourceCard, Step};

const BAR_CELLS: usize = 10;
/// Titles longer than this, in UTF-16 units, make a status hard to read.
const TITLE_UNITS: usize = 200;

/// How a person calls a job: its title, or where it comes from.
pub(super) fn title_of(job: &Job) -> String {
    match job.title.as_deref().map(str::trim).filter(|title| !title.is_empty()) {
        Some(title) => title.to_owned(),
        None => job.link.host().to_owned(),
    }
}

/// The card before the download.
pub(super) fn card(texts: &Texts, job: &Job, card: &SourceCard, offers_pieces: bool) -> String {
    let title = if card.title.trim().is_empty() { title_of(job) } else { card.title.clone() };
    let mut lines = vec![bold(&title)];
    let mut facts: Vec<String> = card.author.iter().map(|author| escape(&cut(author.trim(), 100)).into_owned()).collect();
    let source = cut(card.source.trim(), 100);
    facts.push(anchor(&job.link, &source).unwrap_or_else(|| escape(&source).into_owned()));
    facts.retain(|fact| !fact.is_empty());
    lines.push(facts.join(" · "));
    let mut numbers: Vec<String> =
        card.duration_s.filter(|seconds| *seconds >= 0.5).map(|seconds| format!("⏱ {}", length(seconds))).into_iter().collect();
    numbers.extend(card.size_bytes.filter(|size| *size > 0).map(|size| format!("💾 {}", bytes(size))));
    lines.push(numbers.join(" · "));
    lines.retain(|line| !line.is_empty());
    format!("{}\n\n{}", lines.join("\n"), texts.get(if offers_pieces { "card-choose-large" } else { "card-choose" }))
}

/// The status message. `speed` is in units of `progress.done` a second, once it is known.
pub(super) fn status(texts: &Texts, title: &str, progress: &Progress, speed: Option<f64>) -> String {
    let mut lines = vec![bold(title), step(texts, progress)];
    if let Some(fraction) = progress.fraction() {
        lines.push(format!("{} {} %", bar(fraction), percent(fraction)));
    }
    let details = details(texts, progress, speed);
    if !details.is_empty() {
        lines.push(details.join(" · "));
    }
    lines.join("\n")
}

/// What is shown while a job waits for another try of its step, `delay_ms` from now.
pub fn later(job: &Job, reason: &Reason, delay_ms: u64) -> String {
    let texts = Texts::new(&job.language);
    let key = match reason {
        Reason::Network | Reason::HttpStatus { .. } => "later-site",
        Reason::DiskFull => "later-disk-full",
        Reason::Telegram | Reason::RelayGone | Reason::RelayMessageGone | Reason::SessionRevoked | Reason::AccountLimited => {
            "later-telegram"
        }
        Reason::FloodWait { .. } => "later-flood-wait",
        _ => "later-other",
    };
    format!("{}\n{}", bold(&title_of(job)), texts.with(key, &[("pause", wait(delay_ms.div_ceil(1000)).into())]))
}

/// The last words about a job that failed or was cancelled.
pub fn failed(job: &Job, reason: &Reason) -> String {
    let texts = Texts::new(&job.language);
    let title = cut(&title_of(job), TITLE_UNITS).into_owned();
    let head = match reason {
        Reason::Cancelled => bold(&title),
        _ => texts.with("failed-title", &[("title", title.into())]),
    };
    format!("{head}\n{}", texts.failure(reason))
}

fn bold(title: &str) -> String {
    format!("<b>{}</b>", escape(&cut(title.trim(), TITLE_UNITS)).replace('\n', " "))
}

fn step(texts: &Texts, progress: &Progress) -> String {
    let key = match progress.step {
        Step::Waiting => "step-waiting",
        Step::Inspecting => "step-inspecting",
        Step::Fetching => "step-fetching",
        Step::Remuxing => "step-remuxing",
        Step::Transcoding => "step-transcoding",
        Step::Compressing => "step-compressing",
        Step::Splitting => "step-splitting",
        Step::Uploading => "step-uploading",
        Step::Delivering => "step-delivering",
        Step::Paused => return texts.with("step-paused", &[("pause", wait(u64::from(progress.pause_s)).into())]),
    };
    texts.get(key)
}

/// Amount, speed and time left, as far as they are known and mean something in this step.
fn details(texts: &Texts, progress: &Progress, speed: Option<f64>) -> Vec<String> {
    let number =
        |piece: Piece| texts.with("progress-piece", &[("number", (piece.number as usize).into()), ("count", (piece.of as usize).into())]);
    let mut details: Vec<String> = progress.piece.map(number).into_iter().collect();
    let in_bytes = matches!(progress.step, Step::Fetching | Step::Uploading);
    if in_bytes && progress.done > 0 {
        details.push(match progress.total {
            Some(total) => {
                let (done, total) = (bytes(progress.done.min(total)), bytes(total));
                texts.with("progress-of", &[("done", Arg::from(done)), ("total", Arg::from(total))])
            }
            None => bytes(progress.done),
        });
    }
    let Some(speed) = speed.filter(|speed| *speed >= 0.001 && progress.step != Step::Paused) else { return details };
    if in_bytes {
        details.push(format!("{}/s", bytes(speed as u64)));
    }
    if let Some(left) = progress.total.map(|total| total.saturating_sub(progress.done)).filter(|left| *left > 0) {
        let seconds = (left as f64 / speed).ceil();
        // Beyond a day it is a guess that says nothing.
        if seconds < 86_400.0 {
            details.push(texts.with("progress-left", &[("time", wait(seconds as u64).into())]));
        }
    }
    details
}

fn bar(fraction: f64) -> String {
    let full = (fraction * BAR_CELLS as f64) as usize;
    "▰".repeat(full) + &"▱".repeat(BAR_CELLS - full)
}

/// Whole percent, rounded down: 100 means that it is done.
fn percent(fraction: f64) -> u64 {
    (fraction * 100.0 + 1e-9) as u64
}

#[cfg(test)]
mod tests;
