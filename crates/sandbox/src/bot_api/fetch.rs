//! How a call's file becomes one of the world's.
//!
//! In: `attach://`, a part of the form, an address or a `file_id`, with the attributes that the sender gives. Out: a stored file. Attributes are
//! trusted and never measured, as at Telegram: without them a video is a square of length 0. It must not hold a file in memory.

use futures::StreamExt;
use tokio_util::io::ReaderStream;

use super::incoming::{Incoming, Writer};
use super::params::Params;
use super::reply::ApiError;
use super::{Call, by_address, file_id, picture, stickers};
use crate::world::{FileKind, Lane, NewFile, StoredFile};

/// Limits of a thumbnail (<https://core.telegram.org/bots/api#sendvideo>).
const THUMB_BYTES: u64 = 200 * 1024;
const THUMB_SIDE: u32 = 320;
/// Of round videos: the longest (<https://core.telegram.org/bots/api#sendvideonote>), the widest (TDLib's `MessageContent.cpp`), and how wide one is if nothing
/// is said (TDLib's `OptionManager.cpp`, `suggested_video_note_length`).
const MAX_ROUND_SECONDS: u32 = 60;
const MAX_ROUND_SIDE: i32 = 640;
const USUAL_ROUND_SIDE: u32 = 384;
/// How much of a local file is copied at a time.
const COPY_BYTES: usize = 256 * 1024;

impl Call {
    /// The file that `params` name, stored as `wanted` or as what Telegram makes of it.
    pub(super) async fn file(&self, params: &Params, name: &str, wanted: FileKind) -> Result<StoredFile, ApiError> {
        let attributes = Attributes::read(params);
        let thumb = self.thumbnail(params)?;
        let value = params.text(name).map(str::to_owned);
        let incoming = match value.as_deref() {
            None => self
                .params
                .take_file(name)
                .ok_or_else(|| ApiError::bad_request(format!("there is no {} in the request", wanted.name().replace('_', " "))))?,
            Some(value) => match value.strip_prefix("attach://") {
                Some(part) => self.params.take_file(part).ok_or_else(wrong_file)?,
                None if value.starts_with("http://") || value.starts_with("https://") => self.by_address(value, wanted).await?,
                None if self.world().limits().local_files && value.starts_with("file:/") => self.local_file(value).await?,
                None => return self.known_file(value, wanted),
            },
        };
        self.store(incoming, wanted, attributes, thumb)
    }

    pub(super) fn known_file(&self, name: &str, wanted: FileKind) -> Result<StoredFile, ApiError> {
        let id = file_id::decode(self.bot, name).ok_or_else(wrong_file)?;
        let file = self.world().read(|state| state.files.get(id).cloned()).ok_or_else(wrong_file)?;
        if file.kind != wanted {
            return Err(ApiError::bad_request(format!("can't use file of type {} as {}", type_name(file.kind), type_name(wanted))));
        }
        Ok(file)
    }

    fn store(&self, incoming: Incoming, wanted: FileKind, attributes: Attributes, thumb: Option<i64>) -> Result<StoredFile, ApiError> {
        if incoming.size == 0 {
            return Err(ApiError::bad_request("file must be non-empty"));
        }
        let name = incoming.name.clone();
        let guessed = name.as_deref().and_then(|name| mime_guess::from_path(name).first()).map(|mime| mime.to_string());
        let mime = guessed.or_else(|| incoming.content_type.clone()).unwrap_or_else(|| "application/octet-stream".to_owned());
        let (mut width, mut height) = (attributes.width, attributes.height);
        let (kind, mime) = match wanted {
            FileKind::Sticker => match stickers::sticker(incoming.path(), incoming.size) {
                Ok(found) => {
                    (width, height) = (found.width, found.height);
                    (wanted, found.mime.to_owned())
                }
                Err(why) => {
                    self.world().warn(format!("sticker stored as document: {why}"));
                    (FileKind::Document, mime)
                }
            },
            FileKind::VideoNote => {
                let (kind, side) = self.round(&incoming, &mime, &attributes)?;
                (width, height) = side;
                (kind, mime)
            }
            wanted => (kept_kind(wanted, &mime, name.as_deref()), mime),
        };
        if kind != wanted && !matches!(wanted, FileKind::Sticker | FileKind::VideoNote) {
            self.world().warn(format!("{} stored as {}: {} ({mime})", wanted.name(), kind.name(), name.as_deref().unwrap_or("no name")));
        }
        if kind == FileKind::Photo {
            let limit = self.world().limits().bot_photo_bytes;
            if incoming.size > limit {
                let size = incoming.size;
                return Err(ApiError::bad_request(format!(
                    "file of size {size} bytes is too big for a photo; the maximum size is {limit} bytes"
                )));
            }
            let measured = picture::measure(incoming.path()).ok_or_else(|| ApiError::bad_request("IMAGE_PROCESS_FAILED"))?;
            if measured.width + measured.height > 10_000 || measured.width > 20 * measured.height || measured.height > 20 * measured.width {
                return Err(ApiError::bad_request("PHOTO_INVALID_DIMENSIONS"));
            }
            (width, height) = (measured.width, measured.height);
        }
        let size = incoming.size;
        let path = incoming.keep().map_err(ApiError::internal)?;
        let file = NewFile {
            name,
            mime: Some(mime),
            duration: attributes.duration,
            width,
            height,
            supports_streaming: attributes.supports_streaming,
            title: attributes.title,
            performer: attributes.performer,
            emoji: attributes.emoji.filter(|_| kind == FileKind::Sticker),
            thumb: thumb.filter(|_| !matches!(kind, FileKind::Photo | FileKind::Voice | FileKind::Sticker)),
            ..NewFile::new(path, size, kind, Lane::BotApi)
        };
        Ok(self.world().change(|state| state.add_file(file)))
    }

    /// A round video is a square MPEG-4 of up to a minute (<https://core.telegram.org/bots/api#sendvideonote>); others are shown as videos are.
    fn round(&self, incoming: &Incoming, mime: &str, attributes: &Attributes) -> Result<(FileKind, (u32, u32)), ApiError> {
        if attributes.length.is_some_and(|length| !(0..=MAX_ROUND_SIDE).contains(&length)) {
            return Err(ApiError::bad_request("wrong video note length"));
        }
        let measured = stickers::mp4_size(incoming.path());
        let fault = match measured {
            _ if mime != "video/mp4" => Some(format!("it is {mime}")),
            _ if attributes.duration > MAX_ROUND_SECONDS => Some(format!("it takes {} s", attributes.duration)),
            Some((width, height)) if width != height => Some(format!("it is {width}x{height}")),
            _ => None,
        };
        if let Some(fault) = fault {
            let kind = kept_kind(FileKind::Video, mime, incoming.name.as_deref());
            self.world().warn(format!("video_note stored as {}: {fault}", kind.name()));
            return Ok((kind, measured.unwrap_or_default()));
        }
        let stated = attributes.length.filter(|length| *length > 0).map(i32::unsigned_abs);
        let side = stated.unwrap_or(USUAL_ROUND_SIDE);
        Ok((FileKind::VideoNote, (side, side)))
    }

    /// A thumbnail that breaks the rules is ignored as Telegram does, and a warning is kept for tests.
    fn thumbnail(&self, params: &Params) -> Result<Option<i64>, ApiError> {
        // Taken, but this Telegram does not show it.
        if let Some(cover) = params.text("cover").and_then(|cover| cover.strip_prefix("attach://")) {
            drop(self.params.take_file(cover));
        }
        let value = params.text("thumbnail").or_else(|| params.text("thumb"));
        let incoming = match value.map(|value| value.strip_prefix("attach://")) {
            Some(Some(part)) => Some(self.params.take_file(part).ok_or_else(wrong_file)?),
            // "Thumbnails can't be reused and can be only uploaded as a new file."
            Some(None) => {
                self.world().warn("thumbnail ignored: it is no upload");
                None
            }
            None => self.params.take_file("thumbnail").or_else(|| self.params.take_file("thumb")),
        };
        let Some(incoming) = incoming else {
            return Ok(None);
        };
        let measured = picture::measure(incoming.path());
        let fault = match measured {
            None => Some("it is no picture".to_owned()),
            Some(measured) if !measured.jpeg => Some("it is no JPEG".to_owned()),
            Some(_) if incoming.size > THUMB_BYTES => Some(format!("it has {} bytes", incoming.size)),
            Some(measured) if measured.width > THUMB_SIDE || measured.height > THUMB_SIDE => {
                Some(format!("it is {}x{}", measured.width, measured.height))
            }
            Some(_) => None,
        };
        if let Some(fault) = fault {
            self.world().warn(format!("thumbnail ignored: {fault}"));
            return Ok(None);
        }
        let (size, measured) = (incoming.size, measured.map_or((0, 0), |picture| (picture.width, picture.height)));
        let path = incoming.keep().map_err(ApiError::internal)?;
        let file = NewFile {
            width: measured.0,
            height: measured.1,
            mime: Some("image/jpeg".to_owned()),
            ..NewFile::new(path, size, FileKind::Thumbnail, Lane::BotApi)
        };
        Ok(Some(self.world().change(|state| state.add_file(file)).id))
    }

    async fn by_address(&self, address: &str, wanted: FileKind) -> Result<Incoming, ApiError> {
        let incoming = by_address::fetch(&self.face.http, self.world(), address, wanted).await?;
        // "Sending by a URL is currently unsupported" for the one, "can't be sent via an HTTP URL" for the other.
        let is_moving = || stickers::sticker(incoming.path(), incoming.size).is_ok_and(|found| found.mime != stickers::WEBP);
        if wanted == FileKind::VideoNote || wanted == FileKind::Sticker && is_moving() {
            return Err(by_address::Unfetched::Page.into());
        }
        Ok(incoming)
    }

    /// A copy of a file on this machine, named by its path (telegram-bot-api's `Client.cpp`, `get_local_file_path`). A file that changes afterwards does not
    /// change what was sent.
    async fn local_file(&self, address: &str) -> Result<Incoming, ApiError> {
        let path = url::Url::parse(address).ok().and_then(|url| url.to_file_path().ok());
        let path = path.ok_or_else(|| ApiError::bad_request("can't find real file path"))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut file = tokio::fs::File::open(&path).await.map_err(|_| ApiError::bad_request("can't find real file path"))?;
        let mut writer = Writer::begin(self.world().data()).map_err(ApiError::internal)?;
        let mut pieces = ReaderStream::with_capacity(&mut file, COPY_BYTES);
        while let Some(piece) = pieces.next().await {
            writer.write(&piece.map_err(ApiError::internal)?).await.map_err(ApiError::internal)?;
            if writer.size() > self.world().limits().bot_upload_bytes {
                return Err(ApiError::new(413, "Request Entity Too Large"));
            }
        }
        self.world().count(|counters| counters.bot_api_uploaded_bytes += writer.size());
        writer.finish(name.as_deref(), None).await.map_err(ApiError::internal)
    }
}

struct Attributes {
    duration: u32,
    width: u32,
    height: u32,
    length: Option<i32>,
    supports_streaming: bool,
    title: Option<String>,
    performer: Option<String>,
    emoji: Option<String>,
}

impl Attributes {
    fn read(params: &Params) -> Self {
        Self {
            duration: params.number("duration").unwrap_or(0),
            width: params.number("width").unwrap_or(0),
            height: params.number("height").unwrap_or(0),
            length: params.number("length"),
            supports_streaming: params.flag("supports_streaming"),
            title: params.text("title").map(str::to_owned),
            performer: params.text("performer").map(str::to_owned),
            emoji: params.text("emoji").map(str::to_owned),
        }
    }
}

/// Telegram shows as a video only MPEG-4, as music only MP3 and M4A and their kin, as a voice note only what can be one; the rest are documents
/// (<https://core.telegram.org/bots/api#sendvideo>, `#sendaudio`, `#sendvoice`).
fn kept_kind(wanted: FileKind, mime: &str, name: Option<&str>) -> FileKind {
    let extension = name.and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    let right = match wanted {
        FileKind::Video => matches!(mime, "video/mp4" | "video/quicktime" | "video/x-m4v") || extension == "m4v",
        FileKind::Animation => matches!(mime, "video/mp4" | "image/gif"),
        FileKind::Audio => mime.starts_with("audio/") && !matches!(extension.as_str(), "wav" | "opus" | "aiff") || extension == "m4a",
        FileKind::Voice => matches!(extension.as_str(), "ogg" | "oga" | "opus" | "mp3" | "m4a"),
        FileKind::Document | FileKind::Photo | FileKind::VideoNote | FileKind::Sticker | FileKind::Thumbnail => true,
    };
    if right { wanted } else { FileKind::Document }
}

fn wrong_file() -> ApiError {
    ApiError::bad_request("wrong file identifier/HTTP URL specified")
}

fn type_name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Video => "Video",
        FileKind::Audio => "Audio",
        FileKind::Document => "Document",
        FileKind::Photo => "Photo",
        FileKind::Animation => "Animation",
        FileKind::Voice => "VoiceNote",
        FileKind::VideoNote => "VideoNote",
        FileKind::Sticker => "Sticker",
        FileKind::Thumbnail => "Thumbnail",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_plays_stays_a_video() {
        let cases = [
            (FileKind::Video, "video/mp4", "a.mp4", FileKind::Video),
            (FileKind::Video, "video/x-matroska", "a.mkv", FileKind::Document),
            (FileKind::Video, "video/webm", "a.webm", FileKind::Document),
            (FileKind::Audio, "audio/mpeg", "a.mp3", FileKind::Audio),
            (FileKind::Audio, "audio/m4a", "a.m4a", FileKind::Audio),
            (FileKind::Audio, "audio/wav", "a.wav", FileKind::Document),
            (FileKind::Voice, "audio/ogg", "a.ogg", FileKind::Voice),
            (FileKind::Voice, "text/plain", "a.txt", FileKind::Document),
            (FileKind::Document, "video/mp4", "a.mp4", FileKind::Document),
        ];
        for (wanted, mime, name, kept) in cases {
            assert_eq!(kept_kind(wanted, mime, Some(name)), kept, "{wanted:?} {mime} {name}");
        }
    }
}
