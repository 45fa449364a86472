//! How to reach Telegram, and as whom; the conversation; the relay.
//!
//! In: values of the configuration. Out: plain structs. Must not: connect.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Secret;

/// How to reach Telegram, and as whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelegramConfig {
    /// Token of the bot from @BotFather.
    pub bot_token: Secret,
    /// A file that holds the token, for Docker and systemd secrets.
    pub bot_token_file: Option<PathBuf>,
    /// Application number from <https://my.telegram.org>; 0 means that it was not given (no user account can be used then).
    pub api_id: i32,
    /// Application hash from the same page.
    pub api_hash: Secret,
    /// A file that holds the hash.
    pub api_hash_file: Option<PathBuf>,
    /// Address of the Bot API server.
    pub bot_api_url: Url,
    /// True if `bot_api_url` is a self-hosted server started with `--local`: 2000 MB instead of 50.
    pub bot_api_local: bool,
    /// Which data centres the user account speaks to.
    pub environment: Environment,
    /// The data centre when `environment = "custom"`.
    pub custom: CustomDataCentre,
}

/// Which data centres the user account speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Telegram itself.
    Production,
    /// Telegram's test servers.
    Test,
    /// The server named in `[telegram.custom]`.
    Custom,
}

/// A data centre of one's own, such as the sandbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomDataCentre {
    /// Number of the data centre.
    pub dc_id: i32,
    /// Its address.
    pub address: SocketAddr,
    /// The pre-shared authorization key, 512 hexadecimal digits. It is used for a session that has no key yet.
    pub auth_key: Secret,
    /// A file that holds the key.
    pub auth_key_file: Option<PathBuf>,
    /// Another such key, for the bot's own session: a key is one login. Empty: no bot over MTProto at such a server.
    pub bot_auth_key: Secret,
}

/// The conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BotConfig {
    /// How updates come in.
    pub updates: UpdateMode,
    /// Seconds that one long poll may wait.
    pub poll_timeout_s: u32,
    /// Where the webhook server listens.
    pub webhook_listen: SocketAddr,
    /// The public https address that Telegram calls.
    pub webhook_url: Option<Url>,
    /// Secret in the `X-Telegram-Bot-Api-Secret-Token` header; drawn at each start if empty.
    pub webhook_secret: Secret,
    /// Shortest time between two edits of one status message, in milliseconds.
    pub status_interval_ms: u64,
    /// Links taken from one message at most.
    pub max_links_per_message: usize,
    /// Jobs of one person that may be unfinished at once.
    pub max_jobs_per_user: usize,
    /// Language of people whose own has no translation.
    pub default_language: String,
}

/// How updates come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpdateMode {
    /// The daemon asks (`getUpdates`).
    Polling,
    /// Telegram calls (`setWebhook`).
    Webhook,
}

/// The user accounts as a pool.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountsConfig {
    /// Bytes that one user account may send in 24 hours; 0 for no limit.
    pub daily_bytes: u64,
    /// Longest flood wait that an upload waits for, in seconds; a longer one makes the account rest, and another may take over.
    pub longest_wait_s: u32,
    /// First rest of an account that Telegram limits without naming a time, in seconds; it doubles each time.
    pub limited_rest_s: u32,
}

/// The relay channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayConfig {
    /// Name of the channel that `tgferry login` creates.
    pub title: String,
    /// Seconds between two checks of an account that is unwell.
    pub check_interval_s: u64,
}
