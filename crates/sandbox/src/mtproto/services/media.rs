//! `messages.sendMedia`: uploaded parts become a file of the world, and a message that carries it.
//!
//! In: an upload's number, attributes, a caption. Out: the message. A file that the world has already can be sent by its id. Order of checks: the
//! `random_id`, the caption, the right to write, the parts. It must not look into the bytes, but for the md5 that a client states.

use grammers_tl_types as tl;

use super::messages::{in_thread, may_write, once, post, replied, units};
use super::upload::max_parts;
use crate::mtproto::dispatch::Caller;
use crate::mtproto::entities;
use crate::mtproto::rpc_error::RpcError;
use crate::world::uploads::{AssembleError, Assembled, Claim, UploadKey};
use crate::world::{FileKind, Lane, NewFile, NewMessage, State};

/// Thumbnails above this are ignored (<https://core.telegram.org/bots/api#inputmediavideo>: 200 kB).
const MAX_THUMB_BYTES: u64 = 200 * 1024;
/// Captions of Premium accounts (`caption_length_limit_premium`).
const PREMIUM_CAPTION_UNITS: usize = 4096;

/// `messages.sendMedia`
pub(super) async fn send_media(caller: &Caller, call: tl::functions::messages::SendMedia) -> Result<tl::enums::Updates, RpcError> {
    let me = caller.user()?;
    let (caller, runtime) = (caller.clone(), tokio::runtime::Handle::current());
    // Assembling touches the disk.
    let sent = tokio::task::spawn_blocking(move || {
        let _guard = runtime.enter();
        once(&caller, me, &[call.random_id], || send(&caller, me, &call))
    });
    sent.await.map_err(RpcError::internal)?
}

fn send(caller: &Caller, me: i64, call: &tl::functions::messages::SendMedia) -> Result<tl::enums::Updates, RpcError> {
    check_caption(caller, me, &call.message)?;
    caller.world().read(|state| may_write(state, me, &call.peer))?;
    let (file, spoiler) = file_of(caller, me, &call.media)?;
    let new = NewMessage {
        author: me,
        text: call.message.clone(),
        entities: entities::from_tl(call.entities.as_deref().unwrap_or_default()),
        media: Some(file),
        reply_to: replied(call.reply_to.as_ref()),
        extra: in_thread(call.reply_to.as_ref()),
        silent: call.silent,
        protected: call.noforwards,
        caption_above: call.invert_media,
        spoiler,
        ..NewMessage::default()
    };
    post(caller, me, &call.peer, new, call.random_id)
}

/// Whether a caption is as short as it has to be for this account.
pub(super) fn check_caption(caller: &Caller, me: i64, caption: &str) -> Result<(), RpcError> {
    let premium = caller.world().user_by_id(me).is_some_and(|user| user.premium);
    let default = caller.world().limits().caption_units;
    let longest = if premium { default.max(PREMIUM_CAPTION_UNITS) } else { default };
    if units(caption) > longest {
        return Err(RpcError::bad("MEDIA_CAPTION_TOO_LONG"));
    }
    Ok(())
}

/// The id of the file that the message is to carry, and whether it is covered.
pub(super) fn file_of(caller: &Caller, me: i64, media: &tl::enums::InputMedia) -> Result<(i64, bool), RpcError> {
    match media {
        tl::enums::InputMedia::UploadedDocument(media) => Ok((uploaded_document(caller, me, media)?, media.spoiler)),
        tl::enums::InputMedia::UploadedPhoto(media) => {
            let (whole, _) = assemble(caller, me, &media.file)?;
            let (width, height) = picture_size(&whole.path).ok_or_else(|| RpcError::bad("PHOTO_INVALID_DIMENSIONS"))?;
            let file = NewFile {
                dc_id: caller.accounts().home_of(me),
                width,
                height,
                mime: Some("image/jpeg".to_owned()),
                ..NewFile::new(whole.path, whole.size_bytes, FileKind::Photo, Lane::Mtproto)
            };
            Ok((caller.world().change(|state| state.add_file(file).id), media.spoiler))
        }
        tl::enums::InputMedia::Document(media) => {
            let tl::enums::InputDocument::Document(document) = &media.id else {
                return Err(RpcError::bad("MEDIA_EMPTY"));
            };
            let (id, hash, reference) = (document.id, document.access_hash, &document.file_reference);
            caller.world().read(|state| known_file(state, id, hash, reference))?;
            Ok((id, media.spoiler))
        }
        tl::enums::InputMedia::Photo(media) => {
            let tl::enums::InputPhoto::Photo(photo) = &media.id else {
                return Err(RpcError::bad("MEDIA_EMPTY"));
            };
            let (id, hash, reference) = (photo.id, photo.access_hash, &photo.file_reference);
            caller.world().read(|state| known_file(state, id, hash, reference))?;
            Ok((id, media.spoiler))
        }
        tl::enums::InputMedia::Empty => Err(RpcError::bad("MEDIA_EMPTY")),
        other => {
            let name = format!("{other:?}");
            let name = name.split(['(', ' ']).next().unwrap_or_default();
            caller.world().refuse(format!("messages.sendMedia with inputMedia{name}"));
            Err(RpcError::bad("MEDIA_INVALID"))
        }
    }
}

/// Checks the three numbers that name a file to clients.
pub(super) fn known_file(state: &State, id: i64, access_hash: i64, reference: &[u8]) -> Result<(), RpcError> {
    let file = state.files.get(id).filter(|file| file.access_hash == access_hash);
    let file = file.ok_or_else(|| RpcError::bad("FILE_ID_INVALID"))?;
    if file.file_reference != reference {
        return Err(RpcError::bad("FILE_REFERENCE_INVALID"));
    }
    Ok(())
}

fn uploaded_document(caller: &Caller, me: i64, media: &tl::types::InputMediaUploadedDocument) -> Result<i64, RpcError> {
    let (whole, name) = assemble(caller, me, &media.file)?;
    let thumb = match &media.thumb {
        Some(thumb) => thumbnail(caller, me, thumb)?,
        None => None,
    };
    let mut file = NewFile {
        dc_id: caller.accounts().home_of(me),
        name: (!name.is_empty()).then_some(name),
        mime: (!media.mime_type.is_empty()).then(|| media.mime_type.clone()),
        thumb,
        ..NewFile::new(whole.path, whole.size_bytes, FileKind::Document, Lane::Mtproto)
    };
    for attribute in &media.attributes {
        apply(attribute, &mut file);
    }
    if media.force_file {
        file.kind = FileKind::Document;
    }
    Ok(caller.world().change(|state| state.add_file(file).id))
}

fn apply(attribute: &tl::enums::DocumentAttribute, file: &mut NewFile) {
    match attribute {
        tl::enums::DocumentAttribute::Video(video) => {
            if file.kind == FileKind::Document {
                file.kind = if video.round_message { FileKind::VideoNote } else { FileKind::Video };
            }
            file.duration = video.duration.max(0.0).round() as u32;
            file.width = video.w.max(0).unsigned_abs();
            file.height = video.h.max(0).unsigned_abs();
            file.supports_streaming = video.supports_streaming;
        }
        tl::enums::DocumentAttribute::Audio(audio) => {
            file.kind = if audio.voice { FileKind::Voice } else { FileKind::Audio };
            file.duration = audio.duration.max(0).unsigned_abs();
            file.title = audio.title.clone();
            file.performer = audio.performer.clone();
        }
        tl::enums::DocumentAttribute::Animated => file.kind = FileKind::Animation,
        tl::enums::DocumentAttribute::Sticker(sticker) => {
            file.kind = FileKind::Sticker;
            file.emoji = Some(sticker.alt.clone()).filter(|alt| !alt.is_empty());
        }
        tl::enums::DocumentAttribute::ImageSize(size) => {
            file.width = size.w.max(0).unsigned_abs();
            file.height = size.h.max(0).unsigned_abs();
        }
        tl::enums::DocumentAttribute::Filename(name) => file.name = Some(name.file_name.clone()),
        _ => {}
    }
}

/// The file of a thumbnail; one that Telegram would ignore gives none.
fn thumbnail(caller: &Caller, me: i64, input: &tl::enums::InputFile) -> Result<Option<i64>, RpcError> {
    let (whole, _) = assemble(caller, me, input)?;
    let size = picture_size(&whole.path).filter(|(width, height)| (1..=320).contains(width) && (1..=320).contains(height));
    let Some((width, height)) = size.filter(|_| whole.size_bytes <= MAX_THUMB_BYTES) else {
        caller.world().warn("a thumbnail that is no picture of at most 320 px a side and 200 KiB");
        return Ok(None);
    };
    let file = NewFile {
        dc_id: caller.accounts().home_of(me),
        width,
        height,
        mime: Some("image/jpeg".to_owned()),
        ..NewFile::new(whole.path, whole.size_bytes, FileKind::Thumbnail, Lane::Mtproto)
    };
    Ok(Some(caller.world().change(|state| state.add_file(file).id)))
}

/// Puts the parts together; gives the file and the client's name for it.
fn assemble(caller: &Caller, me: i64, input: &tl::enums::InputFile) -> Result<(Assembled, String), RpcError> {
    let (file_id, parts, big, name, md5) = match input {
        tl::enums::InputFile::File(file) => (file.id, file.parts, false, &file.name, Some(&file.md5_checksum)),
        tl::enums::InputFile::Big(file) => (file.id, file.parts, true, &file.name, None),
        tl::enums::InputFile::StoryDocument(_) => return Err(RpcError::bad("MEDIA_INVALID")),
    };
    let claim = Claim { parts, big, max_parts: max_parts(caller, me) };
    let target = caller.world().data().join(format!("mtproto-{:032x}", rand::random::<u128>()));
    let key = UploadKey { account: me, file_id };
    let whole =
        caller.world().uploads().assemble(key, claim, &target, tokio::time::Instant::now().into_std()).map_err(|error| match error {
            AssembleError::Refused(name) => RpcError::bad(name),
            AssembleError::Disk(error) => RpcError::internal(error),
        })?;
    if let Some(md5) = md5.filter(|md5| !md5.is_empty()) {
        // Small files only: at most 10 MiB.
        let bytes = std::fs::read(&whole.path).map_err(RpcError::internal)?;
        if format!("{:x}", md5::compute(bytes)) != md5.to_lowercase() {
            return Err(RpcError::bad("MD5_CHECKSUM_INVALID"));
        }
    }
    Ok((whole, name.clone()))
}

fn picture_size(path: &std::path::Path) -> Option<(u32, u32)> {
    let picture = crate::bot_api::picture::measure(path)?;
    Some((picture.width, picture.height))
}
