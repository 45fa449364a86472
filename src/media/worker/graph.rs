//! A filter graph with one way in, or a second one for colours, and one way out.
//!
//! In: frames as decoded. Out: frames as an encoder wants them. Must not: know what the filters are for.

use std::ffi::CStr;

use ffmpeg::filter::Graph;
use ffmpeg::{Rational, ffi, filter, frame};
use ffmpeg_next as ffmpeg;

/// A configured graph.
pub(super) struct FrameGraph(Graph);

impl FrameGraph {
    /// A graph for pictures like `like`; its timestamps count in `time_base`.
    pub(super) fn video(like: &frame::Video, time_base: Rational, spec: &str) -> Result<Self, ffmpeg::Error> {
        Self::build(&[("buffer", "in", &picture_arguments(like, time_base))], "buffersink", spec)
    }

    /// The same with a picture of colours beside it, or of something else that stays, which the graph calls `palette`; it is empty afterwards.
    pub(super) fn with_palette(
        like: &frame::Video,
        palette: &mut frame::Video,
        time_base: Rational,
        spec: &str,
    ) -> Result<Self, ffmpeg::Error> {
        let (pictures, colours) = (picture_arguments(like, time_base), picture_arguments(palette, time_base));
        let mut graph = Self::build(&[("buffer", "in", &pictures), ("buffer", "palette", &colours)], "buffersink", spec)?;
        palette.set_pts(Some(0));
        let mut context = graph.0.get("palette").ok_or(ffmpeg::Error::Bug)?;
        context.source().add(palette)?;
        context.source().flush()?;
        Ok(graph)
    }

    /// A graph for sound like `like`, which comes out in pieces of `frame_size` samples.
    pub(super) fn audio(like: &frame::Audio, time_base: Rational, spec: &str, frame_size: u32) -> Result<Self, ffmpeg::Error> {
        // SAFETY: reads plain numbers of a living frame.
        let (format, rate) = unsafe { ((*like.as_ptr()).format, (*like.as_ptr()).sample_rate) };
        let arguments = format!(
            "time_base={}/{}:sample_rate={rate}:sample_fmt={format}:channel_layout={}",
            time_base.numerator(),
            time_base.denominator(),
            layout_name(like),
        );
        let mut graph = Self::build(&[("abuffer", "in", &arguments)], "abuffersink", spec)?;
        graph.out()?.sink().set_frame_size(frame_size);
        Ok(graph)
    }

    /// `sources` are the filters that frames come in by, with names and arguments.
    fn build(sources: &[(&str, &str, &str)], sink: &str, spec: &str) -> Result<Self, ffmpeg::Error> {
        let mut graph = Graph::new();
        // SAFETY: a number of a graph that nobody else holds; one thread is enough beside the codecs' own.
        unsafe { (*graph.as_mut_ptr()).nb_threads = 1 };
        for (source, name, arguments) in sources {
            graph.add(&filter::find(source).ok_or(ffmpeg::Error::FilterNotFound)?, name, arguments)?;
        }
        graph.add(&filter::find(sink).ok_or(ffmpeg::Error::FilterNotFound)?, "out", "")?;
        let mut parser = graph.input("out", 0)?;
        for (_, name, _) in sources {
            parser = parser.output(name, 0)?;
        }
        parser.parse(spec)?;
        graph.validate()?;
        Ok(Self(graph))
    }

    /// Puts a frame in; it is empty afterwards.
    pub(super) fn push(&mut self, frame: &mut ffmpeg::Frame) -> Result<(), ffmpeg::Error> {
        self.0.get("in").ok_or(ffmpeg::Error::Bug)?.source().add(frame)
    }

    /// Says that no more frames come.
    pub(super) fn finish(&mut self) -> Result<(), ffmpeg::Error> {
        self.0.get("in").ok_or(ffmpeg::Error::Bug)?.source().flush()
    }

    /// Says that no more frames come, and when the last one ends: a filter that makes the rate steady leaves it out else.
    pub(super) fn finish_at(&mut self, end: i64) -> Result<(), ffmpeg::Error> {
        self.0.get("in").ok_or(ffmpeg::Error::Bug)?.source().close(end)
    }

    /// Takes a frame out; false if there is none now.
    pub(super) fn pull(&mut self, frame: &mut ffmpeg::Frame) -> Result<bool, ffmpeg::Error> {
        match self.out()?.sink().frame(frame) {
            Ok(()) => Ok(true),
            Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: libc::EAGAIN }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn out(&mut self) -> Result<filter::Context, ffmpeg::Error> {
        self.0.get("out").ok_or(ffmpeg::Error::Bug)
    }
}

/// What a graph has to know of the pictures that come in.
fn picture_arguments(like: &frame::Video, time_base: Rational) -> String {
    let shape = like.aspect_ratio();
    let (shape_width, shape_height) =
        if shape.numerator() > 0 && shape.denominator() > 0 { (shape.numerator(), shape.denominator()) } else { (1, 1) };
    // SAFETY: reads a plain number of a living frame.
    let format = unsafe { (*like.as_ptr()).format };
    format!(
        "video_size={}x{}:pix_fmt={format}:time_base={}/{}:pixel_aspect={shape_width}/{shape_height}",
        like.width(),
        like.height(),
        time_base.numerator(),
        time_base.denominator(),
    )
}

/// Gives a frame that only knows how many channels it has the usual layout for so many.
pub(super) fn complete_layout(frame: &mut frame::Audio) {
    // SAFETY: ch_layout belongs to the frame, is always initialised, and av_channel_layout_default overwrites one without custom map, which
    // an unspecified order has none of. The old field follows for code that still reads it.
    unsafe {
        let raw = frame.as_mut_ptr();
        if (*raw).ch_layout.order == ffi::AVChannelOrder::AV_CHANNEL_ORDER_UNSPEC {
            let channels = (*raw).ch_layout.nb_channels.clamp(1, 8);
            ffi::av_channel_layout_default(&mut (*raw).ch_layout, channels);
        }
    }
    let bits = layout_bits(frame);
    if bits != 0 {
        frame.set_channel_layout(ffmpeg::ChannelLayout::from_bits_truncate(bits));
    }
}

fn layout_bits(frame: &frame::Audio) -> u64 {
    // SAFETY: the mask is what the union holds if the order is native, which is checked first.
    unsafe {
        let layout = &(*frame.as_ptr()).ch_layout;
        if layout.order == ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE { layout.u.mask } else { 0 }
    }
}

fn layout_name(frame: &frame::Audio) -> String {
    let mut name = [0; 128];
    // SAFETY: writes a C string of at most the given length.
    let length = unsafe { ffi::av_channel_layout_describe(&(*frame.as_ptr()).ch_layout, name.as_mut_ptr(), name.len()) };
    if length <= 0 {
        return "stereo".to_owned();
    }
    // SAFETY: the call above has ended the string within the buffer.
    unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned()
}
