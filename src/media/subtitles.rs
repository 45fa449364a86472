//! Subtitles: out of a video as a file, into it as a track, or into its pictures.
//!
//! In: [`SubtitlesRequest`]. Out: a new file. Must not: run FFmpeg in this process, or change the sources.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use tokio_util::sync::CancellationToken;

use super::decide::{Texts, audio_plays};
use super::language::Language;
use super::prepare::playable;
use super::protocol::{AudioWork, Reply, Request, SoundSettings, Subtitle, SubtitleWork, Subtitles, Task, Text};
use super::{Media, PrepareRequest, Word, absolute};
use crate::model::{Choice, Failure, MediaInfo, ProgressSender, Reason, Step, Track};

/// Where libass finds the fonts of the system, and what says which one to take for a script. They hold nothing of anybody.
pub(super) const FONT_FOLDERS: [&str; 5] =
    ["/etc/fonts", "/usr/share/fontconfig", "/usr/share/fonts", "/usr/local/share/fonts", "/var/cache/fontconfig"];
/// FFmpeg's names of subtitles that are text.
const TEXTS: [&str; 6] = ["subrip", "ass", "ssa", "mov_text", "webvtt", "text"];
/// Of those that are pictures: from Blu-rays, DVDs and broadcasts.
const PICTURES: [&str; 4] = ["hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub"];

/// How a file of extracted text is called, in the folder of the request.
pub const SRT_NAME: &str = "subtitles.srt";

/// True if FFmpeg means text by this name of a codec.
pub(crate) fn is_text_codec(name: &str) -> bool {
    TEXTS.contains(&name)
}

/// Subtitles in a file (SRT, WebVTT or ASS, in UTF-8), or in a track of a film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFile {
    /// The file.
    pub path: PathBuf,
    /// The number of the track; none for a file that is nothing but text.
    pub track: Option<usize>,
    /// The language.
    pub language: Option<Language>,
}

/// Subtitles that a video is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenSubtitles {
    /// What becomes tracks, in this order, before those that the video has.
    pub tracks: Vec<TextFile>,
    /// What becomes part of the pictures.
    pub burn: Option<TextFile>,
}

impl GivenSubtitles {
    /// For decisions. A file that is not there is empty.
    pub(super) fn texts(&self) -> Texts {
        let of_file = |text: &TextFile| std::fs::metadata(&text.path).map_or(0, |metadata| metadata.len());
        match (&self.burn, self.tracks.as_slice()) {
            (Some(_), _) => Texts::BurntIn,
            (None, []) => Texts::None,
            (None, tracks) => Texts::Tracks(tracks.iter().map(of_file).sum()),
        }
    }

    /// All files that are to be read.
    pub(super) fn readable(&self) -> Vec<PathBuf> {
        let fonts = FONT_FOLDERS.iter().filter(|_| self.burn.is_some()).map(PathBuf::from);
        self.tracks.iter().chain(&self.burn).map(|text| text.path.clone()).chain(fonts).collect()
    }

    /// As the child takes them, for a video that keeps its own.
    pub(super) fn work(&self) -> Subtitles {
        Subtitles { add: self.tracks.iter().map(Text::from).collect(), burn: self.burn.as_ref().map(Text::from), ..Subtitles::kept() }
    }
}

impl From<&TextFile> for Text {
    fn from(text: &TextFile) -> Self {
        let language = text.language.as_ref().map(|language| language.code().to_owned());
        Self { path: text.path.clone(), track: text.track, language }
    }
}

/// What becomes of subtitles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubtitlesWork {
    /// A file of their own, SRT.
    Extract,
    /// A track of the video that players show when asked (`mov_text` in MP4), beside those that it has.
    AddTrack,
    /// Part of the pictures, which are encoded anew.
    BurnIn,
}

/// What [`Media::subtitles`] works on.
#[derive(Clone, Debug)]
pub struct SubtitlesRequest {
    /// The video, whole.
    pub input: PathBuf,
    /// Subtitles in a file (SRT, WebVTT or ASS, in UTF-8); if it is not said, those of the track `track`.
    pub file: Option<PathBuf>,
    /// Which track of the video, as [`text_track`] or [`track_to_burn_in`] chooses it.
    pub track: Option<usize>,
    /// The language that is written beside a new track.
    pub language: Option<Language>,
    /// What becomes of them.
    pub work: SubtitlesWork,
    /// A folder of one's own, on the disk that takes the result.
    pub folder: PathBuf,
}

/// The first track of text in that language, or in any; the number that it has in the file.
pub fn text_track(info: &MediaInfo, language: Option<&Language>) -> Option<usize> {
    let is_wanted = |track: &&(usize, Option<Language>)| language.is_none() || track.1.as_ref() == language;
    text_tracks(info).iter().find(is_wanted).map(|(number, _)| *number)
}

/// All tracks of text: the numbers that they have in the file, and their languages.
pub fn text_tracks(info: &MediaInfo) -> Vec<(usize, Option<Language>)> {
    subtitles_tracks(info).into_iter().filter(|track| track.is_text).map(|track| (track.number, track.language)).collect()
}

/// A track of subtitles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubtitlesTrack {
    /// The number that it has in the file.
    pub number: usize,
    /// Its language, if the file says it.
    pub language: Option<Language>,
    /// What the file calls it.
    pub title: Option<String>,
    /// FFmpeg's name of what it is made of.
    pub codec: String,
    /// True if it is text; else it is pictures, which can only be burnt in.
    pub is_text: bool,
}

/// All tracks of subtitles that can be shown.
pub fn subtitles_tracks(info: &MediaInfo) -> Vec<SubtitlesTrack> {
    let described = |(number, track): (usize, &Track)| {
        let is_text = is_text_codec(&track.codec);
        let is_known = track.kind == "subtitle" && (is_text || PICTURES.contains(&track.codec.as_str()));
        let language = track.language.as_deref().and_then(Language::parse);
        is_known.then(|| SubtitlesTrack { number, language, title: track.title.clone(), codec: track.codec.clone(), is_text })
    };
    info.tracks.iter().enumerate().filter_map(described).collect()
}

/// The track that is burnt in if that language is wanted, or any: the first of text, which is the sharper, else the first of pictures.
pub fn track_to_burn_in(info: &MediaInfo, language: Option<&Language>) -> Option<usize> {
    let is_wanted = |track: &&SubtitlesTrack| language.is_none() || track.language.as_ref() == language;
    let tracks = subtitles_tracks(info);
    tracks.iter().filter(is_wanted).min_by_key(|track| !track.is_text).map(|track| track.number)
}

impl Media {
    /// Reads text and writes it as a file of SRT in `folder`: what can be read so can be added and burnt in.
    ///
    /// # Errors
    /// [`Reason::Empty`] if there is no text in it.
    pub async fn text(&self, text: &TextFile, folder: &Path, cancel: &CancellationToken) -> Result<PathBuf, Failure> {
        let (path, folder) = (absolute(&text.path)?, absolute(folder)?);
        let output = folder.join(SRT_NAME);
        let work = SubtitleWork::Extract { text: Text { path: path.clone(), ..text.into() } };
        let task = Subtitle { folder: folder.clone(), output: output.clone(), work, title: None, artist: None };
        let limits = self.limits(0, vec![path], Some(folder));
        match self.run_child(Request { limits, task: Task::Subtitle(Box::new(task)) }, &[], self.max_time(), |_| {}, cancel).await? {
            Reply::Subtitled => Ok(output),
            other => Err(Failure::internal(anyhow!("text was answered with {other:?}"))),
        }
    }

    /// Takes subtitles out of a video, adds them to it as a track, or burns them into its pictures. A track goes into an MP4 as [`Media::prepare`] makes it: what
    /// plays everywhere is copied. The path of the result is in the folder of the request.
    ///
    /// # Errors
    /// As [`Media::prepare`]; [`Reason::Empty`] if there is no text in the subtitles: those that are pictures can be burnt in alone.
    pub async fn subtitles(
        &self,
        request: SubtitlesRequest,
        progress: &ProgressSender,
        cancel: &CancellationToken,
    ) -> Result<PathBuf, Failure> {
        let (input, folder) = (absolute(&request.input)?, absolute(&request.folder)?);
        let file = request.file.as_deref().map(absolute).transpose()?;
        let probed = self.probe_in_child(&input, cancel).await?;
        if let Some(cause) = probed.unreadable {
            return Err(Failure::new(Reason::BrokenMedia, anyhow!(cause)));
        }
        let info = probed.info;
        let chosen = Text::from(&TextFile {
            path: file.clone().unwrap_or_else(|| input.clone()),
            track: if file.is_some() { None } else { request.track },
            language: request.language,
        });
        let own = |(number, language)| Text::from(&TextFile { path: input.clone(), track: Some(number), language });
        let mut readable = vec![input.clone()];
        readable.extend(file);
        let (step, output, work) = match request.work {
            SubtitlesWork::Extract => (Step::Inspecting, SRT_NAME, SubtitleWork::Extract { text: chosen }),
            SubtitlesWork::AddTrack => {
                let video = self.prepare(playable_of(&input, &folder), progress, cancel).await?.path;
                readable.push(video.clone());
                let texts = text_tracks(&info).into_iter().map(own).chain([chosen]).collect();
                (Step::Remuxing, "with-subtitles.mp4", SubtitleWork::AddTracks { video, texts })
            }
            SubtitlesWork::BurnIn => {
                let of_pictures = subtitles_tracks(&info).into_iter().any(|track| !track.is_text && chosen.track == Some(track.number));
                if !of_pictures {
                    readable.extend(FONT_FOLDERS.iter().map(PathBuf::from));
                }
                let audio = match &info.audio {
                    None => AudioWork::Leave,
                    Some(audio) if audio_plays(audio) => AudioWork::Copy,
                    Some(_) => AudioWork::Encode(SoundSettings::aac(self.config.audio_bit_rate)),
                };
                let settings = playable(&self.config);
                let work = SubtitleWork::BurnIn { video: input, text: chosen, settings, crf: f64::from(self.config.crf), audio };
                (Step::Transcoding, "burnt-in.mp4", work)
            }
        };
        let output = folder.join(output);
        let task = Subtitle { folder: folder.clone(), output: output.clone(), work, title: info.title, artist: info.artist };
        let limits = self.limits(info.size_bytes, readable, Some(folder));
        let hear = |word: Word| {
            if let Word::Progress(per_mille) = word {
                progress.report(step, u64::from(per_mille), Some(1000));
            }
        };
        match self.run_child(Request { limits, task: Task::Subtitle(Box::new(task)) }, &[], self.max_time(), hear, cancel).await? {
            Reply::Subtitled => Ok(output),
            other => Err(Failure::internal(anyhow!("subtitles were answered with {other:?}"))),
        }
    }
}

fn playable_of(input: &Path, folder: &Path) -> PrepareRequest {
    PrepareRequest {
        inputs: vec![input.to_owned()],
        folder: folder.to_owned(),
        choice: Choice::Video,
        file_name: input.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        mime: None,
        title: None,
        performer: None,
        duration_s: None,
        picture: None,
        own_thumbnail: None,
        subtitles: GivenSubtitles::default(),
        max_bytes: None,
        min_video_bit_rate: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_track_of_a_language_is_found() {
        let track = |kind: &str, codec: &str, language: Option<&str>| Track {
            kind: kind.into(),
            codec: codec.into(),
            language: language.map(str::to_owned),
            ..Track::default()
        };
        let info = MediaInfo {
            tracks: vec![
                track("video", "h264", None),
                track("audio", "aac", Some("eng")),
                track("subtitle", "hdmv_pgs_subtitle", Some("eng")),
                track("subtitle", "subrip", Some("ger")),
                track("subtitle", "ass", Some("en")),
                track("subtitle", "subrip", None),
            ],
            ..MediaInfo::default()
        };
        let find = |language: Option<&str>| text_track(&info, language.and_then(Language::parse).as_ref());
        for (language, expected) in [(None, Some(3)), (Some("de"), Some(3)), (Some("eng"), Some(4)), (Some("fr"), None)] {
            assert_eq!(find(language), expected, "{language:?}");
        }
        assert_eq!(text_tracks(&info).len(), 3, "pictures are no text");
        assert_eq!(subtitles_tracks(&info).iter().map(|track| track.is_text).collect::<Vec<_>>(), [false, true, true, true]);
        let mut more = info.clone();
        more.tracks.push(track("subtitle", "dvd_subtitle", Some("fre")));
        let burn = |language: Option<&str>| track_to_burn_in(&more, language.and_then(Language::parse).as_ref());
        for (language, expected) in [(None, Some(3)), (Some("eng"), Some(4)), (Some("fr"), Some(6)), (Some("it"), None)] {
            assert_eq!(burn(language), expected, "{language:?}");
        }
        assert_eq!(text_track(&MediaInfo::default(), None), None);
    }
}
