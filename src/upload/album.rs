//! Files that lie in the relay one by one, put together as an album there, once however often the answer gets lost.
//!
//! In: an account with its relay, messages with files in it, the words under each. Out: the messages of the album, in the same order. Must not: upload, or
//! draw numbers: those of the album follow from its messages, so that a repeat has the same.

use std::time::Duration;

use tokio::time::sleep;
use twox_hash::XxHash3_64;

use crate::model::{Failure, MessageId, Reason, RelayMessage};
use crate::telegram::errors::{self, Verdict};
use crate::telegram::pool::Carrier;
use crate::telegram::relay::{self, RelayFile};

/// Looks for an album that must be there, and the time between them.
const LOOKS: u32 = 5;
const LOOK_AGAIN: Duration = Duration::from_millis(700);

/// Sends the files of `messages` (2 to 10, in this relay) into the same relay once more, as one album. `words` are captions in HTML, one for each.
///
/// Errors: `RelayMessageGone` if one of them is there no more, `RelayGone`, `FloodWait`, `SessionRevoked`, `AccountLimited`, `Telegram`.
pub async fn send_album(carrier: &Carrier, messages: &[RelayMessage], words: &[String]) -> Result<Vec<RelayMessage>, Failure> {
    let (account, relay) = (&carrier.account, &carrier.relay);
    let numbers: Vec<MessageId> = messages.iter().map(|message| message.message).collect();
    let files = relay::files_of(account, relay, &numbers).await?;
    let request = relay.send_album(files.iter().zip(words).map(|(file, words)| (file, random_id(relay.id, file), words.as_str())));
    match account.call(&request).await {
        // Where the messages are is asked for either way: an answer may leave some out.
        Ok(_) => {}
        Err(error) if errors::judge(&error) == Verdict::Duplicate => {}
        Err(error) => return Err(errors::failure(error)),
    }
    let after = numbers.iter().copied().max().unwrap_or(MessageId(0));
    for _ in 0..LOOKS {
        if let Some(album) = relay::find_album(account, relay, &files, after).await? {
            return Ok(album.into_iter().map(|message| RelayMessage { channel: relay.channel, message }).collect());
        }
        sleep(LOOK_AGAIN).await;
    }
    Err(Failure::new(Reason::Telegram, anyhow::anyhow!("the album was sent, but is not in the relay")))
}

/// The same for the same message of the same relay.
fn random_id(relay: i64, file: &RelayFile) -> i64 {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&relay.to_le_bytes());
    bytes[8..].copy_from_slice(&file.message.0.to_le_bytes());
    XxHash3_64::oneshot(&bytes).cast_signed()
}
