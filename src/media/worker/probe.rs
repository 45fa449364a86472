//! Says what a file is.
//!
//! In: a file, which may still be growing. Out: [`Probed`]; a file that FFmpeg can't read is an answer too. Must not: decode more than FFmpeg's own look at the start.

use std::ffi::CStr;

use ffmpeg::Rational;
use ffmpeg::ffi;
use ffmpeg::format::context::Input;
use ffmpeg::format::stream::{Disposition, Stream};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkResult};
use super::feed::Origin;
use super::input::{self, parameters};
use super::length;
use crate::media::boxes;
use crate::media::protocol::Probed;
use crate::model::{AudioStream, Chapter, MediaInfo, Reason, Track, VideoStream};

/// Below this score FFmpeg only guesses (`AVPROBE_SCORE_RETRY`).
const MIN_SCORE: i32 = 25;

/// Looks at a file that is whole, or with `head` at the start of one that may be growing.
///
/// The start of a file that is whole may say nothing while all of it does: that is told as well ([`Probed::only_as_a_whole`]).
pub(super) fn probe(origin: &Origin, head: bool) -> WorkResult<Probed> {
    let probed = look(origin, head)?;
    let may_differ = head && probed.unreadable.is_some() && origin.is_whole() && !input::is_read_anywhere(origin)?;
    let only_as_a_whole = may_differ && look(origin, false)?.unreadable.is_none();
    Ok(Probed { only_as_a_whole, ..probed })
}

fn look(origin: &Origin, head: bool) -> WorkResult<Probed> {
    let size_bytes = || origin.length_bytes().unwrap_or(0);
    let opened = if head { input::open_in_one_go(origin)? } else { input::open(origin.path())? };
    match opened {
        Ok(input) if input.probe_score() < MIN_SCORE => Ok(unreadable(size_bytes(), "FFmpeg can only guess what it is")),
        Ok(mut input) => {
            let mut probed = describe(&input);
            if !head {
                probed.info.duration_s = length::measure_s(&mut input);
            }
            probed.info.size_bytes = size_bytes();
            if probed.info.format.split(',').any(|name| name == "mp4") {
                let mut reader = origin.reader().blame_us("opening the input")?;
                let layout = if head { boxes::head(&mut reader) } else { boxes::layout(&mut reader) };
                probed.info.index_in_front = layout.blame_us("reading the boxes")?.streams_as_is();
            }
            Ok(probed)
        }
        Err(error) => {
            let failed: WorkResult<()> = Err(error).blame_file("reading the container");
            match failed {
                Err(error) if error.reason == Reason::BrokenMedia => Ok(unreadable(size_bytes(), &error.cause)),
                Err(error) => Err(error),
                Ok(()) => Ok(unreadable(size_bytes(), "no error")),
            }
        }
    }
}

fn unreadable(size_bytes: u64, cause: &str) -> Probed {
    let info = MediaInfo { size_bytes, ..MediaInfo::default() };
    Probed { info, unreadable: Some(cause.to_owned()), only_as_a_whole: false, display: (0, 0) }
}

fn describe(input: &Input) -> Probed {
    let chosen = input::choose(input);
    let stream = |index: Option<usize>| index.and_then(|index| input.stream(index));
    let video = stream(chosen.video);
    let tag = |name: &str| {
        let of_stream = || stream(chosen.audio).and_then(|stream| tag_of(&stream.metadata(), name));
        tag_of(&input.metadata(), name).or_else(of_stream)
    };
    let info = MediaInfo {
        format: input.format().name().to_owned(),
        duration_s: input::duration_s(input),
        size_bytes: 0,
        bit_rate: positive(input.bit_rate()),
        video: video.as_ref().map(describe_video),
        audio: stream(chosen.audio).as_ref().map(describe_audio),
        index_in_front: false,
        title: tag("title"),
        artist: tag("artist").or_else(|| tag("album_artist")),
        album: tag("album"),
        tracks: input.streams().map(|stream| describe_track(&stream)).collect(),
        chapters: input.chapters().map(|chapter| describe_chapter(&chapter)).collect(),
        artwork: chosen.cover.is_some(),
    };
    Probed { info, unreadable: None, only_as_a_whole: false, display: video.as_ref().map_or((0, 0), input::display) }
}

fn describe_video(stream: &Stream) -> VideoStream {
    let parameters = parameters(stream);
    let rate = [stream.avg_frame_rate(), stream.rate()].into_iter().find(|rate| rate.numerator() > 0 && rate.denominator() > 0);
    VideoStream {
        codec: codec_name(parameters),
        pixel_format: pixel_format_name(parameters.format),
        width: parameters.width.max(0) as u32,
        height: parameters.height.max(0) as u32,
        rotation: input::rotation(stream),
        frame_rate: rate.map_or(0.0, f64::from),
        bit_rate: positive(parameters.bit_rate),
        profile: (parameters.profile >= 0).then_some(parameters.profile),
        attached_picture: false,
        hdr: input::hdr(stream),
        interlaced: input::is_interlaced(stream),
        variable_rate: is_variable(stream.avg_frame_rate(), stream.rate()),
    }
}

/// The rate that all pictures would have at their finest step is far from the one that they have on average.
fn is_variable(average: Rational, finest: Rational) -> bool {
    let known = |rate: Rational| (rate.numerator() > 0 && rate.denominator() > 0).then(|| f64::from(rate));
    known(average).zip(known(finest)).is_some_and(|(average, finest)| (finest / average - 1.0).abs() > 0.02)
}

fn describe_track(stream: &Stream) -> Track {
    let parameters = parameters(stream);
    let kind = match parameters.codec_type {
        ffi::AVMediaType::AVMEDIA_TYPE_VIDEO => "video",
        ffi::AVMediaType::AVMEDIA_TYPE_AUDIO => "audio",
        ffi::AVMediaType::AVMEDIA_TYPE_SUBTITLE => "subtitle",
        ffi::AVMediaType::AVMEDIA_TYPE_ATTACHMENT => "attachment",
        _ => "data",
    };
    let tags = stream.metadata();
    Track {
        kind: kind.to_owned(),
        codec: codec_name(parameters),
        language: tag_of(&tags, "language").filter(|language| language != "und"),
        title: tag_of(&tags, "title"),
        is_default: stream.disposition().contains(Disposition::DEFAULT),
    }
}

fn describe_chapter(chapter: &ffmpeg::Chapter) -> Chapter {
    let unit_s = f64::from(chapter.time_base());
    let title = tag_of(&chapter.metadata(), "title");
    Chapter { start_s: chapter.start() as f64 * unit_s, end_s: chapter.end() as f64 * unit_s, title }
}

fn describe_audio(stream: &Stream) -> AudioStream {
    let parameters = parameters(stream);
    AudioStream {
        codec: codec_name(parameters),
        channels: parameters.ch_layout.nb_channels.max(0) as u32,
        sample_rate: parameters.sample_rate.max(0) as u32,
        bit_rate: positive(parameters.bit_rate),
    }
}

/// FFmpeg's name of a codec.
pub(super) fn codec_name(parameters: &ffi::AVCodecParameters) -> String {
    // SAFETY: always returns a static C string, "unknown_codec" at worst.
    unsafe { CStr::from_ptr(ffi::avcodec_get_name(parameters.codec_id)) }.to_string_lossy().into_owned()
}

fn pixel_format_name(format: i32) -> String {
    if !(0..ffi::AVPixelFormat::AV_PIX_FMT_NB as i32).contains(&format) {
        return String::new();
    }
    // SAFETY: the number was checked to be one of the enumeration.
    let name = unsafe { ffi::av_get_pix_fmt_name(std::mem::transmute::<i32, ffi::AVPixelFormat>(format)) };
    if name.is_null() {
        return String::new();
    }
    // SAFETY: not null, so a static C string.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

/// A tag, if there is one that says something.
pub(super) fn tag_of(tags: &ffmpeg::DictionaryRef, name: &str) -> Option<String> {
    // Tags of strangers are not always UTF-8, which the crate's own getter takes for granted.
    let key = std::ffi::CString::new(name).ok()?;
    // SAFETY: the dictionary is alive; null means there is no such tag; a value is a C string that lives as long as the dictionary.
    let value = unsafe {
        let entry = ffi::av_dict_get(tags.as_ptr(), key.as_ptr(), std::ptr::null(), 0);
        if entry.is_null() || (*entry).value.is_null() {
            return None;
        }
        CStr::from_ptr((*entry).value).to_string_lossy().trim().to_owned()
    };
    (!value.is_empty()).then_some(value)
}

fn positive(number: i64) -> Option<u64> {
    u64::try_from(number).ok().filter(|number| *number > 0)
}
