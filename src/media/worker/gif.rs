//! Makes an animated GIF: once through for the 256 colours that serve best, once more for the pictures.
//!
//! In: a file with a video. Out: a GIF that repeats for ever. Must not: hold more than a few pictures at once.

use ffmpeg::{Packet, Rational, codec, encoder, format, frame};
use ffmpeg_next as ffmpeg;

use super::attempts::Spent;
use super::encoder::named;
use super::error::{Blame, WorkError, WorkResult};
use super::feed::Origin;
use super::graph::FrameGraph;
use super::input;
use super::muxer::{Index, Muxer};
use super::pictures::Pictures;
use super::produce::Produced;
use super::reader::{Place, Readers};
use crate::media::protocol::{GifSettings, Output};

/// Colours of what moves count more than those of what stands still.
const CHOOSE_COLOURS: &str = "palettegen=stats_mode=diff";
/// An ordered pattern stands still where the picture does, so that only what changes is written.
const USE_COLOURS: &str = "[in][palette]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle[out]";
/// Part of the progress that the first time through is.
const COLOURS: f64 = 0.4;

/// Makes it.
pub(super) fn produce(
    origin: &Origin,
    output: &Output,
    settings: GifSettings,
    threads: u32,
    report: &mut dyn FnMut(f64),
) -> WorkResult<Produced> {
    let mut film = Film::open(origin, settings, threads)?;
    let palette = choose_colours(&mut film, &mut |fraction| report(fraction * COLOURS))?;
    let mut film = Film::open(origin, settings, threads)?;
    let (size, rate) = (film.pictures.wanted().size, film.pictures.wanted().rate);
    let mut coder = Coder { encoder: open_encoder(size, rate)?, rate, graph: None, palette };
    let mut muxer = Muxer::create(&output.path, &output.container)?;
    let to = muxer.add_encoded(coder.encoder.as_ref())?;
    muxer.begin(None, None, Index::Moved)?;
    film.play(&mut |fraction| report(COLOURS + fraction * (1.0 - COLOURS)), &mut |picture| {
        coder.feed(picture, &mut |packet| muxer.write(to, packet, rate.invert()))
    })?;
    coder.finish(&mut |packet| muxer.write(to, packet, rate.invert()))?;
    let duration_s = muxer.end_s();
    muxer.finish()?;
    let made_bytes = std::fs::metadata(&output.path).blame_us("measuring the GIF")?.len();
    let pictures = Spent { source_bytes: origin.length_bytes().unwrap_or(0), made_bytes };
    let sound = Spent::default();
    Ok(Produced { duration_s, display: Some(size), room_bytes: None, fits: true, helm: None, pictures, sound })
}

/// The pictures of a file, from its start.
struct Film {
    input: [ffmpeg::format::context::Input; 1],
    place: Place,
    pictures: Pictures,
}

impl Film {
    fn open(origin: &Origin, settings: GifSettings, threads: u32) -> WorkResult<Self> {
        let input = input::reopen(origin.path())?;
        let index = input::choose(&input).video.ok_or_else(|| WorkError::broken("there is no video"))?;
        let stream = input.stream(index).ok_or_else(|| WorkError::broken("the video stream is gone"))?;
        let pictures = Pictures::in_full_colour(&stream, settings.max_short_side, settings.max_frame_rate, threads)?;
        Ok(Self { input: [input], place: Place { input: 0, stream: index }, pictures })
    }

    fn play(&mut self, report: &mut dyn FnMut(f64), see: &mut dyn FnMut(&mut frame::Video) -> WorkResult<()>) -> WorkResult<()> {
        let duration_us = self.input.iter().map(input::duration_s).sum::<f64>() * 1e6;
        let mut readers = Readers::new(&mut self.input, vec![self.place]);
        while let Some(found) = readers.next()? {
            if let Some(at_us) = found.at_us.filter(|_| duration_us > 0.0) {
                report(at_us as f64 / duration_us);
            }
            self.pictures.feed(&found.packet, see)?;
        }
        self.pictures.finish(see)
    }
}

fn choose_colours(film: &mut Film, report: &mut dyn FnMut(f64)) -> WorkResult<frame::Video> {
    let clock = film.pictures.wanted().rate.invert();
    let mut graph: Option<FrameGraph> = None;
    film.play(report, &mut |picture| {
        if graph.is_none() {
            graph = Some(FrameGraph::video(picture, clock, CHOOSE_COLOURS).blame_us("preparing to choose colours")?);
        }
        graph.as_mut().map_or(Ok(()), |graph| graph.push(picture)).blame_us("choosing colours")
    })?;
    let mut palette = frame::Video::empty();
    let mut graph = graph.ok_or_else(|| WorkError::broken("no picture in it can be decoded"))?;
    graph.finish().blame_us("choosing colours")?;
    match graph.pull(&mut palette).blame_us("choosing colours")? {
        true => Ok(palette),
        false => Err(WorkError::broken("no colours came of its pictures")),
    }
}

struct Coder {
    encoder: encoder::video::Encoder,
    rate: Rational,
    graph: Option<FrameGraph>,
    palette: frame::Video,
}

type PacketSink<'a> = dyn FnMut(&mut Packet) -> WorkResult<()> + 'a;

impl Coder {
    fn feed(&mut self, picture: &mut frame::Video, out: &mut PacketSink) -> WorkResult<()> {
        if self.graph.is_none() {
            let graph = FrameGraph::with_palette(picture, &mut self.palette, self.rate.invert(), USE_COLOURS);
            self.graph = Some(graph.blame_us("preparing to use the colours")?);
        }
        if let Some(graph) = &mut self.graph {
            graph.push(picture).blame_us("using the colours")?;
        }
        self.encode(out)
    }

    fn finish(&mut self, out: &mut PacketSink) -> WorkResult<()> {
        if let Some(graph) = &mut self.graph {
            graph.finish().blame_us("using the colours")?;
        }
        self.encode(out)?;
        self.encoder.send_eof().blame_us("ending the GIF")?;
        self.collect(out)
    }

    fn encode(&mut self, out: &mut PacketSink) -> WorkResult<()> {
        let mut picture = frame::Video::empty();
        while let Some(graph) = &mut self.graph {
            if !graph.pull(&mut picture).blame_us("using the colours")? {
                break;
            }
            picture.set_kind(ffmpeg::picture::Type::None);
            self.encoder.send_frame(&picture).blame_us("encoding a GIF")?;
            self.collect(out)?;
        }
        Ok(())
    }

    fn collect(&mut self, out: &mut PacketSink) -> WorkResult<()> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            if packet.duration() <= 0 {
                packet.set_duration(1);
            }
            out(&mut packet)?;
        }
        Ok(())
    }
}

fn open_encoder((width, height): (u32, u32), rate: Rational) -> WorkResult<encoder::video::Encoder> {
    let codec = named("gif")?;
    let open = || {
        let mut encoder = codec::Context::new_with_codec(codec).encoder().video()?;
        encoder.set_width(width);
        encoder.set_height(height);
        encoder.set_format(format::Pixel::PAL8);
        encoder.set_time_base(rate.invert());
        encoder.set_frame_rate(Some(rate));
        encoder.open()
    };
    open().blame_us("opening the GIF encoder")
}
