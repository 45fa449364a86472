//! What a button under a message of ours says.
//!
//! In: callback data that came back from Telegram. Out: [`Button`], and the data for a new button. Must not: trust that the job exists or
//! belongs to whoever pressed it.

use super::{Choice, JobId, SubtitleChoice, SubtitleWay, is_language};

/// A button. Its data fits the 64 bytes of <https://core.telegram.org/bots/api#inlinekeyboardbutton>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Button {
    /// "I want it as video", or audio.
    Choose(JobId, Choice),
    /// "I want it as video, with subtitles."
    ChooseSubtitles(JobId, SubtitleChoice),
    /// "Which subtitles are there?"
    Languages(Place, u16),
    /// "In this language; how can I have them?"
    Ways(Place, String),
    /// "Back to the first question."
    Back(Place),
    /// "Stop this job."
    Cancel(JobId),
}

/// Whose card it is that asks, and what else its first question offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The job.
    pub job: JobId,
    /// True if a video in pieces is offered.
    pub offers_pieces: bool,
}

impl Button {
    /// The callback data.
    pub fn data(&self) -> String {
        match self {
            Self::Choose(job, choice) => format!("c:{job}:{}", choice.as_str()),
            Self::ChooseSubtitles(job, subtitles) => format!("t:{job}:{subtitles}"),
            Self::Languages(place, page) => format!("s:{place}:{page}"),
            Self::Ways(place, language) => format!("l:{place}:{language}"),
            Self::Back(place) => format!("b:{place}"),
            Self::Cancel(job) => format!("x:{job}"),
        }
    }

    /// Reads [`Button::data`]; `None` for data of an older version or somebody's invention.
    pub fn parse(data: &str) -> Option<Self> {
        let mut words = data.split(':');
        let button = match (words.next()?, words.next()?) {
            ("c", text) => Self::Choose(job(text)?, Choice::parse(words.next()?)?),
            ("t", text) => {
                let language = words.next().filter(|language| is_language(language))?.to_owned();
                Self::ChooseSubtitles(job(text)?, SubtitleChoice { language, way: SubtitleWay::parse(words.next()?)? })
            }
            ("s", text) => Self::Languages(place(text)?, words.next()?.parse().ok()?),
            ("l", text) => Self::Ways(place(text)?, words.next().filter(|language| is_language(language))?.to_owned()),
            ("b", text) => Self::Back(place(text)?),
            ("x", text) => Self::Cancel(job(text)?),
            _ => return None,
        };
        words.next().is_none().then_some(button)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}{}", self.job, if self.offers_pieces { "p" } else { "" })
    }
}

fn place(text: &str) -> Option<Place> {
    let number = text.strip_suffix('p');
    Some(Place { job: job(number.unwrap_or(text))?, offers_pieces: number.is_some() })
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
            Button::ChooseSubtitles(JobId(i64::MAX), SubtitleChoice { language: "x".repeat(30), way: SubtitleWay::Track }),
            Button::Languages(Place { job: JobId(7), offers_pieces: false }, 0),
            Button::Languages(Place { job: JobId(i64::MAX), offers_pieces: true }, u16::MAX),
            Button::Ways(Place { job: JobId(i64::MAX), offers_pieces: true }, "x".repeat(30)),
            Button::Back(Place { job: JobId(7), offers_pieces: true }),
            Button::Cancel(JobId(7)),
            Button::Cancel(JobId(i64::MAX)),
        ] {
            assert_eq!(Button::parse(&button.data()), Some(button.clone()));
            assert!(button.data().len() <= 64, "{}", button.data());
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
            "t:1:en",
            "t:1:en:gif",
            "t:1:e/n:file",
            "s:1",
            "s:1p:-1",
            "s:p:1",
            "l:1:",
            "b:1pp",
            "x:99999999999999999999",
        ] {
            assert_eq!(Button::parse(data), None, "{data:?}");
        }
    }
}
