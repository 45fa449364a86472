//! What is said of cutting, joining and drawing.
//!
//! In and out: plain values. Must not: do I/O.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{AudioWork, SoundSettings, VideoSettings};

/// A range to cut out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cut {
    /// The file, whole.
    pub(crate) input: PathBuf,
    /// Where the new file goes.
    pub(crate) output: PathBuf,
    /// Where the range begins, in microseconds from the start.
    pub(crate) from_us: i64,
    /// Where it ends; beyond any end it goes to the end.
    pub(crate) to_us: i64,
    /// True if the pictures play everywhere: then only those at the edges are encoded.
    pub(crate) joins_pictures: bool,
    /// How all are encoded where they can't be joined, and at which CRF; of the edges only the preset.
    pub(crate) settings: VideoSettings,
    pub(crate) crf: f64,
    /// What happens to the sound.
    pub(crate) audio: AudioWork,
    /// How sound is encoded that was to be copied, but changes on the way.
    pub(crate) encode_audio: SoundSettings,
    /// Title tag to set.
    pub(crate) title: Option<String>,
    /// Artist tag to set.
    pub(crate) artist: Option<String>,
}

/// What was cut out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MadeCut {
    /// Length of the new file in seconds.
    pub(crate) duration_s: f64,
    /// Pictures that were copied.
    pub(crate) copied_pictures: u64,
    /// Pictures that were encoded.
    pub(crate) encoded_pictures: u64,
    /// Why all were encoded, if they were.
    pub(crate) whole_because: Option<String>,
}

/// Files to put behind each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Join {
    /// The files in order, whole: all with pictures, or none.
    pub(crate) inputs: Vec<PathBuf>,
    /// Where the new file goes.
    pub(crate) output: PathBuf,
    /// True if all pictures play everywhere: then they are copied if they are alike.
    pub(crate) copies_pictures: bool,
    /// True if all have sound that plays everywhere: then it is copied if it is alike.
    pub(crate) copies_sound: bool,
    /// How pictures are encoded, and at which CRF.
    pub(crate) settings: VideoSettings,
    pub(crate) crf: f64,
    /// Bits a second of encoded sound.
    pub(crate) audio_bit_rate: u64,
    /// Title tag to set.
    pub(crate) title: Option<String>,
    /// Artist tag to set.
    pub(crate) artist: Option<String>,
}

/// What was put together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MadeJoin {
    /// Length of the new file in seconds.
    pub(crate) duration_s: f64,
    /// Why pictures were encoded, if they were.
    pub(crate) pictures_because: Option<String>,
    /// Why sound was encoded, if it was.
    pub(crate) sound_because: Option<String>,
}

/// A picture to make of a video.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Draw {
    /// The video.
    pub(crate) input: PathBuf,
    /// Where the JPEG goes.
    pub(crate) output: PathBuf,
    /// Which frame, in microseconds from the start; a telling one if it is not said.
    pub(crate) at_us: Option<i64>,
    /// True keeps its size; else it is within the bounds of a thumbnail.
    pub(crate) full: bool,
}

/// Subtitles to take out, to add or to burn in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Subtitle {
    /// Where things that are needed in between may lie.
    pub(crate) folder: PathBuf,
    /// Where the new file goes.
    pub(crate) output: PathBuf,
    /// What is done.
    pub(crate) work: SubtitleWork,
    /// Title tag to set.
    pub(crate) title: Option<String>,
    /// Artist tag to set.
    pub(crate) artist: Option<String>,
}

/// What is done with subtitles.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SubtitleWork {
    /// They become an SRT file.
    Extract {
        /// Which.
        text: Text,
    },
    /// They become tracks beside picture and sound, which are copied.
    AddTracks {
        /// The video, which plays everywhere.
        video: PathBuf,
        /// Which, in order.
        texts: Vec<Text>,
    },
    /// They become part of the pictures.
    BurnIn {
        /// The video.
        video: PathBuf,
        /// Which.
        text: Text,
        /// How pictures are encoded, and at which CRF.
        settings: VideoSettings,
        crf: f64,
        /// What happens to the sound.
        audio: AudioWork,
    },
}

/// Where subtitles are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Text {
    /// The file.
    pub(crate) path: PathBuf,
    /// The number of the track; none for a file that is nothing but text.
    pub(crate) track: Option<usize>,
    /// Its language, as three letters.
    pub(crate) language: Option<String>,
}
