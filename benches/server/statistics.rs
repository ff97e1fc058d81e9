//! Percentiles, and durations a person can read.

use std::time::Duration;

/// The value below which `percent` of the samples lie; zero without samples.
pub fn percentile(samples: &mut [Duration], percent: usize) -> Duration {
    samples.sort_unstable();
    let last = samples.len().saturating_sub(1);
    samples.get((samples.len() * percent / 100).min(last)).copied().unwrap_or_default()
}

/// `p50 1.2 ms, p99 3.4 ms`.
pub fn spread(samples: &mut [Duration]) -> String {
    format!("p50 {}, p99 {}", short(percentile(samples, 50)), short(percentile(samples, 99)))
}

/// Three significant digits or so: `870 µs`, `4.3 ms`, `1.25 s`.
pub fn short(span: Duration) -> String {
    let micros = span.as_secs_f64() * 1e6;
    match micros {
        ..1e3 => format!("{micros:.0} µs"),
        ..1e4 => format!("{:.2} ms", micros / 1e3),
        ..1e6 => format!("{:.0} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}
