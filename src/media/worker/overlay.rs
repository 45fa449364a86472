//! Lays subtitles that are pictures over the pictures of a film.
//!
//! In: frames as an encoder takes them, what stands over them. Out: frames of the same size at the same times. Must not: change what nothing stands over.

use ffmpeg::{Rational, format, frame};
use ffmpeg_next as ffmpeg;

use super::bitmaps::{Bitmaps, Shown};
use super::error::{Blame, WorkResult};
use super::graph::FrameGraph;

/// Subtitles on their way into pictures.
pub(super) struct Overlay {
    pub(super) bitmaps: Bitmaps,
    /// For what stands there now, by its number.
    graph: Option<(u64, FrameGraph)>,
    /// Frames a second: their timestamps count frames.
    rate: Rational,
}

/// Where frames go.
type Sink<'a> = dyn FnMut(&mut frame::Video) -> WorkResult<()> + 'a;

impl Overlay {
    pub(super) fn new(bitmaps: Bitmaps, rate: Rational) -> Self {
        Self { bitmaps, graph: None, rate }
    }

    /// Hands the frame on, with what stands over it then.
    pub(super) fn lay(&mut self, picture: &mut frame::Video, out: &mut Sink) -> WorkResult<()> {
        let at_us = (picture.pts().unwrap_or(0) as f64 / f64::from(self.rate) * 1e6).round() as i64;
        let Some(shown) = self.bitmaps.at(at_us) else {
            end(&mut self.graph, out)?;
            return out(picture);
        };
        if self.graph.as_ref().is_none_or(|(number, _)| *number != shown.number) {
            end(&mut self.graph, out)?;
            let size = (picture.width(), picture.height());
            let graph = FrameGraph::with_palette(picture, &mut as_frame(shown), self.rate.invert(), &spec(shown.canvas, shown.place, size));
            self.graph = Some((shown.number, graph.blame_us("preparing to lay subtitles over pictures")?));
        }
        if let Some((_, graph)) = &mut self.graph {
            graph.push(picture).blame_us("laying subtitles over pictures")?;
            hand_out(graph, out)?;
        }
        Ok(())
    }

    /// Says that no more frames come.
    pub(super) fn finish(&mut self, out: &mut Sink) -> WorkResult<()> {
        end(&mut self.graph, out)
    }
}

fn end(graph: &mut Option<(u64, FrameGraph)>, out: &mut Sink) -> WorkResult<()> {
    let Some((_, mut graph)) = graph.take() else { return Ok(()) };
    graph.finish().blame_us("laying subtitles over pictures")?;
    hand_out(&mut graph, out)
}

fn hand_out(graph: &mut FrameGraph, out: &mut Sink) -> WorkResult<()> {
    let mut picture = frame::Video::empty();
    while graph.pull(&mut picture).blame_us("laying subtitles over pictures")? {
        picture.set_kind(ffmpeg::picture::Type::None);
        out(&mut picture)?;
    }
    Ok(())
}

/// The filters: scaled as the film is, then laid where it belongs.
fn spec(canvas: (u32, u32), place: (u32, u32, u32, u32), size: (u32, u32)) -> String {
    let scaled = |length: u32, canvas: u32, size: u32| (f64::from(length) * f64::from(size) / f64::from(canvas.max(1))).round() as u32;
    let (left, top, width, height) = place;
    let (x, y) = (scaled(left, canvas.0, size.0), scaled(top, canvas.1, size.1));
    let (width, height) = (scaled(width, canvas.0, size.0).max(1), scaled(height, canvas.1, size.1).max(1));
    format!(
        "[palette]scale={width}:{height}:flags=bicubic,format=yuva420p[over];[in][over]overlay=x={x}:y={y}:format=yuv420,format=yuv420p[out]"
    )
}

fn as_frame(shown: &Shown) -> frame::Video {
    let (_, _, width, height) = shown.place;
    let mut picture = frame::Video::new(format::Pixel::BGRA, width, height);
    let line_bytes = picture.stride(0);
    for (line, pixels) in picture.data_mut(0).chunks_mut(line_bytes).zip(shown.pixels.chunks(width.max(1) as usize)) {
        line[..pixels.len() * 4].copy_from_slice(pixels.as_flattened());
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::spec;

    #[test]
    fn subtitles_are_scaled_as_the_film_is() {
        let table = [
            (((1920, 1080), (600, 900, 720, 90), (1920, 1080)), ("scale=720:90", "x=600:y=900")),
            (((1920, 1080), (600, 900, 720, 90), (1280, 720)), ("scale=480:60", "x=400:y=600")),
            (((720, 576), (0, 500, 720, 40), (1024, 576)), ("scale=1024:40", "x=0:y=500")),
            (((1920, 1080), (0, 0, 1, 1), (64, 36)), ("scale=1:1", "x=0:y=0")),
        ];
        for ((canvas, place, size), (scale, at)) in table {
            let spec = spec(canvas, place, size);
            assert!(spec.contains(scale) && spec.contains(at), "{spec}");
        }
    }
}
