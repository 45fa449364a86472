//! How often what was called, and how much was moved.
//!
//! In: calls as both faces see them. Out: numbers for tests. It must not influence anything.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Calls by Bot API method, refused ones too.
    pub bot_api: BTreeMap<String, u64>,
    /// Calls by MTProto method, refused ones too.
    pub mtproto: BTreeMap<String, u64>,
    /// Parts stored over MTProto.
    pub uploaded_parts: u64,
    /// Bytes of those parts.
    pub uploaded_bytes: u64,
    /// Bytes of files that came by multipart.
    pub bot_api_uploaded_bytes: u64,
    /// Messages made by `copyMessage`.
    pub copies: u64,
}

impl Counters {
    /// How often a Bot API method was called.
    pub fn bot_api_calls(&self, method: &str) -> u64 {
        self.bot_api.get(method).copied().unwrap_or(0)
    }

    /// How often an MTProto method was called.
    pub fn mtproto_calls(&self, method: &str) -> u64 {
        self.mtproto.get(method).copied().unwrap_or(0)
    }

    /// Counts a call of a Bot API method.
    pub fn bot_api_called(&mut self, method: &str) {
        count(&mut self.bot_api, method);
    }

    /// Counts a call of an MTProto method.
    pub fn mtproto_called(&mut self, method: &str) {
        count(&mut self.mtproto, method);
    }
}

fn count(calls: &mut BTreeMap<String, u64>, method: &str) {
    match calls.get_mut(method) {
        Some(count) => *count += 1,
        None => {
            calls.insert(method.to_owned(), 1);
        }
    }
}
