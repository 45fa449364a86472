//! Pieces of a file that one message can't hold.
//!
//! In: a file that is ready to go up, the largest that a piece may be. Out: files that are ready to go up, in order. Must not: run FFmpeg in this process,
//! encode, or delete the whole.

use std::path::PathBuf;

use anyhow::anyhow;
use tokio_util::sync::CancellationToken;

use super::prepare::whole_seconds;
use super::protocol::{MadePiece, Reply, Request, Split, Task};
use super::{Media, Word, absolute, names};
use crate::model::{Failure, MediaKind, Piece, Prepared, ProgressSender, Step};

/// What [`Media::split`] works on.
#[derive(Clone, Debug)]
pub struct SplitRequest {
    /// The whole: a video or a song as [`Media::prepare`] makes it.
    pub whole: Prepared,
    /// The job's folder: the pieces go in here.
    pub folder: PathBuf,
    /// Upper bound for each piece, in bytes.
    pub max_bytes: u64,
    /// Most pieces.
    pub max_pieces: u32,
}

pub(super) async fn split(
    media: &Media,
    request: SplitRequest,
    progress: &ProgressSender,
    cancel: &CancellationToken,
) -> Result<Vec<Prepared>, Failure> {
    let SplitRequest { whole, folder, max_bytes, max_pieces } = request;
    let (input, folder) = (absolute(&whole.path)?, absolute(&folder)?);
    let task = Split {
        input: input.clone(),
        folder: folder.clone(),
        is_song: whole.kind == MediaKind::Audio,
        max_bytes,
        max_pieces,
        title: whole.title.clone(),
        artist: whole.performer.clone(),
    };
    let limits = media.limits(whole.size_bytes, vec![input], Some(folder));
    let report = |per_mille: u16| progress.report(Step::Splitting, u64::from(per_mille), Some(1000));
    report(0);
    let hear = |word: Word| {
        if let Word::Progress(per_mille) = word {
            report(per_mille);
        }
    };
    match media.run_child(Request { limits, task: Task::Split(Box::new(task)) }, &[], media.max_time(), hear, cancel).await? {
        Reply::Pieces { pieces: made } => {
            let of = made.len() as u32;
            Ok(made.into_iter().zip(1..).map(|(made, number)| prepared(&whole, made, Piece { number, of })).collect())
        }
        other => Err(Failure::internal(anyhow!("a split was answered with {other:?}"))),
    }
}

fn prepared(whole: &Prepared, made: MadePiece, piece: Piece) -> Prepared {
    Prepared {
        path: made.path,
        size_bytes: made.size_bytes,
        file_name: names::of_piece(&whole.file_name, piece),
        duration_s: whole_seconds(made.duration_s),
        thumbnail: made.thumbnail,
        title: whole.title.as_ref().map(|title| format!("{title} ({}/{})", piece.number, piece.of)),
        ..whole.clone()
    }
}
