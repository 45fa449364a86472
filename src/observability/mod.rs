//! Structured logs, human or JSON, without secrets.
//!
//! In: the settings and the secrets to hide. Out: a global tracing subscriber that writes to standard error. Must not: be set up twice.

mod memory;
mod redact;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};
pub use memory::keep_memory_small;
use redact::Redacting;

/// Starts logging. Fails if the filter can't be read (the message names it).
pub fn init(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log.filter)
        .map_err(|error| anyhow::anyhow!("log.filter: {error}\nhint: use something like \"info\" or \"info,tgferry=debug\""))?;
    let secrets = [&config.telegram.bot_token, &config.telegram.api_hash, &config.telegram.custom.auth_key, &config.bot.webhook_secret];
    let writer = Redacting::stderr(secrets.into_iter().map(|secret| secret.expose().to_owned()).collect());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match config.log.format {
        LogFormat::Human => builder.with_target(false).with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => builder.json().try_init(),
    }
    .map_err(|error| anyhow::anyhow!("starting the log: {error}"))
}
