//! The bot's clients, and what a failed call of the Bot API means for us.
//!
//! In: the configuration; errors of teloxide. Out: a [`Bots`] with one client for calls and one for uploads; a [`Failure`].
//! Must not: let the token out: it is part of every address, so addresses are taken out of errors.

use std::error::Error as _;
use std::time::Duration;

use teloxide::prelude::*;
use teloxide::{ApiError, RequestError};

use crate::config::{Config, ConfigError};
use crate::model::{Failure, Reason};

/// Longest time to a connection, in seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest call that carries no file, beside the time that a long poll may wait.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The bot twice: the clients differ in their time-outs.
#[derive(Clone, Debug)]
pub struct Bots {
    /// For calls and polling; a call ends after 30 s, a long poll 30 s after its own time.
    pub calls: Bot,
    /// For uploads: no total time-out; whoever uploads sets one that fits the size.
    pub uploads: Bot,
}

/// Who the bot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotIdentity {
    /// Telegram's number.
    pub id: i64,
    /// Without `@`.
    pub username: String,
}

impl Bots {
    /// Builds both from the configuration; nothing is sent yet.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let token = config.require_bot_token()?.expose();
        let poll = Duration::from_secs(config.bot.poll_timeout_s.into());
        let client = |builder: reqwest::ClientBuilder| {
            builder.connect_timeout(CONNECT_TIMEOUT).tcp_nodelay(true).build().map_err(|error| ConfigError::Key {
                key: "telegram".to_owned(),
                what: format!("no HTTPS client can be made: {}", error.without_url()),
                hint: "check the certificates of this system".to_owned(),
            })
        };
        let bot = |client| Bot::with_client(token, client).set_api_url(config.telegram.bot_api_url.clone());
        let calls = bot(client(reqwest::Client::builder().timeout(CALL_TIMEOUT + poll))?);
        // An idle connection may have been closed by the server; an upload of hours should not find that out at its end.
        let uploads = bot(client(reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(15)))?);
        Ok(Self { calls, uploads })
    }

    /// Asks Telegram who the bot is.
    pub async fn identity(&self) -> Result<BotIdentity, Failure> {
        let me = self.calls.get_me().await.map_err(failure_from)?;
        Ok(BotIdentity { id: me.id.0 as i64, username: me.username().to_owned() })
    }
}

/// A failed call of the Bot API as the failure of a step.
pub fn failure_from(error: RequestError) -> Failure {
    Failure::new(reason(&error), anyhow::anyhow!("{}", describe(&error)))
}

/// What a failed call of the Bot API means.
pub fn reason(error: &RequestError) -> Reason {
    match error {
        RequestError::RetryAfter(wait) => Reason::FloodWait { seconds: wait.seconds() },
        RequestError::Api(error) => api_reason(error),
        RequestError::MigrateToChatId(_) => Reason::ChatUnreachable,
        RequestError::Network(_) | RequestError::InvalidJson { .. } | RequestError::Io(_) => Reason::Telegram,
    }
}

/// The error in words, without the address that it happened at.
pub fn describe(error: &RequestError) -> String {
    match error {
        RequestError::Network(network) => {
            // The error's own text begins with the address; its causes do not hold it.
            let mut text = String::from(match () {
                () if network.is_timeout() => "the Bot API did not answer in time",
                () if network.is_connect() => "the Bot API can't be reached",
                () => "the connection to the Bot API broke",
            });
            let mut cause = network.source();
            while let Some(error) = cause {
                text.push_str(": ");
                text.push_str(&error.to_string());
                cause = error.source();
            }
            text
        }
        RequestError::InvalidJson { source, .. } => format!("the Bot API's answer can't be read: {source}"),
        other => other.to_string(),
    }
}

fn api_reason(error: &ApiError) -> Reason {
    match error {
        ApiError::InvalidToken => Reason::BotToken,
        ApiError::BotBlocked
        | ApiError::ChatNotFound
        | ApiError::UserNotFound
        | ApiError::UserDeactivated
        | ApiError::GroupDeactivated
        | ApiError::BotKicked
        | ApiError::BotKickedFromSupergroup
        | ApiError::BotKickedFromChannel
        | ApiError::CantInitiateConversation
        | ApiError::CantTalkWithBots
        | ApiError::NotEnoughRightsToPostMessages => Reason::ChatUnreachable,
        ApiError::MessageToCopyNotFound | ApiError::MessageToForwardNotFound | ApiError::MessageIdInvalid => Reason::RelayMessageGone,
        ApiError::Unknown(text) => unknown_reason(text),
        _ => Reason::Telegram,
    }
}

/// Texts that teloxide has no name for.
fn unknown_reason(text: &str) -> Reason {
    let text = text.to_lowercase();
    let gone = ["message to copy not found", "message to forward not found", "message_id_invalid"];
    let unreachable = ["forbidden", "have no rights to send", "not enough rights to send", "chat_write_forbidden", "peer_id_invalid"];
    if gone.iter().any(|part| text.contains(part)) {
        Reason::RelayMessageGone
    } else if unreachable.iter().any(|part| text.contains(part)) {
        Reason::ChatUnreachable
    } else {
        Reason::Telegram
    }
}

#[cfg(test)]
mod tests {
    use teloxide::types::Seconds;

    use super::*;

    #[test]
    fn answers_of_the_bot_api_are_judged() {
        let unknown = |text: &str| RequestError::Api(ApiError::Unknown(text.to_owned()));
        let table = [
            (RequestError::RetryAfter(Seconds::from_seconds(17)), Reason::FloodWait { seconds: 17 }),
            (RequestError::Api(ApiError::BotBlocked), Reason::ChatUnreachable),
            (RequestError::Api(ApiError::ChatNotFound), Reason::ChatUnreachable),
            (RequestError::Api(ApiError::UserDeactivated), Reason::ChatUnreachable),
            (RequestError::Api(ApiError::MessageToCopyNotFound), Reason::RelayMessageGone),
            (unknown("Bad Request: MESSAGE_ID_INVALID"), Reason::RelayMessageGone),
            (unknown("Forbidden: bot is not a member of the channel chat"), Reason::ChatUnreachable),
            (unknown("Bad Request: have no rights to send a message"), Reason::ChatUnreachable),
            (unknown("Internal Server Error"), Reason::Telegram),
            (RequestError::Api(ApiError::MessageNotModified), Reason::Telegram),
        ];
        for (error, expected) in table {
            assert_eq!(reason(&error), expected, "{error}");
        }
    }

    #[tokio::test]
    async fn the_token_is_never_said() {
        let mut config = crate::config::load(None, &[]).unwrap();
        config.telegram.bot_token = "123456:short-secret".to_owned().into();
        // Nothing listens on the discard port of loopback.
        config.telegram.bot_api_url = "http://127.0.0.1:9/".parse().unwrap();
        let failed = Bots::new(&config).unwrap().identity().await.unwrap_err();
        assert_eq!(failed.reason, Reason::Telegram);
        let said = format!("{failed} {failed:?}");
        assert!(said.contains("can't be reached") && !said.contains("short-secret") && !said.contains("123456"), "{said}");
    }
}
