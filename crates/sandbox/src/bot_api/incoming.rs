//! A file on its way in.
//!
//! In: bytes in pieces. Out: a file in the world's folder, which goes away unless it is kept. It must not hold a file in memory.

use std::path::{Path, PathBuf};

use tempfile::TempPath;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// A file that came with a request.
#[derive(Debug)]
pub(super) struct Incoming {
    path: TempPath,
    /// Bytes.
    pub(super) size: u64,
    /// As the client called it, made harmless.
    pub(super) name: Option<String>,
    /// What the client said that it is.
    pub(super) content_type: Option<String>,
}

impl Incoming {
    /// Where the bytes are now.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the file and says where.
    pub(super) fn keep(self) -> std::io::Result<PathBuf> {
        self.path.keep().map_err(|error| error.error)
    }
}

/// Writes a file that comes in pieces, up to a limit.
pub(super) struct Writer {
    file: File,
    path: TempPath,
    size: u64,
}

impl Writer {
    /// Begins a file below `data`.
    pub(super) fn begin(data: &Path) -> std::io::Result<Self> {
        let folder = data.join("files");
        std::fs::create_dir_all(&folder)?;
        let (file, path) = tempfile::Builder::new().prefix("bot-").tempfile_in(folder)?.into_parts();
        Ok(Self { file: File::from_std(file), path, size: 0 })
    }

    /// Adds a piece.
    pub(super) async fn write(&mut self, piece: &[u8]) -> std::io::Result<()> {
        self.size += piece.len() as u64;
        self.file.write_all(piece).await
    }

    /// Bytes so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Ends the file.
    pub(super) async fn finish(mut self, name: Option<&str>, content_type: Option<String>) -> std::io::Result<Incoming> {
        self.file.flush().await?;
        Ok(Incoming { path: self.path, size: self.size, name: name.and_then(harmless_name), content_type })
    }
}

/// The last part of a name, without control characters: what Telegram keeps of it.
fn harmless_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|letter| !letter.is_control()).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

#[cfg(test)]
mod tests {
    use super::harmless_name;

    #[test]
    fn names_lose_their_folders_and_control_characters() {
        assert_eq!(harmless_name("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(harmless_name("a\u{7}b.mp4").as_deref(), Some("ab.mp4"));
        assert_eq!(harmless_name("C:\\x\\y.mp4").as_deref(), Some("y.mp4"));
        assert_eq!(harmless_name("x/"), None);
    }
}
