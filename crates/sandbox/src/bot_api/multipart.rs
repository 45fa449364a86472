//! Multipart requests, streamed to disk.
//!
//! In: a request. Out: its texts and files. What is over the limit is read to its end and thrown away, so that the client sees the 413 rather than
//! a broken pipe. It must not hold a file in memory.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Request};
use futures::{Stream, StreamExt};

use super::incoming::{Incoming, Writer};
use super::reply::ApiError;
use crate::world::World;

/// A text field is not longer than this, in bytes.
const MAX_TEXT_BYTES: usize = 1024 * 1024;

type Parts = (BTreeMap<String, String>, BTreeMap<String, Incoming>);

/// Reads all parts.
pub(super) async fn read(world: &World, request: Request) -> Result<Parts, ApiError> {
    let limit = world.limits().bot_upload_bytes;
    let (request, mut body) = lend(request);
    let mut form = Multipart::from_request(request, &()).await.map_err(broken)?;
    let mut texts = BTreeMap::new();
    let mut files = BTreeMap::new();
    let mut total_bytes: u64 = 0;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let Some(name) = field.name().map(str::to_owned) else {
            continue;
        };
        if is_file(&field) {
            match read_file(world, field, limit.saturating_sub(total_bytes)).await? {
                Some(file) => {
                    total_bytes += file.size;
                    files.insert(name, file);
                }
                None => total_bytes = limit + 1,
            }
        } else {
            texts.insert(name, read_text(field).await?);
        }
    }
    drop(form);
    // What follows the last part, be it a line break: a connection with something unread is closed, under the hands of a client that uses it again.
    while let Some(piece) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
        piece.map_err(broken)?;
    }
    if total_bytes > limit {
        return Err(too_large());
    }
    world.count(|counters| counters.bot_api_uploaded_bytes += total_bytes);
    Ok((texts, files))
}

/// The body of a request in two hands: one reads the parts, the other what is left.
#[derive(Clone)]
struct Lent(Arc<Mutex<BodyDataStream>>);

impl Stream for Lent {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(cx)
    }
}

fn lend(request: Request) -> (Request, Lent) {
    let (head, body) = request.into_parts();
    let body = Lent(Arc::new(Mutex::new(body.into_data_stream())));
    (Request::from_parts(head, Body::from_stream(body.clone())), body)
}

fn is_file(field: &Field<'_>) -> bool {
    field.file_name().is_some() || field.content_type().is_some_and(|kind| !kind.starts_with("text/"))
}

async fn read_text(mut field: Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        if bytes.len() + piece.len() > MAX_TEXT_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| ApiError::bad_request("strings must be encoded in UTF-8"))
}

/// `None` if it was longer than `room_bytes`.
async fn read_file(world: &World, mut field: Field<'_>, room_bytes: u64) -> Result<Option<Incoming>, ApiError> {
    let name = field.file_name().map(str::to_owned);
    let content_type = field.content_type().map(str::to_owned);
    let mut writer = Some(Writer::begin(world.data()).map_err(ApiError::internal)?);
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        if let Some(open) = writer.as_mut() {
            if open.size() + piece.len() as u64 > room_bytes {
                writer = None;
            } else {
                open.write(&piece).await.map_err(ApiError::internal)?;
            }
        }
    }
    match writer {
        Some(writer) => writer.finish(name.as_deref(), content_type).await.map(Some).map_err(ApiError::internal),
        None => Ok(None),
    }
}

fn too_large() -> ApiError {
    ApiError::new(413, "Request Entity Too Large")
}

fn broken(error: impl std::fmt::Display) -> ApiError {
    ApiError::bad_request(format!("can't read the multipart body: {error}"))
}
