//! Sizes and rates as people write them.
//!
//! In: `45M`, `1.5G`, `700 KiB`, `1048576`. Out: bytes. Must not: guess what is no size.

/// Bytes of a size. `K`, `M`, `G` are powers of 1000, `Ki`, `Mi`, `Gi` of 1024; a `B` may follow.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size; write 45M, 1.5G or 700Ki");
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit = unit.trim().to_ascii_lowercase();
    let factor = match unit.strip_suffix('b').unwrap_or(&unit) {
        "" => 1.0,
        "k" => 1e3,
        "m" => 1e6,
        "g" => 1e9,
        "ki" => 1024.0,
        "mi" => 1024.0 * 1024.0,
        "gi" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(wrong()),
    };
    let bytes = number * factor;
    if (1.0..1e15).contains(&bytes) { Ok(bytes as u64) } else { Err(wrong()) }
}

/// The size as people read it.
pub(super) fn show(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

/// Frames a second as people read them: 25, 29.97.
pub(super) fn show_rate(frames: f64) -> String {
    ((frames * 100.0).round() / 100.0).to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn rates_have_no_more_digits_than_they_need() {
        for (frames, text) in [(25.0, "25"), (30_000.0 / 1001.0, "29.97"), (12.5, "12.5"), (0.0, "0")] {
            assert_eq!(super::show_rate(frames), text);
        }
    }

    #[test]
    fn sizes_are_read_as_they_are_written() {
        let table = [
            ("45M", Some(45_000_000)),
            ("1.5G", Some(1_500_000_000)),
            ("700 KiB", Some(716_800)),
            ("1048576", Some(1_048_576)),
            ("12mb", Some(12_000_000)),
            ("0", None),
            ("-4M", None),
            ("M", None),
            ("4 parsecs", None),
            ("9999999G", None),
        ];
        for (text, expected) in table {
            assert_eq!(super::parse(text).ok(), expected, "{text}");
        }
    }
}
