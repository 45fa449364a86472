//! The error of a call, as a client sees it.
//!
//! In: Telegram's number and name of an error, or an error of a lower layer. Out: `rpc_error`. Names and numbers:
//! <https://core.telegram.org/api/errors>. It must not decide what a client does about it.

use grammers_tl_types::{self as tl, Deserializable, Identifiable, Serializable};

use super::wire;

use crate::world::accounts::LoginError;

/// `rpc_error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RpcError {
    pub(crate) code: i32,
    pub(crate) name: String,
}

impl RpcError {
    /// 400: the client asked for something wrong.
    pub(crate) fn bad(name: impl Into<String>) -> Self {
        Self { code: 400, name: name.into() }
    }

    /// An error with another number than 400.
    pub(crate) fn new(code: i32, name: impl Into<String>) -> Self {
        Self { code, name: name.into() }
    }

    /// 500: the server's own fault; the cause is logged here.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a call failed inside the sandbox");
        Self::new(500, "INTERNAL_SERVER_ERROR")
    }

    /// The name of the error that an answer is, if it is one.
    pub(crate) fn name_in(answer: &[u8]) -> Option<String> {
        if wire::constructor(answer) != Some(tl::types::RpcError::CONSTRUCTOR_ID) {
            return None;
        }
        let tl::enums::RpcError::Error(error) = tl::enums::RpcError::from_bytes(answer).ok()?;
        Some(error.error_message)
    }

    /// Its bytes inside an `rpc_result`.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let error = tl::types::RpcError { error_code: self.code, error_message: self.name.clone() };
        tl::enums::RpcError::Error(error).to_bytes()
    }
}

impl From<LoginError> for RpcError {
    fn from(LoginError(code, name): LoginError) -> Self {
        Self::new(code, name)
    }
}

impl From<tl::deserialize::Error> for RpcError {
    fn from(_: tl::deserialize::Error) -> Self {
        Self::bad("INPUT_FETCH_ERROR")
    }
}
