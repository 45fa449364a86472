//! What the daemon and its media process say to each other: one JSON line down with the task, JSON lines up; where an input is still growing, the
//! process asks for bytes with [`Reply::Want`] and is answered with one [`Feed`] line each time.
//!
//! In and out: plain values. Must not: do I/O.

mod edit;
mod streams;

use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::Hardware;
use crate::model::{MediaInfo, Reason};
pub(crate) use edit::{Cut, Draw, Join, MadeCut, MadeJoin, Subtitle, SubtitleWork, Text};
pub(crate) use streams::{
    AudioWork, Cost, Course, GifSettings, Guess, Otherwise, Rate, SoundCodec, SoundSettings, Subtitles, VideoSettings, VideoWork,
};

/// The first line that the media process reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Bounds that the process sets itself before it touches the input.
    pub(crate) limits: Limits,
    /// What to do.
    pub(crate) task: Task,
}

/// Bounds of one media process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Memory in bytes.
    pub(crate) memory_bytes: u64,
    /// Processor time over all threads, in seconds.
    pub(crate) cpu_s: u64,
    /// Largest file that it may write, in bytes.
    pub(crate) file_bytes: u64,
    /// Niceness, 0 to 19.
    pub(crate) niceness: i32,
    /// Encoder of the graphics hardware that may be opened.
    pub(crate) hardware: Hardware,
    /// Threads of one encoder or decoder; 0 lets FFmpeg choose.
    pub(crate) threads: u32,
    /// Files that it may read, and folders of fonts.
    pub(crate) readable: Vec<PathBuf>,
    /// The one folder that it may write into.
    pub(crate) writable: Option<PathBuf>,
}

/// A task of the media process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub(crate) enum Task {
    /// Say what the file is; answered with [`Reply::Probed`].
    Probe {
        /// The file.
        input: Source,
        /// True looks at no more than is needed from the file's start on, so that a file that is still growing is not waited for.
        head: bool,
    },
    /// Encode a few samples and say what they cost; answered with [`Reply::Looked`].
    Look(Box<Look>),
    /// Make what is asked for; answered with [`Reply::Made`].
    Make(Box<Make>),
    /// Cut a file into pieces that each play; answered with [`Reply::Pieces`].
    Split(Box<Split>),
    /// Cut a range out of a file; answered with [`Reply::Cut`].
    Cut(Box<Cut>),
    /// Put files behind each other; answered with [`Reply::Joined`].
    Join(Box<Join>),
    /// Take subtitles out, add them or burn them in; answered with [`Reply::Subtitled`].
    Subtitle(Box<Subtitle>),
    /// Make a picture of a video; answered with [`Reply::Drawn`].
    Draw(Draw),
}

/// A file to read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Source {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Its number, by which bytes are asked for, if it may still be growing.
    pub(crate) growing: Option<usize>,
}

/// What is there of a growing file: the answer to [`Reply::Want`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Feed {
    /// The number of the file.
    pub(crate) input: usize,
    /// The ranges that can be read, in order.
    pub(crate) ready: Vec<Range<u64>>,
    /// Its length in the end, if known: a promise until it is finished.
    pub(crate) expected_bytes: Option<u64>,
    /// True when no more bytes come.
    pub(crate) finished: bool,
}

/// What to make of a file, or of picture and sound that came apart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Make {
    /// The files: one, or picture and sound (picture first).
    pub(crate) inputs: Vec<Source>,
    /// Where things that are needed in between may lie.
    pub(crate) folder: PathBuf,
    /// The new file, if one is to be made.
    pub(crate) output: Option<Output>,
    /// Where to put a thumbnail.
    pub(crate) thumbnail: Option<PathBuf>,
    /// A picture to take for cover and thumbnail instead of the file's own.
    pub(crate) picture: Option<PathBuf>,
    /// A picture to make the thumbnail of, whatever the cover is.
    #[serde(default)]
    pub(crate) own_thumbnail: Option<PathBuf>,
}

/// A file to cut.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Split {
    /// The file, whole.
    pub(crate) input: PathBuf,
    /// Where the pieces go.
    pub(crate) folder: PathBuf,
    /// True makes songs of the pieces, with the cover that the file has.
    pub(crate) is_song: bool,
    /// Upper bound for each piece, in bytes.
    pub(crate) max_bytes: u64,
    /// Most pieces.
    pub(crate) max_pieces: u32,
    /// Title tag to set, with the number of the piece behind it.
    pub(crate) title: Option<String>,
    /// Artist tag to set.
    pub(crate) artist: Option<String>,
}

/// A piece that was cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MadePiece {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Its size in bytes.
    pub(crate) size_bytes: u64,
    /// Its length in seconds.
    pub(crate) duration_s: f64,
    /// A thumbnail, if one could be made.
    pub(crate) thumbnail: Option<PathBuf>,
}

/// A new file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Output {
    /// Where to put it.
    pub(crate) path: PathBuf,
    /// FFmpeg's name of the container, such as `mp4` or `ipod`.
    pub(crate) container: String,
    /// What happens to the picture.
    pub(crate) video: VideoWork,
    /// What happens to the sound.
    pub(crate) audio: AudioWork,
    /// Which subtitles it has, if it is an MP4.
    #[serde(default)]
    pub(crate) subtitles: Subtitles,
    /// Title tag to set.
    pub(crate) title: Option<String>,
    /// Artist tag to set.
    pub(crate) artist: Option<String>,
    /// Album tag to set.
    pub(crate) album: Option<String>,
    /// True puts a cover into it, if there is a picture.
    pub(crate) cover: bool,
    /// True says with [`Reply::Written`] how far it is, for readers that begin before it is whole; it has to be a remux then.
    pub(crate) live: bool,
    /// Length in seconds as the source says, for the room of the index.
    pub(crate) expected_s: Option<f64>,
    /// What is done where that can't be, or costs more than it saves.
    #[serde(default)]
    pub(crate) otherwise: Otherwise,
}

/// A quick look at the content.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Look {
    /// The file.
    pub(crate) input: Source,
    /// How the samples are encoded.
    pub(crate) settings: VideoSettings,
    /// The two qualities, CRF, that they are encoded at.
    pub(crate) crfs: [f64; 2],
    /// Where they begin, in seconds; at the key frame before.
    pub(crate) places_s: Vec<f64>,
    /// Frames of each.
    pub(crate) frames: u32,
}

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Looked {
    /// The two qualities, CRF, that the samples were encoded at.
    pub(crate) crfs: [f64; 2],
    /// Size of the samples.
    pub(crate) size: (u32, u32),
    /// Their frames a second.
    pub(crate) frame_rate: f64,
    /// What they cost, in order of time; at least one.
    pub(crate) samples: Vec<Sample>,
    /// What the source spends on a frame, in bytes, in each of equal stretches of its length; empty if its index does not say.
    pub(crate) spent: Vec<f64>,
    /// Seconds that one frame takes to decode and to encode once.
    pub(crate) frame_s: f64,
}

/// One sample, encoded at two qualities.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Where it begins, in seconds.
    pub(crate) at_s: f64,
    /// Bytes of the key frame that it begins with.
    pub(crate) key_bytes: [f64; 2],
    /// Bytes of each other frame, on average.
    pub(crate) frame_bytes: [f64; 2],
}

/// One line that the media process writes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(crate) enum Reply {
    /// How far it is.
    Progress {
        /// Thousandths of the whole.
        per_mille: u16,
    },
    /// More of the new file is on disk and will not change again.
    Written {
        /// Where that begins; what stands before is written last.
        front_bytes: u64,
        /// Where that ends.
        ready_bytes: u64,
        /// True when everything is written, the front too: the file is that long.
        whole: bool,
    },
    /// Nothing goes on before these bytes of a growing input are there. Answered with a [`Feed`] that has them, or says that the file ends before.
    Want {
        /// The number of the file.
        input: usize,
        /// The first byte that is needed; beyond any end it asks for the whole file.
        offset_bytes: u64,
    },
    /// Answer to [`Task::Probe`].
    Probed(Box<Probed>),
    /// Answer to [`Task::Look`].
    Looked(Looked),
    /// Answer to [`Task::Make`].
    Made(Made),
    /// Answer to [`Task::Split`].
    Pieces {
        /// In order.
        pieces: Vec<MadePiece>,
    },
    /// Answer to [`Task::Cut`].
    Cut(MadeCut),
    /// Answer to [`Task::Join`].
    Joined(MadeJoin),
    /// Answer to [`Task::Subtitle`].
    Subtitled,
    /// Answer to [`Task::Draw`]: width and height of the picture.
    Drawn {
        /// In pixels.
        size: (u32, u32),
    },
    /// The room for the index, in a file that is read while it is made, was too small. The next time the folder remembers it.
    OutOfRoom,
    /// Something that the log is told.
    Note {
        /// What.
        text: String,
    },
    /// It could not be done.
    Error {
        /// What the person is told.
        reason: Reason,
        /// What the log is told.
        cause: String,
    },
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Probed {
    /// What the file is; empty streams if it can't be read.
    pub(crate) info: MediaInfo,
    /// Why it can't be read.
    pub(crate) unreadable: Option<String>,
    /// True if it can be read after all, but not from its start on alone.
    pub(crate) only_as_a_whole: bool,
    /// Size of the picture as displayed: rotation and the shape of pixels applied.
    pub(crate) display: (u32, u32),
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Made {
    /// Length of the new file in seconds, if one was made.
    pub(crate) duration_s: Option<f64>,
    /// Size of its picture as displayed.
    pub(crate) display: Option<(u32, u32)>,
    /// True if a thumbnail was made.
    pub(crate) thumbnail: bool,
    /// True if a cover went in.
    pub(crate) cover: bool,
    /// What happened to its picture and its sound, if one was made: true if they were encoded, false if they were copied.
    pub(crate) encoded: Option<[Option<bool>; 2]>,
}
