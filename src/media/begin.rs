//! Making a file ready while it may still be growing: what can be passed on or rewritten as it comes, and what has to be whole first.
//!
//! In: spools of the inputs. Out: [`Preparing`]: a spool of what goes up, and the promise of the whole. Must not: encode, or decide otherwise than for
//! a file that is whole.

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::decide::{Change, Decision, Given, decide, decide_early, decide_unreadable};
use super::memo::{Remembered, remember, remembered};
use super::prepare::{self, Work, document, sketch, together};
use super::protocol::Probed;
use super::sniff::{SNIFF_BYTES, Sniffed, claim, sniff};
use super::{Media, PrepareRequest, Preparing, StartOver, Turn, remux};
use crate::model::{Choice, Failure, MediaKind, Prepared, ProgressSender, Reason, Step};
use crate::spool::Spool;

/// What is done with inputs that may still be growing.
enum Live {
    /// The input is whole and goes up as it is, and that is all there is to know of it.
    Keep(Prepared),
    /// The input goes up as it is.
    PassOn(Prepared),
    /// Its container is rewritten as it comes.
    Remux(Box<Work>),
    /// It has to be whole.
    Wait,
}

pub(super) async fn begin(
    media: &Media,
    request: PrepareRequest,
    inputs: Vec<Spool>,
    turn: Turn,
    progress: &ProgressSender,
    cancel: &CancellationToken,
) -> Result<Preparing, Failure> {
    let request = request.absolute()?;
    match judge(media, &request, &inputs, progress, cancel).await? {
        Live::Keep(prepared) => {
            let spool = only(inputs)?;
            Ok(Preparing { spool, sketch: prepared.clone(), done: async { Ok(prepared) }.boxed() })
        }
        Live::PassOn(sketch) => pass_on(media, request, inputs, sketch, progress, cancel),
        Live::Remux(work) => remux::begin(media, request, inputs, *work, progress, cancel),
        Live::Wait => {
            for input in &inputs {
                input.finished().await?;
            }
            let _permit = turn.await?;
            let prepared = media.prepare(request, progress, cancel).await?;
            let spool = Spool::whole(&prepared.path).await.map_err(Failure::internal)?;
            Ok(Preparing { spool, sketch: prepared.clone(), done: async { Ok(prepared) }.boxed() })
        }
    }
}

/// Decides as [`prepare::prepare`] does, from the start of the inputs alone. Where that is not enough, the whole is waited for.
async fn judge(
    media: &Media,
    request: &PrepareRequest,
    inputs: &[Spool],
    progress: &ProgressSender,
    cancel: &CancellationToken,
) -> Result<Live, Failure> {
    let [first, ..] = inputs else { return Ok(Live::Wait) };
    let must_be_whole = request.max_bytes.is_some() || request.choice == Choice::Audio;
    if must_be_whole || remembered(&request.folder) == Some(Remembered::WholeOnly) {
        return Ok(Live::Wait);
    }
    progress.report(Step::Inspecting, 0, None);
    let is_whole = inputs.iter().all(|input| input.length().finished);
    let sniffed = sniff(&first.read(0..SNIFF_BYTES as u64).await?);
    let size_bytes = inputs.iter().map(|input| input.length()).map(|length| length.expected_bytes.unwrap_or(length.ready_bytes())).sum();
    let claim = claim(&request.file_name, request.mime.as_deref());
    let (choice, loudness, texts) = (request.choice, media.config.loudness, request.subtitles.texts());
    let given = Given { sniffed, claim, choice, size_bytes, loudness, max_bytes: None, texts };
    let decision = match (decide_early(given), sniffed) {
        (Some(decision), _) => (decision, None),
        (None, Sniffed::Jpeg | Sniffed::Png) => return Ok(Live::Wait),
        (None, _) => {
            let probed = together(futures::future::try_join_all(inputs.iter().map(|input| media.probe_head(input, cancel))).await?)?;
            match &probed.unreadable {
                Some(_) if probed.only_as_a_whole => return Ok(Live::Wait),
                Some(cause) => {
                    tracing::debug!(cause, "FFmpeg can't read its start");
                    (decide_unreadable(given), None)
                }
                None => (decide(&probed.info, given), Some(probed)),
            }
        }
    };
    tracing::debug!(decision = ?decision.0, "media decided while it comes");
    let live = live(media, request, inputs, decision, size_bytes)?;
    Ok(match live {
        Live::PassOn(prepared) if is_whole && prepared.kind == MediaKind::Document => Live::Keep(prepared),
        live => live,
    })
}

fn live(
    media: &Media,
    request: &PrepareRequest,
    inputs: &[Spool],
    decision: (Decision, Option<Probed>),
    size_bytes: u64,
) -> Result<Live, Failure> {
    let alone = inputs.len() == 1;
    Ok(match decision {
        // The first bytes say so, and no more of them say otherwise.
        (Decision::Refuse(reason), None) if given_by_start(&reason) => return Err(reason.into()),
        (Decision::Document, _) if alone => Live::PassOn(document(request, size_bytes)),
        (decision @ Decision::PassOn, Some(probed)) if alone => {
            let work = prepare::plan(&media.config, request, &decision, size_bytes, probed)?;
            Live::PassOn(sketch(request, &work, None, request.input().to_owned(), size_bytes))
        }
        (decision @ Decision::Video { video: Change::Copy, audio: Change::Copy | Change::Leave }, Some(probed))
            if comes_in_order(&probed) =>
        {
            let keeps_texts = says_all_tracks_first(&probed);
            let mut work = prepare::plan(&media.config, request, &decision, size_bytes, probed)?;
            if let Some(output) = &mut work.output {
                output.subtitles.keep = keeps_texts;
            }
            Live::Remux(Box::new(work))
        }
        _ => Live::Wait,
    })
}

fn given_by_start(reason: &Reason) -> bool {
    matches!(reason, Reason::Empty | Reason::WebPage)
}

/// Containers that can be read without looking at their end, or that say where their index is.
fn comes_in_order(probed: &Probed) -> bool {
    let known = |name: &str| matches!(name, "mp4" | "matroska" | "webm" | "mpegts" | "flv");
    probed.info.format.split(',').any(known)
}

/// Containers that name all their tracks at their start. Elsewhere a track of text shows when its first line comes, and a second run might know it where the first
/// did not; such tracks are left out.
fn says_all_tracks_first(probed: &Probed) -> bool {
    probed.info.format.split(',').any(|name| matches!(name, "mp4" | "matroska" | "webm"))
}

fn only(inputs: Vec<Spool>) -> Result<Spool, Failure> {
    inputs.into_iter().next().ok_or_else(|| Failure::internal(anyhow::anyhow!("there is nothing to prepare")))
}

/// The input goes up as it is. Once it is whole it is looked at as any other: it may be broken behind its start.
fn pass_on(
    media: &Media,
    request: PrepareRequest,
    inputs: Vec<Spool>,
    sketch: Prepared,
    progress: &ProgressSender,
    cancel: &CancellationToken,
) -> Result<Preparing, Failure> {
    let spool = only(inputs)?;
    let (media, progress, cancel) = (media.clone(), progress.clone(), cancel.clone());
    let input = spool.clone();
    let done = async move {
        input.finished().await?;
        let (folder, path) = (request.folder.clone(), request.input().to_owned());
        let prepared = media.prepare(request, &progress, &cancel).await?;
        if prepared.path == path {
            return Ok(prepared);
        }
        remember(&folder, Remembered::WholeOnly).map_err(Failure::internal)?;
        Err(Failure::internal(StartOver("its end is not what its start said")))
    };
    Ok(Preparing { spool, sketch, done: done.boxed() })
}
