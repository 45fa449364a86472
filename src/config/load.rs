//! Reading the configuration from its sources, and checking it.
//!
//! In: the embedded defaults, a file, the environment, overrides from flags. Out: a [`Config`], or a [`ConfigError`] that names the key,
//! says what is wrong with it and how to mend it. Must not: print.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};

use super::{Config, Environment, Secret, UpdateMode};

/// The text of `config/default.toml`.
pub const DEFAULT_TOML: &str = include_str!("../../config/default.toml");

/// What is wrong with the configuration: always the user's to mend.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key is unknown or its value can't be used.
    #[error("{key}: {what}\nhint: {hint}")]
    Key {
        /// The key, e.g. `fetch.max_bytes`.
        key: String,
        /// What is wrong.
        what: String,
        /// What to do.
        hint: String,
    },
    /// The file can't be read.
    #[error("the configuration file {path} can't be read: {cause}\nhint: check the path given with --config")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

impl ConfigError {
    fn key(key: &str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Key { key: key.to_owned(), what: what.into(), hint: hint.into() }
    }
}

/// Reads all sources. `file` must exist if given; `overrides` are `(key, value)` from flags, such as `("log.filter", "debug")`.
/// Secrets are not required here: each command asks for those that it needs, see [`Config::require_bot_token`].
pub fn load(file: Option<&Path>, overrides: &[(&str, String)]) -> Result<Config, ConfigError> {
    let mut figment = Figment::from(Toml::string(DEFAULT_TOML));
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|cause| ConfigError::File { path: path.to_owned(), cause })?;
        figment = figment.merge(Toml::string(&text));
    }
    figment = figment.merge(Env::prefixed("TGFERRY_").ignore(&["config", "home", "login_password", "test_yt_dlp"]).split("__"));
    for (key, value) in overrides {
        figment = figment.merge(Serialized::default(key, value));
    }
    let mut config: Config = figment.extract().map_err(|error| explain(&error))?;
    read_secret_files(&mut config)?;
    check(&config)?;
    Ok(config)
}

impl Config {
    /// The bot's token, or an error that says where to get one.
    pub fn require_bot_token(&self) -> Result<&Secret, ConfigError> {
        let token = &self.telegram.bot_token;
        let hint = "get a token from @BotFather and set TGFERRY_TELEGRAM__BOT_TOKEN (or telegram.bot_token_file)";
        if token.is_empty() {
            return Err(ConfigError::key("telegram.bot_token", "is missing", hint));
        }
        let well_formed = token.expose().split_once(':').is_some_and(|(id, rest)| id.parse::<u64>().is_ok() && rest.len() >= 10);
        if !well_formed {
            return Err(ConfigError::key("telegram.bot_token", "does not look like a token (123456:ABC-…)", hint));
        }
        Ok(token)
    }

    /// The application number and hash, or an error that says where to get them.
    pub fn require_application(&self) -> Result<(i32, &Secret), ConfigError> {
        let hint = "create an application at https://my.telegram.org and set TGFERRY_TELEGRAM__API_ID and TGFERRY_TELEGRAM__API_HASH";
        if self.telegram.api_id <= 0 {
            return Err(ConfigError::key("telegram.api_id", "is missing", hint));
        }
        if self.telegram.api_hash.is_empty() {
            return Err(ConfigError::key("telegram.api_hash", "is missing", hint));
        }
        Ok((self.telegram.api_id, &self.telegram.api_hash))
    }

    /// True if a user account can be used at all with this configuration.
    pub fn has_application(&self) -> bool {
        self.require_application().is_ok()
    }
}

fn explain(error: &figment::Error) -> ConfigError {
    use figment::error::Kind;
    let path = error.path.join(".");
    match &error.kind {
        Kind::UnknownField(name, expected) => {
            let key = if path.ends_with(name.as_str()) || path.is_empty() { join(&path, name) } else { format!("{path}.{name}") };
            ConfigError::key(&key, "is not a known key", format!("known here are: {}", expected.join(", ")))
        }
        Kind::MissingField(name) => ConfigError::key(&join(&path, name), "is missing", "see config/default.toml"),
        kind => ConfigError::key(
            if path.is_empty() { "configuration" } else { &path },
            kind.to_string(),
            "see config/default.toml for what this key takes",
        ),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else if path == name || path.ends_with(&format!(".{name}")) {
        path.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn read_secret_files(config: &mut Config) -> Result<(), ConfigError> {
    let telegram = &mut config.telegram;
    for (key, file, secret) in [
        ("telegram.bot_token_file", &telegram.bot_token_file, &mut telegram.bot_token),
        ("telegram.api_hash_file", &telegram.api_hash_file, &mut telegram.api_hash),
        ("telegram.custom.auth_key_file", &telegram.custom.auth_key_file, &mut telegram.custom.auth_key),
    ] {
        if let (Some(path), true) = (file, secret.is_empty()) {
            let text = std::fs::read_to_string(path).map_err(|error| {
                ConfigError::key(key, format!("{} can't be read: {error}", path.display()), "check the path and its rights")
            })?;
            *secret = Secret::from(text.trim().to_owned());
        }
    }
    Ok(())
}

fn check(config: &Config) -> Result<(), ConfigError> {
    let at_least_one = [
        ("queue.workers", config.queue.workers),
        ("queue.fetch_at_once", config.queue.fetch_at_once),
        ("queue.media_at_once", config.queue.media_at_once),
        ("queue.upload_at_once", config.queue.upload_at_once),
        ("queue.attempts", config.queue.attempts as usize),
        ("upload.max_parts_in_flight", config.upload.max_parts_in_flight),
        ("upload.connections", config.upload.connections),
        ("upload.part_attempts", config.upload.part_attempts as usize),
        ("upload.min_bytes_per_second", config.upload.min_bytes_per_second as usize),
        ("bot.max_links_per_message", config.bot.max_links_per_message),
        ("bot.max_jobs_per_user", config.bot.max_jobs_per_user),
        ("fetch.max_bytes", config.fetch.max_bytes as usize),
        ("queue.lease_s", config.queue.lease_s as usize),
        ("accounts.longest_wait_s", config.accounts.longest_wait_s as usize),
        ("accounts.limited_rest_s", config.accounts.limited_rest_s as usize),
    ];
    for (key, value) in at_least_one {
        if value == 0 {
            return Err(ConfigError::key(key, "must be at least 1", "see config/default.toml"));
        }
    }
    let prefer = &config.route.prefer;
    if prefer.is_empty() || prefer.iter().enumerate().any(|(place, lane)| prefer[..place].contains(lane)) {
        return Err(ConfigError::key(
            "route.prefer",
            "must name at least one way, and none twice",
            "the default is [\"bot_api\", \"user_account\", \"bot_mtproto\"]",
        ));
    }
    let above_limits = &config.route.above_limits;
    if above_limits.iter().enumerate().any(|(place, way)| above_limits[..place].contains(way)) {
        return Err(ConfigError::key("route.above_limits", "must name nothing twice", "the default is [\"compress\", \"split\"]"));
    }
    if !(2..=10).contains(&config.route.max_pieces) {
        return Err(ConfigError::key(
            "route.max_pieces",
            "must be 2 to 10",
            "an album at Telegram holds 10; above_limits = [] never splits",
        ));
    }
    if config.media.crf > 51 {
        return Err(ConfigError::key("media.crf", "must be 0 to 51", "23 is a good value, lower is better and bigger"));
    }
    if !(0..=19).contains(&config.media.niceness) {
        return Err(ConfigError::key("media.niceness", "must be 0 to 19", "10 lets everything else on the machine go first"));
    }
    if !matches!(config.telegram.bot_api_url.scheme(), "http" | "https") {
        return Err(ConfigError::key(
            "telegram.bot_api_url",
            "must be an http or https address",
            "the default is https://api.telegram.org/",
        ));
    }
    if config.bot.updates == UpdateMode::Webhook && config.bot.webhook_url.is_none() {
        return Err(ConfigError::key(
            "bot.webhook_url",
            "is missing, and bot.updates is \"webhook\"",
            "set the public https address, or updates = \"polling\"",
        ));
    }
    if config.telegram.environment == Environment::Custom {
        let custom = &config.telegram.custom;
        let is_key = |key: &str| key.len() == 512 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_key(custom.auth_key.expose()) {
            return Err(ConfigError::key(
                "telegram.custom.auth_key",
                "must be 512 hexadecimal digits",
                "the sandbox prints one at its start (auth_key_hex)",
            ));
        }
        if !custom.bot_auth_key.is_empty()
            && (!is_key(custom.bot_auth_key.expose()) || custom.bot_auth_key.expose() == custom.auth_key.expose())
        {
            return Err(ConfigError::key(
                "telegram.custom.bot_auth_key",
                "must be 512 hexadecimal digits, others than those of auth_key",
                "the sandbox makes keys by POST /control/auth-keys",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tgferry.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path), &[]).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_complete_and_good() {
        let config = load_text("").unwrap();
        assert_eq!(config.queue.workers, 4);
        assert!(config.telegram.bot_token.is_empty());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_key_and_a_hint() {
        for (text, expected) in [
            ("[fetch]\nmax_byte = 1", "fetch.max_byte: is not a known key"),
            ("[fecth]\nmax_bytes = 1", "fecth: is not a known key"),
            ("[fetch]\nmax_bytes = \"much\"", "fetch.max_bytes: "),
            ("[queue]\nworkers = 0", "queue.workers: must be at least 1"),
            ("[bot]\nupdates = \"carrier pigeon\"", "bot.updates: "),
            ("[bot]\nupdates = \"webhook\"", "bot.webhook_url: is missing"),
            ("[telegram]\nenvironment = \"custom\"", "telegram.custom.auth_key: must be 512"),
            ("[route]\nprefer = [\"bot_api\", \"bot_api\"]", "route.prefer: must name at least one way, and none twice"),
            ("[route]\nprefer = [\"pigeon\"]", "route.prefer"),
            ("[route]\nabove_limits = [\"split\", \"split\"]", "route.above_limits: must name nothing twice"),
            ("[route]\nmax_pieces = 11", "route.max_pieces: must be 2 to 10"),
            ("[telegram]\nbot_token_file = \"/nonexistent/token\"", "telegram.bot_token_file: /nonexistent/token can't be read"),
        ] {
            let error = load_text(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}\n{error}");
            assert!(error.contains("\nhint: "), "{error}");
        }
    }

    #[test]
    fn secrets_are_asked_for_and_never_shown() {
        let config = load_text("").unwrap();
        assert!(config.require_bot_token().unwrap_err().to_string().contains("@BotFather"));
        assert!(config.require_application().unwrap_err().to_string().contains("my.telegram.org"));
        let config = load_text("[telegram]\nbot_token = \"123:abcdefghijkl\"\napi_id = 7\napi_hash = \"hush-hush\"").unwrap();
        assert_eq!(config.require_bot_token().unwrap().expose(), "123:abcdefghijkl");
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("abcdefghijkl") && !shown.contains("hush-hush"), "{shown}");
    }
}
