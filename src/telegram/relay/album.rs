//! Albums in the relay: files that lie there already, named once more in one call.
//!
//! In: messages of the relay. Out: the files in them, the call that makes an album of them, where the album is. Must not: upload, or send by itself.
//! Albums: <https://core.telegram.org/api/files#albums-grouped-media>.

use grammers_tl_types as tl;

use super::RelayRef;
use super::messages::{messages_of, numbers};
use super::words;
use crate::model::{Failure, MessageId, Reason};
use crate::telegram::account::UserAccount;
use crate::telegram::errors;

/// Messages behind the files that are looked through for their album, a call for each hundred. It is sent at once behind them.
const LOOK_AHEAD: i32 = 100;
const CALLS: i32 = 5;

/// A file in a message of the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayFile {
    /// The message.
    pub message: MessageId,
    id: i64,
    access_hash: i64,
    file_reference: Vec<u8>,
}

/// The files in these messages, in the same order. Fails with [`Reason::RelayMessageGone`] if one is there no more.
pub async fn files_of(account: &UserAccount, relay: &RelayRef, messages: &[MessageId]) -> Result<Vec<RelayFile>, Failure> {
    let found = read(account, relay, messages.iter().map(|message| message.0)).await?;
    let file = |message: &MessageId| found.iter().find(|found| found.id == message.0).and_then(file_in);
    let gone = || Failure::new(Reason::RelayMessageGone, anyhow::anyhow!("a file for an album is no more in the relay"));
    messages.iter().map(|message| file(message).ok_or_else(gone)).collect()
}

/// The messages of an album of exactly these files behind the message `after`, in the same order.
pub async fn find_album(
    account: &UserAccount,
    relay: &RelayRef,
    files: &[RelayFile],
    after: MessageId,
) -> Result<Option<Vec<MessageId>>, Failure> {
    let mut grouped = Vec::new();
    for call in 0..CALLS {
        let first = after.0 + 1 + call * LOOK_AHEAD;
        let messages = read(account, relay, first..first + LOOK_AHEAD).await?;
        grouped.extend(messages.into_iter().filter_map(|message| Some((message.grouped_id?, file_in(&message)?))));
        if let Some(album) = album_of(&grouped, files) {
            return Ok(Some(album));
        }
    }
    Ok(None)
}

impl RelayRef {
    /// The call that makes an album of files of this relay; each with its number and its caption in HTML.
    pub(crate) fn send_album<'a>(
        &self,
        items: impl Iterator<Item = (&'a RelayFile, i64, &'a str)>,
    ) -> tl::functions::messages::SendMultiMedia {
        let item = |(file, random_id, html): (&RelayFile, i64, &str)| {
            let (message, entities) = words::read(html);
            let entities = (!entities.is_empty()).then_some(entities);
            tl::types::InputSingleMedia { media: file.as_media(), random_id, message, entities }.into()
        };
        tl::functions::messages::SendMultiMedia {
            silent: true,
            background: false,
            clear_draft: false,
            noforwards: false,
            update_stickersets_order: false,
            invert_media: false,
            allow_paid_floodskip: false,
            peer: self.input_peer(),
            reply_to: None,
            multi_media: items.map(item).collect(),
            schedule_date: None,
            send_as: None,
            quick_reply_shortcut: None,
            effect: None,
            allow_paid_stars: None,
        }
    }
}

impl RelayFile {
    fn as_media(&self) -> tl::enums::InputMedia {
        let Self { id, access_hash, file_reference, .. } = self.clone();
        let document = tl::types::InputMediaDocument {
            spoiler: false,
            id: tl::types::InputDocument { id, access_hash, file_reference }.into(),
            video_cover: None,
            video_timestamp: None,
            ttl_seconds: None,
            query: None,
        };
        document.into()
    }
}

/// The newest group that has exactly these files.
fn album_of(grouped: &[(i64, RelayFile)], files: &[RelayFile]) -> Option<Vec<MessageId>> {
    grouped.iter().rev().find_map(|(group, _)| {
        let members: Vec<&RelayFile> = grouped.iter().filter(|(other, _)| other == group).map(|(_, file)| file).collect();
        let message = |file: &RelayFile| members.iter().find(|member| member.id == file.id).map(|member| member.message);
        (members.len() == files.len()).then(|| files.iter().map(message).collect::<Option<Vec<_>>>())?
    })
}

async fn read(account: &UserAccount, relay: &RelayRef, ids: impl Iterator<Item = i32>) -> Result<Vec<tl::types::Message>, Failure> {
    let request = tl::functions::channels::GetMessages { channel: relay.input_channel(), id: numbers(ids) };
    let (messages, _) = messages_of(account.call(&request).await.map_err(errors::failure)?);
    let whole = |message| match message {
        tl::enums::Message::Message(message) => Some(message),
        _ => None,
    };
    Ok(messages.into_iter().filter_map(whole).collect())
}

fn file_in(message: &tl::types::Message) -> Option<RelayFile> {
    let Some(tl::enums::MessageMedia::Document(media)) = &message.media else { return None };
    let Some(tl::enums::Document::Document(document)) = &media.document else { return None };
    Some(RelayFile {
        message: MessageId(message.id),
        id: document.id,
        access_hash: document.access_hash,
        file_reference: document.file_reference.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(message: i32, id: i64) -> RelayFile {
        RelayFile { message: MessageId(message), id, access_hash: 0, file_reference: Vec::new() }
    }

    #[test]
    fn an_album_has_exactly_its_files() {
        let files = [file(1, 10), file(2, 20)];
        let found =
            |grouped: &[(i64, RelayFile)]| album_of(grouped, &files).map(|album| album.iter().map(|message| message.0).collect::<Vec<_>>());
        assert_eq!(found(&[(7, file(4, 20)), (7, file(5, 10))]), Some(vec![5, 4]), "in the order of the files");
        assert_eq!(found(&[(7, file(4, 10))]), None, "one is missing");
        assert_eq!(found(&[(7, file(4, 10)), (7, file(5, 30))]), None, "another file");
        assert_eq!(found(&[(7, file(4, 10)), (7, file(5, 20)), (7, file(6, 30))]), None, "a larger album");
        assert_eq!(found(&[(7, file(4, 10)), (7, file(5, 20)), (8, file(6, 10)), (8, file(7, 20))]), Some(vec![6, 7]), "the newest");
        assert_eq!(found(&[]), None);
    }
}
