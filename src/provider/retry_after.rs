//! How long an upstream asks to wait, and whether it wants a retry at all.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

use crate::domain::Timestamp;

/// The longest wait that is believed; more is the business of an operator.
const WAIT_MAX: Duration = Duration::from_secs(32 * 24 * 3600);

/// What the headers of an answer say about trying again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RetryHints {
    /// `retry-after-ms` or `retry-after` (seconds or an HTTP date).
    pub(super) after: Option<Duration>,
    /// `x-should-retry`.
    pub(super) should: Option<bool>,
}

impl RetryHints {
    /// Reads them; what cannot be read counts as absent.
    pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let after = text("retry-after-ms")
            .and_then(|text| span(text, 0.001))
            .or_else(|| text("retry-after").and_then(|text| span(text, 1.0).or_else(|| until(text, now))));
        let should = match text("x-should-retry") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        Self { after: after.map(|wait| wait.min(WAIT_MAX)), should }
    }
}

fn span(text: &str, unit_seconds: f64) -> Option<Duration> {
    let amount: f64 = text.parse().ok().filter(|amount: &f64| amount.is_finite())?;
    Duration::try_from_secs_f64((amount * unit_seconds).min(WAIT_MAX.as_secs_f64())).ok()
}

fn until(date: &str, now: Timestamp) -> Option<Duration> {
    let instant = httpdate::parse_http_date(date).ok()?;
    let since_epoch = instant.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp(0).after(since_epoch).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> RetryHints {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        RetryHints::read(&headers, Timestamp::parse("2026-11-24T04:00:00Z").unwrap())
    }

    #[test]
    fn seconds_dates_and_nonsense() {
        let after = |value| read(&[("retry-after", value)]).after;
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(after("Tue, 24 Nov 2026 04:01:30 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(after("Tue, 24 Nov 2026 03:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("999999999999"), Some(WAIT_MAX));
        assert_eq!(after("-3"), None);
        assert_eq!(after("NaN"), None);
        assert_eq!(after("inf"), None);
        assert_eq!(after("soon"), None);
        assert_eq!(read(&[("retry-after-ms", "250")]).after, Some(Duration::from_millis(250)));
    }

    #[test]
    fn should_retry_is_true_false_or_absent() {
        assert_eq!(read(&[("x-should-retry", "true")]).should, Some(true));
        assert_eq!(read(&[("x-should-retry", "false")]).should, Some(false));
        assert_eq!(read(&[("x-should-retry", "maybe")]).should, None);
    }
}
