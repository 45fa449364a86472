//! How far yt-dlp has come in a stream of many fragments, so that another process goes on there.
//!
//! In: its lines of progress. Out: a note beside the file; before the next run, file and yt-dlp's own note cut back to what is surely good.
//! Must not: trust the length of the file after a crash: yt-dlp appends a fragment first and notes it then, and would append it twice.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::fs;

/// The files of one stream.
#[derive(Clone, Debug)]
pub(super) struct Files {
    folder: PathBuf,
    name: String,
}

/// What is good of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Good {
    /// What it is, the same in every attempt.
    pub(super) content: String,
    /// Bytes.
    pub(super) bytes: u64,
    /// Fragments that make up these bytes.
    pub(super) fragments: u64,
    /// True if that is all.
    pub(super) whole: bool,
}

impl Files {
    /// The files in `folder` that begin with `stem`.
    pub(super) fn new(folder: &Path, stem: &str) -> Self {
        Self { folder: folder.to_owned(), name: format!("{stem}.media") }
    }

    /// The name of the file, for yt-dlp.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where the bytes are.
    pub(super) fn media(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Where the metadata for yt-dlp goes.
    pub(super) fn info(&self) -> PathBuf {
        self.beside(".info.json")
    }

    /// What an earlier run left of this content.
    pub(super) async fn find(&self, content: &str) -> Option<Good> {
        let good: Good = serde_json::from_slice(&fs::read(self.beside(".note")).await.ok()?).ok()?;
        let length = fs::metadata(self.media()).await.ok()?.len();
        let fits = if good.whole { length == good.bytes } else { length >= good.bytes };
        (good.content == content && good.bytes > 0 && fits).then_some(good)
    }

    /// Writes down what is good; at no moment is there half a note.
    pub(super) async fn note(&self, good: &Good) -> io::Result<()> {
        let fresh = self.beside(".note.new");
        fs::write(&fresh, serde_json::to_vec(good)?).await?;
        fs::rename(&fresh, self.beside(".note")).await
    }

    /// Leaves what is good for yt-dlp to go on with, or nothing.
    /// Its own note: <https://github.com/yt-dlp/yt-dlp/blob/master/yt_dlp/downloader/fragment.py>.
    pub(super) async fn prepare(&self, good: Option<&Good>) -> io::Result<()> {
        let mut entries = fs::read_dir(&self.folder).await?;
        let fragment = format!("{}-Frag", self.name);
        while let Some(entry) = entries.next_entry().await? {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&fragment)) {
                fs::remove_file(entry.path()).await?;
            }
        }
        let Some(good) = good else {
            for path in [self.media(), self.beside(".ytdl"), self.beside(".note")] {
                remove(&path).await?;
            }
            return Ok(());
        };
        fs::File::options().write(true).open(self.media()).await?.set_len(good.bytes).await?;
        let note = serde_json::json!({"downloader": {"current_fragment": {"index": good.fragments}}});
        fs::write(self.beside(".ytdl"), note.to_string()).await
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}{ending}", self.name))
    }
}

/// True if yt-dlp can begin in the middle of an HLS playlist. It does not count the fragments that it leaves out, so that without a vector of
/// their own encrypted fragments would be decrypted with a wrong one, and ranges that follow each other would begin at a wrong place.
pub(super) fn can_begin_in_the_middle(playlist: &str) -> bool {
    playlist.lines().map(str::trim).all(|line| match line.split_once(':') {
        Some(("#EXT-X-KEY", key)) => key.contains("METHOD=NONE"),
        Some(("#EXT-X-BYTERANGE", range)) => range.contains('@'),
        _ => true,
    })
}

async fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_next_run_begins_behind_the_last_fragment_that_is_surely_good() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(folder.path(), "track-0");
        assert_eq!(files.find("a").await, None);
        fs::write(files.media(), b"one two th").await.unwrap();
        fs::write(folder.path().join("track-0.media-Frag3"), b"th").await.unwrap();
        let good = Good { content: "a".into(), bytes: 8, fragments: 2, whole: false };
        files.note(&good).await.unwrap();
        assert_eq!(files.find("b").await, None);
        assert_eq!(files.find("a").await.as_ref(), Some(&good));
        files.prepare(Some(&good)).await.unwrap();
        assert_eq!(fs::read(files.media()).await.unwrap(), b"one two ");
        let noted: serde_json::Value = serde_json::from_slice(&fs::read(files.beside(".ytdl")).await.unwrap()).unwrap();
        assert_eq!(noted["downloader"]["current_fragment"]["index"], 2);
        assert!(!folder.path().join("track-0.media-Frag3").exists());

        files.note(&Good { whole: true, ..good.clone() }).await.unwrap();
        assert!(files.find("a").await.is_some());
        fs::write(files.media(), b"one two th").await.unwrap();
        assert_eq!(files.find("a").await, None, "a whole file of another length");
        files.prepare(None).await.unwrap();
        files.prepare(None).await.unwrap();
        assert!(!files.media().exists() && !files.beside(".ytdl").exists() && !files.beside(".note").exists());
    }

    #[test]
    fn not_every_playlist_can_be_gone_on_with() {
        let table = [
            ("#EXTM3U\n#EXTINF:2,\na.ts", true),
            ("#EXT-X-KEY:METHOD=NONE\na.ts", true),
            ("#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\na.ts", false),
            ("#EXT-X-BYTERANGE:100@0\na.ts", true),
            ("#EXT-X-BYTERANGE:100\na.ts", false),
        ];
        for (playlist, expected) in table {
            assert_eq!(can_begin_in_the_middle(playlist), expected, "{playlist}");
        }
    }
}
