//! The picture of a source.
//!
//! In: its address. Out: a file of bounded size. Must not: decode it; media does, where a broken picture can do no harm.

use std::path::Path;

use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use url::Url;

use super::client::failure_of;
use super::http::Requester;
use super::workspace::disk_failure;
use crate::model::{Failure, Reason};

/// Largest picture, in bytes: Telegram takes photos up to 10 MB (<https://core.telegram.org/bots/api#sendphoto>).
const MAX_BYTES: u64 = 10_000_000;

/// Fetches a picture into the file `to`; what is no picture, or is too large, is refused and leaves no file.
pub(crate) async fn download(requester: &Requester, url: &Url, to: &Path) -> Result<(), Failure> {
    let outcome = receive(requester, url, to).await;
    if outcome.is_err() {
        let _ = tokio::fs::remove_file(to).await; // it may never have been made
    }
    outcome
}

async fn receive(requester: &Requester, url: &Url, to: &Path) -> Result<(), Failure> {
    let mut opened = requester.open(url).await?.accepted()?;
    let answer = &opened.answer;
    if answer.mime.as_deref().is_some_and(|mime| !mime.starts_with("image/") && !mime.ends_with("/octet-stream")) || answer.packed {
        return Err(Failure::new(Reason::Unsupported, anyhow::anyhow!("no picture but {:?}", answer.mime)));
    }
    let mut file = File::create(to).await.map_err(|error| disk_failure(error, "make the picture's file"))?;
    let mut received_bytes = 0;
    loop {
        let piece = tokio::time::timeout(requester.stall_timeout(), opened.response.chunk()).await;
        let piece =
            piece.map_err(|_| Failure::new(Reason::Network, anyhow::anyhow!("the picture's server stalled")))?.map_err(failure_of)?;
        let Some(piece) = piece else { break };
        received_bytes += piece.len() as u64;
        if received_bytes > MAX_BYTES {
            return Err(Failure::from(Reason::TooLarge { size_bytes: opened.answer.total_bytes(), limit_bytes: MAX_BYTES }));
        }
        file.write_all(&piece).await.map_err(|error| disk_failure(error, "write the picture"))?;
    }
    file.flush().await.map_err(|error| disk_failure(error, "write the picture"))?;
    if received_bytes == 0 { Err(Failure::from(Reason::Empty)) } else { Ok(()) }
}
