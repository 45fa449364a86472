//! The parameters of a call, wherever they stand in the request.
//!
//! In: a request. Out: texts and files by name, and which of them nobody asked for. It must not know what a method needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::incoming::Incoming;
use super::multipart;
use super::reply::ApiError;
use crate::world::World;

/// A body that is no upload is not larger than this, in bytes.
const MAX_PLAIN_BODY_BYTES: usize = 8 * 1024 * 1024;

/// Parameters by name.
#[derive(Debug, Default)]
pub(super) struct Params {
    texts: BTreeMap<String, String>,
    files: Mutex<BTreeMap<String, Incoming>>,
    read: Mutex<BTreeSet<String>>,
}

impl Params {
    /// Takes them from a request; files go to disk.
    pub(super) async fn read(world: &World, request: Request) -> Result<Self, ApiError> {
        let mut params = Self::default();
        if let Some(query) = request.uri().query() {
            params.add_urlencoded(query.as_bytes());
        }
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        if kind.starts_with("multipart/form-data") {
            let (texts, files) = multipart::read(world, request).await?;
            params.texts.extend(texts);
            params.files = Mutex::new(files);
            return Ok(params);
        }
        let body = to_bytes(request.into_body(), MAX_PLAIN_BODY_BYTES).await.map_err(|_| ApiError::new(413, "Request Entity Too Large"))?;
        if kind.starts_with("application/json") {
            params.add_json(&body)?;
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            params.add_urlencoded(&body);
        }
        Ok(params)
    }

    /// Parameters that stand in a JSON object (`InputMedia`), with the files of this call left where they are.
    pub(super) fn of_object(object: &serde_json::Map<String, Value>) -> Self {
        let mut params = Self::default();
        params.add_object(object);
        params
    }

    /// A text; an empty one counts as none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.note(name);
        self.texts.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A text that the call cannot do without.
    pub(super) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.text(name).ok_or_else(|| ApiError::bad_request(format!("parameter \"{name}\" is required")))
    }

    /// It was sent, be it empty.
    pub(super) fn was_given(&self, name: &str) -> bool {
        self.note(name);
        self.texts.contains_key(name)
    }

    /// `true`, `True` and `1` are true.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes"))
    }

    /// A whole number; what is none counts as missing, as at Telegram.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.trim().parse().ok()
    }

    /// Something written as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        serde_json::from_str(text).map(Some).map_err(|error| ApiError::bad_request(format!("can't parse {name} JSON object: {error}")))
    }

    /// Takes the file of this name out.
    pub(super) fn take_file(&self, name: &str) -> Option<Incoming> {
        self.note(name);
        self.files.lock().unwrap_or_else(PoisonError::into_inner).remove(name)
    }

    /// Says that these are understood but have no effect here.
    pub(super) fn ignore(&self, names: &[&str]) {
        for name in names {
            self.note(name);
        }
    }

    /// Names that were sent but never asked for.
    pub(super) fn unread(&self) -> Vec<String> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        self.texts.keys().chain(files.keys()).filter(|name| !read.contains(*name)).cloned().collect()
    }

    fn note(&self, name: &str) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    fn add_urlencoded(&mut self, bytes: &[u8]) {
        for (name, value) in url::form_urlencoded::parse(bytes) {
            self.texts.insert(name.into_owned(), value.into_owned());
        }
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), ApiError> {
        if body.is_empty() {
            return Ok(());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => {
                self.add_object(&object);
                Ok(())
            }
            // Some libraries send `null` where there is nothing to say.
            Ok(Value::Null) => Ok(()),
            _ => Err(ApiError::bad_request("can't parse request body as JSON object")),
        }
    }

    fn add_object(&mut self, object: &serde_json::Map<String, Value>) {
        for (name, value) in object {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            self.texts.insert(name.clone(), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_values_become_texts_and_unread_names_are_known() {
        let mut params = Params::default();
        params.add_json(br#"{"chat_id": 5, "text": "hi", "markup": {"a": [1]}, "none": null, "flag": true}"#).expect("reads");
        assert_eq!(params.number::<i64>("chat_id"), Some(5));
        assert_eq!(params.text("text"), Some("hi"));
        assert!(params.flag("flag"));
        assert_eq!(params.json::<Value>("markup").expect("reads"), Some(serde_json::json!({"a": [1]})));
        assert!(params.unread().is_empty());
        params.add_urlencoded(b"x=1%202&y=");
        assert_eq!(params.unread(), ["x", "y"]);
        assert_eq!(params.text("x"), Some("1 2"));
        assert_eq!(params.text("y"), None);
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        let error = Params::default().add_json(b"[1]").expect_err("refused");
        assert_eq!(error.description, "Bad Request: can't parse request body as JSON object");
    }
}
