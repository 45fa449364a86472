//! What a button under a message of ours says.
//!
//! In: callback data that came back from Telegram. Out: [`Button`], and the data for a new button. Must not: trust that the job exists or
//! belongs to whoever pressed it.

use super::{Choice, JobId};

/// A button. Its data fits the 64 bytes of <https://core.telegram.org/bots/api#inlinekeyboardbutton>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// "I want it as video", or audio.
    Choose(JobId, Choice),
    /// "Stop this job."
    Cancel(JobId),
}

impl Button {
    /// The callback data.
    pub fn data(self) -> String {
        match self {
            Self::Choose(job, choice) => format!("c:{job}:{}", choice.as_str()),
            Self::Cancel(job) => format!("x:{job}"),
        }
    }

    /// Reads [`Button::data`]; `None` for data of an older version or somebody's invention.
    pub fn parse(data: &str) -> Option<Self> {
        let mut words = data.split(':');
        let button = match (words.next()?, job(words.next()?)?) {
            ("c", job) => Self::Choose(job, Choice::parse(words.next()?)?),
            ("x", job) => Self::Cancel(job),
            _ => return None,
        };
        words.next().is_none().then_some(button)
    }
}

fn job(text: &str) -> Option<JobId> {
    text.parse().ok().filter(|number| *number > 0).map(JobId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_read_back_and_fits() {
        for button in [
            Button::Choose(JobId(1), Choice::Video),
            Button::Choose(JobId(i64::MAX), Choice::Audio),
            Button::Choose(JobId(i64::MAX), Choice::Pieces),
            Button::Cancel(JobId(7)),
            Button::Cancel(JobId(i64::MAX)),
        ] {
            assert_eq!(Button::parse(&button.data()), Some(button));
            assert!(button.data().len() <= 64);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for data in [
            "",
            "c",
            "c:",
            "c:1",
            "c:1:",
            "c:1:gif",
            "c:x:video",
            "c:1:video:2",
            "x:",
            "x:-1",
            "x:0",
            "x:1:2",
            "y:1",
            "x:99999999999999999999",
        ] {
            assert_eq!(Button::parse(data), None, "{data:?}");
        }
    }
}
