//! Files that lie at an address: fetched as Telegram's servers fetch them.
//!
//! In: an address. Out: the bytes on disk, or why there are none. Limits: <https://core.telegram.org/bots/api#sending-files>. It must not hold a file in memory.

use std::time::Duration;

use futures::StreamExt;

use super::incoming::{Incoming, Writer};
use super::reply::ApiError;
use crate::world::inline::RemoteFile;
use crate::world::{FileKind, Lane, NewFile, World};

/// As Telegram does: a server that does not answer is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is no file.
#[derive(Debug)]
pub(super) enum Unfetched {
    /// No answer, a refusal, or too many bytes.
    Failed,
    /// A page rather than a file.
    Page,
    /// This machine's fault.
    Disk(std::io::Error),
}

/// A client for files and webhooks.
pub(super) fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE).build().expect("a client without TLS options can be built")
}

/// Fetches a file of up to 20 MB, a photo of up to 5 MB.
pub(super) async fn fetch(http: &reqwest::Client, world: &World, address: &str, wanted: FileKind) -> Result<Incoming, Unfetched> {
    let limit = if wanted == FileKind::Photo { 5 } else { 20 } * 1024 * 1024;
    let response = http.get(address).send().await.and_then(reqwest::Response::error_for_status).map_err(|_| Unfetched::Failed)?;
    let name = response.url().path_segments().and_then(|mut parts| parts.next_back()).map(str::to_owned);
    let content_type = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    if content_type.as_deref().is_some_and(|kind| kind.starts_with("text/html")) {
        return Err(Unfetched::Page);
    }
    let mut writer = Writer::begin(world.data()).map_err(Unfetched::Disk)?;
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        writer.write(&piece.map_err(|_| Unfetched::Failed)?).await.map_err(Unfetched::Disk)?;
        if writer.size() > limit {
            return Err(Unfetched::Failed);
        }
    }
    writer.finish(name.as_deref(), content_type).await.map_err(Unfetched::Disk)
}

/// The file of a result that somebody sends, which is fetched only then. Errors: as <https://core.telegram.org/method/messages.sendInlineBotResult> names them.
pub(crate) async fn fetch_result(world: &World, remote: &RemoteFile) -> Result<i64, &'static str> {
    let fetched = fetch(&client(), world, &remote.address, remote.kind).await;
    let incoming = fetched.map_err(|why| match why {
        Unfetched::Failed => "WEBPAGE_CURL_FAILED",
        Unfetched::Page => "WEBPAGE_MEDIA_EMPTY",
        Unfetched::Disk(error) => {
            tracing::error!(%error, "a file could not be kept");
            "INTERNAL_SERVER_ERROR"
        }
    })?;
    let measured = super::picture::measure(incoming.path());
    let (width, height) = match (remote.kind, measured) {
        (FileKind::Photo, None) => return Err("WEBPAGE_MEDIA_EMPTY"),
        (FileKind::Photo, Some(picture)) => (picture.width, picture.height),
        _ => (remote.width, remote.height),
    };
    let (size, name, kind) = (incoming.size, incoming.name.clone(), incoming.content_type.clone());
    let path = incoming.keep().map_err(|_| "INTERNAL_SERVER_ERROR")?;
    let file = NewFile {
        name,
        mime: remote.mime.clone().or(kind),
        duration: remote.duration,
        width,
        height,
        title: remote.title.clone(),
        performer: remote.performer.clone(),
        ..NewFile::new(path, size, remote.kind, Lane::BotApi)
    };
    Ok(world.change(|state| state.add_file(file).id))
}

impl From<Unfetched> for ApiError {
    fn from(why: Unfetched) -> Self {
        match why {
            Unfetched::Failed => Self::bad_request("failed to get HTTP URL content"),
            Unfetched::Page => Self::bad_request("wrong type of the web page content"),
            Unfetched::Disk(error) => Self::internal(error),
        }
    }
}
