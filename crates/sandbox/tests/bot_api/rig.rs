//! A sandbox with one bot and one person, and a plain HTTP client.
//!
//! In: calls as JSON. Out: answers as JSON. It must not hide what the server says.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tgferry_sandbox::{BotInfo, Limits, Sandbox, SandboxConfig, TestUser};

/// Everything that a test needs.
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
        let sandbox = Sandbox::start(SandboxConfig { limits, ..SandboxConfig::default() }).await.expect("the sandbox starts");
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

    /// Nothing was called that is not served.
    pub(crate) fn nothing_refused(&self) {
        assert_eq!(self.sandbox.refusals(), Vec::<String>::new());
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
