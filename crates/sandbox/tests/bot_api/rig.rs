//! A sandbox with one bot and one person, and a plain HTTP client.
//!
//! In: calls as JSON. Out: answers as JSON. It must not hide what the server says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::http::{StatusCode, Uri};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tgferry_sandbox::{BotInfo, Limits, Sandbox, SandboxConfig, TestUser};

/// Everything that a test needs. The sandbox is strict: a test fails that leaves a fault or a refusal behind.
pub(crate) struct Rig {
    pub(crate) sandbox: Sandbox,
    pub(crate) bot: BotInfo,
    pub(crate) ann: TestUser,
    pub(crate) http: reqwest::Client,
}

impl Rig {
    /// The bot has been started by the person.
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let sandbox = Sandbox::start(SandboxConfig { limits, strict: true, ..SandboxConfig::default() }).await.expect("the sandbox starts");
        let bot = sandbox.create_bot("ferry_bot");
        let ann = sandbox.user("ann", &bot);
        ann.sends("/start").await;
        Self { sandbox, bot, ann, http: reqwest::Client::builder().build().unwrap() }
    }

    pub(crate) fn url(&self, method: &str) -> String {
        format!("{}/bot{}/{method}", self.sandbox.bot_api_url(), self.bot.token)
    }

    /// The whole answer, with the HTTP status under `status`.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let response = self.http.post(self.url(method)).json(&params).send().await.expect("an answer");
        whole(response).await
    }

    /// The result of a call that must go well.
    pub(crate) async fn ok(&self, method: &str, params: Value) -> Value {
        let answer = self.call(method, params).await;
        assert_eq!(answer["ok"], true, "{method}: {answer}");
        answer["result"].clone()
    }

    /// `error_code` and `description` of a call that must fail.
    pub(crate) async fn refused(&self, method: &str, params: Value) -> (i64, String) {
        let answer = self.call(method, params).await;
        assert_eq!(answer["ok"], false, "{method}: {answer}");
        assert_eq!(answer["status"], answer["error_code"], "{answer}");
        (answer["error_code"].as_i64().expect("a code"), answer["description"].as_str().expect("a text").to_owned())
    }

    pub(crate) async fn form(&self, method: &str, form: Form) -> Value {
        let response = self.http.post(self.url(method)).multipart(form).send().await.expect("an answer");
        whole(response).await
    }

    /// Writes to the person and returns the message's number.
    pub(crate) async fn says(&self, text: &str) -> i64 {
        let message = self.ok("sendMessage", json!({"chat_id": self.ann.id(), "text": text})).await;
        message["message_id"].as_i64().expect("a number")
    }

    /// Nothing was called so far that is not served.
    pub(crate) fn nothing_refused(&self) {
        assert_eq!(self.sandbox.refusals(), Vec::<String>::new());
    }

    /// What was called that is not served, which is forgiven by that.
    pub(crate) fn forgiven(&self) -> Vec<String> {
        self.sandbox.world().take_refusals()
    }

    /// A method of the control API.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/{path}", self.sandbox.control_url());
        self.http.post(url).json(&body).send().await.expect("answered").json().await.expect("JSON")
    }

    /// The newest update of a kind, which is waited for and forgotten.
    pub(crate) async fn next(&self, kind: &str) -> Value {
        let mut offset = 0;
        loop {
            let updates = self.ok("getUpdates", json!({"offset": offset, "limit": 1, "timeout": 5})).await;
            let update = &updates[0];
            offset = update["update_id"].as_i64().unwrap_or_else(|| panic!("no {kind} came")) + 1;
            if !update[kind].is_null() {
                self.ok("getUpdates", json!({"offset": offset})).await;
                return update[kind].clone();
            }
        }
    }
}

async fn whole(response: reqwest::Response) -> Value {
    let status = response.status().as_u16();
    let mut answer: Value = response.json().await.expect("JSON");
    answer["status"] = json!(status);
    answer
}

/// A file as a part of a form.
pub(crate) fn part(bytes: Vec<u8>, name: &str) -> Part {
    Part::bytes(bytes).file_name(name.to_owned())
}

/// The header of a JPEG of this size, followed by padding.
pub(crate) fn jpeg(width: u16, height: u16, bytes: usize) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xc0, 0, 11, 8];
    jpeg.extend(height.to_be_bytes());
    jpeg.extend(width.to_be_bytes());
    jpeg.extend([3, 0, 0, 0]);
    jpeg.resize(bytes.max(32), 0);
    jpeg
}

/// What the tests take for a small video.
pub(crate) fn video() -> Vec<u8> {
    let mut bytes = b"\0\0\0\x18ftypmp42".to_vec();
    bytes.extend((0..5000_u32).flat_map(u32::to_le_bytes));
    bytes
}

/// A web server with a picture, a film and a page, that notes what it is asked for.
pub(crate) async fn web_server() -> (Arc<Mutex<Vec<String>>>, SocketAddr) {
    let asked_for = Arc::new(Mutex::new(Vec::new()));
    let noted = asked_for.clone();
    let serve = move |uri: Uri| {
        noted.lock().expect("no panic").push(uri.path().to_owned());
        let found = match uri.path() {
            "/a.jpg" => Some(("image/jpeg", jpeg(320, 180, 900))),
            "/a.mp4" => Some(("video/mp4", video())),
            "/page" => Some(("text/html", b"<p>hello".to_vec())),
            _ => None,
        };
        async move { found.map(|(kind, bytes)| ([("content-type", kind)], bytes)).ok_or(StatusCode::NOT_FOUND) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(serve)).await });
    (asked_for, address)
}
