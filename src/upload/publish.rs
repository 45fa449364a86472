//! The message in the relay: what Telegram is told about the file, sent once however often the answer gets lost.
//!
//! In: stored parts. Out: a [`RelayMessage`]. Must not: upload the file anew; a part that Telegram has lost meanwhile is sent again.

use std::collections::BTreeSet;
use std::time::Duration;

use grammers_client::InvocationError;
use grammers_tl_types as tl;
use tl::enums::{DocumentAttribute, InputFile, InputMedia};
use tokio::time::sleep;

use super::halt::Halt;
use super::sender::PartSender;
use crate::model::{Failure, MediaKind, MessageId, Prepared, ProgressSender, Reason, RelayMessage};
use crate::telegram::account::UserAccount;
use crate::telegram::errors::{self, Verdict};
use crate::telegram::relay::{RelayRef, find_message_by_marker};

/// A part that was sent again and is missing again so often in a row will not appear.
const SAME_PART_MISSING: u32 = 3;

/// Looks for a message that must be there, and the time between them.
const LOOKS: u32 = 5;
const LOOK_AGAIN: Duration = Duration::from_millis(700);

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// So many parts of an earlier run have to be missing, then none of them is trusted any more.
const EARLIER_PARTS_MISSING: usize = 3;

/// Sends the message with the file into the relay. `kept` are the parts that an earlier run has stored; those that are sent again leave it.
pub(super) async fn publish(
    relay: &RelayRef,
    parts: &PartSender<'_>,
    media: InputMedia,
    random_id: i64,
    marker: &str,
    kept: &mut BTreeSet<u64>,
) -> Result<RelayMessage, Halt> {
    let account = parts.account;
    let request = relay.send_media(media, random_id, marker);
    let mut kept_missing = 0;
    let mut missing: (u32, u32) = (0, 0);
    let mut attempt = 1;
    let mut delay = FIRST_DELAY;
    loop {
        let error = match account.call_once(&request).await {
            Ok(updates) => return Ok(where_it_is(account, relay, &updates, random_id, marker).await?),
            Err(error) => error,
        };
        match errors::judge(&error) {
            Verdict::PartMissing { part } => {
                missing = if missing.0 == part { (part, missing.1 + 1) } else { (part, 1) };
                if missing.1 > SAME_PART_MISSING {
                    return Err(errors::failure(error).into());
                }
                let mut lost = BTreeSet::from([u64::from(part)]);
                kept_missing += usize::from(kept.remove(&u64::from(part)));
                if kept_missing >= EARLIER_PARTS_MISSING {
                    lost.append(kept); // asking one by one would take a call each
                }
                tracing::info!(part, parts = lost.len(), "Telegram has lost a part; it is sent again");
                parts.send_again(&lost).await?;
            }
            Verdict::Duplicate => return Ok(look(account, relay, marker).await?),
            Verdict::Wait { seconds } if seconds <= account.longest_wait_s() => wait(parts.progress, seconds).await,
            // Sent or not: the same random_id tells.
            Verdict::Again if attempt < parts.attempts => {
                tracing::debug!(attempt, %error, "the message is sent again");
                sleep(delay).await;
                delay = (delay * 2).min(LONGEST_DELAY);
                attempt += 1;
            }
            _ => return Err(refused(relay, error)),
        }
    }
}

/// What Telegram is told about the file.
pub(super) fn media_of(file: &Prepared, uploaded: InputFile, thumb: Option<InputFile>) -> InputMedia {
    if is_photo(file) {
        let photo = tl::types::InputMediaUploadedPhoto {
            spoiler: false,
            live_photo: false,
            file: uploaded,
            stickers: None,
            ttl_seconds: None,
            video: None,
        };
        return photo.into();
    }
    tl::types::InputMediaUploadedDocument {
        // Without it Telegram makes an endless animation of a video that has no sound.
        nosound_video: file.kind == MediaKind::Video,
        force_file: file.kind == MediaKind::Document,
        spoiler: false,
        file: uploaded,
        thumb,
        mime_type: file.mime.clone(),
        attributes: attributes(file),
        stickers: None,
        video_cover: None,
        video_timestamp: None,
        ttl_seconds: None,
    }
    .into()
}

/// Pictures above 10 MB are refused as photos and go as files.
pub(super) fn is_photo(file: &Prepared) -> bool {
    file.kind == MediaKind::Photo && file.size_bytes <= super::parts::SMALL_FILE_MAX_BYTES
}

fn attributes(file: &Prepared) -> Vec<DocumentAttribute> {
    let name = tl::types::DocumentAttributeFilename { file_name: file.file_name.clone() }.into();
    match file.kind {
        MediaKind::Video => {
            let video = tl::types::DocumentAttributeVideo {
                round_message: false,
                supports_streaming: true,
                nosound: false,
                duration: file.duration_s.into(),
                w: file.width as i32,
                h: file.height as i32,
                preload_prefix_size: None,
                video_start_ts: None,
                video_codec: None,
            };
            vec![video.into(), name]
        }
        MediaKind::Audio => {
            let audio = tl::types::DocumentAttributeAudio {
                voice: false,
                duration: file.duration_s as i32,
                title: file.title.clone(),
                performer: file.performer.clone(),
                waveform: None,
            };
            vec![audio.into(), name]
        }
        MediaKind::Photo | MediaKind::Document => vec![name],
    }
}

async fn where_it_is(
    account: &UserAccount,
    relay: &RelayRef,
    updates: &tl::enums::Updates,
    random_id: i64,
    marker: &str,
) -> Result<RelayMessage, Failure> {
    match message_id(updates, random_id) {
        Some(message) => Ok(RelayMessage { channel: relay.channel, message }),
        None => look(account, relay, marker).await,
    }
}

fn message_id(updates: &tl::enums::Updates, random_id: i64) -> Option<MessageId> {
    let list = match updates {
        tl::enums::Updates::Updates(updates) => &updates.updates,
        tl::enums::Updates::Combined(updates) => &updates.updates,
        _ => return None,
    };
    list.iter().find_map(|update| match update {
        tl::enums::Update::MessageId(sent) if sent.random_id == random_id => Some(MessageId(sent.id)),
        _ => None,
    })
}

/// The message is there, says Telegram; its history may need a moment to say so too.
async fn look(account: &UserAccount, relay: &RelayRef, marker: &str) -> Result<RelayMessage, Failure> {
    for _ in 0..LOOKS {
        if let Some(found) = find_message_by_marker(account, relay, marker).await? {
            return Ok(found);
        }
        sleep(LOOK_AGAIN).await;
    }
    Err(Failure::new(Reason::RelayMessageGone, anyhow::anyhow!("the message was sent once, but is not in the relay")))
}

async fn wait(progress: &ProgressSender, seconds: u32) {
    progress.pause(seconds);
    sleep(Duration::from_secs(seconds.max(1).into())).await;
}

fn refused(relay: &RelayRef, error: InvocationError) -> Halt {
    match Halt::from(error) {
        Halt::Anew(failure) => Halt::Anew(explained(relay, failure)),
        Halt::Failed(failure) => Halt::Failed(explained(relay, failure)),
    }
}

fn explained(relay: &RelayRef, failure: Failure) -> Failure {
    if relay.direct.is_none() {
        return Failure { cause: failure.cause.context("the message could not be sent into the relay"), ..failure };
    }
    // The same names that end a relay mean here that the person can't be written to.
    let reason = if failure.reason == Reason::RelayGone { Reason::ChatUnreachable } else { failure.reason };
    Failure { cause: failure.cause.context("the message could not be sent to the person"), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(kind: MediaKind) -> Prepared {
        Prepared {
            kind,
            path: "clip.mp4".into(),
            size_bytes: 5,
            file_name: "clip.mp4".into(),
            mime: "video/mp4".into(),
            duration_s: 61,
            width: 1920,
            height: 1080,
            thumbnail: None,
            title: Some("Song".into()),
            performer: None,
        }
    }

    fn uploaded() -> InputFile {
        tl::types::InputFile { id: 1, parts: 1, name: "clip.mp4".into(), md5_checksum: String::new() }.into()
    }

    #[test]
    fn a_video_says_all_that_players_need() {
        let InputMedia::UploadedDocument(media) = media_of(&prepared(MediaKind::Video), uploaded(), None) else { panic!("no document") };
        assert!(media.nosound_video && !media.force_file);
        let DocumentAttribute::Video(video) = &media.attributes[0] else { panic!("{:?}", media.attributes) };
        assert_eq!((video.duration, video.w, video.h, video.supports_streaming), (61.0, 1920, 1080, true));
        assert!(matches!(&media.attributes[1], DocumentAttribute::Filename(name) if name.file_name == "clip.mp4"));
    }

    #[test]
    fn other_kinds_go_as_what_they_are() {
        let InputMedia::UploadedDocument(song) = media_of(&prepared(MediaKind::Audio), uploaded(), None) else { panic!("no document") };
        assert!(matches!(&song.attributes[0], DocumentAttribute::Audio(audio) if audio.title.as_deref() == Some("Song") && !audio.voice));
        let InputMedia::UploadedDocument(file) = media_of(&prepared(MediaKind::Document), uploaded(), None) else { panic!("no document") };
        assert!(file.force_file && file.attributes.len() == 1);
        assert!(matches!(media_of(&prepared(MediaKind::Photo), uploaded(), None), InputMedia::UploadedPhoto(_)));
        let large = Prepared { size_bytes: 11 * 1024 * 1024, ..prepared(MediaKind::Photo) };
        assert!(matches!(media_of(&large, uploaded(), None), InputMedia::UploadedDocument(_)));
    }

    #[test]
    fn the_answer_names_the_message_by_our_number() {
        let sent = |id, random_id| tl::types::UpdateMessageId { id, random_id }.into();
        let updates = tl::types::Updates { updates: vec![sent(7, 1), sent(8, 2)], users: vec![], chats: vec![], date: 0, seq: 0 }.into();
        assert_eq!(message_id(&updates, 2), Some(MessageId(8)));
        assert_eq!(message_id(&updates, 3), None);
        assert_eq!(message_id(&tl::enums::Updates::TooLong, 2), None);
    }
}
