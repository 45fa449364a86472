//! A web server on this machine that serves, cuts, stalls and lies as a test tells it.
//!
//! In: pages by path. Out: an address, and what was asked. Must not: be clever; each behaviour is one field.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use futures::StreamExt;
use tokio::sync::{Notify, watch};

use crate::model::Link;

/// The server; it ends with the test's runtime.
pub(crate) struct Site {
    address: SocketAddr,
    pages: Pages,
}

type Pages = Arc<Mutex<HashMap<String, Page>>>;

/// What happens in the middle of a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is cut.
    Cut,
    /// Nothing comes any more.
    Stall,
    /// Nothing comes until [`Page::open`] is called.
    Gate,
}

/// What a path serves, and what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Page {
    pub(crate) body: Bytes,
    pub(crate) status: Option<u16>,
    /// Statuses of the first requests, before all others.
    pub(crate) statuses: Vec<u16>,
    pub(crate) headers: Vec<(header::HeaderName, String)>,
    /// False: `Range` is not looked at.
    pub(crate) ranges: bool,
    /// False: the size is not said (a chunked body).
    pub(crate) sized: bool,
    /// Says another size for the whole in `Content-Range`.
    pub(crate) said_total: Option<u64>,
    /// ETag by number of the request, the last for all that follow.
    pub(crate) etags: Vec<&'static str>,
    /// Faults by number of the request: after so many bytes of its body.
    pub(crate) faults: Vec<Option<(usize, Fault)>>,
    pub(crate) log: Arc<Mutex<Vec<HeaderMap>>>,
    /// Told when a stalled body is given up by its reader.
    pub(crate) given_up: Arc<Notify>,
    /// Lets gated bodies go on.
    pub(crate) gate: Arc<watch::Sender<bool>>,
    /// Bytes of bodies that were sent.
    pub(crate) sent_bytes: Arc<AtomicU64>,
}

impl Site {
    /// Starts a server without pages.
    pub(crate) async fn serve() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pages = Pages::default();
        let router = Router::new().fallback(answer).with_state(pages.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, pages }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The link to a path.
    pub(crate) fn link(&self, path: &str) -> Link {
        Link::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    /// Serves a page; returns it for asking later what was asked of it.
    pub(crate) fn page(&self, path: &str, page: Page) -> Page {
        self.pages.lock().unwrap().insert(path.to_owned(), page.clone());
        page
    }

    /// Serves bytes as a good server would.
    pub(crate) fn file(&self, path: &str, body: &[u8]) -> Page {
        self.page(path, Page::of(body))
    }

    /// Serves an HTML page.
    pub(crate) fn html(&self, path: &str, body: &str) -> Page {
        self.page(path, Page::of(body.as_bytes()).header(header::CONTENT_TYPE, "text/html; charset=utf-8"))
    }

    /// Serves a redirect.
    pub(crate) fn redirect(&self, path: &str, target: &str) -> Page {
        self.page(path, Page { status: Some(302), ..Page::default() }.header(header::LOCATION, target))
    }
}

impl Page {
    /// Bytes with ranges and a size; the type goes by `octet-stream`.
    pub(crate) fn of(body: &[u8]) -> Self {
        Self { body: Bytes::copy_from_slice(body), ranges: true, sized: true, ..Self::default() }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: header::HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same page with nothing asked yet.
    pub(crate) fn anew(&self) -> Self {
        let Self { body, status, statuses, headers, ranges, sized, said_total, etags, faults, .. } = self.clone();
        Self { body, status, statuses, headers, ranges, sized, said_total, etags, faults, ..Self::default() }
    }

    /// Header `name` of each request so far.
    pub(crate) fn asked(&self, name: header::HeaderName) -> Vec<Option<String>> {
        self.requests().iter().map(|headers| headers.get(&name).map(|value| value.to_str().unwrap().to_owned())).collect()
    }

    /// Lets every gated body go on, now and from now on.
    pub(crate) fn open(&self) {
        self.gate.send_replace(true);
    }

    /// Bytes of bodies that were sent so far.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::SeqCst)
    }

    /// The headers of each request so far.
    pub(crate) fn requests(&self) -> Vec<HeaderMap> {
        self.log.lock().unwrap().clone()
    }
}

async fn answer(State(pages): State<Pages>, request: Request) -> Response<Body> {
    let page = pages.lock().unwrap().get(request.uri().path()).cloned();
    let Some(page) = page else {
        return Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty()).unwrap();
    };
    let number = {
        let mut requests = page.log.lock().unwrap();
        requests.push(request.headers().clone());
        requests.len() - 1
    };
    let etag = page.etags.get(number).or(page.etags.last()).copied();
    let total = page.body.len();
    let range = range_of(request.headers(), etag).filter(|_| page.ranges);
    let mut response = Response::builder();
    if let Some(etag) = etag {
        response = response.header(header::ETAG, etag);
    }
    for (name, value) in &page.headers {
        response = response.header(name, value);
    }
    let said_total = page.said_total.unwrap_or(total as u64);
    let (status, body) = match range {
        Some((start, _)) if start >= total => {
            let response = response.status(416).header(header::CONTENT_RANGE, format!("bytes */{said_total}"));
            return response.body(Body::empty()).unwrap();
        }
        Some((start, last)) => {
            let end = last.map_or(total, |last| total.min(last + 1));
            response = response.header(header::CONTENT_RANGE, format!("bytes {start}-{}/{said_total}", end - 1));
            (206, page.body.slice(start..end))
        }
        None => (200, page.body.clone()),
    };
    let fault = page.faults.get(number).copied().flatten();
    response = response.status(page.statuses.get(number).copied().or(page.status).unwrap_or(status));
    if page.sized {
        response = response.header(header::CONTENT_LENGTH, body.len());
    }
    response.body(body_of(body, fault, &page)).unwrap()
}

/// The body in pieces, counted as they are taken, with its fault.
fn body_of(body: Bytes, fault: Option<(usize, Fault)>, page: &Page) -> Body {
    let at = fault.map_or(body.len(), |(at, _)| at.min(body.len()));
    let first = pieces(body.slice(..at), page);
    match fault.map(|(_, fault)| fault) {
        None => Body::from_stream(first),
        Some(Fault::Cut) => Body::from_stream(first.chain(futures::stream::once(cut()))),
        Some(Fault::Stall) => {
            let tell = TellOnDrop(page.given_up.clone());
            Body::from_stream(first.chain(futures::stream::poll_fn(move |_| {
                let _kept = &tell;
                std::task::Poll::Pending
            })))
        }
        Some(Fault::Gate) => {
            let mut opened = page.gate.subscribe();
            let gate = futures::stream::once(async move {
                let _kept = opened.wait_for(|open| *open).await;
                Ok(Bytes::new())
            });
            Body::from_stream(first.chain(gate.filter(|_| async { false })).chain(pieces(body.slice(at..), page)))
        }
    }
}

fn pieces(body: Bytes, page: &Page) -> impl futures::Stream<Item = std::io::Result<Bytes>> + use<> {
    const PIECE_BYTES: usize = 64 << 10;
    let sent_bytes = page.sent_bytes.clone();
    futures::stream::iter((0..body.len()).step_by(PIECE_BYTES)).map(move |at| {
        let piece = body.slice(at..body.len().min(at + PIECE_BYTES));
        sent_bytes.fetch_add(piece.len() as u64, Ordering::SeqCst);
        Ok(piece)
    })
}

/// A pause first, so that what came before is sent.
async fn cut() -> std::io::Result<Bytes> {
    tokio::task::yield_now().await;
    Err(std::io::Error::other("cut"))
}

struct TellOnDrop(Arc<Notify>);

impl Drop for TellOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// First and last byte that are asked for.
fn range_of(headers: &HeaderMap, etag: Option<&str>) -> Option<(usize, Option<usize>)> {
    let same = headers.get(header::IF_RANGE).is_none_or(|wanted| Some(wanted.to_str().unwrap()) == etag);
    let range = headers.get(header::RANGE).filter(|_| same)?.to_str().unwrap();
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()))
}
