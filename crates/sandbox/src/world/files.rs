//! Files that were uploaded, with what their senders said of them.
//!
//! In: a path on disk and attributes. Out: ids that messages refer to. It must not read the bytes, but for a hash that is asked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rand::RngExt;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::State;

/// What a client shows a file as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Played in the chat.
    Video,
    /// Played with title and performer.
    Audio,
    /// Shown by name.
    Document,
    /// Shown as a picture.
    Photo,
    /// A silent video that repeats.
    Animation,
    /// A voice note.
    Voice,
    /// A round video message.
    VideoNote,
    /// A picture without a frame, still or moving.
    Sticker,
    /// The small picture of another file.
    Thumbnail,
}

impl FileKind {
    /// The name as the Bot API has it (`video`, `audio`, …).
    pub fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Photo => "photo",
            Self::Animation => "animation",
            Self::Voice => "voice",
            Self::VideoNote => "video_note",
            Self::Sticker => "sticker",
            Self::Thumbnail => "thumbnail",
        }
    }
}

/// How the bytes arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// By multipart.
    BotApi,
    /// In parts.
    Mtproto,
}

/// A file to remember. The file at `path` belongs to the world from then on.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Where the bytes are.
    pub path: PathBuf,
    /// How many there are.
    pub size: u64,
    /// How it is shown.
    pub kind: FileKind,
    /// How it came.
    pub lane: Lane,
    /// The sender's name for it.
    pub name: Option<String>,
    /// MIME type.
    pub mime: Option<String>,
    /// Seconds, as the sender said; 0 if it did not.
    pub duration: u32,
    /// Pixels, as the sender said (measured for photos and thumbnails).
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// As the sender said.
    pub supports_streaming: bool,
    /// Of an audio file.
    pub title: Option<String>,
    /// Of an audio file.
    pub performer: Option<String>,
    /// Of a sticker: what it stands for.
    pub emoji: Option<String>,
    /// The id of the thumbnail's file.
    pub thumb: Option<i64>,
    /// The data centre that it is at.
    pub dc_id: i32,
}

impl NewFile {
    /// A file without attributes.
    pub fn new(path: PathBuf, size: u64, kind: FileKind, lane: Lane) -> Self {
        Self {
            path,
            size,
            kind,
            lane,
            name: None,
            mime: None,
            duration: 0,
            width: 0,
            height: 0,
            supports_streaming: false,
            title: None,
            performer: None,
            emoji: None,
            thumb: None,
            dc_id: super::accounts::MAIN_DC,
        }
    }
}

/// A file that the world remembers. It never changes.
#[derive(Debug, Clone)]
pub struct StoredFile {
    /// The id inside the world (of the document or the photo, over MTProto).
    pub id: i64,
    /// What MTProto clients have to name beside the id.
    pub access_hash: i64,
    /// What MTProto clients have to name as well.
    pub file_reference: Vec<u8>,
    /// Seconds since 1970.
    pub date: i32,
    /// What the sender gave.
    pub data: Arc<NewFile>,
    hash: Arc<OnceLock<String>>,
}

impl StoredFile {
    /// SHA-256 of the bytes as hex; reads the whole file the first time, so call it without the world's lock. Empty if the file is gone.
    pub fn sha256(&self) -> String {
        self.hash.get_or_init(|| hash_of(&self.data.path).unwrap_or_default()).clone()
    }
}

impl std::ops::Deref for StoredFile {
    type Target = NewFile;

    fn deref(&self) -> &NewFile {
        &self.data
    }
}

/// All files by id.
#[derive(Debug, Default)]
pub struct Files {
    by_id: BTreeMap<i64, StoredFile>,
}

impl Files {
    /// The file with this id.
    pub fn get(&self, id: i64) -> Option<&StoredFile> {
        self.by_id.get(&id)
    }
}

impl State {
    /// Remembers a file and gives it an id.
    pub fn add_file(&mut self, file: NewFile) -> StoredFile {
        let mut random = rand::rng();
        let mut id = random.random_range(1..i64::MAX);
        while self.files.by_id.contains_key(&id) {
            id = random.random_range(1..i64::MAX);
        }
        let stored = StoredFile {
            id,
            access_hash: random.random(),
            file_reference: random.random::<[u8; 16]>().to_vec(),
            date: super::now_unix(),
            data: Arc::new(file),
            hash: Arc::new(OnceLock::new()),
        };
        self.files.by_id.insert(id, stored.clone());
        stored
    }
}

fn hash_of(path: &std::path::Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    let mut hex = String::with_capacity(64);
    for byte in hasher.finalize() {
        write!(hex, "{byte:02x}").expect("writing into a string cannot fail");
    }
    Ok(hex)
}
