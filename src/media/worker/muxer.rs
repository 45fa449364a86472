//! Writes a file: an MP4 with the index in front, moved there in the end or into room that was left for it; or another container.
//!
//! In: streams to copy or encoders, then packets. Out: a file, and how long it is; the same bytes for the same packets. Must not: decide what goes in.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ffmpeg::codec::packet::{Flags, Mut};
use ffmpeg::format::context::Output;
use ffmpeg::format::stream::Stream;
use ffmpeg::{Dictionary, Packet, Rational, codec, encoder, ffi};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkResult};
use super::flac_picture;
use super::input::parameters;
use super::jpeg::Jpeg;
use super::shown;
use super::timestamps::Order;
use crate::media::protocol::Reply;

/// So many bytes or so much time pass at most until readers hear of more.
const SAY_BYTES: u64 = 512 << 10;
const SAY_TIME: Duration = Duration::from_millis(50);

/// How the index comes to the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    /// All that was written is moved in the end.
    Moved,
    /// Room of so many bytes is left for it.
    Room {
        bytes: u64,
        /// Says how far the file is while it is written.
        live: bool,
    },
}

/// At most so far apart are packets of streams that wait for each other, in microseconds, where nothing is encoded. A track of text says little: FFmpeg would
/// hold back ten seconds of all others for it.
const LONGEST_WAIT_US: i64 = 1_000_000;

/// What is said of a track of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TextLabel {
    /// Three letters.
    pub(super) language: Option<String>,
    /// What people call it.
    pub(super) title: Option<String>,
    /// True has players show it without being asked.
    pub(super) is_shown: bool,
}

/// A file that is being written.
pub(super) struct Muxer {
    path: PathBuf,
    output: Output,
    orders: Vec<Order>,
    /// Streams of text, and which of them are shown without being asked.
    texts: Vec<(usize, bool)>,
    encodes: bool,
    /// By FFmpeg's name.
    container: String,
    cover: Option<(usize, Vec<u8>)>,
    tags: Vec<(&'static str, String)>,
    end_s: f64,
    index: Index,
    front_bytes: u64,
    said: (u64, Instant),
}

impl Muxer {
    /// Begins a file in FFmpeg's container `container`.
    pub(super) fn create(path: &Path, container: &str) -> WorkResult<Self> {
        let output = ffmpeg::format::output_as(path, container).blame_us("creating the output")?;
        let said = (0, Instant::now());
        Ok(Self {
            path: path.to_owned(),
            output,
            orders: Vec::new(),
            texts: Vec::new(),
            encodes: false,
            container: container.to_owned(),
            cover: None,
            tags: Vec::new(),
            end_s: 0.0,
            index: Index::Moved,
            front_bytes: 0,
            said,
        })
    }

    /// A stream whose packets are copied; rotation and the like stay with it.
    pub(super) fn add_copy(&mut self, from: &Stream) -> WorkResult<usize> {
        let mut stream = self.output.add_stream(encoder::find(codec::Id::None)).blame_us("adding a stream")?;
        stream.set_parameters(from.parameters());
        stream.set_time_base(from.time_base());
        stream.set_avg_frame_rate(from.avg_frame_rate());
        // SAFETY: both streams are alive. The tag belongs to the old container; 0 lets the muxer choose its own. Side data is copied by value into
        // memory that the call allocates for the new stream.
        unsafe {
            let (new, old) = (stream.as_mut_ptr(), from.as_ptr());
            (*(*new).codecpar).codec_tag = 0;
            mark_for_apple(new, &self.container);
            (*new).sample_aspect_ratio = (*old).sample_aspect_ratio;
            for index in 0..usize::try_from((*old).nb_side_data).unwrap_or(0) {
                let data = &*(*old).side_data.add(index);
                let copy = ffi::av_stream_new_side_data(new, data.type_, data.size);
                if !copy.is_null() {
                    std::ptr::copy_nonoverlapping(data.data, copy, data.size);
                }
            }
        }
        let index = stream.index();
        self.orders.push(Order::ahead_by(parameters(from).video_delay));
        Ok(index)
    }

    /// What decoders of a stream are told, in place of what its source told them.
    pub(super) fn set_setup(&mut self, index: usize, bytes: &[u8]) -> WorkResult<()> {
        let Some(mut stream) = self.output.stream_mut(index) else { return Ok(()) };
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        // SAFETY: the stream is alive, and what is freed belongs to it. The new memory is as long as the bytes and the zeros that FFmpeg wants behind them.
        unsafe {
            let parameters = (*stream.as_mut_ptr()).codecpar;
            let memory = ffi::av_mallocz(bytes.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
            if memory.is_null() {
                return Err(ffmpeg::Error::Other { errno: libc::ENOMEM }).blame_us("describing a stream");
            }
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len());
            ffi::av_freep((&raw mut (*parameters).extradata).cast());
            (*parameters).extradata = memory;
            (*parameters).extradata_size = length;
        }
        Ok(())
    }

    /// A track of text. It takes part in no measure of the file: it may end before or after all that is seen and heard.
    pub(super) fn add_text(&mut self, encoder: &codec::Context, label: &TextLabel) -> WorkResult<usize> {
        let index = self.add_encoder(encoder)?;
        let mut tags = Dictionary::new();
        for (name, value) in [("language", &label.language), ("handler_name", &label.title)] {
            let value: String = value.iter().flat_map(|value| value.chars()).filter(|character| !character.is_control()).collect();
            if !value.is_empty() {
                tags.set(name, &value);
            }
        }
        if let Some(mut stream) = self.output.stream_mut(index) {
            stream.set_metadata(tags);
            if label.is_shown {
                // SAFETY: a plain field of a living stream.
                unsafe { (*stream.as_mut_ptr()).disposition = ffi::AV_DISPOSITION_DEFAULT };
            }
        }
        self.texts.push((index, label.is_shown));
        Ok(index)
    }

    /// A stream that comes from an encoder.
    pub(super) fn add_encoded(&mut self, encoder: &codec::Context) -> WorkResult<usize> {
        self.encodes = true;
        self.add_encoder(encoder)
    }

    fn add_encoder(&mut self, encoder: &codec::Context) -> WorkResult<usize> {
        let mut stream = self.output.add_stream_with(encoder).blame_us("adding a stream")?;
        stream.set_time_base(encoder.time_base());
        // SAFETY: the stream was just made and is alive.
        unsafe { mark_for_apple(stream.as_mut_ptr(), &self.container) };
        let index = stream.index();
        self.orders.push(Order::default());
        Ok(index)
    }

    /// A cover picture: a stream of one picture, in Ogg a tag.
    pub(super) fn add_cover(&mut self, cover: &Jpeg) -> WorkResult<()> {
        if matches!(self.container.as_str(), "opus" | "ogg") {
            self.tags.push(("METADATA_BLOCK_PICTURE", flac_picture::as_text(cover)));
            return Ok(());
        }
        let mut stream = self.output.add_stream(encoder::find(codec::Id::None)).blame_us("adding the cover")?;
        // SAFETY: plain fields of a stream that was just made.
        unsafe {
            let raw = stream.as_mut_ptr();
            let parameters = (*raw).codecpar;
            (*parameters).codec_type = ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
            (*parameters).codec_id = ffi::AVCodecID::AV_CODEC_ID_MJPEG;
            (*parameters).format = ffi::AVPixelFormat::AV_PIX_FMT_YUVJ420P as i32;
            (*parameters).width = i32::try_from(cover.width).unwrap_or(0);
            (*parameters).height = i32::try_from(cover.height).unwrap_or(0);
            (*raw).disposition = ffi::AV_DISPOSITION_ATTACHED_PIC;
        }
        self.cover = Some((stream.index(), cover.bytes.clone()));
        self.orders.push(Order::default());
        Ok(())
    }

    /// The album that it belongs to; before [`Muxer::begin`].
    pub(super) fn set_album(&mut self, album: Option<&str>) {
        self.tags.extend(album.map(|album| ("album", album.to_owned())));
    }

    /// Writes the beginning; all streams must be there.
    pub(super) fn begin(&mut self, title: Option<&str>, artist: Option<&str>, index: Index) -> WorkResult<()> {
        let mut tags = Dictionary::new();
        self.tags.extend([("title", title), ("artist", artist)].into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))));
        for (name, value) in self.tags.drain(..) {
            let value: String = value.chars().filter(|character| !character.is_control()).collect();
            if !value.is_empty() {
                tags.set(name, &value);
            }
        }
        self.output.set_metadata(tags);
        let mut options = Dictionary::new();
        match (self.container.as_str(), index) {
            ("matroska" | "webm", _) => options.set("cues_to_front", "1"),
            ("mp3", _) => options.set("id3v2_version", "3"), // what old players know
            (container, _) if !has_index_in_front(container) => {}
            (_, Index::Moved) => options.set("movflags", "+faststart"),
            (_, Index::Room { bytes, .. }) => options.set("moov_size", &bytes.to_string()),
        }
        self.index = index;
        if !self.texts.is_empty() && !self.encodes {
            // SAFETY: a plain field of a living context.
            unsafe { (*self.output.as_mut_ptr()).max_interleave_delta = LONGEST_WAIT_US };
        }
        // SAFETY: a plain field of a living context. No date and no version go in: who makes the file again gets the same bytes.
        unsafe { (*self.output.as_mut_ptr()).flags |= ffi::AVFMT_FLAG_BITEXACT };
        self.output.write_header_with(options).map(drop).blame_us("writing the header")?;
        if let Some((index, bytes)) = self.cover.take() {
            let mut packet = Packet::copy(&bytes);
            packet.set_stream(index);
            packet.set_flags(Flags::KEY);
            packet.set_pts(Some(0));
            packet.set_dts(Some(0));
            packet.write_interleaved(&mut self.output).blame_us("writing the cover")?;
        }
        self.front_bytes = self.written_bytes();
        self.said = (self.front_bytes, Instant::now());
        Ok(())
    }

    /// Writes a packet whose timestamps count in `time_base`; they are put in order first. The packet is empty afterwards.
    pub(super) fn write(&mut self, index: usize, packet: &mut Packet, time_base: Rational) -> WorkResult<()> {
        let (Some(stream), Some(order)) = (self.output.stream(index), self.orders.get_mut(index)) else { return Ok(()) };
        let to = stream.time_base();
        packet.rescale_ts(time_base, to);
        let (pts, dts) = order.next(packet.pts(), packet.dts(), packet.duration());
        packet.set_pts(Some(pts));
        packet.set_dts(Some(dts));
        packet.set_position(-1);
        packet.set_stream(index);
        if !self.texts.iter().any(|(text, _)| *text == index) {
            self.end_s = self.end_s.max(pts.saturating_add(packet.duration()) as f64 * f64::from(to));
        }
        packet.write_interleaved(&mut self.output).blame_us("writing")?;
        // SAFETY: the packet is ours; the muxer has taken its own reference.
        unsafe { ffi::av_packet_unref(packet.as_mut_ptr()) };
        if matches!(self.index, Index::Room { live: true, .. }) {
            self.say();
        }
        Ok(())
    }

    /// Where the last packet of picture or sound ends, in seconds.
    pub(super) fn end_s(&self) -> f64 {
        self.end_s
    }

    /// Writes the end, and the index to the front. False if the room was too small for it: the file is no good then.
    pub(super) fn finish(mut self) -> WorkResult<bool> {
        match (self.output.write_trailer(), self.index) {
            (Err(ffmpeg::Error::Other { errno: libc::EINVAL }), Index::Room { .. }) => return Ok(false),
            (ended, _) => ended.blame_us("writing the end")?,
        }
        // FFmpeg counts the tracks of an MP4 from 1.
        let hidden: Vec<u32> = self.texts.iter().filter(|(_, is_shown)| !is_shown).map(|(index, _)| *index as u32 + 1).collect();
        if !hidden.is_empty() && has_index_in_front(&self.container) {
            self.flush();
            shown::unmark(&self.path, &hidden).blame_us("marking the tracks of text")?;
        }
        if matches!(self.index, Index::Room { live: true, .. }) {
            self.flush();
            // SAFETY: the output is open, and so has a context.
            let size_bytes = unsafe { ffi::avio_size((*self.output.as_mut_ptr()).pb) };
            let ready_bytes = u64::try_from(size_bytes).unwrap_or(0);
            super::write(&Reply::Written { front_bytes: self.front_bytes, ready_bytes, whole: true });
        }
        Ok(true)
    }

    /// Tells the readers how far the file is, once there is enough to tell.
    fn say(&mut self) {
        let ready_bytes = self.written_bytes();
        let (said_bytes, said_at) = self.said;
        if ready_bytes >= said_bytes + SAY_BYTES || ready_bytes > said_bytes && said_at.elapsed() >= SAY_TIME {
            self.flush();
            super::write(&Reply::Written { front_bytes: self.front_bytes, ready_bytes, whole: false });
            self.said = (ready_bytes, Instant::now());
        }
    }

    /// Where the next packet goes.
    fn written_bytes(&mut self) -> u64 {
        // SAFETY: the output is open, and so has a context; seeking by nothing from where it is only tells the place.
        let place = unsafe { ffi::avio_seek((*self.output.as_mut_ptr()).pb, 0, libc::SEEK_CUR) };
        u64::try_from(place).unwrap_or(0)
    }

    /// What FFmpeg holds back goes into the file.
    fn flush(&mut self) {
        // SAFETY: the output is open, and so has a context.
        unsafe { ffi::avio_flush((*self.output.as_mut_ptr()).pb) };
    }
}

/// True for MP4 and its kin, whose index tells where everything is.
pub(super) fn has_index_in_front(container: &str) -> bool {
    matches!(container, "mp4" | "ipod")
}

/// Apple's players take HEVC in MP4 only as `hvc1` (<https://developer.apple.com/documentation/http-live-streaming/hls-authoring-specification-for-apple-devices>);
/// FFmpeg's own choice is `hev1`.
///
/// # Safety
/// `stream` must be a living stream of an output.
unsafe fn mark_for_apple(stream: *mut ffi::AVStream, container: &str) {
    // SAFETY: parameters are there as long as the stream is, which the caller vouches for.
    let parameters = unsafe { &mut *(*stream).codecpar };
    if parameters.codec_id == ffi::AVCodecID::AV_CODEC_ID_HEVC && has_index_in_front(container) {
        parameters.codec_tag = u32::from_le_bytes(*b"hvc1");
    }
}
