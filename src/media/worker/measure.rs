//! Size, rate and threads of an encoded picture.
//!
//! In: what the source has. Out: what the encoder is given. Must not: touch FFmpeg's objects.

use ffmpeg::Rational;
use ffmpeg_next as ffmpeg;

/// Longest side of H.264 level 5.1.
const MAX_LONG_SIDE: f64 = 4096.0;
/// Above this size memory is what is short: so fewer threads.
const LARGE_PIXELS: u64 = 2560 * 1440;
const LARGE_THREADS: u32 = 3;

/// Even, not above the bounds, in the shape of the display.
pub(crate) fn target_size((width, height): (u32, u32), max_short_side: Option<u32>) -> (u32, u32) {
    let (width, height) = (f64::from(width.max(2)), f64::from(height.max(2)));
    let short = max_short_side.map_or(1.0, |side| f64::from(side) / width.min(height));
    let factor = short.min(MAX_LONG_SIDE / width.max(height)).min(1.0);
    let even = |length: f64| (((length * factor + 1e-6) as u32) & !1).max(2);
    // Rounded to the nearest even number where it was scaled, rounded down (one line lost) where it was not.
    if factor < 1.0 {
        let nearest = |length: f64| ((length * factor / 2.0).round() as u32 * 2).max(2);
        return (nearest(width), nearest(height));
    }
    (even(width), even(height))
}

/// One rate for all frames: the nominal rate if the average is near it, the average if not (variable rate), within bounds.
pub(super) fn steady_rate(average: Rational, nominal: Rational, max: f64) -> Rational {
    let valid = |rate: &Rational| rate.numerator() > 0 && rate.denominator() > 0 && f64::from(*rate) <= 1000.0;
    let rate = match (Some(average).filter(valid), Some(nominal).filter(valid)) {
        (Some(average), Some(nominal)) if (0.9..=1.1).contains(&(f64::from(nominal) / f64::from(average))) => nominal,
        (Some(average), _) => average,
        (None, Some(nominal)) => nominal,
        (None, None) => Rational(30, 1),
    };
    let frames = f64::from(rate);
    if frames > max * 1.01 {
        // Halved evenly if that is enough (50 -> 25), else the bound itself.
        if frames / 2.0 <= max * 1.01 && frames / 2.0 > max * 0.6 {
            return Rational(rate.numerator(), rate.denominator().saturating_mul(2));
        }
        return Rational((max * 1000.0) as i32, 1000).reduce();
    }
    if frames < 1.0 { Rational(1, 1) } else { rate }
}

/// True if the picture is so large that memory is what is short.
pub(super) fn is_large((width, height): (u32, u32)) -> bool {
    u64::from(width) * u64::from(height) > LARGE_PIXELS
}

/// Each thread holds frames of its own: at 4K, three need 1 GB with libx264's `veryfast`, twelve did not fit 1.5 GB (measured).
pub(super) fn threads_for(display: (u32, u32), threads: u32) -> u32 {
    match threads {
        _ if !is_large(display) => threads,
        0 => LARGE_THREADS,
        threads => threads.min(LARGE_THREADS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_even_and_bounded() {
        let table = [
            ((320, 180), None, (320, 180)),
            ((101, 77), None, (100, 76)),
            ((1920, 1080), Some(720), (1280, 720)),
            ((1080, 1920), Some(720), (720, 1280)),
            ((854, 480), Some(360), (640, 360)),
            ((7680, 4320), None, (4096, 2304)),
            ((1, 1), None, (2, 2)),
            ((0, 0), None, (2, 2)),
        ];
        for (display, max_short_side, expected) in table {
            assert_eq!(target_size(display, max_short_side), expected, "{display:?}");
        }
    }

    #[test]
    fn large_pictures_get_few_threads() {
        for (display, threads, expected) in
            [((1920, 1080), 0, 0), ((1920, 1080), 12, 12), ((3840, 2160), 0, 3), ((3840, 2160), 1, 1), ((3840, 2160), 12, 3)]
        {
            assert_eq!(threads_for(display, threads), expected, "{display:?} {threads}");
        }
    }

    #[test]
    fn frame_rates_are_steady_and_sane() {
        let none = Rational(0, 0);
        let table = [
            ((Rational(30, 1), Rational(30, 1), 60.0), Rational(30, 1)),
            ((Rational(2997, 101), Rational(30, 1), 60.0), Rational(30, 1)),
            ((Rational(17, 1), Rational(90_000, 1), 60.0), Rational(17, 1)),
            ((none, Rational(25, 1), 60.0), Rational(25, 1)),
            ((none, none, 60.0), Rational(30, 1)),
            ((none, Rational(90_000, 1), 60.0), Rational(30, 1)),
            ((Rational(120, 1), Rational(120, 1), 60.0), Rational(120, 2)),
            ((Rational(240, 1), Rational(240, 1), 60.0), Rational(60, 1)),
            ((Rational(50, 1), Rational(50, 1), 25.0), Rational(50, 2)),
            ((Rational(1, 10), Rational(1, 10), 60.0), Rational(1, 1)),
        ];
        for ((average, nominal, max), expected) in table {
            assert_eq!(f64::from(steady_rate(average, nominal, max)), f64::from(expected), "{average:?} {nominal:?}");
        }
    }
}
