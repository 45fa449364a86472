//! Albums: files taken in one by one (`messages.uploadMedia`), then sent together (`messages.sendMultiMedia`).
//!
//! In: uploads, then what names them. Out: media, then messages with one group number (<https://core.telegram.org/api/files#albums-grouped-media>). Either all
//! messages come or none. It must not put parts together: `media` does.

use grammers_tl_types as tl;

use super::media::{check_caption, file_of};
use super::messages::{in_thread, once, post_all, replied};
use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::{entities, peers, tl_message};
use crate::world::{NewMessage, State};

/// The most messages of an album.
const MAX_ALBUM: usize = 10;

/// `messages.uploadMedia`
pub(super) async fn upload_media(caller: &Caller, call: tl::functions::messages::UploadMedia) -> Result<tl::enums::MessageMedia, RpcError> {
    let me = caller.user()?;
    let caller = caller.clone();
    // Assembling touches the disk.
    let taken = tokio::task::spawn_blocking(move || {
        // Who sends it nowhere in particular says so.
        if !matches!(call.peer, tl::enums::InputPeer::PeerSelf | tl::enums::InputPeer::Empty) {
            caller.world().read(|state| peers::chat(state, me, &call.peer))?;
        }
        let (file, spoiler) = file_of(&caller, me, &call.media)?;
        caller.world().read(|state| {
            let file = state.files.get(file).ok_or_else(|| RpcError::bad("MEDIA_INVALID"))?;
            Ok(tl_message::media(state, file, spoiler))
        })
    });
    taken.await.map_err(RpcError::internal)?
}

/// `messages.sendMultiMedia`
pub(super) async fn send_multi_media(
    caller: &Caller,
    call: tl::functions::messages::SendMultiMedia,
) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    let items: Vec<_> = call.multi_media.iter().map(|tl::enums::InputSingleMedia::Media(item)| item).collect();
    if items.is_empty() {
        return Err(RpcError::bad("MEDIA_EMPTY"));
    }
    if items.len() > MAX_ALBUM {
        return Err(RpcError::bad("MULTI_MEDIA_TOO_LONG"));
    }
    let group = (items.len() > 1).then(State::new_group);
    let mut new = Vec::new();
    for item in &items {
        // Uploads have to go through `messages.uploadMedia` first.
        if !matches!(item.media, tl::enums::InputMedia::Photo(_) | tl::enums::InputMedia::Document(_)) {
            return Err(RpcError::bad("MEDIA_INVALID"));
        }
        check_caption(caller, me, &item.message)?;
        let (file, spoiler) = file_of(caller, me, &item.media)?;
        let message = NewMessage {
            author: me,
            text: item.message.clone(),
            entities: entities::from_tl(item.entities.as_deref().unwrap_or_default()),
            media: Some(file),
            group,
            reply_to: replied(call.reply_to.as_ref()),
            extra: in_thread(call.reply_to.as_ref()),
            silent: call.silent,
            protected: call.noforwards,
            caption_above: call.invert_media,
            spoiler,
            ..NewMessage::default()
        };
        new.push((message, item.random_id));
    }
    let files = new.iter().filter_map(|(message, _)| message.media);
    if caller.world().read(|state| state.mixed_kind(files)).is_some() {
        return Err(RpcError::bad("MEDIA_INVALID"));
    }
    let ids: Vec<_> = items.iter().map(|item| item.random_id).collect();
    once(caller, me, &ids, || post_all(caller, me, &call.peer, new))
}
