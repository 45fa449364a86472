//! One request for a file, whole or from an offset.
//!
//! In: an address, where to begin, and which version is wanted. Out: the head of the answer and the open body.
//! Must not: read the body, or ask again on its own (transfer.rs does).

use std::time::Duration;

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
        Self { client, guard, stall_timeout }
    }

    /// The longest silence that is waited for.
    pub(crate) fn stall_timeout(&self) -> Duration {
        self.stall_timeout
    }

    /// Asks for the file from its beginning, in a way that shows whether the server knows ranges. Any status is an answer.
    pub(crate) async fn open(&self, url: &Url) -> Result<Opened, Failure> {
        let opened = self.send(url, Some("bytes=0-".to_owned()), None).await?;
        match opened.answer.status {
            416 => self.send(url, None, None).await, // an empty file has no byte 0
            _ => Ok(opened),
        }
    }

    /// Asks for the bytes from `offset`; a server that has another version than `validator` names answers with the whole of it.
    pub(crate) async fn open_at(&self, url: &Url, offset: u64, validator: &Validator) -> Result<Opened, Failure> {
        self.send(url, Some(format!("bytes={offset}-")), validator.if_range()).await
    }

    async fn send(&self, url: &Url, range: Option<String>, if_range: Option<&str>) -> Result<Opened, Failure> {
        self.guard.check(url)?;
        let mut request = self.client.get(url.clone()).header(header::ACCEPT_ENCODING, "identity");
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
