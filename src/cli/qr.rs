//! A QR code for the terminal.
//!
//! In: a text. Out: lines of half blocks, two rows of the code in each. Must not: print.

use qrcode::{EcLevel, QrCode};

use crate::error::CliError;

/// Quiet zone around the code, in modules; scanners want four, two are enough on a terminal and fit more of them.
const QUIET: i32 = 2;

/// Draws light on dark terminals: a full block is a light module.
pub(super) fn draw(text: &str) -> Result<String, CliError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(CliError::ours)?;
    let width = code.width() as i32;
    let inside = |position: i32| (0..width).contains(&position);
    let light = |x: i32, y: i32| !(inside(x) && inside(y)) || code[(x as usize, y as usize)] == qrcode::Color::Light;
    let mut drawing = String::new();
    for y in (-QUIET..width + QUIET).step_by(2) {
        for x in -QUIET..width + QUIET {
            drawing.push(match (light(x, y), light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        drawing.push('\n');
    }
    Ok(drawing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_square_with_a_light_border() {
        let drawing = draw("tg://login?token=AQIDBAUGBwgJCgsMDQ4PEA").unwrap();
        let lines: Vec<&str> = drawing.lines().collect();
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert_eq!(lines.len(), width.div_ceil(2));
        assert!(lines[0].chars().all(|module| module == '█'));
        assert!(lines.iter().all(|line| line.starts_with("██") && line.ends_with("██")));
    }
}
