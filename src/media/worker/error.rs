//! Whose fault an error is.
//!
//! In: errors of FFmpeg and of files. Out: [`WorkError`], a reason for people and a cause for the log. Must not: log.

use std::io;

use ffmpeg_next as ffmpeg;

use super::attempts::Surprise;
use crate::model::Reason;

/// Why the work could not be done.
#[derive(Debug)]
pub(super) struct WorkError {
    pub(super) reason: Reason,
    pub(super) cause: String,
    /// What another run may mend.
    pub(super) surprise: Option<Surprise>,
}

pub(super) type WorkResult<T> = Result<T, WorkError>;

impl WorkError {
    pub(super) fn new(reason: Reason, cause: impl Into<String>) -> Self {
        Self { reason, cause: cause.into(), surprise: None }
    }

    pub(super) fn broken(cause: impl Into<String>) -> Self {
        Self::new(Reason::BrokenMedia, cause)
    }

    /// The same, to be mended by another run.
    pub(super) fn surprising(self, surprise: Surprise) -> Self {
        Self { surprise: Some(surprise), ..self }
    }
}

/// Names what was being done, and who is to blame unless the error itself says (no memory, no disk).
pub(super) trait Blame<T> {
    /// The file is to blame.
    fn blame_file(self, doing: &str) -> WorkResult<T>;
    /// We are to blame.
    fn blame_us(self, doing: &str) -> WorkResult<T>;
}

impl<T> Blame<T> for Result<T, ffmpeg::Error> {
    fn blame_file(self, doing: &str) -> WorkResult<T> {
        self.map_err(|error| WorkError::new(reason_of(error).unwrap_or(Reason::BrokenMedia), format!("{doing}: {error}")))
    }

    fn blame_us(self, doing: &str) -> WorkResult<T> {
        self.map_err(|error| {
            // A packet that a muxer does not take is damaged: sound without a header, a picture without its parameters.
            if error == ffmpeg::Error::InvalidData {
                return WorkError::new(Reason::BrokenMedia, format!("{doing}: {error}"));
            }
            // libx264 says no more than "external" when it gets no memory; its options are ours and valid.
            let of_library = (error == ffmpeg::Error::External).then_some(Reason::MediaLimits);
            WorkError::new(reason_of(error).or(of_library).unwrap_or(Reason::Internal), format!("{doing}: {error}"))
        })
    }
}

impl<T> Blame<T> for io::Result<T> {
    fn blame_file(self, doing: &str) -> WorkResult<T> {
        self.map_err(|error| WorkError::new(reason_of_io(&error).unwrap_or(Reason::BrokenMedia), format!("{doing}: {error}")))
    }

    fn blame_us(self, doing: &str) -> WorkResult<T> {
        self.map_err(|error| WorkError::new(reason_of_io(&error).unwrap_or(Reason::Internal), format!("{doing}: {error}")))
    }
}

fn reason_of(error: ffmpeg::Error) -> Option<Reason> {
    match error {
        ffmpeg::Error::Other { errno } => reason_of_errno(errno),
        _ => None,
    }
}

fn reason_of_io(error: &io::Error) -> Option<Reason> {
    error.raw_os_error().and_then(reason_of_errno)
}

fn reason_of_errno(errno: i32) -> Option<Reason> {
    match errno {
        libc::ENOMEM | libc::EFBIG => Some(Reason::MediaLimits),
        libc::ENOSPC | libc::EDQUOT => Some(Reason::DiskFull),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_errors_speak_for_themselves() {
        let table = [
            (ffmpeg::Error::Other { errno: libc::ENOMEM }, Reason::MediaLimits),
            (ffmpeg::Error::Other { errno: libc::ENOSPC }, Reason::DiskFull),
            (ffmpeg::Error::InvalidData, Reason::BrokenMedia),
        ];
        for (error, expected) in table {
            assert_eq!(Err::<(), _>(error).blame_file("reading").expect_err("it is an error").reason, expected);
        }
        assert_eq!(Err::<(), _>(ffmpeg::Error::Bug).blame_us("writing").expect_err("it is an error").reason, Reason::Internal);
    }
}
