//! One request for a file, whole or from an offset.
//!
//! In: an address, where to begin, and which version is wanted. Out: the head of the answer and the open body.
//! Must not: read the body, or ask again on its own (transfer.rs does).

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Response, StatusCode, header};
use url::Url;

use super::answer::{Answer, Validator};
use crate::fetch::client::{Guard, failure_of};
use crate::model::{Failure, Reason};

/// Asks for files.
#[derive(Clone, Debug)]
pub(crate) struct Requester {
    client: Client,
    guard: Guard,
    stall_timeout: Duration,
    headers: HeaderMap,
}

/// An answer whose body has not been read yet.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Its head.
    pub(crate) answer: Answer,
    /// The rest.
    pub(crate) response: Response,
}

impl Requester {
    /// Asks with `client`; an answer or a piece of it that takes longer than `stall_timeout` counts as broken.
    pub(crate) fn new(client: Client, guard: Guard, stall_timeout: Duration) -> Self {
        Self { client, guard, stall_timeout, headers: HeaderMap::new() }
    }

    /// The same, with headers of its own; they go before those of the client. Cookies and passwords stay behind when a redirect leaves the host.
    pub(crate) fn with_headers(&self, headers: HeaderMap) -> Self {
        Self { headers, ..self.clone() }
    }

    /// The longest silence that is waited for.
    pub(crate) fn stall_timeout(&self) -> Duration {
        self.stall_timeout
    }

    /// Asks for the file from its beginning, in a way that shows whether the server knows ranges. Any status is an answer.
    pub(crate) async fn open(&self, url: &Url) -> Result<Opened, Failure> {
        self.open_first(url, None).await
    }

    /// As [`Requester::open`], but at most `chunk_bytes` of it are asked for.
    pub(crate) async fn open_first(&self, url: &Url, chunk_bytes: Option<u64>) -> Result<Opened, Failure> {
        let opened = self.send(url, Some(range(0, chunk_bytes)), None).await?;
        match opened.answer.status {
            416 => self.send(url, None, None).await, // an empty file has no byte 0
            _ => Ok(opened),
        }
    }

    /// Asks for the bytes from `offset`, at most `limit_bytes` of them; a server that has another version than `validator` names answers with the
    /// whole of it.
    pub(crate) async fn open_at(&self, url: &Url, offset: u64, limit_bytes: Option<u64>, validator: &Validator) -> Result<Opened, Failure> {
        self.send(url, Some(range(offset, limit_bytes)), validator.if_range()).await
    }

    async fn send(&self, url: &Url, range: Option<String>, if_range: Option<&str>) -> Result<Opened, Failure> {
        self.guard.check(url)?;
        let mut request = self.client.get(url.clone()).headers(self.headers.clone()).header(header::ACCEPT_ENCODING, "identity");
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        if let Some(validator) = if_range {
            request = request.header(header::IF_RANGE, validator);
        }
        let answer = tokio::time::timeout(self.stall_timeout, request.send()).await;
        let response =
            answer.map_err(|_| Failure::new(Reason::Network, anyhow::anyhow!("the server did not answer")))?.map_err(failure_of)?;
        let answer = Answer::read(response.url(), response.status().as_u16(), response.headers());
        Ok(Opened { answer, response })
    }
}

impl Opened {
    /// The answer if its status promises content.
    pub(crate) fn accepted(self) -> Result<Self, Failure> {
        match self.answer.refusal() {
            Some(reason) => Err(Failure::from(reason)),
            None if self.response.status() == StatusCode::NO_CONTENT => Err(Failure::from(Reason::Empty)),
            None => Ok(self),
        }
    }
}

fn range(offset: u64, limit_bytes: Option<u64>) -> String {
    let last = limit_bytes.map(|limit| (offset + limit.max(1) - 1).to_string()).unwrap_or_default();
    format!("bytes={offset}-{last}")
}
