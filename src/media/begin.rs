//! Making a file ready while it may still be growing.
//!
//! In: spools of the inputs. Out: [`Preparing`]: a spool of what goes up, and the promise of the whole. Must not: decide or encode.

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{Media, PrepareRequest, Preparing, Turn};
use crate::model::{Failure, ProgressSender};
use crate::spool::Spool;

pub(super) async fn begin(
    media: &Media,
    request: PrepareRequest,
    inputs: Vec<Spool>,
    turn: Turn,
    progress: &ProgressSender,
    cancel: &CancellationToken,
) -> Result<Preparing, Failure> {
    for input in &inputs {
        input.finished().await?;
    }
    let _permit = turn.await?;
    let prepared = media.prepare(request, progress, cancel).await?;
    let spool = Spool::whole(&prepared.path).await.map_err(Failure::internal)?;
    Ok(Preparing { spool, sketch: prepared.clone(), done: async { Ok(prepared) }.boxed() })
}
