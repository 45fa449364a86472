//! A new container for content that plays everywhere, written while the inputs are still coming.
//!
//! In: spools of the inputs, what is to be made of them. Out: [`Preparing`]: a spool that grows behind room for the index, which is filled in last.
//! Must not: decide, or wait for the inputs itself (the child does, where it has to).

use anyhow::anyhow;
use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::prepare::{Work, describe, sketch};
use super::protocol::{Made, Make, Output, Reply, Request, Source, Task};
use super::{GROWING_FILE_BYTES, Media, PrepareRequest, Preparing, StartOver, Word};
use crate::model::{Failure, Prepared, ProgressSender};
use crate::spool::{Spool, SpoolWriter};

/// Begins the work in a task of its own, which ends when [`Preparing::done`] is dropped.
pub(super) fn begin(
    media: &Media,
    request: PrepareRequest,
    inputs: Vec<Spool>,
    mut work: Work,
    progress: &ProgressSender,
    cancel: &CancellationToken,
) -> Result<Preparing, Failure> {
    let output = work.output.as_mut().ok_or_else(|| Failure::internal(anyhow!("a remux without an output")))?;
    output.live = true;
    let path = output.path.clone();
    let (writer, spool) = SpoolWriter::watching(&path);
    let expected_bytes = inputs.iter().map(|input| input.length().expected_bytes).sum();
    writer.expect(expected_bytes); // a few bytes a packet more or less: enough to choose a way by
    let sketch = sketch(&request, &work, None, path, expected_bytes.unwrap_or(0));
    let (media, progress, cancel) = (media.clone(), progress.clone(), cancel.clone());
    let task = AbortOnDropHandle::new(tokio::spawn(async move {
        let mut writer = Some(writer);
        match rewrite(&media, &request, &inputs, &work, &mut writer, &progress, &cancel).await {
            Ok(Some(made)) => (describe(request, work, &made).await, writer),
            // The spool's readers hear of it later than who awaits the outcome, and can act on it.
            Ok(None) => (Err(Failure::internal(StartOver("its index needs more room than was left"))), writer),
            Err(failure) => {
                if let Some(writer) = writer.take() {
                    writer.fail(failure.reason.clone());
                }
                (Err(failure), None)
            }
        }
    }));
    let done = async move {
        let (outcome, _writer): (Result<Prepared, Failure>, Option<SpoolWriter>) = task.await.map_err(Failure::internal)?;
        outcome
    };
    Ok(Preparing { spool, sketch, done: done.boxed() })
}

/// Nothing if there was not enough room for the index. The writer is gone when the spool is finished.
async fn rewrite(
    media: &Media,
    request: &PrepareRequest,
    inputs: &[Spool],
    work: &Work,
    writer: &mut Option<SpoolWriter>,
    progress: &ProgressSender,
    cancel: &CancellationToken,
) -> Result<Option<Made>, Failure> {
    let task = Make {
        inputs: request.inputs.iter().enumerate().map(|(index, path)| Source { path: path.clone(), growing: Some(index) }).collect(),
        folder: request.folder.clone(),
        output: work.output.clone().map(|output| Output { live: true, ..output }),
        thumbnail: Some(work.thumbnail.clone()),
        picture: None,
        own_thumbnail: request.own_thumbnail.clone(),
    };
    let input_bytes = inputs.iter().map(|input| input.length().expected_bytes.unwrap_or(0).max(GROWING_FILE_BYTES)).sum();
    let texts = request.subtitles.readable();
    let readable = request.inputs.iter().chain(&task.own_thumbnail).chain(&texts).cloned().collect();
    let limits = media.limits(input_bytes, readable, Some(request.folder.clone()));
    let hear = |word: Word| match word {
        Word::Progress(per_mille) => progress.report(work.step, u64::from(per_mille), Some(1000)),
        Word::Written { front_bytes, ready_bytes, whole: false } => {
            if let Some(writer) = writer.as_ref() {
                writer.side().mark_ready(front_bytes..ready_bytes);
            }
        }
        Word::Written { ready_bytes, whole: true, .. } => {
            if let Some(writer) = writer.take() {
                writer.advance_to(ready_bytes);
                writer.finish();
            }
        }
    };
    let request = Request { limits, task: Task::Make(Box::new(task)) };
    match media.run_child(request, inputs, media.max_time(), hear, cancel).await? {
        Reply::Made(made) => Ok(Some(made)),
        Reply::OutOfRoom => Ok(None),
        other => Err(Failure::internal(anyhow!("work was answered with {other:?}"))),
    }
}
