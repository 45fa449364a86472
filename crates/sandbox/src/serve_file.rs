//! A file as an HTTP response, whole or a range of it.
//!
//! In: a path and the request's headers. Out: a stream. It must not hold a file in memory.

use std::io::SeekFrom;
use std::path::Path;

use axum::body::Body;
use axum::http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

/// Serves the file, with `Range` (one range) understood.
pub(crate) async fn respond(path: &Path, mime: &str, headers: &HeaderMap) -> Response {
    match open(path, mime, headers).await {
        Ok(response) => response,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "a file cannot be read");
            StatusCode::NOT_FOUND.into_response()
        }
    }
}

async fn open(path: &Path, mime: &str, headers: &HeaderMap) -> std::io::Result<Response> {
    let mut file = tokio::fs::File::open(path).await?;
    let size = file.metadata().await?.len();
    let asked = headers.get(RANGE).and_then(|value| value.to_str().ok());
    let (status, from, length) = match asked.map(|asked| range(asked, size)) {
        None | Some(Asked::Whole) => (StatusCode::OK, 0, size),
        Some(Asked::Part { from, length }) => (StatusCode::PARTIAL_CONTENT, from, length),
        Some(Asked::Outside) => {
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, format!("bytes */{size}"))]).into_response());
        }
    };
    file.seek(SeekFrom::Start(from)).await?;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(length), 64 * 1024));
    let head = [(CONTENT_TYPE, mime.to_owned()), (CONTENT_LENGTH, length.to_string()), (ACCEPT_RANGES, "bytes".to_owned())];
    let mut response = (status, head, body).into_response();
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(value) = format!("bytes {from}-{}/{size}", from + length - 1).parse()
    {
        response.headers_mut().insert(CONTENT_RANGE, value);
    }
    Ok(response)
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part { from: u64, length: u64 },
    Outside,
}

/// RFC 9110, 14.1.2. What is not understood is ignored.
fn range(asked: &str, size: u64) -> Asked {
    let Some((first, last)) = asked.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Asked::Whole;
    };
    let (from, to) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => (from, to.min(size.saturating_sub(1))),
        (Ok(from), Err(_)) if last.trim().is_empty() => (from, size.saturating_sub(1)),
        (Err(_), Ok(tail)) if first.trim().is_empty() && tail > 0 => (size.saturating_sub(tail), size.saturating_sub(1)),
        _ => return Asked::Whole,
    };
    if from >= size { Asked::Outside } else { Asked::Part { from, length: to - from + 1 } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let cases = [
            ("bytes=0-", Asked::Part { from: 0, length: 10 }),
            ("bytes=2-4", Asked::Part { from: 2, length: 3 }),
            ("bytes=8-99", Asked::Part { from: 8, length: 2 }),
            ("bytes=-3", Asked::Part { from: 7, length: 3 }),
            ("bytes=10-", Asked::Outside),
            ("bytes=4-2", Asked::Whole),
            ("lines=1-2", Asked::Whole),
        ];
        for (asked, wanted) in cases {
            assert_eq!(range(asked, 10), wanted, "{asked}");
        }
    }
}
