//! Why the parts of a file stopped: for good, or because they have to begin under another number.
//!
//! In: errors of Telegram, failures of our own. Out: a [`Halt`]. Must not: begin anything.

use grammers_client::InvocationError;

use crate::model::Failure;
use crate::telegram::errors;

/// The end of an upload before its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// What Telegram has of this file does not fit with what it is to become: a new number helps, once.
    Anew(Failure),
    /// It ends here.
    Failed(Failure),
}

/// The cause in a failure with [`Reason::TooLarge`](crate::model::Reason::TooLarge) if it is the account's limit that the file is above. See [`outgrew`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the file is larger than the account takes")]
pub(super) struct Outgrew;

/// True if the file became larger than the account takes, whatever it was meant to be: another way up may take it.
pub fn outgrew(failure: &Failure) -> bool {
    failure.cause.is::<Outgrew>()
}

impl Halt {
    /// The failure, once beginning anew is out of the question.
    pub(super) fn into_failure(self) -> Failure {
        match self {
            Self::Anew(failure) | Self::Failed(failure) => failure,
        }
    }
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<InvocationError> for Halt {
    fn from(error: InvocationError) -> Self {
        let anew = parts_do_not_fit(&error);
        let failure = errors::failure(error);
        if anew { Self::Anew(failure) } else { Self::Failed(failure) }
    }
}

/// Names of `upload.saveBigFilePart` and `messages.sendMedia`: <https://core.telegram.org/method/upload.saveBigFilePart#possible-errors>.
fn parts_do_not_fit(error: &InvocationError) -> bool {
    const NAMES: [&str; 6] = [
        "FILE_PARTS_INVALID",
        "FILE_PART_INVALID",
        "FILE_PART_SIZE_CHANGED",
        "FILE_PART_SIZE_INVALID",
        "FILE_PART_TOO_BIG",
        "FILE_PART_LENGTH_INVALID",
    ];
    matches!(error, InvocationError::Rpc(rpc) if NAMES.contains(&rpc.name.as_str()))
}

#[cfg(test)]
mod tests {
    use grammers_client::sender::RpcError;
    use grammers_tl_types::types;

    use super::*;

    #[test]
    fn parts_that_do_not_fit_begin_anew_and_nothing_else_does() {
        let table = [
            ("FILE_PARTS_INVALID", true),
            ("FILE_PART_SIZE_CHANGED", true),
            ("FILE_PART_TOO_BIG", true),
            ("FILE_PART_INVALID", true),
            ("FILE_PART_3_MISSING", false),
            ("FILE_REFERENCE_EXPIRED", false),
            ("PEER_FLOOD", false),
            ("SESSION_REVOKED", false),
        ];
        for (name, anew) in table {
            let error = InvocationError::Rpc(RpcError::from(types::RpcError { error_code: 400, error_message: name.to_owned() }));
            assert_eq!(matches!(Halt::from(error), Halt::Anew(_)), anew, "{name}");
        }
        assert!(matches!(Halt::from(InvocationError::InvalidDc), Halt::Failed(_)));
    }
}
