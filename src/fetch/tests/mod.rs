//! The fetch step against a web server on this machine, and the real yt-dlp.
//!
//! In: pages that a test makes up. Out: assertions on spools, cards and what the server was asked. Must not: need the internet.

mod http;
mod ranges;
pub(crate) mod site;
mod subtitles;
mod tracks;
mod ytdlp;

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::{FetchRequest, Fetched, Fetcher};
use crate::config::FetchConfig;
use crate::model::{Choice, Failure, Link, ProgressSender};
use crate::spool::Spool;

/// Settings for tests: the loopback server may be reached, breaks are noticed soon.
pub(crate) fn config() -> FetchConfig {
    FetchConfig {
        max_bytes: 64 << 20,
        keep_free_bytes: 0,
        yt_dlp: "yt-dlp".into(),
        yt_dlp_args: Vec::new(),
        max_height: 1080,
        subtitles: Vec::new(),
        connect_timeout_s: 5,
        stall_timeout_s: 1,
        resume_attempts: 3,
        user_agent: "tgferry-tests".into(),
        allow_private_addresses: true,
    }
}

/// Bytes that tell their own offset.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect()
}

async fn fetch_with(config: FetchConfig, link: Link, folder: &Path) -> Result<Fetched, Failure> {
    let request = FetchRequest { link, choice: Choice::Video, folder: folder.to_owned() };
    Fetcher::new(config)?.fetch(request, &ProgressSender::channel().0, &CancellationToken::new()).await
}

/// Everything that a fetch brings in the end; it may fail before or after it hands out its spool.
async fn whole_with(config: FetchConfig, link: Link, folder: &Path) -> Result<Vec<u8>, Failure> {
    bytes_of(&fetch_with(config, link, folder).await?).await
}

/// Everything that the one spool of a fetch has in the end.
async fn bytes_of(fetched: &Fetched) -> Result<Vec<u8>, Failure> {
    assert_eq!(fetched.spools.len(), 1);
    all_of(&fetched.spools[0]).await
}

/// Everything that a spool has in the end.
async fn all_of(spool: &Spool) -> Result<Vec<u8>, Failure> {
    let size_bytes = spool.finished().await?;
    spool.read(0..size_bytes).await
}
