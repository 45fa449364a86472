//! Cuts the square out of a picture that has one: video sites put the cover of a song between bars of one colour.
//!
//! In: a picture as [`super::jpeg::scale`] makes it. Out: the square, or the picture as it was. Must not: cut into what is no bar.

use ffmpeg::{Rational, frame};
use ffmpeg_next as ffmpeg;

use super::error::{Blame, WorkError, WorkResult};
use super::graph::FrameGraph;

/// Brightness within a bar differs by no more than this: it was a JPEG before.
const NOISE: u8 = 20;
/// Sides that differ by no more than this part are those of a square.
const NEARLY: f64 = 0.03;
/// Less than this part of the picture is no cover.
const SMALLEST: f64 = 0.3;

/// A part of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// The square in it, if there are bars around one.
pub(super) fn squared(mut picture: frame::Video) -> WorkResult<frame::Video> {
    let (width, height, stride) = (picture.width() as usize, picture.height() as usize, picture.stride(0));
    let rows: Vec<&[u8]> = (0..height).filter_map(|row| picture.data(0).get(row * stride..row * stride + width)).collect();
    let Some(Part { x, y, width, height }) = square_in(&rows) else { return Ok(picture) };
    let side = width.min(height);
    let (x, y) = (x + (width - side) / 2, y + (height - side) / 2);
    let mut graph =
        FrameGraph::video(&picture, Rational(1, 25), &format!("crop={side}:{side}:{x}:{y}")).blame_us("preparing to cut a picture")?;
    graph.push(&mut picture).blame_us("cutting a picture")?;
    graph.finish().blame_us("cutting a picture")?;
    let mut square = frame::Video::empty();
    match graph.pull(&mut square).blame_us("cutting a picture")? {
        true => Ok(square),
        false => Err(WorkError::broken("a picture vanished while it was cut")),
    }
}

/// What is left without the bars, if that is a square and they were there.
fn square_in(rows: &[&[u8]]) -> Option<Part> {
    let content = without_bars(rows)?;
    let whole = rows.first()?.len().min(rows.len());
    let (width, height) = (content.width as f64, content.height as f64);
    let is_square = (width / height - 1.0).abs() <= NEARLY;
    let is_less = content.width < rows.first()?.len() || content.height < rows.len();
    (is_square && is_less && width.min(height) >= whole as f64 * SMALLEST).then_some(content)
}

/// Rows of one brightness above and below first: the bars at the sides may end there.
fn without_bars(rows: &[&[u8]]) -> Option<Part> {
    let is_bar = |row: &&[u8]| is_even(row.iter().copied());
    let y = rows.iter().position(|row| !is_bar(row))?;
    let end_y = rows.iter().rposition(|row| !is_bar(row))? + 1;
    let kept = &rows[y..end_y];
    let is_bar = |column: &usize| is_even(kept.iter().map(|row| row[*column]));
    let width = kept.first()?.len();
    let x = (0..width).find(|column| !is_bar(column))?;
    let end_x = (0..width).rfind(|column| !is_bar(column))? + 1;
    Some(Part { x, y, width: end_x - x, height: end_y - y })
}

fn is_even(pixels: impl Iterator<Item = u8>) -> bool {
    let (least, most) = pixels.fold((u8::MAX, u8::MIN), |(least, most), pixel| (least.min(pixel), most.max(pixel)));
    most.saturating_sub(least) <= NOISE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of one colour with a part that is no bar.
    fn picture(width: usize, height: usize, content: Part) -> Vec<Vec<u8>> {
        let inside = |x: usize, y: usize| {
            (content.x..content.x + content.width).contains(&x) && (content.y..content.y + content.height).contains(&y)
        };
        let pixel = |x: usize, y: usize| if inside(x, y) { ((x * 7 + y * 13) % 256) as u8 } else { 40 + ((x + y) % 5) as u8 };
        (0..height).map(|y| (0..width).map(|x| pixel(x, y)).collect()).collect()
    }

    #[test]
    fn only_a_square_between_bars_is_cut_out() {
        let part = |x, y, width, height| Part { x, y, width, height };
        let table = [
            ("a cover between bars", (160, 90), part(35, 0, 90, 90), true),
            ("with bars above and below as well", (120, 90), part(26, 11, 68, 68), true),
            ("a wide picture", (160, 90), part(0, 0, 160, 90), false),
            ("a wide picture with bars above and below", (120, 90), part(0, 11, 120, 68), false),
            ("a square already", (90, 90), part(0, 0, 90, 90), false),
            ("a small logo", (160, 90), part(70, 35, 20, 20), false),
            ("one colour", (160, 90), part(0, 0, 0, 0), false),
        ];
        for (name, (width, height), content, expected) in table {
            let rows = picture(width, height, content);
            let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
            assert_eq!(square_in(&rows), expected.then_some(content), "{name}");
        }
    }
}
