//! Uploads a file the way that grammers itself does, to compare with: `upload_by_grammers CONFIG FILE`.
//!
//! In: the configuration of a daemon that does not run, whose account is logged in. Out: the parts at Telegram; no message is sent. Must not: be
//! part of the program.

use std::path::Path;

use tgferry::config;
use tgferry::telegram::account::UserAccount;
use tgferry::telegram::session::FileSession;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [settings, file] = arguments.as_slice() else {
        anyhow::bail!("usage: upload_by_grammers CONFIG FILE");
    };
    let config = config::load(Some(Path::new(settings)), &[])?;
    let session = FileSession::open(&config.storage.sessions_dir, "main", &config.telegram)?;
    let account = UserAccount::connect(session, config.telegram.api_id, &config).map_err(|failure| failure.cause)?;
    // What `Client::upload_file` does, which stands behind a feature that nothing else needs.
    let mut stream = tokio::fs::File::open(file).await?;
    let size_bytes = usize::try_from(stream.metadata().await?.len())?;
    account.client().upload_stream(&mut stream, size_bytes, "file.bin".to_owned()).await?;
    account.disconnect().await;
    Ok(())
}
