//! Writes an MP4 with the index in front.
//!
//! In: streams to copy or encoders, then packets. Out: a file, and how long it is. Must not: decide what goes in.

use std::path::Path;

use ffmpeg::codec::packet::{Flags, Mut};
use ffmpeg::format::context::Output;
use ffmpeg::format::stream::Stream;
use ffmpeg::{Dictionary, Packet, Rational, codec, encoder, ffi};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkResult};
use super::jpeg::Jpeg;
use super::timestamps::Order;

/// A file that is being written.
pub(super) struct Muxer {
    output: Output,
    orders: Vec<Order>,
    cover: Option<(usize, Vec<u8>)>,
    end_s: f64,
}

impl Muxer {
    /// Begins a file in FFmpeg's container `container`.
    pub(super) fn create(path: &Path, container: &str) -> WorkResult<Self> {
        let output = ffmpeg::format::output_as(path, container).blame_us("creating the output")?;
        Ok(Self { output, orders: Vec::new(), cover: None, end_s: 0.0 })
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
        self.orders.push(Order::default());
        Ok(index)
    }

    /// A stream that comes from an encoder.
    pub(super) fn add_encoded(&mut self, encoder: &codec::Context) -> WorkResult<usize> {
        let mut stream = self.output.add_stream_with(encoder).blame_us("adding a stream")?;
        stream.set_time_base(encoder.time_base());
        let index = stream.index();
        self.orders.push(Order::default());
        Ok(index)
    }

    /// A cover picture.
    pub(super) fn add_cover(&mut self, cover: &Jpeg) -> WorkResult<()> {
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

    /// Writes the beginning; all streams must be there.
    pub(super) fn begin(&mut self, title: Option<&str>, artist: Option<&str>) -> WorkResult<()> {
        let mut tags = Dictionary::new();
        for (name, value) in [("title", title), ("artist", artist)] {
            let value: String = value.unwrap_or_default().chars().filter(|character| !character.is_control()).collect();
            if !value.is_empty() {
                tags.set(name, &value);
            }
        }
        self.output.set_metadata(tags);
        let mut options = Dictionary::new();
        options.set("movflags", "+faststart");
        self.output.write_header_with(options).map(drop).blame_us("writing the header")?;
        if let Some((index, bytes)) = self.cover.take() {
            let mut packet = Packet::copy(&bytes);
            packet.set_stream(index);
            packet.set_flags(Flags::KEY);
            packet.set_pts(Some(0));
            packet.set_dts(Some(0));
            packet.write_interleaved(&mut self.output).blame_us("writing the cover")?;
        }
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
        self.end_s = self.end_s.max(pts.saturating_add(packet.duration()) as f64 * f64::from(to));
        packet.write_interleaved(&mut self.output).blame_us("writing")?;
        // SAFETY: the packet is ours; the muxer has taken its own reference.
        unsafe { ffi::av_packet_unref(packet.as_mut_ptr()) };
        Ok(())
    }

    /// Where the last packet ends, in seconds.
    pub(super) fn end_s(&self) -> f64 {
        self.end_s
    }

    /// Writes the end and moves the index to the front.
    pub(super) fn finish(mut self) -> WorkResult<()> {
        self.output.write_trailer().blame_us("writing the end")
    }
}
