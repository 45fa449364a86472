//! Messages and their media as TL objects.
//!
//! In: messages of the world and who looks. Out: TL objects, `messageEmpty` for what is gone. It must not change anything.

use grammers_tl_types as tl;

use super::{entities, tl_blank, tl_service, tl_view};
use crate::world::{Button, ButtonAction, ChatRef, FileKind, Forward, Message, Shared, State, StoredFile};

/// A message as `viewer` sees it.
pub(crate) fn message(state: &State, viewer: i64, message: &Message) -> tl::enums::Message {
    if let Some(service) = &message.extra.service {
        return tl_service::message(state, viewer, message, service);
    }
    let channel = match message.chat {
        ChatRef::Channel(id) => state.channels.get(&id),
        ChatRef::Private { .. } => None,
    };
    let is_post = channel.is_some_and(|channel| !channel.megagroup);
    let peer = tl_view::peer(message.chat, viewer);
    let media = message.media.and_then(|id| state.files.get(id));
    tl::enums::Message::Message(tl::types::Message {
        out: message.author == viewer,
        post: is_post,
        silent: message.silent,
        noforwards: message.protected,
        invert_media: message.caption_above,
        id: message.id,
        from_id: (!is_post).then(|| tl_view::user_peer(message.author)),
        fwd_from: message.forward.as_ref().map(|forward| forward_header(state, forward)),
        reply_to: reply_header(message.reply_to, thread(state, message)),
        date: message.date,
        message: message.text.clone(),
        media: media.map(|file| self::media(state, file, message.spoiler)).or_else(|| message.extra.shared.as_ref().map(shared)),
        reply_markup: markup(&message.buttons),
        entities: entities::to_tl(&message.entities),
        views: is_post.then_some(1),
        forwards: is_post.then_some(0),
        edit_date: message.edit_date,
        grouped_id: message.group,
        ..tl_blank::message(&peer)
    })
}

/// A message that does not exist (any more).
pub(crate) fn empty(id: i32) -> tl::enums::Message {
    tl::enums::Message::Empty(tl::types::MessageEmpty { id, peer_id: None })
}

/// A file as the media of a message.
pub(crate) fn media(state: &State, file: &StoredFile, spoiler: bool) -> tl::enums::MessageMedia {
    if file.kind == FileKind::Photo {
        return tl::enums::MessageMedia::Photo(tl::types::MessageMediaPhoto {
            spoiler,
            live_photo: false,
            photo: Some(photo(file)),
            ttl_seconds: None,
            video: None,
        });
    }
    tl::enums::MessageMedia::Document(tl::types::MessageMediaDocument {
        nopremium: false,
        spoiler,
        video: file.kind == FileKind::Video,
        round: file.kind == FileKind::VideoNote,
        voice: file.kind == FileKind::Voice,
        document: Some(document(state, file)),
        alt_documents: None,
        video_cover: None,
        video_timestamp: None,
        ttl_seconds: None,
    })
}

fn photo(file: &StoredFile) -> tl::enums::Photo {
    tl::enums::Photo::Photo(tl::types::Photo {
        has_stickers: false,
        id: file.id,
        access_hash: file.access_hash,
        file_reference: file.file_reference.clone(),
        date: file.date,
        sizes: vec![size("x", file)],
        video_sizes: None,
        dc_id: file.dc_id,
    })
}

fn document(state: &State, file: &StoredFile) -> tl::enums::Document {
    let thumb = file.thumb.and_then(|id| state.files.get(id));
    let mime = file.mime.clone();
    tl::enums::Document::Document(tl::types::Document {
        id: file.id,
        access_hash: file.access_hash,
        file_reference: file.file_reference.clone(),
        date: file.date,
        mime_type: mime.unwrap_or_else(|| "application/octet-stream".to_owned()),
        size: i64::try_from(file.size).unwrap_or(i64::MAX),
        thumbs: thumb.map(|thumb| vec![size("m", thumb)]),
        video_thumbs: None,
        dc_id: file.dc_id,
        attributes: attributes(file),
    })
}

fn size(name: &str, file: &StoredFile) -> tl::enums::PhotoSize {
    tl::enums::PhotoSize::Size(tl::types::PhotoSize {
        r#type: name.to_owned(),
        w: file.width.cast_signed(),
        h: file.height.cast_signed(),
        size: i32::try_from(file.size).unwrap_or(i32::MAX),
    })
}

fn attributes(file: &StoredFile) -> Vec<tl::enums::DocumentAttribute> {
    use tl::enums::DocumentAttribute as Attribute;
    let mut attributes = Vec::new();
    match file.kind {
        FileKind::Video | FileKind::Animation | FileKind::VideoNote => {
            attributes.push(Attribute::Video(tl::types::DocumentAttributeVideo {
                round_message: file.kind == FileKind::VideoNote,
                supports_streaming: file.supports_streaming,
                nosound: file.kind == FileKind::Animation,
                duration: f64::from(file.duration),
                w: file.width.cast_signed(),
                h: file.height.cast_signed(),
                preload_prefix_size: None,
                video_start_ts: None,
                video_codec: None,
            }));
        }
        FileKind::Audio | FileKind::Voice => {
            attributes.push(Attribute::Audio(tl::types::DocumentAttributeAudio {
                voice: file.kind == FileKind::Voice,
                duration: file.duration.cast_signed(),
                title: file.title.clone(),
                performer: file.performer.clone(),
                waveform: None,
            }));
        }
        FileKind::Sticker => {
            let (w, h) = (file.width.cast_signed(), file.height.cast_signed());
            attributes.push(Attribute::ImageSize(tl::types::DocumentAttributeImageSize { w, h }));
            attributes.push(Attribute::Sticker(tl::types::DocumentAttributeSticker {
                mask: false,
                alt: file.emoji.clone().unwrap_or_default(),
                stickerset: tl::enums::InputStickerSet::Empty,
                mask_coords: None,
            }));
        }
        FileKind::Document | FileKind::Photo | FileKind::Thumbnail => {}
    }
    if file.kind == FileKind::Animation {
        attributes.push(Attribute::Animated);
    }
    if let Some(file_name) = file.name.clone() {
        attributes.push(Attribute::Filename(tl::types::DocumentAttributeFilename { file_name }));
    }
    attributes
}

/// Posts of channels are named by their channel, other messages by who wrote them.
fn forward_header(state: &State, forward: &Forward) -> tl::enums::MessageFwdHeader {
    let is_post = |id| state.channels.get(&id).is_some_and(|channel| !channel.megagroup);
    let (from, channel_post) = match forward.chat {
        ChatRef::Channel(channel_id) if is_post(channel_id) => {
            (tl::enums::Peer::Channel(tl::types::PeerChannel { channel_id }), Some(forward.message_id))
        }
        _ => (tl_view::user_peer(forward.author), None),
    };
    let header = tl::types::MessageFwdHeader { from_id: Some(from), date: forward.date, channel_post, ..tl_blank::forward_header() };
    tl::enums::MessageFwdHeader::Header(header)
}

/// What a message answers, and in which topic it stands: in one, what answers nothing else answers the message that began it, and what answers another
/// message names the topic beside it (<https://core.telegram.org/api/forum#forum-topics>, <https://core.telegram.org/api/threads>).
pub(super) fn reply_header(answers: Option<i32>, thread: Option<i32>) -> Option<tl::enums::MessageReplyHeader> {
    let reply_to_msg_id = Some(answers.or(thread)?);
    Some(tl::enums::MessageReplyHeader::Header(tl::types::MessageReplyHeader {
        forum_topic: thread.is_some(),
        reply_to_msg_id,
        reply_to_top_id: thread.filter(|_| reply_to_msg_id != thread),
        ..tl_blank::reply_header()
    }))
}

/// The topic that a message stands in; that which begins a topic answers nothing.
pub(super) fn thread(state: &State, message: &Message) -> Option<i32> {
    message.extra.thread.filter(|topic| *topic != message.id && state.topics_of(message.chat).is_some())
}

fn shared(shared: &Shared) -> tl::enums::MessageMedia {
    match shared {
        Shared::Contact { phone_number, first_name, user_id } => tl::enums::MessageMedia::Contact(tl::types::MessageMediaContact {
            phone_number: phone_number.clone(),
            first_name: first_name.clone(),
            last_name: String::new(),
            vcard: String::new(),
            user_id: *user_id,
        }),
        Shared::Location { latitude, longitude } => {
            let (lat, long) = (*latitude, *longitude);
            let point = tl::types::GeoPoint { long, lat, access_hash: 0, accuracy_radius: None };
            tl::enums::MessageMedia::Geo(tl::types::MessageMediaGeo { geo: tl::enums::GeoPoint::Point(point) })
        }
    }
}

fn markup(buttons: &[Vec<Button>]) -> Option<tl::enums::ReplyMarkup> {
    let row = |row: &Vec<Button>| {
        let buttons = row.iter().map(button).collect();
        tl::enums::KeyboardInlineButtonRow::Row(tl::types::KeyboardInlineButtonRow { buttons })
    };
    let rows: Vec<_> = buttons.iter().map(row).collect();
    (!rows.is_empty()).then_some(tl::enums::ReplyMarkup::ReplyInlineMarkup(tl::types::ReplyInlineMarkup { force_reply: false, rows }))
}

fn button(button: &Button) -> tl::enums::KeyboardInlineButton {
    use tl::enums::InlineButtonType as Type;
    let r#type = match &button.action {
        ButtonAction::Callback(data) => {
            Type::Callback(tl::types::InlineButtonTypeCallback { requires_password: false, data: data.clone().into_bytes() })
        }
        ButtonAction::Url(url) => Type::Url(tl::types::InlineButtonTypeUrl { url: url.clone() }),
        ButtonAction::Pay => Type::Buy,
        ButtonAction::SwitchInline { query, here } => {
            Type::SwitchInline(tl::types::InlineButtonTypeSwitchInline { same_peer: *here, query: query.clone(), peer_types: None })
        }
        ButtonAction::CopyText(text) => Type::Copy(tl::types::InlineButtonTypeCopy { copy_text: text.clone() }),
    };
    tl::enums::KeyboardInlineButton::Button(tl::types::KeyboardInlineButton { style: None, text: button.text.clone(), r#type })
}
