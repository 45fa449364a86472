//! A job: one link for one chat, and how far it has come.
//!
//! In: what the intake accepted. Out: plain values that the store keeps. Must not: decide what comes next; that is the pipeline's.

use serde::{Deserialize, Serialize};

use super::{ChatId, JobId, Link, MessageId, SubtitleChoice, UserId};

/// What the person wants of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// A video that plays everywhere (a file that is no video goes as what it is).
    Video,
    /// Its sound alone, as M4A.
    Audio,
    /// The same as [`Choice::Video`]; above what one message may hold it is cut into pieces rather than made smaller.
    Pieces,
}

impl Choice {
    /// The stable name used in the store and in callback data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Pieces => "pieces",
        }
    }

    /// Reads [`Choice::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Video, Self::Audio, Self::Pieces].into_iter().find(|choice| choice.as_str() == text)
    }
}

/// How far a job has come. Stored before the step of that name begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Metadata is to be read and the card to be sent.
    Inspect,
    /// The card is in the chat; the person has not chosen yet.
    Choose,
    /// The bytes are to be fetched.
    Fetch,
    /// They are to be made playable.
    Media,
    /// They are to be uploaded.
    Upload,
    /// They are at Telegram and are to be brought into the chat.
    Deliver,
    /// Delivered.
    Done,
    /// Given up; the reason is stored.
    Failed,
    /// Cancelled by the person.
    Cancelled,
}

impl Stage {
    /// The stable name used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inspect => "inspect",
            Self::Choose => "choose",
            Self::Fetch => "fetch",
            Self::Media => "media",
            Self::Upload => "upload",
            Self::Deliver => "deliver",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads [`Stage::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Inspect, Self::Choose, Self::Fetch, Self::Media, Self::Upload, Self::Deliver, Self::Done, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|stage| stage.as_str() == text)
    }

    /// True if nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// What the intake hands to the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Who asked.
    pub user: UserId,
    /// Where the result goes.
    pub chat: ChatId,
    /// The message with the link, to reply to.
    pub request_message: Option<MessageId>,
    /// What to fetch.
    pub link: Link,
    /// Set if the choice is already known (the command line); otherwise the person is shown a card.
    pub choice: Option<Choice>,
    /// The subtitles that are wanted with it, if that is known too.
    pub subtitles: Option<SubtitleChoice>,
    /// Language of the person, e.g. `en`, as a BCP 47 tag.
    pub language: String,
}

/// A stored job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// Who asked.
    pub user: UserId,
    /// Where the result goes.
    pub chat: ChatId,
    /// The message with the link.
    pub request_message: Option<MessageId>,
    /// The card, later the one status message.
    pub status_message: Option<MessageId>,
    /// What to fetch.
    pub link: Link,
    /// What the person chose.
    pub choice: Option<Choice>,
    /// The subtitles that are wanted with it.
    pub subtitles: Option<SubtitleChoice>,
    /// Language of the person.
    pub language: String,
    /// How far it has come.
    pub stage: Stage,
    /// Title for the card and the status, once known.
    pub title: Option<String>,
    /// How often the present stage was begun and failed in a way that may pass.
    pub attempts: u32,
}
