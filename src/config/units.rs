//! Durations, sizes and dollars: how they are written, read and shown.

use std::time::Duration;

/// Milliseconds of each unit a duration may be written in, largest first.
const DURATION_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Bytes of each unit a size may be written in, largest first.
const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads `"500ms"`, `"1s"`, `"5m"`, `"12h"`, `"90d"`; `None` for anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    measure(text, &DURATION_UNITS).map(Duration::from_millis)
}

/// Reads `"512B"`, `"256KiB"`, `"1MiB"`, `"2GiB"` as bytes; `None` for anything else.
pub fn parse_size(text: &str) -> Option<u64> {
    measure(text, &SIZE_UNITS)
}

/// A duration in the largest unit that shows it whole: `"7d"`, `"90s"`, `"0s"`.
pub fn show_duration(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if ms == 0 { "0s".to_owned() } else { largest(ms, &DURATION_UNITS) }
}

/// A size in the largest unit that shows it whole: `"256KiB"`.
pub fn show_size(bytes: u64) -> String {
    if bytes == 0 { "0B".to_owned() } else { largest(bytes, &SIZE_UNITS) }
}

fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn largest(amount: u64, units: &[(&str, u64)]) -> String {
    let (name, factor) =
        units.iter().find(|(_, factor)| amount.is_multiple_of(*factor)).copied().unwrap_or(("", 1));
    format!("{}{name}", amount / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_and_shown() {
        for (text, ms) in [("0s", 0), ("500ms", 500), ("1s", 1000), ("5m", 300_000), ("7d", 604_800_000)] {
            let duration = parse_duration(text).unwrap();
            assert_eq!(duration, Duration::from_millis(ms));
            assert_eq!(show_duration(duration), text);
        }
        for (text, bytes) in [("1B", 1), ("256KiB", 262_144), ("1MiB", 1_048_576), ("2GiB", 2_147_483_648)] {
            assert_eq!(parse_size(text), Some(bytes));
            assert_eq!(show_size(bytes), text);
        }
    }

    #[test]
    fn a_number_without_a_unit_a_foreign_unit_and_an_overflow_are_refused() {
        for bad in ["", "5", "s", "-1s", "1.5s", "1 week", "5S", "99999999999999999999d", "999999999999999d"]
        {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        for bad in ["3 potatoes", "256KB", "256", "é", "999999999999GiB"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }
}
