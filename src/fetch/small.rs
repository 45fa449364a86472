//! Small files of a source: its picture, its subtitles.
//!
//! In: an address. Out: a file of bounded size. Must not: decode it; media does, where a broken file can do no harm.

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

/// What is fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Small {
    /// What it is called in the log.
    pub(crate) what: &'static str,
    /// Largest size, in bytes.
    pub(crate) max_bytes: u64,
    /// How its MIME type may begin, if its server says one.
    pub(crate) kinds: &'static [&'static str],
}

/// Fetches a picture into the file `to`; what is no picture, or is too large, is refused and leaves no file.
pub(crate) async fn picture(requester: &Requester, url: &Url, to: &Path) -> Result<(), Failure> {
    fetch(requester, url, to, Small { what: "picture", max_bytes: MAX_BYTES, kinds: &["image/"] }).await
}

/// The same for any small file.
pub(crate) async fn fetch(requester: &Requester, url: &Url, to: &Path, small: Small) -> Result<(), Failure> {
    let outcome = receive(requester, url, to, small).await;
    if outcome.is_err() {
        let _ = tokio::fs::remove_file(to).await; // it may never have been made
    }
    outcome
}

async fn receive(requester: &Requester, url: &Url, to: &Path, small: Small) -> Result<(), Failure> {
    let Small { what, max_bytes, kinds } = small;
    let mut opened = requester.open(url).await?.accepted()?;
    let answer = &opened.answer;
    let fits = |mime: &str| mime != "text/html" && kinds.iter().any(|kind| mime.starts_with(kind)) || mime.ends_with("/octet-stream");
    if !answer.mime.as_deref().is_none_or(fits) || answer.packed {
        return Err(Failure::new(Reason::Unsupported, anyhow::anyhow!("no {what} but {:?}", answer.mime)));
    }
    let mut file = File::create(to).await.map_err(|error| disk_failure(error, "make a small file"))?;
    let mut received_bytes = 0;
    loop {
        let piece = tokio::time::timeout(requester.stall_timeout(), opened.response.chunk()).await;
        let piece =
            piece.map_err(|_| Failure::new(Reason::Network, anyhow::anyhow!("the server of the {what} stalled")))?.map_err(failure_of)?;
        let Some(piece) = piece else { break };
        received_bytes += piece.len() as u64;
        if received_bytes > max_bytes {
            return Err(Failure::from(Reason::TooLarge { size_bytes: opened.answer.total_bytes(), limit_bytes: max_bytes }));
        }
        file.write_all(&piece).await.map_err(|error| disk_failure(error, "write a small file"))?;
    }
    file.flush().await.map_err(|error| disk_failure(error, "write a small file"))?;
    if received_bytes == 0 { Err(Failure::from(Reason::Empty)) } else { Ok(()) }
}
