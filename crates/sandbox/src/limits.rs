//! The limits of real Telegram, as data, so that a test can make them small.
//!
//! In: nothing. Out: numbers. It must not decide anything.

use std::time::Duration;

/// What both faces allow. The defaults are Telegram's.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Largest multipart request to the Bot API, in bytes (<https://core.telegram.org/bots/api#sending-files>: 50 MB).
    pub bot_upload_bytes: u64,
    /// Largest photo by the Bot API, in bytes.
    pub bot_photo_bytes: u64,
    /// Largest file that `getFile` prepares, in bytes (<https://core.telegram.org/bots/api#getfile>: 20 MB).
    pub bot_download_bytes: u64,
    /// Parts of a file that an account without Premium may upload (<https://core.telegram.org/api/files>).
    pub max_file_parts_default: i32,
    /// Parts of a file that a Premium account may upload.
    pub max_file_parts_premium: i32,
    /// Messages and edits a second in one chat, in the long run (<https://core.telegram.org/bots/faq>: about one).
    pub chat_messages_per_second: f64,
    /// Messages and edits that one chat takes at once before that rate holds.
    pub chat_burst: u32,
    /// Messages and edits a minute of one bot in one group (<https://core.telegram.org/bots/faq>: 20).
    pub group_messages_per_minute: u32,
    /// Messages and edits a second of one bot over all its chats.
    pub bot_messages_per_second: u32,
    /// How long a bot has to wait after it was too fast, in seconds (`retry_after`).
    pub flood_seconds: u32,
    /// Length of a text, in UTF-16 units.
    pub text_units: usize,
    /// Length of a caption, in UTF-16 units.
    pub caption_units: usize,
    /// As a self-hosted server that runs with `--local`: files may be named by their paths (`file://`), `getFile` gives paths, and there are no downloads
    /// over HTTP (<https://core.telegram.org/bots/api#using-a-local-bot-api-server>).
    pub local_files: bool,
    /// Webhooks may be plain HTTP, as at a self-hosted server that runs with `--local`
    /// (<https://core.telegram.org/bots/api#using-a-local-bot-api-server>).
    pub http_webhooks: bool,
    /// Seconds after which a press of a button can no longer be answered.
    pub callback_query_seconds: u64,
    /// How long somebody who asks a bot from any chat waits for it (no limit is documented).
    pub inline_query: Duration,
    /// How long a bot may think about a payment (<https://core.telegram.org/bots/api#answerprecheckoutquery>: 10 seconds).
    pub pre_checkout: Duration,
    /// How long a bot that has logged out cannot come back (<https://core.telegram.org/bots/api#logout>: 10 minutes).
    pub log_out: Duration,
    /// How old a session has to be before it may end others (`FRESH_RESET_AUTHORISATION_FORBIDDEN`).
    pub fresh_login: Duration,
    /// How long a part is kept that no message took (<https://core.telegram.org/api/files#uploading-files>: some minutes to some hours).
    pub part_lifetime: Duration,
}

impl Limits {
    /// Those of a self-hosted Bot API server that runs with `--local`: uploads of 2000 MB, downloads of any size, paths in place of files.
    pub fn local() -> Self {
        Self {
            bot_upload_bytes: 2000 * 1024 * 1024,
            bot_download_bytes: u64::MAX,
            local_files: true,
            http_webhooks: true,
            ..Self::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bot_upload_bytes: 50 * 1024 * 1024,
            bot_photo_bytes: 10 * 1024 * 1024,
            bot_download_bytes: 20 * 1024 * 1024,
            max_file_parts_default: 4000,
            max_file_parts_premium: 8000,
            chat_messages_per_second: 1.0,
            chat_burst: 20,
            group_messages_per_minute: 20,
            bot_messages_per_second: 30,
            flood_seconds: 3,
            text_units: 4096,
            caption_units: 1024,
            local_files: false,
            http_webhooks: false,
            callback_query_seconds: 15 * 60,
            inline_query: Duration::from_secs(10),
            pre_checkout: Duration::from_secs(10),
            log_out: Duration::from_secs(10 * 60),
            fresh_login: Duration::from_secs(24 * 3600),
            part_lifetime: Duration::from_secs(6 * 3600),
        }
    }
}
