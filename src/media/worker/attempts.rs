//! What is tried after a run that went otherwise than expected.
//!
//! In: what was tried, what came of it, what may be done instead. Out: the next attempt, if another one mends it. Must not: do I/O, or try anything twice.

use crate::media::protocol::{AudioWork, Otherwise, Output, Rate, VideoWork};

/// What one run does with the streams.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attempt {
    pub(super) video: VideoWork,
    pub(super) audio: AudioWork,
    /// False leaves encoders of the graphics hardware alone.
    pub(super) hardware: bool,
    /// What was found not to be one stream from start to end can't be copied.
    video_changes: bool,
    audio_changes: bool,
}

/// What a run met that another one can mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surprise {
    /// Copied pictures become others on the way, which the description in the new file does not fit.
    PicturesChange,
    /// Copied sound does.
    SoundChanges,
    /// An encoder of the graphics hardware failed after it had been opened.
    HardwareFails,
}

impl Surprise {
    /// What is copied becomes another stream: pictures, or sound.
    pub(super) fn of_change(is_picture: bool) -> Self {
        if is_picture { Self::PicturesChange } else { Self::SoundChanges }
    }
}

/// Bytes of one stream's packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) source_bytes: u64,
    pub(super) made_bytes: u64,
}

impl Spent {
    fn is_more(self) -> bool {
        self.made_bytes > self.source_bytes && self.source_bytes > 0
    }
}

impl Attempt {
    /// As it was asked for.
    pub(super) fn first(output: &Output) -> Self {
        let (video, audio) = (output.video.clone(), output.audio.clone());
        Self { video, audio, hardware: true, video_changes: false, audio_changes: false }
    }

    /// What happens to picture and sound, if there are any: true if they are encoded.
    pub(super) fn encodes(&self) -> [Option<bool>; 2] {
        let video = match self.video {
            VideoWork::Leave => None,
            VideoWork::Copy => Some(false),
            VideoWork::Encode { .. } | VideoWork::Gif(_) => Some(true),
        };
        let audio = match self.audio {
            AudioWork::Leave => None,
            AudioWork::Copy => Some(false),
            AudioWork::Encode(_) => Some(true),
        };
        [video, audio]
    }

    /// The next attempt after one that was surprised; nothing if it can't be mended.
    pub(super) fn after(&self, surprise: Surprise, otherwise: &Otherwise) -> Option<Self> {
        match surprise {
            Surprise::HardwareFails if self.hardware => Some(Self { hardware: false, ..self.clone() }),
            Surprise::PicturesChange if self.video == VideoWork::Copy => {
                let (settings, crf) = otherwise.encode_video.clone()?;
                let video = VideoWork::Encode { settings, rate: Rate::Quality(crf) };
                Some(Self { video, video_changes: true, ..self.clone() })
            }
            Surprise::SoundChanges if self.audio == AudioWork::Copy => {
                let audio = AudioWork::Encode(otherwise.encode_audio?);
                Some(Self { audio, audio_changes: true, ..self.clone() })
            }
            Surprise::HardwareFails | Surprise::PicturesChange | Surprise::SoundChanges => None,
        }
    }

    /// The next attempt after one that made a file for more bytes than its source took, where a copy serves as well; nothing if all is good.
    pub(super) fn after_spending(&self, pictures: Spent, sound: Spent, otherwise: &Otherwise) -> Option<Self> {
        let encodes_video = matches!(self.video, VideoWork::Encode { .. } | VideoWork::Gif(_));
        let copies_video = otherwise.copy_larger_video && encodes_video && !self.video_changes && pictures.is_more();
        let encodes_audio = matches!(self.audio, AudioWork::Encode(_));
        let copies_audio = otherwise.copy_larger_audio && encodes_audio && !self.audio_changes && sound.is_more();
        if !copies_video && !copies_audio {
            return None;
        }
        let video = if copies_video { VideoWork::Copy } else { self.video.clone() };
        let audio = if copies_audio { AudioWork::Copy } else { self.audio.clone() };
        Some(Self { video, audio, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::protocol::{SoundSettings, VideoSettings};
    use crate::model::VideoCodec;

    fn settings() -> VideoSettings {
        VideoSettings { codec: VideoCodec::H264, preset: "fast".into(), max_short_side: None, max_frame_rate: 60.0, square: false }
    }

    fn encoded() -> VideoWork {
        VideoWork::Encode { settings: settings(), rate: Rate::Quality(23.0) }
    }

    fn attempt(video: VideoWork, audio: AudioWork) -> Attempt {
        Attempt { video, audio, hardware: true, video_changes: false, audio_changes: false }
    }

    fn all() -> Otherwise {
        Otherwise {
            encode_video: Some((settings(), 23.0)),
            encode_audio: Some(SoundSettings::aac(96_000)),
            copy_larger_video: true,
            copy_larger_audio: true,
        }
    }

    const SOUND: AudioWork = AudioWork::Encode(SoundSettings::aac(96_000));

    #[test]
    fn what_can_be_mended_is_tried_once_more() {
        let none = Otherwise::default();
        let table = [
            ("hardware", attempt(encoded(), SOUND), Surprise::HardwareFails, none.clone(), Some((encoded(), SOUND, false))),
            (
                "pictures",
                attempt(VideoWork::Copy, AudioWork::Copy),
                Surprise::PicturesChange,
                all(),
                Some((encoded(), AudioWork::Copy, true)),
            ),
            ("sound", attempt(VideoWork::Copy, AudioWork::Copy), Surprise::SoundChanges, all(), Some((VideoWork::Copy, SOUND, true))),
            ("nobody said how", attempt(VideoWork::Copy, AudioWork::Copy), Surprise::SoundChanges, none, None),
            ("not copied at all", attempt(encoded(), SOUND), Surprise::PicturesChange, all(), None),
        ];
        for (name, tried, surprise, otherwise, expected) in table {
            let next = tried.after(surprise, &otherwise);
            assert_eq!(next.as_ref().map(|next| (next.video.clone(), next.audio.clone(), next.hardware)), expected, "{name}");
            let again = next.and_then(|next| next.after(surprise, &otherwise));
            assert_eq!(again, None, "{name}: not twice");
        }
    }

    #[test]
    fn what_takes_more_than_its_source_is_copied() {
        let spent = |source_bytes, made_bytes| Spent { source_bytes, made_bytes };
        let (less, more, unknown) = (spent(1000, 900), spent(1000, 1001), spent(0, 900));
        let tried = attempt(encoded(), SOUND);
        let table = [
            (less, less, all(), None),
            (unknown, unknown, all(), None),
            (more, less, all(), Some((VideoWork::Copy, SOUND))),
            (less, more, all(), Some((encoded(), AudioWork::Copy))),
            (more, more, all(), Some((VideoWork::Copy, AudioWork::Copy))),
            (more, more, Otherwise { copy_larger_video: false, ..all() }, Some((encoded(), AudioWork::Copy))),
            (more, more, Otherwise::default(), None),
        ];
        for (pictures, sound, otherwise, expected) in table {
            let next = tried.after_spending(pictures, sound, &otherwise);
            assert_eq!(next.clone().map(|next| (next.video, next.audio)), expected, "{pictures:?} {sound:?}");
            assert_eq!(next.and_then(|next| next.after_spending(pictures, sound, &otherwise)), None, "a copy is never tried again");
        }
        let copied = attempt(VideoWork::Copy, AudioWork::Copy);
        let changed = copied.after(Surprise::PicturesChange, &all()).and_then(|next| next.after(Surprise::SoundChanges, &all()));
        assert_eq!(changed.expect("it is encoded").after_spending(more, more, &all()), None, "what can't be copied is not");
    }
}
