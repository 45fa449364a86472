//! A web site of the test: files with ranges, answers that misbehave, and gates that hold a body back until the test opens them.
//!
//! In: paths and what they answer. Out: an address, and counts. Must not: know the daemon.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, watch};

/// What a path answers.
#[derive(Clone)]
pub enum Answer {
    /// A file, with ranges.
    File(PathBuf),
    /// A file that comes without a word of how long it is, and from its start only.
    Unmeasured(PathBuf),
    /// The first half of a file; the rest when the gate opens.
    Gated(PathBuf, Arc<Gate>),
    /// A file of which nobody gets what lies between these bytes and the last quarter of a megabyte until the gate opens; with ranges.
    Held(PathBuf, Arc<Gate>, usize),
    /// Nothing, not even a status, until the gate opens; then the file.
    Silent(PathBuf, Arc<Gate>),
    /// The first half, then the connection ends; the next request (a range) gets the rest.
    CutOnce(PathBuf),
    /// A status with a body of this type.
    Plain(u16, &'static str, &'static str),
}

/// Holds bodies back. It also says when somebody has come to it.
pub struct Gate {
    open: Semaphore,
    broken: AtomicBool,
    arrived: watch::Sender<usize>,
}

impl Gate {
    /// A closed gate.
    pub fn closed() -> Arc<Self> {
        Arc::new(Self { open: Semaphore::new(0), broken: AtomicBool::new(false), arrived: watch::channel(0).0 })
    }

    /// Lets everybody through from now on.
    pub fn open(&self) {
        self.open.add_permits(1_000);
    }

    /// Ends the answers of all who stand there with a broken connection.
    pub fn break_off(&self) {
        self.broken.store(true, Ordering::SeqCst);
        self.open();
    }

    async fn pass(&self) {
        self.arrived.send_modify(|count| *count += 1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits until so many requests stand at the gate, or have stood.
    pub async fn reached(&self, count: usize) {
        let mut arrived = self.arrived.subscribe();
        let wait = arrived.wait_for(|now| *now >= count);
        tokio::time::timeout(std::time::Duration::from_secs(30), wait).await.expect("nobody came to the gate").unwrap();
    }
}

struct Shared {
    answers: Mutex<HashMap<String, Answer>>,
    cut: Mutex<HashMap<String, bool>>,
    bytes: AtomicU64,
    requests: AtomicUsize,
}

/// The site; it ends with the value.
pub struct Site {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl Site {
    /// Starts an empty site.
    pub async fn start() -> Self {
        let shared =
            Arc::new(Shared { answers: Mutex::default(), cut: Mutex::default(), bytes: AtomicU64::new(0), requests: AtomicUsize::new(0) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/{*path}", axum::routing::get(answer)).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, shared, task }
    }

    /// Makes a path answer, and says its address.
    pub fn serve(&self, path: &str, answer: Answer) -> String {
        self.shared.answers.lock().unwrap().insert(path.to_owned(), answer);
        self.url(path)
    }

    /// The address of a path, served or not.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Bytes of bodies given out so far.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::SeqCst)
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    shared.requests.fetch_add(1, Ordering::SeqCst);
    let found = shared.answers.lock().unwrap().get(&path).cloned();
    match found {
        None => (StatusCode::NOT_FOUND, "nothing here").into_response(),
        Some(Answer::Plain(status, mime, body)) => {
            (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, mime)], body).into_response()
        }
        Some(Answer::File(file)) => ranged(shared, &file, &headers, None, false),
        Some(Answer::Unmeasured(file)) => {
            let bytes = Bytes::from(std::fs::read(&file).unwrap());
            let pieces = (0..bytes.len()).step_by(65_536).map(move |at| bytes.slice(at..bytes.len().min(at + 65_536)));
            let body = Body::from_stream(futures::stream::iter(pieces.map(Ok::<_, std::io::Error>)));
            ([(header::CONTENT_TYPE, mime_guess::from_path(&file).first_or_octet_stream().as_ref())], body).into_response()
        }
        Some(Answer::Held(file, gate, at)) => held(shared, &file, &headers, gate, at),
        Some(Answer::Silent(file, gate)) => {
            gate.pass().await;
            ranged(shared, &file, &headers, None, false)
        }
        Some(Answer::Gated(file, gate)) => ranged(shared, &file, &headers, Some(gate), false),
        Some(Answer::CutOnce(file)) => {
            let first = !std::mem::replace(shared.cut.lock().unwrap().entry(path).or_default(), true);
            ranged(shared, &file, &headers, None, first)
        }
    }
}

/// The head of an answer, its body, and where in the file that begins.
fn head(file: &std::path::Path, headers: &HeaderMap) -> (axum::http::response::Builder, Bytes, usize) {
    let all = Bytes::from(std::fs::read(file).unwrap());
    let start = headers.get(header::RANGE).and_then(|range| {
        let text = range.to_str().ok()?.strip_prefix("bytes=")?;
        text.split('-').next()?.parse::<usize>().ok().filter(|start| *start < all.len())
    });
    let body = all.slice(start.unwrap_or(0)..);
    let mut builder = Response::builder()
        .header(header::CONTENT_TYPE, mime_guess::from_path(file).first_or_octet_stream().as_ref())
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, format!("\"{}\"", all.len()))
        .header(header::CONTENT_LENGTH, body.len());
    if let Some(start) = start {
        builder = builder
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {start}-{}/{}", all.len() - 1, all.len()));
    }
    (builder, body, start.unwrap_or(0))
}

/// How much of the end of a held file is given out at any time: where the index of many films lies.
const HELD_TAIL_BYTES: usize = 256 * 1024;

fn held(shared: Arc<Shared>, file: &std::path::Path, headers: &HeaderMap, gate: Arc<Gate>, at: usize) -> Response {
    let (head, body, start) = head(file, headers);
    let end = start + body.len();
    let free = move |byte: usize| byte < at || byte + HELD_TAIL_BYTES >= end;
    let pieces = futures::stream::unfold((start, false), {
        let body = body.clone();
        move |(from, opened)| {
            let (shared, gate, body) = (shared.clone(), gate.clone(), body.clone());
            async move {
                if from >= end {
                    return None;
                }
                let mut opened = opened;
                if !opened && !free(from) {
                    gate.pass().await;
                    if gate.broken.load(Ordering::SeqCst) {
                        return Some((Err(std::io::Error::other("broken off by the test")), (end, true)));
                    }
                    opened = true;
                }
                let mut to = (from + 65_536).min(end);
                if !opened && from < at {
                    to = to.min(at);
                }
                shared.bytes.fetch_add((to - from) as u64, Ordering::SeqCst);
                Some((Ok(body.slice(from - start..to - start)), (to, opened)))
            }
        }
    });
    head.body(Body::from_stream(pieces)).unwrap()
}

fn ranged(shared: Arc<Shared>, file: &std::path::Path, headers: &HeaderMap, gate: Option<Arc<Gate>>, cut: bool) -> Response {
    let (builder, body, _) = head(file, headers);
    let pieces = futures::stream::unfold((body, 0usize), move |(body, at)| {
        let (shared, gate) = (shared.clone(), gate.clone());
        async move {
            if at >= body.len() {
                return None;
            }
            let half = body.len() / 2;
            if at >= half && half > 0 {
                if cut {
                    return Some((Err(std::io::Error::other("cut by the test")), (body.clone(), body.len())));
                }
                if let Some(gate) = gate {
                    gate.pass().await;
                }
            }
            let end = if at < half { (at + 65_536).min(half) } else { body.len() };
            shared.bytes.fetch_add((end - at) as u64, Ordering::SeqCst);
            Some((Ok(body.slice(at..end)), (body, end)))
        }
    });
    builder.body(Body::from_stream(pieces)).unwrap()
}
