//! Why a job could not go on, in words for the person and with the cause for us.
//!
//! In: what a step met. Out: [`Failure`]: a stable [`Reason`] (shown, translated, stored) and a cause (logged once, never shown).
//! Must not: build texts for people; that is the i18n layer's work, from the reason's key.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a caller may do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It may pass by itself: try again with growing delay.
    TryAgain,
    /// The other side named a time: wait that long, then go on.
    Wait(Duration),
    /// Trying again changes nothing.
    GiveUp,
}

/// What happened, as a stable value: it is stored with the job and names the message that the person gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// The person cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The content is private.
    #[error("the content is private")]
    Private,
    /// The content was removed.
    #[error("the content was removed")]
    Removed,
    /// Not available in the country of this server.
    #[error("the content is blocked in this server's country")]
    GeoBlocked,
    /// The site wants a log-in.
    #[error("the site wants a log-in")]
    LoginNeeded,
    /// The site takes this server for a robot.
    #[error("the site asks to prove that this is not a robot")]
    BotCheck,
    /// No way is known to get a file from this link.
    #[error("nothing can be fetched from this kind of link")]
    Unsupported,
    /// The link leads into this server's own network.
    #[error("the link leads to a private address")]
    PrivateAddress,
    /// Protected by DRM.
    #[error("the content is protected (DRM)")]
    Drm,
    /// A live stream or premiere that has not ended.
    #[error("the content is live or has not begun")]
    Live,
    /// 404 or 410.
    #[error("nothing is found at this link")]
    NotFound,
    /// The server refused with this HTTP status.
    #[error("the site answered with HTTP status {status}")]
    HttpStatus {
        /// The status, e.g. 403.
        status: u16,
    },
    /// A web page, such as a log-in page, came in place of a file.
    #[error("a web page came in place of a file")]
    WebPage,
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The network failed or the site did not answer.
    #[error("the connection to the site failed")]
    Network,
    /// The downloader itself failed in a way that has no better name.
    #[error("the downloader failed")]
    Downloader,
    /// More bytes than the configuration allows to fetch.
    #[error("the file is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Size if it is known, in bytes.
        size_bytes: Option<u64>,
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The disk has no room.
    #[error("the disk is full")]
    DiskFull,
    /// The file is no media that can be read, or is damaged.
    #[error("the file is damaged or is no media")]
    BrokenMedia,
    /// Audio was asked of a file that has none.
    #[error("there is no sound in it")]
    NoAudio,
    /// Pictures were asked of a file that has none that move.
    #[error("there is no video in it")]
    NoPicture,
    /// Longer than what is asked for can be.
    #[error("it is {seconds} s long; it may be {limit_seconds} s at most")]
    TooLong {
        /// Its length in seconds.
        seconds: u32,
        /// The limit in seconds.
        limit_seconds: u32,
    },
    /// The FFmpeg of this machine was built without what is needed.
    #[error("the FFmpeg of this machine has no encoder {name}")]
    NoEncoder {
        /// FFmpeg's name of the encoder.
        name: String,
    },
    /// Media work took longer or needed more memory than its limits.
    #[error("processing went over its limits")]
    MediaLimits,
    /// No lane can take the file and compression can't or may not help.
    #[error("no way to send a file of {size_bytes} bytes; the limit is {limit_bytes} bytes")]
    NoLane {
        /// Size of the file, in bytes.
        size_bytes: u64,
        /// The largest that any lane could take now, in bytes.
        limit_bytes: u64,
        /// True if a user account would help that is not logged in or is unwell.
        account_missing: bool,
    },
    /// It could be made to fit, but it would be no video any more.
    #[error("in {limit_bytes} bytes it would be a slide show")]
    SlideShow {
        /// Size of the file, in bytes.
        size_bytes: u64,
        /// What it would have to fit into, in bytes.
        limit_bytes: u64,
    },
    /// Telegram asks for a pause.
    #[error("Telegram asks for a pause of {seconds} s")]
    FloodWait {
        /// How long, in seconds.
        seconds: u32,
    },
    /// The user account's session has ended.
    #[error("the user account is no longer logged in")]
    SessionRevoked,
    /// Telegram limits what the user account may do (`PEER_FLOOD`): another one may still do it.
    #[error("Telegram limits the user account")]
    AccountLimited,
    /// The relay channel is gone or not writable.
    #[error("the relay channel is not reachable")]
    RelayGone,
    /// The message in the relay channel is gone.
    #[error("the message in the relay channel is gone")]
    RelayMessageGone,
    /// The person blocked the bot, or the chat is gone.
    #[error("the chat does not take messages from the bot")]
    ChatUnreachable,
    /// Telegram refused or could not be reached.
    #[error("Telegram refused or could not be reached")]
    Telegram,
    /// Telegram does not know the bot's token: the set-up is wrong, no person's fault.
    #[error("Telegram does not know the bot's token")]
    BotToken,
    /// Something that should not happen.
    #[error("internal error")]
    Internal,
}

impl Reason {
    /// What may be done about it.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Network | Self::Downloader | Self::Telegram | Self::Internal | Self::DiskFull => Retry::TryAgain,
            Self::HttpStatus { status } if *status >= 500 || *status == 429 || *status == 408 => Retry::TryAgain,
            Self::SessionRevoked | Self::AccountLimited | Self::RelayGone | Self::RelayMessageGone => Retry::TryAgain, // by another way: the router looks again
            Self::FloodWait { seconds } => Retry::Wait(Duration::from_secs(u64::from(*seconds))),
            _ => Retry::GiveUp,
        }
    }

    /// The key of the message for people, e.g. `failure-geo-blocked`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Cancelled => "failure-cancelled",
            Self::Private => "failure-private",
            Self::Removed => "failure-removed",
            Self::GeoBlocked => "failure-geo-blocked",
            Self::LoginNeeded => "failure-login-needed",
            Self::BotCheck => "failure-bot-check",
            Self::Unsupported => "failure-unsupported",
            Self::PrivateAddress => "failure-private-address",
            Self::Drm => "failure-drm",
            Self::Live => "failure-live",
            Self::NotFound => "failure-not-found",
            Self::HttpStatus { .. } => "failure-http-status",
            Self::WebPage => "failure-web-page",
            Self::Empty => "failure-empty",
            Self::Network => "failure-network",
            Self::Downloader => "failure-downloader",
            Self::TooLarge { .. } => "failure-too-large",
            Self::DiskFull => "failure-disk-full",
            Self::BrokenMedia => "failure-broken-media",
            Self::NoAudio => "failure-no-audio",
            Self::NoPicture => "failure-no-picture",
            Self::TooLong { .. } => "failure-too-long",
            Self::NoEncoder { .. } => "failure-no-encoder",
            Self::MediaLimits => "failure-media-limits",
            Self::NoLane { account_missing: true, .. } => "failure-no-lane-account",
            Self::NoLane { .. } => "failure-no-lane",
            Self::SlideShow { .. } => "failure-slide-show",
            Self::FloodWait { .. } => "failure-flood-wait",
            Self::SessionRevoked => "failure-session-revoked",
            Self::AccountLimited => "failure-account-limited",
            Self::RelayGone | Self::RelayMessageGone => "failure-relay-gone",
            Self::ChatUnreachable => "failure-chat-unreachable",
            Self::Telegram | Self::BotToken => "failure-telegram",
            Self::Internal => "failure-internal",
        }
    }
}

/// A step's error: the reason for people, the cause for the log.
#[derive(Debug)]
pub struct Failure {
    /// What the person is told and what decides about a retry.
    pub reason: Reason,
    /// The chain of causes; never shown to people.
    pub cause: anyhow::Error,
}

impl Failure {
    /// A failure with its cause.
    pub fn new(reason: Reason, cause: impl Into<anyhow::Error>) -> Self {
        Self { reason, cause: cause.into() }
    }

    /// Something that should not happen; tried again, then shown as an internal error.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(Reason::Internal, cause)
    }

    /// The person's wish.
    pub fn cancelled() -> Self {
        Self::from(Reason::Cancelled)
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self { cause: anyhow::anyhow!("{reason}"), reason }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {:#}", self.reason, self.cause)
    }
}

impl std::error::Error for Failure {}
