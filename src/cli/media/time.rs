//! Times as people write them.
//!
//! In: `90`, `1:30`, `1:02:03.5`, `1h2m3s`. Out: a duration. Must not: guess what is no time.

use std::time::Duration;

/// Longest time that is taken: a thousand hours.
const LONGEST_S: f64 = 3.6e6;

/// A time of seconds, of minutes and seconds by colons, or with units.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let seconds = if text.contains(['h', 'm', 's']) { with_units(text) } else { with_colons(text) };
    let good = |seconds: &f64| (0.0..=LONGEST_S).contains(seconds);
    seconds.filter(good).map(Duration::from_secs_f64).ok_or_else(|| format!("{text:?} is no time; write 90, 1:30, 1:02:03.5 or 1m30s"))
}

/// The time as people read it.
pub(super) fn show(seconds: f64) -> String {
    let hundredths = (seconds * 100.0).round() as u64;
    let (minutes, rest) = (hundredths / 6000, hundredths % 6000);
    format!("{}:{:02}.{:02}", minutes, rest / 100, rest % 100)
}

fn with_colons(text: &str) -> Option<f64> {
    let parts: Vec<&str> = text.trim().split(':').collect();
    let (last, before) = parts.split_last()?;
    let mut seconds = 0.0;
    for part in before {
        seconds = (seconds + f64::from(part.parse::<u32>().ok()?)) * 60.0;
    }
    let last = number(last).filter(|last| before.is_empty() || *last < 60.0)?;
    (before.len() <= 2).then_some(seconds + last)
}

fn with_units(text: &str) -> Option<f64> {
    let (mut rest, mut seconds) = (text.trim(), 0.0);
    for (unit, factor) in [('h', 3600.0), ('m', 60.0), ('s', 1.0)] {
        if let Some((value, behind)) = rest.split_once(unit) {
            seconds += number(value.trim())? * factor;
            rest = behind.trim_start();
        }
    }
    rest.is_empty().then_some(seconds)
}

/// Digits with at most one point; no sign, no exponent.
fn number(text: &str) -> Option<f64> {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_read_as_they_are_written() {
        let table = [
            ("0", Some(0.0)),
            ("90", Some(90.0)),
            ("1.25", Some(1.25)),
            ("1:30", Some(90.0)),
            ("01:02:03.5", Some(3723.5)),
            ("100:00", Some(6000.0)),
            ("1h2m3s", Some(3723.0)),
            ("2m", Some(120.0)),
            ("1m 30.5s", Some(90.5)),
            ("", None),
            ("-3", None),
            ("1:75", None),
            ("1:2:3:4", None),
            ("1.5:30", None),
            ("3m2h", None),
            ("inf", None),
            ("1e3", None),
            ("noon", None),
            ("9999999", None),
        ];
        for (text, expected) in table {
            assert_eq!(super::parse(text).ok().map(|time| time.as_secs_f64()), expected, "{text}");
        }
        assert_eq!([super::show(0.0), super::show(61.004), super::show(3723.5)], ["0:00.00", "1:01.00", "62:03.50"]);
    }
}
