//! What is known of the content behind a link.
//!
//! In: what a source said. Out: [`SourceCard`] before the download, [`FetchedFile`] with it. Must not: be trusted as a path or markup;
//! file names are cleaned where they are made, texts are escaped where they are shown.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::SubtitleOffer;

/// What the card before the download shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceCard {
    /// Title; a cleaned file name for direct links.
    pub title: String,
    /// Author or channel, if known.
    pub author: Option<String>,
    /// Length in seconds, if known.
    pub duration_s: Option<f64>,
    /// Name of the source for people: `YouTube`, or the host.
    pub source: String,
    /// Picture to show, an http(s) address, if there is one.
    pub picture: Option<String>,
    /// Expected size in bytes, if known.
    pub size_bytes: Option<u64>,
    /// Subtitles beside it, one entry a language.
    #[serde(default)]
    pub subtitles: Vec<SubtitleOffer>,
}

/// What a fetch says about the file whose bytes come through the spool beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FetchedFile {
    /// A clean file name with extension: no separators, no control characters, at most 120 bytes.
    pub file_name: String,
    /// MIME type said by the source, if any.
    pub mime: Option<String>,
    /// Title, if the source has one.
    pub title: Option<String>,
    /// Author, channel or artist.
    pub author: Option<String>,
    /// Length in seconds as the source says.
    pub duration_s: Option<f64>,
    /// Picture of the source as a local file in the job's folder.
    pub picture: Option<PathBuf>,
}

/// What was fetched, whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FetchedWhole {
    /// What it is.
    pub file: FetchedFile,
    /// Where its bytes lie: one file, or two where picture and sound came apart (picture first).
    pub tracks: Vec<TrackFile>,
}

/// One whole file of what was fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
}
