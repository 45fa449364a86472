//! The configuration: one struct an area, defaults < file < environment < flags.
//!
//! In: `config/default.toml` (embedded), the user's file, `TGFERRY_*` variables, values from flags. Out: a checked [`Config`].
//! Must not: let a secret be printed, or let an unknown key pass.

mod load;
mod secret;
mod telegram;
mod work;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use load::{ConfigError, DEFAULT_TOML, load};
pub use secret::Secret;
pub use telegram::{AccountsConfig, BotConfig, CustomDataCentre, Environment, RelayConfig, TelegramConfig, UpdateMode};
pub use work::{AboveLimits, FetchConfig, Hardware, MediaConfig, QueueConfig, RouteConfig, UploadConfig};

/// Everything that can be set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How to reach Telegram, and as whom.
    pub telegram: TelegramConfig,
    /// The conversation.
    pub bot: BotConfig,
    /// The relay channel.
    pub relay: RelayConfig,
    /// The user accounts as a pool.
    pub accounts: AccountsConfig,
    /// Getting bytes.
    pub fetch: FetchConfig,
    /// Making them playable.
    pub media: MediaConfig,
    /// Choosing the way up.
    pub route: RouteConfig,
    /// Going up.
    pub upload: UploadConfig,
    /// Jobs.
    pub queue: QueueConfig,
    /// Where things lie.
    pub storage: StorageConfig,
    /// Logs.
    pub log: LogConfig,
}

/// Where things lie on this machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageConfig {
    /// The database file.
    pub database: PathBuf,
    /// Folder of the jobs' temporary files; what a crash left in it is removed at the start.
    pub work_dir: PathBuf,
    /// Folder of the user sessions.
    pub sessions_dir: PathBuf,
}

/// Logs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// A tracing filter such as `info` or `info,tgferry=debug`.
    pub filter: String,
    /// `human` or `json`.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a terminal.
    Human,
    /// One JSON object a line.
    Json,
}
