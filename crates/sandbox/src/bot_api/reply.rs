//! Answers of the Bot API as HTTP.
//!
//! In: results and refusals. Out: `{"ok": …}` with the status that Telegram uses. It must not decide what is refused.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What a method gives.
pub(super) type Answer = Result<Value, ApiError>;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// HTTP status and `error_code`.
    pub(crate) code: u16,
    /// `description`.
    pub(crate) description: String,
    /// `parameters.retry_after`, in seconds.
    pub(crate) retry_after: Option<u32>,
    /// `parameters.migrate_to_chat_id`.
    pub(crate) migrate_to_chat_id: Option<i64>,
}

impl ApiError {
    pub(super) fn new(code: u16, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), retry_after: None, migrate_to_chat_id: None }
    }

    /// 400 with `Bad Request: ` before the text.
    pub(super) fn bad_request(what: impl std::fmt::Display) -> Self {
        Self::new(400, format!("Bad Request: {what}"))
    }

    /// 403 with `Forbidden: ` before the text.
    pub(super) fn forbidden(what: impl std::fmt::Display) -> Self {
        Self::new(403, format!("Forbidden: {what}"))
    }

    /// What Telegram calls `QUERY_ID_INVALID`.
    pub(super) fn query_too_old() -> Self {
        Self::bad_request("query is too old and response timeout expired or query id is invalid")
    }

    /// The group is a supergroup now, with this id.
    pub(super) fn upgraded(chat_id: i64) -> Self {
        Self { migrate_to_chat_id: Some(chat_id), ..Self::bad_request("group chat was upgraded to a supergroup chat") }
    }

    pub(super) fn too_many_requests(seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(429, format!("Too Many Requests: retry after {seconds}")) }
    }

    /// Something broke here, not at the caller's.
    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "the sandbox failed");
        Self::new(500, "Internal Server Error")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = json!({"ok": false, "error_code": self.code, "description": self.description});
        if let Some(seconds) = self.retry_after {
            body["parameters"] = json!({"retry_after": seconds});
        }
        if let Some(chat_id) = self.migrate_to_chat_id {
            body["parameters"] = json!({"migrate_to_chat_id": chat_id});
        }
        (status, Json(body)).into_response()
    }
}

/// The whole response.
pub(super) fn respond(answer: Answer) -> Response {
    match answer {
        Ok(result) => Json(json!({"ok": true, "result": result})).into_response(),
        Err(error) => error.into_response(),
    }
}
